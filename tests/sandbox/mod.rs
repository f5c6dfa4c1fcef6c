//! The sandbox: the cases under `tests/data/sandbox/`, determinism, workers.

mod cases;
mod determinism;
mod workers;

use std::path::{Path, PathBuf};
use std::time::Duration;

use goldstone::sandbox::{Job, Limits, Request, Work};

/// A cache directory with the guests of `sandboxes/hostile/`, compiled once.
fn cache() -> PathBuf {
    static CACHE: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    let folder = CACHE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        install(folder.path(), "hostile");
        folder
    });
    folder.path().to_owned()
}

/// Puts a guest of `sandboxes/hostile/` into a cache directory.
fn install(cache: &Path, name: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("sandboxes/hostile");
    let guest = cache.join("guests").join(name);
    std::fs::create_dir_all(&guest).expect("a folder that can be written to");
    let from = source.join(name).with_extension("wat");
    std::fs::copy(&from, guest.join("guest.wasm")).expect("a guest of ours");
}

/// Limits that every case can be judged by.
fn limits() -> Limits {
    Limits {
        fuel: 50_000_000,
        total_fuel: u64::MAX,
        memory_bytes: 1 << 20,
        output_bytes: 1 << 20,
        reply_bytes: 1 << 20,
        calls: 100,
        wall: Duration::from_secs(60),
    }
}

fn request(message: &str) -> Request {
    Request {
        message: message.as_bytes().to_vec(),
        stdin: Vec::new(),
    }
}

fn job(work: Work) -> Job {
    Job {
        guest: "hostile".into(),
        limits: limits(),
        seed: 1,
        work,
    }
}
