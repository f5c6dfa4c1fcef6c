//! One layer of plain tensor operations; see the kernels' own layer.
//!
//! The residual stream, norms, rotation and the gate are f32. What is multiplied, and
//! what is kept of it for the way back, has the type of the weights' copies.

use std::ops::Range;

use candle_core::Tensor;

use super::super::super::TrainError;
use super::super::super::ops::AttentionShape;
use super::super::layer::LayerPlaces;
use super::super::lora::Adapters;
use super::super::{Gradients, ModelConfig};
use super::attention::{Angles, Causal, Heads};
use super::norm;
use super::weights::{Weights, product, wide};

/// A layer of a policy, ready to be run.
#[derive(Clone, Copy)]
pub(super) struct PlainLayer<'p> {
    pub(super) config: &'p ModelConfig,
    pub(super) weights: Weights<'p>,
    pub(super) places: &'p LayerPlaces,
    pub(super) adapters: Adapters<'p>,
}

/// Whole sequences, one after the other.
#[derive(Clone, Debug)]
pub(super) struct PlainRows<'b> {
    pub(super) sequences: &'b [Range<usize>],
    pub(super) angles: Angles,
    pub(super) causal: Causal,
}

/// What the way back needs.
#[derive(Debug)]
pub(super) struct LayerTape {
    x: Tensor,
    normed: Tensor,
    /// Before the norms of heads and the rotation, where heads are normed.
    raw: Option<Heads>,
    rotated: Heads,
    attended: Tensor,
    middle: Tensor,
    middle_normed: Tensor,
    gate_up: Tensor,
    activated: Tensor,
}

