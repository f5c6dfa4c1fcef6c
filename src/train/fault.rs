//! What is wrong with the options of a stage, option by option.

use std::fmt;

/// An option out of its range, or one that contradicts another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct OptionFault {
    /// The option, with the tables it stands in: `optimizer.learning_rate`.
    pub field: String,
    /// What is wrong, and what would be right; continues "`field` …".
    pub problem: String,
}

/// All faults of a run's options; one a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct OptionFaults(pub Vec<OptionFault>);

impl fmt::Display for OptionFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let line_end = if index > 0 { "\n" } else { "" };
            write!(f, "{line_end}{fault}")?;
        }
        Ok(())
    }
}

/// The most completions of a step or an evaluation: some 200 GB of them at 1000 tokens
/// each.
const MOST_AT_ONCE: usize = 1 << 24;

/// The faults of one table of options, in the making.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<OptionFault>);

impl Faults {
    /// Notes a fault of `field` unless `holds`.
    pub(super) fn unless(&mut self, holds: bool, field: &str, problem: impl fmt::Display) {
        if !holds {
            self.0.push(OptionFault {
                field: field.to_owned(),
                problem: problem.to_string(),
            });
        }
    }

    /// Notes a fault of a number that is not finite and at least 0.
    pub(super) fn not_negative(&mut self, field: &str, number: f64) {
        let wanted = match number.is_finite() {
            true => "0 or more",
            false => "finite, 0 or more",
        };
        let holds = number.is_finite() && number >= 0.0;
        self.unless(
            holds,
            field,
            format_args!("is {number}; it must be {wanted}"),
        );
    }

    /// Notes a fault of a number that is not finite and above 0.
    pub(super) fn positive(&mut self, field: &str, number: f64) {
        let wanted = match number.is_finite() {
            true => "above 0",
            false => "finite and above 0",
        };
        let holds = number.is_finite() && number > 0.0;
        self.unless(
            holds,
            field,
            format_args!("is {number}; it must be {wanted}"),
        );
    }

    /// Notes a fault of a number outside [0, 1].
    pub(super) fn share(&mut self, field: &str, number: f64) {
        let holds = (0.0..=1.0).contains(&number);
        self.unless(
            holds,
            field,
            format_args!("is {number}; it must lie between 0 and 1"),
        );
    }

    /// Notes a fault of a count of 0.
    pub(super) fn counted(&mut self, field: &str, count: u64) {
        self.unless(count > 0, field, "is 0; it must be 1 or more");
    }

    /// Notes a fault of completions that are there at once, as many as two fields are
    /// together: a number that no machine holds is refused, not tried. The larger of the
    /// two is the one at fault.
    pub(super) fn at_once(&mut self, one: (&str, usize), other: (&str, usize)) {
        let ((field, number), (others, times)) = match one.1 >= other.1 {
            true => (one, other),
            false => (other, one),
        };
        self.unless(
            number.saturating_mul(times) <= MOST_AT_ONCE,
            field,
            format_args!(
                "is {number}, times {times} (`{others}`); together they must be at most \
                 {MOST_AT_ONCE}"
            ),
        );
    }

    /// Notes a fault of a number of texts that are there at once.
    pub(super) fn held(&mut self, field: &str, number: usize) {
        self.unless(
            number <= MOST_AT_ONCE,
            field,
            format_args!("is {number}; it must be at most {MOST_AT_ONCE}"),
        );
    }

    /// Takes the faults of a table that stands below this one.
    pub(super) fn below(&mut self, table: &str, faults: Vec<OptionFault>) {
        self.0.extend(faults.into_iter().map(|fault| OptionFault {
            field: format!("{table}.{}", fault.field),
            ..fault
        }));
    }

    pub(super) fn list(self) -> Vec<OptionFault> {
        self.0
    }
}
