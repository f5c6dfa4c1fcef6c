//! What puts a letter in doubt: conditions and denials before it, other letters
//! and second thoughts after it.
//!
//! A text and a commitment in, a refusal or nothing out. Everything is read
//! once from left to right, or within a bounded window.

use std::ops::Range;

use super::commit::{Commitment, Refusal, window_before};
use super::letter::{self, Case, Dress, Letter};
use super::{ChoiceOptions, phrases};

/// Refuses a commitment after which another letter is left standing, the same
/// one is ruled out, or the text has second thoughts.
pub(super) fn check(
    body: &str,
    commitment: &Commitment,
    options: &ChoiceOptions,
) -> Result<(), Refusal> {
    let rest = &body[commitment.end..];
    if let Some(found) = phrases::RETRACTION.find(rest) {
        let start = commitment.end + found.start();
        return Err(Refusal::at(
            "retracted",
            start..commitment.end + found.end(),
        ));
    }
    // "C is wrong" is about the letter; in "C. It is wrong …" and "C) not …" the
    // sentence or the option's text begins anew.
    let own = !body[..commitment.end].ends_with(['.', '。', ':', '：', ')', '）']);
    let mut standing = Standing {
        options,
        commitment,
        excluding: false,
        denial: None,
        doubt: None,
        own,
    };
    for piece in pieces(body, commitment.end, options) {
        standing.read(piece)?;
    }
    standing.decide()?;
    standing.settle()
}

/// The state of the walk behind a commitment.
struct Standing<'c> {
    options: &'c ChoiceOptions,
    commitment: &'c Commitment,
    /// A word such as "not" rules out the letters that follow.
    excluding: bool,
    /// That word, until the next one shows whether it denies what came before
    /// ("A is not") or what follows ("C, not A").
    denial: Option<usize>,
    /// Another letter that still may be ruled out by the words after it.
    doubt: Option<Refusal>,
    /// The committed letter was just named, and may be ruled out in turn.
    own: bool,
}

impl Standing<'_> {
    fn read(&mut self, piece: Piece<'_>) -> Result<(), Refusal> {
        match piece {
            Piece::Word { text, at } => {
                self.decide()?;
                self.word(text, at)
            }
            Piece::Letter(letter) => self.letter(&letter),
            Piece::Mark(',' | '，' | '、') => {
                self.decide()?;
                self.excluding = false;
                self.own = false;
                Ok(())
            }
            Piece::Mark('.' | '!' | '?' | ';' | '\n' | '。' | '！' | '？' | '；') => {
                self.decide()?;
                self.excluding = false;
                self.own = false;
                self.settle()
            }
            Piece::Mark('不' | '非' | '错' | '錯') => {
                self.decide()?;
                self.denial = Some(self.commitment.end);
                self.excluding = true;
                Ok(())
            }
            Piece::Mark(_) => Ok(()),
        }
    }

    fn word(&mut self, text: &str, at: usize) -> Result<(), Refusal> {
        let word = text.to_lowercase().replace('’', "'");
        let word = word.as_str();
        if phrases::EXCLUDING.contains(&word) || word.ends_with("n't") {
            self.denial = Some(at);
            self.excluding = true;
        } else if phrases::RULED_OUT.contains(&word) {
            self.rules_out(at)?;
        } else if !phrases::FILLER.contains(&word) {
            self.excluding = false;
            self.own = false;
            return self.settle();
        }
        Ok(())
    }

    fn letter(&mut self, letter: &Letter) -> Result<(), Refusal> {
        self.denial = None;
        if letter.letter == self.commitment.letter {
            if self.excluding {
                return Err(Refusal::at("negated", letter.span.clone()));
            }
            self.own = true;
        } else if self.options.letters.contains(letter.letter) && !self.excluding {
            self.doubt
                .get_or_insert(Refusal::at("hedged", letter.span.clone()));
        }
        Ok(())
    }

    /// A denial that no letter follows is about the letters before it.
    fn decide(&mut self) -> Result<(), Refusal> {
        self.denial.take().map_or(Ok(()), |at| self.rules_out(at))
    }

    /// A word rules out the letters just named; the committed one must not be
    /// among them.
    fn rules_out(&mut self, at: usize) -> Result<(), Refusal> {
        if self.own && self.doubt.is_none() {
            return Err(Refusal::at("negated", at..at));
        }
        self.doubt = None;
        Ok(())
    }

    /// At the end of a sentence a letter in doubt stays standing.
    fn settle(&mut self) -> Result<(), Refusal> {
        self.doubt.take().map_or(Ok(()), Err)
    }
}

