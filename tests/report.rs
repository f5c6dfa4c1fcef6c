//! Reports of batches: the numbers by hand, the page against the JSON, hostile
//! texts, and the same numbers however the rows came.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use goldstone::batch::report::{About, ReportText, Survey, survey_scored};
use goldstone::batch::{
    Batch, BatchOptions, Control, Ended, Existing, Input, Inputs, Manifest, OutputFile,
};
use goldstone::load;
use goldstone::reward::Scorer;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

const LINE_BYTES: usize = 64 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    spec: String,
    rows: String,
    is: toml::Table,
    #[expect(dead_code, reason = "documents the case for readers of the data")]
    why: String,
}

/// The report of a run over `rollouts`, whose rows go nowhere.
fn report(scorer: &Scorer, rollouts: &Path, jobs: usize) -> ReportText {
    let inputs = Inputs::check(vec![Input::named(rollouts)]).unwrap();
    let control = Control::surveyed(Survey::new(scorer));
    let options = BatchOptions {
        jobs,
        ..BatchOptions::default()
    };
    let batch = Batch {
        judge: scorer,
        inputs: &inputs,
        options: &options,
        control: &control,
    };
    assert_eq!(batch.run(&mut Vec::new()).unwrap().ended, Ended::Complete);
    text(&control)
}

fn text(control: &Control) -> ReportText {
    let survey = control.take_survey().unwrap();
    survey.report(&About::default()).unwrap()
}

/// The numbers without what a run's clock says.
fn numbers(report: &ReportText) -> Value {
    let mut json: Value = serde_json::from_str(&report.json).unwrap();
    json["time"].take();
    json
}

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn numbers_are_those_worked_out_by_hand() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/batch/report.toml");
    let cases: Cases = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let folder = TempDir::new().unwrap();
    for case in &cases.case {
        let rows = file(&folder, "rows.jsonl", case.rows.trim_start());
        let spec = match case.spec.contains('\n') {
            true => load::spec(file(&folder, "spec.toml", &case.spec).to_str().unwrap()),
            false => load::spec(&case.spec),
        };
        let report = report(&spec.unwrap(), &rows, 1);
        let json = numbers(&report);
        for (place, wanted) in &case.is {
            let found = json.pointer(place);
            let fits = match wanted {
                toml::Value::Float(wanted) => found
                    .and_then(Value::as_f64)
                    .is_some_and(|found| (found - wanted).abs() < 1e-12),
                toml::Value::Integer(wanted) => found.and_then(Value::as_i64) == Some(*wanted),
                toml::Value::String(wanted) if wanted == "null" => found == Some(&Value::Null),
                toml::Value::String(wanted) => found.and_then(Value::as_str) == Some(wanted),
                other => panic!("{}: {place}: {other}", case.name),
            };
            assert!(fits, "{}: {place} is {found:?}, not {wanted}", case.name);
        }
        page_says_the_same(&report);
    }
}

/// Every number of the page is the one that the JSON has at the place it names.
fn page_says_the_same(report: &ReportText) {
    let json: Value = serde_json::from_str(&report.json).unwrap();
    let mut numbers = 0;
    for part in report.page.split("data-path=\"").skip(1) {
        let (place, rest) = part.split_once('"').unwrap();
        let wanted = json.pointer(place);
        let wanted = wanted.unwrap_or_else(|| panic!("the JSON has no {place}"));
        let Some(rest) = rest.strip_prefix(" data-unit=\"") else {
            continue;
        };
        let (unit, rest) = rest.split_once("\">").unwrap();
        let shown = rest.split_once('<').unwrap().0;
        numbers += 1;
        let Some(wanted) = wanted.as_f64() else {
            assert_eq!((wanted, shown), (&Value::Null, "–"), "{place}");
            continue;
        };
        let digits: String = shown.chars().filter(|c| *c != '\u{202f}').collect();
        let (digits, suffix) = digits.split_once(' ').unwrap_or((&digits, ""));
        let scale = match suffix {
            "" => 1.0,
            "%" => 0.01,
            "k" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "s" => 1.0,
            "ms" => 1e-3,
            "µs" => 1e-6,
            other => panic!("{place}: the unit {other} of {unit}"),
        };
        let places = digits.split_once('.').map_or(0, |(_, places)| places.len());
        let room = 0.500_000_1 * 0.1_f64.powi(places as i32) * scale;
        let value: f64 = digits.parse().unwrap();
        assert!(
            (value * scale - wanted).abs() <= room,
            "{place}: {shown} is not {wanted}"
        );
    }
    assert!(numbers >= 20, "only {numbers} numbers");
}

