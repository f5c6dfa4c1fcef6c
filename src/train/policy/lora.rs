//! LoRA: a few low-rank matrices are trained beside weights that stay as they are.
//!
//! Source: arXiv:2106.09685; names, scales and initial values are those of PEFT, and
//! rank-stabilised scales those of arXiv:2312.03732. A packed weight has one adapter
//! for each of PEFT's modules in it. With the adapters left out the policy is the one
//! it was: the reference of a KL term needs no weights of its own.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::TrainError;
use super::super::ops::{Adapter, Dropout, HostMatrix, Ops};
use super::{Gradients, ModelConfig, Parameters, Policy};

/// A linear map that an adapter can stand beside, by PEFT's name.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LoraTarget {
    /// Queries.
    QProj,
    /// Keys.
    KProj,
    /// Values.
    VProj,
    /// The way out of attention.
    OProj,
    /// The gate of SwiGLU.
    GateProj,
    /// The way up of SwiGLU.
    UpProj,
    /// The way down of SwiGLU.
    DownProj,
}

impl LoraTarget {
    /// All of them, in the order of a layer.
    pub const ALL: [Self; 7] = [
        Self::QProj,
        Self::KProj,
        Self::VProj,
        Self::OProj,
        Self::GateProj,
        Self::UpProj,
        Self::DownProj,
    ];

    /// PEFT's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::QProj => "q_proj",
            Self::KProj => "k_proj",
            Self::VProj => "v_proj",
            Self::OProj => "o_proj",
            Self::GateProj => "gate_proj",
            Self::UpProj => "up_proj",
            Self::DownProj => "down_proj",
        }
    }

    /// The block of a layer that it is in, in transformers.
    pub(in crate::train) fn block(self) -> &'static str {
        match self {
            Self::QProj | Self::KProj | Self::VProj | Self::OProj => "self_attn",
            Self::GateProj | Self::UpProj | Self::DownProj => "mlp",
        }
    }

    /// The weight that it is part of, its inputs, and its columns there.
    fn place(self, config: &ModelConfig) -> (&'static str, usize, Range<usize>) {
        let hidden = config.hidden_size;
        let q = config.heads * config.head_dim;
        let k = config.kv_heads * config.head_dim;
        let ff = config.intermediate_size;
        match self {
            Self::QProj => ("qkv.weight", hidden, 0..q),
            Self::KProj => ("qkv.weight", hidden, q..q + k),
            Self::VProj => ("qkv.weight", hidden, q + k..q + 2 * k),
            Self::OProj => ("o.weight", q, 0..hidden),
            Self::GateProj => ("gate_up.weight", hidden, 0..ff),
            Self::UpProj => ("gate_up.weight", hidden, ff..2 * ff),
            Self::DownProj => ("down.weight", ff, 0..hidden),
        }
    }

    /// Name of one of its two parameters.
    pub(in crate::train) fn parameter(self, layer: usize, side: LoraSide) -> String {
        let side = match side {
            LoraSide::A => "a",
            LoraSide::B => "b",
        };
        format!("layers.{layer}.{}.lora_{side}", self.name())
    }
}

/// One of an adapter's matrices: `A` reads the input, `B` writes the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::train) enum LoraSide {
    A,
    B,
}

/// Which adapters there are, and how strong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoraOptions {
    /// The inner width of every adapter.
    pub rank: usize,
    /// Adapters are multiplied by `alpha / rank`.
    pub alpha: f64,
    /// By `alpha / √rank` in place of that.
    pub rslora: bool,
    /// The maps that get one, in every layer.
    pub targets: Vec<LoraTarget>,
    /// The share of an adapter's inputs that a training pass leaves out, in [0, 1);
    /// in recipes 0, which is the default: runs have no dropout.
    pub dropout: f64,
}

impl Default for LoraOptions {
    /// Every linear map, as TRL's `all-linear`; rank 16 and alpha 32.
    fn default() -> Self {
        Self {
            rank: 16,
            alpha: 32.0,
            rslora: false,
            targets: LoraTarget::ALL.to_vec(),
            dropout: 0.0,
        }
    }
}

/// A rank that can only be a mistake is above it; no map of a model is so narrow that
/// more would be of use.
pub(in crate::train) const MOST_RANK: usize = 1 << 16;

impl LoraOptions {
    /// What adapters are multiplied by.
    pub fn scale(&self) -> f64 {
        let rank = self.rank as f64;
        self.alpha / if self.rslora { rank.sqrt() } else { rank }
    }

    /// How many numbers the adapters of a model have.
    #[must_use]
    pub fn parameter_count(&self, config: &ModelConfig) -> u64 {
        let widths = self.targets.iter().map(|target| {
            let (_, inputs, columns) = target.place(config);
            (inputs + columns.len()) as u64
        });
        let adapters = (config.layers as u64).saturating_mul(self.rank as u64);
        adapters.saturating_mul(widths.sum())
    }

