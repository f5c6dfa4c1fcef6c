//! The one letter that an answer commits to, or why there is none.
//!
//! Text in, a [`Commitment`] or a [`Refusal`] out. Boxes, statements, bare
//! lines and labels are collected; all of them must name the same letter, and
//! nothing after the last may put it in doubt (`hedge.rs`).

use std::ops::Range;

use super::letter::{self, Case, Dress, Letter};
use super::{ChoiceOptions, LowerCase, hedge, phrases, region};

/// A letter that the answer stands by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commitment {
    /// Upper-case ASCII.
    pub(super) letter: u8,
    /// How it was said.
    pub(super) form: Form,
    /// The letter's bytes.
    pub(super) span: Range<usize>,
    /// Where the form ends.
    pub(super) end: usize,
}

/// How a letter was committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Boxed,
    Stated,
    Bare,
    Labelled,
}

/// Why there is no commitment, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: &'static str,
    pub(super) span: Option<Range<usize>>,
}

/// How far statements look around themselves, in bytes: enough for a sentence,
/// and a bound that keeps a text full of statements linear.
const SENTENCE_BYTES: usize = 256;

impl Form {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Form::Boxed => "boxed",
            Form::Stated => "stated",
            Form::Bare => "bare_letter",
            Form::Labelled => "labelled",
        }
    }
}

impl Refusal {
    pub(super) fn at(reason: &'static str, span: Range<usize>) -> Self {
        Self {
            reason,
            span: Some(span),
        }
    }

    fn of(reason: &'static str) -> Self {
        Self { reason, span: None }
    }
}

/// The letter that `text` commits to; spans are bytes of `text`.
pub(super) fn find(text: &str, options: &ChoiceOptions) -> Result<Commitment, Refusal> {
    let region = region::answer(text)?;
    let shift = |span: Range<usize>| span.start + region.start..span.end + region.start;
    match in_body(&text[region.clone()], options) {
        Ok(found) => Ok(Commitment {
            span: shift(found.span),
            end: found.end + region.start,
            ..found
        }),
        Err(refusal) => Err(Refusal {
            span: refusal.span.map(shift),
            ..refusal
        }),
    }
}

fn in_body(body: &str, options: &ChoiceOptions) -> Result<Commitment, Refusal> {
    if body.trim().is_empty() {
        return Err(Refusal::of("empty_answer"));
    }
    let mut found = Collected {
        commitments: boxed(body, options)?,
        refusal: None,
    };
    statements(body, options, &mut found);
    predicates(body, options, &mut found);
    lines(body, options, &mut found);
    let Some(last) = found.commitments.iter().max_by_key(|one| one.end).cloned() else {
        return Err(found.refusal.unwrap_or_else(|| Refusal::of("no_choice")));
    };
    if let Some(other) = found
        .commitments
        .iter()
        .find(|one| one.letter != last.letter)
    {
        return Err(Refusal::at("several_choices", other.span.clone()));
    }
    hedge::check(body, &last, options)?;
    Ok(last)
}

/// What was found so far; the first refusal explains an empty list.
struct Collected {
    commitments: Vec<Commitment>,
    refusal: Option<Refusal>,
}

impl Collected {
    fn commit(&mut self, letter: &Letter, form: Form) {
        self.commitments.push(commitment(letter, form));
    }

    fn refuse(&mut self, reason: &'static str, span: Range<usize>) {
        self.refusal.get_or_insert(Refusal::at(reason, span));
    }
}

fn commitment(letter: &Letter, form: Form) -> Commitment {
    Commitment {
        letter: letter.letter,
        form,
        span: letter.span.clone(),
        end: letter.end,
    }
}

/// The letters in boxes. The last box must hold one, or nothing is committed:
/// an earlier box or the prose around it is no substitute.
fn boxed(body: &str, options: &ChoiceOptions) -> Result<Vec<Commitment>, Refusal> {
    let boxes = region::boxes(body);
    let mut commitments = Vec::new();
    for (index, one) in boxes.iter().enumerate() {
        let letter = one
            .inside
            .clone()
            .and_then(|inside| box_letter(body, inside, options));
        match letter {
            Some(_) if hedge::denied_before(body, one.whole.start) => {
                return Err(Refusal::at("negated", one.whole.clone()));
            }
            Some(letter) => commitments.push(Commitment {
                end: one.whole.end,
                ..commitment(&letter, Form::Boxed)
            }),
            None if index + 1 == boxes.len() => {
                return Err(Refusal::at("bad_box", one.whole.clone()));
            }
            None => {}
        }
    }
    Ok(commitments)
}

