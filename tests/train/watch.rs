//! What watchers write of a run.

use std::fs;
use std::path::Path;

use goldstone::train::watch::{
    CompletionRecord, Ending, GLOSSARY, Kind, ReportPage, RunFiles, RunFilesOptions, RunFolder,
    RunInfo, StageInfo, StepRecord, TensorBoard, Watcher, Watchers, is_summary, shown, title,
    write_report,
};

fn info(folder: &Path) -> RunInfo {
    RunInfo {
        version: "0.1.0".to_owned(),
        name: "addition".to_owned(),
        stages: vec![StageInfo {
            name: "reasoning".to_owned(),
            kind: "grpo".to_owned(),
            steps: 6,
        }],
        headline: Some("pass@1".to_owned()),
        folder: folder.to_owned(),
        recipe: "version = 1\n".to_owned(),
        ..RunInfo::default()
    }
}

fn step(step: u64, kind: Kind) -> StepRecord {
    StepRecord {
        stage: "reasoning".to_owned(),
        kind,
        step,
        stage_step: step,
        stage_steps: 6,
        time: 1_700_000_000.25 + step as f64,
        metrics: vec![
            ("reward".to_owned(), 0.1 * step as f64),
            ("kl".to_owned(), f64::NAN),
            ("a/first".to_owned(), 1e-300),
        ],
    }
}

fn completion(step: u64) -> CompletionRecord {
    CompletionRecord {
        step,
        stage: "reasoning".to_owned(),
        group: 1,
        prompt: "1+1=".to_owned(),
        completion: "</script>\u{2028}\n\"2\"".to_owned(),
        reward: Some(1.0),
        terms: vec![
            ("zeta".to_owned(), Some(1.0)),
            ("accuracy".to_owned(), None),
            ("step".to_owned(), Some(0.5)),
        ],
        finish: "stop".to_owned(),
        n_tokens: 2,
        ..CompletionRecord::default()
    }
}

/// A run of six steps with an evaluation after the third, told from `from` on.
fn tell(watcher: &mut dyn Watcher, from: u64, to: u64) {
    for number in from..=to {
        watcher
            .completions(&[completion(number), completion(number), completion(number)])
            .expect("files that can be written");
        watcher
            .step(&step(number, Kind::Train))
            .expect("files that can be written");
        if number == 3 {
            watcher
                .step(&step(number, Kind::Evaluation))
                .expect("files that can be written");
        }
    }
}

fn files() -> RunFiles {
    RunFiles::new(RunFilesOptions {
        completions_per_step: Some(2),
    })
}

#[test]
fn a_run_is_read_back_as_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files();
    files.begin(&info(folder.path())).unwrap();
    tell(&mut files, 1, 6);
    files.end(Ending::Finished).unwrap();
    let found = RunFolder::read(folder.path()).unwrap();
    assert_eq!(found.info.ending, Some(Ending::Finished));
    assert_eq!(found.info.stages, info(folder.path()).stages);
    assert_eq!(found.info.recipe, "version = 1\n");
    assert!(found.info.began > 1.7e9);
    // A run that goes on began when it began, and has not ended.
    let mut run = info(folder.path());
    run.resumed_at = Some(6);
    files.begin(&run).unwrap();
    let resumed = RunFolder::read(folder.path()).unwrap().info;
    assert_eq!((resumed.began, resumed.ending), (found.info.began, None));
    assert_eq!(found.steps.len(), 7);
    // NaN is not equal to itself.
    let debug = |record: &StepRecord| format!("{record:?}");
    assert_eq!(debug(&found.steps[0]), debug(&step(1, Kind::Train)));
    assert_eq!(debug(&found.steps[3]), debug(&step(3, Kind::Evaluation)));
    assert_eq!(found.completions.len(), 12, "two of each step");
    assert_eq!(found.completions[0], completion(1));
    let lines = fs::read_to_string(folder.path().join("metrics.jsonl")).unwrap();
    let line = r#"{"step":3,"stage":"reasoning","kind":"evaluation","stage_step":3,"stage_steps":6,"time":1700000003.25,"eval_reward":0.30000000000000004,"eval_kl":null,"eval_a/first":1e-300}"#;
    assert_eq!(lines.lines().nth(3).unwrap(), line);
    let lines = fs::read_to_string(folder.path().join("completions.jsonl")).unwrap();
    let line = r#"{"step":1,"stage":"reasoning","group":1,"prompt":"1+1=","completion":"</script>~\n\"2\"","zeta":1.0,"accuracy":null,"rewards/step":0.5,"reward":1.0,"reason":null,"advantage":null,"finish_reason":"stop","n_tokens":2}"#;
    assert_eq!(lines.lines().next().unwrap(), line.replace('~', "\u{2028}"));
}

