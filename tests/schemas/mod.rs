//! Rollouts of other tools: which schema a row has, and what becomes of it.
//!
//! `tests/data/schemas/NAME/accepted.jsonl` has rows that are detected as NAME and
//! read without a fault; each line of `rejected.jsonl` has a fault.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use goldstone::batch::{
    Batch, BatchError, BatchOptions, Control, Ended, Existing, Input, InputError, Inputs, Manifest,
    OutputFile, look,
};
use goldstone::load;
use goldstone::reward::{Scorer, SpecSource};
use goldstone::rollout::schema::{Adapted, Schema, SchemaChoice, adapt, detect};
use goldstone::rollout::{FieldMap, Pointer, Record, Rollout, Text};
use serde_json::{Value, json};
use tempfile::TempDir;

#[cfg(feature = "cli")]
mod commands;
mod reshaped;
mod selection;

fn lines(name: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("tests/data/schemas/{name}.jsonl")).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn adapted<'l>(line: &'l str, schema: Schema) -> Vec<Adapted<'l>> {
    let record = Record::parse(line.as_bytes()).unwrap();
    adapt(&record, schema, &FieldMap::default(), "1")
}

#[test]
fn accepted_rows_are_detected_and_become_rollouts() {
    for schema in Schema::ALL {
        let mut report = String::new();
        for line in lines(&format!("{schema}/accepted")) {
            let record = Record::parse(line.as_bytes()).unwrap();
            let detected = detect(&record).unwrap();
            assert_eq!(detected.schema, schema, "{line}");
            writeln!(report, "by {}", detected.fields.join(", ")).unwrap();
            for adapted in adapted(&line, schema) {
                report += &told(&adapted);
            }
            report.push('\n');
        }
        insta::assert_snapshot!(format!("accepted_{schema}"), report);
    }
}

#[test]
fn rejected_rows_name_their_fault() {
    let mut report = String::new();
    for schema in Schema::ALL {
        let rejected = lines(&format!("{schema}/rejected"));
        let accepted = lines(&format!("{schema}/accepted"));
        assert!(
            rejected.len() + 2 >= accepted.len(),
            "{schema} rejects little"
        );
        writeln!(report, "{schema}").unwrap();
        for line in rejected {
            let faults: Vec<String> = adapted(&line, schema)
                .into_iter()
                .filter_map(|adapted| adapted.rollout.err())
                .map(|fault| fault.to_string())
                .collect();
            assert!(!faults.is_empty(), "accepted: {line}");
            writeln!(report, "  {}", faults.join("\n  ")).unwrap();
        }
    }
    insta::assert_snapshot!(report);
}

#[test]
fn fields_that_two_schemas_claim_are_not_guessed_about() {
    let errors: Vec<String> = lines("ambiguous")
        .iter()
        .map(|line| {
            detect(&Record::parse(line.as_bytes()).unwrap())
                .unwrap_err()
                .to_string()
        })
        .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

/// What a reader of the snapshot should see of a rollout: all that is set.
fn told(adapted: &Adapted<'_>) -> String {
    let columns: Vec<&str> = adapted.record.columns().map(|(name, _)| name).collect();
    let mut told = match &adapted.rollout {
        Err(fault) => format!("  {}  {fault}\n", adapted.id),
        Ok(rollout) => fields(rollout),
    };
    writeln!(told, "    columns {}", columns.join(" ")).unwrap();
    told
}

fn fields(rollout: &Rollout) -> String {
    let mut told = format!("  {}\n", rollout.id);
    let mut tell = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            writeln!(told, "    {name} {value}").unwrap();
        }
    };
    tell("group", Some(rollout.group.clone()));
    tell(
        "sample_index",
        rollout.sample_index.map(|index| index.to_string()),
    );
    tell("task", rollout.task.clone());
    tell("data_source", rollout.data_source.clone());
    tell("prompt", Some(text(&rollout.prompt)));
    tell("completion", Some(text(&rollout.completion)));
    tell(
        "reference",
        rollout.reference.as_ref().map(|it| format!("{it:?}")),
    );
    tell("tests", rollout.tests.as_ref().map(ToString::to_string));
    tell("n_tokens", rollout.n_tokens.map(|count| count.to_string()));
    tell("finish_reason", rollout.finish_reason.clone());
    told
}

