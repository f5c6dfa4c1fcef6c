//! The policy: a decoder of the Qwen2, Qwen3 or Llama family with hand-written
//! gradients.
//!
//! [`Policy::score`] gives the log-probabilities of given completions,
//! [`Policy::forward`] the same with a [`Tape`] from which [`Policy::backward`] adds
//! the gradients of all weights, and [`Policy::decoder`] writes new tokens. All
//! three run the same layers over the same weights.
//!
//! Not here: reading and writing of model folders, sampling, the loss.

mod config;

mod parameters;

mod batch;

mod gradients;

mod layer;

mod lora;

mod forward;

mod backward;

mod plain;

mod score;

mod cached;

mod decoder;

mod memory;

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device};

pub use batch::TokenBatch;
pub use config::{Architecture, ModelConfig, Rope, RopeScaling};
pub use decoder::Decoder;
pub use forward::{Recompute, Tape};
pub use gradients::Gradients;
pub(crate) use gradients::Sums;
pub use lora::{LoraOptions, LoraTarget};
pub(in crate::train) use lora::{LoraSide, MOST_RANK};
pub use memory::{MemoryPlan, MemoryShape, Passing, Writing};
pub use parameters::Parameters;

use super::TrainError;
use super::ops::{Head, Ops, RopeTable};
use layer::LayerPlaces;
use lora::{Adapters, Lora, LoraPass};
use plain::Copies;

/// What a policy says of scored tokens, one number each, in the order in which the
/// completions were pushed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenScores {
    /// Natural logarithms of the probabilities of the tokens, from
    /// `softmax(logits / temperature)`.
    pub logps: Vec<f32>,
    /// Entropies of the same distributions, in nats.
    pub entropies: Vec<f32>,
}

/// What computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compute {
    /// Kernels of our own, with memory that is used again: the processor alone.
    Kernels,
    /// Plain tensor operations: any device.
    Plain,
    /// The same with matrices, activations and the cache of keys and values in bf16,
    /// beside weights and sums of gradients in f32: any device. A processor has no
    /// instructions for it and is slower than with [`Compute::Plain`].
    Bf16,
}

impl Compute {
    /// What is multiplied: numbers of this type.
    pub(super) fn element(self) -> DType {
        match self {
            Self::Kernels | Self::Plain => DType::F32,
            Self::Bf16 => DType::BF16,
        }
    }
}

/// A decoder with its weights.
#[derive(Debug)]
pub struct Policy {
    config: ModelConfig,
    parameters: Parameters,
    places: Places,
    lora: Option<Lora>,
    device: Device,
    compute: Compute,
    /// Shared with policies that have the same frozen weights.
    copies: Arc<Copies>,
    ops: Ops,
    rope: Mutex<Arc<RopeTable>>,
}

/// Where the parameters stand in their list.
#[derive(Clone, Debug)]
struct Places {
    embed: usize,
    layers: Vec<LayerPlaces>,
    norm: usize,
    /// That of the embedding where the head is tied to it.
    head: usize,
}

impl Policy {
    /// A policy with fresh weights; the same for the same seed.
    ///
    /// # Errors
    /// [`TrainError::Config`] for numbers that make no model.
    pub fn random(config: ModelConfig, seed: u64, device: &Device) -> Result<Self, TrainError> {
        config.validate()?;
        let parameters = Parameters::random(&config, seed, device)?;
        Self::from_parameters(config, parameters)
    }

    /// A policy with given weights, which are taken in any order.
    ///
    /// The tensors are not copied: who holds one of them sees it change in training.
    ///
    /// # Errors
    /// For numbers that make no model, and for a parameter that is missing, not
    /// part of the architecture, or of another shape or type than f32.
    pub fn from_parameters(
        config: ModelConfig,
        parameters: Parameters,
    ) -> Result<Self, TrainError> {
        config.validate()?;
        let parameters = parameters.arranged(&config)?;
        let places = Places::new(&config);
        let device = parameters.at(places.embed).device().clone();
        let table = RopeTable::new(&config.rope, config.head_dim, 0);
        Ok(Self {
            config,
            parameters,
            places,
            lora: None,
            compute: if device.is_cpu() {
                Compute::Kernels
            } else {
                Compute::Plain
            },
            device,
            copies: Arc::default(),
            ops: Ops::default(),
            rope: Mutex::new(Arc::new(table)),
        })
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The weights.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The weights, to be replaced or frozen.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// What its memory is planned from.
    pub fn memory_shape(&self) -> MemoryShape<'_> {
        let parameters = self.parameters.iter();
        let trained = parameters.filter(|(.., is_trainable)| *is_trainable);
        let trainable = trained
            .map(|(_, tensor, _)| tensor.elem_count() as u64)
            .sum();
        MemoryShape {
            config: &self.config,
            compute: self.compute,
            is_cpu: self.device.is_cpu(),
            trainable,
            adapters: match self.lora {
                Some(_) => trainable,
                None => 0,
            },
        }
    }

