//! Text that was escaped once too often, as JSON escapes it: `\\boxed{5}\n` for
//! `\boxed{5}` and a line break. Text in, plain text and a map of positions out.
//!
//! In LaTeX `\\frac` is a line break and the word "frac", which nobody means;
//! so a text is taken for escaped only where every backslash of it is.

/// A text without its second escaping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unescaped {
    pub(super) text: String,
    /// Positions in `text` that a dropped backslash precedes, in order.
    dropped: Vec<usize>,
}

impl Unescaped {
    /// Where a position of the plain text stands in the escaped one.
    pub(super) fn original(&self, at: usize) -> usize {
        at + self.dropped.partition_point(|dropped| *dropped < at)
    }
}

/// Commands that show that LaTeX was meant.
const COMMANDS: [&str; 12] = [
    "boxed", "fbox", "frac", "dfrac", "tfrac", "sqrt", "begin", "text", "left", "pi", "cdot",
    "infty",
];

/// Commands that begin like an escaped line break, tab or return.
const LIKE_CONTROL: &[&str] = &[
    "n",
    "ne",
    "neq",
    "neg",
    "not",
    "notin",
    "nu",
    "nabla",
    "nmid",
    "newline",
    "noindent",
    "nolimits",
    "ni",
    "nleq",
    "ngeq",
    "nless",
    "t",
    "text",
    "textbf",
    "textit",
    "textrm",
    "textstyle",
    "times",
    "tan",
    "tanh",
    "theta",
    "tau",
    "tfrac",
    "to",
    "top",
    "triangle",
    "triangleq",
    "tag",
    "therefore",
    "tilde",
    "r",
    "right",
    "rightarrow",
    "rho",
    "rangle",
    "rfloor",
    "rceil",
    "rm",
    "root",
    "rVert",
    "rvert",
    "rbrace",
    "rbrack",
    "rangle",
];

/// The text as it was before it was escaped; `None` where it was not, or not
/// throughout.
pub(super) fn unescaped(text: &str) -> Option<Unescaped> {
    memchr::memmem::find(text.as_bytes(), b"\\\\")?;
    let shows = COMMANDS.iter().any(|command| {
        memchr::memmem::find_iter(text.as_bytes(), command.as_bytes()).any(|at| {
            text[..at].ends_with("\\\\")
                && !text[at + command.len()..].starts_with(|c: char| c.is_ascii_alphabetic())
        })
    });
    if !shows {
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    let mut dropped = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let escaped = rest[at + 1..].chars().next()?;
        let name = &rest[at + 1..];
        let letters = name.len()
            - name
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        plain.push(match escaped {
            '\\' | '"' => escaped,
            'n' | 't' | 'r' if letters > 1 && LIKE_CONTROL.contains(&&name[..letters]) => {
                return None;
            }
            'n' | 'r' => '\n',
            't' => '\t',
            _ => return None,
        });
        // The character that is kept stands one byte further on.
        dropped.push(plain.len() - 1);
        rest = &rest[at + 2..];
    }
    plain.push_str(rest);
    Some(Unescaped {
        text: plain,
        dropped,
    })
}
