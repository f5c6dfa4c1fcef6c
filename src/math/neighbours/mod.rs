//! What stands right beside a box: the box and its text in, whether it is the
//! whole of what is asserted out.
//!
//! An allow-list. A box that is a factor, an exponent, an argument, one side of
//! an inequality or struck out does not state its content as the answer; what
//! is not known to leave a box alone is refused. Linear in the text.

mod changes;
mod left;
mod right;

use std::ops::Range;

use left::left;
use right::right;

/// What belongs to a box or contradicts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Beside {
    /// A percent sign, a degree sign, a base or a unit; part of the answer.
    pub(super) suffix: Option<Range<usize>>,
    /// Why it is not said whether the box is the answer.
    pub(super) open: Option<&'static str>,
    /// What `=` equates the box to.
    pub(super) equated: Option<Range<usize>>,
    /// Where prose after the box begins.
    pub(super) after: usize,
}

/// The reason of a refusal.
pub(super) const IN_EXPRESSION: &str = "box_in_expression";

/// The reason of doubt: the words beside the box may make another value of it.
const IN_WORDS: &str = "box_in_words";

/// Commands that set text or a face and leave their argument what it is.
const FACES: &[&str] = &[
    "text",
    "textbf",
    "textit",
    "textrm",
    "mathbf",
    "mathrm",
    "boldsymbol",
    "bm",
    "mbox",
    "underline",
    "mathit",
    "emph",
];

/// Reads what stands beside the box at `whole`, within `region`.
pub(super) fn beside(
    text: &str,
    region: Range<usize>,
    whole: Range<usize>,
) -> Result<Beside, &'static str> {
    /// Deeper groups round a box are no layout.
    const GROUPS: usize = 4;
    struck_out(&text[region.start..whole.start])?;
    let (mut from, mut to) = (whole.start, whole.end);
    let mut doubt = None;
    let open = open_groups(&text[region.start..whole.start]);
    if open.len() > GROUPS {
        return Err(IN_EXPRESSION);
    }
    for brace in open.into_iter().rev() {
        let brace = region.start + brace;
        doubt = doubt.or(doubted(left(&text[brace + 1..from]))?);
        let close = to + text[to..region.end].find('}').ok_or(IN_EXPRESSION)?;
        let inner = text[to..close].trim();
        if !inner.chars().all(|c| matches!(c, '$' | '.' | '*' | ' ')) {
            return Err(IN_EXPRESSION);
        }
        let head = text[region.start..brace].trim_end();
        let name = command_at_end(head);
        match name {
            Some(name) if FACES.contains(&name) => {
                from = region.start + head.len() - name.len() - 1
            }
            Some(_) => return Err(IN_EXPRESSION),
            None if head.ends_with(['^', '_', '}']) => return Err(IN_EXPRESSION),
            None => from = brace,
        }
        to = close + 1;
    }
    doubt = doubt.or(doubted(left(&text[region.start..from]))?);
    let right = right(text, to, region.end)?;
    Ok(Beside {
        open: right.open.or(doubt),
        ..right
    })
}

/// A doubt is no refusal.
fn doubted(said: Result<(), &'static str>) -> Result<Option<&'static str>, &'static str> {
    match said {
        Ok(()) => Ok(None),
        Err(IN_WORDS) => Ok(Some(IN_WORDS)),
        Err(reason) => Err(reason),
    }
}

/// `~~…~~`, `<s>`, `<del>` and comments that are open at the end of `before`.
fn struck_out(before: &str) -> Result<(), &'static str> {
    let strikes = before.matches("~~").count();
    let open = |start: &str, end: &str| {
        before
            .rfind(start)
            .is_some_and(|at| !before[at..].contains(end))
    };
    match strikes % 2 == 1
        || open("<!--", "-->")
        || open("<s>", "</s>")
        || open("<del>", "</del>")
        || open("<strike>", "</strike>")
    {
        true => Err("denied"),
        false => Ok(()),
    }
}

/// Where groups begin that are open at the end of `before`.
fn open_groups(before: &str) -> Vec<usize> {
    let mut open = Vec::new();
    let bytes = before.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'{' => open.push(at),
            b'}' => {
                open.pop();
            }
            _ => {}
        }
        at += 1;
    }
    open
}

/// The command that `text` ends with, without its backslash.
fn command_at_end(text: &str) -> Option<&str> {
    let name = text.len()
        - text
            .bytes()
            .rev()
            .take_while(u8::is_ascii_alphabetic)
            .count();
    (name < text.len() && text[..name].ends_with('\\')).then(|| &text[name..])
}
