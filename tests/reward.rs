//! What specs pay: each file of `data/reward/` is a spec and its cases.

use std::collections::BTreeMap;
use std::path::Path;

use goldstone::load;
use goldstone::reward::{Score, Scorer, SpecSource};
use goldstone::rollout::{Record, Rollout};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    spec: String,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rollout: String,
    /// A number, or `null` in quotes.
    reward: toml::Value,
    status: String,
    /// Term to `verdict` or `verdict: reason`; terms left out must be absent.
    terms: BTreeMap<String, String>,
    #[expect(dead_code, reason = "documents the case for readers of the data")]
    why: String,
}

fn compile(text: &str) -> Scorer {
    let grammar = |path: &str| Err(format!("no file `{path}` here"));
    match Scorer::compile(SpecSource {
        text,
        origin: "case",
        grammar: &grammar,
    }) {
        Ok(scorer) => scorer,
        Err(error) => panic!("{error}"),
    }
}

fn score(scorer: &Scorer, line: &str) -> Score {
    let record = Record::parse(line.as_bytes()).expect("a case is valid JSON");
    scorer.score(
        &record
            .rollout(scorer.fields(), "1")
            .expect("a case is a rollout"),
    )
}

#[test]
fn specs_pay_what_their_cases_say() {
    for entry in std::fs::read_dir("tests/data/reward").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let file: File =
            toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let scorer = match load::shipped().find(|shipped| shipped.name == file.spec) {
            Some(shipped) => compile(shipped.text),
            None => compile(&file.spec),
        };
        let mut names = std::collections::BTreeSet::new();
        for case in &file.case {
            assert!(
                names.insert(&case.name),
                "{}: `{}` twice",
                path.display(),
                case.name
            );
            check(&path, &scorer, case);
        }
    }
}

fn check(path: &Path, scorer: &Scorer, case: &Case) {
    let place = format!("{}: {}", path.display(), case.name);
    let score = score(scorer, &case.rollout);
    let line = serde_json::to_string(&score).expect("a score is plain JSON");
    let expected = match &case.reward {
        toml::Value::Float(number) => Some(*number),
        toml::Value::String(word) if word == "null" => None,
        other => panic!("{place}: reward {other}"),
    };
    assert_eq!(score.reward, expected, "{place}: {line}");
    let status = serde_json::to_value(score.status).expect("a status is a word");
    assert_eq!(status, case.status.as_str(), "{place}: {line}");
    let found: BTreeMap<String, String> = score
        .terms
        .iter()
        .map(|term| {
            let verdict = term.outcome.map_or("none", |outcome| outcome.name());
            // The reason is compared only where the case names one.
            let names_reason = case
                .terms
                .get(&*term.name)
                .is_some_and(|text| text.contains(':'));
            let shown = match term.reason {
                Some(reason) if names_reason => format!("{verdict}: {reason}"),
                _ => verdict.to_owned(),
            };
            (term.name.to_string(), shown)
        })
        .collect();
    assert_eq!(found, case.terms, "{place}: {line}");
}

#[test]
fn spans_point_into_the_whole_completion() {
    let scorer = load::spec("r1-zero").unwrap();
    let text = "<think>½ of it</think>\n<answer> 1/2 </answer>";
    let line = serde_json::json!({ "completion": text, "reference": "0.5" }).to_string();
    let score = score(&scorer, &line);
    let span = score
        .term("accuracy")
        .unwrap()
        .detail
        .value("span")
        .unwrap();
    let ends: (usize, usize) = serde_json::from_value(span.clone()).unwrap();
    assert_eq!(&text[ends.0..ends.1], "1/2");
}

#[test]
fn score_line_has_the_documented_shape() {
    let scorer = load::spec("r1-zero").unwrap();
    let line = r#"{"id": "aime-7/3", "group": "aime-7", "task": "math", "completion": "<think>…</think><answer>\\frac12</answer>", "reference": "0.5"}"#;
    let score = score(&scorer, line);
    insta::assert_snapshot!(serde_json::to_string(&score).unwrap());
}

#[test]
fn every_shipped_spec_compiles_and_describes_itself() {
    for shipped in load::shipped() {
        let scorer = load::spec(shipped.name).unwrap();
        assert_eq!(scorer.name(), shipped.name);
        assert!(!scorer.description().is_empty(), "{}", shipped.name);
    }
}

#[test]
fn unknown_spec_suggests_a_near_one() {
    let error = load::spec("gsm8").unwrap_err().to_string();
    assert!(error.contains("did you mean `gsm8k`?"), "{error}");
}