    /// Where the weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What computes: kernels on the processor, plain tensor operations elsewhere.
    pub fn compute(&self) -> Compute {
        self.compute
    }

    /// Has something else compute. [`Gradients`] and an optimizer made before do not
    /// fit any more.
    ///
    /// # Errors
    /// [`TrainError::Device`] for kernels away from the processor.
    pub fn set_compute(&mut self, compute: Compute) -> Result<(), TrainError> {
        if compute == Compute::Kernels && !self.device.is_cpu() {
            return Err(TrainError::Device {
                device: "cuda",
                why: "the kernels are the processor's".to_owned(),
            });
        }
        self.compute = compute;
        // Kernels change weights where they are: no copy shows that it is old.
        self.copies = Arc::default();
        Ok(())
    }

    /// The adapters in one pass.
    fn adapters(&self, pass: LoraPass) -> Adapters<'_> {
        Adapters {
            lora: self.lora.as_ref(),
            pass,
            parameters: &self.parameters,
            ops: &self.ops,
        }
    }

    /// The same policy with weights of its own, such as a reference that stays as
    /// it is.
    ///
    /// # Errors
    /// When a tensor cannot be copied.
    pub fn duplicate(&self) -> Result<Self, TrainError> {
        Ok(self.with_parameters(self.parameters.duplicate(|_| true)?))
    }

    /// The same policy, with those weights of its own that are trained: what it was
    /// before more training. The others stay where they are, in memory once.
    ///
    /// # Errors
    /// When a tensor cannot be copied.
    pub fn snapshot(&self) -> Result<Self, TrainError> {
        let parameters = self.parameters.duplicate(|is_trainable| is_trainable)?;
        Ok(self.with_parameters(parameters))
    }

    fn with_parameters(&self, parameters: Parameters) -> Self {
        let table = RopeTable::new(&self.config.rope, self.config.head_dim, 0);
        Self {
            config: self.config.clone(),
            parameters,
            places: self.places.clone(),
            lora: self.lora.clone(),
            device: self.device.clone(),
            compute: self.compute,
            copies: match &self.lora {
                Some(_) => Arc::clone(&self.copies),
                None => Arc::default(),
            },
            ops: Ops::default(),
            rope: Mutex::new(Arc::new(table)),
        }
    }

    /// The weights of the logits.
    fn head(&self) -> Head<&candle_core::Tensor> {
        let weights = self.parameters.at(self.places.head);
        if self.config.tie_embeddings {
            Head::Tied(weights)
        } else {
            Head::Own(weights)
        }
    }

    /// Angles for all positions below `positions`.
    fn rope(&self, positions: usize) -> Arc<RopeTable> {
        let mut table = self.rope.lock().unwrap_or_else(PoisonError::into_inner);
        if table.positions() < positions {
            let longer = positions.next_power_of_two();
            *table = Arc::new(RopeTable::new(
                &self.config.rope,
                self.config.head_dim,
                longer,
            ));
        }
        Arc::clone(&table)
    }
}

impl Places {
    fn new(config: &ModelConfig) -> Self {
        let names: Vec<String> = config
            .parameter_shapes()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let find = |name: &str| names.iter().position(|known| known == name);
        let embed = 0;
        let layers = (0..config.layers)
            .map(|layer| LayerPlaces::new(|name| find(&format!("layers.{layer}.{name}"))));
        Self {
            embed,
            layers: layers.collect(),
            norm: find("norm.weight").unwrap_or_default(),
            head: find("head.weight").unwrap_or(embed),
        }
    }
}