#[test]
fn a_run_that_failed_says_why_until_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files();
    files.begin(&info(folder.path())).unwrap();
    files.failed("the disk is full").unwrap();
    files.end(Ending::Failed).unwrap();
    let failed = RunFolder::read(folder.path()).unwrap().info;
    assert_eq!(failed.failure.as_deref(), Some("the disk is full"));
    write_report(folder.path()).unwrap();
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("<td>the disk is full</td>") && !page.contains("-0.0 ms"));
    files.begin(&info(folder.path())).unwrap();
    let again = RunFolder::read(folder.path()).unwrap().info;
    assert_eq!((again.failure, again.ending), (None, None));
}

#[test]
fn what_was_said_of_a_run_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = files();
    files.begin(&info(folder.path())).unwrap();
    for note in [
        "3 updates were left out",
        "the page is slow",
        "the page is slow",
    ] {
        files.note(note).unwrap();
    }
    let notes = |folder: &Path| RunFolder::read(folder).unwrap().info.notes;
    let said = ["3 updates were left out", "the page is slow"];
    // At once: a run that is killed has said it.
    assert_eq!(notes(folder.path()), said);
    files.end(Ending::Finished).unwrap();
    write_report(folder.path()).unwrap();
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("<td>3 updates were left out; the page is slow</td>"));
    // A run that goes on has said it, one that begins anew has not.
    let mut run = info(folder.path());
    run.resumed_at = Some(1);
    files.begin(&run).unwrap();
    assert_eq!(notes(folder.path()), said);
    files.begin(&info(folder.path())).unwrap();
    assert!(notes(folder.path()).is_empty());
}

#[test]
fn a_resumed_run_has_the_files_of_an_uninterrupted_one() {
    let whole = tempfile::tempdir().unwrap();
    let mut uninterrupted = files();
    uninterrupted.begin(&info(whole.path())).unwrap();
    tell(&mut uninterrupted, 1, 6);
    drop(uninterrupted);
    let names = ["metrics.jsonl", "completions.jsonl"];
    for checkpoint in 0..=5 {
        for cut in [0, 1, 40] {
            let folder = tempfile::tempdir().unwrap();
            let mut killed = files();
            killed.begin(&info(folder.path())).unwrap();
            tell(&mut killed, 1, 6);
            drop(killed);
            for name in names {
                // Killed while the last line was written.
                let path = folder.path().join(name);
                let text = fs::read(&path).unwrap();
                fs::write(&path, &text[..text.len() - cut]).unwrap();
            }
            let mut resumed = files();
            let mut run = info(folder.path());
            run.resumed_at = Some(checkpoint);
            resumed.begin(&run).unwrap();
            // A checkpoint may lie before what is told of its step is over.
            tell(&mut resumed, checkpoint.max(1), 6);
            for name in names {
                let read = |folder: &Path| fs::read_to_string(folder.join(name)).unwrap();
                assert_eq!(
                    read(folder.path()),
                    read(whole.path()),
                    "{name} after step {checkpoint}"
                );
            }
        }
    }
}

#[test]
fn a_file_of_someone_else_is_not_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    fs::write(&path, "{\"loss\": 1}\n").unwrap();
    let mut run = info(folder.path());
    run.resumed_at = Some(3);
    let error = files().begin(&run).unwrap_err().to_string();
    assert!(error.contains("line 1: missing field `step`"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"loss\": 1}\n");
}

/// The records of all event files of a folder, in the order of their names.
fn event_bytes(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(folder.join("tensorboard"))
        .expect("a folder that can be read")
        .map(|entry| entry.expect("a folder that can be read").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("a folder that can be read"))
        .collect()
}

