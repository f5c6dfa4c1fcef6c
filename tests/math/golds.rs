//! The answers of a public set: each is itself in other spellings, and no other.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests, and figures for people"
)]

use goldstone::math::{Gold, MathOptions, Scope, verify};
use goldstone::verdict::Outcome;

/// The distinct answers of the MATH test set that compile.
fn math_golds() -> Vec<String> {
    include_str!("../data/math/math_golds.jsonl")
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
