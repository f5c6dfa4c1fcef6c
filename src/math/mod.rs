//! Math answers: a reference and a response in, a verdict out.
//!
//! # Accepts
//! Exactly equal numbers, however written: integers of any size, decimals,
//! fractions (`1/2`, `\frac12`, `\dfrac{1}{2}`), mixed numbers, percent,
//! scientific notation, powers of integers, repeating decimals, thousands
//! separators, units of a closed table with exact conversion, `x = 5` for 5.
//! Anything else only when it is the same text up to layout.
//!
//! # Rejects
//! Values that differ at all (there is no tolerance), `10%` for 10, several
//! answers, hedges ("3 or 4"), denials ("not 3"), questions, two commitments
//! that differ, units of another dimension, division by zero. Numbers are never
//! picked out of prose.
//!
//! # Known gaps
//! Radicals, symbols, sets, intervals, matrices, equations and sums are
//! `unknown` unless textually identical.
//!
//! # Source
//! The value rules are arithmetic; the commitment rules follow the R1 recipe
//! (arXiv:2501.12948, section 2.2.2: a boxed answer) and refuse what rule-based
//! rewards are known to be exploited by (arXiv:2505.22203).
//!
//! # Reasons
//! | outcome | reason | meaning |
//! | --- | --- | --- |
//! | correct | `rational` | equal as rational numbers |
//! | correct | `unit_conversion` | equal after exact conversion of units |
//! | correct | `digits` | equal as long digit strings |
//! | correct | `bare_percent` | the bare number of a percentage, by option |
//! | correct | `identical` | the same expression up to layout |
//! | wrong | `different_value` | the difference is not zero; `witness` shows it |
//! | wrong | `different_unit` | units of different dimensions |
//! | wrong | `unit_missing`, `unit_unexpected` | the policy on units |
//! | wrong | `different_name` | `y = 5` for `x = 5` |
//! | wrong | `several_answers` | a list for a single reference |
//! | wrong | `hedged` | "or", "not", "?", `±` in an answer for a number |
//! | wrong | `undefined` | the answer divides by zero |
//! | wrong | `conflict` | two commitments that differ |
//! | no_answer | `no_answer_found` | nothing is announced |
//! | no_answer | `malformed_box`, `empty_box` | the last box |
//! | no_answer | `unfinished_thinking` | `<think>` is never closed |
//! | no_answer | `unclosed_answer_tag` | `<answer>` is never closed |
//! | no_answer | `empty` | the announced answer is empty |
//! | no_answer | `denied`, `retracted` | the sentence, or the next, takes it back |
//! | unknown | `unsupported` | not a number, and not the same text |
//! | unknown | `limit` | longer or larger than the options allow |

mod options;

mod extract;

mod anchors;

mod gold;

mod scan;

mod number;

mod digits;

mod suffix;

mod opaque;

mod units;

mod value;

mod compare;

#[allow(dead_code, reason = "filled by the parser of expressions")]
mod expr;

#[allow(dead_code, reason = "called once references are parsed as expressions")]
#[allow(
    unused_imports,
    reason = "called once references are parsed as expressions"
)]
mod decide;

pub mod gsm8k;

use crate::verdict::Verdict;

pub use extract::Scope;
pub use gold::Gold;
pub use options::{DecimalComma, Extract, MathOptions, Percent, Units};

use extract::{Found, Source, extract};
use gold::{Answer, as_text, interpret};
use number::{Fault, Limits};
use scan::{fold, tokens, without_delimiters};
use value::{Style, Value};

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
    let found = match extract(text, scope, options.extract) {
        Ok(found) => found,
        Err(reason) => return Verdict::no_answer(reason),
    };
    if scope == Scope::Response
        && options.extract == Extract::Auto
        && matches!(found.source, Source::Whole | Source::Bold)
        && !is_expression(&text[found.span.clone()], options)
    {
        return Verdict::no_answer("no_answer_found");
    }
    let judged = judge(gold, text, &found, options);
    judged
        .with_span(found.span.clone())
        .with("source", found.source.name())
}

fn judge(gold: &Gold, text: &str, found: &Found, options: &MathOptions) -> Verdict {
    let span = &text[found.span.clone()];
    let verdict = match interpret(span, options) {
        Ok(answer) => {
            let verdict = decide(gold, &answer, span, options);
            match &answer {
                Answer::Value(value) => verdict.with("answer", value.canonical()),
                Answer::Opaque(opaque) => verdict.with("answer", opaque.text()),
            }
        }
        Err(Fault::Undefined) => Verdict::wrong("undefined"),
        Err(Fault::Limit | Fault::Unsupported) => Verdict::unknown("limit"),
    };
    let agrees =
        |other: &std::ops::Range<usize>| same_answer(span, text[other.clone()].trim(), options);
    if !found.joined.iter().all(agrees) {
        return match &gold.answer {
            Answer::Value(_) => Verdict::wrong("several_answers"),
            Answer::Opaque(_) => Verdict::unknown("unsupported"),
        };
    }
    match found.rivals.iter().all(agrees) {
        true => verdict,
        false => Verdict::wrong("conflict"),
    }
}

/// Compares an answer with the reference, each a value or not.
fn decide(gold: &Gold, answer: &Answer, span: &str, options: &MathOptions) -> Verdict {
    match (&gold.answer, answer) {
        (Answer::Value(gold), Answer::Value(answer)) => compare::compare(gold, answer, options),
        (Answer::Value(_), Answer::Opaque(answer)) => {
            let limits = Limits {
                answer_bytes: options.max_answer_bytes,
                bits: options.max_bits,
            };
            if answer.is_hedged() {
                return Verdict::wrong("hedged");
            }
            match opaque::listed(&without_delimiters(tokens(&fold(span))), limits) {
                0 => Verdict::unknown("unsupported"),
                _ => Verdict::wrong("several_answers"),
            }
        }
        (Answer::Opaque(gold), Answer::Opaque(answer))
            if gold.text() == answer.text() && !answer.is_hedged() =>
        {
            Verdict::correct("identical")
        }
        (Answer::Opaque(gold), Answer::Value(Value::Quantity(answer)))
            if answer.style == Style::DecimalComma && gold.text() == as_text(span).text() =>
        {
            Verdict::correct("identical")
        }
        (Answer::Opaque(_), _) => Verdict::unknown("unsupported"),
    }
}

/// Whether two commitments of one response say the same.
fn same_answer(one: &str, other: &str, options: &MathOptions) -> bool {
    if one == other {
        return true;
    }
    match (interpret(one, options), interpret(other, options)) {
        (Ok(Answer::Value(one)), Ok(Answer::Value(other))) => {
            let lenient = MathOptions {
                units: Units::Optional,
                ..options.clone()
            };
            compare::compare(&one, &other, &lenient).outcome == crate::verdict::Outcome::Correct
        }
        (Ok(Answer::Opaque(one)), Ok(Answer::Opaque(other))) => {
            one.text() == other.text() || other.is_prose()
        }
        // "The answer is therefore clear." commits to nothing.
        (_, Ok(Answer::Opaque(other))) => {
            other.is_prose() || (other.has_word() && !other.is_hedged())
        }
        _ => false,
    }
}

/// Whether a whole text is one expression, not prose.
fn is_expression(text: &str, options: &MathOptions) -> bool {
    match interpret(text, options) {
        Ok(Answer::Value(_)) => true,
        Ok(Answer::Opaque(opaque)) => !opaque.is_prose(),
        Err(Fault::Undefined) => true,
        Err(_) => false,
    }
}
