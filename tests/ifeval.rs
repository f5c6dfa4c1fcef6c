//! The instructions of IFEval: verdicts of the published code in
//! `tests/data/ifeval/cases.jsonl`, references that are refused in
//! `refused.toml`, laws here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use goldstone::text::ifeval::{
    Asked, Credit, Detect, Detected, IfevalOptions, Instructions, Letterless, Mode, verify,
};
use goldstone::verdict::{Outcome, Verdict};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

/// A response, what is asked of it, and what the published code says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    instruction_id_list: Value,
    kwargs: Value,
    response: String,
    strict: Vec<bool>,
    loose: Vec<bool>,
    /// What langdetect says of the forms of the response it is asked about;
    /// nothing where it finds no letters.
    #[serde(default)]
    languages: HashMap<String, Option<String>>,
}

impl Case {
    fn verdict(&self, mode: Mode, credit: Credit) -> Verdict {
        let instructions = Instructions::parse(&self.instruction_id_list, &self.kwargs)
            .unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let detect = |asked: Asked<'_>| match self.languages.get(asked.text) {
            Some(Some(code)) => Detected::Language(code.clone()),
            Some(None) => Detected::NoLanguage,
            None => panic!(
                "{}: langdetect was not asked about {:?}",
                self.name, asked.text
            ),
        };
        let options = IfevalOptions {
            mode,
            credit,
            ..IfevalOptions::default()
        };
        verify(&instructions, &self.response, &detect, &options)
    }
}

