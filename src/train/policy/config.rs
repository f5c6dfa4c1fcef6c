//! The shape of a policy: what the numbers of a model's `config.json` come to.

use super::super::TrainError;

/// The families of decoders; they differ in biases and in norms of heads, which
/// [`ModelConfig`] says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Qwen2 and Qwen2.5: biases on q, k and v.
    Qwen2,
    /// Qwen3: every head of q and k is normalised, and heads have a width of
    /// their own.
    Qwen3,
    /// Llama 2 and 3, SmolLM2, and what has the same layers.
    Llama,
}

/// Rotary position embedding, arXiv:2104.09864.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// The base of the wavelengths: 10000, or more for longer contexts.
    pub theta: f64,
    /// How the wavelengths are stretched.
    pub scaling: RopeScaling,
}

/// How a model was fitted to contexts longer than it was first trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum RopeScaling {
    /// It was not.
    #[default]
    None,
    /// Positions are divided: arXiv:2306.15595.
    Linear {
        /// By this.
        factor: f64,
    },
    /// Llama 3.1's: long wavelengths are stretched, short ones are not.
    Llama3 {
        /// How far long wavelengths are stretched.
        factor: f64,
        /// Wavelengths with fewer turns than this in the original context are long.
        low_frequency_factor: f64,
        /// Wavelengths with more turns than this are short.
        high_frequency_factor: f64,
        /// The positions of the original context.
        original_positions: usize,
    },
}

/// A decoder: embedding, layers of attention and SwiGLU, norm, head.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The family.
    pub architecture: Architecture,
    /// Rows of the embedding table.
    pub vocab_size: usize,
    /// The width of the residual stream.
    pub hidden_size: usize,
    /// The width inside SwiGLU.
    pub intermediate_size: usize,
    /// Layers.
    pub layers: usize,
    /// Heads of q.
    pub heads: usize,
    /// Heads of k and v; a divisor of `heads`.
    pub kv_heads: usize,
    /// The width of a head; even.
    pub head_dim: usize,
    /// What is added to the mean square under the root of every norm.
    pub rms_norm_eps: f64,
    /// Position embedding.
    pub rope: Rope,
    /// Whether the head is the embedding table.
    pub tie_embeddings: bool,
    /// Whether q, k and v have biases.
    pub attention_bias: bool,
    /// Whether every head of q and k is normalised.
    pub qk_norm: bool,
    /// The longest sequence, in tokens.
    pub max_positions: usize,
}

/// Upper bounds of the sizes: far above every model there is, far below what could
/// overflow where sizes are multiplied.
const MOST: [(&str, usize); 8] = [
    ("vocab_size", 1 << 28),
    ("hidden_size", 1 << 20),
    ("intermediate_size", 1 << 22),
    ("layers", 1 << 12),
    ("heads", 1 << 14),
    ("kv_heads", 1 << 14),
    ("head_dim", 1 << 14),
    ("max_positions", 1 << 30),
];

/// The largest model, in numbers.
const MOST_PARAMETERS: u128 = 1 << 42;

impl ModelConfig {
    /// Checks that the numbers make a model: none is 0, and none so large that it
    /// can only be a mistake (at most 2^28 tokens, 2^20 wide, 2^22 within SwiGLU,
    /// 2^12 layers, 2^14 heads of 2^14, 2^30 positions, 2^42 parameters). Nothing is
    /// reserved for a model before.
    ///
    /// # Errors
    /// [`TrainError::Config`] for the first field that does not.
    pub fn validate(&self) -> Result<(), TrainError> {
        let sizes = [
            self.vocab_size,
            self.hidden_size,
            self.intermediate_size,
            self.layers,
            self.heads,
            self.kv_heads,
            self.head_dim,
            self.max_positions,
        ];
        for ((field, most), number) in MOST.into_iter().zip(sizes) {
            if number == 0 {
                return Err(refused(field, number, "at least 1"));
            }
            if number > most {
                return Err(refused(field, number, &format!("at most {most}")));
            }
        }
        let parameters = self.parameter_count();
        if parameters > MOST_PARAMETERS {
            let wanted = format!("at most {MOST_PARAMETERS}: check the sizes of the model");
            return Err(refused("parameters", parameters, &wanted));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            let wanted = format!("a divisor of `heads`, which is {}", self.heads);
            return Err(refused("kv_heads", self.kv_heads, &wanted));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(refused(
                "head_dim",
                self.head_dim,
                "even, for its halves are rotated",
            ));
        }
        if !(self.rms_norm_eps.is_finite() && self.rms_norm_eps >= 0.0) {
            return Err(refused(
                "rms_norm_eps",
                self.rms_norm_eps,
                "finite and not negative",
            ));
        }
        if !(self.rope.theta.is_finite() && self.rope.theta > 1.0) {
            return Err(refused("rope.theta", self.rope.theta, "finite and above 1"));
        }
        self.rope.scaling.validate()
    }

