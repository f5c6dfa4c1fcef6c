//! The letter that a statement chooses, where the rest only gives the reason:
//! "for sure D, it can't be A or B" chooses D. One statement in, the range of
//! its letter out.
//!
//! The reason is read by patterns, not by the absence of bad words: it may deny
//! other letters, and say nothing about the chosen one.

use std::ops::Range;

/// May stand before the letter.
const SURE: &[&str] = &[
    "for",
    "sure",
    "definitely",
    "clearly",
    "obviously",
    "certainly",
    "surely",
    "option",
    "choice",
    "letter",
];

/// Opens a reason.
const BECAUSE: &[&str] = &["because", "since", "as"];

/// Denials that stand before what they deny.
const DENIES_NEXT: &[&[&str]] = &[
    &["it", "can't", "be"],
    &["it", "cannot", "be"],
    &["it", "can", "not", "be"],
    &["it", "couldn't", "be"],
    &["it", "isn't"],
    &["it", "is", "not"],
    &["it's", "not"],
    &["not"],
    &["and", "not"],
    &["it", "doesn't", "make", "sense", "for", "it", "to", "be"],
    &[
        "it", "does", "not", "make", "sense", "for", "it", "to", "be",
    ],
    &["it", "makes", "no", "sense", "for", "it", "to", "be"],
];

/// Denials that stand behind what they deny.
const DENIES_LAST: &[&[&str]] = &[
    &["is", "not", "valid"],
    &["is", "not", "correct"],
    &["is", "not", "right"],
    &["is", "not", "possible"],
    &["is", "not", "true"],
    &["isn't", "valid"],
    &["isn't", "correct"],
    &["isn't", "right"],
    &["isn't", "possible"],
    &["is", "invalid"],
    &["is", "incorrect"],
    &["is", "wrong"],
    &["is", "false"],
    &["is", "impossible"],
    &["are", "not", "valid"],
    &["are", "not", "correct"],
    &["are", "not", "possible"],
    &["are", "invalid"],
    &["are", "incorrect"],
    &["are", "wrong"],
    &["are", "false"],
    &["are", "impossible"],
    &["can't", "be", "right"],
    &["can't", "be", "correct"],
    &["cannot", "be", "right"],
    &["cannot", "be", "correct"],
    &["doesn't", "make", "sense"],
    &["makes", "no", "sense"],
];

/// The letter that `statement` chooses and gives a reason for; `None` where the
/// rest is no such reason.
pub(super) fn chosen(statement: &str) -> Option<Range<usize>> {
    /// Reasons are short.
    const LONGEST: usize = 300;
    if statement.len() > LONGEST || !statement.is_ascii() && !statement.contains('’') {
        return None;
    }
    let mut at = 0;
    let mut rest = statement;
    loop {
        let trimmed = rest.trim_start_matches([' ', ',', '*', '(']);
        at += rest.len() - trimmed.len();
        rest = trimmed;
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        if !SURE
            .iter()
            .any(|word| rest[..end].eq_ignore_ascii_case(word))
        {
            break;
        }
        at += end;
        rest = &rest[end..];
    }
    let letter = letter(rest.get(..1)?)?;
    let tail = rest[1..].trim_start_matches([')', '*']);
    let head = tail.trim_start_matches(' ');
    let reason = match head.strip_prefix([',', '.', ':']) {
        Some(reason) => reason,
        None if tail.starts_with(' ') && begins_with_any(head, BECAUSE) => head,
        None => return None,
    };
    is_reason(reason, letter).then_some(at..at + 1)
}

/// The letter that is the whole statement's subject: "B is correct", "Because B is
/// valid".
pub(super) fn asserted(text: &str) -> Option<Range<usize>> {
    const ASSERTS: &[&[&str]] = &[
        &["is", "valid"],
        &["is", "correct"],
        &["is", "right"],
        &["is", "true"],
        &["is", "the", "answer"],
        &["is", "the", "correct", "answer"],
        &["is", "the", "right", "answer"],
        &["is", "the", "correct", "choice"],
        &["is", "the", "correct", "option"],
    ];
    /// There is room for nothing else.
    const LONGEST: usize = 60;
    let statement = text.trim().trim_end_matches(['.', '*']);
    let plain = |c: char| c.is_ascii_alphabetic() || matches!(c, ' ' | '*' | '(' | ')');
    if text.len() > LONGEST || !statement.chars().all(plain) {
        return None;
    }
    let mut words: Vec<(usize, &str)> = spans(text).collect();
    if words
        .first()
        .is_some_and(|(_, word)| begins_with_any(word, BECAUSE))
    {
        words.remove(0);
    }
    let ((at, subject), tail) = words.split_first()?;
    letter(subject)?;
    let same = |asserts: &&&[&str]| {
        asserts.len() == tail.len() && asserts.iter().zip(tail).all(|(a, (_, b))| a == b)
    };
    ASSERTS.iter().find(same).map(|_| *at..at + 1)
}

