//! One reward on one rollout: section and reference in, verdict out.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

#[cfg(feature = "sandbox")]
use super::code;
use super::instructions;
#[cfg(feature = "remote")]
use super::remote::Remote;
use super::structured;
#[cfg(feature = "sandbox")]
use crate::code::References;
use crate::format::{Completion, FormatOptions, Template};
use crate::math::gsm8k::{self, GsmPair};
use crate::math::{self, Gold, MathOptions, Scope};
use crate::reward::RowError;
use crate::reward::spec::{FormatReward, FormatScore, Kind, Reward, Section};
use crate::rollout::{FieldMap, Reference, Rollout};
#[cfg(feature = "sandbox")]
use crate::sandbox::Runner;
use crate::text::{choice, exact};
use crate::verdict::{Detail, Outcome, ReferenceError, Verdict};

/// What all rewards of one rollout share.
pub(super) struct Subject<'r> {
    pub(super) rollout: &'r Rollout,
    /// The completion's text, in which all spans are.
    pub(super) text: &'r str,
    pub(super) completion: &'r Completion,
    /// Where the record has its fields, for messages.
    pub(super) fields: &'r FieldMap,
    /// All rewards of the spec.
    #[cfg(feature = "sandbox")]
    pub(super) rewards: &'r [Reward],
    /// The fuel of reference solutions.
    #[cfg(feature = "sandbox")]
    pub(super) references: &'r References,
    /// What runs programs, if there is anything that does.
    #[cfg(feature = "sandbox")]
    pub(super) sandbox: Option<&'r dyn Runner>,
    /// What puts questions to judges and reward models, if there is anything that does.
    #[cfg(feature = "remote")]
    pub(super) remote: Option<&'r dyn Remote>,
    /// What the format calls the answer.
    pub(super) answer: AnswerForm,
}

/// What a format calls the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerForm {
    /// A section between markers.
    Section,
    /// The inside of a box.
    Boxed,
    /// The whole text: there is no format.
    Whole,
}

impl AnswerForm {
    pub(super) fn of(format: &FormatOptions) -> Self {
        match (&format.grammar, format.template) {
            (None, None | Some(Template::Text)) => Self::Whole,
            (None, Some(Template::ThinkBoxed)) => Self::Boxed,
            _ => Self::Section,
        }
    }
}

/// Compiled references of one math reward. A group shares its reference, so
/// most look-ups hit; the cache never changes a verdict.
#[derive(Debug, Default)]
pub(super) struct GoldCache(RwLock<HashMap<String, Arc<Result<Gold, ReferenceError>>>>);

/// Golds kept before the cache starts over. The rollouts of a group come
/// together, so a few are enough, and one gold may have thousands of nodes.
const GOLDS_KEPT: usize = 4096;

impl GoldCache {
    fn compile(&self, reference: &str, options: &MathOptions) -> Arc<Result<Gold, ReferenceError>> {
        // A panic elsewhere cannot leave a half-written entry behind.
        if let Some(gold) = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(reference)
        {
            return Arc::clone(gold);
        }
        let gold = Arc::new(Gold::compile(reference, options));
        let mut golds = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if golds.len() >= GOLDS_KEPT {
            golds.clear();
        }
        golds.insert(reference.to_owned(), Arc::clone(&gold));
        gold
    }
}

/// Judges `subject` by one reward.
pub(super) fn judge(
    reward: &Reward,
    golds: &GoldCache,
    subject: &Subject<'_>,
) -> Result<Verdict, RowError> {
    if let Kind::Format(options) = &reward.kind {
        return Ok(format(options, subject.completion));
    }
    match &reward.kind {
        Kind::Countdown(options) => return structured::countdown(reward, options, subject),
        Kind::Json(options) => return structured::json(reward, options, subject),
        Kind::Instructions(options) => return instructions::judge(reward, options, subject),
        #[cfg(feature = "sandbox")]
        Kind::Code(options) => return code::judge(reward, options, subject),
        _ => {}
    }
    let references = references(reward, subject)?;
    let judged = judged_section(reward, subject);
    let Some((text, offset)) = judged.and_then(|judged| section(judged, subject)) else {
        return Ok(no_section(subject));
    };
    let scope = match judged.unwrap_or_default() {
        Section::Answer | Section::Think => Scope::Answer,
        Section::Response | Section::Text => Scope::Response,
    };
    let verdict = match &reward.kind {
        Kind::Exact(options) => exact::verify(&references, &text, options),
        Kind::Choice(options) => any(&references, |reference| {
            choice::verify(reference, &text, options)
        }),
        Kind::Gsm8k(options) => any(&references, |reference| {
            gsm8k::verify(
                GsmPair {
                    reference,
                    completion: &text,
                },
                options,
            )
        }),
        Kind::Math(options) => any(&references, |reference| {
            match golds.compile(reference, options).as_ref() {
                Ok(gold) => Ok(math::verify(gold, &text, scope, options)),
                Err(error) => Err(error.clone()),
            }
        }),
        Kind::Format(_)
        | Kind::Measure(_)
        | Kind::Countdown(_)
        | Kind::Instructions(_)
        | Kind::Json(_) => {
            unreachable!("handled before")
        }
        #[cfg(feature = "sandbox")]
        Kind::Code(_) => unreachable!("handled above"),
    };
    match verdict {
        Ok(verdict) => Ok(shift(verdict, offset)),
        Err(error) => Err(RowError {
            term: Some(reward.name.to_string()),
            ..RowError::data(error.to_string()).at(subject.fields.reference.to_string())
        }),
    }
}