    /// How many numbers the parameters have, without listing them; of any sizes.
    #[must_use]
    pub fn parameter_count(&self) -> u128 {
        let of = |size: usize| size as u128;
        let times = |one: u128, other: u128| one.saturating_mul(other);
        let d = of(self.hidden_size);
        let q = times(of(self.heads), of(self.head_dim));
        let qkv = q.saturating_add(times(2 * of(self.kv_heads), of(self.head_dim)));
        let biases = if self.attention_bias { qkv } else { 0 };
        let head_norms = if self.qk_norm {
            2 * of(self.head_dim)
        } else {
            0
        };
        let layer = [
            2 * d,
            times(d, qkv),
            biases,
            head_norms,
            times(q, d),
            times(d, 3 * of(self.intermediate_size)),
        ];
        let layer = layer.into_iter().fold(0, u128::saturating_add);
        let tables = if self.tie_embeddings { 1 } else { 2 };
        let outer = times(tables * of(self.vocab_size), d).saturating_add(d);
        times(layer, of(self.layers)).saturating_add(outer)
    }

    /// Names and shapes of the parameters, in the order in which they are kept.
    ///
    /// A weight of a linear map is `[in, out]`; q, k and v stand side by side in
    /// one, gate and up in another.
    pub fn parameter_shapes(&self) -> Vec<(String, Vec<usize>)> {
        let d = self.hidden_size;
        let q = self.heads * self.head_dim;
        let qkv = q + 2 * self.kv_heads * self.head_dim;
        let mut shapes = vec![("embed.weight".to_owned(), vec![self.vocab_size, d])];
        for layer in 0..self.layers {
            let mut add = |name: &str, shape: &[usize]| {
                shapes.push((format!("layers.{layer}.{name}"), shape.to_vec()));
            };
            add("attention_norm.weight", &[d]);
            add("qkv.weight", &[d, qkv]);
            if self.attention_bias {
                add("qkv.bias", &[qkv]);
            }
            if self.qk_norm {
                add("q_norm.weight", &[self.head_dim]);
                add("k_norm.weight", &[self.head_dim]);
            }
            add("o.weight", &[q, d]);
            add("mlp_norm.weight", &[d]);
            add("gate_up.weight", &[d, 2 * self.intermediate_size]);
            add("down.weight", &[self.intermediate_size, d]);
        }
        shapes.push(("norm.weight".to_owned(), vec![d]));
        if !self.tie_embeddings {
            shapes.push(("head.weight".to_owned(), vec![d, self.vocab_size]));
        }
        shapes
    }
}

impl RopeScaling {
    fn validate(&self) -> Result<(), TrainError> {
        let at_least_one = |field, factor: f64| {
            if factor.is_finite() && factor >= 1.0 {
                Ok(())
            } else {
                Err(refused(field, factor, "finite and at least 1"))
            }
        };
        match *self {
            Self::None => Ok(()),
            Self::Linear { factor } => at_least_one("rope.scaling.factor", factor),
            Self::Llama3 {
                factor,
                low_frequency_factor: low,
                high_frequency_factor: high,
                original_positions,
            } => {
                at_least_one("rope.scaling.factor", factor)?;
                if !(low.is_finite() && high.is_finite() && low > 0.0 && low < high) {
                    let wanted = format!(
                        "finite and above `low_frequency_factor`, {low}, which is positive"
                    );
                    return Err(refused("rope.scaling.high_frequency_factor", high, &wanted));
                }
                if original_positions == 0 {
                    return Err(refused("rope.scaling.original_positions", 0, "at least 1"));
                }
                Ok(())
            }
        }
    }
}

fn refused(field: &'static str, found: impl ToString, wanted: &str) -> TrainError {
    TrainError::Config {
        field,
        found: found.to_string(),
        wanted: wanted.to_owned(),
    }
}
