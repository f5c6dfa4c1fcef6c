//! Prompts with their completions, one after the other, without padding.

use std::collections::HashMap;
use std::ops::Range;

use candle_core::{Result as TensorResult, Tensor};

use super::super::TrainError;

/// Tokens of prompts that go through the layers at once.
pub(super) const PROMPT_TOKENS: usize = 4096;

/// Sequences to score or to learn from. Every token of a completion is scored: it
/// is predicted from the prompt and the tokens before it.
#[derive(Clone, Debug, Default)]
pub struct TokenBatch {
    tokens: Vec<u32>,
    sequences: Vec<Sequence>,
    scored: usize,
}

/// One sequence: where its tokens are, and how many of them are the prompt's.
#[derive(Clone, Debug)]
struct Sequence {
    tokens: Range<usize>,
    prompt: usize,
}

impl TokenBatch {
    /// A batch without a sequence.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sequence.
    pub fn push(&mut self, prompt: &[u32], completion: &[u32]) {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(prompt);
        self.tokens.extend_from_slice(completion);
        self.sequences.push(Sequence {
            tokens: start..self.tokens.len(),
            prompt: prompt.len(),
        });
        self.scored += completion.len();
    }

    /// How many sequences there are.
    pub fn sequences(&self) -> usize {
        self.sequences.len()
    }

    /// How many tokens there are, prompts and completions.
    pub fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// How many tokens are scored: those of all completions.
    pub fn scored(&self) -> usize {
        self.scored
    }

    /// Checks that every sequence can be scored.
    pub(super) fn check(&self, vocab_size: usize, positions: usize) -> Result<(), TrainError> {
        if self.sequences.is_empty() {
            return Err(TrainError::EmptyBatch);
        }
        for (index, sequence) in self.sequences.iter().enumerate() {
            let tokens = &self.tokens[sequence.tokens.clone()];
            if sequence.prompt == 0 {
                return Err(empty(index, "prompt"));
            }
            if sequence.prompt == tokens.len() {
                return Err(empty(index, "completion"));
            }
            check_tokens(index, tokens, vocab_size)?;
            if tokens.len() > positions {
                return Err(TrainError::TooLong {
                    sequence: index,
                    tokens: tokens.len(),
                    positions,
                });
            }
        }
        Ok(())
    }

    /// The sequences of `which` as the layers read them.
    pub(super) fn pack(&self, which: Range<usize>) -> Packed {
        let mut packed = Packed::default();
        for sequence in &self.sequences[which] {
            let tokens = &self.tokens[sequence.tokens.clone()];
            // Nothing is predicted from the last token.
            let (completion, read) = (&tokens[sequence.prompt..], &tokens[..tokens.len() - 1]);
            let start = packed.tokens.len();
            packed.push(read);
            packed
                .scored
                .push(start + sequence.prompt - 1..packed.tokens.len());
            packed.targets.extend_from_slice(completion);
        }
        packed
    }

    /// Neighbouring sequences, together at most `tokens` tokens long, or one.
    pub(super) fn groups(&self, tokens: usize) -> Vec<Range<usize>> {
        let lengths = self.sequences.iter().map(|sequence| sequence.tokens.len());
        group(lengths, tokens)
    }
}

/// What the layers read: tokens, and which rows are whose.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed {
    /// All tokens.
    pub(super) tokens: Vec<u32>,
    /// The position of every token in its sequence.
    pub(super) positions: Vec<u32>,
    /// The rows of every sequence.
    pub(super) sequences: Vec<Range<usize>>,
    /// The rows of every sequence that a scored token is predicted from.
    pub(super) scored: Vec<Range<usize>>,
    /// The scored tokens.
    pub(super) targets: Vec<u32>,
}

impl Packed {
    /// Adds a sequence without scored tokens.
    pub(super) fn push(&mut self, tokens: &[u32]) {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.positions.extend(0..tokens.len() as u32);
        self.sequences.push(start..self.tokens.len());
    }
}

/// Prompts without repetition, and which of them every row has: the rows of a group
/// have one, which is read once.
#[derive(Clone, Debug)]
pub(super) struct Distinct<'p> {
    /// In the order in which they came first.
    pub(super) prompts: Vec<&'p [u32]>,
    /// An index into them for every row.
    pub(super) of_rows: Vec<usize>,
}

impl<'p> Distinct<'p> {
    pub(super) fn of(rows: &[&'p [u32]]) -> Self {
        let mut places: HashMap<&[u32], usize> = HashMap::new();
        let mut prompts = Vec::new();
        let of_row = |prompt: &&'p [u32]| {
            *places.entry(prompt).or_insert_with(|| {
                prompts.push(*prompt);
                prompts.len() - 1
            })
        };
        let of_rows = rows.iter().map(of_row).collect();
        Self { prompts, of_rows }
    }

    /// The prompts as the layers read them, some at a time, with their range.
    pub(super) fn groups(&self) -> impl Iterator<Item = (Range<usize>, Packed)> {
        let lengths = self.prompts.iter().map(|prompt| prompt.len());
        let groups = group(lengths, PROMPT_TOKENS).into_iter();
        groups.map(|prompts| {
            let mut packed = Packed::default();
            for prompt in &self.prompts[prompts.clone()] {
                packed.push(prompt);
            }
            (prompts, packed)
        })
    }

    /// What is there once for every prompt, once for every row.
    pub(super) fn spread(&self, of_prompts: &Tensor) -> TensorResult<Tensor> {
        if self.prompts.len() == self.of_rows.len() {
            return Ok(of_prompts.clone());
        }
        let of_rows: Vec<u32> = self.of_rows.iter().map(|prompt| *prompt as u32).collect();
        let device = of_prompts.device();
        of_prompts.index_select(&Tensor::from_vec(of_rows, self.of_rows.len(), device)?, 0)
    }
}

/// Checks that tokens are in the vocabulary.
pub(super) fn check_tokens(
    sequence: usize,
    tokens: &[u32],
    vocab_size: usize,
) -> Result<(), TrainError> {
    match tokens
        .iter()
        .position(|token| *token as usize >= vocab_size)
    {
        None => Ok(()),
        Some(position) => Err(TrainError::Token {
            sequence,
            position,
            token: tokens[position],
            vocab_size,
        }),
    }
}

/// Ranges of neighbours whose lengths add up to at most `limit`, or of one.
pub(super) fn group(lengths: impl Iterator<Item = usize>, limit: usize) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    let mut used = 0;
    for (index, length) in lengths.enumerate() {
        match groups.last_mut() {
            Some(last) if used + length <= limit => {
                last.end = index + 1;
                used += length;
            }
            _ => {
                groups.push(index..index + 1);
                used = length;
            }
        }
    }
    groups
}

pub(super) fn empty(sequence: usize, part: &'static str) -> TrainError {
    TrainError::EmptySequence { sequence, part }
}