/// A word, a letter of an option or any other character.
enum Piece<'b> {
    Word { text: &'b str, at: usize },
    Letter(Letter),
    Mark(char),
}

/// The pieces of `body` from `from` on. Article and pronoun are words.
fn pieces<'b>(
    body: &'b str,
    from: usize,
    options: &'b ChoiceOptions,
) -> impl Iterator<Item = Piece<'b>> {
    let mut at = from;
    let mut previous = "";
    std::iter::from_fn(move || {
        let c = body[at..].chars().next()?;
        if !is_word(c) {
            at += c.len_utf8();
            return Some(Piece::Mark(letter::narrow(c)));
        }
        let start = at;
        at += word_len(&body[at..]);
        let text = &body[start..at];
        let piece = match option_letter(body, start, text, previous, options) {
            Some(letter) => Piece::Letter(letter),
            None => Piece::Word { text, at: start },
        };
        previous = text;
        Some(piece)
    })
}

/// The standalone letters of `body`, as options.
pub(super) fn mentions<'b>(
    body: &'b str,
    options: &'b ChoiceOptions,
) -> impl Iterator<Item = Letter> + use<'b> {
    pieces(body, 0, options).filter_map(|piece| match piece {
        Piece::Letter(letter) => Some(letter),
        Piece::Word { .. } | Piece::Mark(_) => None,
    })
}

/// The letter that the word at `start` is, unless it is prose.
fn option_letter(
    body: &str,
    start: usize,
    word: &str,
    previous: &str,
    options: &ChoiceOptions,
) -> Option<Letter> {
    let mut chars = word.chars();
    let (c, None) = (chars.next().map(letter::narrow)?, chars.next()) else {
        return None;
    };
    let end = start + word.len();
    let is_bracketed = body[..start].ends_with(['(', '（', '[', '【'])
        && body[end..].starts_with([')', '）', ']', '】']);
    let case = match c {
        'A'..='Z' => Case::Upper,
        'a'..='z' if is_bracketed => Case::Lower,
        _ => return None,
    };
    let letter = c.to_ascii_uppercase() as u8;
    if !options.letters.contains(letter)
        || letter::joins(body, end)
        || letter::joined_before(body, start)
    {
        return None;
    }
    let follows = body[end..].trim_start_matches([' ', '\t']);
    let next = &follows[..word_len(follows)];
    let is_prose = matches!(letter, b'A' | b'E' | b'I')
        && !is_bracketed
        && next.chars().nth(1).is_some()
        && body[end..].starts_with([' ', '\t'])
        && !phrases::AFTER_LETTER.contains(&next)
        && !phrases::BEFORE_LETTER.contains(&previous.to_lowercase().as_str());
    let is_name = phrases::NAMED_BY_LETTER.contains(&previous.to_lowercase().as_str());
    if is_prose || is_name {
        return None;
    }
    let form_end = end
        + body[end..]
            .chars()
            .take_while(|&c| {
                letter::is_emphasis(c) || matches!(c, ')' | '）' | ']' | '】' | '"' | '”')
            })
            .map(char::len_utf8)
            .sum::<usize>();
    let dress = if is_bracketed {
        Dress::Label
    } else {
        Dress::Bare
    };
    Some(Letter {
        letter,
        case,
        dress,
        span: start..end,
        end: form_end,
    })
}