/// The letter inside a box: alone, or as a label with the option's text.
fn box_letter(body: &str, inside: Range<usize>, options: &ChoiceOptions) -> Option<Letter> {
    let text = &body[inside.clone()];
    let start = option_word(text);
    let mut found = letter::at(text, start).filter(|found| allowed(found, options))?;
    if letter::alone(&text[start..]).is_none() {
        if matches!(found.dress, Dress::Bare | Dress::Marked) || !is_label_text(text, &found) {
            return None;
        }
        hedge::check(text, &commitment(&found, Form::Boxed), options).ok()?;
    }
    found.span = found.span.start + inside.start..found.span.end + inside.start;
    Some(found)
}

/// "The answer is C" and its kin.
fn statements(body: &str, options: &ChoiceOptions, found: &mut Collected) {
    for marker in phrases::MARKER.find_iter(body) {
        if letter::joined_before(body, marker.start()) {
            continue;
        }
        let Some(letter) = letter::at(body, marker.end()) else {
            if let Some(span) = lookalike(body, marker.end()) {
                found.refuse("lookalike_letter", span);
            }
            continue;
        };
        let colon = marker
            .as_str()
            .trim_end_matches('*')
            .ends_with([':', '：', '=']);
        let is_allowed = match letter.case {
            Case::Upper => true,
            Case::Lower => {
                allowed(&letter, options)
                    && (colon || matches!(letter.dress, Dress::Marked | Dress::Label))
            }
        };
        if !is_allowed {
            continue;
        }
        if !may_follow(body, &letter) {
            found.refuse("hedged", letter.span.clone());
        } else if is_question(body, letter.end) {
            found.refuse("question", letter.span.clone());
        } else if let Some(reason) = hedge::clause_refusal(body, marker.start()) {
            found.refuse(reason, letter.span.clone());
        } else {
            found.commit(&letter, Form::Stated);
        }
    }
}

/// "Option C is correct" and its kin.
fn predicates(body: &str, options: &ChoiceOptions, found: &mut Collected) {
    for mention in hedge::mentions(body, options) {
        if hedge::is_inside_unspaced(body, &mention.span) {
            continue;
        }
        let after = window(body, mention.end);
        let Some(suffix) = phrases::SUFFIX.find(after) else {
            continue;
        };
        let end = mention.end + suffix.end();
        let rest = window(body, end);
        if !rest.trim().is_empty() && !phrases::FOLLOW.is_match(rest) {
            continue;
        }
        let letter = Letter { end, ..mention };
        if is_question(body, end) {
            found.refuse("question", letter.span);
        } else if hedge::is_linked_before(body, letter.span.start, options) {
            found.refuse("hedged", letter.span);
        } else if let Some(reason) = hedge::clause_refusal(body, letter.span.start) {
            found.refuse(reason, letter.span);
        } else {
            found.commit(&letter, Form::Stated);
        }
    }
}

/// Lines that are only a letter, and a first or last line with a label.
fn lines(body: &str, options: &ChoiceOptions, found: &mut Collected) {
    let whole = body.trim();
    let mut labels: Vec<(usize, Letter)> = Vec::new();
    let mut visible = 0;
    let mut start = 0;
    for line in body.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        visible += 1;
        // The line's own text: what follows must not complete its form.
        let Some(letter) = letter::at(&body[..at + line.len()], at + option_word(line)) else {
            continue;
        };
        let is_alone = letter::alone(&line[option_word(line)..]).is_some();
        let clear = match letter.case {
            Case::Upper => true,
            Case::Lower => {
                allowed(&letter, options)
                    && (matches!(letter.dress, Dress::Marked | Dress::Label) || text == whole)
            }
        };
        if !clear {
            continue;
        }
        if is_alone {
            found.commit(&letter, Form::Bare);
        } else if is_label_line(body, &letter) {
            labels.push((visible, letter));
        }
    }
    let Some((line, first)) = labels.first() else {
        if let Some(span) = lookalike(body, 0).filter(|span| body[span.end..].trim().len() < 4) {
            found.refuse("lookalike_letter", span);
        }
        return;
    };
    if labels
        .iter()
        .any(|(_, letter)| letter.letter != first.letter)
    {
        found.refuse("option_list", first.span.clone());
    } else if *line == 1 || labels.last().is_some_and(|(last, _)| *last == visible) {
        let (_, letter) = if *line == 1 {
            &labels[0]
        } else {
            &labels[labels.len() - 1]
        };
        if is_question(body, letter.end) && body[letter.end..].trim().len() < SENTENCE_BYTES {
            found.refuse("question", letter.span.clone());
        } else {
            found.commit(letter, Form::Labelled);
        }
    }
}

