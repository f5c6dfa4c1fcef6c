//! The arguments of one instruction: a JSON object in, typed values out.
//!
//! The data set gives every instruction all names, with `null` where it has no
//! use for them. The reference implementation takes `null`, `0`, `""` and `[]`
//! for "not given" and then draws a value at random; a reward must not be drawn
//! by lot, so what is needed and not given is an error here, and so is what is
//! given and not needed.

use serde_json::{Map, Value};

use super::pattern::{Flags, Pattern};
use super::python;
use crate::verdict::ReferenceError;

/// The arguments of the instruction `id`.
pub(super) struct Kwargs<'r> {
    pub(super) id: &'static str,
    pub(super) values: &'r Map<String, Value>,
}

/// A number that a count is compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    relation: Relation,
    pub(super) number: u64,
}

#[derive(Clone, Copy, Debug)]
enum Relation {
    LessThan,
    AtLeast,
}

impl Bound {
    /// Whether `count` keeps to it; a count that was not taken further than
    /// [`Bound::number`] is enough.
    pub(super) fn holds(self, count: u64) -> bool {
        match self.relation {
            Relation::LessThan => count < self.number,
            Relation::AtLeast => count >= self.number,
        }
    }
}

impl Kwargs<'_> {
    /// Refuses arguments that the instruction does not have.
    pub(super) fn only(&self, names: &[&str]) -> Result<(), ReferenceError> {
        match self
            .values
            .iter()
            .find(|(name, value)| is_given(value) && !names.contains(&name.as_str()))
        {
            Some((name, _)) => Err(self.error(format!("has no argument `{name}`"))),
            None => Ok(()),
        }
    }

    /// A text with at least one character that is no white space.
    pub(super) fn text(&self, name: &str) -> Result<&str, ReferenceError> {
        match self.given(name)? {
            Value::String(text) if !python::strip(text).is_empty() => Ok(text),
            Value::String(_) => Err(self.error(format!("has only white space as `{name}`"))),
            other => Err(self.error(format!("needs a text as `{name}`, not `{other}`"))),
        }
    }

    /// A list with at least one text.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, ReferenceError> {
        let Value::Array(items) = self.given(name)? else {
            return Err(self.error(format!("needs a list of texts as `{name}`")));
        };
        items
            .iter()
            .map(|item| {
                item.as_str()
                    .ok_or_else(|| self.error(format!("needs a text in `{name}`, not `{item}`")))
            })
            .collect()
    }

    /// A whole number from 1 on; `3.0` is one, because tables of columns turn
    /// whole numbers into such.
    pub(super) fn number(&self, name: &str) -> Result<u64, ReferenceError> {
        let value = self.given(name)?;
        let whole = match value {
            Value::Number(number) => number.as_u64().or_else(|| {
                let float = number.as_f64()?;
                (float.fract() == 0.0 && (1.0..=MOST).contains(&float)).then_some(float as u64)
            }),
            _ => None,
        };
        whole.filter(|&number| number > 0).ok_or_else(|| {
            self.error(format!(
                "needs a whole number from 1 on as `{name}`, not `{value}`"
            ))
        })
    }

    /// `less than` or `at least` a number.
    pub(super) fn bound(&self, relation: &str, number: &str) -> Result<Bound, ReferenceError> {
        let relation = match self.text(relation)? {
            "less than" => Relation::LessThan,
            "at least" => Relation::AtLeast,
            other => {
                return Err(self.error(format!(
                    "needs `less than` or `at least` as `{relation}`, not `{other}`"
                )));
            }
        };
        let number = self.number(number)?;
        Ok(Bound { relation, number })
    }

    /// A pattern, which the argument `name` is or is part of.
    pub(super) fn pattern(
        &self,
        name: &str,
        source: &str,
        flags: Flags,
    ) -> Result<Pattern, ReferenceError> {
        Pattern::new(source, flags)
            .map_err(|fault| self.error(format!("reads `{name}` as a pattern, which {fault}")))
    }

    /// An error about this instruction; `problem` follows its name.
    pub(super) fn error(&self, problem: impl Into<String>) -> ReferenceError {
        ReferenceError::new(self.id, problem)
    }

    fn given(&self, name: &str) -> Result<&Value, ReferenceError> {
        self.values
            .get(name)
            .filter(|value| is_given(value))
            .ok_or_else(|| {
                self.error(format!(
                    "needs `{name}`, which is missing, `null`, 0 or empty \
                     (the reference implementation would draw one at random)"
                ))
            })
    }
}

/// Above, a float does not tell whole numbers apart.
const MOST: f64 = 9_007_199_254_740_992.0;

/// Python's truth of a value.
fn is_given(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}
