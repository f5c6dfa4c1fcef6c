//! Writing: logits of the next token, with the keys and values of all before it
//! kept.

use candle_core::Tensor;

use super::super::TrainError;
use super::batch::{Distinct, check_tokens, empty};
use super::cached::KernelCaches;
use super::plain::PlainCaches;
use super::{Compute, Policy};

/// Sequences that grow by a token at a time.
///
/// First [`Decoder::prefill`], then [`Decoder::step`] as often as there is room;
/// [`Decoder::retain`] lets finished rows leave.
#[derive(Debug)]
pub struct Decoder<'p> {
    policy: &'p Policy,
    caches: Caches,
    rows: usize,
    capacity: usize,
    /// How many tokens each of the rows has that are left.
    lengths: Vec<u32>,
}

/// Keys and values of what computes.
#[derive(Debug)]
enum Caches {
    Kernels(KernelCaches),
    Plain(PlainCaches),
}

impl Policy {
    /// A decoder for `rows` sequences of at most `capacity` tokens each, prompt
    /// included; its memory is taken now.
    ///
    /// # Errors
    /// [`TrainError::TooLong`] when the model has fewer positions than `capacity`.
    pub fn decoder(&self, rows: usize, capacity: usize) -> Result<Decoder<'_>, TrainError> {
        if capacity > self.config.max_positions {
            return Err(TrainError::TooLong {
                sequence: 0,
                tokens: capacity,
                positions: self.config.max_positions,
            });
        }
        let caches = match self.compute {
            Compute::Kernels => Caches::Kernels(KernelCaches::new(self, rows, capacity)),
            Compute::Plain | Compute::Bf16 => Caches::Plain(PlainCaches::default()),
        };
        Ok(Decoder {
            policy: self,
            caches,
            rows,
            capacity,
            lengths: Vec::new(),
        })
    }
}

impl Decoder<'_> {
    /// Reads the prompts, one for every row, of any lengths; one that several rows
    /// have is read once. Gives the logits of
    /// the token after each: `[rows, vocabulary]`. What the decoder held before is
    /// forgotten.
    ///
    /// # Errors
    /// For another number of prompts than rows, an empty prompt, one longer than
    /// the capacity, and a token outside the vocabulary.
    pub fn prefill(&mut self, prompts: &[&[u32]]) -> Result<Tensor, TrainError> {
        let policy = self.policy;
        if prompts.len() != self.rows {
            return Err(TrainError::Length {
                list: "prompts",
                found: prompts.len(),
                expected: self.rows,
            });
        }
        if prompts.is_empty() {
            return Err(TrainError::EmptyBatch);
        }
        for (index, prompt) in prompts.iter().enumerate() {
            if prompt.is_empty() {
                return Err(empty(index, "prompt"));
            }
            check_tokens(index, prompt, policy.config.vocab_size)?;
            self.check_room(index, prompt.len())?;
        }
        let distinct = Distinct::of(prompts);
        let logits = match &mut self.caches {
            Caches::Kernels(caches) => caches.prefill(policy, &distinct)?,
            Caches::Plain(caches) => caches.prefill(policy, &distinct, self.capacity)?,
        };
        self.lengths = prompts.iter().map(|prompt| prompt.len() as u32).collect();
        Ok(distinct.spread(&logits)?)
    }

    /// Adds one token to every row that is left; gives the logits of the next:
    /// `[rows left, vocabulary]`.
    ///
    /// # Errors
    /// For another number of tokens than rows left, a token outside the vocabulary,
    /// and a row without room.
    pub fn step(&mut self, tokens: &[u32]) -> Result<Tensor, TrainError> {
        let policy = self.policy;
        if tokens.len() != self.lengths.len() {
            return Err(TrainError::Length {
                list: "tokens",
                found: tokens.len(),
                expected: self.lengths.len(),
            });
        }
        if tokens.is_empty() {
            return Err(TrainError::EmptyBatch);
        }
        for (index, (token, length)) in tokens.iter().zip(&self.lengths).enumerate() {
            check_tokens(index, &[*token], policy.config.vocab_size)?;
            self.check_room(index, *length as usize + 1)?;
        }
        let logits = match &mut self.caches {
            Caches::Kernels(caches) => caches.step(policy, tokens, &self.lengths)?,
            Caches::Plain(caches) => caches.step(policy, tokens, &self.lengths, self.capacity)?,
        };
        for length in &mut self.lengths {
            *length += 1;
        }
        Ok(logits)
    }

    /// Lets the rows leave for which `keep`, one per row left, is false.
    ///
    /// # Panics
    /// When there is not one entry per row left.
    pub fn retain(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.lengths.len(), "one entry per row left");
        if keep.iter().all(|keep| *keep) {
            return;
        }
        match &mut self.caches {
            Caches::Kernels(caches) => caches.retain(keep),
            Caches::Plain(caches) => caches.retain(keep),
        }
        let mut kept = keep.iter();
        self.lengths
            .retain(|_| kept.next().is_some_and(|keep| *keep));
    }

    /// How many rows are left.
    pub fn rows(&self) -> usize {
        self.lengths.len()
    }

    fn check_room(&self, sequence: usize, tokens: usize) -> Result<(), TrainError> {
        if tokens <= self.capacity {
            return Ok(());
        }
        Err(TrainError::TooLong {
            sequence,
            tokens,
            positions: self.capacity,
        })
    }
}