/// Whether a letter with text after it is a label: `C) Rome`, `C. Rome`.
fn is_label_line(body: &str, letter: &Letter) -> bool {
    let colon = body[..letter.end]
        .trim_end_matches(letter::is_emphasis)
        .ends_with([':', '：']);
    match letter.dress {
        Dress::Bare | Dress::Marked => false,
        // "A: 26" is an answer to "Q:", and "I. Introduction" a heading.
        Dress::Label if colon && letter.letter == b'A' => false,
        Dress::Stop if letter.letter == b'I' => false,
        Dress::Label | Dress::Stop => is_label_text(body, letter),
    }
}

/// Whether the text after a label can be an option's: it does not speak about
/// the letter, and the letter is not the first of several initials.
fn is_label_text(body: &str, letter: &Letter) -> bool {
    let rest = window(body, letter.end);
    if phrases::PREDICATE.is_match(rest) {
        return false;
    }
    if letter.dress != Dress::Stop {
        return true;
    }
    let word = rest.split_whitespace().next().unwrap_or_default();
    let name = word.trim_matches(|c: char| !c.is_alphabetic());
    let is_initial = word.ends_with('.') && name.chars().count() == 1;
    !is_initial && !phrases::EPITHETS.contains(&name)
}

fn may_follow(body: &str, letter: &Letter) -> bool {
    let rest = window(body, letter.end);
    match letter.dress {
        _ if rest.trim().is_empty() => true,
        Dress::Stop => true,
        Dress::Label => !phrases::PREDICATE.is_match(rest),
        Dress::Bare | Dress::Marked => phrases::FOLLOW.is_match(rest),
    }
}

/// Whether the sentence that goes on at `at` ends with a question mark.
fn is_question(body: &str, at: usize) -> bool {
    if body[..at].ends_with(['.', '。', '\n']) {
        return false;
    }
    let rest = window(body, at);
    let end = rest
        .find(['.', '!', '?', '。', '！', '？', '\n'])
        .unwrap_or(rest.len());
    rest[end..].starts_with(['?', '？']) || rest[..end].contains(['吗', '嗎', '呢'])
}

/// Whether the letter's case is one that the options let count at all.
fn allowed(letter: &Letter, options: &ChoiceOptions) -> bool {
    letter.case == Case::Upper || options.lower_case == LowerCase::Unambiguous
}

fn option_word(text: &str) -> usize {
    phrases::OPTION
        .find(window(text, 0))
        .map_or(0, |word| word.end())
}

fn lookalike(body: &str, at: usize) -> Option<Range<usize>> {
    let rest = &body[at..];
    let start = rest.find(|c: char| {
        !c.is_whitespace() && !letter::is_emphasis(c) && !matches!(c, '(' | '[' | '"' | '«')
    })?;
    let c = rest[start..]
        .chars()
        .next()
        .filter(|c| phrases::LOOKALIKES.contains(c))?;
    let span = at + start..at + start + c.len_utf8();
    (!letter::joins(body, span.end)).then_some(span)
}

/// At most [`SENTENCE_BYTES`] of `body` from `at` on.
pub(super) fn window(body: &str, at: usize) -> &str {
    &body[at..body.floor_char_boundary(at.saturating_add(SENTENCE_BYTES))]
}

/// At most [`SENTENCE_BYTES`] of `body` up to `at`.
pub(super) fn window_before(body: &str, at: usize) -> &str {
    &body[body.ceil_char_boundary(at.saturating_sub(SENTENCE_BYTES))..at]
}
