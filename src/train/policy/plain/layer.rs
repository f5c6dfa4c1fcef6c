//! One layer of plain tensor operations; see the kernels' own layer.

use std::ops::Range;

use candle_core::Tensor;

use super::super::super::TrainError;
use super::super::super::ops::AttentionShape;
use super::super::layer::LayerPlaces;
use super::super::lora::Adapters;
use super::super::{Gradients, ModelConfig, Parameters};
use super::attention::{Angles, Heads};
use super::norm;

/// A layer of a policy, ready to be run.
#[derive(Clone, Copy)]
pub(super) struct PlainLayer<'p> {
    pub(super) config: &'p ModelConfig,
    pub(super) parameters: &'p Parameters,
    pub(super) places: &'p LayerPlaces,
    pub(super) adapters: Adapters<'p>,
}

/// What the way back needs.
#[derive(Debug)]
pub(super) struct LayerTape {
    x: Tensor,
    normed: Tensor,
    /// Before the norms of heads and the rotation.
    raw: Heads,
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
        angles: &Angles,
        sequences: &[Range<usize>],
    ) -> Result<(Tensor, LayerTape), TrainError> {
        let (normed, raw, rotated) = self.heads(x, angles)?;
        let attended = self.attend(&rotated, sequences)?;
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
    pub(super) fn attend(
        &self,
        heads: &Heads,
        sequences: &[Range<usize>],
    ) -> Result<Tensor, TrainError> {
        let shape = self.shape();
        let outs: candle_core::Result<Vec<Tensor>> = sequences
            .iter()
            .map(|rows| heads.rows(rows.start, rows.len())?.attend(shape))
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

    fn heads(&self, x: &Tensor, angles: &Angles) -> Result<(Tensor, Heads, Heads), TrainError> {
        let normed = self.norm(x, self.places.attention_norm)?;
        let mut qkv = self.linear(&normed, self.places.qkv)?;
        if let Some(bias) = self.places.qkv_bias {
            qkv = qkv.broadcast_add(self.parameters.at(bias))?;
        }
        let raw = Heads::cut(&qkv, self.shape())?;
        let normed_head = |x: &Tensor, weight: Option<usize>| match weight {
            Some(weight) => self.norm(x, weight),
            None => Ok(x.clone()),
        };
        let rotated = Heads {
            q: angles.turn(&normed_head(&raw.q, self.places.q_norm)?)?,
            k: angles.turn(&normed_head(&raw.k, self.places.k_norm)?)?,
            v: raw.v.clone(),
        };
        Ok((normed, raw, rotated))
    }

    fn feed_forward(&self, middle: &Tensor) -> Result<(Tensor, [Tensor; 3]), TrainError> {
        let normed = self.norm(middle, self.places.mlp_norm)?;
        let gate_up = self.linear(&normed, self.places.gate_up)?;
        let width = self.config.intermediate_size;
        let (gate, up) = (
            gate_up.narrow(1, 0, width)?,
            gate_up.narrow(1, width, width)?,
        );
        let activated = (gate.silu()? * up)?;
        let out = (middle + self.linear(&activated, self.places.down)?)?;
        Ok((out, [normed, gate_up, activated]))
    }

    /// Turns the gradient by the layer's output into that by its input, and adds
    /// those by its parameters to `gradients`.
    pub(super) fn backward(
        &self,
        tape: &LayerTape,
        angles: &Angles,
        sequences: &[Range<usize>],
        d_out: &Tensor,
        gradients: &mut Gradients,
    ) -> Result<Tensor, TrainError> {
        let d_middle = self.feed_forward_backward(tape, d_out, gradients)?;
        let places = self.places;
        let d_attended = self.linear_backward(&tape.attended, &d_middle, places.o, gradients)?;
        let shape = self.shape();
        let parts: candle_core::Result<Vec<Heads>> = sequences
            .iter()
            .map(|rows| {
                let d_out = d_attended.narrow(0, rows.start, rows.len())?;
                let heads = tape.rotated.rows(rows.start, rows.len())?;
                heads.attend_backward(shape, &d_out)
            })
            .collect();
        let d_rotated = Heads::concatenate(&parts?)?;
        let mut d_raw = Heads {
            q: angles.turn_back(&d_rotated.q)?,
            k: angles.turn_back(&d_rotated.k)?,
            v: d_rotated.v,
        };
        if let Some(weight) = places.q_norm {
            d_raw.q = self.norm_backward(&tape.raw.q, &d_raw.q, weight, gradients)?;
        }
        if let Some(weight) = places.k_norm {
            d_raw.k = self.norm_backward(&tape.raw.k, &d_raw.k, weight, gradients)?;
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
        let width = self.config.intermediate_size;
        let gate = tape.gate_up.narrow(1, 0, width)?;
        let up = tape.gate_up.narrow(1, width, width)?;
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
        let weight = self.parameters.at(weight);
        Ok(norm::forward(x, weight, self.config.rms_norm_eps)?)
    }

    fn norm_backward(
        &self,
        x: &Tensor,
        d_out: &Tensor,
        weight: usize,
        gradients: &mut Gradients,
    ) -> Result<Tensor, TrainError> {
        let tensor = self.parameters.at(weight);
        let (d_x, d_weight) = norm::backward(x, tensor, self.config.rms_norm_eps, d_out)?;
        gradients.add(weight, &d_weight)?;
        Ok(d_x)
    }

    fn linear(&self, x: &Tensor, weight: usize) -> Result<Tensor, TrainError> {
        let out = x.matmul(self.parameters.at(weight))?;
        self.adapters.plain_forward(weight, x, out)
    }

    /// The gradient by the input; that by the weight goes to `gradients`.
    fn linear_backward(
        &self,
        x: &Tensor,
        d_out: &Tensor,
        weight: usize,
        gradients: &mut Gradients,
    ) -> Result<Tensor, TrainError> {
        if gradients.is_wanted(weight) {
            gradients.add(weight, &x.t()?.contiguous()?.matmul(d_out)?)?;
        }
        let d_x = d_out.matmul(&self.parameters.at(weight).t()?.contiguous()?)?;
        self.adapters
            .plain_backward(weight, (x, d_out), d_x, gradients)
    }
}
