//! The `[model]` table: a Hugging Face folder, or a shape to fill with random
//! numbers.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::ComputeChoice;
use crate::train::error::TrainError;
use crate::train::fault::{Faults, OptionFault};
use crate::train::policy::{LoraOptions, MOST_RANK};

/// Where the policy comes from: `path`, or `random` with `tokenizer`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelOptions {
    /// A Hugging Face folder with config, weights and tokenizer; a relative path
    /// is relative to the recipe.
    pub path: Option<PathBuf>,
    /// A model of this shape with random weights.
    pub random: Option<RandomModel>,
    /// The tokenizer of a random model.
    pub tokenizer: Option<TokenizerOptions>,
    /// Train adapters beside weights that stay as they are: LoRA, arXiv
    /// 2106.09685. Default: all weights are trained.
    pub lora: Option<LoraOptions>,
    /// The numbers that matrices are multiplied in; weights, sums of gradients and
    /// the optimizer are f32 in any case. Default `auto`.
    pub compute: ComputeChoice,
}

/// The shape of a model that begins with random weights.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RandomModel {
    /// `qwen2`, `qwen3` or `llama`. Default `qwen2`.
    pub architecture: Architecture,
    /// Number of layers. Default 4.
    #[schemars(range(min = 1))]
    pub layers: usize,
    /// Width of the residual stream. Default 128.
    #[schemars(range(min = 1))]
    pub hidden_size: usize,
    /// Width of the gated layer; 8/3 of `hidden_size` if absent, rounded up to a
    /// multiple of 32.
    pub intermediate_size: Option<usize>,
    /// Heads that ask. Default 4.
    #[schemars(range(min = 1))]
    pub heads: usize,
    /// Heads that are asked, a divisor of `heads`; `heads` if absent.
    pub kv_heads: Option<usize>,
    /// Width of a head, even; `hidden_size / heads` if absent.
    pub head_dim: Option<usize>,
    /// The base of the rotary embedding. Default 10000.
    pub rope_theta: f64,
    /// Longest sequence, prompt and completion, in tokens. Default 2048.
    #[schemars(range(min = 1))]
    pub max_positions: usize,
    /// Whether the head is the embedding, transposed. Default true.
    pub tie_embeddings: bool,
}

/// A family of decoders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Qwen2 and Qwen2.5: biases in attention.
    #[default]
    Qwen2,
    /// Qwen3: normed queries and keys.
    Qwen3,
    /// Llama, SmolLM2.
    Llama,
}

/// How text becomes tokens: `path`, or `characters`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenizerOptions {
    /// A `tokenizer.json`, or a folder with one; relative to the recipe.
    pub path: Option<PathBuf>,
    /// One token for each of these characters.
    pub characters: Option<String>,
    /// Texts that are one token each, such as `<think>`.
    pub special: Vec<String>,
}

impl Default for RandomModel {
    fn default() -> Self {
        Self {
            architecture: Architecture::Qwen2,
            layers: 4,
            hidden_size: 128,
            intermediate_size: None,
            heads: 4,
            kv_heads: None,
            head_dim: None,
            rope_theta: 10_000.0,
            max_positions: 2048,
            tie_embeddings: true,
        }
    }
}