fn text(text: &Text) -> String {
    match text {
        Text::Plain(text) => format!("{text:?}"),
        Text::Chat(messages) => {
            let each = messages.iter().map(|message| {
                let thought = message
                    .reasoning
                    .as_ref()
                    .map(|text| format!(" (thought {text:?})"));
                format!(
                    "{}: {:?}{}",
                    message.role,
                    message.content,
                    thought.unwrap_or_default()
                )
            });
            each.collect::<Vec<_>>().join(" | ")
        }
    }
}

#[test]
fn pointers_of_the_spec_go_before_the_schema() {
    let line = json!({
        "data_source": "d", "prompt": "p", "reward_model": {"ground_truth": "7"},
        "extra_info": {"gold": "8", "name": "n", "task": "t"}, "responses": ["a", "b"],
    })
    .to_string();
    let fields = FieldMap {
        id: Pointer::parse("/extra_info/name").unwrap(),
        reference: Pointer::parse("/extra_info/gold").unwrap(),
        task: Pointer::parse("/extra_info/task").unwrap(),
        tests: Pointer::parse("/extra_info/nothing").unwrap(),
        columns: vec![Pointer::parse("/extra_info/name").unwrap()],
        ..FieldMap::default()
    };
    let record = Record::parse(line.as_bytes()).unwrap();
    let rollouts = adapt(&record, Schema::Verl, &fields, "1");
    assert_eq!(rollouts.len(), 2);
    let second = rollouts[1].rollout.as_ref().unwrap();
    assert_eq!(second.id, "n/1");
    assert_eq!(second.reference, Some("8".into()));
    assert_eq!(second.task.as_deref(), Some("t"));
    assert_eq!(second.extra["extra_info"]["gold"], "8");
    // A spec that knows the completion reads the row as it stands.
    let fields = FieldMap {
        completion: Pointer::parse("/responses/1").unwrap(),
        ..FieldMap::default()
    };
    let rollouts = adapt(&record, Schema::Verl, &fields, "1");
    assert_eq!(rollouts.len(), 1);
    let only = rollouts[0].rollout.as_ref().unwrap();
    assert_eq!(
        (only.completion.clone(), &only.reference),
        (Text::from("b"), &None)
    );
}

#[test]
fn what_a_tool_paid_is_kept_under_another_name() {
    let line = lines("verifiers/accepted").remove(0);
    let rollouts = adapted(&line, Schema::Verifiers);
    let columns: Vec<(&str, &str)> = rollouts[0].record.columns().collect();
    assert!(columns.contains(&("logged_reward", "1.0")), "{columns:?}");
    assert!(columns.iter().all(|(name, _)| *name != "reward"));
}

/// A folder, a file in it, and what scores it.
struct Run {
    folder: TempDir,
    judge: Scorer,
    options: BatchOptions,
}

impl Run {
    fn new(spec: &str) -> Self {
        let judge = match load::spec(spec) {
            Ok(judge) => judge,
            Err(_) => Scorer::compile(SpecSource {
                text: spec,
                origin: "spec.toml",
                grammar: &|_| Err("no files here".to_owned()),
            })
            .unwrap(),
        };
        Self {
            folder: TempDir::new().unwrap(),
            judge,
            options: BatchOptions::default(),
        }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn score(&self, inputs: &Inputs) -> Vec<Value> {
        let mut out = Vec::new();
        let report = self
            .batch(inputs, &Control::default())
            .run(&mut out)
            .unwrap();
        assert_eq!(report.ended, Ended::Complete);
        let rows = out
            .split(|byte| *byte == b'\n')
            .filter(|row| !row.is_empty());
        rows.map(|row| serde_json::from_slice(row).unwrap())
            .collect()
    }

    fn batch<'b>(&'b self, inputs: &'b Inputs, control: &'b Control) -> Batch<'b, Scorer> {
        Batch {
            judge: &self.judge,
            inputs,
            options: &self.options,
            control,
        }
    }

    fn score_text(&self, text: &str) -> Vec<Value> {
        let path = self.file("in.jsonl", text);
        self.score(&open(&[path]))
    }
}

