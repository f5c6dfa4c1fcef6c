//! Normalised string match and token F1: an answer and its golds in, a verdict
//! out.
//!
//! *Accepts*: an answer that equals one of the golds after normalisation
//! ([`Metric::Em`]), that has the same tokens as one of them, in any order
//! ([`Metric::F1`]), or that has all tokens of one of them in a row
//! ([`Metric::SubEm`]).
//!
//! *Rejects*: a gold inside a longer answer (but for `sub_em` a substring never
//! matches), a gold inside a longer word, an empty answer, whatever the golds are.
//!
//! *Known gaps*: [`Normalize::Squad`] deletes the 32 characters of ASCII
//! punctuation without leaving a space, as its source does, so signs, points,
//! bars and units go and what stood around them joins: `-5` equals `5`, `3.14`
//! equals `314`, `1/2` equals `12`, `2^3` equals `23`, `10%` equals `10`, `$5`
//! equals `5`, `C++` and `C#` equal `C`, `x_1` equals `x1`, `well-known` equals
//! `wellknown` (not `well known`). Case goes: `US` equals `us`. The articles go
//! wherever they stand alone: `The Who` equals `who`, `vitamin A` equals
//! `vitamin`; a gold that is nothing but articles (`A`, `The The`) is an error.
//! NFKC makes `①` equal `1` and `½` equal `1⁄2` (whose bar is no ASCII and
//! stays); other punctuation (`–`, `’`, `€`, `°`), accents and the minus sign
//! `−` stay and count. Judge numbers, formulas and letters of options with
//! `math` and `choice`, names of programs with [`Normalize::Whitespace`]. F1
//! does not see word order, and pays in part for an answer that lists many
//! words. Articles are English.
//!
//! *How it can be gamed*: `sub_em` pays for a list of everything that could be
//! right, and for "not Paris"; bound it by [`ExactOptions::max_words`], or take
//! `em`. `f1` pays in part for a list; [`ExactOptions::floor`] pays for anything.
//!
//! *Source*: the SQuAD v1.1 evaluation script (Rajpurkar et al. 2016,
//! arXiv:1606.05250): lower case, without the characters of Python's
//! `string.punctuation`, without the words `a`, `an`, `the`, white space joined;
//! F1 over the multisets of tokens; the best gold counts. Two deviations: the
//! text is first brought to NFKC (full-width digits, ligatures), superscripts
//! and subscripts apart, because `10⁵` is not `105`; and an empty gold is an
//! error where the script would let it match an empty answer. Search-R1
//! (arXiv:2503.09516) rewards `em` by the same normalisation, and has a "sub EM",
//! which takes a gold inside a word too (`10` in `2010`); ours does not. ReSearch
//! (arXiv:2503.19470) rewards F1, and 0.1 where it is 0 but the format is right;
//! `floor` is that, as the least credit, so that a little overlap is never worse
//! than none.
//!
//! Reason codes: `exact_match`, `token_match`, `contained` (correct); `mismatch`,
//! `partial_overlap`, `too_many_words` (wrong); `empty_answer` (no answer).

use std::collections::HashMap;

use memchr::memmem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{OptionError, finite};
use crate::verdict::{ReferenceError, Verdict};

/// How an answer is compared with its golds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct ExactOptions {
    /// What is measured. Default `em`.
    pub metric: Metric,
    /// What is made equal before the comparison. Default `squad`.
    pub normalize: Normalize,
    /// With `f1`: the least credit of an answer that is not empty, from 0 to
    /// below 1. Default 0; ReSearch has 0.1.
    #[schemars(range(min = 0, max = 1))]
    pub floor: f64,
    /// With `sub_em`: words that an answer may have after normalisation; a
    /// longer one is wrong. Default: any number.
    #[schemars(range(min = 1))]
    pub max_words: Option<u64>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Exact match: 1 or 0.
    #[default]
    Em,
    /// Token F1: the credit is a number in [0, 1]; only 1 is correct.
    F1,
    /// A gold's words stand in the answer in a row: 1 or 0. Pays for lists; see
    /// `max_words`.
    SubEm,
}

