//! The scores of a batch, with what is needed to differentiate them.

use super::super::TrainError;
use super::super::ops::{HostMatrix, Positions, Scored, ScoredTape};
use super::batch::Packed;
use super::layer::{Layer, LayerTape, Rows};
use super::lora::LoraPass;
use super::plain::PlainTape;
use super::{Compute, Policy, TokenBatch, TokenScores};

/// What is kept between forward and backward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recompute {
    /// Everything the way back needs.
    #[default]
    Never,
    /// Of every layer its input alone; the layer is run again on the way back.
    /// The gradients are the same, to the bit.
    Layers,
}

/// What [`Policy::backward`] needs of a forward pass.
#[derive(Debug)]
pub struct Tape(pub(super) Passed);

/// The tape of what computed.
#[derive(Debug)]
pub(super) enum Passed {
    Kernels(KernelTape),
    Plain(PlainTape),
}

/// What the kernels need on the way back.
#[derive(Debug)]
pub(super) struct KernelTape {
    pub(super) pass: LoraPass,
    pub(super) packed: Packed,
    pub(super) layers: Vec<Kept<LayerTape, HostMatrix>>,
    /// The residual stream after the last layer, where a token is scored.
    pub(super) last: HostMatrix,
    pub(super) scores: ScoredTape,
    pub(super) temperature: f64,
}

/// What is kept of a layer: its tape, or its input to run it again.
#[derive(Debug)]
pub(super) enum Kept<Tape, Input> {
    All(Box<Tape>),
    Input(Input),
}

impl<Tape, Input> Kept<Tape, Input> {
    /// The tape of the layer, which `forward` runs where its input alone was kept.
    pub(super) fn tape<Out>(
        self,
        forward: impl FnOnce(Input) -> Result<(Out, Tape), TrainError>,
    ) -> Result<Tape, TrainError> {
        match self {
            Self::All(tape) => Ok(*tape),
            Self::Input(input) => Ok(forward(input)?.1),
        }
    }
}

impl Policy {
    /// The scores of all completions, and the tape that [`Policy::backward`] takes.
    ///
    /// # Errors
    /// For a batch without sequences, an empty prompt or completion, a token outside
    /// the vocabulary, a sequence longer than the model's positions, and a
    /// temperature that is not positive.
    pub fn forward(
        &self,
        batch: &TokenBatch,
        temperature: f64,
        recompute: Recompute,
    ) -> Result<(TokenScores, Tape), TrainError> {
        self.check(batch, temperature)?;
        let packed = batch.pack(0..batch.sequences());
        if self.compute != Compute::Kernels {
            let (scores, tape) = self.plain_forward(packed, temperature, recompute)?;
            return Ok((scores, Tape(Passed::Plain(tape))));
        }
        let pass = self.training_pass();
        let mut layers = Vec::with_capacity(self.config.layers);
        let mut x = self.embed(&packed.tokens)?;
        let table = self.rope(packed.longest());
        for index in 0..self.config.layers {
            let rows = packed.rows(&table);
            let (out, kept) = match recompute {
                Recompute::Never => {
                    let (out, tape) = self.layer(index, pass).forward(x, rows)?;
                    (out, Kept::All(Box::new(tape)))
                }
                Recompute::Layers => {
                    let input = self.ops.copy(&x);
                    (self.run_layer(index, pass, x, rows)?, Kept::Input(input))
                }
            };
            layers.push(kept);
            x = out;
        }
        let last = self.scored_rows(&x, &packed);
        drop(x);
        let scores = self.score_rows(&last, &packed, temperature)?;
        let result = TokenScores {
            logps: scores.logps.clone(),
            entropies: scores.entropies.clone(),
        };
        let tape = KernelTape {
            pass,
            packed,
            layers,
            last,
            scores,
            temperature,
        };
        Ok((result, Tape(Passed::Kernels(tape))))
    }

    pub(super) fn check(&self, batch: &TokenBatch, temperature: f64) -> Result<(), TrainError> {
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(TrainError::Number {
                name: "temperature",
                found: temperature,
                wanted: "finite and above 0",
            });
        }
        batch.check(self.config.vocab_size, self.config.max_positions)
    }

    pub(super) fn layer(&self, index: usize, pass: LoraPass) -> Layer<'_> {
        Layer {
            adapters: self.adapters(pass),
            ops: &self.ops,
            config: &self.config,
            parameters: &self.parameters,
            places: &self.places.layers[index],
        }
    }

    pub(super) fn embed(&self, tokens: &[u32]) -> Result<HostMatrix, TrainError> {
        self.ops
            .embed(self.parameters.at(self.places.embed), tokens)
    }

    /// A layer over whole sequences, without a tape.
    pub(super) fn run_layer(
        &self,
        index: usize,
        pass: LoraPass,
        x: HostMatrix,
        rows: Rows<'_>,
    ) -> Result<HostMatrix, TrainError> {
        let layer = self.layer(index, pass);
        layer.forward_with(x, rows.positions, |qkv| {
            let (attended, _) = self.ops.attention(qkv, layer.shape(), rows.sequences);
            attended
        })
    }

    /// The rows that scored tokens are predicted from.
    pub(super) fn scored_rows(&self, x: &HostMatrix, packed: &Packed) -> HostMatrix {
        let width = x.columns();
        let mut rows = self.ops.matrix(packed.targets.len(), width);
        let mut to = rows.data_mut();
        for scored in &packed.scored {
            let (piece, rest) = to.split_at_mut(scored.len() * width);
            piece.copy_from_slice(&x.data()[scored.start * width..scored.end * width]);
            to = rest;
        }
        rows
    }

    pub(super) fn score_rows(
        &self,
        rows: &HostMatrix,
        packed: &Packed,
        temperature: f64,
    ) -> Result<ScoredTape, TrainError> {
        let hidden = self.last_norm(rows)?;
        self.ops.scores(&Scored {
            hidden: &hidden,
            head: self.head(),
            targets: &packed.targets,
            temperature,
        })
    }

    pub(super) fn last_norm(&self, rows: &HostMatrix) -> Result<HostMatrix, TrainError> {
        let weight = self.parameters.at(self.places.norm);
        self.ops.rms_norm(rows, weight, self.config.rms_norm_eps)
    }
}

impl Packed {
    /// The tokens of the longest sequence.
    pub(super) fn longest(&self) -> usize {
        let lengths = self.sequences.iter().map(ExactSizeIterator::len);
        lengths.max().unwrap_or_default()
    }

    pub(super) fn rows<'b>(&'b self, table: &'b super::super::ops::RopeTable) -> Rows<'b> {
        Rows {
            positions: Positions {
                of_rows: &self.positions,
                table,
            },
            sequences: &self.sequences,
        }
    }
}
