//! Text measures: lengths, repetition, marks of form. Cases and the reference
//! implementations' numbers in `tests/data/text/`, laws here.

use std::collections::HashSet;

use goldstone::text::cosine::{self, CosineOptions};
use goldstone::text::group_length::{self, Member};
use goldstone::text::overlong::{self, OverlongOptions};
use goldstone::text::repetition::{self, RepetitionOptions, RepetitionUnit};
use goldstone::text::steps::{self, StepsOptions};
use goldstone::text::stop::{self, StopOptions};
use goldstone::text::tags::{self, TagsOptions};
use goldstone::verdict::{Measure, Outcome};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    kind: String,
    #[serde(default)]
    options: toml::Table,
    #[serde(default)]
    text: String,
    n_tokens: Option<u64>,
    outcome: Option<Outcome>,
    finish_reason: Option<String>,
    /// None where the measure abstains.
    value: Option<f64>,
    reason: Option<String>,
    #[serde(rename = "why")]
    _why: String,
}

/// Options that are no good, and what is said of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    kind: String,
    options: toml::Table,
    says: String,
}

/// The options as a spec's table, or what is wrong with them.
fn options<O: DeserializeOwned>(
    table: &toml::Table,
    check: impl Fn(&O) -> Result<(), goldstone::text::OptionError>,
) -> Result<O, String> {
    let options: O = table
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| error.message().trim().to_owned())?;
    check(&options).map_err(|error| error.to_string())?;
    Ok(options)
}

fn measure(kind: &str, table: &toml::Table, case: Option<&Case>) -> Result<Measure, String> {
    let text = case.map_or("", |case| &case.text);
    let n_tokens = case.and_then(|case| case.n_tokens);
    Ok(match kind {
        "overlong" => overlong::measure(n_tokens, &options(table, OverlongOptions::check)?),
        "cosine" => {
            let options = options(table, CosineOptions::check)?;
            let outcome = case.and_then(|case| case.outcome).expect("an outcome");
            cosine::measure(outcome, options.unit.of(n_tokens, text), &options)
        }
        "stop" => {
            let reason = case.and_then(|case| case.finish_reason.as_deref());
            stop::measure(reason, &options(table, StopOptions::check)?)
        }
        "repetition" => repetition::measure(text, &options(table, RepetitionOptions::check)?),
        "tags" => tags::measure(text, &options(table, TagsOptions::check)?),
        "steps" => steps::measure(text, &options(table, StepsOptions::check)?),
        other => panic!("no measure is called `{other}`"),
    })
}

