//! Finds `\boxed{…}` and `\fbox{…}`: text in, the boxes in order out.
//!
//! One forward pass with a brace counter: linear time, no recursion, memory
//! for the boxes only. A backslash escapes the character after it, so `\{`,
//! `\}` and `\\` neither open nor close a group, and `\\boxed{1}` is a line
//! break followed by text. `\boxedtext` is another command. As in LaTeX, white
//! space may stand between the command and its group.
//!
//! Used by the format checker (where the answer is) and by mathematics (what
//! it is); both must see the same boxes.

use std::ops::Range;

/// One box command and its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boxed {
    /// Which command.
    pub command: BoxCommand,
    /// From the backslash to the end of the closing brace; to the end of the
    /// text where the group is never closed; the command alone where there is
    /// no group.
    pub whole: Range<usize>,
    /// What follows the command.
    pub group: Group,
    /// How many boxes enclose this one; 0 for an outermost box.
    pub level: usize,
}

/// The two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoxCommand {
    /// `\boxed`
    Boxed,
    /// `\fbox`
    Fbox,
}

/// What follows a box command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// A closed group; the byte range between its braces, not trimmed.
    Closed(Range<usize>),
    /// A group that is never closed; the range from its brace to the end.
    Unclosed(Range<usize>),
    /// No brace at all, as in `\boxed 10`.
    Missing,
}

impl Boxed {
    /// The range between the braces of a closed group.
    #[must_use]
    pub fn inside(&self) -> Option<Range<usize>> {
        match &self.group {
            Group::Closed(range) => Some(range.clone()),
            Group::Unclosed(_) | Group::Missing => None,
        }
    }
}

impl Boxed {
    /// The one character that a box without braces holds, as TeX reads it: the
    /// digit or letter behind the command and white space, where nothing is
    /// glued to it. `\boxed 7` holds 7; `\boxed 10` holds no more than its 1,
    /// which nobody means, and so nothing.
    ///
    /// ```
    /// use goldstone::boxed;
    ///
    /// let text = r"\boxed 7.";
    /// assert_eq!(boxed::last(text).unwrap().token(text), Some(7..8));
    /// let text = r"\boxed 10";
    /// assert_eq!(boxed::last(text).unwrap().token(text), None);
    /// ```
    #[must_use]
    pub fn token(&self, text: &str) -> Option<Range<usize>> {
        if self.group != Group::Missing {
            return None;
        }
        let rest = text[self.whole.end..].trim_start_matches([' ', '\t']);
        let at = text.len() - rest.len();
        let mut chars = rest.chars();
        let held = chars.next().is_some_and(|c| c.is_ascii_alphanumeric());
        let alone = chars
            .next()
            .is_none_or(|c| !c.is_alphanumeric() && c != '_');
        (held && alone).then_some(at..at + 1)
    }
}

/// All boxes of the text, by where they begin; nested ones follow the box that
/// encloses them.
///
/// ```
/// use goldstone::boxed::{self, Group};
///
/// let text = r"so \boxed{\frac{1}{2}}";
/// let boxes = boxed::find_all(text);
/// assert_eq!(&text[boxes[0].inside().unwrap()], r"\frac{1}{2}");
///
/// let open = boxed::find_all(r"\boxed{\frac{1}{2}");
/// assert!(matches!(open[0].group, Group::Unclosed(_)));
/// ```
#[must_use]
pub fn find_all(text: &str) -> Vec<Boxed> {
    let bytes = text.as_bytes();
    let mut boxes: Vec<Boxed> = Vec::new();
    // Boxes whose group is open, and the brace depth outside that group.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(found) = memchr::memchr3(b'\\', b'{', b'}', &bytes[at..]) {
        let here = at + found;
        at = here + 1;
        match bytes[here] {
            b'{' => depth += 1,
            b'}' if depth > 0 => {
                depth -= 1;
                if let Some((index, _)) = open.pop_if(|(_, outside)| *outside == depth) {
                    let closed = &mut boxes[index];
                    closed.whole.end = here + 1;
                    if let Group::Unclosed(range) = &closed.group {
                        closed.group = Group::Closed(range.start..here);
                    }
                }
            }
            b'}' => {}
            _ => match command(&bytes[here..]) {
                Some((command, length)) => {
                    let level = open.len();
                    let (whole, group) = match group_start(bytes, here + length) {
                        Some(inside) => {
                            open.push((boxes.len(), depth));
                            depth += 1;
                            at = inside;
                            (here..bytes.len(), Group::Unclosed(inside..bytes.len()))
                        }
                        None => {
                            at = here + length;
                            (here..at, Group::Missing)
                        }
                    };
                    boxes.push(Boxed {
                        command,
                        whole,
                        group,
                        level,
                    });
                }
                // The escaped character counts for nothing. Only ASCII is
                // searched for, so landing inside a wider one does no harm.
                None => at = (here + 2).min(bytes.len()),
            },
        }
    }
    boxes
}

/// The last box of the text, closed or not: a later unclosed box is never
/// passed over in favour of an earlier one. Of nested boxes, the innermost.
///
/// ```
/// use goldstone::boxed;
///
/// let last = boxed::last(r"\boxed{1}, no: \boxed{2").unwrap();
/// assert_eq!(last.inside(), None);
/// assert_eq!(boxed::last("no box"), None);
/// ```
#[must_use]
pub fn last(text: &str) -> Option<Boxed> {
    find_all(text).pop()
}

/// The box command at the start of `bytes`, and its length.
fn command(bytes: &[u8]) -> Option<(BoxCommand, usize)> {
    let (command, length) = if bytes.starts_with(br"\boxed") {
        (BoxCommand::Boxed, br"\boxed".len())
    } else if bytes.starts_with(br"\fbox") {
        (BoxCommand::Fbox, br"\fbox".len())
    } else {
        return None;
    };
    match bytes.get(length) {
        Some(next) if next.is_ascii_alphabetic() => None,
        _ => Some((command, length)),
    }
}

/// Where the group's inside begins, if a brace follows. White space is skipped
/// once per command, so the whole search stays linear.
fn group_start(bytes: &[u8], from: usize) -> Option<usize> {
    let blank = bytes[from..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    let brace = from + blank.count();
    (bytes.get(brace) == Some(&b'{')).then_some(brace + 1)
}
