//! Whole passes: scores forward, gradients backward.

use candle_core::{Result as TensorResult, Tensor};

use super::super::super::TrainError;
use super::super::super::ops::{Head, Positions, RopeTable};
use super::super::batch::Packed;
use super::super::forward::Kept;
use super::super::lora::LoraPass;
use super::super::{Gradients, Policy, Recompute, TokenScores};
use super::attention::{Angles, Causal};
use super::layer::{LayerTape, PlainLayer, PlainRows};
use super::norm;
use super::scores::{LOGITS, Scored, Scores, logits};
use super::weights::Weights;

/// What the way back needs.
#[derive(Debug)]
pub(in crate::train::policy) struct PlainTape {
    pass: LoraPass,
    packed: Packed,
    layers: Vec<Kept<LayerTape, Tensor>>,
    last: Tensor,
    scores: Scores,
    temperature: f64,
}

impl PlainTape {
    /// How many tokens are scored.
    pub(in crate::train::policy) fn scored(&self) -> usize {
        self.packed.targets.len()
    }
}

impl Policy {
    /// The scores of packed sequences with a tape, in plain tensor operations.
    pub(in crate::train::policy) fn plain_forward(
        &self,
        packed: Packed,
        temperature: f64,
        recompute: Recompute,
    ) -> Result<(TokenScores, PlainTape), TrainError> {
        let pass = self.training_pass();
        let rows = self.plain_rows(&packed)?;
        let mut x = self.plain_embed(&packed.tokens)?;
        let mut layers = Vec::with_capacity(self.config.layers);
        for index in 0..self.config.layers {
            let layer = self.plain_layer(index, pass);
            let (out, tape) = layer.forward(&x, &rows)?;
            layers.push(match recompute {
                Recompute::Never => Kept::All(Box::new(tape)),
                Recompute::Layers => Kept::Input(x),
            });
            x = out;
        }
        let last = scored_rows(&x, &packed)?;
        let scores = self.plain_scores(&last, &packed, temperature)?;
        let result = TokenScores {
            logps: scores.logps.to_vec1()?,
            entropies: scores.entropies.to_vec1()?,
        };
        let tape = PlainTape {
            pass,
            packed,
            layers,
            last,
            scores,
            temperature,
        };
        Ok((result, tape))
    }

    /// The scores of packed sequences.
    pub(in crate::train::policy) fn plain_score(
        &self,
        packed: &Packed,
        temperature: f64,
    ) -> Result<TokenScores, TrainError> {
        let rows = self.plain_rows(packed)?;
        let mut x = self.plain_embed(&packed.tokens)?;
        for index in 0..self.config.layers {
            let layer = self.plain_layer(index, LoraPass::Whole);
            let attend = |heads: &_| layer.attend(heads, &rows);
            x = layer.forward_with(&x, &rows.angles, attend)?;
        }
        let scores = self.plain_scores(&scored_rows(&x, packed)?, packed, temperature)?;
        Ok(TokenScores {
            logps: scores.logps.to_vec1()?,
            entropies: scores.entropies.to_vec1()?,
        })
    }

    /// Adds the gradient by every trainable parameter.
    pub(in crate::train::policy) fn plain_backward(
        &self,
        tape: PlainTape,
        d_logps: &[f32],
        d_entropies: Option<&[f32]>,
        gradients: &mut Gradients,
    ) -> Result<(), TrainError> {
        let PlainTape {
            pass,
            packed,
            mut layers,
            last,
            scores,
            temperature,
        } = tape;
        let tensor = |numbers: &[f32]| Tensor::from_slice(numbers, numbers.len(), &self.device);
        let d_entropies = d_entropies.map(tensor).transpose()?;
        let norm_place = self.places.norm;
        let (norm_weight, epsilon) = (self.parameters.at(norm_place), self.config.rms_norm_eps);
        let head = self.plain_weights().factor(self.places.head)?;
        let hidden = self.plain_last_norm(&last)?;
        let targets = self.tokens(&packed.targets)?;
        let scored = Scored {
            hidden: &hidden,
            head: self.head_of(&head),
            targets: &targets,
            temperature,
            at_once: LOGITS,
        };
        let wants_head = gradients.is_wanted(self.places.head);
        let slopes =
            scored.backward(&scores, &tensor(d_logps)?, d_entropies.as_ref(), wants_head)?;
        if let Some(head) = slopes.head {
            gradients.add(self.places.head, &head)?;
        }
        let (d_last, d_norm) = norm::backward(&last, norm_weight, epsilon, &slopes.hidden)?;
        gradients.add(norm_place, &d_norm)?;
        let places = self.tokens(&scored_places(&packed))?;
        let empty = Tensor::zeros(
            (packed.tokens.len(), self.config.hidden_size),
            candle_core::DType::F32,
            &self.device,
        )?;
        let mut d_x = empty.index_add(&places, &d_last, 0)?;
        let rows = self.plain_rows(&packed)?;
        while let Some(kept) = layers.pop() {
            let layer = self.plain_layer(layers.len(), pass);
            let tape = kept.tape(|x| layer.forward(&x, &rows))?;
            d_x = layer.backward(&tape, &rows, &d_x, gradients)?;
        }
        if gradients.is_wanted(self.places.embed) {
            let zeros = self.parameters.at(self.places.embed).zeros_like()?;
            let tokens = self.tokens(&packed.tokens)?;
            gradients.add(self.places.embed, &zeros.index_add(&tokens, &d_x, 0)?)?;
        }
        Ok(())
    }