#[test]
fn cases() {
    let file: File = toml::from_str(&read("measures.toml")).expect("a case file");
    let mut names = HashSet::new();
    let mut failures = Vec::new();
    for case in &file.case {
        assert!(
            names.insert(&case.name),
            "two cases are named `{}`",
            case.name
        );
        let found = measure(&case.kind, &case.options, Some(case))
            .unwrap_or_else(|problem| panic!("{}: {problem}", case.name));
        let same = match (found.value, case.value) {
            (Some(found), Some(expected)) => {
                (found - expected).abs() < 1e-12 && (found != 0.0 || found.is_sign_positive())
            }
            (None, None) => true,
            _ => false,
        };
        if !same || found.reason != case.reason.as_deref() {
            failures.push(format!(
                "{}: {:?} {:?}, expected {:?} {:?}",
                case.name, found.value, found.reason, case.value, case.reason
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn bad_options_are_refused() {
    let file: File = toml::from_str(&read("measures.toml")).expect("a case file");
    let failures: Vec<String> = file
        .refused
        .iter()
        .filter_map(
            |refused| match measure(&refused.kind, &refused.options, None) {
                Err(said) if said == refused.says => None,
                said => Some(format!(
                    "{} {:?}:\n  {said:?}, expected\n  {:?}",
                    refused.kind, refused.options, refused.says
                )),
            },
        )
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs `compare` on every row of a table of reference values.
fn each_row<R: DeserializeOwned>(name: &str, least: usize, compare: impl Fn(&R) -> (f64, f64)) {
    let text = read(name);
    let mut rows = 0;
    for (number, line) in text.lines().enumerate() {
        let row: R = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{name}:{}: {error}", number + 1));
        let (found, expected) = compare(&row);
        assert!(
            (found - expected).abs() < 1e-12,
            "{name}:{}: {found}, expected {expected}\n{line}",
            number + 1
        );
        rows += 1;
    }
    assert!(rows >= least, "{name} has only {rows} rows");
}

#[test]
fn overlong_equals_trl() {
    #[derive(Deserialize)]
    struct Row {
        max_tokens: u64,
        cache_tokens: u64,
        n_tokens: u64,
        value: f64,
    }
    each_row("overlong.jsonl", 100, |row: &Row| {
        let options = OverlongOptions {
            max_tokens: row.max_tokens,
            cache_tokens: row.cache_tokens,
        };
        options.check().expect("good options");
        let found = overlong::measure(Some(row.n_tokens), &options);
        (found.value.expect("a value"), row.value)
    });
}

#[test]
fn cosine_equals_trl() {
    #[derive(Deserialize)]
    struct Row {
        options: CosineOptions,
        correct: bool,
        length: u64,
        value: f64,
    }
    each_row("cosine.jsonl", 100, |row: &Row| {
        row.options.check().expect("good options");
        let outcome = if row.correct {
            Outcome::Correct
        } else {
            Outcome::Wrong
        };
        let found = cosine::measure(outcome, Some(row.length), &row.options);
        (found.value.expect("a value"), row.value)
    });
}

#[test]
fn repetition_equals_open_r1_and_trl() {
    #[derive(Deserialize)]
    struct Row {
        text: String,
        ngram_size: usize,
        max_penalty: f64,
        value: f64,
    }
    each_row("repetition.jsonl", 400, |row: &Row| {
        let options = RepetitionOptions {
            ngram_size: row.ngram_size,
            max_penalty: row.max_penalty,
            unit: RepetitionUnit::Words,
        };
        let found = repetition::measure(&row.text, &options);
        (found.value.expect("a value"), row.value)
    });
}

#[test]
fn group_length_equals_open_r1() {
    #[derive(Deserialize)]
    struct Row {
        members: Vec<Answer>,
        values: Vec<f64>,
    }
    #[derive(Deserialize)]
    struct Answer {
        length: u64,
        correct: bool,
    }
    each_row("group_length.jsonl", 30, |row: &Row| {
        let members: Vec<Member> = row
            .members
            .iter()
            .map(|answer| Member {
                length: Some(answer.length),
                outcome: Some(if answer.correct {
                    Outcome::Correct
                } else {
                    Outcome::NoAnswer
                }),
            })
            .collect();
        let found = group_length::measure(&members);
        assert_eq!(found.len(), row.values.len());
        let furthest = found
            .iter()
            .zip(&row.values)
            .map(|(found, value)| (found.value.expect("a value") - value).abs())
            .fold(0.0, f64::max);
        (furthest, 0.0)
    });
}

#[test]
fn tags_and_steps_equal_open_r1() {
    #[derive(Deserialize)]
    struct Row {
        text: String,
        value: f64,
    }
    let (tag_options, step_options) = (TagsOptions::default(), StepsOptions::default());
    each_row("tags.jsonl", 60, |row: &Row| {
        let found = tags::measure(&row.text, &tag_options);
        (found.value.expect("a value"), row.value)
    });
    each_row("steps.jsonl", 80, |row: &Row| {
        let found = steps::measure(&row.text, &step_options);
        (found.value.expect("a value"), row.value)
    });
}

/// Who has no length, or no verdict, abstains and says which.
#[test]
fn a_group_with_gaps() {
    let member = |length, outcome| Member { length, outcome };
    let found = group_length::measure(&[
        member(Some(10), Some(Outcome::Correct)),
        member(None, Some(Outcome::Correct)),
        member(Some(30), None),
        member(Some(50), Some(Outcome::Unknown)),
        member(Some(20), Some(Outcome::Wrong)),
    ]);
    let said: Vec<_> = found.iter().map(|one| (one.value, one.reason)).collect();
    assert_eq!(
        said,
        [
            (Some(0.5), None),
            (None, Some("no_length")),
            (None, Some("unknown_verdict")),
            (None, Some("unknown_verdict")),
            (Some(0.0), None),
        ]
    );
    assert!(group_length::measure(&[]).is_empty());
    let alone = group_length::measure(&[member(Some(7), Some(Outcome::Correct))]);
    assert_eq!(alone[0].value, Some(0.0));
    let unknown = group_length::measure(&[member(None, Some(Outcome::Correct))]);
    assert_eq!(unknown[0].value, None);
    let extremes = group_length::measure(&[
        member(Some(0), Some(Outcome::Correct)),
        member(Some(u64::MAX), Some(Outcome::Correct)),
    ]);
    assert_eq!(extremes[1].value, Some(-0.5));
}

/// What makes other counters quadratic or large.
#[test]
fn large_texts_are_measured() {
    let of_bytes = |unit: &str, bytes: usize| unit.repeat(bytes / unit.len());
    let some = |unit: &str| of_bytes(unit, 400_000);
    let texts = [
        of_bytes("a b ", 8_000_000),
        some("a"),
        some("\n-"),
        some("<think>\n"),
        some("数"),
        some("a\u{301}"),
        some("\u{202e}"),
    ];
    for text in &texts {
        for unit in [
            RepetitionUnit::Words,
            RepetitionUnit::Uax29,
            RepetitionUnit::Characters,
        ] {
            if text.len() > 1_000_000 && unit != RepetitionUnit::Words {
                continue;
            }
            let options = RepetitionOptions {
                ngram_size: 1000,
                unit,
                ..RepetitionOptions::default()
            };
            let value = repetition::measure(text, &options).value.expect("a value");
            assert!((-1.0..=0.0).contains(&value));
        }
        for found in [
            tags::measure(text, &TagsOptions::default()),
            steps::measure(text, &StepsOptions::default()),
        ] {
            assert!((0.0..=1.0).contains(&found.value.expect("a value")));
        }
    }
}

/// Counting windows by doubling is the same as counting them one by one.
fn distinct_windows(words: &[&str], size: usize) -> Option<f64> {
    let windows: Vec<_> = words.windows(size).collect();
    let distinct: HashSet<_> = windows.iter().collect();
    (!windows.is_empty()).then(|| distinct.len() as f64 / windows.len() as f64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn repetition_counts_every_window(
        words in prop::collection::vec("[ab]|c|dd", 0..40),
        size in 1_usize..20,
    ) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let options = RepetitionOptions { ngram_size: size, ..RepetitionOptions::default() };
        let found = repetition::measure(&words.join(" "), &options).value.expect("a value");
        let expected = distinct_windows(&words, size).map_or(0.0, |share| share - 1.0);
        prop_assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn longer_is_never_better_when_correct(max_len in 1_u64..5000, one in 0_u64..9000, more in 0_u64..9000) {
        let options = CosineOptions { max_len, ..CosineOptions::default() };
        let value = |outcome, length| cosine::measure(outcome, Some(length), &options).value;
        let near = |left: Option<f64>, right: Option<f64>| left.zip(right).is_some_and(|(l, r)| l <= r + 1e-12);
        prop_assert!(near(value(Outcome::Correct, one + more), value(Outcome::Correct, one)));
        prop_assert!(near(value(Outcome::Wrong, one), value(Outcome::Wrong, one + more)));
        prop_assert!(value(Outcome::Wrong, one) < value(Outcome::Correct, more));
    }

    #[test]
    fn measures_are_finite_on_any_text(text in "\\PC{0,60}") {
        for unit in [RepetitionUnit::Words, RepetitionUnit::Uax29, RepetitionUnit::Characters] {
            let options = RepetitionOptions { unit, ngram_size: 2, ..RepetitionOptions::default() };
            let value = repetition::measure(&text, &options).value.expect("a value");
            prop_assert!((-1.0..=0.0).contains(&value));
        }
        let value = tags::measure(&text, &TagsOptions { trailing_penalty: 0.5, ..TagsOptions::default() }).value;
        prop_assert!((0.0..=1.0).contains(&value.expect("a value")));
        let value = steps::measure(&text, &StepsOptions::default()).value;
        prop_assert!((0.0..=1.0).contains(&value.expect("a value")));
    }
}

fn read(name: &str) -> String {
    let path = format!("{}/tests/data/text/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}
