//! One layer: attention and SwiGLU, each behind a norm and beside the residual
//! stream; forward, and backward by hand.

use std::ops::Range;

use super::super::TrainError;
use super::super::ops::{AttentionShape, HeadNorms, HostMatrix, Ops, Positions};
use super::lora::Adapters;
use super::{Gradients, ModelConfig, Parameters};

/// Where the parameters of a layer stand in their list.
#[derive(Clone, Debug, Default)]
pub(super) struct LayerPlaces {
    pub(super) attention_norm: usize,
    pub(super) qkv: usize,
    pub(super) qkv_bias: Option<usize>,
    pub(super) q_norm: Option<usize>,
    pub(super) k_norm: Option<usize>,
    pub(super) o: usize,
    pub(super) mlp_norm: usize,
    pub(super) gate_up: usize,
    pub(super) down: usize,
}

impl LayerPlaces {
    pub(super) fn new(find: impl Fn(&str) -> Option<usize>) -> Self {
        let place = |name| find(name).unwrap_or_default();
        Self {
            attention_norm: place("attention_norm.weight"),
            qkv: place("qkv.weight"),
            qkv_bias: find("qkv.bias"),
            q_norm: find("q_norm.weight"),
            k_norm: find("k_norm.weight"),
            o: place("o.weight"),
            mlp_norm: place("mlp_norm.weight"),
            gate_up: place("gate_up.weight"),
            down: place("down.weight"),
        }
    }
}

/// A layer of a policy, ready to be run.
#[derive(Clone, Copy)]
pub(super) struct Layer<'p> {
    pub(super) ops: &'p Ops,
    pub(super) config: &'p ModelConfig,
    pub(super) parameters: &'p Parameters,
    pub(super) places: &'p LayerPlaces,
    pub(super) adapters: Adapters<'p>,
}

/// Which rows are whose.
#[derive(Clone, Copy)]
pub(super) struct Rows<'b> {
    pub(super) positions: Positions<'b>,
    pub(super) sequences: &'b [Range<usize>],
}

/// What the way back needs. Outputs of norms and of SwiGLU are made again.
#[derive(Debug)]
pub(super) struct LayerTape {
    /// The residual stream before the layer.
    x: HostMatrix,
    /// Rotated.
    qkv: HostMatrix,
    /// Before the norms of heads, if there are any.
    raw_qkv: Option<HostMatrix>,
    attended: HostMatrix,
    log_sums: HostMatrix,
    /// The residual stream between attention and SwiGLU.
    middle: HostMatrix,
    gate_up: HostMatrix,
}

