//! Laws of the math verifier from text to verdict: a value in any spelling is
//! itself, a changed literal never is, and equality carries over.
#![allow(clippy::unwrap_used, reason = "tests end at the first surprise")]

use goldstone::math::{Gold, MathOptions, Scope, Units, verify};
use goldstone::verdict::Outcome;
use proptest::prelude::*;

fn judged(reference: &str, answer: &str, scope: Scope) -> Outcome {
    judged_with(&MathOptions::default(), reference, answer, scope)
}

fn judged_with(options: &MathOptions, reference: &str, answer: &str, scope: Scope) -> Outcome {
    let gold = Gold::compile(reference, options).unwrap();
    verify(&gold, answer, scope, options).outcome
}

/// `a + bx + cx² + (d/e)√r`: no literal can change without the value.
#[derive(Clone, Debug)]
struct Value {
    terms: [u32; 5],
    radicand: u32,
}

/// The value in five spellings, the last a sentence with a box.
fn spellings(value: &Value) -> [(String, Scope); 5] {
    let ([a, b, c, d, e], r) = (value.terms, value.radicand);
    let latex = format!("{a}+{b}x+{c}x^{{2}}+\\frac{{{d}}}{{{e}}}\\sqrt{{{r}}}");
    [
        (latex.clone(), Scope::Answer),
        (
            format!(
                "$\\dfrac{{{d}\\,\\sqrt{{{r}}}}}{{{e}}} + {c} \\cdot x^2 + x \\times {b} + {a}$"
            ),
            Scope::Answer,
        ),
        (
            format!("{a} + {b}*x + {c}*x**2 + {d}/{e}*sqrt({r})"),
            Scope::Answer,
        ),
        (
            format!("{a} + {b}·x + {c}x² + ({d}÷{e})·√({r})"),
            Scope::Answer,
        ),
        (
            format!("We collect terms, so the answer is $\\boxed{{{latex}}}$."),
            Scope::Response,
        ),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let radicands = prop::sample::select(vec![2_u32, 3, 5, 6, 7, 10, 11, 30]);
    (prop::array::uniform5(1_u32..40), radicands)
        .prop_map(|(terms, radicand)| Value { terms, radicand })
}

/// Small texts of several types that are equal now and then.
const SMALL: &str = r"(1|2|1/2|0\.5|50%|x|2x|x\+x|\\frac\{2\}\{4\}|\\sqrt4|\\sqrt\{x\^2\}|\|x\||x=1|1=x|\(1,2\)|\\\{1,2\\\}|1,2|2,1|x<1|\(-\\infty,1\)|1>x|\\text\{yes\}|yes|30\^\\circ|\\pi/6|1\\text\{ cm\}|10\\text\{ mm\})";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn spellings_of_a_value_are_equal_and_changed_literals_are_not(
        value in value(),
        place in 0_usize..6,
        step in 1_u32..3,
    ) {
        let mut changed = value.clone();
        match changed.terms.get_mut(place) {
            Some(term) => *term += step,
            None => changed.radicand = if value.radicand == 2 { 3 } else { 2 },
        }
        let all = spellings(&value);
        for (reference, _) in &all[..2] {
            for (answer, scope) in &all {
                let outcome = judged(reference, answer, *scope);
                prop_assert_eq!(outcome, Outcome::Correct, "{} | {}", reference, answer);
            }
            for (answer, scope) in spellings(&changed) {
                let outcome = judged(reference, &answer, scope);
                prop_assert_eq!(outcome, Outcome::Wrong, "{} | {}", reference, answer);
            }
            let back = judged(&spellings(&changed)[2].0, reference, Scope::Answer);
            prop_assert_eq!(back, Outcome::Wrong, "{:?} | {}", changed, reference);
        }
    }

    /// What equals the same never differs. Units are strict here: where they are
    /// optional, 1 is 1 cm is 10 mm, and 1 is not 10 mm.
    #[test]
    fn equality_carries_over(one in SMALL, middle in SMALL, other in SMALL) {
        let strict = MathOptions { units: Units::Strict, ..MathOptions::default() };
        let judged = |a: &str, b: &str, scope| judged_with(&strict, a, b, scope);
        let equal = |a: &str, b: &str| judged(a, b, Scope::Answer) == Outcome::Correct;
        if equal(&one, &middle) && equal(&middle, &one) && equal(&middle, &other) && equal(&other, &middle) {
            let outcome = judged(&one, &other, Scope::Answer);
            prop_assert_ne!(outcome, Outcome::Wrong, "{} = {} = {}", one, middle, other);
        }
    }
}

/// Every answer of the public set, in spellings that leave no doubt.
#[test]
fn public_answers_equal_themselves_however_they_are_wrapped() {
    let options = MathOptions::default();
    let mut missed = Vec::new();
    let mut tried = 0;
    for line in include_str!("../data/math/math_golds.jsonl").lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = row["answer"].as_str().unwrap();
        let Ok(gold) = Gold::compile(text, &options) else {
            continue;
        };
        if verify(&gold, text, Scope::Answer, &options).outcome != Outcome::Correct {
            continue;
        }
        let spellings = [
            (
                text.replace("\\frac", "\\tfrac").replace("\\left", ""),
                Scope::Answer,
            ),
            (
                format!("Adding up gives the result. The answer is $\\boxed{{{text}}}$."),
                Scope::Response,
            ),
            (
                format!("<think>first 17</think> \\boxed{{{text}}}"),
                Scope::Response,
            ),
        ];
        for (spelling, scope) in spellings {
            let spelling = match scope {
                Scope::Answer => spelling.replace("\\right", ""),
                Scope::Response => spelling,
            };
            tried += 1;
            let outcome = verify(&gold, &spelling, scope, &options).outcome;
            assert_ne!(outcome, Outcome::Wrong, "{text} | {spelling}");
            if outcome != Outcome::Correct {
                missed.push(format!("{text} | {spelling}"));
            }
        }
    }
    assert!(tried > 3000, "{tried}");
    assert!(missed.len() * 100 <= tried, "{}", missed.join("\n"));
}