impl ExactOptions {
    /// # Errors
    /// `floor` is not in `[0, 1)`, or an option is given that the metric does not
    /// look at.
    pub fn check(&self) -> Result<(), OptionError> {
        finite("floor", self.floor)?;
        if !(0.0..1.0).contains(&self.floor) {
            let problem = format!(
                "is {}; give a number from 0 to below 1, for example 0.1",
                self.floor
            );
            return Err(OptionError::new("floor", problem));
        }
        if self.floor > 0.0 && self.metric != Metric::F1 {
            let problem = "is the least F1; it needs `metric = \"f1\"`";
            return Err(OptionError::new("floor", problem));
        }
        match self.max_words {
            Some(_) if self.metric != Metric::SubEm => {
                let problem = "bounds an answer that holds a gold; it needs `metric = \"sub_em\"`";
                Err(OptionError::new("max_words", problem))
            }
            Some(0) => Err(OptionError::new("max_words", "is 0; give at least 1")),
            _ => Ok(()),
        }
    }
}

/// What is made equal before the comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Normalize {
    /// Case, ASCII punctuation, English articles, white space and
    /// compatibility forms (NFKC) do not count.
    #[default]
    Squad,
    /// Only the amount of white space, and white space at the ends, does not count.
    Whitespace,
    /// Every character counts.
    None,
}

/// Characters of the normalised answer that the evidence keeps.
const SHOWN_CHARS: usize = 256;

/// Judges `answer` by the best of `golds`.
///
/// The credit is 1 for a match; with [`Metric::F1`], `2 * same / (tokens of the
/// answer + tokens of the gold)` for the best gold otherwise, and at least
/// [`ExactOptions::floor`]. Evidence:
/// `answer` (normalised, at most 256 characters), `reference` (the gold that
/// counted), `f1`, `span` (the answer without white space at its ends).
///
/// ```
/// use goldstone::text::exact::{ExactOptions, Metric, verify};
/// use goldstone::verdict::Outcome;
///
/// let golds = ["Eiffel Tower", "La tour Eiffel"];
/// let em = ExactOptions::default();
/// assert_eq!(verify(&golds, "the Eiffel Tower.", &em)?.outcome, Outcome::Correct);
///
/// let longer = verify(&golds, "the Eiffel Tower in Paris", &em)?;
/// assert_eq!((longer.outcome, longer.reason), (Outcome::Wrong, Some("mismatch")));
///
/// let f1 = ExactOptions { metric: Metric::F1, ..em };
/// let part = verify(&golds, "the Eiffel Tower in Paris", &f1)?;
/// assert_eq!((part.reason, part.credit), (Some("partial_overlap"), 2.0 * 2.0 / 6.0));
///
/// assert!(verify(&["the"], "the", &f1).is_err());
/// # Ok::<(), goldstone::verdict::ReferenceError>(())
/// ```
///
/// # Errors
/// [`ReferenceError`] when there is no gold, or when one of them is empty or
/// has nothing left after normalisation.
pub fn verify(
    golds: &[&str],
    answer: &str,
    options: &ExactOptions,
) -> Result<Verdict, ReferenceError> {
    if golds.is_empty() {
        return Err(ReferenceError::new(
            "",
            "is an empty list; give at least one gold answer",
        ));
    }
    let mut normal_golds = Vec::with_capacity(golds.len());
    for gold in golds {
        let normal = normalize(gold, options.normalize);
        if tokens(&normal).next().is_none() {
            return Err(ReferenceError::new(
                gold,
                empty_gold(gold, options.normalize),
            ));
        }
        normal_golds.push(normal);
    }
    let normal = normalize(answer, options.normalize);
    let verdict = if tokens(&normal).next().is_none() {
        Verdict::no_answer("empty_answer")
    } else {
        match options.metric {
            Metric::Em => exact_match(golds, &normal_golds, &normal),
            Metric::F1 => with_floor(token_f1(golds, &normal_golds, &normal), options.floor),
            Metric::SubEm => sub_em(golds, &normal_golds, &normal, options.max_words),
        }
        .with("answer", shortened(&normal))
    };
    let start = answer.len() - answer.trim_start().len();
    let end = start + answer.trim().len();
    Ok(verdict.with_span(start..end))
}

fn exact_match(golds: &[&str], normal_golds: &[String], answer: &str) -> Verdict {
    match normal_golds.iter().position(|gold| gold == answer) {
        Some(index) => Verdict::correct("exact_match").with("reference", golds[index]),
        None => Verdict::wrong("mismatch"),
    }
}

