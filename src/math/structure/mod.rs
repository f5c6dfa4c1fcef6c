//! Comparing typed answers: readings of a reference and of an answer in, a
//! judgement out.
//!
//! The type of the reference selects among the readings of the answer. An
//! answer of another type is wrong where the types exclude each other, and
//! unknown where they do not. The core is symmetric; one named guard is not:
//! an answer that restates the question (`2x = 10` for `x = 5`, `x^2 > 1` for
//! intervals) is `unsolved`, never correct.
//!
//! | types | equal when |
//! | --- | --- |
//! | scalars | equal in value, after exact conversion of units |
//! | sets, lists | the same members; order and, in sets, repetition ignored |
//! | `x = a = b` | as b, where every link that can be checked is true |
//! | tuples, vectors, matrices | the same shape, equal entries |
//! | intervals, solved inequalities | the same set of real numbers |
//! | equations | one is a constant non-zero multiple of the other |
//! | `x = 5` | name and value; a bare value has any name |
//! | ratios | cross products are equal |
//! | times | the same time of day |
//! | congruences, families | the same residue classes |
//! | functions by branches | the same conditions, equal values under each |
//! | words, letters | the same word, or the same line of a closed table |
//!
//! Source: `docs/math.md`.

mod judgement;

mod oracle;

mod build;

mod scalar;

mod letter;

mod sequence;

mod unevaluated;

mod collection;

mod derivation;

mod rounding;

mod interval;

mod inequality;

mod polynomial;

mod system;

mod equation;

mod discrete;

mod words;

mod conditional;

mod print;

use std::cell::Cell;

use num_traits::Zero;

pub(super) use super::decide::Proof;
pub(super) use judgement::Judgement;
pub(super) use print::print;
pub(super) use scalar::{may_be_rounded, may_be_unit};

use super::decide::{Limits, Secrets};
use super::declared;
use super::expr::Node;
use super::options::{DecimalComma, MathOptions, Unevaluated};
use super::parse::LINKED;
use super::printed;
use super::statements;
use super::typed::{Form, Reading, Readings, Typed};
use unevaluated::is_unevaluated;

/// The most questions to the decider for one verdict; two sets of 64 members
/// need 4096.
const QUESTIONS: u32 = 6000;

/// What a comparison may use, and what it has used up.
pub(super) struct Context<'a> {
    options: &'a MathOptions,
    secrets: &'a Secrets,
    limits: &'a Limits,
    /// Work units of the whole verification so far.
    spent: &'a Cell<u64>,
    /// Questions put to the decider so far.
    asked: Cell<u32>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        options: &'a MathOptions,
        secrets: &'a Secrets,
        limits: &'a Limits,
        spent: &'a Cell<u64>,
    ) -> Self {
        Self {
            spent,
            options,
            secrets,
            limits,
            asked: Cell::new(0),
        }
    }
}

/// Readings of a reference that are only guesses, `1/2x` as 1/(2x): what equals
/// one of them alone is unknown, not correct.
const DOUBTFUL: [&str; 13] = [
    "juxtaposed",
    statements::FACTORS,
    statements::UNLIKELY_FACTORS,
    "unprinted_braces",
    "log_natural",
    "product_first",
    "call_as_product",
    "euler",
    "indexed_names",
    "list",
    "point_name",
    "decimal_comma",
    "thousands_separator",
];

/// Whether the reading of a reference is a guess. `3:15` may be a time, where
/// 1:05 is no equal.
fn is_doubtful(at: usize, gold: &[Reading], options: &MathOptions) -> bool {
    let guessed = at > 0
        && gold[at].rule.is_some_and(|rule| DOUBTFUL.contains(&rule))
        && !is_decimal(&gold[at], options);
    let is_time = |reading: &Reading| matches!(reading.value, Typed::Time { .. });
    guessed || (matches!(gold[at].value, Typed::Ratio(_)) && gold.iter().any(is_time))
}

/// Whether a reference with a comma is as likely a decimal as it is a list:
/// `0,111` and `1,22`, not `-2,1`.
fn is_decimal(gold: &Reading, options: &MathOptions) -> bool {
    let Typed::Scalar(scalar) = &gold.value else {
        return false;
    };
    let likely = match (scalar.form, scalar.value.arena.node(scalar.value.root)) {
        (Form::Decimal(2..), _) => true,
        (Form::Decimal(1), Node::Number(value)) => value.trunc().is_zero(),
        _ => false,
    };
    likely
        && gold.rule == Some("decimal_comma")
        && options.decimal_comma == DecimalComma::WhenReferenceIsDecimal
}

