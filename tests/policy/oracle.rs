//! The same model, written as one would read it in a paper, of operations that
//! candle differentiates, in f64.

use std::collections::BTreeMap;

use candle_core::{D, DType, Device, Result, Tensor, Var};
use goldstone::train::policy::{ModelConfig, Policy, RopeScaling};

pub(super) struct Oracle {
    config: ModelConfig,
    vars: BTreeMap<String, Var>,
}

/// One number for every scored token.
pub(super) struct Scores {
    pub(super) logps: Tensor,
    pub(super) entropies: Tensor,
}

impl Oracle {
    pub(super) fn new(policy: &Policy) -> Self {
        let parameters = policy.parameters().iter();
        let vars = parameters.map(|(name, tensor, _)| {
            let tensor = tensor.to_device(&Device::Cpu).unwrap();
            let tensor = tensor.to_dtype(DType::F64).unwrap();
            (name.to_owned(), Var::from_tensor(&tensor).unwrap())
        });
        Self {
            config: policy.config().clone(),
            vars: vars.collect(),
        }
    }

    /// Logits `[tokens, vocabulary]` of one sequence.
    pub(super) fn logits(&self, tokens: &[u32]) -> Result<Tensor> {
        let c = &self.config;
        let ids = Tensor::from_slice(tokens, tokens.len(), &Device::Cpu)?;
        let mut x = self.get("embed.weight").index_select(&ids, 0)?;
        for layer in 0..c.layers {
            let get = |name: &str| self.get(&format!("layers.{layer}.{name}"));
            let normed = self.norm(&x, get("attention_norm.weight"))?;
            let mut qkv = normed.matmul(get("qkv.weight"))?;
            if c.attention_bias {
                qkv = qkv.broadcast_add(get("qkv.bias"))?;
            }
            let (q, k) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
            let mut queries = self.heads(&qkv.narrow(1, 0, q)?, c.heads)?;
            let mut keys = self.heads(&qkv.narrow(1, q, k)?, c.kv_heads)?;
            let values = self.heads(&qkv.narrow(1, q + k, k)?, c.kv_heads)?;
            if c.qk_norm {
                queries = self.norm(&queries, get("q_norm.weight"))?;
                keys = self.norm(&keys, get("k_norm.weight"))?;
            }
            let attended = self.attention(&self.rope(&queries)?, &self.rope(&keys)?, &values)?;
            x = (x + attended.matmul(get("o.weight"))?)?;
            let normed = self.norm(&x, get("mlp_norm.weight"))?;
            let gate_up = normed.matmul(get("gate_up.weight"))?;
            let gate = gate_up.narrow(1, 0, c.intermediate_size)?;
            let up = gate_up.narrow(1, c.intermediate_size, c.intermediate_size)?;
            let activated = (gate.silu()? * up)?;
            x = (x + activated.matmul(get("down.weight"))?)?;
        }
        let hidden = self.norm(&x, self.get("norm.weight"))?;
        match self.vars.get("head.weight") {
            Some(head) => hidden.matmul(head),
            None => hidden.matmul(&self.get("embed.weight").t()?),
        }
    }

    pub(super) fn scores(
        &self,
        sequences: &[(Vec<u32>, Vec<u32>)],
        temperature: f64,
    ) -> Result<Scores> {
        let (mut logps, mut entropies) = (Vec::new(), Vec::new());
        for (prompt, completion) in sequences {
            let tokens = [prompt.as_slice(), completion].concat();
            let logits = self.logits(&tokens)?;
            let logits = logits.narrow(0, prompt.len() - 1, completion.len())?;
            let logits = (logits / temperature)?;
            let peak = logits.max_keepdim(D::Minus1)?.detach();
            let shifted = logits.broadcast_sub(&peak)?;
            let sum = shifted.exp()?.sum_keepdim(D::Minus1)?;
            let all = shifted.broadcast_sub(&sum.log()?)?;
            let targets = Tensor::from_slice(completion, (completion.len(), 1), &Device::Cpu)?;
            logps.push(all.gather(&targets, 1)?.squeeze(1)?);
            entropies.push((all.exp()? * &all)?.sum(D::Minus1)?.neg()?);
        }
        Ok(Scores {
            logps: Tensor::cat(&logps, 0)?,
            entropies: Tensor::cat(&entropies, 0)?,
        })
    }

