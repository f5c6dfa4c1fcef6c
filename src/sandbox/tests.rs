//! What can't be seen from outside: compiled modules that are refused, walls.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::cache::Cache;
use super::frame::{self, Order, Wall};
use super::{Job, Limits, SandboxError, Work, engine, walls};

const GUEST: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "guest_alloc") (param i32) (result i32) (i32.const 0))
    (func (export "guest_turn") (param i32 i32) (result i32) (i32.const 0)))"#;

/// A cache directory with one guest, compiled.
fn prepared() -> (tempfile::TempDir, Cache, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("guests/small")).unwrap();
    fs::write(folder.path().join("guests/small/guest.wasm"), GUEST).unwrap();
    let cache = Cache::open(Some(folder.path())).unwrap();
    let sha256 = cache
        .prepare(&engine::compiler().unwrap(), "small")
        .unwrap()
        .sha256;
    (folder, cache, sha256)
}

fn compiled_file(folder: &Path) -> std::path::PathBuf {
    let mut entries = fs::read_dir(folder.join("compiled")).unwrap();
    let file = entries.next().unwrap().unwrap().path();
    assert!(
        entries.next().is_none(),
        "one file wanted, and no part of one"
    );
    file
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_compiled_is_loaded_by_an_engine_that_runs() {
    let (folder, cache, sha256) = prepared();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("compiled")), 0o700);
    assert_eq!(mode(&compiled_file(folder.path())), 0o600);
    cache.load(&engine::runner().unwrap(), &sha256).unwrap();
}

#[test]
fn compiled_code_that_others_could_have_written_is_refused() {
    let (folder, cache, sha256) = prepared();
    let engine = engine::runner().unwrap();
    let refused = |what: &str| {
        let loaded = cache.load(&engine, &sha256);
        assert!(matches!(loaded, Err(SandboxError::Failed { .. })), "{what}");
    };
    let file = compiled_file(folder.path());
    for mode in [0o620, 0o602, 0o666] {
        set_mode(&file, mode);
        refused("a file that others may write to");
    }
    set_mode(&file, 0o644);
    cache.load(&engine, &sha256).expect("others may read it");
    for mode in [0o770, 0o707] {
        set_mode(&folder.path().join("compiled"), mode);
        refused("a folder that others may write to");
    }
    set_mode(&folder.path().join("compiled"), 0o755);
    cache.load(&engine, &sha256).expect("others may look at it");
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("code.cwasm");
    fs::rename(&file, &moved).unwrap();
    symlink(&moved, &file).unwrap();
    refused("a link that leads out of the cache");
}

#[test]
fn a_guest_that_others_could_have_written_is_refused() {
    let (folder, cache, _) = prepared();
    let guest = folder.path().join("guests/small/guest.wasm");
    set_mode(&guest, 0o666);
    let prepared = cache.prepare(&engine::compiler().unwrap(), "small");
    assert!(matches!(prepared, Err(SandboxError::Failed { .. })));
}

#[test]
fn landlock_leaves_one_folder_to_read() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::write(&inside, "x").unwrap();
    // It holds for the thread that asks for it alone.
    let path = folder.path().to_owned();
    let tried = std::thread::spawn(move || {
        if walls::only_files_below(&path) != Wall::Stands {
            return None;
        }
        let opened = [
            fs::read(path.join("inside")).is_ok(),
            fs::write(path.join("inside"), "y").is_ok(),
            fs::write(path.join("new"), "y").is_ok(),
            fs::read("/etc/passwd").is_ok(),
            fs::read_dir("/").is_ok(),
            std::net::TcpListener::bind("127.0.0.1:0").is_ok(),
        ];
        Some(opened)
    });
    if let Some(opened) = tried.join().unwrap() {
        assert_eq!(opened, [true, false, false, false, false, false]);
    }
}

#[test]
fn frames_are_whole_or_an_error() {
    let job = Job {
        guest: "small".into(),
        limits: Limits {
            fuel: 1,
            total_fuel: 8,
            memory_bytes: 2,
            output_bytes: 3,
            reply_bytes: 4,
            calls: 5,
            wall: std::time::Duration::from_secs(6),
        },
        seed: 7,
        work: Work::Fresh(Vec::new()),
    };
    let mut bytes = Vec::new();
    frame::write(&mut bytes, &Order::Run(job.clone())).unwrap();
    let read = |bytes: &[u8]| frame::read::<Order>(&mut &bytes[..]);
    let Ok(Some(Order::Run(same))) = read(&bytes) else {
        panic!("not what was written");
    };
    assert_eq!(same, job);
    assert!(matches!(read(&[]), Ok(None)), "the end of the stream");
    for length in 1..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "{length} bytes of a frame");
    }
    bytes[..8].fill(0xff);
    assert!(read(&bytes).is_err(), "a length beyond all bounds");
}