fn format(options: &FormatReward, completion: &Completion) -> Verdict {
    let Some(violation) = &completion.violation else {
        return Verdict::correct(None);
    };
    let mut verdict = Verdict::wrong(violation.code).with("at", violation.at);
    if options.score == FormatScore::Graded {
        verdict.credit = completion.tag_score();
    }
    if completion.lookalikes > 0 {
        verdict.detail.insert("lookalikes", completion.lookalikes);
    }
    verdict
}

/// The verdict on a completion that lacks the section to be judged.
pub(super) fn no_section(subject: &Subject<'_>) -> Verdict {
    let violation = subject.completion.violation.as_ref();
    // In a format without rules only an open thinking leaves nothing.
    Verdict::no_answer(violation.map_or("unfinished_thinking", |violation| violation.code))
}

/// The section that is read for the reward's own; `None` where the completion
/// has no such section.
pub(super) fn judged_section(reward: &Reward, subject: &Subject<'_>) -> Option<Section> {
    let wanted = reward.payout.section;
    if wanted != Section::Answer {
        return Some(wanted);
    }
    match (subject.answer, &reward.kind) {
        // The box is found again, by a verifier that reads what stands round
        // it: `-\boxed{5}` and `not \boxed{5}` are no 5.
        (AnswerForm::Boxed, Kind::Math(_) | Kind::Choice(_)) => subject
            .completion
            .answer
            .as_ref()
            .map(|_| Section::Response),
        // The thinking is no part of the answer, template or not.
        (AnswerForm::Whole, _) => Some(Section::Response),
        (AnswerForm::Boxed | AnswerForm::Section, _) => Some(Section::Answer),
    }
}

/// The section's text, and where it begins in the completion if it is one
/// piece of it.
pub(super) fn section<'r>(
    section: Section,
    subject: &Subject<'r>,
) -> Option<(Cow<'r, str>, Option<usize>)> {
    let text = subject.text;
    let found = match section {
        Section::Text => return Some((Cow::Borrowed(text), Some(0))),
        Section::Response => {
            let range = subject.completion.response.clone()?;
            return Some((Cow::Borrowed(&text[range.clone()]), Some(range.start)));
        }
        Section::Answer => subject.completion.answer.as_ref()?,
        Section::Think => subject.completion.think.as_ref()?,
    };
    match found.spans() {
        [span] => Some((Cow::Borrowed(&text[span.clone()]), Some(span.start))),
        _ => Some((Cow::Owned(found.text(text).into_owned()), None)),
    }
}

/// The golds of the rollout, of which any may be met.
fn references<'r>(reward: &Reward, subject: &Subject<'r>) -> Result<Vec<&'r str>, RowError> {
    let problem = match &subject.rollout.reference {
        Some(Reference::One(text)) => return Ok(vec![text]),
        Some(Reference::AnyOf(texts)) if !texts.is_empty() => {
            return Ok(texts.iter().map(String::as_str).collect());
        }
        Some(Reference::AnyOf(_)) => "is an empty list",
        Some(Reference::Json(_)) => "is not a string, a number, or a list of them",
        None => "is missing",
    };
    let field = subject.fields.reference.to_string();
    let message = format!(
        "field `{field}` {problem}; reward `{}` needs it",
        reward.name
    );
    Err(RowError {
        term: Some(reward.name.to_string()),
        ..RowError::data(message).at(field)
    })
}

/// The best verdict over several golds: one match is enough, and a gold that
/// cannot be decided keeps a mismatch with the others from counting as wrong.
fn any(
    references: &[&str],
    verify: impl Fn(&str) -> Result<Verdict, ReferenceError>,
) -> Result<Verdict, ReferenceError> {
    let mut best: Option<Verdict> = None;
    for reference in references {
        let verdict = verify(reference)?;
        let rank = |verdict: &Verdict| match verdict.outcome {
            Outcome::Correct => 3,
            Outcome::Unknown => 2,
            Outcome::Wrong => 1,
            Outcome::NoAnswer => 0,
        };
        if best.as_ref().is_none_or(|best| rank(best) < rank(&verdict)) {
            best = Some(verdict);
        }
    }
    Ok(best.unwrap_or_else(|| Verdict::unknown("no_reference")))
}

/// Moves the verdict's span from the section to the completion.
pub(super) fn shift(mut verdict: Verdict, offset: Option<usize>) -> Verdict {
    let ends = verdict
        .detail
        .value("span")
        .and_then(|span| Some((span.get(0)?.as_u64()?, span.get(1)?.as_u64()?)));
    match (ends, offset) {
        (Some((start, end)), Some(offset)) => {
            let offset = offset as u64;
            verdict
                .detail
                .insert("span", vec![start + offset, end + offset]);
        }
        // Text joined from several pieces has no single place.
        (Some(_), None) => verdict.detail = without_span(&verdict.detail),
        (None, _) => {}
    }
    verdict
}

fn without_span(detail: &Detail) -> Detail {
    let mut kept = Detail::default();
    for (name, value) in detail.iter().filter(|(name, _)| *name != "span") {
        kept.insert(name, value.clone());
    }
    kept
}
