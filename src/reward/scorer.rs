//! The engine behind every door: a compiled spec that turns rollouts into
//! scores.

use std::borrow::Cow;
use std::cell::RefCell;
#[cfg(feature = "sandbox")]
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::combine::{Earned, clipped, combine, earned};
use super::judge::{AnswerForm, GoldCache, Subject, judge};
use super::score::{ErrorKind, RowError, Score, Status, Term};
#[cfg(feature = "sandbox")]
use super::spec::Kind;
use super::spec::{self, Condition, Reward, Spec, SpecError, SpecSource};
use crate::format::{Completion, Input};
use crate::rollout::{FieldMap, Rollout, Text};
#[cfg(feature = "sandbox")]
use crate::sandbox::Runner;
use crate::verdict::{Detail, Outcome, Verdict};

/// A compiled reward spec.
///
/// [`Scorer::score`] is a pure function of the rollout: no clock, no global
/// state, no thread count and no order of rollouts decides a score. Cloning is
/// cheap; clones share the compiled parts.
///
/// ```
/// use goldstone::reward::{Scorer, SpecSource};
/// use goldstone::rollout::Rollout;
///
/// let scorer = Scorer::compile(SpecSource {
///     text: "version = 1\n[format]\ntemplate = \"r1\"\n[rewards.accuracy]\nmath = {}",
///     origin: "example.toml",
///     grammar: &|_| Err("no grammar files here".to_owned()),
/// })?;
/// let mut rollout = Rollout {
///     completion: "<think>6 * 7</think><answer>42</answer>".into(),
///     reference: Some("42".into()),
///     ..Rollout::default()
/// };
/// assert_eq!(scorer.score(&rollout).reward, Some(1.0));
///
/// // No answer tags, no answer: the reward is 0 and the reason says why.
/// rollout.completion = "It is 42.".into();
/// let score = scorer.score(&rollout);
/// assert_eq!(score.reward, Some(0.0));
/// assert_eq!(score.terms[0].reason, Some("missing_think_open"));
///
/// // No reference: nobody can say, so there is no reward at all.
/// rollout.reference = None;
/// assert_eq!(scorer.score(&rollout).reward, None);
/// # Ok::<(), goldstone::reward::SpecError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scorer {
    compiled: Arc<Compiled>,
    #[cfg(feature = "sandbox")]
    sandbox: Option<Sandbox>,
}

/// What runs the programs of code tasks.
#[cfg(feature = "sandbox")]
#[derive(Clone)]
struct Sandbox(Arc<dyn Runner>);

#[cfg(feature = "sandbox")]
impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sandbox")
    }
}

