//! Normalised string match and token F1: an answer and its golds in, a verdict
//! out.
//!
//! *Accepts*: an answer that equals one of the golds after normalisation
//! ([`Metric::Em`]), or that has the same tokens as one of them, in any order
//! ([`Metric::F1`]).
//!
//! *Rejects*: a gold inside a longer answer (a substring never matches), an
//! empty answer, whatever the golds are.
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
//! *Source*: the SQuAD v1.1 evaluation script (Rajpurkar et al. 2016,
//! arXiv:1606.05250): lower case, without the characters of Python's
//! `string.punctuation`, without the words `a`, `an`, `the`, white space joined;
//! F1 over the multisets of tokens; the best gold counts. Two deviations: the
//! text is first brought to NFKC (full-width digits, ligatures), superscripts
//! and subscripts apart, because `10⁵` is not `105`; and an empty gold is an
//! error where the script would let it match an empty answer.
//!
//! Reason codes: `exact_match`, `token_match` (correct); `mismatch`,
//! `partial_overlap` (wrong); `empty_answer` (no answer).

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::verdict::{ReferenceError, Verdict};

/// How an answer is compared with its golds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct ExactOptions {
    /// What is measured. Default `em`.
    pub metric: Metric,
    /// What is made equal before the comparison. Default `squad`.
    pub normalize: Normalize,
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
/// answer + tokens of the gold)` for the best gold otherwise. Evidence:
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
            Metric::F1 => token_f1(golds, &normal_golds, &normal),
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