#[test]
fn event_files_are_cut_back_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = TensorBoard::new();
    first.begin(&info(folder.path())).unwrap();
    let begun = event_bytes(folder.path())[0].len();
    tell(&mut first, 1, 2);
    let two = event_bytes(folder.path())[0].len();
    tell(&mut first, 3, 6);
    assert!(begun < two && two < event_bytes(folder.path())[0].len());
    let mut run = info(folder.path());
    run.resumed_at = Some(2);
    let mut second = TensorBoard::new();
    second.begin(&run).unwrap();
    tell(&mut second, 3, 6);
    let found = event_bytes(folder.path());
    assert_eq!(found.len(), 2, "a new file for the second run");
    assert_eq!(found[0].len(), two);
    // A run that begins anew leaves nothing of the one before.
    TensorBoard::new().begin(&info(folder.path())).unwrap();
    assert_eq!(event_bytes(folder.path()).len(), 1);
}

#[test]
fn one_watcher_that_fails_keeps_no_news_from_the_others() {
    struct Failing;
    impl Watcher for Failing {
        fn step(&mut self, _: &StepRecord) -> Result<(), goldstone::train::watch::WatchError> {
            Err(goldstone::train::watch::WatchError::Content {
                path: "metrics.jsonl".into(),
                line: 1,
                problem: "is not".to_owned(),
            })
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut all = Watchers::new();
    all.add(Failing);
    all.add(files());
    all.begin(&info(folder.path())).unwrap();
    let told = all.step(&step(1, Kind::Train));
    assert_eq!(
        told.unwrap_err().to_string(),
        "`metrics.jsonl`, line 1: is not"
    );
    assert_eq!(RunFolder::read(folder.path()).unwrap().steps.len(), 1);
}

#[test]
fn a_report_is_one_page_that_no_completion_can_break() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = info(folder.path());
    run.name = "<b>bold</b>".to_owned();
    let mut all = Watchers::new();
    all.add(files());
    all.add(ReportPage::new());
    all.begin(&run).unwrap();
    let path = folder.path().join("report.html");
    tell(&mut all, 1, 2);
    assert!(!path.exists(), "no evaluation yet");
    tell(&mut all, 3, 6);
    assert!(path.exists());
    all.end(Ending::Interrupted).unwrap();
    fs::write(folder.path().join("recipe.toml"), "# </pre><script>").unwrap();
    write_report(folder.path()).unwrap();
    let page = fs::read_to_string(&path).unwrap();
    let data = page
        .split_once("id=\"run\">")
        .and_then(|(_, rest)| rest.split_once("</script>"))
        .unwrap()
        .0;
    assert!(!data.contains(['<', '>', '&', '\u{2028}']));
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        data["completions"][0]["completion"],
        completion(1).completion.as_str()
    );
    let reward = &data["groups"][1]["charts"][0];
    assert_eq!(
        reward["x"],
        serde_json::json!([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    );
    assert_eq!(reward["series"][0]["y"][2], 0.3);
    // Two scripts: the data, and the one whose hash the content policy names.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(page.contains("&lt;b&gt;bold&lt;/b&gt;") && !page.contains("<b>bold"));
    assert!(page.contains("# &lt;/pre&gt;&lt;script&gt;"));
    assert!(page.contains("interrupted"));
    let outside = ["http://", "src=", "@import", "url("];
    for outside in outside {
        assert!(!page.contains(outside), "{outside}");
    }
    // The page is a function of the folder.
    write_report(folder.path()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), page);
}

#[test]
fn a_report_of_a_long_run_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = RunFiles::new(RunFilesOptions {
        completions_per_step: None,
    });
    files.begin(&info(folder.path())).unwrap();
    for number in 1..=1500 {
        let mut completion = completion(number);
        completion.completion = "long ".repeat(1500);
        files.completions(&[completion]).unwrap();
        files.step(&step(number, Kind::Train)).unwrap();
    }
    write_report(folder.path()).unwrap();
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert!(page.contains("spread evenly"));
    assert!(
        page.contains(r#""step":1500"#),
        "the last step is among them"
    );
}

#[test]
fn a_report_of_an_empty_run_says_so() {
    let folder = tempfile::tempdir().unwrap();
    assert!(write_report(folder.path()).is_err(), "no run");
    let mut files = files();
    files.begin(&info(folder.path())).unwrap();
    write_report(folder.path()).unwrap();
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("not ended yet"));
}