#[derive(Debug)]
struct Compiled {
    spec: Spec,
    /// Reward indices, each after all that it waits for.
    order: Vec<usize>,
    names: Vec<Arc<str>>,
    /// One per reward.
    golds: Vec<GoldCache>,
    text: String,
    sha256: String,
}

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
    /// Compiles a spec.
    ///
    /// # Errors
    /// [`SpecError`] with every mistake of the spec.
    pub fn compile(source: SpecSource<'_>) -> Result<Self, SpecError> {
        // The grammars decide scores as much as the text that names them.
        let hash = RefCell::new(Sha256::new_with_prefix(source.text));
        let grammar = |path: &str| {
            let text = (source.grammar)(path)?;
            let mut hash = hash.borrow_mut();
            hash.update([0]);
            hash.update(&text);
            Ok(text)
        };
        let spec = spec::read(SpecSource {
            grammar: &grammar,
            ..source
        })?;
        let names = spec
            .rewards
            .iter()
            .map(|reward| Arc::clone(&reward.name))
            .collect();
        let digest = hash.into_inner().finalize();
        Ok(Self {
            compiled: Arc::new(Compiled {
                order: order(&spec.rewards),
                names,
                golds: spec.rewards.iter().map(|_| GoldCache::default()).collect(),
                text: source.text.to_owned(),
                sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
                spec,
            }),
            #[cfg(feature = "sandbox")]
            sandbox: None,
        })
    }

    /// The same scorer with `runner` to run the programs of code tasks. Without
    /// one, a row with such a task is an error of the machinery.
    #[cfg(feature = "sandbox")]
    #[must_use]
    pub fn with_sandbox(self, runner: Arc<dyn Runner>) -> Self {
        Self {
            sandbox: Some(Sandbox(runner)),
            ..self
        }
    }

    /// The guests that the spec's code rewards run in, each once; empty where
    /// the spec needs no sandbox.
    #[cfg(feature = "sandbox")]
    #[must_use]
    pub fn guests(&self) -> Vec<&str> {
        let mut guests: Vec<&str> = Vec::new();
        for reward in &self.compiled.spec.rewards {
            if let Kind::Code(options) = &reward.kind
                && !guests.contains(&options.guest())
            {
                guests.push(options.guest());
            }
        }
        guests
    }

    /// The spec's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.compiled.spec.name
    }

    /// The spec's description; empty if it has none.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.compiled.spec.description
    }

    /// The spec's TOML text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.compiled.text
    }

    /// SHA-256 of the spec's text and of the grammars it names, in hexadecimal.
    /// A spec without grammars has the hash of its file.
    #[must_use]
    pub fn spec_sha256(&self) -> &str {
        &self.compiled.sha256
    }

    /// Where records have the fields that this spec reads.
    #[must_use]
    pub fn fields(&self) -> &FieldMap {
        &self.compiled.spec.fields
    }

    /// The names of the rewards, in the spec's order.
    #[must_use]
    pub fn rewards(&self) -> &[Arc<str>] {
        &self.compiled.names
    }

    /// The rewards whose verdict says that a rollout is solved: those that
    /// judge the answer against a reference, in the spec's order. A row counts
    /// by the first of them that applies to it.
    pub fn solvers(&self) -> impl Iterator<Item = &Arc<str>> {
        let verifiers = self
            .compiled
            .spec
            .rewards
            .iter()
            .filter(|reward| reward.kind.is_verifier());
        verifiers.map(|reward| &reward.name)
    }

    /// Scores one rollout. Never fails: what is wrong is in the score.
    #[must_use]
    pub fn score(&self, rollout: &Rollout) -> Score {
        let (text, tail) = self.completion_text(rollout);
        let completion = self.compiled.spec.format.parse(&text, tail);
        self.score_parsed(rollout, &text, &completion)
    }

    /// Scores rollouts one after the other; `batch::score_all` does so on many
    /// threads, with the same scores.
    #[must_use]
    pub fn score_all(&self, rollouts: &[Rollout]) -> Vec<Score> {
        rollouts.iter().map(|rollout| self.score(rollout)).collect()
    }

    /// Scores one rollout and keeps what led to the score.
    #[must_use]
    pub fn explain(&self, rollout: &Rollout) -> Explanation {
        let (text, tail) = self.completion_text(rollout);
        let completion = self.compiled.spec.format.parse(&text, tail);
        let score = self.score_parsed(rollout, &text, &completion);
        let rewards = &self.compiled.spec.rewards;
        Explanation {
            weights: rewards
                .iter()
                .map(|reward| (Arc::clone(&reward.name), reward.weight))
                .collect(),
            combination: match self.compiled.spec.combine.rule {
                spec::Rule::Sum => "the sum of all values",
                spec::Rule::Gate { .. } => "the sum of all values, if every gate was earned",
                spec::Rule::Table { .. } => "the first row of the table that holds",
            },
            text: text.into_owned(),
            completion,
            score,
        }
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

    fn score_parsed(&self, rollout: &Rollout, text: &str, completion: &Completion) -> Score {
        let spec = &self.compiled.spec;
        let subject = Subject {
            rollout,
            text,
            completion,
            fields: &spec.fields,
            #[cfg(feature = "sandbox")]
            sandbox: self.sandbox.as_ref().map(|sandbox| &*sandbox.0),
            answer: AnswerForm::of(spec.format.options()),
        };
        let mut terms: Vec<Option<Term>> = vec![None; spec.rewards.len()];
        let mut error = None;
        for &index in &self.compiled.order {
            let reward = &spec.rewards[index];
            if !applies(reward, rollout) {
                continue;
            }
            let term = match gate(reward, &terms) {
                Earned::No => unjudged(reward, Some(reward.payout.gated()), "gated"),
                Earned::Unknown => unjudged(reward, None, "gate_unknown"),
                Earned::Yes => match judge(reward, &self.compiled.golds[index], &subject) {
                    Ok(verdict) => pay(reward, verdict, &terms),
                    Err(problem) => {
                        error.get_or_insert(problem);
                        unjudged(reward, None, "error")
                    }
                },
            };
            terms[index] = Some(term);
        }
        let (reward, status) = match &error {
            Some(_) => (spec.combine.on_error.0, Status::Error),
            None => combine(spec, &terms),
        };
        let mut score = Score {
            id: rollout.id.clone(),
            group: rollout.group.clone(),
            reward,
            status,
            terms: terms.into_iter().flatten().collect(),
            error,
        };
        if score.reward.is_some_and(|reward| !reward.is_finite()) {
            let message = "the total is not a finite number; `scale_by` or a weight is too large";
            score.reward = None;
            score.status = Status::Error;
            score.error = Some(RowError {
                kind: ErrorKind::Machinery,
                ..RowError::data(message)
            });
        }
        score
    }
}

