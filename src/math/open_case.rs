//! Whether a box holds only in one of several cases: "if n is even, it is
//! \boxed{2}; otherwise …". The text round the box in, yes or no out.
//!
//! "If its price was $p$, …, making a loss of \boxed{28\%}" sets the scene and
//! decides nothing.

use super::doubt::sentence_start;

/// Opens or names a case.
const CASES: &[&str] = &[
    "if",
    "unless",
    "otherwise",
    "else",
    "case",
    "cases",
    "whenever",
];

/// Supposes more than a case, or something else than an "if" does.
const SUPPOSES: &[&str] = &[
    "suppose",
    "supposing",
    "assume",
    "assuming",
    "unless",
    "provided",
    "imagine",
    "pretend",
    "wenn",
    "falls",
    "если",
];

/// Makes the condition one on the answer itself: "if I am right".
const WAVERS: &[&str] = &[
    "right", "correct", "wrong", "mistaken", "guess", "asked", "forced", "sure", "not",
];

/// What the clause of a general answer names; "If n is even, the answer is" is
/// the answer of a case.
const ANSWERS: &[&str] = &["answer", "answers", "solution", "solutions"];

/// Whether the sentence that leads to a box, in which a condition stands, makes
/// it depend on a case: `before` is the
/// text up to the box, `after` that behind it, `alone` whether it is the only box.
pub(super) fn depends(before: &str, after: &str, alone: Alone) -> bool {
    let start = sentence_start(before);
    let (earlier, sentence) = before.split_at(start);
    let own: Vec<String> = words(sentence).collect();
    let conditions = own.iter().filter(|word| *word == "if").count();
    let clause = main_clause(sentence);
    let other_case = |text: &str| words(text).any(|word| CASES.contains(&word.as_str()));
    alone == Alone::No
        || conditions != 1
        || own.iter().any(|word| SUPPOSES.contains(&word.as_str()))
        || clause.is_none_or(|clause| words(clause).any(|word| ANSWERS.contains(&word.as_str())))
        || own.iter().any(|word| WAVERS.contains(&word.as_str()))
        || own.windows(2).any(|pair| {
            pair[1] == "if" && ["even", "what", "as", "only"].contains(&pair[0].as_str())
        })
        || other_case(earlier)
        || other_case(after)
}

/// Whether a response has one box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alone {
    Yes,
    No,
}

/// What follows the if-clause: from its comma outside mathematics or "then" on.
fn main_clause(sentence: &str) -> Option<&str> {
    let condition = word_at(sentence, "if")?;
    let rest = &sentence[condition..];
    if let Some(then) = word_at(rest, "then") {
        return Some(&rest[then..]);
    }
    let mut dollars = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '$' => dollars += 1,
            ',' | '，' if dollars.is_multiple_of(2) => return Some(&rest[at..]),
            _ => {}
        }
    }
    None
}

/// Where a word stands, in any case.
fn word_at(text: &str, word: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    lower.match_indices(word).map(|(at, _)| at).find(|at| {
        let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        apart(text[..*at].chars().next_back()) && apart(text[at + word.len()..].chars().next())
    })
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}
