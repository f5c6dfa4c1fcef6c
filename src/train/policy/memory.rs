//! What a policy takes of memory, from shapes alone: said before a run begins, and
//! asked when a device has none left.
//!
//! A sum of the large tensors that are there at once, not a measurement: allocators,
//! the program itself and the CUDA context come on top.

use super::batch::PROMPT_TOKENS;
use super::plain::LOGITS;
use super::{Compute, ModelConfig, Recompute};

/// Bytes of an f32.
const WIDE: u64 = 4;

/// Bytes by what they are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryPlan {
    /// Weights in f32, those of adapters with them.
    pub weights: u64,
    /// Their copies in bf16.
    pub copies: u64,
    /// A reference policy.
    pub reference: u64,
    /// The gradients of what is trained.
    pub gradients: u64,
    /// AdamW's two moments of it.
    pub moments: u64,
    /// Keys and values of completions that are written together.
    pub cache: u64,
    /// Their logits.
    pub logits: u64,
    /// What is there for a moment while prompts are read, or keys and values copied.
    pub prefill: u64,
    /// Tokens of completions that were written, with their log-probabilities.
    pub completions: u64,
    /// What a micro-batch keeps for the way back.
    pub activations: u64,
    /// What is there for a moment on the way back, or in a step of the optimizer,
    /// whichever is more.
    pub passing: u64,
}

impl MemoryPlan {
    /// What is there all the time; completions are written and learned in turns.
    #[must_use]
    pub fn peak(&self) -> u64 {
        let standing = [
            self.weights,
            self.copies,
            self.reference,
            self.gradients,
            self.moments,
            self.completions,
        ];
        let sampling = self.sampling();
        let training = self.activations.saturating_add(self.passing);
        let standing = standing.into_iter().fold(0, u64::saturating_add);
        standing.saturating_add(sampling.max(training))
    }

    /// What completions take that are written together: prompts are read before
    /// tokens are drawn.
    #[must_use]
    pub fn sampling(&self) -> u64 {
        self.cache.saturating_add(self.logits.max(self.prefill))
    }

    /// With so many completions of so many tokens, which stay until they have been
    /// scored and learned.
    #[must_use]
    pub fn with_completions(self, completions: usize, tokens: usize) -> Self {
        // A number of 32 bits, and a log-probability in f32.
        let bytes = product(&[completions, tokens]).saturating_mul(2 * WIDE);
        Self {
            completions: self.completions.max(bytes),
            ..self
        }
    }

    /// With the completions of another plan in place of its own, where they take more.
    #[must_use]
    pub fn with_more_sampling(self, other: Self) -> Self {
        let completions = self.completions.max(other.completions);
        if self.sampling() >= other.sampling() {
            return Self {
                completions,
                ..self
            };
        }
        Self {
            completions,
            cache: other.cache,
            logits: other.logits,
            prefill: other.prefill,
            ..self
        }
    }
}

/// A policy that memory is planned for.
#[derive(Clone, Copy, Debug)]
pub struct MemoryShape<'m> {
    /// Its shape.
    pub config: &'m ModelConfig,
    /// What computes.
    pub compute: Compute,
    /// Whether it stands in a processor's memory.
    pub is_cpu: bool,
    /// How many of its numbers are trained.
    pub trainable: u64,
    /// How many numbers its adapters have, beside those of the configuration.
    pub adapters: u64,
}

/// Completions that are written together.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    /// How many.
    pub rows: usize,
    /// Tokens of the longest prompt.
    pub prompt: usize,
    /// Tokens of the longest, prompt included.
    pub capacity: usize,
}

/// Sequences that pass through a policy at once.
#[derive(Clone, Copy, Debug)]
pub struct Passing {
    /// Tokens of all of them.
    pub tokens: usize,
    /// Tokens of the longest.
    pub longest: usize,
    /// What is kept for the way back.
    pub recompute: Recompute,
}