/// Reward indices in an order in which each follows what it waits for; the
/// spec has been checked for cycles.
fn order(rewards: &[Reward]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(rewards.len());
    while order.len() < rewards.len() {
        let next = (0..rewards.len()).find(|index| {
            let reward = &rewards[*index];
            let mut waits = reward.needs.iter().chain(&reward.scale_by);
            !order.contains(index) && waits.all(|needed| order.contains(needed))
        });
        order.push(next.expect("a checked spec has no cycle"));
    }
    order
}

fn applies(reward: &Reward, rollout: &Rollout) -> bool {
    reward
        .when
        .iter()
        .all(|condition| holds(condition, rollout))
        && !reward
            .unless
            .iter()
            .any(|condition| holds(condition, rollout))
}

fn holds(condition: &Condition, rollout: &Rollout) -> bool {
    let Some(found) = rollout.lookup(&condition.pointer) else {
        return false;
    };
    condition
        .any_of
        .iter()
        .any(|wanted| match (wanted, &found) {
            // 5 and 5.0 are the same number in TOML's and JSON's eyes.
            (Value::Number(wanted), Value::Number(found)) => wanted.as_f64() == found.as_f64(),
            (wanted, found) => wanted == found,
        })
}

/// Whether the rewards that this one needs were earned. A closed gate counts
/// before an unknown one: whatever the unknown turned out to be, it pays 0.
fn gate(reward: &Reward, terms: &[Option<Term>]) -> Earned {
    let mut states = reward
        .needs
        .iter()
        .map(|&needed| earned(terms[needed].as_ref()));
    if states.clone().any(|state| state == Earned::No) {
        return Earned::No;
    }
    match states.any(|state| state == Earned::Unknown) {
        true => Earned::Unknown,
        false => Earned::Yes,
    }
}

fn unjudged(reward: &Reward, raw: Option<f64>, reason: &'static str) -> Term {
    Term {
        name: Arc::clone(&reward.name),
        value: raw.map(|raw| weighted(raw, reward.weight)),
        raw,
        outcome: None,
        reason: Some(reason),
        detail: Detail::default(),
    }
}

/// What the verdict is worth: payout, scale, clip, weight, in this order.
fn pay(reward: &Reward, verdict: Verdict, terms: &[Option<Term>]) -> Term {
    let payout = &reward.payout;
    let paid = match verdict.outcome {
        Outcome::Correct => Some(payout.correct),
        Outcome::Wrong => Some(payout.wrong + verdict.credit * (payout.correct - payout.wrong)),
        Outcome::NoAnswer => Some(payout.no_answer()),
        Outcome::Unknown => payout.unknown.0,
    };
    let factor = match reward.scale_by {
        None => Some(1.0),
        // A reward that does not apply was not earned.
        Some(index) => terms[index].as_ref().map_or(Some(0.0), |term| term.raw),
    };
    let raw = match (paid, factor) {
        (Some(paid), Some(factor)) => Some(clipped(reward.clip, paid * factor)),
        _ => None,
    };
    Term {
        name: Arc::clone(&reward.name),
        value: raw.map(|raw| weighted(raw, reward.weight)),
        raw,
        outcome: Some(verdict.outcome),
        reason: verdict.reason,
        detail: verdict.detail,
    }
}

/// Adding 0 turns the -0 of a negative weight into 0.
fn weighted(raw: f64, weight: f64) -> f64 {
    raw * weight + 0.0
}
