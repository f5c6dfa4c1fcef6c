//! The engine behind every door: a compiled spec that turns rollouts into
//! scores.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
#[cfg(any(feature = "sandbox", feature = "remote"))]
use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::combine::Earned;
use super::group::{self, Pending};
use super::judge::{AnswerForm, GoldCache, Subject, judge};
use super::measure::{Length, measure};
#[cfg(feature = "remote")]
use super::remote::{Endpoint, Remote, Usage};
use super::score::Score;
#[cfg(feature = "remote")]
use super::spec::MeasureKind;
use super::spec::{self, Kind, Reward, Spec, SpecError, SpecSource};
use super::term::{applies, gate, pay, pay_measure, unjudged};
#[cfg(feature = "sandbox")]
use crate::code::References;
use crate::format::{Completion, Input};
use crate::rollout::{FieldMap, Rollout, Text};
#[cfg(feature = "sandbox")]
use crate::sandbox::Runner;

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
    #[cfg(feature = "remote")]
    remote: Option<Asker>,
}

/// What puts questions to judges and reward models.
#[cfg(feature = "remote")]
#[derive(Clone)]
struct Asker(Arc<dyn Remote>);

#[cfg(feature = "remote")]
impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
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
    #[cfg(feature = "sandbox")]
    references: References,
    text: String,
    grammars: BTreeMap<String, String>,
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
        let grammars = RefCell::new(BTreeMap::new());
        let grammar = |path: &str| {
            let text = (source.grammar)(path)?;
            grammars.borrow_mut().insert(path.to_owned(), text.clone());
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
                #[cfg(feature = "sandbox")]
                references: References::default(),
                text: source.text.to_owned(),
                grammars: grammars.into_inner(),
                sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
                spec,
            }),
            #[cfg(feature = "sandbox")]
            sandbox: None,
            #[cfg(feature = "remote")]
            remote: None,
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

    /// The same scorer for training: what cannot be decided about an answer pays
    /// as what is wrong does, where the spec does not price it, and measures that
    /// abstain because of the completion pay the least that they may come to.
    ///
    /// A policy can write answers that nobody can decide. Were they `null`, and so
    /// left out of the baseline, they would be a shelter from being wrong. `null`
    /// is left for rows that are unusable themselves.
    ///
    /// ```
    /// use goldstone::reward::{Scorer, SpecSource};
    /// use goldstone::rollout::Rollout;
    ///
    /// let scorer = Scorer::compile(SpecSource {
    ///     text: "version = 1\n[rewards.accuracy]\nmath = { wrong = -1.0 }",
    ///     origin: "example.toml",
    ///     grammar: &|_| Err("no grammar files here".to_owned()),
    /// })?;
    /// let rollout = Rollout {
    ///     completion: r"\boxed{\int_0^1 x dx}".into(),
    ///     reference: Some("7".into()),
    ///     ..Rollout::default()
    /// };
    /// assert_eq!(scorer.score(&rollout).reward, None);
    /// let scorer = scorer.unknown_as_wrong();
    /// assert_eq!(scorer.score(&rollout).reward, Some(-1.0));
    /// # Ok::<(), goldstone::reward::SpecError>(())
    /// ```
    #[must_use]
    pub fn unknown_as_wrong(mut self) -> Self {
        let rewards = &self.compiled.spec.rewards;
        if rewards.iter().all(|reward| reward.unknown_is_wrong) {
            return self;
        }
        let mut spec = self.compiled.spec.clone();
        for reward in &mut spec.rewards {
            reward.unknown_is_wrong = true;
        }
        let compiled = Compiled {
            order: self.compiled.order.clone(),
            names: self.compiled.names.clone(),
            golds: spec.rewards.iter().map(|_| GoldCache::default()).collect(),
            #[cfg(feature = "sandbox")]
            references: References::default(),
            text: self.compiled.text.clone(),
            grammars: self.compiled.grammars.clone(),
            sha256: self.compiled.sha256.clone(),
            spec,
        };
        self.compiled = Arc::new(compiled);
        self
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

    /// The same scorer with `remote` to ask judges and reward models. Without one, a
    /// row that they would be asked about is an error of the machinery.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn with_remote(self, remote: Arc<dyn Remote>) -> Self {
        Self {
            remote: Some(Asker(remote)),
            ..self
        }
    }

    /// The rewards that ask an endpoint, and which, in the spec's order; empty where
    /// the spec needs no network.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn endpoints(&self) -> Vec<(&str, Endpoint)> {
        let rewards = self.compiled.spec.rewards.iter();
        let asking = rewards.filter_map(|reward| match &reward.kind {
            Kind::Measure(MeasureKind::Remote(options)) => {
                Some((&*reward.name, options.endpoint()))
            }
            _ => None,
        });
        asking.collect()
    }

    /// What has been asked of each endpoint so far, each once.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn usage(&self) -> Vec<(Endpoint, Usage)> {
        let mut used: Vec<(Endpoint, Usage)> = Vec::new();
        for (_, endpoint) in self.endpoints() {
            if let Some(asker) = &self.remote
                && used.iter().all(|(known, _)| *known != endpoint)
            {
                let usage = asker.0.usage(&endpoint);
                used.push((endpoint, usage));
            }
        }
        used
    }

    /// How many rows may wait for endpoints at a time; 0 where the spec asks none. A
    /// thread that waits needs no core.
    #[must_use]
    pub fn waiting_rows(&self) -> usize {
        #[cfg(feature = "remote")]
        let rows = self
            .endpoints()
            .iter()
            .map(|(_, endpoint)| endpoint.concurrency * endpoint.batch)
            .sum();
        #[cfg(not(feature = "remote"))]
        let rows = 0;
        rows
    }

    /// What of the spec works and is still not wise, each with its line and a caret.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.compiled.spec.warnings
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

    /// The texts of the grammars that the spec names, by their names in it.
    #[must_use]
    pub fn grammars(&self) -> &BTreeMap<String, String> {
        &self.compiled.grammars
    }

    /// SHA-256 of the images that the spec's programs run in, in hexadecimal, by the
    /// guest's name; empty where the spec needs no sandbox. `None` stands for one that
    /// the runner cannot tell.
    #[must_use]
    pub fn guest_sha256s(&self) -> BTreeMap<String, Option<String>> {
        #[cfg(feature = "sandbox")]
        {
            let guests = self.guests().into_iter().map(|guest| {
                let runner = self.sandbox.as_ref();
                let image = runner.and_then(|sandbox| sandbox.0.guest_sha256(guest));
                (guest.to_owned(), image)
            });
            guests.collect()
        }
        #[cfg(not(feature = "sandbox"))]
        BTreeMap::new()
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

    /// The weight of every reward, in the order of [`Scorer::rewards`].
    pub fn weights(&self) -> impl Iterator<Item = f64> {
        let rewards = self.compiled.spec.rewards.iter();
        rewards.map(|reward| reward.weight)
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

    /// Whether a total is the sum of its terms: no gate, no table, no clip.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let combine = &self.compiled.spec.combine;
        matches!(combine.rule, spec::Rule::Sum) && combine.clip.is_none()
    }

    /// Whether a reward of the spec compares the rollouts of a group: then
    /// whole groups are scored, with [`Scorer::score_all`], or with
    /// [`Scorer::begin`] and [`Scorer::settle`].
    #[must_use]
    pub fn needs_groups(&self) -> bool {
        let mut rewards = self.compiled.spec.rewards.iter();
        rewards.any(|reward| reward.kind.needs_group())
    }

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
                spec::Rule::Sum => "the sum of all values",
                spec::Rule::Gate { .. } => "the sum of all values, if every gate was earned",
                spec::Rule::Table { .. } => "the first row of the table that holds",
            },
            text: text.into_owned(),
            completion,
            score,
        }
    }

    /// The score of a rollout whose group is not at hand.
    fn alone(&self, mut judged: Pending) -> Score {
        let spec = &self.compiled.spec;
        for index in std::mem::take(&mut judged.open) {
            judged.terms[index] = Some(unjudged(&spec.rewards[index], None, "needs_group"));
        }
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
                            judged.open.push(index);
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

/// Reward indices in an order in which each follows what it waits for; the
/// spec has been checked for cycles.
fn order(rewards: &[Reward]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::with_capacity(rewards.len());
    while order.len() < rewards.len() {
        let next = (0..rewards.len()).find(|index| {
            let reward = &rewards[*index];
            let mut waits = reward.waits_for();
            !order.contains(index) && waits.all(|needed| order.contains(&needed))
        });
        order.push(next.expect("a checked spec has no cycle"));
    }
    order
}
