//! Laws of single answers: styles of a number, symmetry, and no panic on any text.
#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use goldstone::math::gsm8k::{self, Gsm8kOptions, GsmPair};
use goldstone::math::{Gold, MathOptions, Scope, verify};
use goldstone::verdict::Outcome;
use proptest::prelude::*;

use super::judge;

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