const HOSTILE: &str = concat!(
    "</pre></details></li></ol><script>window.hacked = 1</script><img src=x onerror=alert(1)>",
    "<!-- {{style}} ]]> &lt;b&gt; '\"` \u{202e}txet\u{200b}\u{0}\u{2028} </style></title>"
);

#[test]
fn nothing_of_a_row_is_interpreted() {
    let folder = TempDir::new().unwrap();
    let row = serde_json::json!({
        "id": HOSTILE, "group": HOSTILE, "task": HOSTILE, "prompt": HOSTILE,
        "completion": format!("<think>{HOSTILE}</think>\n<answer>{HOSTILE}</answer>"),
        "reference": HOSTILE, "finish_reason": HOSTILE, "language": "en",
    });
    let mut usable = row.clone();
    usable["reference"] = "1".into();
    let mut bare = usable.clone();
    bare["completion"] = HOSTILE.into();
    let lines = format!(
        "{row}\n{usable}\n{bare}\n{HOSTILE}\n{{\"completion\": 3, \"id\": {}}}\n",
        serde_json::json!(HOSTILE)
    );
    for spec in ["r1-zero", "r1", "gsm8k", "choice"] {
        let Ok(scorer) = load::spec(spec) else {
            continue;
        };
        let page = report(&scorer, &file(&folder, "rows.jsonl", &lines), 1).page;
        assert_eq!(page.matches("<script").count(), 1, "{spec}");
        assert_eq!(page.matches("</script").count(), 1, "{spec}");
        for bad in [
            "<img",
            "</pre></details></li></ol><script",
            "\u{202e}",
            "\u{200b}",
            "\0",
            "\u{2028}",
        ] {
            assert!(!page.contains(bad), "{spec}: {bad:?}");
        }
        assert!(page.contains("⟨U+202E⟩"), "{spec}");
        assert_eq!(page.matches("</style>").count(), 1, "{spec}");
        assert!(page.contains("default-src 'none'"));
    }
}

/// Rollouts of several tasks and groups, some of them unusable.
fn mixed_rollouts() -> String {
    let mut lines = String::new();
    for row in 0..400 {
        let (group, answer) = (row / 4, row * 7 % 5);
        let completion = match row % 11 {
            0 => "no tags".to_owned(),
            1 => format!("<think>{}</think><answer>{answer}", "a".repeat(row)),
            _ => format!(
                "<think>{}</think><answer>{answer}</answer>",
                "why ".repeat(row % 50)
            ),
        };
        let mut line = serde_json::json!({
            "id": format!("r{row}"), "group": format!("g{group}"), "task": if row % 2 == 0 { "math" } else { "gsm8k" },
            "prompt": "What?", "completion": completion, "reference": (group % 5).to_string(),
        });
        if row % 97 == 5 {
            line["completion"] = 7.into();
        }
        lines += &format!("{line}\n");
    }
    lines
}

