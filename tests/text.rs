//! Text verifiers: exact match, token F1, multiple choice. Cases in
//! `tests/data/text/`, laws here.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use goldstone::text::choice::{self, ChoiceOptions};
use goldstone::text::exact::{self, ExactOptions, Metric, Normalize};
use goldstone::verdict::{Outcome, ReferenceError, Verdict};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChoiceFile {
    case: Vec<ChoiceCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChoiceCase {
    name: String,
    reference: String,
    answer: String,
    verdict: String,
    /// The reason code; any, where the case does not say.
    reason: Option<String>,
    #[serde(default)]
    options: ChoiceOptions,
    #[serde(rename = "why")]
    _why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExactFile {
    case: Vec<ExactCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExactCase {
    name: String,
    golds: Vec<String>,
    answer: String,
    verdict: String,
    reason: Option<String>,
    credit: Option<f64>,
    #[serde(default)]
    options: ExactOptions,
    #[serde(rename = "why")]
    _why: String,
}

/// What a verifier said, in the words of the case files.
fn said(result: &Result<Verdict, ReferenceError>) -> &'static str {
    match result {
        Ok(verdict) => verdict.outcome.name(),
        Err(_) => "reference_error",
    }
}

fn reason(result: &Result<Verdict, ReferenceError>) -> Option<&'static str> {
    result.as_ref().ok().and_then(|verdict| verdict.reason)
}

/// At least one rejected case per accepted one, and no name twice.
fn assert_balanced<'c>(file: &str, cases: impl Iterator<Item = (&'c str, &'c str)>) {
    let mut names = HashSet::new();
    let (mut accepted, mut rejected) = (0, 0);
    for (name, verdict) in cases {
        assert!(names.insert(name), "{file}: two cases are named `{name}`");
        if verdict == "correct" {
            accepted += 1
        } else {
            rejected += 1
        }
    }
    assert!(
        rejected >= accepted,
        "{file}: {accepted} accepted, only {rejected} rejected cases"
    );
}

