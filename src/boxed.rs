//! `\boxed{…}` and `\fbox{…}`: text in, byte ranges of the boxes out.
//!
//! One forward pass without recursion. Escapes (`\{`, `\}`, `\\`) do not count
//! as braces. A box inside a box is part of the outer one.

use std::ops::Range;

/// One box, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boxed {
    /// A box whose braces balance.
    Balanced {
        /// From the backslash to the closing brace.
        whole: Range<usize>,
        /// What stands between the braces.
        inside: Range<usize>,
    },
    /// A box without braces, or one that is never closed.
    Unbalanced {
        /// Where its backslash stands.
        at: usize,
    },
}

/// All outermost boxes of `text` in order.
///
/// An unclosed box ends the list: it swallows the rest of the text.
#[must_use]
pub fn boxes(text: &str) -> Vec<Boxed> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(step) = memchr::memchr(b'\\', &bytes[at..]) {
        let start = at + step;
        let rest = &bytes[start + 1..];
        let name = match () {
            () if rest.starts_with(b"boxed") => 5,
            () if rest.starts_with(b"fbox") => 4,
            // The escaped character is skipped, so that `\\boxed` is a line
            // break and a word.
            () => {
                at = (start + 2).min(bytes.len());
                continue;
            }
        };
        let mut open = start + 1 + name;
        while bytes.get(open).is_some_and(u8::is_ascii_whitespace) {
            open += 1;
        }
        if bytes.get(open) != Some(&b'{') {
            found.push(Boxed::Unbalanced { at: start });
            at = start + 1 + name;
            continue;
        }
        match closing(bytes, open) {
            Some(close) => {
                found.push(Boxed::Balanced {
                    whole: start..close + 1,
                    inside: open + 1..close,
                });
                at = close + 1;
            }
            None => {
                found.push(Boxed::Unbalanced { at: start });
                break;
            }
        }
    }
    found
}

/// The brace that closes the one at `open`.
fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = open;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