impl MemoryShape<'_> {
    /// The weights, and their copies where products take some.
    #[must_use]
    pub fn weights(&self) -> MemoryPlan {
        let numbers = self.numbers().saturating_add(self.adapters);
        MemoryPlan {
            weights: numbers.saturating_mul(WIDE),
            copies: match self.compute {
                Compute::Bf16 => numbers.saturating_mul(self.element()),
                Compute::Kernels | Compute::Plain => 0,
            },
            ..MemoryPlan::default()
        }
    }

    /// The same with a frozen policy beside it, of which those weights are its own
    /// that are trained.
    #[must_use]
    pub fn with_reference(&self, plan: MemoryPlan) -> MemoryPlan {
        let own = match self.adapters > 0 {
            // Adapters are left out of it; all else is shared.
            true => 0,
            false => plan.weights.saturating_add(plan.copies),
        };
        MemoryPlan {
            reference: own,
            ..plan
        }
    }

    /// The same with completions that are written.
    #[must_use]
    pub fn with_sampling(&self, plan: MemoryPlan, writing: Writing) -> MemoryPlan {
        let config = self.config;
        let Writing {
            rows,
            prompt,
            capacity,
        } = writing;
        let position = [config.layers, config.kv_heads, config.head_dim, 2];
        let logits = product(&[rows, config.vocab_size]);
        let cache = product(&[rows, capacity])
            .saturating_mul(product(&position))
            .saturating_mul(self.element());
        // Keys and values of a layer are there twice when prompts are put together and
        // when rows leave.
        let copied = match self.compute {
            Compute::Kernels => 0,
            Compute::Plain | Compute::Bf16 => cache / of(config.layers).max(1),
        };
        MemoryPlan {
            cache,
            prefill: self.reading(rows, prompt).saturating_add(copied),
            // As a tensor, and as the list that tokens are drawn from.
            logits: logits.saturating_mul(2 * WIDE),
            ..plan
        }
    }

    /// The same with training.
    #[must_use]
    pub fn with_training(&self, plan: MemoryPlan, passing: Passing) -> MemoryPlan {
        let config = self.config;
        let tokens = passing.tokens as u64;
        let (layer, input) = (self.kept_by_layer(), of(config.hidden_size) * WIDE);
        let kept = match passing.recompute {
            Recompute::Never => of(config.layers).saturating_mul(layer),
            Recompute::Layers => of(config.layers)
                .saturating_mul(input)
                .saturating_add(layer),
        };
        let trained = self.trainable.saturating_mul(WIDE);
        let momentary = self.momentary(passing);
        MemoryPlan {
            gradients: trained,
            moments: trained.saturating_mul(2),
            activations: tokens.saturating_mul(kept),
            passing: momentary,
            ..plan
        }
    }

    /// What is there for a moment while prompts pass through a layer, and the scores of
    /// one of them.
    fn reading(&self, rows: usize, prompt: usize) -> u64 {
        let config = self.config;
        let tokens = product(&[rows, prompt]).min(of(PROMPT_TOKENS.max(prompt)));
        let heads = of(config.heads) + 2 * of(config.kv_heads);
        let (width, d) = (of(config.intermediate_size), of(config.hidden_size));
        let layer = (4 * width + 4 * d + 3 * heads * of(config.head_dim)) * WIDE;
        let scores = match self.compute {
            Compute::Kernels => 0,
            // With the mask of all heads.
            Compute::Plain | Compute::Bf16 => product(&[config.heads + 1, prompt, prompt, 3]),
        };
        let scores = scores.saturating_mul(WIDE);
        tokens.saturating_mul(layer).saturating_add(scores)
    }

    /// Bytes that a layer keeps of a token.
    fn kept_by_layer(&self) -> u64 {
        let config = self.config;
        let d = of(config.hidden_size);
        let q = of(config.heads) * of(config.head_dim);
        let qkv = q + 2 * of(config.kv_heads) * of(config.head_dim);
        let ff = of(config.intermediate_size);
        let raw = if config.qk_norm { qkv } else { 0 };
        // The residual stream stands twice: before attention and before SwiGLU.
        let residual = 2 * d * WIDE;
        let factors = match self.compute {
            Compute::Kernels => qkv + raw + q + of(config.heads) + 2 * ff,
            // Heads are cut out of their product as copies.
            Compute::Plain | Compute::Bf16 => 2 * d + qkv + raw + q + 3 * ff,
        };
        residual + factors * self.element()
    }

    /// What is there for a moment: the gradients within one layer, the scores of one
    /// sequence, some rows of logits, or the parts of an optimizer's step.
    fn momentary(&self, passing: Passing) -> u64 {
        let config = self.config;
        let tokens = of(passing.tokens);
        let width = of(config.intermediate_size);
        let (d, words) = (of(config.hidden_size), of(config.vocab_size));
        let table = d.saturating_mul(words);
        if self.compute == Compute::Kernels {
            // Gradients are added where they stand, and AdamW needs nothing.
            return tokens.saturating_mul((4 * width + 6 * d) * WIDE);
        }
        let within = tokens.saturating_mul((11 * width + 4 * d) * WIDE);
        let pairs = product(&[config.heads, passing.longest, passing.longest]);
        let scores = pairs.saturating_mul(6 * WIDE);
        let chunk = of(LOGITS).max(words).min(tokens.saturating_mul(words));
        let trains_table = self.adapters == 0 && self.trainable >= table;
        let of_table = if trains_table { table } else { 0 };
        let logits = (chunk.saturating_mul(6)).saturating_add(of_table.saturating_mul(3)) * WIDE;
        let step = match trains_table {
            true => table.saturating_mul(6 * WIDE),
            false => 0,
        };
        within.saturating_add(scores).max(logits).max(step)
    }

    /// Bytes of what is multiplied.
    fn element(&self) -> u64 {
        self.compute.element().size_in_bytes() as u64
    }

    /// A checked configuration has far fewer numbers than 2^64.
    fn numbers(&self) -> u64 {
        u64::try_from(self.config.parameter_count()).unwrap_or(u64::MAX)
    }
}

fn of(size: usize) -> u64 {
    size as u64
}

/// The product of sizes that a person wrote, which may be any.
fn product(sizes: &[usize]) -> u64 {
    let sizes = sizes.iter().map(|size| *size as u64);
    sizes.fold(1, u64::saturating_mul)
}
