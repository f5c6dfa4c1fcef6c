//! What must hold for any bytes: one function per fuzz target.
//!
//! Shared by the cargo-fuzz targets (`fuzz_targets/`, nightly) and by
//! `tests/fuzz_replay.rs`, which runs the committed seeds with `cargo test`.
//! Each function panics when the engine breaks its promise.

use std::collections::BTreeMap;
use std::ops::Range;

use goldstone::format::{Format, FormatOptions, Template};
use goldstone::language::{Language, LanguageOptions, measure};
use goldstone::math::{Gold, MathOptions, Scope};
use goldstone::reward::{Scorer, SpecSource};
use goldstone::rollout::{FieldMap, Record, Rollout};
use goldstone::text::choice::{self, ChoiceOptions};
use goldstone::verdict::{Outcome, Verdict};
use serde_json::Value;

/// Inputs beyond this size are cut: size is the benchmarks' subject.
const MAX_BYTES: usize = 1 << 16;

/// A name and its oracle.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All targets; the names are those of `fuzz_targets/` and `corpus-seeds/`.
pub(crate) const TARGETS: [Target; 6] = [
    ("record", record),
    ("format", format),
    ("math", math),
    ("choice", choice),
    ("language", language),
    ("spec", spec),
];

/// A record has the names and values that serde_json sees in the same line.
pub(crate) fn record(data: &[u8]) {
    let data = &data[..data.len().min(MAX_BYTES)];
    let record = match Record::parse(data) {
        Ok(record) => record,
        Err(error) => {
            assert!(!error.problem.is_empty());
            assert!(error.column.is_none_or(|column| column <= data.len() + 1));
            return;
        }
    };
    let columns: BTreeMap<&str, &str> = record.columns().collect();
    assert_eq!(
        columns.len(),
        record.columns().count(),
        "a name is there twice"
    );
    if let Ok(Value::Object(map)) = serde_json::from_slice(data) {
        assert_eq!(map.len(), columns.len(), "a column is lost");
        for (name, value) in &map {
            let again: Value = serde_json::from_str(columns[name.as_str()]).expect("was JSON");
            assert_eq!(again, *value, "column `{name}` changed");
        }
    }
    if let Ok(rollout) = record.rollout(&FieldMap::default(), "1") {
        assert_eq!(Ok(rollout), record.rollout(&FieldMap::default(), "1"));
        assert!(
            columns.contains_key("completion"),
            "a rollout without a completion"
        );
    }
}

/// Sections and markers lie in the text, and a valid text has its sections.
/// The first byte chooses the template.
pub(crate) fn format(data: &[u8]) {
    let Some((choice, text)) = data.split_first() else {
        return;
    };
    let text = lossy(text);
    let template = Template::ALL[usize::from(*choice) % Template::ALL.len()];
    let options = FormatOptions {
        template: Some(template),
        ..FormatOptions::default()
    };
    let format = Format::compile(&options, None).expect("shipped templates compile");
    for tail in ["", "<think>\n"] {
        let completion = format.parse(&text, tail);
        assert_eq!(
            completion,
            format.parse(&text, tail),
            "parsing is a function"
        );
        for section in [&completion.think, &completion.answer]
            .into_iter()
            .flatten()
        {
            section.spans().iter().for_each(|span| within(&text, span));
        }
        completion
            .markers
            .iter()
            .for_each(|marker| within(&text, &marker.span));
        completion
            .response
            .iter()
            .for_each(|range| within(&text, range));
        assert!((0.0..=1.0).contains(&completion.tag_score()));
        assert_eq!(completion.is_valid(), completion.violation.is_none());
        match &completion.violation {
            Some(violation) => {
                assert!(violation.at <= text.len());
                assert!(goldstone::format::REASON_CODES.contains(&violation.code));
            }
            None => assert!(completion.answer.is_some(), "valid without an answer"),
        }
    }
}

