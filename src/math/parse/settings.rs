//! How one reading decides what is ambiguous: one enum a question.

/// How one reading decides what is ambiguous.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) log: LogBase,
    pub(super) division: Division,
    pub(super) calls: Calls,
    pub(super) letters: Letters,
    pub(super) pairs: Pairs,
    pub(super) degrees: Degrees,
    /// The sign that `±` is in this branch; `∓` is the other.
    pub(super) branch: Option<Branch>,
    /// The index of a family and the value that stands for it.
    pub(super) index: Option<(String, i32)>,
    pub(super) operators: Operators,
    /// The bound variables of the sums and products round an expression, the
    /// outermost first.
    pub(super) bound: Vec<String>,
}

/// What a sum or product of terms is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operators {
    /// What it says, not carried out.
    AsWritten,
    /// Its value, where limits and terms are numbers.
    CarriedOut,
}

/// What a bare `\log` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogBase {
    Ten,
    Natural,
}

/// What `1/2x` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Division {
    /// `(1/2)x`
    LeftToRight,
    /// `1/(2x)`
    ProductFirst,
}

/// What `f(x)` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    Functions,
    Products,
}

/// What a capital letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Letters {
    Variables,
    Choices,
}

/// What `(a, b)` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairs {
    Tuples,
    OpenIntervals,
}

/// What a degree sign does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Degrees {
    /// It converts to radians, as in `\\sin 30^\\circ`.
    Convert,
    /// It is the unit of the whole answer.
    Keep,
}

/// One of two linked values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Branch {
    Upper,
    Lower,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log: LogBase::Ten,
            division: Division::LeftToRight,
            calls: Calls::Functions,
            letters: Letters::Variables,
            pairs: Pairs::Tuples,
            degrees: Degrees::Convert,
            branch: None,
            index: None,
            operators: Operators::AsWritten,
            bound: Vec::new(),
        }
    }
}