/// Compares an answer with a reference; never fails.
pub(super) fn compare(gold: &Readings, answer: &Readings, context: &Context<'_>) -> Judgement {
    let mut whole: Option<Judgement> = None;
    for (at, reference) in gold.0.iter().enumerate() {
        let doubtful = is_doubtful(at, &gold.0, context.options);
        for (place, reading) in answer.0.iter().enumerate() {
            // `(1,234)` is a pair before it is a number in brackets.
            let regrouped = place > 0 && reading.rule == Some("thousands_separator");
            // An answer has to carry out its sums, a reference may leave it.
            let restated = reading.rule == Some("carried_out");
            if restated {
                let judged = context
                    .typed(&reference.value, &reading.value)
                    .doubted("unsolved");
                whole = Some(match whole {
                    None => judged,
                    Some(before) => before.or(|| judged),
                });
            }
            if restated || regrouped || !scalar::admits(reading, reference, context.options) {
                continue;
            }
            let mut judged = match context.systems(reference, reading) {
                Some(judged) => judged,
                None => context.typed(&reference.value, &reading.value),
            };
            // `(1, 1)` is a point before it is an interval without numbers.
            let nothing = matches!(&reference.value, Typed::Set(all) if all.is_empty());
            if place > 0 && nothing && matches!(reading.value, Typed::Intervals(_)) {
                judged = judged.doubted("different_type");
            }
            if let Some(rule) = reading.rule.filter(|rule| *rule != system::SYSTEM) {
                judged = judged.thanks_to(rule);
            }
            if !doubtful && names_others(reference, reading) {
                judged = judged.doubted("different_type");
            }
            // Two values or four: only the same signs are the same for certain.
            if [reference.rule, reading.rule].contains(&Some(LINKED)) {
                judged = match print::print(&reference.value) == print::print(&reading.value) {
                    true => judged,
                    false => Judgement::Unknown(LINKED),
                };
            }
            // `0,111` may be 0.111 or two numbers; both are what is written.
            if let Some(precision @ (declared::ROUNDED | declared::CUT)) = reference.rule
                && !judged.is_correct()
                && let Some(close) =
                    context.as_declared(&reference.value, &reading.value, precision)
            {
                judged = close;
            }
            match reference.rule {
                Some("decimal_comma") => judged = judged.thanks_to("decimal_comma"),
                Some(declared::DISPLAYED) => judged = judged.thanks_to(declared::DISPLAYED),
                Some(printed::RULE) => judged = judged.thanks_to("printed_double"),
                _ => {}
            }
            if let (Some("word"), Typed::Text(one), Some("word"), Typed::Text(other)) = (
                reference.rule,
                &reference.value,
                reading.rule,
                &reading.value,
            ) && !words::may_be_one_word(one, other)
            {
                judged = judged.doubted("letter_case");
            }
            if judged.is_correct() {
                judged = judged.and(|| context.derived(reading));
            }
            if reading.rule == Some("juxtaposed") {
                judged = judged.doubted("juxtaposed");
            }
            if judged.is_correct() && is_unevaluated(reference, reading) {
                judged = match context.options.unevaluated {
                    Unevaluated::Accept => judged.thanks_to("unevaluated"),
                    Unevaluated::Refuse => judged.doubted("unsolved"),
                };
            }
            if judged.is_correct() && !doubtful {
                return judged;
            }
            if doubtful {
                // The plain reading decides what is wrong.
                if !judged.is_correct() {
                    continue;
                }
                judged = judged.doubted("ambiguous_reference");
            }
            whole = Some(match whole {
                None => judged,
                Some(before) => before.or(|| judged),
            });
        }
    }
    whole.unwrap_or(Judgement::Unknown("unsupported"))
}

/// Whether a product may name several statements, and the reference one: `(2)(3)` for
/// `(6)`, `(1)(3)` for 3.
fn names_others(gold: &Reading, answer: &Reading) -> bool {
    answer.rule == Some(statements::UNLIKELY_FACTORS)
        || answer.rule == Some(statements::FACTORS) && gold.rule == Some(statements::ONE)
}

fn is_several(value: &Typed) -> bool {
    matches!(value, Typed::List(_) | Typed::Set(_))
}

/// Whether some member of a collection has a name of its own.
fn names_each(value: &Typed) -> bool {
    match value {
        Typed::List(all) | Typed::Set(all) => all
            .iter()
            .any(|member| matches!(member, Typed::Named { .. })),
        _ => false,
    }
}

