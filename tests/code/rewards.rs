//! Code rewards of a spec: what a row pays, and what is whose fault.

use std::sync::Arc;

use goldstone::load;
use goldstone::reward::{ErrorKind, Score, Scorer, SpecSource, Status};
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

/// Tests with integers beyond 64 bits, as JSON and as JSON in a string: all digits
/// decide, and a float is none of them.
#[test]
fn integers_of_any_size_are_compared_to_the_last_digit() {
    let Some(runner) = guest() else { return };
    let scorer = scorer().with_sandbox(Arc::new(runner));
    let forms = [
        r#"{"fn_name": "f", "inputs": [[12345678901234567890123]], "outputs": [12345678901234567890124]}"#,
        r#"{"type": "calls", "entry_point": "f", "cases": [{"args": [12345678901234567890123], "expected": 12345678901234567890124}]}"#,
    ];
    for tests in forms {
        let in_string = serde_json::to_string(tests).expect("a text");
        for tests in [tests, &in_string] {
            let programs = [("x + 1", 1.0), ("x + 2", 0.0), ("x + 1.0", 0.0)];
            for (value, expected) in programs {
                let line = format!(
                    r#"{{"completion": "```python\ndef f(x): return {value}\n```", "tests": {tests}}}"#
                );
                let score = scorer.score(&rollout(&line));
                assert_eq!(score.reward, Some(expected), "{value}: {tests}");
            }
        }
    }
}

/// Programs that square 300: in one step, in 90,000 steps, wrongly.
const QUICK: &str = "```python\ndef f(n): return n * n\n```";
const SLOW: &str = "```python\ndef f(n):\n    s = 0\n    for _ in range(n):\n        for _ in range(n): s += 1\n    return s\n```";
const WRONG: &str = "```python\ndef f(n): return 0\n```";

fn efficiency(against: &str, completions: &[&str], reference: Option<&str>) -> Vec<Score> {
    let runner = guest().expect("the caller has looked");
    let text = format!(
        "version = 1\n[rewards.tests]\ncode = {{}}\n[rewards.lean]\nefficiency = {{ of = \"tests\", against = \"{against}\" }}\n"
    );
    let scorer = Scorer::compile(SpecSource {
        text: &text,
        origin: "efficiency.toml",
        grammar: &|_| Err("no grammar files here".to_owned()),
    })
    .expect("a sound spec")
    .with_sandbox(Arc::new(runner));
    let mut tests = json!({
        "type": "calls", "entry_point": "f", "cases": [{"args": "(300,)", "expected": "90000"}]
    });
    if let Some(reference) = reference {
        tests["reference_solution"] = reference.into();
    }
    let rollouts: Vec<Rollout> = completions
        .iter()
        .map(|completion| Rollout {
            prompt: "Square it.".into(),
            completion: (*completion).into(),
            tests: Some(tests.clone()),
            ..Rollout::default()
        })
        .collect();
    scorer.score_all(&rollouts)
}

fn lean(score: &Score) -> (Option<f64>, Option<&'static str>) {
    let term = score.term("lean").expect("the term applies");
    (term.raw, term.reason)
}

#[test]
fn a_group_pays_its_leanest_program_most() {
    if guest().is_none() {
        return;
    }
    let scores = efficiency("group", &[SLOW, QUICK, WRONG, "no code"], None);
    assert_eq!(lean(&scores[1]), (Some(1.0), None));
    let slow = lean(&scores[0]).0.expect("it passes");
    assert!(slow > 0.0 && slow < 0.5, "{slow}");
    assert_eq!(lean(&scores[2]), (Some(0.0), Some("not_passed")));
    assert_eq!(lean(&scores[3]), (Some(0.0), Some("not_passed")));
    assert_eq!(efficiency("group", &[WRONG], None)[0].reward, Some(0.0));
}

#[test]
fn a_reference_solution_is_the_measure_of_all() {
    if guest().is_none() {
        return;
    }
    let reference = "def f(n): return n * n";
    let scores = efficiency("reference", &[SLOW, QUICK, WRONG], Some(reference));
    assert!(lean(&scores[0]).0.is_some_and(|slow| slow < 0.5));
    // The same but for a line end, which takes a little fuel to read.
    assert!(lean(&scores[1]).0.is_some_and(|same| same > 0.99));
    assert_eq!(lean(&scores[2]), (Some(0.0), Some("not_passed")));
    for (reference, said) in [
        (None, "no reference solution"),
        (Some("def f(n): return 1"), "does not pass"),
    ] {
        let score = &efficiency("reference", &[QUICK], reference)[0];
        assert_eq!(score.reward, None);
        let error = score.error.as_ref().expect("an error");
        assert_eq!(error.kind, ErrorKind::Data);
        assert!(error.message.contains(said), "{}", error.message);
    }
}
