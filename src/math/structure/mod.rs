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
//! | tuples, vectors, matrices | the same shape, equal entries |
//! | intervals, solved inequalities | the same set of real numbers |
//! | equations | one is a constant non-zero multiple of the other |
//! | `x = 5` | name and value; a bare value has any name |
//! | ratios | cross products are equal |
//! | times | the same time of day |
//! | congruences, families | the same residue classes |
//! | words, letters | the same word, or the same line of a closed table |
//!
//! Source: `docs/math.md`.

mod judgement;

mod oracle;

mod build;

mod scalar;

mod collection;

mod interval;

mod inequality;

mod equation;

mod discrete;

mod words;

use std::cell::Cell;

pub(super) use judgement::Judgement;
pub(super) use oracle::Proof;

use super::options::MathOptions;
use super::typed::{Readings, Typed};

/// The most scalar comparisons of one verdict; two sets of 64 need 4096.
const COMPARISONS: u32 = 5000;

/// What a comparison may use, and what it has used up.
pub(super) struct Context<'a> {
    options: &'a MathOptions,
    /// Scalar comparisons that are left.
    left: Cell<u32>,
}

impl<'a> Context<'a> {
    pub(super) fn new(options: &'a MathOptions) -> Self {
        Self {
            options,
            left: Cell::new(COMPARISONS),
        }
    }
}

/// Compares an answer with a reference; never fails.
pub(super) fn compare(gold: &Readings, answer: &Readings, context: &Context<'_>) -> Judgement {
    let mut judged: Option<Judgement> = None;
    for reference in &gold.0 {
        for reading in &answer.0 {
            if !scalar::admits(reading, reference, context.options) {
                continue;
            }
            let one = || {
                let judged = context.typed(&reference.value, &reading.value);
                match reading.rule {
                    Some(rule) => judged.thanks_to(rule),
                    None => judged,
                }
            };
            let next = match judged {
                None => one(),
                Some(before) => before.or(one),
            };
            if next.is_correct() {
                return next;
            }
            judged = Some(next);
        }
    }
    judged.unwrap_or(Judgement::Unknown("unsupported"))
}

impl Context<'_> {
    /// Compares one reading with another.
    pub(super) fn typed(&self, gold: &Typed, answer: &Typed) -> Judgement {
        use Typed::{
            Choice, Congruence, Equation, Family, Inequality, Intervals, List, Matrix, Named,
            Ratio, Scalar, Set, Text, Time, Tuple,
        };
        match (gold, answer) {
            (Scalar(gold), Scalar(answer)) => self.scalars(gold, answer),
            (Named { .. }, Named { .. } | Equation { .. })
            | (Equation { .. }, Named { .. } | Equation { .. }) => self.equations(gold, answer),
            (Named { value, .. }, Inequality(_)) if matches!(**value, Intervals(_) | Set(_)) => {
                self.solution_sets(gold, answer)
            }
            (Inequality(_), Named { value, .. }) if matches!(**value, Intervals(_) | Set(_)) => {
                self.solution_sets(gold, answer)
            }
            (List(_) | Set(_) | Tuple(_) | Matrix(_), _)
            | (_, List(_) | Set(_) | Tuple(_) | Matrix(_))
                if self.is_collections(gold, answer) =>
            {
                self.collections(gold, answer)
            }
            // A value stands for whatever name the question gave it.
            (Named { value, .. }, _) => self.typed(value, answer).thanks_to("name_missing"),
            (_, Named { value, .. }) => self.typed(gold, value),
            (Equation { left, right }, _) => self.unnamed_equation(left, right, gold, answer),
            (_, Equation { left, right }) => self.unnamed_equation(left, right, gold, answer),
            (Intervals(_) | Inequality(_), Intervals(_) | Inequality(_) | Set(_) | List(_))
            | (Set(_) | List(_), Intervals(_) | Inequality(_)) => self.solution_sets(gold, answer),
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
            (Choice(gold), Choice(answer)) => words::choices(*gold, *answer),
            (Text(gold), Text(answer)) => words::texts(gold, answer),
            (Text(text), other) | (other, Text(text)) => words::text_and(text, other),
            (Choice(_), _) | (_, Choice(_)) => Judgement::wrong("different_type"),
            _ => self.one_and_many(gold, answer),
        }
    }
}
