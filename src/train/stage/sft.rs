//! Supervised fine-tuning: demonstrations in, a policy that says the like out.
//!
//! The loss is the mean negative log-probability of the completions' tokens, end
//! token included, over the whole batch; prompts are not learned. Every epoch
//! has all demonstrations in an order of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::learner::{Learner, Passed, Place, parts, recompute};
use super::metrics::Metrics;
use super::step::{Position, Report, Stage, Workplace};
use super::{Demonstrations, SftOptions};
use crate::train::error::TrainError;
use crate::train::policy::{Gradients, Policy, TokenBatch};
use crate::train::random::Key;
use crate::train::sample::Vocabulary;

/// A stage of supervised fine-tuning.
pub(in crate::train) struct Sft {
    lessons: Lessons,
    learner: Learner,
    position: Position,
    /// Demonstrations that were too long.
    left_out: usize,
}

/// What is learned, and in which order.
struct Lessons {
    options: SftOptions,
    seed: u64,
    demonstrations: Vec<Tokens>,
}

/// A demonstration; its completion has an end token.
struct Tokens {
    prompt: Vec<u32>,
    completion: Vec<u32>,
}

/// What a batch came to.
#[derive(Default)]
struct Learned {
    loss: f64,
    entropy: f64,
    tokens: u64,
}

impl Sft {
    /// # Errors
    /// Sources that fail, or have nothing that is short enough.
    pub(in crate::train) fn new(
        options: SftOptions,
        sources: &[Arc<dyn Demonstrations>],
        policy: &Policy,
        vocabulary: &dyn Vocabulary,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let (demonstrations, left_out) = learnable(&options, sources, policy, vocabulary)?;
        Ok(Self {
            learner: Learner::new(policy, options.optimizer)?,
            left_out,
            lessons: Lessons {
                options,
                seed,
                demonstrations,
            },
            position: Position::default(),
        })
    }
}

impl Stage for Sft {
    fn steps(&self) -> u64 {
        self.lessons.steps()
    }

    fn step(&mut self, place: &mut Workplace<'_>, number: u64) -> Result<Report, TrainError> {
        let began = Instant::now();
        let lessons = &self.lessons;
        let batch = lessons.batch(number);
        let rate = lessons
            .options
            .optimizer
            .learning_rate_at(number, lessons.steps());
        let mut learned = Learned::default();
        let update = self
            .learner
            .update(place.policy, rate, |policy, gradients| {
                lessons.learn(&batch, number, policy, gradients, &mut learned)
            })?;
        self.position.taken += batch.len() as u64;
        self.position.tokens += learned.tokens;
        self.position.skipped_in_all += u64::from(update.is_skipped);
        let seconds = began.elapsed().as_secs_f64();
        let mut metrics = Metrics::default();
        metrics.add("loss", learned.loss);
        metrics.add("entropy", learned.entropy);
        metrics.add("grad_norm", update.norm);
        metrics.add("learning_rate", rate);
        metrics.add("num_tokens", self.position.tokens as f64);
        metrics.add("epoch", (number + 1) as f64 / lessons.batches() as f64);
        metrics.add("skipped_updates", self.position.skipped_in_all as f64);
        metrics.add("step_time", seconds);
        metrics.add("tokens_per_second", learned.tokens as f64 / seconds);
        let mut notes = Vec::new();
        if number == 0 && self.left_out > 0 {
            notes.push(format!(
                "{} demonstrations are longer than `max_tokens` and were left out",
                self.left_out
            ));
        }
        Ok(Report {
            metrics: metrics.list(),
            notes,
            ..Report::default()
        })
    }

    fn position(&self) -> Position {
        Position {
            skipped: self.learner.skipped,
            ..self.position.clone()
        }
    }

    fn save(&self, folder: &Path) -> Result<(), TrainError> {
        self.learner.save(folder)
    }

    fn restore(&mut self, position: Position, folder: &Path) -> Result<(), TrainError> {
        self.learner.restore(position.skipped, folder)?;
        self.position = position;
        Ok(())
    }
}

impl Lessons {
    fn steps(&self) -> u64 {
        let all = self.batches() * self.options.epochs;
        self.options.steps.unwrap_or(all)
    }

    /// Batches of one epoch; the last may be smaller.
    fn batches(&self) -> u64 {
        self.demonstrations.len().div_ceil(self.options.batch_size) as u64
    }

    /// The demonstrations of a step.
    fn batch(&self, number: u64) -> Vec<&Tokens> {
        let (epoch, batch) = (number / self.batches(), number % self.batches());
        let key = Key::new(self.seed, "epoch", &[epoch]);
        let order = key.permutation(self.demonstrations.len());
        let size = self.options.batch_size;
        let chosen = order.into_iter().skip(batch as usize * size).take(size);
        chosen.map(|index| &self.demonstrations[index]).collect()
    }

