//! Math answers: a reference and a response in, a verdict out.
//!
//! # Accepts
//! Exactly equal answers, however written. Plain numbers are compared at once;
//! everything else is parsed (`parse`), compared by type (`structure`) and, in
//! its scalar parts, decided (`decide`): radicals, complex numbers, constants,
//! polynomials, trigonometric and exponential identities; sets, lists, tuples,
//! vectors, matrices; intervals and solved inequalities; equations up to a
//! constant factor; assignments by name; ratios, times of day, congruences,
//! families of solutions, numbers in a base; functions by branches, sums and
//! products of terms as written; words and letters. The tables are
//! in `docs/math.md`.
//!
//! # Rejects
//! Values that differ at all (there is no tolerance unless the data set
//! declares rounded references), `10%` for 10, several answers for one, hedges
//! ("3 or 4"), denials ("not 3"), questions, two commitments that differ, a
//! box that is a part of an expression, units
//! of another dimension, division by zero, other names, other types. Numbers
//! are never picked out of prose.
//!
//! # Known gaps
//! Integrals and limits; sums beside their closed forms; systems that are not
//! linear by their solutions; sets by a condition other than an inequality; `x^10` without
//! braces in LaTeX. They are `unknown` unless textually identical. See
//! `docs/math.md`.
//!
//! The words round an answer are read by tables, mostly English ones: a denial
//! in other words is not seen, and an honest sentence that denies something else
//! right beside its answer is refused (`\boxed{3}, which is not even`). An
//! inequality or `\approx` beside a box refuses it.
//!
//! # Source
//! The value rules are arithmetic; the stages of deciding cite theirs. The
//! commitment rules follow the R1 recipe (arXiv:2501.12948, section 2.2.2: a
//! boxed answer) and refuse what rule-based rewards are known to be exploited
//! by (arXiv:2505.22203).
//!
//! # Evidence
//! `answer` (canonical text), `span` (byte range), `source` (how it was
//! announced), `proof` (`exact`, `probabilistic`, `numeric N bits`), `policy`
//! (the switches without which it would not be correct), `witness` (what shows
//! the difference).
//!
//! # Reasons
//! | outcome | reason | meaning |
//! | --- | --- | --- |
//! | correct | `rational` | equal as rational numbers |
//! | correct | `unit_conversion` | equal after exact conversion of units |
//! | correct | `digits` | equal as long digit strings |
//! | correct | `bare_percent`, `rounded` | by option, or as the reference declares |
//! | correct | `identical` | the same text up to layout, or one canonical form |
//! | correct | `expanded` | equal when multiplied out over radicals |
//! | correct | `identity` | equal at secret points modulo secret primes |
//! | correct | `separation` | closer than different algebraic numbers can be |
//! | correct | `evaluated`, `numeric` | evaluated; so many bits agree, see `proof` |
//! | correct | `set`, `list`, `tuple`, `matrix` | the same members or entries |
//! | correct | `interval`, `inequality` | the same set of real numbers |
//! | correct | `cases` | the same branches under the same conditions |
//! | correct | `equation`, `assignments` | the same equation, the same values by name |
//! | correct | `ratio`, `time`, `congruence`, `family` | as their types say |
//! | correct | `text`, `synonym`, `choice` | the same word or letter |
//! | wrong | `different_value` | the difference is not zero; `witness` shows it |
//! | wrong | `different_unit` | units of different dimensions |
//! | wrong | `unit_missing`, `unit_unexpected` | the policy on units |
//! | wrong | `different_name` | `y = 5` for `x = 5` |
//! | wrong | `different_type` | a number for a matrix |
//! | wrong | `several_answers`, `missing_answers`, `extra_answers` | too many or too few |
//! | wrong | `different_length`, `different_shape` | ratios, matrices |
//! | wrong | `different_interval`, `malformed_interval` | other ends; low above high |
//! | wrong | `reversed_inequality` | the other side |
//! | wrong | `different_equation`, `false_equation` | no multiple; `2+2 = 5` |
//! | wrong | `different_ratio`, `different_time`, `different_residue`, `different_modulus`, `different_family` | as their types say |
//! | wrong | `different_text`, `different_choice` | another word or letter |
//! | wrong | `hedged` | "or", "not", "?", `±` in an answer for a number; a chain with a false link |
//! | wrong | `undefined` | the answer has no value |
//! | wrong | `conflict` | two commitments that differ |
//! | wrong | `box_in_expression` | the box is a part of an expression: `-\boxed{5}` |
//! | wrong | `question` | a question mark follows the answer |
//! | wrong | `too_long` | longer or larger than any number of the reference's kind |
//! | wrong | `not_a_number` | words for a numeric reference |
//! | no_answer | `no_answer_found` | nothing is announced |
//! | no_answer | `malformed_box`, `empty_box` | the last box |
//! | no_answer | `unfinished_thinking` | `<think>` is never closed |
//! | no_answer | `unclosed_answer_tag` | `<answer>` is never closed |
//! | no_answer | `empty` | the announced answer is empty |
//! | no_answer | `denied`, `retracted`, `conditional` | the words around it take it back |
//! | unknown | `unsupported` | not read as mathematics, and not the same text |
//! | unknown | `undecided`, `domain` | no stage decided; equal only where both are real |
//! | unknown | `unsolved` | the answer restates the question, `2x = 10` for `x = 5`; by policy, `6 \cdot 7` for 42 |
//! | unknown | `ambiguous_reference` | equal to a less usual reading of the reference |
//! | unknown | `different_condition` | the value, under another clause or none |
//! | unknown | `exclamation` | "The answer is 18!" for 18: a factorial, or a sentence |
//! | unknown | `box_in_words` | the words beside the box may make another value of it: "12 is 30% of \boxed{40}" |
//! | unknown | `possible_value` | "\boxed{5} is a possible value" |
//! | unknown | `linked_signs` | `\pm 1 \pm 2` may be two values or four |
//! | unknown | `letter_order` | the same letters in another order: a product, a word or a numeral |
//! | unknown | `unknown_unit` | the number, and a word or letter that may be a unit |
//! | unknown | `repeated_answers` | a double root, or the same answer twice |
//! | unknown | `juxtaposed` | `x = 2 y = 6`: two equations, or one chain |
//! | unknown | `different_type`, `different_text`, `different_name`, `letter_case`, `half_missing` | may mean the same |
//! | unknown | `trivial_equation`, `no_variable` | `0 = 0` says nothing |
//! | unknown | `weak_proof` | proved less firmly than `min_proof` asks |
//! | unknown | `conflict` | two commitments that could not be compared |
//! | unknown | `limit` | longer, larger or costlier than the options allow |
//! | unknown | `no_randomness` | the system gives none, so that identities could be forged |

