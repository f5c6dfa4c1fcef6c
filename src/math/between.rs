//! What stands between two boxes: the text of the gap in, whether it makes one
//! answer of them, leaves both open, or sets them apart.
//!
//! Boxes that are set apart are steps or drafts, and the last one is judged: one
//! answer is judged per response, so that writing more of them gains nothing.

use super::anchors::{FOLLOWS, joins, joins_labelled};
use super::boxes::name_at_end;
use super::doubt::sentence_start;

/// Makes of two boxes two candidates.
const DOUBTS: &[&str] = &[
    "or",
    "maybe",
    "perhaps",
    "possibly",
    "probably",
    "either",
    "neither",
    "nor",
    "alternatively",
    "alternative",
    "alternately",
    "otherwise",
    "else",
    "could",
    "might",
    "may",
    "guess",
    "unsure",
    "case",
    "cases",
    "option",
    "options",
    "candidate",
    "candidates",
    "oder",
    "vielleicht",
    "ou",
    "o",
    "или",
    "возможно",
];

/// Sets two boxes of one sentence apart, beside [`FOLLOWS`].
const SEQUENCES: &[&str] = &[
    "give", "which", "we", "making", "leads", "yields", "because", "since", "final", "result",
    "total", "but",
];

/// The same in scripts without spaces.
const DOUBTS_INSIDE: &[&str] = &[
    "或",
    "也许",
    "可能",
    "または",
    "もしくは",
    "또는",
    "？",
    "?",
];

/// Whether boxes with this between them are parts of one answer; the second may
/// have a name: `\) and \( y = `.
pub(super) fn joined(between: &str) -> bool {
    let unnamed = name_at_end(between).map_or(between, |name| &between[..name.start]);
    let unnamed = unnamed.trim_end_matches([' ', '$']);
    let unnamed = unnamed.strip_suffix("\\(").unwrap_or(unnamed);
    !unnamed.contains('=') && (joins(unnamed) || joins_labelled(unnamed))
}

/// Whether boxes with this between them are candidates, of which none is chosen:
/// a word of doubt or a question beside one of them, or one sentence and no word
/// that sets them apart: `\boxed{1}, x, \boxed{2}`, `\boxed{1}` over `\boxed{2}`.
pub(super) fn leaves_open(between: &str) -> bool {
    if is_layout(between) {
        return false;
    }
    let head = &between[..sentence_end(between)];
    let sequence = words(between).any(|word| follows(&word.to_lowercase()))
        || between.contains(|c: char| u32::from(c) >= 0x2e80 && c.is_alphabetic());
    let apart = match head.len() == between.len() {
        true => sequence,
        false => words(between).any(|word| word.chars().count() > 1),
    };
    // "But is it? Maybe \boxed{2}": the words right before the second box.
    let tail = &between[sentence_start(between)..];
    !apart || doubts(head) || doubts(tail)
}

/// Whether a gap is nothing but blanks, delimiters and full stops.
fn is_layout(between: &str) -> bool {
    let bare = ["\\(", "\\)", "\\[", "\\]", "\\\\", "\\quad", "\\qquad"]
        .iter()
        .fold(between.to_owned(), |gap, mark| gap.replace(mark, " "));
    !bare.contains("..")
        && bare
            .chars()
            .all(|c| c.is_whitespace() || matches!(c, '$' | '*' | '.' | '。'))
}

fn doubts(part: &str) -> bool {
    DOUBTS_INSIDE.iter().any(|doubt| part.contains(doubt))
        || words(part).any(|word| DOUBTS.contains(&word.to_lowercase().as_str()))
}

/// The words of a gap, without the commands.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphabetic() || c == '\\'))
        .map(|word| word.rsplit_once('\\').map_or(word, |(before, _)| before))
        .filter(|word| !word.is_empty())
}

/// The end of the sentence that the gap begins in, its mark included.
fn sentence_end(text: &str) -> usize {
    text.char_indices()
        .find(|(at, c)| match c {
            '\n' | '。' | '！' | '？' => true,
            '.' | '!' | '?' => text[at + 1..]
                .chars()
                .next()
                .is_none_or(char::is_whitespace),
            _ => false,
        })
        .map_or(text.len(), |(at, c)| at + c.len_utf8())
}

fn follows(word: &str) -> bool {
    FOLLOWS.contains(&word) || SEQUENCES.contains(&word)
}