fn read(name: &str) -> String {
    let path = format!("{}/tests/data/ifeval/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn cases(lines: &str) -> Vec<Case> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Which instructions the evidence says are followed.
fn followed(verdict: &Verdict) -> Vec<bool> {
    let each = verdict.detail.value("instructions");
    let each = each.and_then(Value::as_array).into_iter().flatten();
    each.map(|instruction| {
        instruction["followed"]
            .as_bool()
            .expect("a detector that always knows")
    })
    .collect()
}

fn assert_equal(cases: &[Case]) {
    let mut failures = Vec::new();
    for case in cases {
        for (mode, expected) in [(Mode::Strict, &case.strict), (Mode::Loose, &case.loose)] {
            let verdict = case.verdict(mode, Credit::Fraction);
            let share = expected.iter().filter(|followed| **followed).count() as f64
                / expected.len() as f64;
            let same = if verdict.outcome == Outcome::NoAnswer {
                share == 0.0
            } else {
                followed(&verdict) == *expected
            };
            if !same || verdict.credit != share {
                failures.push(format!(
                    "{}: {} {} of {:?}, {mode:?}: expected {expected:?}, got {:?} ({})",
                    case.name,
                    case.instruction_id_list,
                    case.kwargs,
                    case.response.chars().take(300).collect::<String>(),
                    followed(&verdict),
                    verdict.outcome.name(),
                ));
            }
            let all = case.verdict(mode, Credit::All);
            assert_eq!(
                all.outcome == Outcome::Correct,
                share == 1.0,
                "{}",
                case.name
            );
            assert_eq!(all.credit, f64::from(share == 1.0), "{}", case.name);
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn verdicts_are_those_of_the_published_code() {
    let cases = cases(&read("cases.jsonl"));
    assert_equal(&cases);

    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "two cases have the same name");
    // Every instruction is met and missed, in both modes.
    let mut seen: BTreeMap<&str, [BTreeSet<bool>; 2]> = BTreeMap::new();
    for case in &cases {
        let ids = case
            .instruction_id_list
            .as_array()
            .expect("a list of names");
        for (index, id) in ids.iter().enumerate() {
            let [strict, loose] = seen.entry(id.as_str().expect("a name")).or_default();
            strict.insert(case.strict[index]);
            loose.insert(case.loose[index]);
        }
    }
    assert_eq!(seen.len(), 25);
    for (id, verdicts) in seen {
        assert!(
            verdicts.iter().all(|said| said.len() == 2),
            "{id}: {verdicts:?}"
        );
    }
}

/// More pairs than are kept here: those of `generate.py --random`, in the file
/// that `IFEVAL_CASES` names.
#[test]
fn verdicts_on_random_pairs_are_those_of_the_published_code() {
    if let Ok(path) = std::env::var("IFEVAL_CASES") {
        assert_equal(&cases(
            &std::fs::read_to_string(path).expect("the file of IFEVAL_CASES"),
        ));
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedFile {
    case: Vec<RefusedCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusedCase {
    name: String,
    ids: Value,
    kwargs: Value,
    problem: Option<String>,
    #[serde(rename = "why")]
    _why: String,
}

#[test]
fn references_that_cannot_be_used_are_errors() {
    let file: RefusedFile = toml::from_str(&read("refused.toml")).expect("refused.toml");
    for case in &file.case {
        let reference = json!({ "instruction_id_list": case.ids, "kwargs": case.kwargs });
        match (Instructions::from_reference(&reference), &case.problem) {
            (Ok(_), None) => {}
            (Ok(_), Some(_)) => panic!("{}: accepted", case.name),
            (Err(error), None) => panic!("{}: {error}", case.name),
            (Err(error), Some(problem)) => {
                let error = error.to_string();
                assert!(error.contains(problem), "{}: {error}", case.name);
            }
        }
    }
    for reference in [
        json!(null),
        json!("punctuation:no_comma"),
        json!({ "instruction_id_list": ["punctuation:no_comma"] }),
        json!({ "instruction_id_list": "punctuation:no_comma", "kwargs": [{}] }),
        json!({ "instruction_id_list": ["punctuation:no_comma"], "kwargs": [3] }),
        json!({ "instruction_id_list": [1], "kwargs": [{}] }),
    ] {
        assert!(
            Instructions::from_reference(&reference).is_err(),
            "{reference}"
        );
    }
}

/// One of each instruction, with the arguments of the first case that has them.
fn all_instructions() -> Instructions {
    let mut seen = BTreeMap::new();
    for case in cases(&read("cases.jsonl")) {
        for (id, kwargs) in case
            .instruction_id_list
            .as_array()
            .into_iter()
            .flatten()
            .zip(case.kwargs.as_array().expect("a list of arguments"))
        {
            seen.entry(id.to_string())
                .or_insert((id.clone(), kwargs.clone()));
        }
    }
    let (ids, kwargs): (Vec<Value>, Vec<Value>) = seen.into_values().unzip();
    assert_eq!(ids.len(), 25);
    Instructions::parse(&json!(ids), &json!(kwargs)).expect("arguments of the cases")
}

fn english(_: Asked<'_>) -> Detected {
    Detected::Language("en".to_owned())
}

fn options(mode: Mode) -> IfevalOptions {
    IfevalOptions {
        mode,
        credit: Credit::Fraction,
        ..IfevalOptions::default()
    }
}

/// What the detector cannot tell is never paid, and never hides a miss.
#[test]
fn an_unknown_language_is_unknown_only_where_it_decides() {
    let read = |ids: Value, kwargs: Value| Instructions::parse(&ids, &kwargs).expect("arguments");
    let language = json!({ "language": "fr" });
    let alone = read(json!(["language:response_language"]), json!([language]));
    let both = read(
        json!(["language:response_language", "punctuation:no_comma"]),
        json!([language, {}]),
    );
    let capital = read(json!(["change_case:english_capital"]), json!([{}]));
    let unsure = |_: Asked<'_>| Detected::Unsure;
    let letterless = |_: Asked<'_>| Detected::NoLanguage;
    let strict = IfevalOptions::default();
    let share = options(Mode::Strict);
    let not_followed = IfevalOptions {
        letterless: Letterless::NotFollowed,
        ..IfevalOptions::default()
    };
    let said = |instructions: &Instructions, response: &str, detect: &Detect, options| {
        let verdict = verify(instructions, response, detect, options);
        assert!(verdict.outcome != Outcome::Unknown || verdict.credit == 0.0);
        verdict.outcome
    };
    assert_eq!(said(&alone, "Oui", &unsure, &strict), Outcome::Unknown);
    assert_eq!(said(&alone, "Oui", &english, &strict), Outcome::Wrong);
    assert_eq!(said(&both, "Oui", &unsure, &strict), Outcome::Unknown);
    assert_eq!(said(&both, "Oui, oui", &unsure, &strict), Outcome::Wrong);
    assert_eq!(said(&both, "Oui, oui", &unsure, &share), Outcome::Unknown);
    assert_eq!(said(&capital, "Small", &unsure, &strict), Outcome::Wrong);
    assert_eq!(said(&capital, "BIG", &unsure, &strict), Outcome::Unknown);
    assert_eq!(said(&alone, "...", &letterless, &strict), Outcome::Correct);
    assert_eq!(
        said(&alone, "...", &letterless, &not_followed),
        Outcome::Wrong
    );
}

/// Texts that keep backtracking engines and careless loops busy; 20 kB each.
#[test]
fn hostile_texts_are_judged() {
    let instructions = all_instructions();
    let long = |unit: &str| unit.repeat(20_000 / unit.len());
    for text in [
        long("*"),
        long("* "),
        long("*\n"),
        long("-\n"),
        long("\n"),
        long(" "),
        long("["),
        long("[]"),
        long("<<"),
        long(">>"),
        long("<<a"),
        long("."),
        long(". "),
        long(".\u{a0}"),
        long("a."),
        long("a.'"),
        long("?)"),
        long("! \n"),
        long("'"),
        long("'a"),
        long("\""),
        long("``"),
        long("{\"a\":"),
        long("[[1],"),
        long("1"),
        long("\\u"),
        long("p."),
        long("p. "),
        long("Section "),
        long("Section 1"),
        long("river"),
        long("\u{301}"),
        long("İ"),
        long("Σ"),
        long("can"),
        long("a-"),
        long("--"),
        long("a,"),
        long("***"),
        long("******"),
        long("a\n\n"),
        long("\u{1c}"),
        "x".repeat(20_000),
        long("Mr. "),
        long("``` "),
        long("u.s."),
        long("d'"),
    ] {
        for mode in [Mode::Strict, Mode::Loose] {
            let text = format!("a\n{text}\nb");
            let verdict = verify(&instructions, &text, &english, &options(mode));
            assert_ne!(verdict.outcome, Outcome::Correct);
        }
    }
}

/// Pieces of responses, so that random texts come near what is asked.
fn response_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z]{1,8}",
        "[ .,:;!?()*<>\\[\\]{}\n'\"`-]{1,3}",
        Just("***".to_owned()),
        Just("Mr. ".to_owned()),
        Just("My answer is yes.".to_owned()),
        Just("P.S. ".to_owned()),
        Just("Section 1".to_owned()),
        Just("river stone rain".to_owned()),
        Just("İıſ".to_owned()),
        "\\PC",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Nothing panics, shares are shares, and what follows strictly follows loosely.
    #[test]
    fn loose_is_never_stricter(text in response_like()) {
        let instructions = all_instructions_once();
        let strict = verify(instructions, &text, &english, &options(Mode::Strict));
        let loose = verify(instructions, &text, &english, &options(Mode::Loose));
        prop_assert!((0.0..=1.0).contains(&strict.credit));
        for (strict, loose) in followed(&strict).into_iter().zip(followed(&loose)) {
            prop_assert!(loose || !strict, "{text:?}");
        }
    }
}

fn all_instructions_once() -> &'static Instructions {
    static ALL: std::sync::LazyLock<Instructions> = std::sync::LazyLock::new(all_instructions);
    &ALL
}