impl Context<'_> {
    /// Compares one reading with another.
    pub(super) fn typed(&self, gold: &Typed, answer: &Typed) -> Judgement {
        use Typed::{
            Choice, Congruence, Equation, Family, Inequality, Intervals, Labelled, List, Matrix,
            Named, Piecewise, Qualified, Ratio, Scalar, Set, Text, Time, Tuple,
        };
        match (gold, answer) {
            (Scalar(one), Scalar(other)) => match self.scalars(one, other) {
                Judgement::Wrong { .. } if self.differ_by_index(one, other) => {
                    Judgement::Unknown("different_name")
                }
                judged => judged,
            },
            (
                Qualified { value, condition },
                Qualified {
                    value: other,
                    condition: second,
                },
            ) => self.qualified((value, condition), (other, second)),
            // What holds under a condition is not what always holds.
            (Qualified { value, .. }, _) => {
                self.typed(value, answer).doubted("different_condition")
            }
            (_, Qualified { value, .. }) => self.typed(gold, value).doubted("different_condition"),
            (Named { .. }, Named { .. } | Equation { .. })
            | (Equation { .. }, Named { .. } | Equation { .. }) => self.equations(gold, answer),
            (Named { value, .. }, Inequality(_)) if matches!(**value, Intervals(_) | Set(_)) => {
                self.solution_sets(gold, answer)
            }
            (Inequality(_), Named { value, .. }) if matches!(**value, Intervals(_) | Set(_)) => {
                self.solution_sets(gold, answer)
            }
            (Intervals(pieces), Matrix(_)) if let Some(row) = interval::as_row(pieces) => {
                // `[0.5, 1]` may be a vector, and only a vector is a matrix.
                self.typed(&row, answer)
            }
            (List(_) | Set(_) | Tuple(_) | Matrix(_), _)
            | (_, List(_) | Set(_) | Tuple(_) | Matrix(_))
                if self.is_collections(gold, answer) =>
            {
                self.collections(gold, answer)
            }
            // `x ≡ 2 mod 5` is a class of numbers, 2 is one of them.
            (Named { value, .. }, Scalar(_)) if matches!(**value, Congruence { .. }) => {
                self.typed(value, answer).doubted("different_type")
            }
            (Scalar(_), Named { value, .. }) if matches!(**value, Congruence { .. }) => {
                self.typed(gold, value).doubted("different_type")
            }
            // `x = 1, x = 2` is no `x = 1, y = 2`.
            (Named { value, .. }, List(_) | Set(_)) if is_several(value) && names_each(answer) => {
                Judgement::Unknown("different_name")
            }
            (List(_) | Set(_), Named { value, .. }) if is_several(value) && names_each(gold) => {
                Judgement::Unknown("different_name")
            }
            // `x = 1 or x = 2` are two values of one variable and no point.
            (Tuple(_) | Matrix(_), Named { value, .. }) if is_several(value) => {
                self.typed(gold, value).doubted("different_type")
            }
            // A value stands for whatever name the question gave it.
            (Named { value, .. }, _) => self.typed(value, answer).thanks_to("name_missing"),
            (_, Named { value, .. }) => self.typed(gold, value),
            (Equation { left, right }, _) => self.unnamed_equation(left, right, gold, answer),
            (_, Equation { left, right }) => self.unnamed_equation(left, right, gold, answer),
            (Intervals(_) | Inequality(_), Intervals(_) | Inequality(_) | Set(_) | List(_))
            | (Set(_) | List(_), Intervals(_) | Inequality(_)) => self.solution_sets(gold, answer),
            (Piecewise(gold), Piecewise(answer)) => self.branches(gold, answer),
            (Piecewise(_), _) | (_, Piecewise(_)) => Judgement::Unknown("undecided"),
            (
                Labelled { value, label },
                Labelled {
                    value: other,
                    label: second,
                },
            ) => self.labelled((value, label), (other, second)),
            (Labelled { value, .. }, Scalar(answer)) => self.label_missing(value, answer),
            // `5 \text{ dozen}` is not 5.
            (Scalar(gold), Labelled { value, label }) => self.label_unexpected(gold, value, label),
            (Ratio(gold), Ratio(answer)) => self.ratios(gold, answer),
            (Ratio(ratio), Scalar(_)) | (Scalar(_), Ratio(ratio)) => {
                self.ratio_and_scalar(ratio, gold, answer)
            }
            (Time { .. }, Time { .. }) => discrete::times(gold, answer),
            (Congruence { .. }, Congruence { .. }) => self.congruences(gold, answer),
            (Congruence { .. }, Scalar(_)) | (Scalar(_), Congruence { .. }) => {
                self.congruence_and_scalar(gold, answer)
            }
            (Family { .. }, Family { .. }) => self.families(&[gold], &[answer]),
            (Family { .. }, List(all) | Set(all)) => {
                self.families(&[gold], &all.iter().collect::<Vec<_>>())
            }
            (List(all) | Set(all), Family { .. }) => {
                self.families(&all.iter().collect::<Vec<_>>(), &[answer])
            }
            // `\frac{\pi}{4} + n\pi` leaves out that n is any integer.
            (Family { .. }, Scalar(scalar)) if let Some(other) = self.as_family(scalar) => self
                .families(&[gold], &[&other])
                .doubted("different_condition"),
            (Scalar(scalar), Family { .. }) if let Some(other) = self.as_family(scalar) => self
                .families(&[&other], &[answer])
                .doubted("different_condition"),
            (Choice(gold), Choice(answer)) => words::choices(*gold, *answer),
            (Text(gold), Text(answer)) => words::texts(gold, answer),
            (Text(text), other) | (other, Text(text)) => words::text_and(text, other),
            (Choice(letter), Scalar(scalar)) | (Scalar(scalar), Choice(letter)) => {
                words::choice_and_scalar(*letter, scalar, self.options)
            }
            (Choice(_), _) | (_, Choice(_)) => Judgement::wrong("different_type"),
            _ => self.one_and_many(gold, answer),
        }
    }
}

#[cfg(test)]
mod tests;