fn open(paths: &[PathBuf]) -> Inputs {
    Inputs::check(paths.iter().map(Input::named).collect()).unwrap()
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[test]
fn a_line_becomes_as_many_rows_as_it_has_completions() {
    let text = lines("verl/accepted")[..1].join("\n")
        + "\n{\"cut\": \n"
        + &lines("verl/rejected")[1]
        + "\n"
        + &lines("verl/accepted")[3]
        + "\n";
    let rows = Run::new("r1-zero").score_text(&text);
    assert_eq!(ids(&rows), ["1/0", "1/1", "2", "3", "4/0"]);
    let statuses: Vec<&str> = rows
        .iter()
        .map(|row| row["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["ok", "ok", "error", "error", "error"]);
    assert_eq!(rows[0]["reward"], 2.0);
    assert_eq!(rows[1]["reward"], 1.0);
    assert_eq!(rows[1]["sample_index"], 1);
    assert_eq!(rows[1]["data_source"], "openai/gsm8k");
    assert_eq!(rows[0].get("responses"), None);
    assert_eq!(rows[3]["error"]["field"], "/responses");
    assert_eq!(rows[3]["error"]["line"], 3);
    // Two truths, and nobody said whether any may be met: no reference, no reward.
    assert_eq!(rows[4]["reward"], Value::Null);
}

#[test]
fn rows_that_were_adapted_are_native() {
    for schema in Schema::ALL {
        let run = Run::new("r1-zero");
        let text = lines(&format!("{schema}/accepted")).join("\n") + "\n";
        let once = run.score_text(&text);
        let again: Vec<String> = once.iter().map(ToString::to_string).collect();
        let first = Record::parse(again[0].as_bytes()).unwrap();
        assert_eq!(detect(&first).unwrap().schema, Schema::Native, "{schema}");
        let twice = run.score_text(&(again.join("\n") + "\n"));
        let scores = |rows: &[Value]| -> Vec<Value> {
            rows.iter()
                .map(|row| json!([row["reward"], row["status"], row["terms"]]))
                .collect()
        };
        assert_eq!(scores(&once), scores(&twice), "{schema}");
    }
}

/// The environment of the rollout failed. Nobody is paid for that, however often it
/// is looked at.
#[test]
fn a_rollout_that_failed_stays_one() {
    let run = Run::new("version = 1\n[format]\ntemplate = \"r1\"\n[rewards.form]\nformat = {}");
    let failed = lines("verifiers/rejected");
    let once = run.score_text(&failed[..2].join("\n"));
    let text: String = once.iter().map(|row| format!("{row}\n")).collect();
    let again = run.score_text(&text);
    for row in once.iter().chain(&again) {
        assert_eq!(
            (&row["status"], &row["reward"]),
            (&json!("error"), &json!(null))
        );
        assert_eq!(row["completion"], json!(null));
        assert!(!row["logged_completion"].is_null() && !row["logged_error"].is_null());
    }
    assert_eq!(once[1]["logged_reward"], json!(0.0));
}

/// So did a trace among others, which keep what they earn.
#[test]
fn a_trace_that_failed_stays_one() {
    let run = Run::new("version = 1\n[format]\ntemplate = \"r1\"\n[rewards.form]\nformat = {}");
    let nodes = r#"[{"message": {"role": "user", "content": "q"}}, {"parent": 0, "message": {"role": "assistant", "content": "<think>a</think><answer>1</answer>"}, "sampled": true}]"#;
    let errors = r#"[{"type": "SandboxError", "message": "gone"}]"#;
    let traces = [
        ("broken", nodes, errors),
        ("whole", nodes, "[]"),
        ("empty", "[]", errors),
    ];
    let traces = traces.map(|(id, nodes, errors)| {
        format!(r#"{{"id": "{id}", "nodes": {nodes}, "errors": {errors}}}"#)
    });
    let once = run.score_text(&format!(
        r#"{{"id": "e", "task": {{"type": "T"}}, "traces": [{}]}}"#,
        traces.join(", ")
    ));
    let text: String = once.iter().map(|row| format!("{row}\n")).collect();
    for rows in [&once, &run.score_text(&text)] {
        let status = rows.iter().map(|row| row["status"].as_str().unwrap());
        assert_eq!(status.collect::<Vec<_>>(), ["error", "ok", "error"]);
        let answer = "<think>a</think><answer>1</answer>";
        assert_eq!(rows[0]["completion"], json!(null));
        assert_eq!(rows[0]["logged_completion"][0]["content"], answer);
        assert_eq!(rows[1]["completion"][0]["content"], answer);
        assert_eq!(rows[1]["logged_completion"], json!(null));
        assert_eq!(rows[2]["logged_completion"], json!(null));
    }
    let message = once[0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("SandboxError: gone"), "{message}");
}

#[test]
fn each_file_has_a_schema_of_its_own() {
    let run = Run::new("r1-zero");
    let paths = [
        run.file(
            "native.jsonl",
            &(lines("native/accepted")[..1].join("\n") + "\n"),
        ),
        run.file(
            "verl.jsonl",
            &("\n not JSON\n".to_owned() + &lines("verl/accepted")[0]),
        ),
        run.file("dump.jsonl", &lines("verl-dump/accepted")[0]),
    ];
    let inputs = open(&paths);
    let rows = run.score(&inputs);
    let rewards: Vec<&Value> = rows.iter().map(|row| &row["reward"]).collect();
    assert_eq!(
        rewards,
        [
            &json!(2.0),
            &Value::Null,
            &json!(2.0),
            &json!(1.0),
            &json!(2.0)
        ]
    );
    let found = look(&inputs, SchemaChoice::Auto, run.judge.fields(), 1 << 20).unwrap();
    let found: Vec<Schema> = found.iter().map(|found| found.detected.schema).collect();
    assert_eq!(found, [Schema::Verl, Schema::VerlDump]);
}

#[test]
fn an_ambiguous_file_is_refused_until_it_is_named() {
    let mut run = Run::new("r1-zero");
    let path = run.file("in.jsonl", &lines("ambiguous")[0]);
    let inputs = open(&[path]);
    let found = look(&inputs, SchemaChoice::Auto, run.judge.fields(), 1 << 20);
    assert!(matches!(found, Err(InputError::Schema { .. })), "{found:?}");
    let result = run.batch(&inputs, &Control::default()).run(&mut Vec::new());
    assert!(
        matches!(
            result,
            Err(BatchError::Input {
                source: InputError::Schema { .. },
                ..
            })
        ),
        "{result:?}"
    );
    // They do disagree: verl's truth is 7, SkyRL's 8.
    for (schema, reward) in [(Schema::Verl, 2.0), (Schema::Skyrl, 1.0)] {
        run.options.schema = SchemaChoice::Named(schema);
        assert_eq!(run.score(&inputs)[0]["reward"], reward);
    }
}

#[test]
fn a_file_cut_between_the_completions_of_a_line_goes_on_there() {
    let run = Run::new("r1-zero");
    let rows = [
        lines("verl/accepted"),
        lines("verl/rejected"),
        lines("verl/accepted"),
    ]
    .concat();
    let inputs = open(&[run.file("in.jsonl", &(rows.join("\n") + "\n"))]);
    cut_anywhere(&run, &inputs);
}

/// Cuts the output of a run before every row and in the midst of each, and goes on.
fn cut_anywhere(run: &Run, inputs: &Inputs) {
    let path = run.folder.path().join("out.jsonl");
    let control = Control::default;
    let file = |existing| {
        let manifest = Manifest::new(&run.judge, inputs, &run.options).unwrap();
        OutputFile::open(&path, manifest, existing).unwrap()
    };
    let whole = run
        .batch(inputs, &control())
        .run_file(file(Existing::Overwrite))
        .unwrap();
    let bytes = fs::read(&path).unwrap();
    let ends: Vec<usize> = bytes
        .iter()
        .enumerate()
        .filter_map(|(at, byte)| (*byte == b'\n').then_some(at + 1))
        .collect();
    let cuts = ends
        .iter()
        .flat_map(|end| [*end, end - 1, end - 20])
        .chain([0]);
    for cut in cuts {
        fs::write(&path, &bytes[..cut]).unwrap();
        let report = run
            .batch(inputs, &control())
            .run_file(file(Existing::Resume))
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes, "cut at {cut}");
        assert_eq!(report.summary, whole.summary, "cut at {cut}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn columns_that_a_schema_made_survive_parquet() {
    for schema in Schema::ALL {
        let run = Run::new("r1-zero");
        let text = lines(&format!("{schema}/accepted")).join("\n") + "\n";
        let inputs = open(&[run.file("in.jsonl", &text)]);
        let wanted = run.score(&inputs);
        let path = run.folder.path().join("out.parquet");
        let manifest = Manifest::new(&run.judge, &inputs, &run.options).unwrap();
        let file = OutputFile::open(&path, manifest, Existing::Refuse).unwrap();
        run.batch(&inputs, &Control::default())
            .run_file(file)
            .unwrap();
        let again = run.score(&open(&[path]));
        let scores = |rows: &[Value]| -> Vec<Value> {
            rows.iter()
                .map(|row| json!([row["id"], row["reward"], row["status"]]))
                .collect()
        };
        assert_eq!(scores(&again), scores(&wanted), "{schema}");
    }
}

#[test]
fn a_numbers_game_of_verl_is_judged_by_its_numbers() {
    let rows = Run::new("countdown").score_text(&lines("verl/accepted")[4]);
    let verdicts: Vec<&Value> = rows
        .iter()
        .map(|row| &row["terms"]["countdown"]["reason"])
        .collect();
    assert_eq!(verdicts, ["target_met", "other_numbers"]);
    // Whoever knows no numbers is not told to pay the target.
    for row in Run::new("r1-zero").score_text(&lines("verl/accepted")[4]) {
        assert_eq!(row["reward"], Value::Null);
    }
}

#[test]
fn completions_of_a_row_without_a_prompt_are_a_group() {
    let line = json!({"completions": ["a", "b"], "solution": "a"}).to_string();
    let groups = |line: &str| -> Vec<String> {
        let rollouts = adapted(line, Schema::Trl).into_iter();
        rollouts.map(|it| it.rollout.unwrap().group).collect()
    };
    assert_eq!(groups(&line), ["1", "1"]);
    let line = json!({"completions": ["a", "b"], "solution": "a", "group": "g"}).to_string();
    assert_eq!(groups(&line), ["g", "g"]);
    let line = json!({"completion": "a", "solution": "a"}).to_string();
    assert_eq!(groups(&line), ["1"]);
}

#[test]
fn a_row_whose_completions_would_fill_the_memory_is_one_fault() {
    let faults = |bytes: usize, count: usize| -> Vec<Option<String>> {
        let row = json!({"prompt": "p".repeat(bytes), "completions": vec!["c"; count]});
        let line = row.to_string();
        let rollouts = adapted(&line, Schema::Trl).into_iter();
        let faults = rollouts.map(|it| it.rollout.err().map(|fault| fault.to_string()));
        faults.collect()
    };
    for (bytes, count) in [(1 << 20, 300), (0, 300_000)] {
        let faults = faults(bytes, count);
        let [Some(fault)] = faults.as_slice() else {
            panic!("{} rows", faults.len())
        };
        assert!(
            fault.contains("/completions") && fault.contains("256 MiB"),
            "{fault}"
        );
    }
    assert_eq!(faults(1 << 20, 30), vec![None; 30]);
}