    /// Adds the gradient of a batch.
    fn learn(
        &self,
        batch: &[&Tokens],
        step: u64,
        policy: &mut Policy,
        gradients: &mut Gradients,
        learned: &mut Learned,
    ) -> Result<Passed, TrainError> {
        let lengths: Vec<usize> = batch.iter().map(|tokens| tokens.count()).collect();
        let scored: usize = batch.iter().map(|tokens| tokens.completion.len()).sum();
        learned.tokens = lengths.iter().sum::<usize>() as u64;
        let mean = |numbers: &[f32]| {
            let sum: f64 = numbers.iter().map(|number| f64::from(*number)).sum();
            sum / scored as f64
        };
        let place = Place {
            seed: self.seed,
            step,
            update: 0,
        };
        let parts = parts(&lengths, self.options.micro_batch_tokens);
        for (index, part) in parts.into_iter().enumerate() {
            place.prepare(policy, index);
            let mut tokens = TokenBatch::new();
            for demonstration in &batch[part] {
                tokens.push(&demonstration.prompt, &demonstration.completion);
            }
            let (scores, tape) = policy.forward(&tokens, 1.0, recompute(self.options.recompute))?;
            learned.loss -= mean(&scores.logps);
            learned.entropy += mean(&scores.entropies);
            if !learned.loss.is_finite() {
                return Ok(Passed::NotFinite);
            }
            let slopes = vec![-1.0 / scored as f32; scores.logps.len()];
            policy.backward(tape, &slopes, None, gradients)?;
        }
        Ok(Passed::Finite)
    }
}

impl Tokens {
    fn count(&self) -> usize {
        self.prompt.len() + self.completion.len()
    }
}

/// Checks the demonstrations of a stage before anything is learned. Those that an
/// earlier stage is to keep are not there yet; a policy wrote them.
///
/// # Errors
/// What [`Sft::new`] would refuse.
pub(in crate::train) fn check_demonstrations(
    options: &SftOptions,
    sources: &[Arc<dyn Demonstrations>],
    policy: &Policy,
    vocabulary: &dyn Vocabulary,
) -> Result<(), TrainError> {
    match options.stages.is_empty() {
        true => learnable(options, sources, policy, vocabulary).map(drop),
        false => read(sources, options.demonstrations, vocabulary).map(drop),
    }
}

/// The demonstrations of all sources that are short enough, and the number of others.
fn learnable(
    options: &SftOptions,
    sources: &[Arc<dyn Demonstrations>],
    policy: &Policy,
    vocabulary: &dyn Vocabulary,
) -> Result<(Vec<Tokens>, usize), TrainError> {
    let bound = policy.config().max_positions;
    let most = options.max_tokens.unwrap_or(bound).min(bound);
    let mut demonstrations = read(sources, options.demonstrations, vocabulary)?;
    let count = demonstrations.len();
    demonstrations.retain(|tokens| tokens.count() <= most);
    if demonstrations.is_empty() {
        return Err(TrainError::Source {
            problem: match count {
                0 => "there are no demonstrations; this stage needs some".to_owned(),
                _ => format!("all {count} demonstrations are longer than {most} tokens"),
            },
        });
    }
    let left_out = count - demonstrations.len();
    Ok((demonstrations, left_out))
}

/// The demonstrations of all sources as tokens, at most `most` of each.
fn read(
    sources: &[Arc<dyn Demonstrations>],
    most: Option<u64>,
    vocabulary: &dyn Vocabulary,
) -> Result<Vec<Tokens>, TrainError> {
    let mut all = Vec::new();
    let failed = |problem| TrainError::Source { problem };
    for source in sources {
        let count = match (source.count(), most) {
            (Some(count), most) => most.map_or(count, |most| most.min(count)),
            (None, Some(most)) => most,
            (None, None) => {
                let problem = "the task has no end; set `demonstrations` to how many to take";
                return Err(failed(problem.to_owned()));
            }
        };
        for index in 0..count {
            let demonstration = source.demonstration(index).map_err(failed)?;
            let unsayable = |text: &'static str| {
                move |error| TrainError::Encoding {
                    text: format!("{}: the {text}", source.place(index)),
                    source: Box::new(error),
                }
            };
            let prompt = demonstration
                .framing
                .encode(&demonstration.prompt, vocabulary)
                .map_err(unsayable("prompt"))?;
            let mut completion = match demonstration.tokens {
                Some(tokens) => tokens,
                None => vocabulary
                    .encode(&demonstration.completion)
                    .map_err(unsayable("completion"))?,
            };
            completion.extend(vocabulary.end_ids().first());
            all.push(Tokens { prompt, completion });
        }
    }
    Ok(all)
}