impl Layer<'_> {
    /// The residual stream `[tokens, d]` after the layer, and what the way back
    /// needs.
    pub(super) fn forward(
        &self,
        x: HostMatrix,
        rows: Rows<'_>,
    ) -> Result<(HostMatrix, LayerTape), TrainError> {
        let (qkv, raw_qkv) = self.queries_keys_values(&x, rows.positions)?;
        let (attended, log_sums) = self.ops.attention(&qkv, self.shape(), rows.sequences);
        let mut middle = self.ops.copy(&x);
        self.linear_add(&mut middle, &attended, self.places.o)?;
        let (out, gate_up) = self.feed_forward(&middle)?;
        let tape = LayerTape {
            x,
            qkv,
            raw_qkv,
            attended,
            log_sums,
            middle,
            gate_up,
        };
        Ok((out, tape))
    }

    /// The layer around some attention, without a tape: `attend` gets the rotated
    /// `q | k | v`.
    pub(super) fn forward_with(
        &self,
        mut x: HostMatrix,
        positions: Positions<'_>,
        attend: impl FnOnce(&HostMatrix) -> HostMatrix,
    ) -> Result<HostMatrix, TrainError> {
        let (qkv, _) = self.queries_keys_values(&x, positions)?;
        let attended = attend(&qkv);
        drop(qkv);
        self.linear_add(&mut x, &attended, self.places.o)?;
        drop(attended);
        let normed = self.norm(&x, self.places.mlp_norm)?;
        let gate_up = self.linear(&normed, self.places.gate_up)?;
        drop(normed);
        let activated = self.ops.swiglu(&gate_up);
        drop(gate_up);
        self.linear_add(&mut x, &activated, self.places.down)?;
        Ok(x)
    }

    pub(super) fn shape(&self) -> AttentionShape {
        AttentionShape {
            heads: self.config.heads,
            kv_heads: self.config.kv_heads,
            head_dim: self.config.head_dim,
        }
    }

    fn queries_keys_values(
        &self,
        x: &HostMatrix,
        positions: Positions<'_>,
    ) -> Result<(HostMatrix, Option<HostMatrix>), TrainError> {
        let normed = self.norm(x, self.places.attention_norm)?;
        let qkv = self.linear(&normed, self.places.qkv)?;
        let bias = self.places.qkv_bias.map(|bias| self.parameters.at(bias));
        let norms = self.head_norms();
        self.ops.rotate(qkv, bias, norms, self.shape(), positions)
    }

    fn feed_forward(&self, middle: &HostMatrix) -> Result<(HostMatrix, HostMatrix), TrainError> {
        let normed = self.norm(middle, self.places.mlp_norm)?;
        let gate_up = self.linear(&normed, self.places.gate_up)?;
        drop(normed);
        let activated = self.ops.swiglu(&gate_up);
        let mut out = self.ops.copy(middle);
        self.linear_add(&mut out, &activated, self.places.down)?;
        Ok((out, gate_up))
    }

    /// Turns the gradient by the layer's output into that by its input, and adds
    /// those by its parameters to `gradients`.
    pub(super) fn backward(
        &self,
        tape: LayerTape,
        rows: Rows<'_>,
        mut d_x: HostMatrix,
        gradients: &mut Gradients,
    ) -> Result<HostMatrix, TrainError> {
        self.feed_forward_backward(&tape, &mut d_x, gradients)?;
        let LayerTape {
            x,
            qkv,
            raw_qkv,
            attended,
            log_sums,
            ..
        } = tape;
        let d_attended = self.linear_backward(&d_x, self.places.o)?;
        self.weight_backward(&attended, &d_x, self.places.o, gradients)?;
        let seen = (&attended, &log_sums);
        let shape = self.shape();
        let mut d_qkv = self
            .ops
            .attention_backward(&qkv, shape, rows.sequences, seen, &d_attended);
        drop((qkv, attended, log_sums, d_attended));
        self.rotate_backward(&mut d_qkv, raw_qkv.as_ref(), rows.positions, gradients)?;
        if let Some(bias) = self.places.qkv_bias
            && let Some(gradient) = gradients.slot(bias)
        {
            self.ops.bias_backward(&d_qkv, gradient);
        }
        let normed = self.norm(&x, self.places.attention_norm)?;
        self.weight_backward(&normed, &d_qkv, self.places.qkv, gradients)?;
        drop(normed);
        let d_normed = self.linear_backward(&d_qkv, self.places.qkv)?;
        drop(d_qkv);
        self.norm_backward(
            &x,
            self.places.attention_norm,
            &d_normed,
            &mut d_x,
            gradients,
        )?;
        Ok(d_x)
    }

    fn feed_forward_backward(
        &self,
        tape: &LayerTape,
        d_x: &mut HostMatrix,
        gradients: &mut Gradients,
    ) -> Result<(), TrainError> {
        let d_activated = self.linear_backward(d_x, self.places.down)?;
        let (activated, d_gate_up) = self.ops.swiglu_backward(&tape.gate_up, &d_activated);
        drop(d_activated);
        self.weight_backward(&activated, d_x, self.places.down, gradients)?;
        drop(activated);
        let normed = self.norm(&tape.middle, self.places.mlp_norm)?;
        self.weight_backward(&normed, &d_gate_up, self.places.gate_up, gradients)?;
        drop(normed);
        let d_normed = self.linear_backward(&d_gate_up, self.places.gate_up)?;
        drop(d_gate_up);
        self.norm_backward(
            &tape.middle,
            self.places.mlp_norm,
            &d_normed,
            d_x,
            gradients,
        )
    }

    fn rotate_backward(
        &self,
        d_qkv: &mut HostMatrix,
        raw_qkv: Option<&HostMatrix>,
        positions: Positions<'_>,
        gradients: &mut Gradients,
    ) -> Result<(), TrainError> {
        let [d_q, d_k] = gradients.two_slots([self.places.q_norm, self.places.k_norm]);
        let norms = self.head_norms();
        let shape = self.shape();
        self.ops
            .rotate_backward(d_qkv, raw_qkv, norms, [d_q, d_k], shape, positions)
    }

    fn head_norms(&self) -> Option<HeadNorms<&candle_core::Tensor>> {
        let (q, k) = self.places.q_norm.zip(self.places.k_norm)?;
        Some(HeadNorms {
            q: self.parameters.at(q),
            k: self.parameters.at(k),
            epsilon: self.config.rms_norm_eps,
        })
    }

    fn norm(&self, x: &HostMatrix, weight: usize) -> Result<HostMatrix, TrainError> {
        let weight = self.parameters.at(weight);
        self.ops.rms_norm(x, weight, self.config.rms_norm_eps)
    }

    fn norm_backward(
        &self,
        x: &HostMatrix,
        weight: usize,
        d_normed: &HostMatrix,
        d_x: &mut HostMatrix,
        gradients: &mut Gradients,
    ) -> Result<(), TrainError> {
        let slot = gradients.slot(weight);
        let (weight, epsilon) = (self.parameters.at(weight), self.config.rms_norm_eps);
        self.ops
            .rms_norm_backward(x, weight, epsilon, d_normed, d_x, slot)
    }

    fn linear(&self, x: &HostMatrix, weight: usize) -> Result<HostMatrix, TrainError> {
        let mut out = self.ops.linear(x, self.parameters.at(weight))?;
        self.adapters.forward(weight, x, &mut out)?;
        Ok(out)
    }

    fn linear_add(
        &self,
        out: &mut HostMatrix,
        x: &HostMatrix,
        weight: usize,
    ) -> Result<(), TrainError> {
        self.ops.linear_add(out, x, self.parameters.at(weight))?;
        self.adapters.forward(weight, x, out)
    }

    fn linear_backward(&self, d_out: &HostMatrix, weight: usize) -> Result<HostMatrix, TrainError> {
        let mut d_x = self
            .ops
            .linear_backward(d_out, self.parameters.at(weight))?;
        self.adapters.input_backward(weight, d_out, &mut d_x)?;
        Ok(d_x)
    }

    fn weight_backward(
        &self,
        x: &HostMatrix,
        d_out: &HostMatrix,
        weight: usize,
        gradients: &mut Gradients,
    ) -> Result<(), TrainError> {
        if let Some(gradient) = gradients.slot(weight) {
            self.ops.weight_backward(x, d_out, gradient);
        }
        self.adapters.backward(weight, x, d_out, gradients)
    }
}
