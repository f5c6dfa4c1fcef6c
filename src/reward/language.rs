//! Language consistency of one rollout: which language is wanted, which text is
//! measured.

use super::judge::{self, Subject, judged_section};
use super::measure::needed;
use super::score::RowError;
use super::spec::{Reward, Section};
use crate::language::{
    Language, LanguageOptions, Parts, Shaping, Target, all_same, detect, measure,
};
use crate::rollout::{Pointer, Text};
use crate::verdict::Measure;

/// The reason where the prompt does not show the language that is wanted.
pub(super) const PROMPT_UNCLEAR: &str = "prompt_language_unclear";

/// Share of a prompt's words from which it has a language.
const CLEAR_SHARE: f64 = 0.6;

/// Measures the reward's section of the completion.
///
/// A completion without that section earns 0, for it is the policy that left it
/// out; the reason is the violation. A row without a usable target is an error.
pub(super) fn judge(
    reward: &Reward,
    options: &LanguageOptions,
    subject: &Subject<'_>,
) -> Result<Measure, RowError> {
    let target = match options.shaping {
        Shaping::AllSame => None,
        _ => match target(reward, options, subject)? {
            Some(target) => Some(target),
            None => return Ok(Measure::abstain(PROMPT_UNCLEAR)),
        },
    };
    let judged = judged_section(reward, subject).and_then(|judged| judge::section(judged, subject));
    let Some((text, offset)) = judged else {
        let violation = subject.completion.violation.as_ref();
        let reason = violation.map_or("unfinished_thinking", |violation| violation.code);
        return Ok(Measure::of(0.0).because(reason));
    };
    let Some(target) = target else {
        let answer = judge::section(Section::Response, subject);
        return Ok(all_same(Parts {
            prompt: &asked(&subject.rollout.prompt),
            think: &text,
            answer: answer.as_ref().map_or("", |(text, _)| text),
        }));
    };
    let mut found = measure(&text, target, options);
    match offset {
        Some(offset) => {
            for span in &mut found.spans {
                span.range = span.range.start + offset..span.range.end + offset;
            }
        }
        // Text joined from several pieces has no single place.
        None => found.spans.clear(),
    }
    Ok(found.into_measure(options.shaping))
}

/// The language that is wanted; `None` where the prompt does not show one.
fn target(
    reward: &Reward,
    options: &LanguageOptions,
    subject: &Subject<'_>,
) -> Result<Option<Language>, RowError> {
    let column = match &options.target {
        Target::Constant(language) => return Ok(Some(*language)),
        Target::Prompt => {
            let found = detect(&asked(&subject.rollout.prompt));
            let clear = found.filter(|(_, share)| *share >= CLEAR_SHARE);
            return Ok(clear.map(|(language, _)| language));
        }
        Target::Column(column) => Pointer::parse(column).expect("a checked spec names a field"),
    };
    let value = subject.rollout.lookup(&column);
    let value = needed(reward, value, &column)?;
    let fault = |message: String| RowError {
        term: Some(reward.name.to_string()),
        ..RowError::data(message).at(column.to_string())
    };
    match value.as_str() {
        Some(text) => match text.parse() {
            Ok(language) => Ok(Some(language)),
            Err(error) => Err(fault(format!("field `{column}`: {error}"))),
        },
        None => Err(fault(format!("field `{column}` is not a string"))),
    }
}

/// What the user asked: a plain prompt, or the user's last message of a chat.
fn asked(prompt: &Text) -> String {
    match prompt {
        Text::Plain(text) => text.clone(),
        Text::Chat(messages) => messages
            .iter()
            .rfind(|message| message.role == "user")
            .map(|message| message.content.clone())
            .unwrap_or_default(),
    }
}