#[test]
fn a_report_depends_on_the_rows_alone() {
    let folder = TempDir::new().unwrap();
    let rollouts = file(&folder, "rows.jsonl", &mixed_rollouts());
    let scorer = load::spec("r1-zero").unwrap();
    let whole = report(&scorer, &rollouts, 1);
    page_says_the_same(&whole);
    assert_eq!(numbers(&whole), numbers(&report(&scorer, &rollouts, 3)));

    // Cut in the middle of a row, and gone on with.
    let inputs = Inputs::check(vec![Input::named(&rollouts)]).unwrap();
    let options = BatchOptions::default();
    let output = folder.path().join("scored.jsonl");
    let run = |existing| {
        let control = Control::surveyed(Survey::new(&scorer));
        let batch = Batch {
            judge: &scorer,
            inputs: &inputs,
            options: &options,
            control: &control,
        };
        let manifest = Manifest::new(&scorer, &inputs, &options).unwrap();
        let file = OutputFile::open(&output, manifest, existing).unwrap();
        let resumed = batch.run_file(file).unwrap().resumed_rows;
        (text(&control), resumed)
    };
    run(Existing::Refuse);
    let bytes = fs::read(&output).unwrap();
    fs::write(&output, &bytes[..bytes.len() / 2]).unwrap();
    let (resumed, rows) = run(Existing::Resume);
    assert!(rows > 100 && rows < 300, "{rows}");
    assert_eq!(numbers(&whole), numbers(&resumed));
    assert_eq!(fs::read(&output).unwrap(), bytes);
    // The rows shown are the same, to the letter.
    let rows_of = |report: &ReportText| {
        let begin = report.page.find("<ol id=\"list\">").unwrap();
        report.page[begin..report.page.find("</ol>").unwrap()].to_owned()
    };
    assert_eq!(rows_of(&whole), rows_of(&resumed));

    // Read again from the scored file.
    let scored = Inputs::check(vec![Input::named(&output)]).unwrap();
    let (survey, summary) = survey_scored(&scorer, &scored, LINE_BYTES).unwrap();
    let again = survey.report(&About::default()).unwrap();
    assert_eq!(numbers(&whole), numbers(&again));
    assert_eq!(summary.rows, 400);
}

#[test]
fn a_line_that_is_no_scored_row_ends_a_report() {
    let folder = TempDir::new().unwrap();
    let scorer = load::spec("gsm8k").unwrap();
    for line in [
        "{\"completion\": \"#### 1\", \"reference\": \"1\"}\n",
        "nothing\n",
    ] {
        let path = file(&folder, "rows.jsonl", line);
        let inputs = Inputs::check(vec![Input::named(path)]).unwrap();
        let error = survey_scored(&scorer, &inputs, LINE_BYTES).unwrap_err();
        assert!(
            error.to_string().contains("line 1: no scored row"),
            "{error}"
        );
    }
}

#[test]
fn a_page_stays_small() {
    let folder = TempDir::new().unwrap();
    let mut lines = String::new();
    for row in 0..3000 {
        let line = serde_json::json!({
            "task": format!("a task with a long name, number {}", row % 500),
            "group": format!("g{}", row / 2),
            "prompt": "<p>".repeat(3000),
            "completion": format!("<think>{}</think><answer>{}</answer>", "<&\u{1}".repeat(2000 + row % 7), row % 3),
            "reference": "1",
        });
        lines += &format!("{line}\n");
    }
    let rows = file(&folder, "rows.jsonl", &lines);
    let report = report(&load::spec("r1-zero").unwrap(), &rows, 0);
    assert!(report.page.len() < 2_000_000, "{} bytes", report.page.len());
    page_says_the_same(&report);
}

/// The command and what it says on standard error.
#[cfg(feature = "cli")]
fn goldstone(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_goldstone"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

#[cfg(feature = "cli")]
#[test]
fn nothing_but_a_report_is_written_over() {
    let folder = TempDir::new().unwrap();
    let rows = r#"{"completion": "A: 1", "reference": "1"}"#;
    file(&folder, "rows.json", rows);
    file(&folder, "mine.html", "<p>mine</p>");
    let score = |report| {
        let arguments = ["score", "rows.json", "--spec", "gsm8k", "-o", "out.json"];
        let arguments = [&arguments[..], &["--report", report, "--overwrite"]].concat();
        goldstone(folder.path(), &arguments)
    };
    for (report, problem) in [
        ("rows.html", "written over `rows.json`"),
        ("out.html", "written over `out.json`"),
        ("mine.html", "`mine.html` exists and is no report"),
        ("gone/report.html", "cannot write `gone/report.html`"),
        ("report.json", "name the page"),
        ("report", "name the page"),
    ] {
        let (code, said) = score(report);
        assert_eq!(code, 2, "{report}: {said}");
        assert!(said.contains(problem), "{report}: {said}");
        assert!(!folder.path().join("out.json").exists(), "{report}");
    }
    for _ in 0..2 {
        let (code, said) = score("report.html");
        assert_eq!(code, 0, "{said}");
        assert!(
            said.contains("report in report.html, its numbers in report.json"),
            "{said}"
        );
    }
    assert_eq!(
        fs::read_to_string(folder.path().join("mine.html")).unwrap(),
        "<p>mine</p>"
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("rows.json")).unwrap(),
        rows
    );
}

