//! Code rewards of a spec: what a row pays, and what is whose fault.

use std::sync::Arc;

use goldstone::load;
use goldstone::reward::{ErrorKind, Score, Scorer, Status};
use goldstone::rollout::{FieldMap, Record, Rollout};
use serde_json::{Value, json};

use super::programs::guest;

fn scorer() -> Scorer {
    load::spec("code").expect("a shipped spec")
}

fn rollout(line: &str) -> Rollout {
    let record = Record::parse(line.as_bytes()).expect("a record");
    record
        .rollout(&FieldMap::default(), "1")
        .expect("a rollout")
}

fn scored(completion: &str, tests: Option<Value>) -> Score {
    scorer().score(&Rollout {
        completion: completion.into(),
        tests,
        ..Rollout::default()
    })
}

fn sound_tests() -> Value {
    json!({"type": "calls", "entry_point": "f", "cases": [{"args": "(1,)", "expected": "1"}]})
}

#[test]
fn rows_without_usable_tests_have_no_reward() {
    let bad = [
        (None, "the tests are missing"),
        (Some(json!({"type": "calls"})), "entry_point"),
        (
            Some(json!({"type": "calls", "entry_point": "f", "cases": []})),
            "cases",
        ),
        (Some(json!(3)), "tests"),
    ];
    for (tests, said) in bad {
        for completion in ["no code at all", "```python\ndef f(x): return x\n```"] {
            let score = scored(completion, tests.clone());
            assert_eq!(score.reward, None, "{tests:?}");
            assert_eq!(score.status, Status::Error);
            let error = score.error.expect("an error");
            assert_eq!(error.kind, ErrorKind::Data);
            assert_eq!(error.field.as_deref(), Some("/tests"));
            assert!(error.message.contains(said), "{}", error.message);
        }
    }
}

#[test]
fn an_answer_without_a_program_needs_no_sandbox() {
    for (completion, reason) in [
        ("I would sort the list.", "no_code"),
        ("```python\ndef f(x):", "unclosed_code"),
        ("```rust\nfn f() {}\n```", "other_language"),
        (
            "<think>```python\ndef f(x): return x\n```</think>\nDone.",
            "no_code",
        ),
    ] {
        let score = scored(completion, Some(sound_tests()));
        assert_eq!(score.reward, Some(0.0), "{completion}");
        assert_eq!(score.terms[0].reason, Some(reason));
    }
}

#[test]
fn a_scorer_without_a_sandbox_says_that_it_is_at_fault() {
    let score = scored("```python\ndef f(x): return x\n```", Some(sound_tests()));
    assert_eq!(score.reward, None);
    assert_eq!(score.error.expect("an error").kind, ErrorKind::Machinery);
}

#[test]
fn four_completions_have_four_outcomes() {
    let Some(runner) = guest() else { return };
    let scorer = scorer().with_sandbox(Arc::new(runner));
    assert_eq!(scorer.guests(), ["python"]);
    let rows = include_str!("../../examples/rollouts/sort-42.jsonl");
    let outcomes: Vec<_> = rows
        .lines()
        .map(|line| {
            let score = scorer.score(&rollout(line));
            (score.reward, score.terms[0].reason)
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            (Some(0.0), Some("no_code")),
            (Some(0.0), Some("compile_error")),
            (Some(0.0), Some("wrong_answer")),
            (Some(1.0), Some("tests_pass")),
        ]
    );
}
