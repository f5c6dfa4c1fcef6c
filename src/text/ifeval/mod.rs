//! The 25 verifiable instructions of IFEval: instructions and a response in, a
//! verdict out.
//!
//! *Accepts*: a response that follows every instruction, as the reference
//! implementation decides it; with [`Mode::Loose`], one of which a variant does
//! (without its first line, its last line, its asterisks).
//!
//! *Rejects*: an empty response, whatever is asked; every instruction that one
//! condition fails.
//!
//! *Known gaps*: these are counts and searches, not understanding; what each
//! takes for followed stands in `docs/ifeval.md`, with how it can be gamed.
//! Languages are told by the caller's detector, sentences by the rules of Punkt
//! without its learnt data, so that both may differ from the reference
//! implementation.
//!
//! *Source*: Zhou et al. 2023, "Instruction-Following Evaluation for Large
//! Language Models" (arXiv:2311.07911), section 2 and its published code, in the
//! form that lm-evaluation-harness 0.4.13 runs with nltk 3.10.4 on Python 3.11.
//! Deviations: where that code draws a missing argument at random, and where an
//! argument is met by every response, the reference is an error.
//!
//! Reason codes: `all_followed` (correct); `some_followed`, `none_followed`
//! (wrong); `empty_response` (no answer); `language_unknown` (unknown).

mod instruction;

mod case;
mod combination;
mod content;
mod keywords;
mod language;
mod layout;
mod length;
mod startend;

mod json;
mod kwargs;
mod pattern;
mod python;
mod sentences;
mod tokens;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::verdict::Verdict;
use instruction::Instruction;
pub use instruction::Instructions;
pub use language::{Asked, Detect, Detected, Letterless};

/// How responses are judged.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct IfevalOptions {
    /// Which forms of the response count. Default `strict`.
    pub mode: Mode,
    /// What a response earns that follows some of its instructions. Default `all`.
    pub credit: Credit,
    /// What a response without any letters is where a language is asked for.
    /// Default `followed`, as in the reference implementation.
    pub letterless: Letterless,
}

/// Which forms of the response count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The response as it is.
    #[default]
    Strict,
    /// An instruction is followed if one of eight forms follows it: the response
    /// as it is, without its first line, without its last, without both; each
    /// with and without its asterisks.
    Loose,
}

/// What a response earns that follows some of its instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Credit {
    /// Nothing.
    #[default]
    All,
    /// The share of instructions that it follows.
    Fraction,
}

/// Judges `response` by all `instructions`.
///
/// `detect` tells the language of a text; it is only asked by
/// `language:response_language` and the two `change_case:english_…`. If it
/// cannot tell and everything else is followed (with [`Credit::Fraction`]:
/// whatever else is), the verdict is `Unknown`. Evidence: `followed` (how many),
/// `instructions` (each with `id` and `followed`: `true`, `false`, or `null`
/// where it could not be told).
///
/// ```
/// use goldstone::text::ifeval::{Asked, Credit, Detected, IfevalOptions, Instructions, verify};
/// use goldstone::verdict::Outcome;
/// use serde_json::json;
///
/// let instructions = Instructions::parse(
///     &json!(["punctuation:no_comma", "startend:end_checker"]),
///     &json!([{}, {"end_phrase": "The end."}]),
/// )?;
/// let english = |_: Asked<'_>| Detected::Language("en".to_owned());
/// let options = IfevalOptions { credit: Credit::Fraction, ..IfevalOptions::default() };
///
/// let verdict = verify(&instructions, "It rained. The end.", &english, &options);
/// assert_eq!((verdict.outcome, verdict.credit), (Outcome::Correct, 1.0));
///
/// let verdict = verify(&instructions, "It rained, and that was the end", &english, &options);
/// assert_eq!((verdict.outcome, verdict.credit), (Outcome::Wrong, 0.0));
///
/// let verdict = verify(&instructions, "It rained, alas. The end.", &english, &options);
/// assert_eq!((verdict.reason, verdict.credit), (Some("some_followed"), 0.5));
/// # Ok::<(), goldstone::verdict::ReferenceError>(())
/// ```
#[must_use]
pub fn verify(
    instructions: &Instructions,
    response: &str,
    detect: &Detect,
    options: &IfevalOptions,
) -> Verdict {
    if python::strip(response).is_empty() {
        return Verdict::no_answer("empty_response").with("followed", 0);
    }
    let forms = match options.mode {
        Mode::Strict => vec![Cow::Borrowed(response)],
        Mode::Loose => loose_forms(response),
    };
    let results: Vec<(&Instruction, Option<bool>)> = instructions
        .iter()
        .map(|instruction| {
            let result = followed_by_one(instruction, &forms, detect, options);
            (instruction, result)
        })
        .collect();
    let count = |wanted| {
        results
            .iter()
            .filter(|(_, result)| *result == wanted)
            .count()
    };
    let (followed, broken, untold) = (count(Some(true)), count(Some(false)), count(None));
    let mut verdict = if untold > 0 && (broken == 0 || options.credit == Credit::Fraction) {
        Verdict::unknown("language_unknown")
    } else if broken == 0 {
        Verdict::correct("all_followed")
    } else if followed == 0 {
        Verdict::wrong("none_followed")
    } else {
        Verdict::wrong("some_followed")
    };
    if options.credit == Credit::Fraction && untold == 0 {
        verdict.credit = followed as f64 / results.len() as f64;
    }
    let each: Vec<_> = results
        .iter()
        .map(|(instruction, result)| json!({ "id": instruction.id, "followed": result }))
        .collect();
    verdict
        .with("followed", followed)
        .with("instructions", each)
}

/// Whether one of the forms follows the instruction; `None` where none does but
/// one might.
fn followed_by_one(
    instruction: &Instruction,
    forms: &[Cow<str>],
    detect: &Detect,
    options: &IfevalOptions,
) -> Option<bool> {
    let mut result = Some(false);
    for form in forms {
        match instruction.followed_by(form, detect, options) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => result = None,
        }
    }
    result
}

/// The eight forms of [`Mode::Loose`], without those that are blank or the same
/// as another.
fn loose_forms(response: &str) -> Vec<Cow<'_, str>> {
    let after_first = response.find('\n').map_or(response.len(), |at| at + 1);
    let before_last = response.rfind('\n').unwrap_or(0);
    let without_first = python::strip(&response[after_first..]);
    let without_last = python::strip(&response[..before_last]);
    let without_both = python::strip(response.get(after_first..before_last).unwrap_or(""));
    let plain = |form: &str| Cow::Owned(form.replace('*', ""));
    let mut forms: Vec<Cow<str>> = Vec::new();
    // In the order of the published code, because asking a detector costs.
    for form in [
        Cow::Borrowed(response),
        plain(response),
        Cow::Borrowed(without_first),
        Cow::Borrowed(without_last),
        Cow::Borrowed(without_both),
        plain(without_first),
        plain(without_last),
        plain(without_both),
    ] {
        if !python::strip(&form).is_empty() && !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}