mod options;

mod extract;

mod boxes;

mod between;

mod open_case;

mod unannounced;

mod narrowed;

mod stated;

mod counted;

mod chosen;

mod sentence;

mod escaped;

mod control;

mod anchors;

mod neighbours;

mod doubt;

mod aftermath;

mod restated;

mod gold;

mod prose_reference;

mod printed;

mod declared;

mod scan;

mod number;

mod digits;

mod suffix;

mod opaque;

mod units;

mod value;

mod compare;

mod interner;

mod expr;

mod typed;

mod parse;

mod decide;

mod statements;

mod structure;

mod reading;

mod judge;

mod comments;

mod conditions;

pub mod gsm8k;

use std::ops::Range;

use crate::verdict::{Outcome, Verdict};

pub use extract::Scope;
pub use gold::Gold;
pub use options::{
    BaseSuffix, DecimalComma, DegreeSign, Extract, LetterCase, ListOrder, MathOptions, MinProof,
    Percent, Rounding, Unevaluated, Units,
};

use control::restored;
use escaped::unescaped;
use extract::{Found, Source, extract, region};
use judge::judge;
use reading::is_expression;
use unannounced::sole;

/// Judges the answer in `text` against the reference.
///
/// Never fails and never panics; time is linear in `text`. The detail holds
/// `answer` (canonical form), `span` (its byte range in `text`), `source` (how
/// it was announced) and, for wrong values, `witness`.
///
/// ```
/// use goldstone::math::{Gold, MathOptions, Scope, verify};
/// use goldstone::verdict::Outcome;
///
/// let options = MathOptions::default();
/// let gold = Gold::compile("0.5", &options).unwrap();
/// let right = verify(&gold, "so we get \\boxed{\\frac12}.", Scope::Response, &options);
/// assert_eq!((right.outcome, right.reason), (Outcome::Correct, Some("rational")));
///
/// let wrong = verify(&gold, "\\boxed{0.5 \\text{ or } 0.6}", Scope::Response, &options);
/// assert_eq!((wrong.outcome, wrong.reason), (Outcome::Wrong, Some("hedged")));
/// ```
#[must_use]
pub fn verify(gold: &Gold, text: &str, scope: Scope, options: &MathOptions) -> Verdict {
    let restored = restored(text);
    let original = |at: usize| {
        restored
            .as_ref()
            .map_or(at, |restored| restored.original(at))
    };
    let text = restored.as_ref().map_or(text, |restored| &restored.text);
    let (verdict, found) = match unescaped(text) {
        Some(plain) => {
            let (verdict, found) = judged(gold, &plain.text, scope, options);
            let escaped = |span: Range<usize>| plain.original(span.start)..plain.original(span.end);
            (verdict, found.map(|(span, source)| (escaped(span), source)))
        }
        None => judged(gold, text, scope, options),
    };
    match found {
        Some((span, source)) => verdict
            .with_span(original(span.start)..original(span.end))
            .with("source", source.name()),
        None => verdict,
    }
}