/// The letter that a text ends with as its conclusion, though it only believes
/// it: "therefore I think it's B". Every other letter must be denied where it is
/// named; never a number, of which anybody has a guess.
pub(super) fn believed(text: &str) -> Option<Range<usize>> {
    const CONCLUDES: &[&str] = &["so", "therefore", "thus", "hence"];
    const BELIEVES: &[&[&str]] = &[
        &["i", "think"],
        &["i", "believe"],
        &["i", "would", "say"],
        &["i'd", "say"],
    ];
    const STATES: &[&[&str]] = &[
        &["it's"],
        &["it", "is"],
        &["that", "it's"],
        &["that", "it", "is"],
        &["it", "must", "be"],
        &["the", "answer", "is"],
        &["the", "correct", "answer", "is"],
        &[],
    ];
    /// Longer texts are not read to their beginning.
    const LONGEST: usize = 600;
    if text.len() > LONGEST || text.contains(['?', '"', '“', '\\', '$']) {
        return None;
    }
    let closed = text.trim_end().trim_end_matches(['.', '*', ')']);
    let at = closed.len().checked_sub(1)?;
    let chosen = letter(closed.get(at..)?)?;
    let before = closed[..at].trim_end_matches(['*', '(']);
    let words: Vec<(usize, String)> = spans(before)
        .map(|(at, word)| (at, word.to_lowercase().replace('’', "'")))
        .collect();
    let ends = |upto: usize, table: &[&[&str]]| {
        table.iter().find_map(|tail| {
            let from = upto.checked_sub(tail.len())?;
            let same = words[from..upto]
                .iter()
                .zip(*tail)
                .all(|((_, a), b)| a == b);
            same.then_some(from)
        })
    };
    let stated = ends(words.len(), STATES)?;
    let believes = ends(stated, BELIEVES)?;
    let concludes = believes.checked_sub(1)?;
    let own = before.ends_with(' ') && CONCLUDES.contains(&words[concludes].1.as_str());
    let earlier = &text[..words[concludes].0];
    (own && settles(earlier, chosen)).then_some(at..at + 1)
}

/// Whether no letter but the chosen one is left open.
fn settles(earlier: &str, chosen: char) -> bool {
    const DENIES: &[&str] = &[
        "not",
        "cannot",
        "isn't",
        "can't",
        "wrong",
        "incorrect",
        "false",
        "impossible",
        "invalid",
        "doesn't",
        "aren't",
    ];
    earlier.split(['.', ',', ';', '\n']).all(|clause| {
        let words: Vec<&str> = spans(clause).map(|(_, word)| word).collect();
        let denied = words
            .iter()
            .any(|word| DENIES.contains(&word.to_lowercase().replace('’', "'").as_str()));
        words
            .iter()
            .enumerate()
            .all(|(at, word)| match letter(word) {
                // The article, the pronoun.
                Some('A') if words.get(at + 1).is_some_and(|next| is_small(next)) && !denied => {
                    true
                }
                Some('I') => true,
                Some(named) => (named == chosen) != denied,
                None => true,
            })
    })
}

fn is_small(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase()) && !matches!(word, "or" | "and" | "is")
}

/// The words of a text and where they begin.
fn spans(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’')))
        .filter(|word| !word.is_empty())
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// A letter of a multiple choice.
fn letter(word: &str) -> Option<char> {
    let mut chars = word.chars();
    let letter = chars.next().filter(|c| ('A'..='J').contains(c))?;
    chars.next().is_none().then_some(letter)
}

fn begins_with_any(text: &str, words: &[&str]) -> bool {
    let end = text.find(' ').unwrap_or(text.len());
    words
        .iter()
        .any(|word| text[..end].eq_ignore_ascii_case(word))
}

/// Whether the text denies letters other than the chosen one, and says nothing
/// else.
fn is_reason(reason: &str, chosen: char) -> bool {
    let reason = reason.trim_matches([' ', '.', '*', '\n']);
    if reason.contains(|c: char| !(c.is_alphabetic() || " ,'’()".contains(c))) {
        return false;
    }
    let words: Vec<String> = reason
        .split([' ', ',', '(', ')'])
        .filter(|word| !word.is_empty())
        .map(|word| word.replace('’', "'"))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let same = |word: &&str, other: &&str| word.eq_ignore_ascii_case(other);
    let skipped = usize::from(
        words
            .first()
            .is_some_and(|word| begins_with_any(word, BECAUSE)),
    );
    let words = &words[skipped..];
    let denied = DENIES_NEXT
        .iter()
        .find_map(|denial| {
            let (head, tail) = words.split_at_checked(denial.len())?;
            head.iter()
                .zip(*denial)
                .all(|(a, b)| same(a, b))
                .then_some(tail)
        })
        .or_else(|| {
            DENIES_LAST.iter().find_map(|denial| {
                let (head, tail) =
                    words.split_at_checked(words.len().checked_sub(denial.len())?)?;
                tail.iter()
                    .zip(*denial)
                    .all(|(a, b)| same(a, b))
                    .then_some(head)
            })
        });
    let Some(denied) = denied else {
        return false;
    };
    let others = denied.iter().filter(|word| letter(word).is_some()).count();
    others > 0
        && denied.iter().all(|word| match letter(word) {
            Some(other) => other != chosen,
            None => ["or", "and", "nor"].contains(word),
        })
}
