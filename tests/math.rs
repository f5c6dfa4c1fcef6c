//! The math verifier: cases, public corpora, laws and hostile input.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests, and figures for people"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use goldstone::math::gsm8k::{self, Gsm8kOptions, GsmPair};
use goldstone::math::{Gold, MathOptions, Scope, verify};
use goldstone::verdict::{Outcome, Verdict};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    reference: String,
    answer: String,
    verdict: Outcome,
    reason: Option<String>,
    /// `response` or `answer`.
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    options: MathOptions,
    /// What the span must cover.
    #[serde(default)]
    span: Option<String>,
    why: String,
}

fn scope_of(name: Option<&str>) -> Scope {
    match name {
        Some("response") => Scope::Response,
        Some("answer") | None => Scope::Answer,
        Some(other) => panic!("unknown scope `{other}`"),
    }
}

#[test]
fn cases_hold() {
    hold(include_str!("data/math/verify.toml"));
}

#[test]
fn cases_of_typed_answers_hold() {
    hold(include_str!("data/math/structure.toml"));
}

#[test]
fn cases_of_soundness_hold() {
    hold(include_str!("data/math/soundness.toml"));
}

#[test]
fn cases_of_reading_hold() {
    hold(include_str!("data/math/reading.toml"));
}

#[test]
fn cases_of_assertion_hold() {
    hold(include_str!("data/math/assertion.toml"));
}

#[test]
fn cases_of_commitment_hold() {
    hold(include_str!("data/math/commitment.toml"));
}

#[test]
fn cases_of_prose_hold() {
    hold(include_str!("data/math/prose.toml"));
}

#[test]
fn cases_of_letters_hold() {
    hold(include_str!("data/math/letters.toml"));
}