fn token_f1(golds: &[&str], normal_golds: &[String], answer: &str) -> Verdict {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut answer_tokens = 0;
    for token in tokens(answer) {
        *counts.entry(token).or_default() += 1;
        answer_tokens += 1;
    }
    let mut best = (0.0, 0);
    for (index, gold) in normal_golds.iter().enumerate() {
        let mut gold_counts: HashMap<&str, usize> = HashMap::new();
        let mut gold_tokens = 0;
        for token in tokens(gold) {
            *gold_counts.entry(token).or_default() += 1;
            gold_tokens += 1;
        }
        let same: usize = gold_counts
            .iter()
            .map(|(token, &count)| count.min(counts.get(token).copied().unwrap_or(0)))
            .sum();
        // Equal to 2pr/(p + r), with one rounding instead of four; it is 1
        // exactly when the multisets are equal.
        let f1 = (2 * same) as f64 / (answer_tokens + gold_tokens) as f64;
        if f1 > best.0 {
            best = (f1, index);
        }
    }
    let (f1, index) = best;
    let mut verdict = match f1 {
        1.0 => Verdict::correct("token_match"),
        0.0 => return Verdict::wrong("mismatch").with("f1", 0.0),
        _ => Verdict::wrong("partial_overlap"),
    };
    verdict.credit = f1;
    verdict.with("reference", golds[index]).with("f1", f1)
}

fn with_floor(mut verdict: Verdict, floor: f64) -> Verdict {
    verdict.credit = verdict.credit.max(floor);
    verdict
}

fn sub_em(golds: &[&str], normal_golds: &[String], answer: &str, most: Option<u64>) -> Verdict {
    let words = tokens(answer).count();
    if most.is_some_and(|most| words as u64 > most) {
        return Verdict::wrong("too_many_words").with("words", words);
    }
    // A space at every end of a word: a gold meets whole words alone.
    let spaced = |text| format!(" {} ", join(tokens(text)));
    let answer = spaced(answer);
    match normal_golds
        .iter()
        .position(|gold| memmem::find(answer.as_bytes(), spaced(gold).as_bytes()).is_some())
    {
        Some(index) => Verdict::correct("contained").with("reference", golds[index]),
        None => Verdict::wrong("mismatch"),
    }
}

fn normalize(text: &str, how: Normalize) -> String {
    match how {
        Normalize::None => text.to_owned(),
        Normalize::Whitespace => join(tokens(text)),
        Normalize::Squad => {
            let mut plain = nfkc(text).to_lowercase();
            plain.retain(|c| !c.is_ascii_punctuation());
            join(tokens(&without_articles(&plain)))
        }
    }
}

/// NFKC, except that superscripts and subscripts stay: they change a value.
fn nfkc(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for part in text.split_inclusive(is_script) {
        let scripted = part.chars().next_back().filter(|&c| is_script(c));
        let plain = &part[..part.len() - scripted.map_or(0, char::len_utf8)];
        normal.extend(plain.nfkc());
        normal.extend(scripted);
    }
    normal
}

fn is_script(c: char) -> bool {
    matches!(c, '²' | '³' | '¹' | '\u{2070}'..='\u{209c}')
}

/// Replaces the words `a`, `an` and `the` by a space, as Python's
/// `re.sub(r"\b(a|an|the)\b", " ", text)` does.
fn without_articles(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word_char) {
        kept.push_str(&rest[..start]);
        let word_and_rest = &rest[start..];
        let end = word_and_rest
            .find(|c| !is_word_char(c))
            .unwrap_or(word_and_rest.len());
        let (word, after) = word_and_rest.split_at(end);
        kept.push_str(if matches!(word, "a" | "an" | "the") {
            " "
        } else {
            word
        });
        rest = after;
    }
    kept.push_str(rest);
    kept
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Python's `str.split()`: four separators more than Rust's white space.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}'))
        .filter(|token| !token.is_empty())
}

fn join<'t>(tokens: impl Iterator<Item = &'t str>) -> String {
    let mut joined = String::new();
    for token in tokens {
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(token);
    }
    joined
}

fn shortened(text: &str) -> String {
    let mut kept: String = text.chars().take(SHOWN_CHARS).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

fn empty_gold(gold: &str, how: Normalize) -> &'static str {
    match how {
        _ if gold.trim().is_empty() => "is empty; give the text of the answer",
        Normalize::Squad => {
            "has only punctuation or articles, which `normalize = \"squad\"` removes; \
             use `normalize = \"whitespace\"`"
        }
        Normalize::Whitespace | Normalize::None => {
            "has no visible character; give the text of the answer"
        }
    }
}
