//! The value within a statement that is no expression as a whole: an announced
//! clause or a short response in, the range of the value it commits to out.
//!
//! Tried only where the whole could not be read. Each form commits to exactly
//! one value: a sentence that states it ([`stated`]), a count ("33 eggs"), a
//! letter with its reason ([`chosen`]), a value with its reason ("42 because
//! …"), a value and the denial of another ("3, not 4").

use std::ops::Range;

use super::aftermath::{self, Aftermath};
use super::anchors::wavers;
use super::chosen::{self, chosen};
use super::counted::count;
use super::doubt;
use super::extract::{Found, Source, found, trimmed};
use super::gold::{Answer, interpret};
use super::judge::differ;
use super::options::{MathOptions, Units};
use super::reading::read;
use super::restated::{bare, names_number};
use super::sentence::LONGEST;
use super::stated::{CONCLUDES, Introduced, Stated, stated, withholds};

/// Whether a text is a number, with its unit or scale.
fn is_quantity(text: &str, options: &MathOptions) -> bool {
    matches!(interpret(text, options), Ok(Answer::Value(_)))
}

fn is_read(text: &str, options: &MathOptions) -> bool {
    is_quantity(text, options) || read(text, options).is_ok()
}

/// The value of an announced clause.
pub(super) fn announced(
    text: &str,
    span: Range<usize>,
    options: &MathOptions,
) -> Option<Range<usize>> {
    let clause = &text[span.clone()];
    let at = |range: Range<usize>| span.start + range.start..span.start + range.end;
    if clause.len() > LONGEST {
        return None;
    }
    chosen(clause)
        .or_else(|| not_another(clause, options))
        .or_else(|| counted(clause, options))
        .or_else(|| {
            stated(clause, Introduced::Answer, &|text| {
                is_quantity(text, options)
            })
            .map(|stated| stated.value)
        })
        .map(at)
}

/// The value of a response that is one short statement.
pub(super) fn short(
    text: &str,
    region: Range<usize>,
    options: &MathOptions,
) -> Option<Range<usize>> {
    let statement = &text[region.clone()];
    let at = |range: Range<usize>| region.start + range.start..region.start + range.end;
    if statement.len() > LONGEST || statement.contains('\n') {
        return None;
    }
    chosen(statement)
        .or_else(|| counted(statement, options))
        .or_else(|| with_reason(statement, options))
        .map(at)
}

/// "33 eggs", where the options let an answer name what the question asked for.
fn counted(clause: &str, options: &MathOptions) -> Option<Range<usize>> {
    match options.units {
        Units::Strict => None,
        Units::ExtraInAnswer | Units::Optional => count(clause, &|text| is_quantity(text, options)),
    }
}

/// "42 because geometry proves it".
fn with_reason(statement: &str, options: &MathOptions) -> Option<Range<usize>> {
    let at = [" because ", " since "]
        .iter()
        .filter_map(|word| statement.find(word))
        .min()?;
    let reason = statement[at..].trim_end_matches(['.', ' ']);
    let plain =
        !reason.contains(|c: char| c.is_numeric() || "$\\=.?!".contains(c)) && !wavers(reason);
    (plain && is_read(&statement[..at], options)).then(|| trimmed(statement, 0..at))
}

/// "3, not 4": the denial of another value takes nothing back; that of the same
/// one does.
fn not_another(clause: &str, options: &MathOptions) -> Option<Range<usize>> {
    const DENIALS: [&str; 9] = [
        ", not ",
        " and not ",
        " (not ",
        " rather than ",
        " instead of ",
        "，不是",
        ",不是",
        "，而不是",
        "，并非",
    ];
    let (at, denial) = DENIALS
        .iter()
        .filter_map(|denial| Some((clause.find(denial)?, denial)))
        .min()?;
    let value = clause[..at].trim_end_matches(',');
    let other = clause[at + denial.len()..].trim_matches([' ', '.', ')', '*']);
    // What is spelled out may be the same number.
    let plain = !names_number(other)
        && !wavers(value)
        && !wavers(other)
        && is_read(value, options)
        && is_read(other, options);
    (plain && differ(value, other, options)).then(|| trimmed(clause, 0..value.len()))
}