    fn validate(&self) -> Result<(), TrainError> {
        let refuse = |field, found: String, wanted: &str| {
            Err(TrainError::Config {
                field,
                found,
                wanted: wanted.to_owned(),
            })
        };
        if self.rank == 0 {
            return refuse("lora.rank", self.rank.to_string(), "at least 1");
        }
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return refuse("lora.alpha", self.alpha.to_string(), "finite and above 0");
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse("lora.dropout", self.dropout.to_string(), "in [0, 1)");
        }
        let mut sorted = self.targets.clone();
        sorted.sort();
        sorted.dedup();
        if sorted.is_empty() || sorted.len() != self.targets.len() {
            let found = serde_json::to_string(&self.targets).unwrap_or_default();
            return refuse("lora.targets", found, "at least one map, each once");
        }
        Ok(())
    }
}

/// The adapters of a policy.
#[derive(Clone, Debug)]
pub(super) struct Lora {
    options: LoraOptions,
    /// By the place of the weight that they stand beside.
    modules: HashMap<usize, Vec<Module>>,
    dropout_seed: u64,
}

/// One adapter: its columns of the weight's output, the places of its matrices.
#[derive(Clone, Debug)]
pub(super) struct Module {
    columns: Range<usize>,
    pub(super) a: usize,
    pub(super) b: usize,
}

/// How adapters take part in a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LoraPass {
    /// Whole.
    #[default]
    Whole,
    /// With dropout, by this seed.
    Train(u64),
}

impl Policy {
    /// Puts adapters beside the policy's weights, which are frozen. `A` is uniform,
    /// the same for the same seed, and `B` zero: nothing changes yet.
    ///
    /// # Errors
    /// [`TrainError::Config`] for options that make no adapter, and for a policy that
    /// has some.
    pub fn with_lora(mut self, options: &LoraOptions, seed: u64) -> Result<Self, TrainError> {
        options.validate()?;
        if self.lora.is_some() {
            return Err(TrainError::Config {
                field: "lora",
                found: "there already".to_owned(),
                wanted: "merged before others are added".to_owned(),
            });
        }
        self.parameters.set_trainable(|_| false);
        let mut lora = Lora {
            options: options.clone(),
            modules: HashMap::new(),
            dropout_seed: seed,
        };
        let rank = options.rank;
        for layer in 0..self.config.layers {
            for target in LoraTarget::ALL {
                if !options.targets.contains(&target) {
                    continue;
                }
                let (weight, inputs, columns) = target.place(&self.config);
                let name = format!("layers.{layer}.{weight}");
                let weight = self.parameters.place(&name).ok_or_else(|| {
                    let shape = vec![inputs];
                    TrainError::MissingParameter { name, shape }
                })?;
                let stream = self.parameters.iter().len() as u64;
                let numbers = uniform(seed, stream, inputs * rank, inputs);
                let a = Tensor::from_vec(numbers, (inputs, rank), &self.device)?;
                let zeros = vec![0.0_f32; rank * columns.len()];
                let b = Tensor::from_vec(zeros, (rank, columns.len()), &self.device)?;
                let module = Module {
                    columns,
                    a: self
                        .parameters
                        .push(target.parameter(layer, LoraSide::A), a),
                    b: self
                        .parameters
                        .push(target.parameter(layer, LoraSide::B), b),
                };
                lora.modules.entry(weight).or_default().push(module);
            }
        }
        self.lora = Some(lora);
        Ok(self)
    }

    /// The adapters' options, if there are adapters.
    pub fn lora(&self) -> Option<&LoraOptions> {
        self.lora.as_ref().map(|lora| &lora.options)
    }

    /// The seed of dropout from now on; a trainer gives every pass its own.
    pub fn set_dropout_seed(&mut self, seed: u64) {
        if let Some(lora) = &mut self.lora {
            lora.dropout_seed = seed;
        }
    }

    /// The policy without its adapters, on the same weights in memory: the reference
    /// that training began from.
    ///
    /// # Errors
    /// None that a policy can have.
    pub fn without_lora(&self) -> Result<Self, TrainError> {
        let own = self
            .parameters
            .iter()
            .take(self.config.parameter_shapes().len());
        let tensors = own.map(|(name, tensor, _)| (name.to_owned(), tensor.clone()));
        let mut bare = Self::from_parameters(self.config.clone(), Parameters::new(tensors))?;
        bare.set_compute(self.compute)?;
        bare.copies = Arc::clone(&self.copies);
        Ok(bare)
    }

