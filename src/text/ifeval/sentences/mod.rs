//! Sentences by the Punkt algorithm: text in, the ranges of its sentences out.
//!
//! Source: Kiss and Strunk, "Unsupervised Multilingual Sentence Boundary
//! Detection" (Computational Linguistics 32, 2006), section 4, with the rules of
//! nltk 3.10's `PunktSentenceTokenizer`. What nltk's English model knows was
//! learnt from newspapers, and is data without a clear licence; in its place
//! stand two short lists of our own, `abbreviations.txt` and
//! `sentence_starters.txt`, and no collocations. So the rules are nltk's, and
//! what they know is less.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use super::python::{strip, strip_end};

mod token;

use token::{Token, tokens};

/// What is known of English.
struct Lists {
    /// Words that are followed by a point without ending a sentence.
    abbreviations: HashSet<&'static str>,
    /// Words that are capital only because a sentence starts with them.
    starters: HashSet<&'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| Lists {
    abbreviations: listed(include_str!("abbreviations.txt")),
    starters: listed(include_str!("sentence_starters.txt")),
});

fn listed(file: &'static str) -> HashSet<&'static str> {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
}

/// The sentences of `text`, in order, none empty.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    realigned(text, &pieces(text))
}

/// A mark that may end a sentence.
struct Mark {
    at: usize,
    /// End of the mark and of what decides about it: the punctuation or the
    /// word that follows.
    context_end: usize,
    /// Start of the word that follows after white space.
    next_word: Option<usize>,
}

/// Cuts the text after every mark that ends a sentence.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (mark, context) in marks_in_context(text) {
        if contains_break(&text[context]) {
            pieces.push(start..mark.at + 1);
            start = mark.next_word.unwrap_or(mark.at + 1);
        }
    }
    let end = strip_end(text).len();
    pieces.push(start..end.max(start));
    pieces
}

/// Every mark with the text that decides about it: the word before, the mark,
/// and what follows. Of marks in one word only the last counts.
fn marks_in_context(text: &str) -> Vec<(Mark, Range<usize>)> {
    let mut decided = Vec::new();
    let mut last: Option<(Mark, usize)> = None;
    let (mut word_start, mut word_end) = (0, 0);
    for mark in marks(text) {
        // A space right at the start of what lies between counts as none; that
        // is how nltk reads its own search.
        let start = match last_space(&text[word_end..mark.at]) {
            Some(space) if space > 0 => word_end + space + 1,
            _ => word_start,
        };
        (word_start, word_end) = (start, mark.at);
        if let Some((before, before_start)) = last.replace((mark, start))
            && before.at <= start
        {
            let context = before_start..before.context_end;
            decided.push((before, context));
        }
    }
    if let Some((mark, start)) = last {
        let context = start..mark.context_end;
        decided.push((mark, context));
    }
    decided
}

fn last_space(text: &str) -> Option<usize> {
    text.bytes()
        .rposition(|byte| matches!(byte, b' ' | b'\t'..=b'\r'))
}

/// The marks that are followed by closing punctuation, or by white space and a word.
fn marks(text: &str) -> impl Iterator<Item = Mark> {
    text.match_indices(['.', '?', '!']).filter_map(|(at, _)| {
        let rest = &text[at + 1..];
        let first = rest.chars().next()?;
        if token::ends_word(first) {
            return Some(Mark {
                at,
                context_end: at + 1 + first.len_utf8(),
                next_word: None,
            });
        }
        let word = rest.trim_start();
        let gap = rest.len() - word.len();
        if gap == 0 || word.is_empty() {
            return None;
        }
        let length = word.find(char::is_whitespace).unwrap_or(word.len());
        Some(Mark {
            at,
            context_end: at + 1 + gap + length,
            next_word: Some(at + 1 + gap),
        })
    })
}

/// Whether a sentence ends after any word but the last.
fn contains_break(context: &str) -> bool {
    let words: Vec<Token> = context
        .split('\n')
        .filter(|line| !strip(line).is_empty())
        .flat_map(tokens)
        .collect();
    words
        .windows(2)
        .any(|pair| ends_sentence(&pair[0], &pair[1]))
}

/// Whether a sentence ends between two words (section 4 of the paper).
fn ends_sentence(word: &Token, next: &Token) -> bool {
    if !word.text.ends_with('.') {
        return matches!(word.text, "?" | "!");
    }
    let starts = next.starts_sentence(&LISTS);
    let is_abbreviation = word.is_abbreviation(&LISTS.abbreviations);
    let ends = !is_abbreviation && !word.text.ends_with("..");
    let is_initial = word.is_initial();
    if is_initial || word.is_number() {
        // `J. Smith` and `3. rows` go on.
        let goes_on = starts.map_or(is_initial && next.first_upper(), |starts| !starts);
        return ends && !goes_on;
    }
    if is_abbreviation || word.is_ellipsis() {
        return starts == Some(true);
    }
    ends
}

/// Moves closing quotes and brackets to the sentence that they close.
fn realigned(text: &str, pieces: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut moved = 0;
    for (index, piece) in pieces.iter().enumerate() {
        let start = piece.start + moved;
        moved = 0;
        if let Some(next) = pieces.get(index + 1)
            && let Some((closing, length)) = closing(&text[next.clone()])
        {
            moved = length;
            sentences.push(start..next.start + closing);
        } else if start < piece.end {
            sentences.push(start..piece.end);
        }
    }
    sentences
}

/// Closing punctuation at the start of a sentence that belongs to the one
/// before: its length, and its length with the white space after it.
fn closing(sentence: &str) -> Option<(usize, usize)> {
    let closes = |c| {
        matches!(
            c,
            '"' | '\'' | ')' | ']' | '}' | '‘' | '’' | '“' | '”' | '«' | '»'
        )
    };
    let rest = sentence.trim_start_matches(closes);
    let closing = sentence.len() - rest.len();
    let stays = rest.trim_start();
    let is_apart = rest.is_empty() || rest.len() > stays.len() || rest.starts_with("--");
    (closing > 0 && is_apart).then(|| (closing, sentence.len() - stays.len()))
}
