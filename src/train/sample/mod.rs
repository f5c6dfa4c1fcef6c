//! Sampling: prompts in, completions with their log-probabilities out.
//!
//! Prompts of like length go through the policy together; a row that has ended
//! leaves the batch. A completion is a function of policy, options, seed and its
//! row's number alone: which other rows were in the batch, and in which order,
//! changes nothing but the rounding of its logits.

mod completion;
mod distribution;
mod options;
mod row;
mod vocabulary;

pub use completion::{Completion, Finish, Prompt};
pub use options::SampleOptions;
pub use vocabulary::Vocabulary;

use rayon::prelude::*;

use distribution::draw;
use row::Row;

use super::error::TrainError;
use super::policy::{Compute, MemoryShape, ModelConfig, Policy};
use super::random::Key;

/// Keys and values of one batch take at most so many bytes of a processor's memory.
const CACHE_BYTES: usize = 1 << 30;

/// The same of another device, which is worth its while with many rows.
const DEVICE_CACHE_BYTES: usize = 1 << 33;

/// Rows of one batch at most; beyond it a batch gains nothing on a processor.
const ROWS: usize = 512;

/// Draws one completion for every prompt, and hands each over as soon as it has
/// ended, with the index of its prompt.
///
/// A completion ends with an end token of the vocabulary, one of
/// [`SampleOptions::stop_ids`], a text of [`SampleOptions::stop`], after
/// [`SampleOptions::max_tokens`], or where the policy has no more positions.
///
/// # Errors
/// A prompt that is empty, has unknown tokens, or fills all positions of the
/// policy; logits that are no numbers; what `on_finished` returns.
pub fn sample(
    policy: &Policy,
    vocabulary: &dyn Vocabulary,
    prompts: &[Prompt<'_>],
    options: &SampleOptions,
    mut on_finished: impl FnMut(usize, Completion) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let config = policy.config();
    for (index, prompt) in prompts.iter().enumerate() {
        check(index, prompt, config)?;
    }
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    // Stable: prompts of one length stay together as they were given.
    order.sort_by_key(|index| std::cmp::Reverse(prompts[*index].tokens.len()));
    let mut rest = order.as_slice();
    while let Some(first) = rest.first() {
        let longest = prompts[*first].tokens.len();
        let capacity = longest.saturating_add(options.max_tokens);
        let capacity = capacity.min(config.max_positions);
        let most = rows_at_once(&policy.memory_shape(), capacity);
        let (batch, later) = rest.split_at(most.min(rest.len()));
        rest = later;
        let rows = batch.iter().map(|index| Row::new(*index, &prompts[*index]));
        let batch = Batch {
            policy,
            vocabulary,
            options,
            capacity,
            key: Key::new(options.seed, "sample", &[]),
        };
        batch.run(rows.collect(), &mut on_finished)?;
    }
    Ok(())
}

/// How many rows of `capacity` positions go through a policy at a time.
pub(in crate::train) fn rows_at_once(shape: &MemoryShape<'_>, capacity: usize) -> usize {
    let config = shape.config;
    let bytes = match shape.is_cpu {
        true => CACHE_BYTES,
        false => DEVICE_CACHE_BYTES,
    };
    let number = match shape.compute {
        Compute::Kernels | Compute::Plain => size_of::<f32>(),
        Compute::Bf16 => size_of::<u16>(),
    };
    let position = config.layers * config.kv_heads * config.head_dim * 2 * number;
    (bytes / position.saturating_mul(capacity).max(1)).clamp(1, ROWS)
}

fn check(index: usize, prompt: &Prompt<'_>, config: &ModelConfig) -> Result<(), TrainError> {
    if prompt.tokens.is_empty() {
        return Err(TrainError::EmptySequence {
            sequence: index,
            part: "prompt",
        });
    }
    if prompt.tokens.len() >= config.max_positions {
        return Err(TrainError::TooLong {
            sequence: index,
            tokens: prompt.tokens.len() + 1,
            positions: config.max_positions,
        });
    }
    Ok(())
}

/// Rows that go through the policy together.
struct Batch<'b> {
    policy: &'b Policy,
    vocabulary: &'b dyn Vocabulary,
    options: &'b SampleOptions,
    capacity: usize,
    key: Key,
}

impl Batch<'_> {
    fn run(
        &self,
        mut rows: Vec<Row<'_>>,
        on_finished: &mut impl FnMut(usize, Completion) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let mut decoder = self.policy.decoder(rows.len(), self.capacity)?;
        let prompts: Vec<&[u32]> = rows.iter().map(|row| row.prompt.tokens).collect();
        let mut logits = decoder.prefill(&prompts)?;
        loop {
            let all: Vec<f32> = logits.flatten_all()?.to_vec1()?;
            self.extend(&mut rows, &all)?;
            let keep: Vec<bool> = rows.iter().map(|row| row.finish.is_none()).collect();
            let (going, ended): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|row| row.finish.is_none());
            rows = going;
            for row in ended {
                on_finished(row.index, row.complete(self.vocabulary)?)?;
            }
            if rows.is_empty() {
                return Ok(());
            }
            if keep.contains(&false) {
                decoder.retain(&keep);
            }
            let tokens: Vec<u32> = rows.iter().map(Row::last).collect();
            logits = decoder.step(&tokens)?;
        }
    }

    /// Draws the next token of every row; `logits` has one list per row.
    fn extend(&self, rows: &mut [Row<'_>], logits: &[f32]) -> Result<(), TrainError> {
        let width = logits.len() / rows.len();
        let extend = |(row, logits): (&mut Row<'_>, &[f32])| {
            let uniform = self.key.uniform(row.prompt.row, row.position());
            let Some(drawn) = draw(logits, self.options, uniform) else {
                return Err(TrainError::Logits {
                    row: row.index,
                    position: row.prompt.tokens.len() + row.position() as usize,
                });
            };
            row.push(drawn.token, drawn.logp);
            row.finish = row.finish(self.vocabulary, self.options, self.policy.config())?;
            Ok(())
        };
        rows.par_iter_mut()
            .zip(logits.par_chunks(width))
            .try_for_each(extend)
    }
}
