//! What watchers write of a run, and the statistics of evaluations.

use std::fs;
use std::path::Path;

use goldstone::train::watch::{
    CompletionRecord, Ending, Estimate, GLOSSARY, Judged, Kind, ReportPage, RunFiles,
    RunFilesOptions, RunFolder, RunInfo, StageInfo, StepRecord, TensorBoard, Watcher, Watchers,
    majority_at, pass_at, shown, statistics, title, write_report,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    pass: Vec<Pass>,
    majority: Vec<Majority>,
    interval: Vec<Interval>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "`why` is for people")]
struct Pass {
    name: String,
    n: usize,
    c: usize,
    k: usize,
    is: Option<f64>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "`why` is for people")]
struct Majority {
    name: String,
    samples: Vec<String>,
    k: usize,
    is: Option<f64>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "`why` is for people")]
struct Interval {
    name: String,
    values: Vec<f64>,
    samples: usize,
    mean: f64,
    standard_error: Option<f64>,
    low: f64,
    high: f64,
    why: String,
}

fn cases() -> Cases {
    let text = fs::read_to_string("tests/data/train/statistics.toml").expect("the cases");
    toml::from_str(&text).expect("cases as they are declared")
}

fn assert_near(name: &str, found: Option<f64>, wanted: Option<f64>, tolerance: f64) {
    match (found, wanted) {
        (None, None) => {}
        (Some(found), Some(wanted)) => {
            assert!(
                (found - wanted).abs() <= tolerance,
                "{name}: {found}, not {wanted}"
            );
        }
        _ => panic!("{name}: {found:?}, not {wanted:?}"),
    }
}

#[test]
fn statistics_are_those_worked_by_hand() {
    let cases = cases();
    for case in cases.pass {
        assert_near(&case.name, pass_at(case.k, case.n, case.c), case.is, 1e-9);
    }
    for case in cases.majority {
        let samples: Vec<(bool, Option<&str>)> = case
            .samples
            .iter()
            .map(|sample| match sample.as_str() {
                "-" => (false, None),
                sample => (
                    sample.ends_with('+'),
                    Some(sample.trim_end_matches(['+', '-'])),
                ),
            })
            .collect();
        assert_near(&case.name, majority_at(case.k, &samples), case.is, 1e-12);
    }
    for case in cases.interval {
        let found = Estimate::over(&case.values, case.samples).unwrap();
        assert_near(&case.name, Some(found.mean), Some(case.mean), 1e-12);
        assert_near(&case.name, found.standard_error, case.standard_error, 1e-12);
        assert_near(&case.name, Some(found.low), Some(case.low), 1e-6);
        assert_near(&case.name, Some(found.high), Some(case.high), 1e-6);
    }
    assert!(Estimate::over(&[], 0).is_none());
}

/// All choices of `k` from the samples, one by one.
fn majority_by_trial(k: usize, samples: &[(bool, Option<&str>)]) -> f64 {
    let mut outcomes = Vec::new();
    for chosen in 0_u32..1 << samples.len() {
        if chosen.count_ones() as usize != k {
            continue;
        }
        let votes = |answer: &str| {
            let equal = (0..samples.len())
                .filter(|&i| chosen >> i & 1 == 1 && samples[i].1 == Some(answer));
            equal.count()
        };
        let answers: std::collections::BTreeSet<&str> =
            samples.iter().filter_map(|&(_, answer)| answer).collect();
        let top = answers
            .iter()
            .map(|answer| votes(answer))
            .max()
            .unwrap_or(0);
        let tied: Vec<f64> = answers
            .iter()
            .filter(|answer| top > 0 && votes(answer) == top)
            .map(|answer| {
                let all: Vec<bool> = samples
                    .iter()
                    .filter(|(_, other)| other == &Some(*answer))
                    .map(|&(is_correct, _)| is_correct)
                    .collect();
                all.iter().filter(|&&is_correct| is_correct).count() as f64 / all.len() as f64
            })
            .collect();
        outcomes.push(match tied.len() {
            0 => 0.0,
            ties => tied.iter().sum::<f64>() / ties as f64,
        });
    }
    outcomes.iter().sum::<f64>() / outcomes.len() as f64
}

#[test]
fn majorities_are_those_of_all_choices() {
    const ANSWERS: [Option<&str>; 5] = [Some("1"), Some("2"), Some("3"), Some("4"), None];
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..60 {
        let samples: Vec<(bool, Option<&str>)> = (0..=random(8))
            .map(|_| (random(2) == 0, ANSWERS[random(5) as usize]))
            .collect();
        for k in 1..=samples.len() {
            let name = format!("{k} of {samples:?}");
            let wanted = majority_by_trial(k, &samples);
            assert_near(&name, majority_at(k, &samples), Some(wanted), 1e-12);
        }
    }
}

#[test]
fn what_nobody_judged_counts_nowhere() {
    let sample = |is_correct, answer| Judged { is_correct, answer };
    let prompts = [
        vec![
            sample(Some(true), Some("1")),
            sample(None, Some("2")),
            sample(Some(false), None),
        ],
        vec![sample(None, None)],
        vec![
            sample(Some(false), Some("3")),
            sample(Some(false), Some("3")),
        ],
    ];
    let found = statistics(&prompts, &[1, 2, 4]);
    assert_eq!((found.unjudged, found.unjudged_prompts), (2, 1));
    let names: Vec<&str> = found.estimates.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["mean@2", "pass@1", "pass@2"]);
    let means: Vec<f64> = found.estimates.iter().map(|(_, is)| is.mean).collect();
    assert_eq!(means, [0.25, 0.25, 0.5]);
    assert!(found.estimates.iter().all(|(_, is)| is.prompts == 2));
    let metrics = found.metrics();
    let names: Vec<&str> = metrics.iter().map(|(name, _)| &**name).take(3).collect();
    assert_eq!(names, ["mean@2", "mean@2/low", "mean@2/high"]);
    assert!(statistics(&[], &[1]).estimates.is_empty());
}

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
    for number in 1..=4000 {
        let mut completion = completion(number);
        completion.completion = "long ".repeat(3000);
        files.completions(&[completion]).unwrap();
        files.step(&step(number, Kind::Train)).unwrap();
    }
    write_report(folder.path()).unwrap();
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert!(page.contains("spread evenly"));
    assert!(
        page.contains(r#""step":4000"#),
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
    assert_eq!(title("rewards/accuracy/mean"), "accuracy");
    assert_eq!(title("greedy/rewards/accuracy/mean"), "greedy accuracy");
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
