//! Rewards that compare the rollouts of a group: the same scores through every
//! door, whatever the order of the rows, and resumed at any byte.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use goldstone::batch::{
    Batch, BatchOptions, Control, Existing, Input, Inputs, Manifest, OutputFile, score_all,
};
use goldstone::reward::{Scorer, SpecSource, Status};
use goldstone::rollout::schema::{Schema, adapt};
use goldstone::rollout::{Record, Rollout};
use serde_json::Value;
use tempfile::TempDir;

const SPEC: &str = r#"
version = 1
[rewards.accuracy]
math = {}
[rewards.brevity]
weight = 0.5
group_length = { of = "accuracy" }
"#;

/// Group, answer, tokens, and what `brevity` comes to: the reference is 1, and
/// group `a` runs from 100 to 300 tokens.
const ROWS: [(&str, &str, u64, f64); 7] = [
    ("a", "1", 100, 0.5),
    ("b", "1", 50, 0.0),
    ("a", "1", 300, -0.5),
    ("c", "1", 10, 0.5),
    ("a", "2", 100, 0.0),
    ("a", "2", 250, -0.25),
    ("c", "1", 20, -0.5),
];

fn scorer() -> Scorer {
    let grammar = |path: &str| Err(format!("no file `{path}` here"));
    Scorer::compile(SpecSource {
        text: SPEC,
        origin: "groups.toml",
        grammar: &grammar,
    })
    .unwrap()
}

fn lines() -> Vec<String> {
    let line = |(index, (group, answer, tokens, _)): (usize, &(&str, &str, u64, f64))| {
        format!(
            r#"{{"id": "r{index}", "group": "{group}", "completion": "\\boxed{{{answer}}}", "reference": "1", "n_tokens": {tokens}}}"#
        )
    };
    ROWS.iter().enumerate().map(line).collect()
}

fn rollouts() -> Vec<Rollout> {
    let scorer = scorer();
    let rollout = |line: String| {
        let record = Record::parse(line.as_bytes()).unwrap();
        record.rollout(scorer.fields(), "1").unwrap()
    };
    lines().into_iter().map(rollout).collect()
}

fn run(path: &Path, options: &BatchOptions) -> Vec<u8> {
    let scorer = scorer();
    let mut out = Vec::new();
    Batch {
        judge: &scorer,
        inputs: &Inputs::check(vec![Input::named(path)]).unwrap(),
        options,
        control: &Control::default(),
    }
    .run(&mut out)
    .unwrap();
    out
}

fn by_id(out: &[u8]) -> BTreeMap<String, Value> {
    let rows = std::str::from_utf8(out).unwrap().lines();
    let rows = rows.map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect()
}

#[test]
fn every_member_is_compared_with_its_group_alone() {
    let scores = scorer().score_all(&rollouts());
    for (score, (.., brevity)) in scores.iter().zip(ROWS) {
        assert_eq!(
            score.term("brevity").unwrap().raw,
            Some(brevity),
            "{score:?}"
        );
        assert_eq!(score.status, Status::Ok);
    }
    assert_eq!(score_all(&scorer(), &rollouts(), 2).unwrap(), scores);
}

#[test]
fn a_rollout_without_its_group_has_no_reward() {
    let score = scorer().score(&rollouts()[0]);
    assert_eq!(score.reward, None);
    assert_eq!(score.status, Status::Abstain);
    assert_eq!(score.term("brevity").unwrap().reason, Some("needs_group"));
    assert_eq!(score.term("accuracy").unwrap().raw, Some(1.0));
}

#[test]
fn a_member_without_the_fact_is_an_error_and_the_others_go_on() {
    let mut rollouts = rollouts();
    rollouts[2].n_tokens = None;
    let scores = scorer().score_all(&rollouts);
    assert_eq!(scores[2].status, Status::Error);
    assert_eq!(scores[2].reward, None);
    let error = scores[2].error.as_ref().unwrap();
    assert_eq!(error.field.as_deref(), Some("/n_tokens"));
    assert_eq!(error.term.as_deref(), Some("brevity"));
    // 250 tokens are now the longest of the group.
    assert_eq!(scores[5].term("brevity").unwrap().raw, Some(-0.5));
    assert_eq!(scores[0].term("brevity").unwrap().raw, Some(0.5));
}