/// Spans lie in the text, verdicts are a function, and a reference is never
/// wrong as its own answer. The first line is the reference.
pub(crate) fn math(data: &[u8]) {
    let text = lossy(data);
    let (reference, answer) = text.split_once('\n').unwrap_or((&text, &text));
    let options = MathOptions::default();
    let Ok(gold) = Gold::compile(reference, &options) else {
        return;
    };
    for scope in [Scope::Response, Scope::Answer] {
        let verdict = goldstone::math::verify(&gold, answer, scope, &options);
        assert_eq!(
            verdict,
            goldstone::math::verify(&gold, answer, scope, &options)
        );
        evidence(&verdict, answer);
    }
    let own = goldstone::math::verify(
        &gold,
        &format!("\\boxed{{{reference}}}"),
        Scope::Response,
        &options,
    );
    // `1,2` is a number where a reference says so, and two of them in a box.
    if own.reason != Some("several_answers") {
        assert_ne!(
            own.outcome,
            Outcome::Wrong,
            "`{reference}` is not itself: {own:?}"
        );
    }
}

/// At most one letter is right, and a second commitment takes it back.
pub(crate) fn choice(data: &[u8]) {
    let text = lossy(data);
    let options = ChoiceOptions::default();
    let is_correct = |gold: char, answer: &str| {
        let verdict = choice::verify(&gold.to_string(), answer, &options).expect("a letter");
        evidence(&verdict, answer);
        verdict.outcome == Outcome::Correct
    };
    let right: Vec<char> = ('A'..='J')
        .filter(|&gold| is_correct(gold, &text))
        .collect();
    assert!(right.len() <= 1, "{right:?} are all right");
    let [letter] = right.as_slice() else { return };
    assert!(
        is_correct(*letter, &format!(" {text}\n")),
        "white space matters"
    );
    if !text.contains("answer>") && !text.contains("think>") {
        let other = if *letter == 'D' { 'E' } else { 'D' };
        let hedged = format!("{text}\nThe answer is {other}.");
        assert!(
            !is_correct(*letter, &hedged),
            "a second answer does not matter"
        );
    }
}

/// The first byte picks the target language and the mask; the share is a
/// share, and the stretches lie in the text, in order.
pub(crate) fn language(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let text = lossy(rest);
    let number = usize::from(first >> 1) % Language::all().count();
    let target = Language::all().nth(number).expect("less than the count");
    let options = LanguageOptions {
        strict_mask: first & 1 == 0,
        ..LanguageOptions::default()
    };
    let found = measure(&text, target, &options);
    assert!(found.target_words <= found.words);
    assert_eq!(found.score().is_none(), found.words == 0);
    assert!((0.0..=1.0).contains(&found.masked_fraction));
    let mut floor = 0;
    for span in &found.spans {
        within(&text, &span.range);
        assert!(floor <= span.range.start && span.range.start < span.range.end);
        floor = span.range.end;
    }
    assert_eq!(
        found,
        measure(&text, target, &options),
        "measuring is a function"
    );
}

/// A spec compiles or says where it is wrong; a compiled one scores purely.
pub(crate) fn spec(data: &[u8]) {
    let text = lossy(data);
    let no_files = |_: &str| Err("there are no files here".to_owned());
    let source = SpecSource {
        text: &text,
        origin: "fuzz.toml",
        grammar: &no_files,
    };
    match Scorer::compile(source) {
        Ok(scorer) => {
            let rollout = Rollout {
                completion: r"<think>x</think> <answer>\boxed{C}</answer>".into(),
                reference: Some("C".into()),
                ..Rollout::default()
            };
            let score = scorer.score(&rollout);
            assert_eq!(score, scorer.score(&rollout), "scoring is a function");
            assert!(
                score.reward.is_none_or(f64::is_finite),
                "{:?}",
                score.reward
            );
        }
        Err(error) => {
            let lines = text.split('\n').count();
            assert!(error.count() > 0);
            assert!(
                error
                    .positions()
                    .all(|(line, column)| (1..=lines).contains(&line) && column > 0)
            );
            assert!(!error.to_string().is_empty());
        }
    }
}

/// The text of fuzz bytes, cut to [`MAX_BYTES`].
fn lossy(data: &[u8]) -> String {
    String::from_utf8_lossy(&data[..data.len().min(MAX_BYTES)]).into_owned()
}

fn within(text: &str, span: &Range<usize>) {
    assert!(
        text.get(span.clone()).is_some(),
        "{span:?} is no part of the text"
    );
}

fn evidence(verdict: &Verdict, text: &str) {
    assert!((0.0..=1.0).contains(&verdict.credit));
    assert_eq!(verdict.credit == 1.0, verdict.outcome == Outcome::Correct);
    if let Some(span) = verdict.detail.value("span") {
        let [start, end]: [usize; 2] = serde_json::from_value(span.clone()).expect("two numbers");
        within(text, &(start..end));
    }
}