#[test]
fn choice_cases() {
    let mut failures = Vec::new();
    for file in ["choice.toml", "choice_doubts.toml", "choice_languages.toml"] {
        let cases = read::<ChoiceFile>(file).case;
        assert_balanced(file, cases.iter().map(|case| (&*case.name, &*case.verdict)));
        for case in &cases {
            let result = choice::verify(&case.reference, &case.answer, &case.options);
            let reason = reason(&result);
            if said(&result) != case.verdict
                || case
                    .reason
                    .as_deref()
                    .is_some_and(|expected| Some(expected) != reason)
            {
                failures.push(format!(
                    "{file}: {}: `{}` for gold `{}`: {} ({reason:?}), expected {} ({:?})",
                    case.name,
                    case.answer,
                    case.reference,
                    said(&result),
                    case.verdict,
                    case.reason
                ));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} cases fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn exact_cases() {
    let mut failures = Vec::new();
    let cases = read::<ExactFile>("exact.toml").case;
    assert_balanced(
        "exact.toml",
        cases.iter().map(|case| (&*case.name, &*case.verdict)),
    );
    for case in &cases {
        let golds: Vec<&str> = case.golds.iter().map(String::as_str).collect();
        let result = exact::verify(&golds, &case.answer, &case.options);
        let reason = reason(&result);
        let credit = result.as_ref().ok().map(|verdict| verdict.credit);
        if said(&result) != case.verdict
            || case
                .reason
                .as_deref()
                .is_some_and(|expected| Some(expected) != reason)
            || case.credit.is_some_and(|expected| {
                credit.is_none_or(|credit| (credit - expected).abs() > 1e-12)
            })
        {
            failures.push(format!(
                "exact.toml: {}: {} ({reason:?}, credit {credit:?}), expected {} ({:?}, {:?})",
                case.name,
                said(&result),
                case.verdict,
                case.reason,
                case.credit
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} cases fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// EM and F1 as Search-R1 and ReSearch count them; the sub EM of whole words,
/// which never pays where Search-R1's of characters does not.
#[test]
fn exact_equals_search_r1() {
    #[derive(Deserialize)]
    struct Row {
        golds: Vec<String>,
        answer: String,
        em: bool,
        sub_em: bool,
        sub_em_of_words: bool,
        f1: f64,
    }
    let mut rows = 0;
    for line in text("search_r1.jsonl").lines() {
        let row: Row = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let golds: Vec<&str> = row.golds.iter().map(String::as_str).collect();
        let judge = |metric| {
            let options = ExactOptions {
                metric,
                ..ExactOptions::default()
            };
            exact::verify(&golds, &row.answer, &options).expect("good golds")
        };
        let is_right = |metric| judge(metric).outcome == Outcome::Correct;
        assert_eq!(is_right(Metric::Em), row.em, "{line}");
        assert_eq!(is_right(Metric::SubEm), row.sub_em_of_words, "{line}");
        assert!(row.sub_em || !row.sub_em_of_words, "{line}");
        assert!((judge(Metric::F1).credit - row.f1).abs() < 1e-12, "{line}");
        rows += 1;
    }
    assert!(rows > 150, "only {rows} rows");
}

#[test]
fn bad_exact_options_are_refused() {
    for (options, says) in [
        (
            "floor = 0.1",
            "`floor` is the least F1; it needs `metric = \"f1\"`",
        ),
        (
            "metric = \"f1\"\nfloor = 1.0",
            "`floor` is 1; give a number from 0 to below 1, for example 0.1",
        ),
        (
            "metric = \"f1\"\nfloor = nan",
            "`floor` is NaN; give a finite number",
        ),
        (
            "max_words = 3",
            "`max_words` bounds an answer that holds a gold; it needs `metric = \"sub_em\"`",
        ),
        (
            "metric = \"sub_em\"\nmax_words = 0",
            "`max_words` is 0; give at least 1",
        ),
    ] {
        let given: ExactOptions = toml::from_str(options).expect("options");
        let error = given.check().expect_err(options);
        assert_eq!(error.to_string(), says);
    }
}

fn text(name: &str) -> String {
    let path = format!("{}/tests/data/text/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn read<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    toml::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The verdict on any text never depends on which letter would be right, and
/// two golds are never both met.
#[test]
fn one_answer_never_meets_two_golds() {
    for file in ["choice.toml", "choice_doubts.toml", "choice_languages.toml"] {
        for case in read::<ChoiceFile>(file).case {
            let correct = ('A'..='J')
                .filter(|gold| {
                    let options = ChoiceOptions {
                        letters: Default::default(),
                        ..case.options.clone()
                    };
                    choice::verify(&gold.to_string(), &case.answer, &options)
                        .is_ok_and(|verdict| verdict.outcome == Outcome::Correct)
                })
                .count();
            assert!(
                correct <= 1,
                "{file}: {}: {correct} golds are met",
                case.name
            );
        }
    }
}

/// Texts that made other graders quadratic or worse; 300 kB each.
#[test]
fn hostile_texts_take_linear_time() {
    let mega = |unit: &str| unit.repeat(300_000 / unit.len());
    let long_words = format!("A {}", "x".repeat(300_000));
    let texts = [
        mega(r"\boxed{"),
        mega(r"\boxed{C}"),
        mega("{"),
        mega("the answer is "),
        mega("answer: C "),
        mega("答案"),
        mega("选C"),
        mega("("),
        mega("*"),
        mega("C "),
        mega("A or B "),
        mega(" "),
        mega("<answer>"),
        mega("</think>"),
        mega("<think>"),
        mega("C is correct "),
        mega("C\n"),
        mega("A) x\n"),
        mega("'"),
        mega("not C "),
        mega("i "),
        mega("\0"),
        long_words,
        mega("C is wrong, "),
        mega("wait"),
        mega("Ｃ"),
        mega("answer is (((((((("),
        format!("answer is C{}", mega(" ")),
        format!("answer is C {}", mega("not ")),
    ];
    for text in &texts {
        let start = Instant::now();
        let verdict = choice::verify("C", text, &ChoiceOptions::default()).unwrap();
        let em = ExactOptions {
            metric: Metric::F1,
            ..ExactOptions::default()
        };
        exact::verify(&["C"], text, &em).unwrap();
        let shown: String = text.chars().take(20).collect();
        // An unoptimised build needs well below a second; a quadratic scan hours.
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "`{shown}…` took {:?}",
            start.elapsed()
        );
        assert_in_bounds(&verdict, text);
    }
}

fn assert_in_bounds(verdict: &Verdict, text: &str) {
    let Some(span) = verdict.detail.value("span") else {
        return;
    };
    let span: Vec<usize> = serde_json::from_value(span.clone()).expect("a span is two numbers");
    assert!(
        text.get(span[0]..span[1]).is_some(),
        "span {span:?} is no part of `{text}`"
    );
}

/// Pieces of answers, so that random texts come near the interesting forms.
fn answer_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[A-Ka-k]",
        "[ .,:;!?()*$\\\\{}\\[\\]\n'\"/_-]{1,2}",
        Just("the answer is ".to_owned()),
        Just("Answer: ".to_owned()),
        Just(r"\boxed{".to_owned()),
        Just(r"\text{".to_owned()),
        Just("答案是".to_owned()),
        Just("不是".to_owned()),
        Just("정답은 ".to_owned()),
        Just(" is correct".to_owned()),
        Just(" is wrong".to_owned()),
        Just(" not ".to_owned()),
        Just(" or ".to_owned()),
        Just("<answer>".to_owned()),
        Just("</answer>".to_owned()),
        Just("</think>".to_owned()),
        Just("Ｃ".to_owned()),
        Just("°é̂".to_owned()),
        "\\PC",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn choice_never_panics_and_spans_are_in_bounds(text in answer_like()) {
        let verdict = choice::verify("C", &text, &ChoiceOptions::default()).unwrap();
        assert_in_bounds(&verdict, &text);
        if verdict.outcome == Outcome::Correct {
            let span: Vec<usize> = serde_json::from_value(
                verdict.detail.value("span").unwrap().clone()
            ).unwrap();
            prop_assert!(matches!(&text[span[0]..span[1]], "C" | "c" | "Ｃ" | "ｃ"));
        }
    }

    /// White space around an answer, and a second copy of a letter, change nothing.
    #[test]
    fn choice_ignores_outer_white_space(text in answer_like()) {
        let options = ChoiceOptions::default();
        let plain = choice::verify("C", &text, &options).unwrap();
        let spaced = choice::verify("C", &format!("\n  {text} \n"), &options).unwrap();
        prop_assert_eq!(plain.outcome, spaced.outcome, "{:?}", text);
    }

    /// What is correct alone is no longer so when another letter is offered too.
    #[test]
    fn an_alternative_is_never_correct(text in answer_like()) {
        // Outside answer tags an addition would not count, and "not A" + " or D"
        // rules D out.
        let text = text.replace("answer>", "").replace("not", "").replace("不是", "");
        let options = ChoiceOptions::default();
        for added in [
            " or D", ", D", "\nD", "\n\\boxed{D}", "\nThe answer is D.", " / D", " or d", ", d",
            "\nd", " or the fourth", "\nNone of the above.", "\nIt is wrong.", "\nNope.",
            "\nFinal answer: 4",
        ] {
            let both = choice::verify("C", &format!("{text}{added}"), &options).unwrap();
            prop_assert_ne!(both.outcome, Outcome::Correct, "{:?} + {:?}", text, added);
        }
    }

    #[test]
    fn exact_never_panics_and_spans_are_in_bounds(gold in "\\PC{0,12}", answer in "\\PC{0,40}") {
        for metric in [Metric::Em, Metric::F1, Metric::SubEm] {
            for normalize in [Normalize::Squad, Normalize::Whitespace, Normalize::None] {
                let options = ExactOptions { metric, normalize, ..ExactOptions::default() };
                if let Ok(verdict) = exact::verify(&[&gold], &answer, &options) {
                    assert_in_bounds(&verdict, &answer);
                    prop_assert!((0.0..=1.0).contains(&verdict.credit));
                    prop_assert_eq!(verdict.credit == 1.0, verdict.outcome == Outcome::Correct);
                }
                // Whatever can be a gold is right as its own answer.
                if let Ok(verdict) = exact::verify(&[&gold], &gold, &options) {
                    prop_assert_eq!(verdict.outcome, Outcome::Correct);
                }
            }
        }
    }

    /// F1 is symmetric in answer and gold.
    #[test]
    fn f1_is_symmetric(one in "[a-f ]{1,16}", other in "[a-f ]{1,16}") {
        let options = ExactOptions { metric: Metric::F1, ..ExactOptions::default() };
        if let (Ok(left), Ok(right)) =
            (exact::verify(&[&one], &other, &options), exact::verify(&[&other], &one, &options))
        {
            prop_assert_eq!(left.credit, right.credit);
        }
    }
}
