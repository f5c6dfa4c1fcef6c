//! Scoring with a compiled spec: one rollout, groups, and with what led to a score.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::Scorer;
use crate::format::{Completion, Input};
use crate::reward::combine::Earned;
use crate::reward::group::{self, Pending};
use crate::reward::judge::{AnswerForm, Subject, judge};
use crate::reward::measure::{Length, measure};
use crate::reward::score::Score;
use crate::reward::spec::{Kind, Rule};
use crate::reward::term::{applies, gate, pay, pay_measure, unjudged};
use crate::rollout::{Rollout, Text};

/// A score with what a person needs to follow it.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The completion as it was judged; all spans are byte ranges in it.
    pub text: String,
    /// Its sections, markers and violation.
    pub completion: Completion,
    /// The score.
    pub score: Score,
    /// Weight of each reward of the spec, by name.
    pub weights: Vec<(Arc<str>, f64)>,
    /// How the terms became the total, in words.
    pub combination: &'static str,
}

impl Scorer {
    /// The text of a rollout that is judged, and its sections; scores nothing.
    #[must_use]
    pub fn parse<'r>(&self, rollout: &'r Rollout) -> (Cow<'r, str>, Completion) {
        let (text, tail) = self.completion_text(rollout);
        let completion = self.compiled.spec.format.parse(&text, tail);
        (text, completion)
    }

    /// Scores one rollout. Never fails: what is wrong is in the score. A reward
    /// that compares the rollouts of a group is `null`, reason `needs_group`.
    #[must_use]
    pub fn score(&self, rollout: &Rollout) -> Score {
        self.alone(self.begin(rollout))
    }

    /// Scores rollouts one after the other, each among all those of its group;
    /// `batch::score_all` does so on many threads, with the same scores.
    #[must_use]
    pub fn score_all(&self, rollouts: &[Rollout]) -> Vec<Score> {
        let begun = rollouts.iter().map(|rollout| self.begin(rollout));
        self.settle_all(begun.collect())
    }

    /// Judges what a rollout decides alone.
    #[must_use]
    pub fn begin(&self, rollout: &Rollout) -> Pending {
        let (text, tail) = self.completion_text(rollout);
        let completion = self.compiled.spec.format.parse(&text, tail);
        self.begin_parsed(rollout, &text, &completion)
    }

    /// Scores the rollouts of one group, all that there are, in their order.
    #[must_use]
    pub fn settle(&self, mut group: Vec<Pending>) -> Vec<Score> {
        group::settle(&self.compiled.spec, &mut group);
        let spec = &self.compiled.spec;
        group.into_iter().map(|judged| judged.score(spec)).collect()
    }

    /// Scores rollouts of any groups, each group whole; the scores are in the
    /// order of the rollouts.
    #[must_use]
    pub fn settle_all(&self, begun: Vec<Pending>) -> Vec<Score> {
        let mut groups: HashMap<String, Vec<(usize, Pending)>> = HashMap::new();
        let count = begun.len();
        for (index, pending) in begun.into_iter().enumerate() {
            let group = groups.entry(pending.group().to_owned()).or_default();
            group.push((index, pending));
        }
        let mut scores: Vec<Option<Score>> = Vec::new();
        scores.resize_with(count, || None);
        for group in groups.into_values() {
            let (places, members): (Vec<usize>, Vec<Pending>) = group.into_iter().unzip();
            for (place, score) in places.into_iter().zip(self.settle(members)) {
                scores[place] = Some(score);
            }
        }
        scores.into_iter().flatten().collect()
    }

    /// Scores one rollout and keeps what led to the score. `rest` is the rest of
    /// its group, for rewards that compare; `None` leaves those open, as
    /// [`Scorer::score`] does.
    #[must_use]
    pub fn explain(&self, rollout: &Rollout, rest: Option<&[Rollout]>) -> Explanation {
        let (text, tail) = self.completion_text(rollout);
        let completion = self.compiled.spec.format.parse(&text, tail);
        let judged = self.begin_parsed(rollout, &text, &completion);
        let score = match rest {
            None => self.alone(judged),
            Some(rest) => {
                let rest = rest.iter().map(|member| self.begin(member));
                let group = std::iter::once(judged).chain(rest).collect();
                self.settle(group).swap_remove(0)
            }
        };
        let rewards = &self.compiled.spec.rewards;
        Explanation {
            weights: rewards
                .iter()
                .map(|reward| (Arc::clone(&reward.name), reward.weight))
                .collect(),
            combination: match self.compiled.spec.combine.rule {
                Rule::Sum => "the sum of all values",
                Rule::Gate { .. } => "the sum of all values, if every gate was earned",
                Rule::Table { .. } => "the first row of the table that holds",
            },
            text: text.into_owned(),
            completion,
            score,
        }
    }

    /// The score of a rollout whose group is not at hand.
    fn alone(&self, mut judged: Pending) -> Score {
        let spec = &self.compiled.spec;
        judged.close_alone(spec, "needs_group");
        judged.score(spec)
    }

    /// The one text that is parsed, and what the prompt says before it.
    /// Thinking that a server moved out of the content goes back between the
    /// template's markers, so that both forms meet the same checks.
    fn completion_text<'r>(&self, rollout: &'r Rollout) -> (Cow<'r, str>, &'r str) {
        let tail = rollout.prompt.tail();
        let messages = match &rollout.completion {
            Text::Plain(text) => return (Cow::Borrowed(text), tail),
            Text::Chat(messages) => messages,
        };
        let Some(message) = Text::answer_message(messages) else {
            return (Cow::Borrowed(""), tail);
        };
        let reasoning = match (
            self.compiled.spec.format.options().input,
            &message.reasoning,
        ) {
            (Input::Text, _) | (Input::Auto, None) => {
                return (Cow::Borrowed(&message.content), tail);
            }
            (Input::Auto | Input::Structured, reasoning) => reasoning.as_deref().unwrap_or(""),
        };
        // The rendered text has its own opening marker, whatever the prompt ends with.
        (
            Cow::Owned(
                self.compiled
                    .spec
                    .format
                    .render(reasoning, &message.content),
            ),
            "",
        )
    }

    fn begin_parsed(&self, rollout: &Rollout, text: &str, completion: &Completion) -> Pending {
        let spec = &self.compiled.spec;
        let subject = Subject {
            rollout,
            text,
            completion,
            fields: &spec.fields,
            #[cfg(feature = "sandbox")]
            rewards: &spec.rewards,
            #[cfg(feature = "sandbox")]
            references: &self.compiled.references,
            #[cfg(feature = "sandbox")]
            sandbox: self.sandbox.as_ref().map(|sandbox| &*sandbox.0),
            #[cfg(feature = "remote")]
            remote: self.remote.as_ref().map(|asker| &*asker.0),
            answer: AnswerForm::of(spec.format.options()),
        };
        let mut judged = Pending::new(rollout, spec.rewards.len());
        for &index in &self.compiled.order {
            let reward = &spec.rewards[index];
            if !applies(reward, rollout, &judged.terms) {
                continue;
            }
            let term = match gate(reward, &judged.terms) {
                Earned::No => Ok(unjudged(reward, Some(reward.payout.gated()), "gated")),
                Earned::Unknown => Ok(unjudged(reward, None, "gate_unknown")),
                Earned::Yes => match &reward.kind {
                    Kind::Measure(kind) => match measure(reward, kind, &subject, &judged.terms) {
                        Ok(Some(measure)) => Ok(pay_measure(reward, measure, &judged.terms)),
                        Ok(None) => {
                            judged.leave_open(index, reward, rollout, &spec.fields.group);
                            continue;
                        }
                        Err(problem) => Err(problem),
                    },
                    _ => judge(reward, &self.compiled.golds[index], &subject)
                        .map(|verdict| pay(reward, verdict, &judged.terms)),
                },
            };
            judged.terms[index] = Some(term.unwrap_or_else(|problem| {
                judged.error.get_or_insert(problem);
                unjudged(reward, None, "error")
            }));
        }
        if !judged.open.is_empty() {
            judged.length = Length::of(rollout, text);
        }
        judged
    }
}