    /// A policy with the adapters added to its weights: `W + s A B`, in memory of
    /// its own.
    ///
    /// # Errors
    /// When a tensor cannot be copied.
    pub fn merged(&self) -> Result<Self, TrainError> {
        let merged = self.without_lora()?.duplicate()?;
        let Some(lora) = &self.lora else {
            return Ok(merged);
        };
        let mut merged = merged;
        for (weight, modules) in &lora.modules {
            let mut sum = merged.parameters.at(*weight).clone();
            let width = sum.dim(1)?;
            for module in modules {
                let (a, b) = (self.parameters.at(module.a), self.parameters.at(module.b));
                let product = (a.matmul(b)? * lora.options.scale())?;
                let Range { start, end } = module.columns;
                sum = (sum + product.pad_with_zeros(1, start, width - end)?)?;
            }
            merged.parameters.replace(*weight, sum);
        }
        Ok(merged)
    }

    /// The pass of a forward with a tape.
    pub(super) fn training_pass(&self) -> LoraPass {
        match &self.lora {
            Some(lora) if lora.options.dropout > 0.0 => LoraPass::Train(lora.dropout_seed),
            _ => LoraPass::Whole,
        }
    }
}

impl Lora {
    /// The adapters beside a weight.
    fn adapters<'p>(
        &'p self,
        weight: usize,
        parameters: &'p Parameters,
        pass: LoraPass,
    ) -> impl Iterator<Item = (&'p Module, Adapter<'p>)> {
        let modules = self.modules.get(&weight).map(Vec::as_slice);
        modules.unwrap_or_default().iter().map(move |module| {
            let dropout = match pass {
                LoraPass::Whole => None,
                LoraPass::Train(seed) => Some(Dropout {
                    rate: self.options.dropout,
                    seed,
                    stream: module.a as u64,
                }),
            };
            let scale = self.options.scale() as f32;
            (module, module.adapter(parameters, scale, dropout))
        })
    }
}

impl Module {
    fn adapter<'p>(
        &self,
        parameters: &'p Parameters,
        scale: f32,
        dropout: Option<Dropout>,
    ) -> Adapter<'p> {
        Adapter {
            a: parameters.at(self.a),
            b: parameters.at(self.b),
            columns: self.columns.clone(),
            scale,
            dropout,
        }
    }
}

/// The adapters of a policy in one pass, as a layer runs them.
#[derive(Clone, Copy)]
pub(super) struct Adapters<'p> {
    pub(super) lora: Option<&'p Lora>,
    pub(super) pass: LoraPass,
    pub(super) parameters: &'p Parameters,
    pub(super) ops: &'p Ops,
}

impl<'p> Adapters<'p> {
    /// The adapters beside a weight.
    pub(super) fn beside(
        &self,
        weight: usize,
    ) -> impl Iterator<Item = (&'p Module, Adapter<'p>)> + use<'p> {
        let (parameters, pass) = (self.parameters, self.pass);
        let lora = self.lora.into_iter();
        lora.flat_map(move |lora| lora.adapters(weight, parameters, pass))
    }

    /// Adds what the adapters beside a weight make of its input to its output.
    pub(super) fn forward(
        &self,
        weight: usize,
        x: &HostMatrix,
        out: &mut HostMatrix,
    ) -> Result<(), TrainError> {
        let Some(lora) = self.lora else {
            return Ok(());
        };
        for (_, adapter) in lora.adapters(weight, self.parameters, self.pass) {
            self.ops.adapt(out, x, &adapter)?;
        }
        Ok(())
    }

    /// Adds the gradient by the input that goes through the adapters.
    pub(super) fn input_backward(
        &self,
        weight: usize,
        d_out: &HostMatrix,
        d_x: &mut HostMatrix,
    ) -> Result<(), TrainError> {
        let Some(lora) = self.lora else {
            return Ok(());
        };
        for (_, adapter) in lora.adapters(weight, self.parameters, self.pass) {
            self.ops.adapt_backward(d_x, d_out, &adapter)?;
        }
        Ok(())
    }

    /// Adds the gradients by the adapters' own matrices.
    pub(super) fn backward(
        &self,
        weight: usize,
        x: &HostMatrix,
        d_out: &HostMatrix,
        gradients: &mut Gradients,
    ) -> Result<(), TrainError> {
        let Some(lora) = self.lora else {
            return Ok(());
        };
        for (module, adapter) in lora.adapters(weight, self.parameters, self.pass) {
            let slots = gradients.two_slots([Some(module.a), Some(module.b)]);
            self.ops.adapter_backward(x, d_out, &adapter, slots)?;
        }
        Ok(())
    }
}

/// Uniform numbers in `±1/√inputs`, from a stream of their own: what PEFT's
/// `kaiming_uniform_` with `a = √5` comes to.
fn uniform(seed: u64, stream: u64, count: usize, inputs: usize) -> Vec<f32> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    let bound = 1.0 / (inputs as f64).sqrt();
    let mut unit = || (generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    (0..count)
        .map(|_| ((2.0 * unit() - 1.0) * bound) as f32)
        .collect()
}