impl ModelOptions {
    /// Every option that is out of its range or contradicts another; empty when
    /// all are right.
    #[must_use]
    pub fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        match (&self.path, &self.random) {
            (Some(_), Some(_)) => faults.unless(
                false,
                "random",
                "stands beside `path`; a policy is loaded or made, not both",
            ),
            (None, None) => faults.unless(
                false,
                "path",
                "is missing; name a Hugging Face folder, or give `random` a shape",
            ),
            (Some(_), None) => faults.unless(
                self.tokenizer.is_none(),
                "tokenizer",
                "stands beside `path`; the folder has its own",
            ),
            (None, Some(random)) => {
                faults.below("random", random.validate());
                faults.unless(
                    self.tokenizer.is_some(),
                    "tokenizer",
                    "is missing; a random model needs one, for example \
                     `tokenizer = { characters = \"0123456789+=\" }`",
                );
            }
        }
        if let Some(tokenizer) = &self.tokenizer {
            faults.below("tokenizer", tokenizer.validate());
        }
        if let Some(lora) = &self.lora {
            faults.counted("lora.rank", lora.rank as u64);
            faults.unless(
                lora.rank <= MOST_RANK,
                "lora.rank",
                format_args!("is {}; it must be at most {MOST_RANK}", lora.rank),
            );
            faults.positive("lora.alpha", lora.alpha);
            faults.unless(
                !lora.targets.is_empty(),
                "lora.targets",
                "is empty: nothing would be trained",
            );
            let dropout = lora.dropout;
            faults.unless(
                dropout == 0.0,
                "lora.dropout",
                format_args!("is {dropout}; runs have no dropout: it must be 0"),
            );
            faults.unless(
                self.path.is_some(),
                "lora",
                "stands beside `random`; adapters need a model that is trained already",
            );
        }
        faults.list()
    }
}

impl RandomModel {
    /// Width of the gated layer.
    #[must_use]
    pub fn intermediate(&self) -> usize {
        let wide = self.hidden_size.saturating_mul(8).div_ceil(3);
        let rounded = wide.checked_next_multiple_of(32).unwrap_or(usize::MAX);
        self.intermediate_size.unwrap_or(rounded)
    }

    /// Heads that are asked.
    #[must_use]
    pub fn key_heads(&self) -> usize {
        self.kv_heads.unwrap_or(self.heads)
    }

    /// Width of a head.
    #[must_use]
    pub fn head_width(&self) -> usize {
        self.head_dim
            .unwrap_or(self.hidden_size / self.heads.max(1))
    }

    fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        let counts = [
            ("layers", self.layers),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate()),
            ("heads", self.heads),
            ("kv_heads", self.key_heads()),
            ("max_positions", self.max_positions),
        ];
        for (field, count) in counts {
            faults.counted(field, count as u64);
        }
        faults.positive("rope_theta", self.rope_theta);
        if self.heads == 0 || self.key_heads() == 0 {
            return faults.list();
        }
        let (heads, kv_heads, width) = (self.heads, self.key_heads(), self.hidden_size);
        faults.unless(
            heads.is_multiple_of(kv_heads),
            "kv_heads",
            format_args!("is {kv_heads}; it must divide `heads`, which is {heads}"),
        );
        faults.unless(
            self.head_dim.is_some() || width.is_multiple_of(heads),
            "heads",
            format_args!("is {heads}; it must divide `hidden_size`, which is {width}"),
        );
        let head = self.head_width();
        faults.unless(
            head > 0 && head.is_multiple_of(2),
            "head_dim",
            format_args!("is {head}; rotary embeddings turn pairs: it must be even, 2 or more"),
        );
        let mut faults = faults.list();
        // The bounds of all models; a vocabulary is not known yet, and never 0.
        if faults.is_empty()
            && let Err(TrainError::Config {
                field,
                found,
                wanted,
            }) = self.config(1).validate()
        {
            faults.push(OptionFault {
                field: field.to_owned(),
                problem: format!("is {found}; it must be {wanted}"),
            });
        }
        faults
    }
}

impl TokenizerOptions {
    fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        let has_both = self.path.is_some() && self.characters.is_some();
        faults.unless(
            !has_both,
            "characters",
            "stands beside `path`; give one of them",
        );
        faults.unless(
            self.path.is_some() || self.characters.is_some(),
            "characters",
            "is missing; list the characters, or name a `path`",
        );
        let characters = self.characters.as_deref().unwrap_or_default();
        let mut seen = Vec::new();
        for c in characters.chars() {
            faults.unless(
                !seen.contains(&c),
                "characters",
                format_args!("has `{c}` twice; each character is one token"),
            );
            seen.push(c);
        }
        let is_empty = self.special.iter().any(String::is_empty);
        faults.unless(!is_empty, "special", "has an empty text");
        faults.list()
    }
}
