//! Measures of one rollout or of a group: facts and sections in, numbers out.

#[cfg(feature = "sandbox")]
use super::efficiency;
use super::judge::{Subject, judged_section, section};
use super::language;
#[cfg(feature = "remote")]
use super::remote;
use super::score::{RowError, Term};
#[cfg(feature = "sandbox")]
use super::spec::Against;
use super::spec::{MeasureKind, Reward};
use crate::rollout::{Pointer, Rollout};
use crate::text::{LengthUnit, cosine, group_length, overlong, repetition, steps, stop, tags};
use crate::verdict::{Measure, Outcome};

/// Measures `subject` by one reward; `None` where that takes the whole group.
pub(super) fn measure(
    reward: &Reward,
    kind: &MeasureKind,
    subject: &Subject<'_>,
    terms: &[Option<Term>],
) -> Result<Option<Measure>, RowError> {
    let rollout = subject.rollout;
    let tokens = || needed(reward, rollout.n_tokens, &subject.fields.n_tokens);
    let measure = match kind {
        #[cfg(feature = "sandbox")]
        MeasureKind::Efficiency(options) => match options.against {
            Against::Reference => {
                let term = reward.of.and_then(|of| terms[of].as_ref());
                efficiency::by_reference(reward, subject, term)?
            }
            Against::Group => {
                return Ok(None);
            }
        },
        MeasureKind::Language(options) => language::judge(reward, options, subject)?,
        MeasureKind::Cosine(options) => {
            let length = match options.unit {
                LengthUnit::Tokens => tokens()?,
                LengthUnit::Characters => subject.text.chars().count() as u64,
            };
            let outcome = outcome(reward.of.and_then(|of| terms[of].as_ref()));
            cosine::measure(outcome.unwrap_or(Outcome::Unknown), Some(length), options)
        }
        MeasureKind::Repetition(options) => {
            of_text(reward, subject, |text| repetition::measure(text, options))
        }
        MeasureKind::Steps(options) => {
            of_text(reward, subject, |text| steps::measure(text, options))
        }
        MeasureKind::Tags(options) => of_text(reward, subject, |text| tags::measure(text, options)),
        MeasureKind::Overlong(options) => overlong::measure(Some(tokens()?), options),
        #[cfg(feature = "remote")]
        MeasureKind::Remote(options) => remote::measure(reward, options, subject)?,
        MeasureKind::Stop(options) => {
            let reason = rollout.finish_reason.as_deref();
            let reason = needed(reward, reason, &subject.fields.finish_reason)?;
            stop::measure(Some(reason), options)
        }
        MeasureKind::GroupLength(options) => {
            if options.unit == LengthUnit::Tokens {
                tokens()?;
            }
            return Ok(None);
        }
    };
    Ok(Some(measure))
}

/// Measures the section that the reward is for. A completion without it gets the
/// least that the measure may come to: to lack a section is never better than to
/// have a bad one.
fn of_text(reward: &Reward, subject: &Subject<'_>, measure: impl Fn(&str) -> Measure) -> Measure {
    match judged_section(reward, subject).and_then(|judged| section(judged, subject)) {
        Some((text, _)) => measure(&text),
        None => {
            let violation = subject.completion.violation.as_ref();
            let reason = violation.map_or("unfinished_thinking", |violation| violation.code);
            Measure::of(reward.payout.wrong).because(reason)
        }
    }
}

/// Length of a completion in either unit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Length {
    pub(super) tokens: Option<u64>,
    pub(super) characters: u64,
}

impl Length {
    pub(super) fn of(rollout: &Rollout, text: &str) -> Self {
        Self {
            tokens: rollout.n_tokens,
            characters: text.chars().count() as u64,
        }
    }

    fn in_unit(self, unit: LengthUnit) -> Option<u64> {
        match unit {
            LengthUnit::Tokens => self.tokens,
            LengthUnit::Characters => Some(self.characters),
        }
    }
}

/// A rollout of a group, as a measure that compares sees it.
pub(super) struct Member<'m> {
    pub(super) length: Length,
    /// The reward that the measure looks at.
    pub(super) of: Option<&'m Term>,
}

/// Measures the rollouts of one group against each other; one measure each, in
/// their order.
pub(super) fn settle(kind: &MeasureKind, members: &[Member<'_>]) -> Vec<Measure> {
    match kind {
        MeasureKind::GroupLength(options) => {
            let members: Vec<group_length::Member> = members
                .iter()
                .map(|member| group_length::Member {
                    length: member.length.in_unit(options.unit),
                    outcome: outcome(member.of),
                })
                .collect();
            group_length::measure(&members)
        }
        #[cfg(feature = "sandbox")]
        MeasureKind::Efficiency(_) => efficiency::by_group(members),
        _ => unreachable!("measured without the group"),
    }
}

/// The verdict of a term; behind a closed gate there is none, and the rollout
/// counts as wrong.
fn outcome(term: Option<&Term>) -> Option<Outcome> {
    let term = term?;
    match (term.outcome, term.raw) {
        (None, Some(_)) => Some(Outcome::Wrong),
        (outcome, _) => outcome,
    }
}

/// A fact of the record that the reward cannot do without.
pub(super) fn needed<T>(reward: &Reward, fact: Option<T>, field: &Pointer) -> Result<T, RowError> {
    fact.ok_or_else(|| {
        let message = format!(
            "field `{field}` is missing; reward `{}` needs it",
            reward.name
        );
        RowError {
            term: Some(reward.name.to_string()),
            ..RowError::data(message).at(field.to_string())
        }
    })
}