#[test]
fn every_metric_is_documented() {
    let document = fs::read_to_string("docs/watching.md").unwrap();
    for row in GLOSSARY {
        let said = [format!("| `{}` |", row.name), format!("| {} |", row.means)];
        let line = document.lines().find(|line| line.starts_with(&said[0]));
        let line = line.unwrap_or_else(|| panic!("`{}` is not in docs/watching.md", row.name));
        assert!(
            line.contains(&said[1]) && line.contains(row.look_for),
            "{line}"
        );
    }
}

#[test]
fn metrics_have_titles_and_units() {
    assert_eq!(title("rewards/accuracy/mean"), "accuracy reward");
    assert_eq!(
        title("greedy/rewards/accuracy/mean"),
        "greedy accuracy reward"
    );
    assert!(is_summary("greedy/pass@8") && is_summary("of/a/user"));
    assert!(!is_summary("pass@8/low") && !is_summary("rewards/format/std"));
    assert_eq!(title("pass@8/low"), "pass@8");
    assert_eq!(title("nobody/knows"), "nobody/knows");
    assert_eq!(title("rewards//mean"), "rewards//mean");
    for (name, value, wanted) in [
        ("pass@1", 0.6125, "61.3 %"),
        ("completions/mean_length", 41.25, "41.2"),
        ("num_tokens", 1_234_567.0, "1 234 567"),
        ("step_time", 0.0123, "12.3 ms"),
        ("step_time", 75.4, "75 s"),
        ("learning_rate", 5e-4, "5.0e-4"),
        ("reward", -0.5, "-0.500"),
        ("reward", 0.0, "0"),
        ("reward", -1234.0, "-1 234"),
        ("kl", f64::NAN, "–"),
    ] {
        assert_eq!(shown(name, value), wanted, "{name} {value}");
    }
}

#[cfg(feature = "cli")]
#[test]
fn the_command_shows_runs_of_others() {
    let goldstone = |folder: &Path, args: &[&str]| {
        std::process::Command::new(assert_cmd::cargo::cargo_bin("goldstone"))
            .arg("watch")
            .arg(folder)
            .args(args)
            .output()
            .expect("the command")
    };
    let folder = tempfile::tempdir().unwrap();
    let missing = goldstone(folder.path(), &["--once"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("run.json"));
    let mut files = files();
    files.begin(&info(folder.path())).unwrap();
    tell(&mut files, 1, 6);
    // A run that goes on: what there is, and no waiting.
    let so_far = goldstone(folder.path(), &["--once"]);
    assert_eq!(so_far.status.code(), Some(0));
    assert!(so_far.stderr.is_empty());
    let lines = String::from_utf8_lossy(&so_far.stdout).into_owned();
    assert_eq!(lines.lines().count(), 7, "{lines}");
    assert!(
        lines.starts_with("reasoning 1/6  step 1  reward 0.100  KL –"),
        "{lines}"
    );
    // A run that has ended is watched to its end.
    files.end(Ending::Finished).unwrap();
    let ended = goldstone(folder.path(), &["--plain"]);
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stdout), lines);
    assert!(!folder.path().join("report.html").exists());
    let report = goldstone(folder.path(), &["--report"]);
    assert_eq!(report.status.code(), Some(0));
    assert!(folder.path().join("report.html").exists());
}

/// A folder in which a run wrote and nobody trains is that of a run that was killed.
#[cfg(all(feature = "cli", unix))]
#[test]
fn a_run_that_was_killed_is_not_waited_for() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let mut files = files();
    files.begin(&info(folder.path())).unwrap();
    tell(&mut files, 1, 2);
    let lock = fs::File::create(folder.path().join("run.lock")).unwrap();
    lock.lock().unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("goldstone"))
        .arg("watch")
        .arg(folder.path())
        .arg("--plain")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.contains("step 1"), "{line}");
    // Somebody trains: it is followed.
    assert!(child.try_wait().unwrap().is_none());
    drop(lock);
    let mut said = String::new();
    let mut notes = child.stderr.take().unwrap();
    notes.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(
        said.contains("was killed") && said.contains("--resume"),
        "{said}"
    );
}