fn hold(cases: &str) {
    let cases: Cases = toml::from_str(cases).unwrap();
    let mut names = std::collections::BTreeSet::new();
    let mut failures = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for case in &cases.case {
        assert!(
            names.insert(&case.name),
            "two cases are named `{}`",
            case.name
        );
        assert!(!case.why.is_empty(), "`{}` does not say why", case.name);
        let gold = match Gold::compile(&case.reference, &case.options) {
            Ok(gold) => gold,
            Err(error) => {
                failures.push(format!("{}: {error}", case.name));
                continue;
            }
        };
        let verdict = verify(
            &gold,
            &case.answer,
            scope_of(case.scope.as_deref()),
            &case.options,
        );
        match case.verdict {
            Outcome::Correct => accepted += 1,
            _ => refused += 1,
        }
        let reason = case.reason.as_deref();
        if verdict.outcome != case.verdict || (reason.is_some() && verdict.reason != reason) {
            failures.push(format!(
                "{}: {:?} {:?} {:?}, {}",
                case.name, verdict.outcome, verdict.reason, verdict.detail, case.why
            ));
        }
        if let Some(expected) = &case.span {
            let span = verdict.detail.value("span").unwrap().as_array().unwrap();
            let at = |n: usize| usize::try_from(span[n].as_u64().unwrap()).unwrap();
            if case.answer[at(0)..at(1)] != **expected {
                failures.push(format!(
                    "{}: the span is `{}`",
                    case.name,
                    &case.answer[at(0)..at(1)]
                ));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.case.len(),
        failures.join("\n")
    );
    assert!(
        refused >= accepted,
        "{accepted} accepted cases, only {refused} refused"
    );
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    id: String,
    #[serde(rename = "source")]
    _source: String,
    gold: String,
    pred: String,
    expected: bool,
    kind: String,
    form: String,
}

/// How often each outcome fell to pairs that are equal, or not.
type Counts = BTreeMap<(bool, &'static str), usize>;

/// Judges a corpus; returns counts by (expected, outcome) and what is alarming.
fn run(corpus: &str) -> (Counts, Vec<String>, Vec<String>) {
    let options = MathOptions::default();
    let mut counts = Counts::new();
    let (mut false_positives, mut misses) = (Vec::new(), Vec::new());
    for line in corpus.lines() {
        let pair: Pair = serde_json::from_str(line).unwrap();
        let described = format!(
            "{} [{}] {:.80} | {:.120}",
            pair.id, pair.kind, pair.gold, pair.pred
        );
        let Ok(gold) = Gold::compile(&pair.gold, &options) else {
            *counts
                .entry((pair.expected, "reference_error"))
                .or_default() += 1;
            misses.push(format!("REFERENCE {described}"));
            continue;
        };
        let verdict = verify(&gold, &pair.pred, scope_of(Some(&pair.form)), &options);
        *counts
            .entry((pair.expected, verdict.outcome.name()))
            .or_default() += 1;
        match (pair.expected, verdict.outcome) {
            (false, Outcome::Correct) => {
                false_positives.push(format!("{:?} {described}", verdict.reason))
            }
            (true, Outcome::Unknown | Outcome::Wrong | Outcome::NoAnswer) => {
                misses.push(format!("{:?} {described}", verdict.reason))
            }
            _ => {}
        }
    }
    (counts, false_positives, misses)
}

#[test]
fn public_suites_have_no_false_positive() {
    let (counts, false_positives, misses) = run(include_str!("data/math/peer_cases.jsonl"));
    eprintln!("{counts:?}\n{}", misses.join("\n"));
    assert!(false_positives.is_empty(), "{}", false_positives.join("\n"));
    // So that "never correct" cannot pass.
    assert!(counts[&(true, "correct")] >= 200, "{counts:?}");
}

#[test]
fn adversarial_pairs_have_no_false_positive() {
    let (counts, false_positives, misses) = run(include_str!("data/math/adversarial.jsonl"));
    eprintln!("{counts:?}\n{}", misses.join("\n"));
    assert!(false_positives.is_empty(), "{}", false_positives.join("\n"));
    assert!(counts[&(true, "correct")] >= 40, "{counts:?}");
}

/// Near misses of every type: one sign, one end, one name, one order off.
#[test]
fn near_misses_are_never_right() {
    let (counts, false_positives, _) = run(include_str!("data/math/attacks.jsonl"));
    eprintln!("{counts:?}");
    assert!(false_positives.is_empty(), "{}", false_positives.join("\n"));
    // So that "always unknown" cannot pass.
    assert!(counts[&(false, "wrong")] >= 200, "{counts:?}");
}

/// Set `GOLDSTONE_MATH_CORPUS` to files in the form of the corpora to judge
/// them too; fields other than those are ignored.
#[test]
fn corpora_from_the_environment_have_no_false_positive() {
    let Ok(files) = std::env::var("GOLDSTONE_MATH_CORPUS") else {
        return;
    };
    for file in files.split(':') {
        let mut kept = String::new();
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let mut row: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(line).unwrap();
            if row.get("scope").is_some_and(|scope| scope != "math") {
                continue;
            }
            row.retain(|key, _| {
                ["id", "source", "gold", "pred", "expected", "kind", "form"].contains(&key.as_str())
            });
            kept.push_str(&serde_json::to_string(&row).unwrap());
            kept.push('\n');
        }
        let (counts, false_positives, misses) = run(&kept);
        eprintln!("{file}: {counts:?}\n{}", misses.join("\n"));
        assert!(false_positives.is_empty(), "{}", false_positives.join("\n"));
    }
}

/// The distinct answers of the MATH test set that compile.
fn math_golds() -> Vec<String> {
    include_str!("data/math/math_golds.jsonl")
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["answer"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Other spellings of one answer: delimiters, layout, other commands.
fn respelled(gold: &str) -> Vec<String> {
    let spaced: String = gold
        .chars()
        .flat_map(|c| match c {
            '+' | '=' | ',' if !gold.contains(['\\', ',']) => vec![' ', c, ' '],
            c => vec![c],
        })
        .collect();
    vec![
        format!("\\boxed{{{}}}", gold.replace("\\frac", "\\dfrac")),
        format!("$$ {spaced} $$"),
        format!(
            "The answer is \\( \\displaystyle {} \\).",
            gold.replace("\\left(", "(")
                .replace("\\right)", ")")
                .replace("\\dfrac", "\\frac")
        ),
    ]
}

#[test]
fn answers_of_a_public_set_equal_themselves_respelled() {
    let options = MathOptions::default();
    let (mut compiled, mut tried, mut failures) = (0, 0, Vec::new());
    let golds = math_golds();
    for text in &golds {
        let gold = match Gold::compile(text, &options) {
            Ok(gold) => gold,
            Err(error) => {
                failures.push(error.to_string());
                continue;
            }
        };
        compiled += 1;
        let itself = verify(&gold, text, Scope::Answer, &options);
        assert_ne!(itself.outcome, Outcome::Wrong, "{text}: {itself:?}");
        for spelling in respelled(text) {
            tried += 1;
            let verdict = verify(&gold, &spelling, Scope::Response, &options);
            if verdict.outcome != Outcome::Correct {
                failures.push(format!(
                    "{:?} {:?} {text} | {spelling}",
                    verdict.outcome, verdict.reason
                ));
            }
        }
    }
    eprintln!("{compiled} of {}; {}", golds.len(), failures.join("\n"));
    assert!(
        compiled * 100 >= golds.len() * 98,
        "{compiled} of {}",
        golds.len()
    );
    assert!(
        failures.len() * 100 <= tried * 2,
        "{} of {tried}",
        failures.len()
    );
}

/// Neighbours in the list are different answers; those that are equal all the
/// same are few and of one value.
#[test]
fn answers_of_a_public_set_differ_from_their_neighbours_both_ways() {
    let options = MathOptions::default();
    let golds: Vec<(String, Gold)> = math_golds()
        .into_iter()
        .filter_map(|text| Some((text.clone(), Gold::compile(&text, &options).ok()?)))
        .collect();
    let mut equal = Vec::new();
    let mut undecided = 0;
    for distance in [1, 2, 7] {
        for (one, other) in golds.iter().zip(golds.iter().skip(distance)) {
            let forth = verify(&one.1, &other.0, Scope::Answer, &options).outcome;
            let back = verify(&other.1, &one.0, Scope::Answer, &options).outcome;
            assert!(
                (forth, back) != (Outcome::Correct, Outcome::Wrong)
                    && (forth, back) != (Outcome::Wrong, Outcome::Correct),
                "{} | {}: {forth:?}, {back:?}",
                one.0,
                other.0
            );
            undecided += usize::from(forth == Outcome::Unknown);
            if forth == Outcome::Correct {
                equal.push(format!("{} | {}", one.0, other.0));
            }
        }
    }
    eprintln!("{undecided} undecided, equal: {}", equal.join("\n"));
    assert!(equal.is_empty(), "{}", equal.join("\n"));
}

/// Whether an answer of the public set is a bare expression.
fn is_scalar(gold: &str) -> bool {
    const OTHER: [&str; 22] = [
        ",", "=", "%", ":", "\\text", "\\circ", "\\$", "\\mbox", "<", ">", "\\le", "\\ge", "\\cup",
        "begin", "\\pm", "_", "\\in", "or", "(", "[", "\\{", "\\mathrm",
    ];
    !OTHER.iter().any(|mark| gold.contains(mark))
        && !gold
            .bytes()
            .filter(u8::is_ascii_alphabetic)
            .all(|b| b.is_ascii_uppercase())
        || gold.bytes().all(|b| b.is_ascii_digit())
}

#[test]
fn scalars_of_a_public_set_survive_rewriting_and_not_mutation() {
    let options = MathOptions::default();
    let (mut tried, mut undecided) = (0, Vec::new());
    for text in math_golds().iter().filter(|gold| is_scalar(gold)) {
        let gold = Gold::compile(text, &options).unwrap();
        for same in [
            format!("\\frac{{2\\left({text}\\right)}}{{2}}"),
            format!("\\left({text}\\right)+3-\\frac{{6}}{{2}}"),
            format!("-\\left(-\\left({text}\\right)\\right)"),
        ] {
            tried += 1;
            let verdict = verify(&gold, &same, Scope::Answer, &options);
            assert_ne!(
                verdict.outcome,
                Outcome::Wrong,
                "{text} | {same}: {verdict:?}"
            );
            if verdict.outcome != Outcome::Correct {
                undecided.push(format!("{text} | {same}: {:?}", verdict.reason));
            }
        }
        for other in [
            format!("\\left({text}\\right)+1"),
            format!("\\left({text}\\right)\\cdot\\left(1+10^{{-30}}\\right)+10^{{-40}}"),
            format!("-\\left({text}\\right)-10^{{-9}}"),
        ] {
            let verdict = verify(&gold, &other, Scope::Answer, &options);
            assert_ne!(
                verdict.outcome,
                Outcome::Correct,
                "{text} | {other}: {verdict:?}"
            );
        }
    }
    eprintln!("{tried} rewritten, undecided: {}", undecided.join("\n"));
    assert!(tried > 1000, "{tried}");
    assert!(
        undecided.len() * 50 <= tried,
        "{} of {tried}",
        undecided.len()
    );
}

#[derive(Deserialize)]
struct Labelled {
    id: String,
    reference: String,
    completion: String,
    label: bool,
}

#[test]
fn gsm8k_strict_agrees_with_the_labels() {
    let options = Gsm8kOptions::default();
    let mut disagreements = Vec::new();
    let mut right = 0;
    for line in include_str!("data/math/gsm8k.jsonl").lines() {
        let row: Labelled = serde_json::from_str(line).unwrap();
        let pair = GsmPair {
            reference: &row.reference,
            completion: &row.completion,
        };
        let verdict = gsm8k::verify(pair, &options).unwrap();
        right += usize::from(row.label);
        if (verdict.outcome == Outcome::Correct) != row.label {
            disagreements.push(format!(
                "{}: {:?} {:?}",
                row.id, verdict.outcome, verdict.reason
            ));
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert!(right > 20);
}

/// Set `GOLDSTONE_GSM8K` to a file of rollouts whose `extra.label` is known.
#[test]
fn gsm8k_rollouts_from_the_environment_agree() {
    let Ok(file) = std::env::var("GOLDSTONE_GSM8K") else {
        return;
    };
    let mut rows = 0;
    let mut disagreements = Vec::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let pair = GsmPair {
            reference: row["reference"].as_str().unwrap(),
            completion: row["completion"].as_str().unwrap(),
        };
        let verdict = gsm8k::verify(pair, &Gsm8kOptions::default()).unwrap();
        rows += 1;
        if (verdict.outcome == Outcome::Correct) != row["extra"]["label"].as_bool().unwrap() {
            disagreements.push(format!(
                "{}: {:?} {:?}",
                row["id"], verdict.outcome, verdict.reason
            ));
        }
    }
    eprintln!("{rows} rows, {} disagreements", disagreements.len());
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

#[test]
fn gsm8k_reads_what_stands_round_the_marked_line() {
    let long = format!("#### {}", "x".repeat(5000));
    for (completion, expected) in [
        ("#### 42\nthe answer is 43", Some("conflict")),
        ("#### 42\n\n\\boxed{43}", Some("conflict")),
        ("#### 42\n43", Some("conflict")),
        ("not #### 42", Some("denied")),
        ("#### 42\nWait, no.", Some("retracted")),
        ("#### 1e99999", Some("too_long")),
        (&long, Some("too_long")),
    ] {
        let pair = GsmPair {
            reference: "42",
            completion,
        };
        let verdict = gsm8k::verify(pair, &Gsm8kOptions::default()).unwrap();
        assert_eq!(verdict.reason, expected, "{completion:.40}");
    }
    for completion in [
        "#### 42\nthe answer is 42",
        "#### 42\n\\boxed{42}",
        "It is so.\n#### 42\n\n",
        "A: 42",
    ] {
        let pair = GsmPair {
            reference: "42",
            completion,
        };
        let verdict = gsm8k::verify(pair, &Gsm8kOptions::default()).unwrap();
        assert_eq!(verdict.outcome, Outcome::Correct, "{completion}");
    }
}

#[test]
fn gsm8k_modes_differ_on_prose() {
    let pair = GsmPair {
        reference: "#### 18",
        completion: "She makes 9 * 2 = $18.",
    };
    assert_eq!(
        gsm8k::verify(pair, &Gsm8kOptions::default())
            .unwrap()
            .outcome,
        Outcome::NoAnswer
    );
    let last = Gsm8kOptions {
        mode: gsm8k::Mode::LastNumber,
    };
    assert_eq!(
        gsm8k::verify(pair, &last).unwrap().outcome,
        Outcome::Correct
    );
    let other = GsmPair {
        completion: "It is 18, or 1-19",
        ..pair
    };
    let verdict = gsm8k::verify(other, &last).unwrap();
    assert_eq!(
        (verdict.outcome, verdict.reason),
        (Outcome::Wrong, Some("not_a_number"))
    );
    for completion in ["on 2024-01-18", "the 18th", "18%", "5-18", "x18", "18x"] {
        let verdict = gsm8k::verify(GsmPair { completion, ..pair }, &last).unwrap();
        assert_ne!(verdict.outcome, Outcome::Correct, "{completion}");
    }
    for completion in ["it makes -3 and 18.", "is $18", "18 in all"] {
        let verdict = gsm8k::verify(GsmPair { completion, ..pair }, &last).unwrap();
        assert_eq!(verdict.outcome, Outcome::Correct, "{completion}");
    }
    assert!(
        gsm8k::verify(
            GsmPair {
                reference: "many",
                completion: "A: 1"
            },
            &last
        )
        .is_err()
    );
}

#[test]
fn unusable_references_are_errors() {
    let options = MathOptions::default();
    for reference in [
        "",
        "  ",
        "$$",
        "\\boxed{",
        "\\boxed{}",
        "1/0",
        "\\frac{1}{0}",
        "\\frac{x}{0}",
        "1e999999999",
        "x/0",
        "\\boxed{1} no \\boxed{2}",
        "-\\boxed{5}",
        "\\boxed{5}\\times 10^3",
        "x\\neq\\boxed{5}",
        "~5",
        "~~5~~",
        "5\n123",
    ] {
        assert!(
            Gold::compile(reference, &options).is_err(),
            "`{reference}` compiles"
        );
    }
    for reference in [
        "18",
        "x/2",
        "\\frac{1}{2}",
        "\\boxed{3}",
        "work\n#### 7",
        "$x = \\boxed{5}$.",
        "\\boxed{5}\\%",
    ] {
        assert!(
            Gold::compile(reference, &options).is_ok(),
            "`{reference}` does not compile"
        );
    }
}

fn judge(reference: &str, answer: &str) -> Verdict {
    let options = MathOptions::default();
    verify(
        &Gold::compile(reference, &options).unwrap(),
        answer,
        Scope::Answer,
        &options,
    )
}

/// Runs in the time that any single answer may take, generously.
fn quickly<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{what} took {:?}",
        start.elapsed()
    );
    result
}

#[test]
fn hostile_answers_are_quick_and_never_right() {
    let hostile = [
        ("nines", format!("\\boxed{{{}}}", "9".repeat(100_000))),
        ("tower", "\\boxed{9^{9^9}}".to_owned()),
        ("power", "\\boxed{9^{999999999}}".to_owned()),
        ("exponent", "\\boxed{1e999999999}".to_owned()),
        (
            "huge exponent",
            "\\boxed{1e99999999999999999999999}".to_owned(),
        ),
        ("negative exponent", "\\boxed{10^{-999999999}}".to_owned()),
        ("braces", "{".repeat(1 << 20)),
        (
            "closed braces",
            format!("{}{}", "{".repeat(1 << 19), "}".repeat(1 << 19)),
        ),
        ("boxes", "\\boxed{".repeat((1 << 20) / 7)),
        ("empty boxes", "\\boxed{}".repeat((1 << 20) / 8)),
        ("bare boxes", "\\boxed ".repeat((1 << 20) / 7)),
        (
            "listed boxes",
            "\\boxed{5},".repeat((1 << 20) / 10) + "\\boxed{6}",
        ),
        (
            "joined prose",
            "\\boxed{ab cd},".repeat(1000) + &format!("\\boxed{{{}e-15000}}", "7".repeat(3900)),
        ),
        (
            "costly rivals",
            (0..1000)
                .map(|n| format!("\\boxed{{{n}e-15000}} then "))
                .collect::<String>()
                + "\\boxed{6}",
        ),
        ("backslashes", "\\".repeat(1 << 20)),
        ("dollars", "$".repeat(1 << 20)),
        ("hashes", "#".repeat(1 << 20)),
        ("tags", "<answer>".repeat((1 << 20) / 8)),
        ("thoughts", "</think>".repeat((1 << 20) / 8)),
        ("phrases", "the answer is ".repeat((1 << 20) / 14)),
        ("denials", "not the answer is ".repeat((1 << 20) / 18)),
        ("conclusions", "Therefore, ".repeat((1 << 20) / 11)),
        (
            "concluding sentences",
            "Therefore, the total is 6. ".repeat((1 << 20) / 27) + "Therefore, the total is 5.",
        ),
        ("capitals", "T ".repeat(1 << 19)),
        (
            "announced sentences",
            "Final Answer: the total is 6. ".repeat((1 << 20) / 30),
        ),
        (
            "steps",
            "so $2+2=\\boxed{4}$. ".repeat((1 << 20) / 19)
                + "Final Answer: The final answer is $5$",
        ),
        ("one-letter boxes", "\\boxed 6 and ".repeat((1 << 20) / 13)),
        ("escaped boxes", "\\\\boxed{6} ".repeat((1 << 20) / 11)),
        ("headings", "### Response ".repeat((1 << 20) / 13)),
        ("number lines", "Done.\n6\n".repeat(1 << 17) + "5"),
        ("stars", "*".repeat(1 << 20)),
        ("nul", "\0".repeat(1 << 20)),
        ("fractions", format!("\\boxed{{{}}}", "\\frac1".repeat(600))),
        ("commas", format!("\\boxed{{{}}}", "5,".repeat(2000))),
        ("parentheses", format!("\\boxed{{{}5}}", "(".repeat(4000))),
    ];
    for (what, text) in &hostile {
        for scope in [Scope::Response, Scope::Answer] {
            let options = MathOptions::default();
            let gold = Gold::compile("5", &options).unwrap();
            let verdict = quickly(what, || verify(&gold, text, scope, &options));
            assert_ne!(verdict.outcome, Outcome::Correct, "{what}");
        }
    }
}

#[test]
fn limits_are_unknown_and_long_integers_are_decided() {
    // Too large to compute, and still no 5.
    assert_eq!(judge("5", "1e999999999").outcome, Outcome::Wrong);
    assert_eq!(judge("5", "9^{999999}").outcome, Outcome::Wrong);
    assert_eq!(judge("5", &"x+".repeat(4000)).reason, Some("too_long"));
    let nines = "9".repeat(100_000);
    assert_eq!(judge(&nines, &nines).outcome, Outcome::Correct);
    assert_eq!(
        judge(&nines, &format!("00{nines}")).outcome,
        Outcome::Correct
    );
    assert_eq!(judge(&nines, &format!("-{nines}")).outcome, Outcome::Wrong);
    assert_eq!(
        judge(&nines, &format!("{}8", &nines[1..])).outcome,
        Outcome::Wrong
    );
    let zeros = format!("1{}", "0".repeat(5000));
    assert_eq!(judge("10^{5000}", &zeros).outcome, Outcome::Correct);
    assert_eq!(judge("10^{5001}", &zeros).outcome, Outcome::Wrong);
}

/// One number in several styles.
fn styles(numerator: i64, denominator: i64) -> Vec<String> {
    let sign = if numerator < 0 { "-" } else { "" };
    let n = numerator.unsigned_abs();
    let mut all = vec![
        format!("{sign}{n}/{denominator}"),
        format!("{sign}\\frac{{{n}}}{{{denominator}}}"),
        format!("$\\dfrac{{{numerator}}}{{{denominator}}}$"),
        format!("\\({sign}{n} / {denominator}\\)."),
        format!("{}{n}⁄{denominator}", if numerator < 0 { "−" } else { "" }),
    ];
    if denominator == 1 {
        all.extend([
            format!("{numerator}.0"),
            format!("{numerator}e0"),
            format!("{sign}0{n}"),
        ]);
    }
    if denominator == 100 {
        all.extend([
            format!("{numerator}\\%"),
            format!("{sign}{}.{:02}", n / 100, n % 100),
            format!("{numerator} \\times 10^{{-2}}"),
        ]);
    }
    all
}

/// Answers of every type, small enough to be equal now and then.
const TYPED: &str = r"[(\[]?(x|y|f\(x\)|\\sqrt\{?[23]|[0-3]|\\pi|\\frac12)([+*/,:^ ]|=|<|\\le |\\cup|\\pm |\\text\{ or \}|\\cdot )?(x|y|[0-3]|\\infty|\\sqrt2|\\\{1,2\\\}|\[0,1\))?[)\]]?";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn printed_styles_are_equal_and_mutations_are_not(
        numerator in -100_000_i64..100_000,
        denominator in prop_oneof![Just(1_i64), Just(100), 1_i64..1000],
        delta in prop_oneof![1_i64..5, Just(1_000)],
    ) {
        let same = styles(numerator, denominator);
        for one in &same {
            for other in &same {
                prop_assert_eq!(judge(one, other).outcome, Outcome::Correct, "{} = {}", one, other);
            }
        }
        for other in styles(numerator + delta, denominator) {
            prop_assert_eq!(judge(&same[0], &other).outcome, Outcome::Wrong, "{} = {}", same[0], other);
        }
    }

    #[test]
    fn verdicts_on_values_are_symmetric(a in "-?[0-9]{1,3}([.,/][0-9]{1,3})?(e[0-9])?", b in "-?[0-9]{1,3}([.,/][0-9]{1,3})?(e[0-9])?") {
        let options = MathOptions::default();
        if let (Ok(left), Ok(right)) = (Gold::compile(&a, &options), Gold::compile(&b, &options)) {
            let forth = verify(&left, &b, Scope::Answer, &options).outcome == Outcome::Correct;
            let back = verify(&right, &a, Scope::Answer, &options).outcome == Outcome::Correct;
            // A decimal comma is read only against a decimal reference.
            if !a.contains(',') && !b.contains(',') {
                prop_assert_eq!(forth, back, "{} {}", a, b);
            }
        }
    }

    /// Any two texts that compile agree on each other, whatever their types.
    #[test]
    fn typed_verdicts_are_symmetric(one in TYPED, other in TYPED) {
        let options = MathOptions::default();
        if let (Ok(left), Ok(right)) = (Gold::compile(&one, &options), Gold::compile(&other, &options)) {
            let forth = verify(&left, &other, Scope::Answer, &options).outcome;
            let back = verify(&right, &one, Scope::Answer, &options).outcome;
            let contradict = [(forth, back), (back, forth)].contains(&(Outcome::Correct, Outcome::Wrong));
            prop_assert!(!contradict, "{} | {}: {:?} {:?}", one, other, forth, back);
            let itself = verify(&left, &one, Scope::Answer, &options).outcome;
            prop_assert_ne!(itself, Outcome::Wrong, "{}", one);
        }
    }

    #[test]
    fn never_panics(text in "([\\\\{}()$^_<>*#,.:/%=+ 0-9a-e−答案是\n-]|\\\\boxed\\{|\\\\frac|answer is |<answer>|</answer>|</think>|####){0,40}") {
        let options = MathOptions::default();
        let gold = Gold::compile("5", &options).unwrap();
        for scope in [Scope::Response, Scope::Answer] {
            let verdict = verify(&gold, &text, scope, &options);
            if let Some(span) = verdict.detail.value("span") {
                let at = |n: usize| usize::try_from(span[n].as_u64().unwrap()).unwrap();
                prop_assert!(text.get(at(0)..at(1)).is_some());
            }
        }
        let _ = Gold::compile(&text, &options);
        let _ = gsm8k::verify(GsmPair { reference: "5", completion: &text }, &Gsm8kOptions { mode: gsm8k::Mode::LastNumber });
    }
}