    pub(super) fn plain_layer(&self, index: usize, pass: LoraPass) -> PlainLayer<'_> {
        PlainLayer {
            config: &self.config,
            weights: self.plain_weights(),
            places: &self.places.layers[index],
            adapters: self.adapters(pass),
        }
    }

    pub(super) fn plain_embed(&self, tokens: &[u32]) -> Result<Tensor, TrainError> {
        let table = self.parameters.at(self.places.embed);
        Ok(table.index_select(&self.tokens(tokens)?, 0)?)
    }

    /// What the head reads, as it is multiplied.
    pub(super) fn plain_last_norm(&self, rows: &Tensor) -> TensorResult<Tensor> {
        let weights = self.plain_weights();
        let weight = weights.at(self.places.norm);
        weights.round(&norm::forward(rows, weight, self.config.rms_norm_eps)?)
    }

    /// The logits after some rows of the last layer, in f32.
    pub(super) fn plain_logits(&self, rows: &Tensor) -> TensorResult<Tensor> {
        let head = self.plain_weights().factor(self.places.head)?;
        logits(&self.plain_last_norm(rows)?, self.head_of(&head))
    }

    fn plain_weights(&self) -> Weights<'_> {
        Weights {
            parameters: &self.parameters,
            copies: &self.copies,
            element: self.compute.element(),
        }
    }

    fn head_of<'t>(&self, weights: &'t Tensor) -> Head<&'t Tensor> {
        match self.head() {
            Head::Own(_) => Head::Own(weights),
            Head::Tied(_) => Head::Tied(weights),
        }
    }

    pub(super) fn plain_rows<'b>(&self, packed: &'b Packed) -> Result<PlainRows<'b>, TrainError> {
        let longest = packed.longest();
        let table = self.rope(longest);
        Ok(PlainRows {
            sequences: &packed.sequences,
            angles: self.angles_at(&packed.positions, &table)?,
            causal: Causal::new(longest, &self.device)?,
        })
    }

    pub(super) fn angles_at(
        &self,
        of_rows: &[u32],
        table: &RopeTable,
    ) -> Result<Angles, TrainError> {
        Ok(Angles::new(Positions { of_rows, table }, &self.device)?)
    }

    fn plain_scores(
        &self,
        last: &Tensor,
        packed: &Packed,
        temperature: f64,
    ) -> Result<Scores, TrainError> {
        let head = self.plain_weights().factor(self.places.head)?;
        let scored = Scored {
            hidden: &self.plain_last_norm(last)?,
            head: self.head_of(&head),
            targets: &self.tokens(&packed.targets)?,
            temperature,
            at_once: LOGITS,
        };
        Ok(scored.forward()?)
    }

    fn tokens(&self, tokens: &[u32]) -> TensorResult<Tensor> {
        Tensor::from_slice(tokens, tokens.len(), &self.device)
    }
}

/// The rows that scored tokens are predicted from.
fn scored_rows(x: &Tensor, packed: &Packed) -> TensorResult<Tensor> {
    let places = scored_places(packed);
    x.index_select(&Tensor::from_slice(&places, places.len(), x.device())?, 0)
}

fn scored_places(packed: &Packed) -> Vec<u32> {
    let scored = packed.scored.iter().cloned().flatten();
    scored.map(|row| row as u32).collect()
}