/// `维生素C`, `B超`: part of a word of a script without spaces.
pub(super) fn is_inside_unspaced(body: &str, span: &Range<usize>) -> bool {
    let Range { start, end } = *span;
    let before = body[..start]
        .chars()
        .next_back()
        .filter(|&c| letter::is_unspaced(c));
    let after = body[end..]
        .chars()
        .next()
        .filter(|&c| letter::is_unspaced(c));
    let is_link = |c: char| {
        "选選是为為或和与與及非項项擇择、。，；：！？（）「」【】は가이が不对對错錯正と나"
            .contains(c)
    };
    before.is_some_and(|c| !is_link(c)) || after.is_some_and(|c| !is_link(c))
}

/// Whether a denial stands directly before `at`: "it is not \boxed{C}".
pub(super) fn denied_before(body: &str, at: usize) -> bool {
    let before = window_before(body, at);
    let clause = clause_of(before);
    let words = clause.split_whitespace().rev().take(3);
    words.into_iter().any(|word| {
        let word = word.to_lowercase().replace('’', "'");
        phrases::EXCLUDING.contains(&word.as_str()) || word.ends_with("n't")
    }) || clause.trim_end().ends_with(['不', '非'])
        || clause.trim_end().ends_with("不是")
}

/// Why the clause that ends at `at` does not carry a statement, if so.
pub(super) fn clause_refusal(body: &str, at: usize) -> Option<&'static str> {
    let clause = clause_of(window_before(body, at));
    for word in clause.split(|c: char| !is_word(c) && c != '\'' && c != '’') {
        let word = word.to_lowercase().replace('’', "'");
        if phrases::CONDITIONAL.contains(&word.as_str()) {
            return Some("conditional");
        }
        if phrases::DENIAL.contains(&word.as_str()) || word.ends_with("n't") {
            return Some("negated");
        }
    }
    // `오답`, the wrong answer, ends like `정답`, the right one.
    let denied = clause.ends_with('오')
        || phrases::DENIAL_UNSPACED
            .iter()
            .any(|word| clause.contains(word));
    denied.then_some("negated")
}

/// Whether "or", "and" or a comma ties the letter at `at` to one before it.
pub(super) fn is_linked_before(body: &str, at: usize, options: &ChoiceOptions) -> bool {
    let clause = window_before(body, at);
    let sentence = clause
        .rfind(['.', '!', '?', '\n', '。'])
        .map_or(clause, |end| &clause[end + 1..]);
    let trimmed = sentence.trim_end_matches(|c: char| {
        c.is_whitespace() || letter::is_emphasis(c) || matches!(c, '(' | '（' | '[' | '"')
    });
    let linked = trimmed.ends_with([',', '/', '、', '或', '和', '与'])
        || trimmed.split_whitespace().next_back().is_some_and(|word| {
            matches!(word, "or" | "and" | "nor" | "oder" | "und" | "ou" | "et")
        });
    linked && mentions(sentence, options).next().is_some()
}

fn clause_of(before: &str) -> &str {
    const ENDS: [char; 14] = [
        '.', '!', '?', ',', ';', ':', '\n', '。', '！', '？', '，', '；', '：', '、',
    ];
    match before.char_indices().rev().find(|(_, c)| ENDS.contains(c)) {
        Some((at, c)) => &before[at + c.len_utf8()..],
        None => before,
    }
}

fn is_word(c: char) -> bool {
    (c.is_alphanumeric() && !letter::is_unspaced(c))
        || matches!(c, '\u{300}'..='\u{36f}')
        || ('\u{ff21}'..='\u{ff5a}').contains(&c)
}

/// The length of the word at the beginning of `text`; an apostrophe between
/// letters belongs to it.
fn word_len(text: &str) -> usize {
    let mut length = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inner =
            matches!(c, '\'' | '’') && length > 0 && chars.peek().is_some_and(|&c| is_word(c));
        if !is_word(c) && !inner {
            break;
        }
        length += c.len_utf8();
    }
    length
}
