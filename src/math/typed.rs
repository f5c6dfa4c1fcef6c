//! Typed answers: what a mathematical text denotes, ready to be compared.
//!
//! The parser produces [`Readings`], the comparer decides between two of them.
//! A text may be read in several ways, `(1, 2)` as a point or an open
//! interval, `1,234` as a number or a list. All readings are kept, each with
//! the rule that made it; the reference's type selects.

use super::expr::Expr;
use super::units::Unit;

/// All readings of one text, the most usual first; never empty, at most
/// [`READINGS`].
#[derive(Clone, Debug)]
pub(super) struct Readings(pub(super) Vec<Reading>);

/// The most readings of one text.
pub(super) const READINGS: usize = 8;

/// One way to read a text.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) value: Typed,
    /// The rule that chose this reading, e.g. `decimal_comma`; `None` for the
    /// plain one.
    pub(super) rule: Option<&'static str>,
    /// The chains of equal signs whose last values it holds: all of them have to
    /// be true.
    pub(super) derivations: Vec<Derivation>,
    /// Whether reading it carried out what is written: a determinant, a greatest
    /// common divisor, a quotient of quotients.
    pub(super) computed: bool,
}

impl Reading {
    /// A value that no chain leads to.
    pub(super) fn new(value: Typed, rule: Option<&'static str>) -> Self {
        Self {
            value,
            rule,
            derivations: Vec::new(),
            computed: false,
        }
    }
}

/// `x = 2 + 2 = 4`: what is said to be equal.
#[derive(Clone, Debug)]
pub(super) struct Derivation {
    /// The name before the first equal sign; not one of the sides.
    pub(super) name: Option<String>,
    pub(super) sides: Vec<Typed>,
}

/// What an answer is.
#[derive(Clone, Debug)]
pub(super) enum Typed {
    /// A number or an expression in variables.
    Scalar(Scalar),
    /// `x = 5`, `f(x) = 2x`, `x \in …`: a name and what it stands for.
    Named { name: String, value: Box<Typed> },
    /// `\{1, 2\}`; `\emptyset` is the empty one.
    Set(Vec<Typed>),
    /// `1, 2`, `1 and 2`: several answers without brackets.
    List(Vec<Typed>),
    /// `(1, 2)`, also `\langle 1, 2 \rangle`.
    Tuple(Vec<Typed>),
    /// Interval pieces of the real line joined by `\cup`; `\mathbb{R}` is
    /// `(-\infty, \infty)`.
    Intervals(Vec<Interval>),
    /// `a < x \le b`, `x > 3`, `x \ne 2`: terms and the relations between
    /// them, `relations.len() == terms.len() - 1`; several chains are joined
    /// by "or".
    Inequality(Vec<Chain>),
    /// `left = right`, where neither side is a bare name.
    Equation { left: Expr, right: Expr },
    /// Rows of equal length; a column vector is n×1.
    Matrix(Vec<Vec<Expr>>),
    /// A function given by branches, `\begin{cases} … \end{cases}`.
    Piecewise(Vec<Branch>),
    /// A number with words that no table of units knows: `17 \text{ toys}`,
    /// `5 \text{ J/kg}`.
    Labelled { value: Scalar, label: String },
    /// A value that holds under conditions in words: `cx` for some `c > 0`.
    Qualified {
        /// What is qualified.
        value: Box<Typed>,
        /// The words, folded.
        condition: String,
    },
    /// `3:4:5`.
    Ratio(Vec<Expr>),
    /// Time of day or duration, in seconds.
    Time { seconds: u64, half: Option<Half> },
    /// `a \equiv r \pmod m`, `r \bmod m`.
    Congruence {
        residue: Expr,
        modulus: Expr,
        modulo: Modulo,
    },
    /// `offset + step·k` for every integer `k`.
    Family { offset: Expr, step: Expr },
    /// One letter of a multiple choice, `A` to `J`.
    Choice(char),
    /// Words, folded: lower case, single spaces, no outer punctuation.
    Text(String),
}

/// One branch of a function: a value, and where it holds.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) value: Typed,
    pub(super) condition: Condition,
}

/// Where a branch holds.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// Wherever no other branch does.
    Otherwise,
    /// Where a relation holds.
    Relation(Typed),
    /// In words, without spaces.
    Words(String),
}

/// A scalar with what was written round it.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    /// The value; a percentage is already divided by 100.
    pub(super) value: Expr,
    pub(super) form: Form,
    pub(super) unit: Option<Unit>,
}

/// How a scalar was written, where policy depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// With a decimal point; digits after it.
    Decimal(u32),
    Percent,
    /// With a degree sign; the value is in degrees.
    Degrees,
    /// With a currency sign.
    Currency,
    /// In a stated base, 2 to 36.
    Base(u32),
}

/// A piece of the real line; an end of `None` is infinite.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    pub(super) low: Option<End>,
    pub(super) high: Option<End>,
}

/// A finite end of an interval.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) at: Expr,
    pub(super) closed: bool,
}

/// `terms[0] relations[0] terms[1] …`
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) terms: Vec<Expr>,
    pub(super) relations: Vec<Relation>,
}

/// An order relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    NotEqual,
    Equal,
}

/// What "modulo" means where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modulo {
    /// `17 \bmod 5`: the remainder.
    Operation,
    /// `17 \pmod 5`: all numbers with that remainder.
    Class,
}

/// Morning or afternoon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Am,
    Pm,
}