#[test]
fn a_rollout_of_no_group_is_an_error() {
    let row = |fields: &str, tokens: u64| {
        format!(
            r#"{{{fields}"completion": "\\boxed{{1}}", "reference": "1", "n_tokens": {tokens}}}"#
        )
    };
    let rollout = |line: String| {
        let record = Record::parse(line.as_bytes()).unwrap();
        record.rollout(scorer().fields(), "1").unwrap()
    };
    let scored = r#""status": "ok", "terms": {}, "#;
    let untold = "neither `/group` nor a prompt tells which rows are of its group";
    let alone = "no other row is of its group `p7`";
    let cases = [
        (String::new(), untold),
        (r#""id": "p7", "group": "", "#.to_owned(), untold),
        (r#""id": "p7", "group": "p7", "#.to_owned(), alone),
        // A scored row has the group that was made up for it.
        (format!(r#""id": "p7", "group": "p7", {scored}"#), untold),
    ];
    for (fields, message) in cases {
        let one = rollout(row(&fields, 5));
        assert_eq!(scorer().score(&one).reward, None, "{fields}");
        // Rows with equal names are no group, and those of one group are.
        let two = [one.clone(), rollout(row(&fields, 9))];
        let is_group = message == alone;
        for score in scorer().score_all(&two) {
            assert_eq!(score.reward.is_some(), is_group, "{fields}");
            assert_eq!(score.error.is_none(), is_group, "{fields}");
        }
        let score = scorer().score_all(&[one]).remove(0);
        assert_eq!(score.reward, None, "{fields}");
        let error = score.error.unwrap();
        assert!(error.message.starts_with(message), "{}", error.message);
        assert_eq!(error.field.as_deref(), Some("/group"), "{fields}");
    }
    // A prompt tells as much as a name.
    let two = [5, 9].map(|tokens| rollout(row(r#""id": "p7", "prompt": "?", "#, tokens)));
    let scores = scorer().score_all(&two);
    assert_eq!(scores[0].term("brevity").unwrap().raw, Some(0.5));
    assert_eq!(scores[1].term("brevity").unwrap().raw, Some(-0.5));
}

#[test]
fn lists_of_completions_are_compared_row_by_row() {
    let scorer = scorer();
    let rollouts = |id: &str, tokens: [u64; 2]| {
        let line = format!(
            r#"{{"id": {id}, "group": "", "generations": ["\\boxed{{1}}", "It is \\boxed{{1}}"], "answer": "1", "generation_token_length": {tokens:?}}}"#
        );
        let record = Record::parse(line.as_bytes()).unwrap();
        let adapted = adapt(&record, Schema::Openr1, scorer.fields(), "1");
        let rollouts = adapted.into_iter().map(|adapted| adapted.rollout.unwrap());
        rollouts.collect::<Vec<_>>()
    };
    let (one, other) = (rollouts("0", [5, 9]), rollouts("1", [50, 90]));
    assert_eq!((&*one[0].group, &*one[1].group), ("0", "0"));
    for score in scorer.score_all(&[one.clone(), other].concat()) {
        assert_eq!(score.term("brevity").unwrap().raw.map(f64::abs), Some(0.5));
    }
    // Another row of that name, say of another file.
    for score in scorer.score_all(&[one, rollouts("0", [50, 90])].concat()) {
        assert_eq!(score.reward, None);
        let error = score.error.unwrap();
        assert!(error.message.starts_with("several rows are called `0`"));
    }
}

#[test]
fn a_group_may_be_called_as_one_of_its_members() {
    let scorer = scorer();
    let rollouts: Vec<Rollout> = [("1", 5), ("2", 10)]
        .iter()
        .map(|(id, tokens)| {
            let line = format!(
                r#"{{"completion": "\\boxed{{1}}", "reference": "1", "group": 1, "n_tokens": {tokens}}}"#
            );
            let record = Record::parse(line.as_bytes()).unwrap();
            record.rollout(scorer.fields(), id).unwrap()
        })
        .collect();
    for score in scorer.score_all(&rollouts) {
        assert_eq!(score.error, None);
        assert!(score.reward.is_some());
    }
    // An empty name is none.
    let line = r#"{"completion": "x", "group": ""}"#;
    let record = Record::parse(line.as_bytes()).unwrap();
    let rollout = record.rollout(scorer.fields(), "7").unwrap();
    assert_eq!(rollout.group, "7");
}

#[test]
fn the_order_of_the_rows_decides_nothing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in.jsonl");
    let mut lines = lines();
    // A line that is no rollout stands in the middle of a group.
    lines.insert(3, "{\"id\": \"cut".to_owned());
    fs::write(&path, lines.join("\n")).unwrap();
    let options = BatchOptions {
        chunk_rows: 1,
        jobs: 2,
        ..BatchOptions::default()
    };
    let straight = run(&path, &options);
    let ids: Vec<Value> = std::str::from_utf8(&straight)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, ["r0", "r1", "r2", "4", "r3", "r4", "r5", "r6"]);
    let scores = scorer().score_all(&rollouts());
    let rows = by_id(&straight);
    for score in &scores {
        assert_eq!(rows[&score.id]["reward"], serde_json::json!(score.reward));
    }
    lines.sort_by_key(|line| line.contains("\"a\""));
    fs::write(&path, lines.join("\n")).unwrap();
    let sorted = by_id(&run(&path, &options));
    for score in &scores {
        assert_eq!(rows[&score.id], sorted[&score.id]);
    }
}

#[test]
fn a_limit_cuts_groups_as_well() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in.jsonl");
    fs::write(&path, lines().join("\n")).unwrap();
    let options = BatchOptions {
        limit: Some(4),
        ..BatchOptions::default()
    };
    let rows = by_id(&run(&path, &options));
    assert_eq!(rows.len(), 4);
    // The other of group `c` is not there to be compared with.
    assert_eq!(rows["r3"]["terms"]["brevity"]["raw"], 0.0);
}

#[test]
fn cut_anywhere_and_resumed_is_as_uninterrupted() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in.jsonl");
    let output = folder.path().join("out.jsonl");
    fs::write(&path, lines().join("\n")).unwrap();
    let scorer = scorer();
    let inputs = Inputs::check(vec![Input::named(&path)]).unwrap();
    let options = BatchOptions {
        jobs: 1,
        chunk_rows: 2,
        ..BatchOptions::default()
    };
    let go = |existing| {
        let manifest = Manifest::new(&scorer, &inputs, &options).unwrap();
        let file = OutputFile::open(&output, manifest, existing).unwrap();
        let control = Control::default();
        let batch = Batch {
            judge: &scorer,
            inputs: &inputs,
            options: &options,
            control: &control,
        };
        batch.run_file(file).unwrap().summary
    };
    let summary = go(Existing::Overwrite);
    let whole = fs::read(&output).unwrap();
    assert_eq!(whole, run(&path, &options));
    let complete = fs::read_to_string(Manifest::path(&output)).unwrap();
    let unfinished = complete.replace("\"complete\": true", "\"complete\": false");
    for cut in (0..=whole.len()).step_by(7) {
        fs::write(&output, &whole[..cut]).unwrap();
        fs::write(Manifest::path(&output), &unfinished).unwrap();
        assert_eq!(go(Existing::Resume), summary, "cut at {cut}");
        assert!(fs::read(&output).unwrap() == whole, "cut at {cut}");
    }
}

/// Measures that need no group stand beside rewards of all kinds; scoring groups
/// whole pays what scoring one by one does.
#[test]
fn measures_without_a_group_are_scored_in_groups() {
    let text = r#"
version = 1
[format]
template = "r1"
[rewards.accuracy]
math = { section = "answer" }
[rewards.overlong]
overlong = { max_tokens = 48, cache_tokens = 12 }
[rewards.tags]
tags = { tags = ["<think>"] }
"#;
    let scorer = Scorer::compile(SpecSource {
        text,
        origin: "mixed.toml",
        grammar: &|path| Err(format!("no file `{path}` here")),
    });
    let scorer = scorer.unwrap();
    let rollout = |(n_tokens, answer): (u64, &str)| Rollout {
        completion: format!("<think>6*7</think><answer>{answer}</answer>")
            .as_str()
            .into(),
        reference: Some("42".into()),
        n_tokens: Some(n_tokens),
        ..Rollout::default()
    };
    let rollouts = [(20, "42"), (40, "42"), (48, "41")].map(rollout);
    let alone: Vec<_> = rollouts
        .iter()
        .map(|rollout| scorer.score(rollout))
        .collect();
    assert_eq!(scorer.score_all(&rollouts), alone);
    assert!(alone[0].reward > alone[1].reward && alone[1].reward > alone[2].reward);
}
