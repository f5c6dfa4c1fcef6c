//! Writing: logits of the next token, with the keys and values of all before it
//! kept.

use candle_core::{Device, Tensor};

use super::super::TrainError;
use super::super::ops::{Cache, HostMatrix, Positions};
use super::Policy;
use super::batch::{Packed, check_tokens, empty, group};
use super::lora::LoraPass;

/// Tokens of prompts that go through the layers at once.
const GROUP_TOKENS: usize = 4096;

/// Sequences that grow by a token at a time.
///
/// First [`Decoder::prefill`], then [`Decoder::step`] as often as there is room;
/// [`Decoder::retain`] lets finished rows leave.
#[derive(Debug)]
pub struct Decoder<'p> {
    policy: &'p Policy,
    caches: Vec<Cache>,
    rows: usize,
    capacity: usize,
    /// The slots in the caches of the rows that are left, ascending.
    slots: Vec<usize>,
    /// How many tokens each of them has.
    lengths: Vec<u32>,
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
        let cache = |index| Cache::new(self.layer(index, LoraPass::Whole).shape(), rows, capacity);
        Ok(Decoder {
            policy: self,
            caches: (0..self.config.layers).map(cache).collect(),
            rows,
            capacity,
            slots: Vec::new(),
            lengths: Vec::new(),
        })
    }
}

impl Decoder<'_> {
    /// Reads the prompts, one for every row, of any lengths. Gives the logits of
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
        let width = policy.config.hidden_size;
        let mut last = policy.ops.matrix(prompts.len(), width);
        for rows in group(prompts.iter().map(|prompt| prompt.len()), GROUP_TOKENS) {
            let mut packed = Packed::default();
            for prompt in &prompts[rows.clone()] {
                packed.push(prompt);
            }
            let x = self.read(&packed, rows.start)?;
            let to = last.data_mut()[rows.start * width..].chunks_exact_mut(width);
            for (to, sequence) in to.zip(&packed.sequences) {
                to.copy_from_slice(&x.data()[(sequence.end - 1) * width..][..width]);
            }
        }
        self.slots = (0..prompts.len()).collect();
        self.lengths = prompts.iter().map(|prompt| prompt.len() as u32).collect();
        self.logits(&last)
    }

    /// Adds one token to every row that is left; gives the logits of the next:
    /// `[rows left, vocabulary]`.
    ///
    /// # Errors
    /// For another number of tokens than rows left, a token outside the vocabulary,
    /// and a row without room.
    pub fn step(&mut self, tokens: &[u32]) -> Result<Tensor, TrainError> {
        let policy = self.policy;
        if tokens.len() != self.slots.len() {
            return Err(TrainError::Length {
                list: "tokens",
                found: tokens.len(),
                expected: self.slots.len(),
            });
        }
        if tokens.is_empty() {
            return Err(TrainError::EmptyBatch);
        }
        for (index, (token, length)) in tokens.iter().zip(&self.lengths).enumerate() {
            check_tokens(index, &[*token], policy.config.vocab_size)?;
            self.check_room(index, *length as usize + 1)?;
        }
        let longest = self
            .lengths
            .iter()
            .max()
            .map_or(0, |length| *length as usize);
        let table = policy.rope(longest + 1);
        let positions = Positions {
            of_rows: &self.lengths,
            table: &table,
        };
        let mut x = policy.embed(tokens)?;
        for (index, cache) in self.caches.iter_mut().enumerate() {
            x = policy
                .layer(index, LoraPass::Whole)
                .forward_with(x, positions, |qkv| {
                    policy
                        .ops
                        .attention_step(qkv, cache, &self.slots, &self.lengths)
                })?;
        }
        for length in &mut self.lengths {
            *length += 1;
        }
        self.logits(&x)
    }

    /// Lets the rows leave for which `keep`, one per row left, is false.
    ///
    /// # Panics
    /// When there is not one entry per row left.
    pub fn retain(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.slots.len(), "one entry per row left");
        let mut kept = keep.iter();
        self.slots.retain(|_| kept.next().is_some_and(|keep| *keep));
        let mut kept = keep.iter();
        self.lengths
            .retain(|_| kept.next().is_some_and(|keep| *keep));
    }

    /// How many rows are left.
    pub fn rows(&self) -> usize {
        self.slots.len()
    }

    /// Runs whole prompts through the layers and keeps their keys and values.
    fn read(&mut self, packed: &Packed, first: usize) -> Result<HostMatrix, TrainError> {
        let policy = self.policy;
        let table = policy.rope(packed.longest());
        let rows = packed.rows(&table);
        let mut x = policy.embed(&packed.tokens)?;
        for (index, cache) in self.caches.iter_mut().enumerate() {
            let layer = policy.layer(index, LoraPass::Whole);
            x = layer.forward_with(x, rows.positions, |qkv| {
                cache.fill(qkv, rows.sequences, first);
                let (attended, _) = policy.ops.attention(qkv, layer.shape(), rows.sequences);
                attended
            })?;
        }
        Ok(x)
    }

    fn logits(&self, last: &HostMatrix) -> Result<Tensor, TrainError> {
        let hidden = self.policy.last_norm(last)?;
        let logits = self.policy.ops.logits(&hidden, self.policy.head())?;
        let shape = (logits.rows(), logits.columns());
        Ok(Tensor::from_slice(logits.data(), shape, &Device::Cpu)?)
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
