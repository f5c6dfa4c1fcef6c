//! The instructions of IFEval: verdicts of the published code in
//! `tests/data/ifeval/cases.jsonl`, references that are refused in
//! `refused.toml`, laws here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use goldstone::text::ifeval::{
    Credit, Detected, IfevalOptions, Instructions, Letterless, Mode, verify,
};
use goldstone::verdict::{Outcome, Verdict};
use serde::Deserialize;
use serde_json::Value;

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
        let detect = |text: &str| match self.languages.get(text) {
            Some(Some(code)) => Detected::Language(code.clone()),
            Some(None) => Detected::NoLanguage,
            None => panic!("{}: langdetect was not asked about {text:?}", self.name),
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