/// The verdict, and where the judged answer stands and how it was announced.
type Judged = (Verdict, Option<(Range<usize>, Source)>);

fn judged(gold: &Gold, text: &str, scope: Scope, options: &MathOptions) -> Judged {
    let mut found = match extract(text, scope, options.extract) {
        Ok(found) => found,
        Err(reason) => return (refused(reason), None),
    };
    if scope == Scope::Response
        && options.extract == Extract::Auto
        && matches!(found.source, Source::Whole | Source::Bold)
        && !is_expression(&text[found.span.clone()], options)
    {
        if let Some(verdict) = same_words(gold, text, &found, options) {
            return (verdict, Some((found.span, found.source)));
        }
        found = match in_prose(text, found, options) {
            Some(found) => found,
            None => return (Verdict::no_answer("no_answer_found"), None),
        };
    }
    for rival in &mut found.rivals {
        if let Some(value) = narrowed::announced(text, rival.clone(), options)
            && !is_expression(&text[rival.clone()], options)
        {
            *rival = value;
        }
    }
    let verdict = labelled(gold, text, &found, options);
    let unread = match verdict.outcome {
        Outcome::Unknown => verdict.reason == Some("unsupported"),
        Outcome::Wrong => verdict.reason == Some("hedged"),
        Outcome::Correct | Outcome::NoAnswer => false,
    };
    if unread
        && matches!(
            found.source,
            Source::Phrase | Source::AnswerTag | Source::Whole
        )
        && let Some(value) = narrowed::announced(text, found.span.clone(), options)
    {
        let narrow = Found {
            span: value,
            ..found.clone()
        };
        let again = labelled(gold, text, &narrow, options);
        // A unit that the narrower text leaves out may be the asked one.
        if again.reason != Some("unit_missing") {
            return (again, Some((narrow.span, narrow.source)));
        }
    }
    (verdict, Some((found.span, found.source)))
}

/// Judges an answer; where the reference has a unit and the answer counts other
/// things, "5 months" for `5\text{ years}`, the bare number is not enough.
fn labelled(gold: &Gold, text: &str, found: &Found, options: &MathOptions) -> Verdict {
    let verdict = judge(gold, text, found, options);
    let Some(unit) = gold.unit().filter(|_| verdict.outcome == Outcome::Correct) else {
        return verdict;
    };
    let strict = MathOptions {
        units: Units::Strict,
        ..options.clone()
    };
    let bare = counted::names_other_things(&text[found.span.end..], unit)
        && judge(gold, text, found, &strict).outcome != Outcome::Correct;
    match bare {
        true => Verdict::unknown("unknown_unit"),
        false => verdict,
    }
}

/// The verdict on a response in words that is the reference, word for word.
fn same_words(gold: &Gold, text: &str, found: &Found, options: &MathOptions) -> Option<Verdict> {
    /// References in words are short.
    const LONGEST: usize = 256;
    if found.span.len() > LONGEST || gold.is_number() {
        return None;
    }
    let verdict = judge(gold, text, found, options);
    (verdict.outcome == Outcome::Correct && verdict.reason == Some("identical")).then_some(verdict)
}

/// The answer of a response that announces none.
fn in_prose(text: &str, found: Found, options: &MathOptions) -> Option<Found> {
    let region = region(text).ok()?;
    if let Some(sole) = sole(text, region.clone()) {
        return Some(sole);
    }
    let value = match found.source {
        Source::Bold => narrowed::announced(text, found.span.clone(), options),
        _ => narrowed::short(text, region.clone(), options),
    };
    match value {
        Some(span) => Some(Found { span, ..found }),
        None => narrowed::last_line(text, region.clone())
            .or_else(|| narrowed::concluded(text, region.clone(), options))
            .or_else(|| narrowed::believed(text, region)),
    }
}

/// The verdict on an answer that was not looked at: one that stands there but is
/// not asserted alone is wrong, one that is withheld is none.
fn refused(reason: &'static str) -> Verdict {
    match reason {
        "box_in_expression" | "hedged" | "question" | "several_answers" => Verdict::wrong(reason),
        _ => Verdict::no_answer(reason),
    }
}
