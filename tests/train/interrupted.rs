//! Folders of runs: one run at a time, written over by nothing, and gone on with to
//! the same end.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::commands::{Folder, RECIPE};

/// What became of a run, as it says at its end.
pub(super) fn summary(said: &str) -> String {
    let at = said.find("on held-out problems").unwrap();
    let lines = said[at..]
        .lines()
        .take_while(|line| !line.contains(": report.html"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_not_a_runs_is_not_written_over() {
    let folder = Folder::new();
    let mine = ["own/best/notes.txt", "own/final/thesis.tex"];
    for name in mine {
        fs::create_dir_all(folder.path(name).parent().unwrap()).unwrap();
        fs::write(folder.path(name), "years of work").unwrap();
    }
    fs::write(folder.path("own/recipe.toml"), RECIPE).unwrap();
    for extra in [&[][..], &["--overwrite"], &["--resume"]] {
        for (recipe, output) in [("tiny.toml", "own"), ("own/recipe.toml", "own")] {
            let args = [&["train", recipe, "-q", "-o", output], extra].concat();
            folder.run(2, &args);
        }
    }
    let said = folder.run(2, &["train", "tiny.toml", "-o", ".", "--overwrite"]);
    assert!(said.contains("`own`"), "{said}");
    for name in mine {
        assert!(folder.path(name).exists(), "{name}");
    }
    assert_eq!(fs::read_dir(folder.path("own")).unwrap().count(), 3);
    let kept = fs::read_to_string(folder.path("own/recipe.toml")).unwrap();
    assert_eq!(kept, RECIPE);

    // An empty folder is as good as none; a run's own is replaced when asked.
    fs::create_dir(folder.path("run")).unwrap();
    let train = ["train", "tiny.toml", "-q", "-o", "run"];
    folder.run(0, &train);
    fs::create_dir(folder.path("run/kept")).unwrap();
    fs::write(folder.path("run/kept/old.jsonl"), "").unwrap();
    let anew = [&train[..], &["--overwrite"]].concat();
    let never = [
        &anew[..],
        &["--set", "evaluation.early_stop={at_least=2.0}"],
    ]
    .concat();
    folder.run(0, &never);
    assert!(!folder.path("run/kept").exists());
    let copy = fs::read_to_string(folder.path("run/recipe.toml")).unwrap();
    assert!(copy.contains("#: set evaluation.early_stop"), "{copy}");
    // Not with something foreign in it, and not from what it would replace.
    fs::write(folder.path("run/final/notes.txt"), "mine").unwrap();
    let said = folder.run(2, &anew);
    assert!(said.contains("notes.txt"), "{said}");
    assert!(folder.path("run/best/model.safetensors").exists());
    fs::remove_file(folder.path("run/final/notes.txt")).unwrap();
    let from = ["train", "run/recipe.toml", "-q", "-o", "run", "--overwrite"];
    let said = folder.run(2, &from);
    assert!(said.contains("copy it elsewhere"), "{said}");
    folder.run(
        0,
        &["train", "run/recipe.toml", "-q", "-o", "run", "--resume"],
    );
}

#[test]
fn a_run_goes_on_only_with_what_it_was_begun_with() {
    let folder = Folder::new();
    let rows = |answer: u32| {
        let row = |n: u32| format!("{{\"prompt\": \"{n}+1=\", \"reference\": \"{answer}\"}}\n");
        (0..4).map(row).collect::<String>()
    };
    fs::write(folder.path("rows.jsonl"), rows(1)).unwrap();
    let given = "generator = { addition = { digits = 1 } }\npart = \"held_out\"";
    let recipe = RECIPE.replace(given, "file = \"rows.jsonl\"");
    fs::write(folder.path("tiny.toml"), recipe).unwrap();
    let resume = ["train", "tiny.toml", "-o", "run", "--resume", "--plain"];
    folder.run(0, &["train", "tiny.toml", "-o", "run", "-q", "--jobs", "1"]);
    let said = folder.run(0, &[&resume[..], &["--jobs", "2"]].concat());
    assert!(said.contains("goes on with `cpu, 2 threads`"), "{said}");
    fs::write(folder.path("rows.jsonl"), rows(2)).unwrap();
    let said = folder.run(2, &resume);
    assert!(said.contains("another content of `rows.jsonl`"), "{said}");
    // Nor before the first checkpoint.
    fs::write(folder.path("rows.jsonl"), rows(1)).unwrap();
    fs::remove_dir_all(folder.path("run/checkpoints")).unwrap();
    let said = folder.run(2, &[&resume[..], &["--seed", "9"]].concat());
    assert!(said.contains("another recipe"), "{said}");
    folder.run(0, &resume);
}

#[cfg(unix)]
#[test]
fn a_folder_has_one_run_at_a_time() {
    let folder = Folder::new();
    let long = ["--set", "stages.reasoning.grpo.steps=100000", "--jobs", "1"];
    let args = [&["train", "tiny.toml", "-o", "run", "-q"], &long[..]].concat();
    let mut child = folder.command(&args).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !folder.path("run/checkpoints").exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "no checkpoint");
        thread::sleep(Duration::from_millis(5));
    }
    for more in ["--resume", "--overwrite"] {
        let said = folder.run(2, &[&args[..], &[more]].concat());
        let busy = "another run is going on in `run`: wait until it has ended, stop it";
        assert!(said.contains(busy), "{more}: {said}");
    }
    // Another folder is free, and death gives the first one back.
    folder.run(0, &["train", "tiny.toml", "-o", "other", "-q"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let short = ["train", "tiny.toml", "-o", "run", "-q", "--overwrite"];
    folder.run(0, &short);
    assert!(folder.path("run/final").exists());
    // What is left of a run that was killed before it began is in nobody's way.
    fs::create_dir(folder.path("early")).unwrap();
    fs::write(folder.path("early/run.lock"), "").unwrap();
    folder.run(0, &["train", "tiny.toml", "-o", "early", "-q"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_to_the_same_end() {
    let folder = Folder::new();
    let long = ["--set", "stages.reasoning.grpo.steps=40", "--jobs", "1"];
    let whole = folder.run(
        0,
        &[&["train", "tiny.toml", "-o", "whole"], &long[..]].concat(),
    );
    let args = [&["train", "tiny.toml", "-o", "cut"], &long[..]].concat();
    let mut child = folder.command(&args).stderr(Stdio::null()).spawn().unwrap();
    // As soon as it reasons.
    let began = Instant::now();
    while !fs::read_to_string(folder.path("cut/metrics.jsonl"))
        .is_ok_and(|text| text.contains("reasoning"))
    {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "no step in a minute"
        );
        thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(folder.metrics("cut").len() < folder.metrics("whole").len());
    let cut = folder.run(0, &[&args[..], &["--resume"]].concat());
    assert_eq!(summary(&cut), summary(&whole));
    assert_eq!(folder.metrics("cut"), folder.metrics("whole"));
    let weights = |run: &str| fs::read(folder.path(run).join("final/model.safetensors")).unwrap();
    assert!(weights("cut") == weights("whole"), "the weights differ");
}
