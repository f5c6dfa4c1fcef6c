//! GSM8K: a reference and a completion in, a verdict out.
//!
//! # Accepts
//! In [`Mode::Strict`], a number equal to the reference on the line after the
//! last `####`, or on the last line that begins with `A:`. In
//! [`Mode::LastNumber`], where neither is there, the last number of the text.
//!
//! # Rejects
//! Any other number; a marker followed by something that is not a number
//! (`A: 10+John's age`), whatever the text says before it; text after the line
//! that states another value (`conflict`) or takes it back.
//!
//! # Known gaps
//! [`Mode::LastNumber`] harvests prose: a completion that ends with a list of
//! guesses is paid for its last one.
//!
//! # Source
//! GSM8K (arXiv:2110.14168), `dataset.py` of openai/grade-school-math for `####`
//! and its model solutions for `A:`. Reasons: those of [`super`], and
//! `not_a_number`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aftermath::{self, Aftermath};
use super::compare::compare;
use super::doubt;
use super::gold::{Answer, interpret};
use super::number::Fault;
use super::options::MathOptions;
use super::restated;
use super::value::Value;
use crate::verdict::{Outcome, ReferenceError, Verdict};

/// How the answer is found.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Gsm8kOptions {
    /// Where the answer may stand.
    pub mode: Mode,
}

/// Where the answer may stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Only after the last `####` or on the last line that begins with `A:`.
    #[default]
    Strict,
    /// As `strict`; where no marker is there, the last number of the text.
    LastNumber,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct GsmPair<'a> {
    /// `18`, or a whole GSM8K solution that ends in `#### 18`.
    pub reference: &'a str,
    /// The model's text.
    pub completion: &'a str,
}

/// Judges a completion by GSM8K's rule.
///
/// # Errors
/// [`ReferenceError`] when the reference holds no number.
///
/// ```
/// use goldstone::math::gsm8k::{Gsm8kOptions, GsmPair, verify};
/// use goldstone::verdict::Outcome;
///
/// let options = Gsm8kOptions::default();
/// let judge = |completion| verify(GsmPair { reference: "9 * 2 = 18\n#### 18", completion }, &options).unwrap();
/// assert_eq!(judge("She makes $18.\n#### $18").outcome, Outcome::Correct);
/// assert_eq!(judge("She makes $18.").outcome, Outcome::NoAnswer);
/// ```
pub fn verify(pair: GsmPair<'_>, options: &Gsm8kOptions) -> Result<Verdict, ReferenceError> {
    let limits = MathOptions::default();
    let reference = pair
        .reference
        .rsplit_once("####")
        .map_or(pair.reference, |(_, answer)| answer)
        .trim();
    let Ok(Answer::Value(gold)) = interpret(reference, &limits) else {
        return Err(ReferenceError::new(
            pair.reference,
            "holds no number after `####`",
        ));
    };
    let text = pair.completion;
    let span = match (marked(text), options.mode) {
        (Some(span), _) => span,
        (None, Mode::Strict) => return Ok(Verdict::no_answer("no_answer_found")),
        (None, Mode::LastNumber) => match last_number(text) {
            Some(span) => span,
            None => return Ok(Verdict::no_answer("no_answer_found")),
        },
    };
    if span.is_empty() {
        return Ok(Verdict::no_answer("empty"));
    }
    let marked = marked(text).is_some();
    if marked && let Some(verdict) = doubted(text, &span, &limits) {
        return Ok(verdict.with_span(span));
    }
    let verdict = match interpret(&text[span.clone()], &limits) {
        Ok(Answer::Value(answer)) => {
            compare(&gold, &answer, &limits).with("answer", answer.canonical())
        }
        Ok(Answer::Opaque(_)) => Verdict::wrong("not_a_number"),
        Err(Fault::Undefined) => Verdict::wrong("undefined"),
        // A number beyond the limits is none within them.
        Err(Fault::Limit | Fault::Unsupported) => match gold {
            Value::Quantity(_) => Verdict::wrong("too_long"),
            Value::Digits(_) => Verdict::unknown("limit"),
        },
    };
    Ok(verdict.with_span(span))
}

