//! Commands whose backslash was taken for an escape on the way: a form feed and
//! `rac{1}{2}` for `\frac{1}{2}`, a backspace and `oxed{5}` for `\boxed{5}`.
//!
//! Such control characters have no other meaning in an answer, and each of these
//! stands before the rest of one command, so that nothing is guessed. A tab or a
//! line break has one: a tab and `ext{5}` stay what they are. Text in, the text
//! with its commands and a map of positions out.

/// A text with its commands restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Restored {
    pub(super) text: String,
    /// Positions in `text` before which a byte was inserted, in order.
    inserted: Vec<usize>,
}

impl Restored {
    /// Where a position of the restored text stands in the original one.
    pub(super) fn original(&self, at: usize) -> usize {
        at - self.inserted.partition_point(|inserted| *inserted < at)
    }
}

/// The control character, the letter that it was, and what follows the letter.
const COMMANDS: [(char, &str, &str); 9] = [
    ('\u{c}', "f", "rac"),
    ('\u{c}', "f", "box"),
    ('\u{8}', "b", "oxed"),
    ('\u{8}', "b", "egin{"),
    ('\u{8}', "b", "inom{"),
    ('\u{8}', "b", "mod"),
    ('\u{8}', "b", "eta"),
    ('\u{b}', "v", "ec{"),
    ('\u{7}', "a", "lpha"),
];

/// The text with such commands; `None` where there are none.
pub(super) fn restored(text: &str) -> Option<Restored> {
    let marks = |byte: &u8| matches!(byte, 0x07 | 0x08 | 0x0b | 0x0c);
    if !text.as_bytes().iter().any(marks) {
        return None;
    }
    let mut plain = String::with_capacity(text.len() + 8);
    let mut inserted = Vec::new();
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let command = COMMANDS
            .iter()
            .find(|(control, _, tail)| *control == c && rest.starts_with(tail));
        match command {
            Some((_, letter, _)) => {
                // A backslash before it may have survived.
                if !plain.ends_with('\\') || plain.ends_with("\\\\") {
                    inserted.push(plain.len());
                    plain.push('\\');
                }
                plain.push_str(letter);
            }
            None => plain.push(c),
        }
    }
    (plain != text).then_some(Restored {
        text: plain,
        inserted,
    })
}
