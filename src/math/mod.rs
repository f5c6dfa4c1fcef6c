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
//! that differ, a box that is a part of an expression, units of another dimension, division by zero. Numbers are never
//! picked out of prose.
//!
//! # Known gaps
//! Radicals, symbols, sets, intervals, matrices, equations and sums are
//! `unknown` unless textually identical.
//!
//! The words round an answer are read by tables, mostly English ones: a denial
//! in other words is not seen, and an honest sentence that denies something else
//! right beside its answer is refused (`\boxed{3}, which is not even`). An
//! inequality or `\approx` beside a box refuses it.
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
//! | unknown | `unsupported` | not a number, and not the same text |
//! | unknown | `limit` | longer or larger than the options allow |

mod options;

mod extract;

mod anchors;

mod neighbours;

mod doubt;

mod restated;

mod gold;

mod scan;

mod number;

mod digits;

mod suffix;

mod opaque;

mod units;

mod value;

mod compare;

mod expr;

mod typed;

mod parse;

mod decide;

mod structure;

mod judge;

mod comments;

pub mod gsm8k;

use crate::verdict::Verdict;

pub use extract::Scope;
pub use gold::Gold;
pub use options::{
    BaseSuffix, DecimalComma, DegreeSign, Extract, LetterCase, ListOrder, MathOptions, MinProof,
    Percent, Rounding, Units,
};

use extract::{Source, extract};
use judge::{is_expression, judge};

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
        Err(reason) => return refused(reason),
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

/// The verdict on an answer that was not looked at: one that stands there but is
/// not asserted alone is wrong, one that is withheld is none.
fn refused(reason: &'static str) -> Verdict {
    match reason {
        "box_in_expression" | "hedged" | "question" | "several_answers" => Verdict::wrong(reason),
        _ => Verdict::no_answer(reason),
    }
}
