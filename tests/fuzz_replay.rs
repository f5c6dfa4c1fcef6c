//! Replays the committed fuzz seeds, whole and cut off at every byte.

use std::fs;
use std::path::Path;

#[path = "../fuzz/oracles.rs"]
mod oracles;

/// Seeds longer than this are cut off at some bytes only.
const CUT_EVERYWHERE: usize = 512;

#[test]
fn seeds_keep_their_promises() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, oracle) in oracles::TARGETS {
        assert!(
            root.join(format!("fuzz_targets/{name}.rs")).is_file(),
            "no target `{name}`"
        );
        let folder = root.join("corpus-seeds").join(name);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let mut seeds = 0;
        for entry in entries {
            let path = entry.expect("a readable entry").path();
            let seed = fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            seeds += 1;
            let step = seed.len().div_ceil(CUT_EVERYWHERE).max(1);
            for length in (0..seed.len()).step_by(step).chain([seed.len()]) {
                let held = std::panic::catch_unwind(|| oracle(&seed[..length]));
                assert!(
                    held.is_ok(),
                    "{path:?}, first {length} bytes: the oracle panics"
                );
            }
        }
        assert!(seeds >= 3, "{folder:?}: {seeds} seeds");
    }
}