impl PlainLayer<'_> {
    pub(super) fn forward(
        &self,
        x: &Tensor,
        rows: &PlainRows<'_>,
    ) -> Result<(Tensor, LayerTape), TrainError> {
        let (normed, raw, rotated) = self.heads(x, &rows.angles)?;
        let attended = self.attend(&rotated, rows)?;
        let middle = (x + self.linear(&attended, self.places.o)?)?;
        let (out, [middle_normed, gate_up, activated]) = self.feed_forward(&middle)?;
        let tape = LayerTape {
            x: x.clone(),
            normed,
            raw,
            rotated,
            attended,
            middle,
            middle_normed,
            gate_up,
            activated,
        };
        Ok((out, tape))
    }

    /// The layer around some attention over the rotated heads.
    pub(super) fn forward_with(
        &self,
        x: &Tensor,
        angles: &Angles,
        attend: impl FnOnce(&Heads) -> Result<Tensor, TrainError>,
    ) -> Result<Tensor, TrainError> {
        let (_, _, rotated) = self.heads(x, angles)?;
        let attended = attend(&rotated)?;
        let middle = (x + self.linear(&attended, self.places.o)?)?;
        Ok(self.feed_forward(&middle)?.0)
    }

    /// Attention over whole sequences.
    pub(super) fn attend(&self, heads: &Heads, rows: &PlainRows<'_>) -> Result<Tensor, TrainError> {
        let shape = self.shape();
        let outs: candle_core::Result<Vec<Tensor>> = rows
            .sequences
            .iter()
            .map(|of| heads.rows(of.start, of.len())?.attend(shape, &rows.causal))
            .collect();
        Ok(Tensor::cat(&outs?, 0)?)
    }

    pub(super) fn shape(&self) -> AttentionShape {
        AttentionShape {
            heads: self.config.heads,
            kv_heads: self.config.kv_heads,
            head_dim: self.config.head_dim,
        }
    }

    /// The normed input, the heads as they come if they are normed, and the heads
    /// that attend.
    fn heads(
        &self,
        x: &Tensor,
        angles: &Angles,
    ) -> Result<(Tensor, Option<Heads>, Heads), TrainError> {
        let weights = self.weights;
        let normed = weights.round(&self.norm(x, self.places.attention_norm)?)?;
        let mut qkv = self.linear(&normed, self.places.qkv)?;
        if let Some(bias) = self.places.qkv_bias {
            qkv = qkv.broadcast_add(weights.at(bias))?;
        }
        let mut heads = Heads::cut(&qkv, self.shape())?;
        let raw = match self.places.q_norm.or(self.places.k_norm) {
            Some(_) => Some(heads.to_dtype(weights.element)?),
            None => None,
        };
        if let Some(weight) = self.places.q_norm {
            heads.q = self.norm(&heads.q, weight)?;
        }
        if let Some(weight) = self.places.k_norm {
            heads.k = self.norm(&heads.k, weight)?;
        }
        let rotated = Heads {
            q: angles.turn(&heads.q)?,
            k: angles.turn(&heads.k)?,
            v: heads.v,
        };
        Ok((normed, raw, rotated.to_dtype(weights.element)?))
    }

    fn feed_forward(&self, middle: &Tensor) -> Result<(Tensor, [Tensor; 3]), TrainError> {
        let weights = self.weights;
        let normed = weights.round(&self.norm(middle, self.places.mlp_norm)?)?;
        let gate_up = weights.round(&self.linear(&normed, self.places.gate_up)?)?;
        let (gate, up) = self.gate_and_up(&gate_up)?;
        let activated = weights.round(&(gate.silu()? * up)?)?;
        let out = (middle + self.linear(&activated, self.places.down)?)?;
        Ok((out, [normed, gate_up, activated]))
    }

    /// The halves of what the way up gives, in f32.
    fn gate_and_up(&self, gate_up: &Tensor) -> Result<(Tensor, Tensor), TrainError> {
        let width = self.config.intermediate_size;
        let half = |from: usize| wide(&gate_up.narrow(1, from, width)?);
        Ok((half(0)?, half(width)?))
    }

    /// Turns the gradient by the layer's output into that by its input, and adds
    /// those by its parameters to `gradients`.
    pub(super) fn backward(
        &self,
        tape: &LayerTape,
        rows: &PlainRows<'_>,
        d_out: &Tensor,
        gradients: &mut Gradients,
    ) -> Result<Tensor, TrainError> {
        let d_middle = self.feed_forward_backward(tape, d_out, gradients)?;
        let places = self.places;
        let d_attended = self.linear_backward(&tape.attended, &d_middle, places.o, gradients)?;
        let shape = self.shape();
        let parts: candle_core::Result<Vec<Heads>> = rows
            .sequences
            .iter()
            .map(|of| {
                let d_out = d_attended.narrow(0, of.start, of.len())?;
                let heads = tape.rotated.rows(of.start, of.len())?;
                heads.attend_backward(shape, &rows.causal, &d_out)
            })
            .collect();
        let d_rotated = Heads::concatenate(&parts?)?;
        let mut d_raw = Heads {
            q: rows.angles.turn_back(&d_rotated.q)?,
            k: rows.angles.turn_back(&d_rotated.k)?,
            v: d_rotated.v,
        };
        if let Some(raw) = &tape.raw {
            if let Some(weight) = places.q_norm {
                d_raw.q = self.norm_backward(&wide(&raw.q)?, &d_raw.q, weight, gradients)?;
            }
            if let Some(weight) = places.k_norm {
                d_raw.k = self.norm_backward(&wide(&raw.k)?, &d_raw.k, weight, gradients)?;
            }
        }
        let d_qkv = d_raw.join()?;
        if let Some(bias) = places.qkv_bias {
            gradients.add(bias, &d_qkv.sum(0)?)?;
        }
        let d_normed = self.linear_backward(&tape.normed, &d_qkv, places.qkv, gradients)?;
        let d_x = self.norm_backward(&tape.x, &d_normed, places.attention_norm, gradients)?;
        Ok((d_middle + d_x)?)
    }

    fn feed_forward_backward(
        &self,
        tape: &LayerTape,
        d_out: &Tensor,
        gradients: &mut Gradients,
    ) -> Result<Tensor, TrainError> {
        let places = self.places;
        let d_activated = self.linear_backward(&tape.activated, d_out, places.down, gradients)?;
        let (gate, up) = self.gate_and_up(&tape.gate_up)?;
        let share = ((gate.neg()?.exp()? + 1.0)?).recip()?;
        let silu = (&gate * &share)?;
        // silu' = share + silu (1 - share)
        let slope = (&share + (&silu * (1.0 - &share)?)?)?;
        let d_gate = ((&d_activated * up)? * slope)?;
        let d_up = (d_activated * silu)?;
        let d_gate_up = Tensor::cat(&[d_gate, d_up], 1)?;
        let inputs = &tape.middle_normed;
        let d_normed = self.linear_backward(inputs, &d_gate_up, places.gate_up, gradients)?;
        let d_middle = self.norm_backward(&tape.middle, &d_normed, places.mlp_norm, gradients)?;
        Ok((d_out + d_middle)?)
    }

    fn norm(&self, x: &Tensor, weight: usize) -> Result<Tensor, TrainError> {
        let weight = self.weights.at(weight);
        Ok(norm::forward(x, weight, self.config.rms_norm_eps)?)
    }

    fn norm_backward(
        &self,
        x: &Tensor,
        d_out: &Tensor,
        weight: usize,
        gradients: &mut Gradients,
    ) -> Result<Tensor, TrainError> {
        let tensor = self.weights.at(weight);
        let (d_x, d_weight) = norm::backward(x, tensor, self.config.rms_norm_eps, d_out)?;
        gradients.add(weight, &d_weight)?;
        Ok(d_x)
    }

    /// A linear map of what is rounded already, in f32.
    fn linear(&self, x: &Tensor, weight: usize) -> Result<Tensor, TrainError> {
        let out = product(x, &self.weights.factor(weight)?)?;
        self.adapters.plain_forward((weight, self.weights), x, out)
    }

    /// The gradient by the input, in f32; that by the weight goes to `gradients`.
    fn linear_backward(
        &self,
        x: &Tensor,
        d_out: &Tensor,
        weight: usize,
        gradients: &mut Gradients,
    ) -> Result<Tensor, TrainError> {
        let d_out = &self.weights.round(d_out)?;
        if gradients.is_wanted(weight) {
            gradients.add(weight, &product(&x.t()?, d_out)?)?;
        }
        let d_x = product(d_out, &self.weights.factor(weight)?.t()?)?;
        self.adapters
            .plain_backward((weight, self.weights), (x, d_out), d_x, gradients)
    }
}