/// The number that stands alone on the last line, under prose that ends.
pub(super) fn last_line(text: &str, region: Range<usize>) -> Option<Found> {
    let inside = &text[region.clone()];
    let from = inside.rfind('\n')? + 1;
    let value = bare(&inside[from..])?;
    let before = inside[..from].trim_end();
    let mut rivals = Vec::new();
    let mut at = region.start;
    for line in inside[..from].split_inclusive('\n') {
        if let Some(other) = bare(line) {
            rivals.push(at + other.start..at + other.end);
        }
        // The last line may be the number of an item that is missing.
        let item = line.trim_start();
        if item.starts_with(|c: char| c.is_ascii_digit())
            && item
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .starts_with(['.', ')', ':'])
            || rivals.len() > MOST
        {
            return None;
        }
        at += line.len();
    }
    let above = before.rsplit('\n').next().unwrap_or_default();
    let ends = before.ends_with(['.', ':', '。', '：']) && above.contains(char::is_alphabetic);
    if !ends
        || above.len() > LONGEST
        || withholds(above)
        || doubt::before(&inside[..from]).is_some()
    {
        return None;
    }
    let start = region.start + from;
    let mut last = found(start + value.start..start + value.end, Source::LastLine);
    last.rivals = rivals;
    Some(last)
}

/// Rivals beyond these are not compared; the response is a list of candidates.
const MOST: usize = 32;

/// The value of the conclusion that a response ends with: "Therefore, the
/// probability is $2/3$." What it says of the same subject before must agree.
pub(super) fn concluded(text: &str, region: Range<usize>, options: &MathOptions) -> Option<Found> {
    let end = region.start + without_courtesy(&text[region.clone()]).len();
    let region = region.start..end;
    let sentence = last_conclusion(&text[region.clone()])?;
    let start = region.end - sentence.len();
    // A sentence without its end may go on.
    let ended = sentence
        .trim_end_matches(['*', ' '])
        .ends_with(['.', '$', ']', ')']);
    let Stated { value, subject } = stated(sentence, Introduced::Conclusion, &|text| {
        is_quantity(text, options)
    })
    .filter(|_| ended)?;
    let value = start + value.start..start + value.end;
    if doubt::before(&text[region.start..value.start]).is_some()
        || aftermath::after(&text[value.end..region.end]) != Aftermath::Stands
    {
        return None;
    }
    let mut concluded = found(value, Source::Concluded);
    if !subject.is_empty() {
        let subject = &sentence[subject];
        let earlier = &text[region.start..start];
        for at in memchr::memmem::find_iter(earlier.as_bytes(), subject.as_bytes()) {
            let rest = &earlier[at + subject.len()..];
            let stop = rest
                .find(". ")
                .or_else(|| rest.find('\n'))
                .unwrap_or(rest.len());
            let from = region.start + at + subject.len();
            let span = trimmed(text, from..from + stop.min(rest.len()));
            concluded
                .rivals
                .push(span.start..span.start + text[span].trim_end_matches('.').len());
            if concluded.rivals.len() > MOST {
                return None;
            }
        }
    }
    Some(concluded)
}

/// The letter that a response is nothing but the assertion of, "B is correct", or
/// ends with as its belief, "so I think it's B".
pub(super) fn believed(text: &str, region: Range<usize>) -> Option<Found> {
    let own = &text[region.clone()];
    let letter = chosen::asserted(own).or_else(|| chosen::believed(own))?;
    let at = region.start + letter.start..region.start + letter.end;
    Some(found(at, Source::Concluded))
}

/// The text without the wish that trained responses end with.
fn without_courtesy(text: &str) -> &str {
    let end = text.trim_end();
    end.strip_suffix("I hope it is correct.")
        .unwrap_or(end)
        .trim_end()
}

/// Whether a sentence may begin behind `before`: mathematics without a full stop
/// ends one, a word or a colon does not.
fn begins_sentence(before: &str, is_start: bool) -> bool {
    let bare = before.trim_end_matches(|c: char| c.is_whitespace() || c == '*');
    match bare.chars().next_back() {
        None => is_start,
        Some(c) => {
            bare.len() < before.len()
                && (c.is_numeric()
                    || ".!?。$)]}".contains(c)
                    || before.trim_end_matches([' ', '*']).ends_with('\n'))
        }
    }
}

/// The last sentence, from the word that concludes on.
fn last_conclusion(text: &str) -> Option<&str> {
    let mut from = text.len().saturating_sub(LONGEST);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let window = &text[from..];
    let closed = window.trim_end_matches(|c: char| c.is_whitespace() || ".*".contains(c));
    let sentence = doubt::sentence_start(closed);
    // "P(A) = 2/3 Therefore, …": a capital letter begins a sentence, too.
    let start = window[sentence..closed.len()]
        .match_indices(|c: char| c.is_ascii_uppercase())
        .map(|(at, _)| sentence + at)
        .rfind(|at| {
            let word = window[*at..]
                .find(|c: char| !c.is_ascii_alphabetic())
                .map_or(&window[*at..], |end| &window[*at..*at + end]);
            begins_sentence(&window[..*at], from == 0)
                && CONCLUDES.iter().any(|one| word.eq_ignore_ascii_case(one))
        })?;
    Some(&window[start..])
}