/// What the words before the marker and the text after its line make of the
/// answer; nothing where they leave it alone.
fn doubted(text: &str, span: &std::ops::Range<usize>, limits: &MathOptions) -> Option<Verdict> {
    /// More restatements than an honest text has.
    const MOST: usize = 32;
    let before = text[..span.start].rsplit('\n').next().unwrap_or_default();
    let before = before.trim_end().trim_end_matches(['#', '$']);
    if before.contains(char::is_alphabetic)
        && before.trim() != "A:"
        && let Some(reason) = doubt::before(before)
    {
        return Some(Verdict::no_answer(reason));
    }
    let after = &text[span.end..];
    if after.trim().is_empty() {
        return None;
    }
    match aftermath::after(after) {
        Aftermath::Stands => {}
        Aftermath::Open(reason) => return Some(Verdict::unknown(reason)),
        Aftermath::Refused(reason) => return Some(Verdict::no_answer(reason)),
        Aftermath::Rival(_) => return Some(Verdict::wrong("conflict")),
    }
    let boxes = crate::boxed::find_all(after);
    let boxes = boxes.iter().filter_map(crate::boxed::Boxed::inside);
    let mut rivals = boxes.chain(restated::values(after, MOST + 1));
    let own = interpret(&text[span.clone()], limits).ok()?;
    let differs =
        |rival: std::ops::Range<usize>| match (&own, interpret(after[rival].trim(), limits)) {
            (Answer::Value(own), Ok(Answer::Value(rival))) => {
                compare(own, &rival, limits).outcome != Outcome::Correct
            }
            _ => true,
        };
    rivals.any(differs).then(|| Verdict::wrong("conflict"))
}

/// The rest of the line after the last marker, trimmed.
fn marked(text: &str) -> Option<std::ops::Range<usize>> {
    let hash = memchr::memmem::rfind(text.as_bytes(), b"####").map(|at| at + "####".len());
    let line = memchr::memmem::rfind(text.as_bytes(), b"\nA:")
        .map(|at| at + "\nA:".len())
        .or_else(|| text.starts_with("A:").then_some("A:".len()));
    let from = hash.max(line)?;
    let to = text[from..].find('\n').map_or(text.len(), |at| from + at);
    let inside = &text[from..to];
    let start = to - inside.trim_start().len();
    Some(start..start + inside.trim().len())
}

/// The last run of digits with separators and a sign before it.
fn last_number(text: &str) -> Option<std::ops::Range<usize>> {
    let bytes = text.as_bytes();
    let end = bytes.iter().rposition(u8::is_ascii_digit)? + 1;
    let part = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b',');
    let mut start = bytes[..end]
        .iter()
        .rposition(|b| !part(b))
        .map_or(0, |at| at + 1);
    // The text before `end` ends in a digit, so this stops in time.
    while bytes[start] == b',' || (bytes[start] == b'.' && !bytes[start + 1].is_ascii_digit()) {
        start += 1;
    }
    let signed = start > 0
        && bytes[start - 1] == b'-'
        && !bytes[..start - 1]
            .last()
            .is_some_and(u8::is_ascii_alphanumeric);
    // `2024-01-42`, `5-42`, `x42` and `42nd` are no number; a percent sign
    // belongs to one.
    let glued = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'/' | b'^' | b'_');
    if !signed && start > 0 && glued(&bytes[start - 1]) {
        start = bytes[..start]
            .iter()
            .rposition(|b| !(glued(b) || part(b)))
            .map_or(0, |at| at + 1);
    } else {
        start -= usize::from(signed);
    }
    let tail = bytes[end..]
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'%')
        .count();
    Some(start..end + tail)
}