    /// The gradient of `d_logps . logps + d_entropies . entropies` by every
    /// parameter.
    pub(super) fn gradients(
        &self,
        scores: &Scores,
        d_logps: &[f32],
        d_entropies: &[f32],
    ) -> Result<BTreeMap<String, Vec<f64>>> {
        let weighted = |scores: &Tensor, weights: &[f32]| -> Result<Tensor> {
            let weights: Vec<f64> = weights.iter().map(|w| f64::from(*w)).collect();
            let weights = Tensor::from_slice(&weights, weights.len(), &Device::Cpu)?;
            (scores * weights)?.sum_all()
        };
        let loss = (weighted(&scores.logps, d_logps)? + weighted(&scores.entropies, d_entropies)?)?;
        let gradients = loss.backward()?;
        let of_var = |(name, var): (&String, &Var)| {
            let gradient = gradients.get(var).expect("every parameter has a gradient");
            Ok((name.clone(), gradient.flatten_all()?.to_vec1()?))
        };
        self.vars.iter().map(of_var).collect()
    }

    fn get(&self, name: &str) -> &Tensor {
        self.vars[name].as_tensor()
    }

    fn norm(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        let root = (mean + self.config.rms_norm_eps)?.sqrt()?;
        x.broadcast_div(&root)?.broadcast_mul(weight)
    }

    /// `[tokens, heads * head_dim]` to `[heads, tokens, head_dim]`.
    fn heads(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
        let tokens = x.dim(0)?;
        x.reshape((tokens, heads, self.config.head_dim))?
            .transpose(0, 1)?
            .contiguous()
    }

    fn rope(&self, x: &Tensor) -> Result<Tensor> {
        let (_, tokens, head_dim) = x.dims3()?;
        let half = head_dim / 2;
        let angle = |position: usize, i: usize| position as f64 * self.frequency(i);
        let table = |f: fn(f64) -> f64| {
            let angles = (0..tokens).flat_map(|p| (0..half).map(move |i| (p, i)));
            let numbers: Vec<f64> = angles.map(|(p, i)| f(angle(p, i))).collect();
            Tensor::from_vec(numbers, (1, tokens, half), &Device::Cpu)
        };
        let (cos, sin) = (table(f64::cos)?, table(f64::sin)?);
        let (a, b) = (x.narrow(2, 0, half)?, x.narrow(2, half, half)?);
        let first = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let second = (b.broadcast_mul(&cos)? + a.broadcast_mul(&sin)?)?;
        Tensor::cat(&[first, second], 2)
    }

    fn frequency(&self, i: usize) -> f64 {
        let rope = &self.config.rope;
        let plain = 1.0
            / rope
                .theta
                .powf(2.0 * i as f64 / self.config.head_dim as f64);
        match rope.scaling {
            RopeScaling::None => plain,
            RopeScaling::Linear { factor } => plain / factor,
            RopeScaling::Llama3 {
                factor,
                low_frequency_factor,
                high_frequency_factor,
                original_positions,
            } => {
                let wavelength = 2.0 * std::f64::consts::PI / plain;
                let original = original_positions as f64;
                if wavelength < original / high_frequency_factor {
                    plain
                } else if wavelength > original / low_frequency_factor {
                    plain / factor
                } else {
                    let smooth = (original / wavelength - low_frequency_factor)
                        / (high_frequency_factor - low_frequency_factor);
                    (1.0 - smooth) * plain / factor + smooth * plain
                }
            }
        }
    }

    fn attention(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
        let c = &self.config;
        let (_, tokens, head_dim) = q.dims3()?;
        let repeat = |x: &Tensor| -> Result<Tensor> {
            let group = c.heads / c.kv_heads;
            x.unsqueeze(1)?
                .broadcast_as((c.kv_heads, group, tokens, head_dim))?
                .reshape((c.heads, tokens, head_dim))?
                .contiguous()
        };
        let (k, v) = (repeat(k)?, repeat(v)?);
        let scores = (q.matmul(&k.t()?.contiguous()?)? / (head_dim as f64).sqrt())?;
        let pairs = (0..tokens).flat_map(|i| (0..tokens).map(move |j| (i, j)));
        let hidden = |(i, j)| if j > i { f64::NEG_INFINITY } else { 0.0 };
        let mask: Vec<f64> = pairs.map(hidden).collect();
        let mask = Tensor::from_vec(mask, (1, tokens, tokens), &Device::Cpu)?;
        let scores = scores.broadcast_add(&mask)?;
        let peak = scores.max_keepdim(D::Minus1)?.detach();
        let powers = scores.broadcast_sub(&peak)?.exp()?;
        let shares = powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)?;
        let out = shares.matmul(&v)?.transpose(0, 1)?;
        out.reshape((tokens, c.heads * head_dim))
    }
}
