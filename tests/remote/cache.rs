//! Answers that are kept: in memory, and in a folder from run to run.

use super::server::{Reply, Server, chat};
use super::{assert_abstains, judged_by, rollout};

#[test]
fn the_same_question_is_asked_once() {
    let server = Server::saying("Score: 6");
    let engine = judged_by(&server, "");
    let first = engine.score(&rollout("A tool."));
    assert_eq!(engine.score(&rollout("A tool.")), first);
    assert_eq!(server.count(), 1);
    let _ = engine.score(&rollout("A toy."));
    assert_eq!(server.count(), 2);
    let [(_, usage)] = &engine.scorer().usage()[..] else {
        panic!("one endpoint");
    };
    assert_eq!((usage.asked, usage.cached, usage.requests), (3, 1, 2));
}

#[test]
fn memory_has_a_bound() {
    let server = Server::saying("Score: 6");
    let engine = judged_by(&server, "cache_mb = 0");
    for _ in 0..2 {
        assert_eq!(engine.score(&rollout("A tool.")).reward, Some(0.6));
    }
    assert_eq!(server.count(), 2);
}

/// A judge is not asked again, and need not even be there.
#[test]
fn a_folder_makes_a_score_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = format!("cache = {:?}\n", folder.path().join("answers"));
    let server = Server::start(|request| match request.number {
        0 => Reply::Json(chat("Because.\nScore: 6")),
        _ => Reply::Status(404, ""),
    });
    let first = judged_by(&server, &cache).score(&rollout("A tool."));
    assert_eq!(first.reward, Some(0.6));
    let again = judged_by(&server, &cache).score(&rollout("A tool."));
    assert_eq!(first, again);
    assert_eq!(server.count(), 1);
    // Failures are not kept.
    assert_abstains(
        &judged_by(&server, &cache).score(&rollout("A toy.")),
        "remote_status",
    );
    assert_abstains(
        &judged_by(&server, &cache).score(&rollout("A toy.")),
        "remote_status",
    );
    assert_eq!(server.count(), 3);
    // Another question to the same judge is another answer.
    let other = judged_by(&server, &format!("{cache}temperature = 0.5"));
    assert_abstains(&other.score(&rollout("A tool.")), "remote_status");
    // Neither what was judged nor a half-written file is in the folder.
    let mut files = Vec::new();
    for entry in walk(folder.path()) {
        let text = std::fs::read_to_string(&entry).expect("a file");
        assert!(
            !text.contains("spanner") && !text.contains("A tool."),
            "{text}"
        );
        files.push(entry);
    }
    let [file] = &files[..] else {
        panic!("{files:?}");
    };
    // One that is damaged is no answer.
    std::fs::write(file, "{\"version\": 1, \"number\": 10").expect("written");
    assert_abstains(
        &judged_by(&server, &cache).score(&rollout("A tool.")),
        "remote_status",
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let options = format!("{}cache = {:?}\n", super::JUDGE, file);
    let scorer = super::scorer(&super::spec("http://localhost:9/", &options));
    let options = goldstone::engine::EngineOptions::with_jobs(1);
    let error = goldstone::engine::Engine::start(scorer, &options).expect_err("no folder");
    assert!(error.to_string().contains("cannot keep answers"), "{error}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => walk(&path),
            false => vec![path],
        })
        .collect()
}