#[cfg(feature = "cli")]
#[test]
fn a_scored_file_has_its_report_by_its_manifest() {
    let folder = TempDir::new().unwrap();
    file(&folder, "rows.jsonl", &mixed_rollouts());
    let score = [
        "score",
        "rows.jsonl",
        "--spec",
        "r1-zero",
        "-o",
        "out.jsonl.gz",
        "--allow-errors",
    ];
    let score = [&score[..], &["--report", "one.html"]].concat();
    assert_eq!(goldstone(folder.path(), &score).0, 0);
    let report = ["report", "out.jsonl.gz", "-o", "two.html"];
    let (code, said) = goldstone(folder.path(), &report);
    assert_eq!(code, 0, "{said}");
    let numbers = |name: &str| {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        let mut json: Value = serde_json::from_str(&text).unwrap();
        json["time"].take();
        json["about"].take();
        json
    };
    assert_eq!(numbers("one.json"), numbers("two.json"));
    // The spec of the manifest may be named as well, and no other one.
    for (spec, wanted) in [("r1-zero", 0), ("math", 2)] {
        let named = [&report[..3], &["four.html", "--spec", spec]].concat();
        let (code, said) = goldstone(folder.path(), &named);
        assert_eq!(code, wanted, "{said}");
    }
    let (code, said) = goldstone(folder.path(), &["report", "rows.jsonl", "-o", "three.html"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("no manifest that tells its spec"), "{said}");
}

/// The numbers without what only a run has: its time, and the names of files.
#[cfg(feature = "cli")]
fn of_rows(path: &Path) -> Value {
    let mut json: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    json["time"].take();
    json["about"].take();
    json
}

#[cfg(feature = "cli")]
fn outputs() -> Vec<&'static str> {
    let mut all = vec!["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"];
    if cfg!(feature = "parquet") {
        all.push("out.parquet");
    }
    all
}

#[cfg(feature = "cli")]
#[test]
fn every_schema_and_container_has_the_report_of_its_run() {
    let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/schemas");
    for schema in fs::read_dir(schemas).unwrap() {
        let schema = schema.unwrap();
        let name = schema.file_name().into_string().unwrap();
        let rows = schema.path().join("accepted.jsonl");
        if !rows.exists() {
            continue;
        }
        let mut first: Option<Value> = None;
        for output in outputs() {
            let folder = TempDir::new().unwrap();
            let arguments = ["score", rows.to_str().unwrap(), "--spec", "r1-zero"];
            let more = ["--schema", &name, "-o", output, "--report", "one.html"];
            let arguments = [&arguments[..], &more, &["--allow-errors"]].concat();
            let (code, said) = goldstone(folder.path(), &arguments);
            assert_eq!(code, 0, "{name} {output}: {said}");
            let one = of_rows(&folder.path().join("one.json"));
            let (code, said) = goldstone(folder.path(), &["report", output, "-o", "two.html"]);
            assert_eq!(code, 0, "{name} {output}: {said}");
            let two = of_rows(&folder.path().join("two.json"));
            assert_eq!(one, two, "{name} {output}");
            assert_eq!(*first.get_or_insert_with(|| one.clone()), one, "{name}");
        }
    }
}