/// The reward of a rollout must not depend on what was scored before it.
#[test]
fn scores_do_not_depend_on_order() {
    let scorer = load::spec("math").unwrap();
    let lines: Vec<String> = (0..50)
        .map(|n| {
            let completion = format!("The answer is \\boxed{{{}}}.", n % 7);
            serde_json::json!({ "completion": completion, "reference": n % 5 }).to_string()
        })
        .collect();
    let forward: Vec<Score> = lines.iter().map(|line| score(&scorer, line)).collect();
    let mut backward: Vec<Score> = lines
        .iter()
        .rev()
        .map(|line| score(&scorer, line))
        .collect();
    backward.reverse();
    assert_eq!(forward, backward);
}

/// A grammar decides scores as the spec's text does, so that resuming under an
/// edited grammar must be seen.
#[test]
fn spec_hash_covers_grammars() {
    let text = "version = 1\n[format]\ngrammar = \"g.pest\"\nroot = \"doc\"\nanswer = \"answer\"\n[rewards.a]\nexact = {}";
    let hash = |grammar: &str| {
        let read = |_: &str| Ok(grammar.to_owned());
        let source = SpecSource {
            text,
            origin: "spec",
            grammar: &read,
        };
        Scorer::compile(source)
            .expect("the spec is sound")
            .spec_sha256()
            .to_owned()
    };
    let one = "doc = { SOI ~ \"<a>\" ~ answer ~ \"</a>\" ~ EOI }\nanswer = @{ (!(\"<a>\" | \"</a>\") ~ ANY)* }";
    assert_eq!(hash(one), hash(one));
    assert_ne!(
        hash(one),
        hash(&one.replace("<a>", "<b>").replace("</a>", "</b>"))
    );
}

/// In training an answer that nobody can decide must not be a shelter.
#[test]
fn undecided_answers_pay_as_wrong_ones_where_that_is_asked_for() {
    let rewards = |text: &str, completion: &str, reference: Option<&str>| {
        let scorer = compile(text);
        let rollout = Rollout {
            completion: completion.into(),
            reference: reference.map(Into::into),
            n_tokens: Some(10),
            ..Rollout::default()
        };
        let training = scorer.clone().unknown_as_wrong();
        // Asking twice changes nothing.
        let twice = training.clone().unknown_as_wrong();
        assert_eq!(twice.score(&rollout), training.score(&rollout));
        (
            scorer.score(&rollout).reward,
            training.score(&rollout).reward,
        )
    };
    let undecided = r"\boxed{\int_0^1 x dx}";
    let sum = "version = 1\n[rewards.accuracy]\nmath = { wrong = -1.0 }";
    assert_eq!(rewards(sum, undecided, Some("7")), (None, Some(-1.0)));
    assert_eq!(
        rewards(sum, r"\boxed{7}", Some("7")),
        (Some(1.0), Some(1.0))
    );
    assert_eq!(
        rewards(sum, r"\boxed{8}", Some("7")),
        (Some(-1.0), Some(-1.0))
    );
    assert_eq!(
        rewards(sum, undecided, None),
        (None, None),
        "the row's fault"
    );
    let priced = "version = 1\n[rewards.accuracy]\nmath = { wrong = -1.0, unknown = -0.5 }";
    assert_eq!(
        rewards(priced, undecided, Some("7")),
        (Some(-0.5), Some(-0.5))
    );
    let gate = "version = 1\n[combine]\nmode = \"gate\"\ngate = [\"accuracy\"]\n\
                [rewards.accuracy]\nmath = {}\n[rewards.bonus]\nexact = { normalize = \"none\" }";
    assert_eq!(rewards(gate, undecided, Some("7")), (None, Some(0.0)));
    let table = |first: &str| {
        format!(
            "version = 1\n[combine]\nmode = \"table\"\notherwise = -0.5\ntable = [\n\
             {{ verdicts = {{ accuracy = \"correct\" }}, reward = 1.0 }},\n\
             {{ verdicts = {{ accuracy = \"{first}\" }}, reward = 0.25 }}]\n\
             [rewards.accuracy]\nmath = {{}}"
        )
    };
    let both = |first| rewards(&table(first), undecided, Some("7"));
    assert_eq!(both("wrong"), (None, Some(0.25)));
    assert_eq!(both("no_answer"), (None, Some(-0.5)));
    assert_eq!(both("unknown"), (None, Some(0.25)), "the table prices it");
    let measured = "version = 1\n[rewards.accuracy]\nmath = {}\n\
                    [rewards.length]\ncosine = { of = \"accuracy\", max_len = 100 }";
    let (scored, trained) = rewards(measured, undecided, Some("7"));
    assert_eq!(scored, None);
    let (_, wrong) = rewards(measured, r"\boxed{8}", Some("7"));
    assert!(
        trained.unwrap() <= wrong.unwrap(),
        "{trained:?}, wrong {wrong:?}"
    );
}