#[cfg(feature = "cli")]
#[test]
fn a_report_takes_spec_and_grammar_from_the_manifest() {
    let folder = TempDir::new().unwrap();
    let spec = "version = 1\n[format]\ngrammar = \"mine.pest\"\nroot = \"doc\"\nanswer = \"body\"\n[rewards.accuracy]\nexact = {}\n";
    file(&folder, "mine.toml", spec);
    let grammar = "doc = { SOI ~ \"<a>\" ~ body ~ \"</a>\" ~ EOI }\nbody = @{ (!(\"<a>\" | \"</a>\") ~ ANY)* }\n";
    file(&folder, "mine.pest", grammar);
    file(
        &folder,
        "r.jsonl",
        r#"{"completion": "<a>42</a>", "reference": "42"}"#,
    );
    let score = ["score", "r.jsonl", "--spec", "mine.toml", "-o", "out.jsonl"];
    assert_eq!(goldstone(folder.path(), &score).0, 0);
    fs::remove_file(folder.path().join("mine.toml")).unwrap();
    fs::remove_file(folder.path().join("mine.pest")).unwrap();
    let report = ["report", "out.jsonl", "-o", "report.html"];
    let (code, said) = goldstone(folder.path(), &report);
    assert_eq!(code, 0, "{said}");
    let text = fs::read_to_string(folder.path().join("report.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["about"]["spec"]["name"], "mine", "{}", json["about"]);
}

#[cfg(feature = "cli")]
#[test]
fn a_manifest_of_another_version_is_not_guessed_at() {
    let folder = TempDir::new().unwrap();
    file(&folder, "rows.jsonl", &mixed_rollouts());
    let score = [
        "score",
        "rows.jsonl",
        "--spec",
        "r1-zero",
        "-o",
        "out.jsonl",
    ];
    let score = [&score[..], &["--allow-errors"]].concat();
    assert_eq!(goldstone(folder.path(), &score).0, 0);
    // What comes after the version is anybody's guess.
    file(&folder, "out.jsonl.manifest.json", "{\"version\": 2}");
    let scored = fs::read(folder.path().join("out.jsonl")).unwrap();
    for arguments in [
        &["report", "out.jsonl", "-o", "report.html"][..],
        &["filter", "out.jsonl", "-o", "kept.jsonl"],
        &["score", "--verify", "out.jsonl"],
        &[&score[..], &["--resume"]].concat(),
        &score[..],
    ] {
        let (code, said) = goldstone(folder.path(), arguments);
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains("its format has version 2"), "{said}");
    }
    assert_eq!(fs::read(folder.path().join("out.jsonl")).unwrap(), scored);
    let (code, said) = goldstone(folder.path(), &[&score[..], &["--overwrite"]].concat());
    assert_eq!(code, 0, "{said}");
}

#[cfg(feature = "cli")]
#[test]
fn a_part_of_the_rows_is_not_taken_for_all() {
    let folder = TempDir::new().unwrap();
    file(&folder, "rows.jsonl", &mixed_rollouts());
    let score = [
        "score",
        "rows.jsonl",
        "--spec",
        "r1-zero",
        "-o",
        "out.jsonl",
    ];
    let score = [&score[..], &["--allow-errors"]].concat();
    assert_eq!(goldstone(folder.path(), &score).0, 0);
    let report = ["report", "out.jsonl", "-o", "report.html"];
    let filter = ["filter", "out.jsonl", "-o", "kept.jsonl", "--overwrite"];
    let manifest = folder.path().join("out.jsonl.manifest.json");
    let whole = fs::read_to_string(&manifest).unwrap();
    for (is_whole, text) in [
        (true, whole.clone()),
        (
            false,
            whole.replace("\"complete\": true", "\"complete\": false"),
        ),
    ] {
        fs::write(&manifest, text).unwrap();
        for arguments in [&report[..], &filter] {
            let (_, said) = goldstone(folder.path(), arguments);
            let is_said = said.contains("not all rows are here");
            assert_eq!(is_said, !is_whole, "{said}");
        }
        let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
        assert_eq!(page.contains("not all rows are here"), !is_whole);
    }
}
