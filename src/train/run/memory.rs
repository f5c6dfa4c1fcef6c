//! The memory of a stage by its options, and what to change where it is not there.

use std::fmt;

use crate::train::error::TrainError;
use crate::train::policy::{MemoryPlan, MemoryShape, Passing, Writing};
use crate::train::sample::rows_at_once;
use crate::train::stage::{EvaluationOptions, GrpoOptions, RejectOptions, SftOptions, recompute};

/// How long a prompt, or a demonstration without `max_tokens`, is taken to be: the
/// files are not read for it.
const TOKENS: usize = 512;

/// The options of a stage.
#[derive(Clone, Copy, Debug)]
pub enum Demand<'o> {
    /// Of fine-tuning.
    Sft(&'o SftOptions),
    /// Of learning from rewards.
    Grpo(&'o GrpoOptions),
    /// Of keeping good completions.
    Reject(&'o RejectOptions),
}

impl Demand<'_> {
    /// What the stage takes at most, with prompts of up to 512 tokens.
    #[must_use]
    pub fn memory(&self, shape: &MemoryShape<'_>) -> MemoryPlan {
        let positions = shape.config.max_positions;
        let training = |plan: MemoryPlan, most: usize, rows: usize, longest: usize, again: bool| {
            let longest = longest.min(positions);
            let tokens = rows.saturating_mul(longest).min(most.max(longest));
            let recompute = recompute(again);
            let passing = Passing {
                tokens,
                longest,
                recompute,
            };
            shape.with_training(plan, passing)
        };
        let plan = shape.weights();
        match self {
            Self::Sft(options) => training(
                plan,
                options.micro_batch_tokens,
                options.batch_size,
                options.max_tokens.unwrap_or(2 * TOKENS),
                options.recompute,
            ),
            Self::Grpo(options) => {
                let plan = match options.kl {
                    Some(_) => shape.with_reference(plan),
                    None => plan,
                };
                let rows = options.prompts_per_step.saturating_mul(options.group_size);
                let tokens = options.sampling.max_tokens;
                let plan = sampling(shape, plan, rows, tokens);
                let longest = tokens.saturating_add(TOKENS);
                let most = options.micro_batch_tokens;
                training(plan, most, rows, longest, options.recompute)
            }
            Self::Reject(options) => {
                let rows = options.prompts_per_step.saturating_mul(options.samples);
                sampling(shape, plan, rows, options.sampling.max_tokens)
            }
        }
    }

    /// What to change where the memory is not there: keys of the stage's table, with
    /// values.
    #[must_use]
    pub fn advice(&self, stage: &str, shape: &MemoryShape<'_>) -> String {
        let plan = self.memory(shape);
        let kind = match self {
            Self::Sft(_) => "sft",
            Self::Grpo(_) => "grpo",
            Self::Reject(_) => "reject",
        };
        let key = |name: &str| format!("stages.{stage}.{kind}.{name}");
        let lower = |name: &str, from: usize| {
            format!("lower `{}` from {from} to {}", key(name), (from / 2).max(1))
        };
        let samples = plan.sampling();
        let learns = plan.activations.saturating_add(plan.passing);
        let mut advice = Vec::new();
        match self {
            Self::Grpo(options) if samples > learns => {
                advice.push(lower("prompts_per_step", options.prompts_per_step));
            }
            Self::Reject(options) => {
                advice.push(lower("prompts_per_step", options.prompts_per_step));
            }
            Self::Sft(SftOptions {
                recompute,
                micro_batch_tokens,
                ..
            })
            | Self::Grpo(GrpoOptions {
                recompute,
                micro_batch_tokens,
                ..
            }) => {
                if !recompute {
                    advice.push(format!("set `{} = true`", key("recompute")));
                }
                advice.push(lower("micro_batch_tokens", *micro_batch_tokens));
            }
        }
        if plan.gradients.saturating_add(plan.moments) > plan.peak() / 3 {
            advice.push("train adapters in place of all weights (`model.lora`)".to_owned());
        }
        format!("{}; it takes {}", advice.join(", or "), InWords(plan))
    }

    /// An error of a stage, with advice where the device has no memory left.
    pub(super) fn explain(
        &self,
        stage: &str,
        shape: &MemoryShape<'_>,
        error: TrainError,
    ) -> TrainError {
        match error {
            TrainError::Tensor(error) if error.is_out_of_memory() => TrainError::DeviceMemory {
                work: format!("stage `{stage}`"),
                advice: self.advice(stage, shape),
                source: Box::new(error),
            },
            error => error,
        }
    }
}

impl EvaluationOptions {
    /// A stage's plan with evaluations, which find weights, gradients and moments there.
    #[must_use]
    pub fn memory(&self, plan: MemoryPlan, shape: &MemoryShape<'_>) -> MemoryPlan {
        let tokens = self.sampling.max_tokens;
        let prompts = self.prompts.map(|prompts| {
            let prompts = usize::try_from(prompts).unwrap_or(usize::MAX);
            prompts.saturating_mul(self.samples.max(1))
        });
        let own = match prompts {
            Some(rows) => sampling(shape, plan, rows, tokens),
            // As many as the file has, which is not read for it: enough for all rows.
            None => MemoryPlan {
                completions: plan.completions,
                ..sampling(shape, plan, usize::MAX, tokens)
            },
        };
        plan.with_more_sampling(own)
    }

    /// What to change where the memory is not there.
    fn advice(&self, plan: MemoryPlan, shape: &MemoryShape<'_>) -> String {
        let samples = self.samples.max(1);
        let capacity = capacity(shape, self.sampling.max_tokens);
        // More than these are written in turns, which takes no more memory.
        let most = rows_at_once(shape, capacity).div_ceil(samples);
        let prompts = self.prompts.and_then(|prompts| prompts.try_into().ok());
        let fewer = (prompts.unwrap_or(usize::MAX).min(most) / 2).max(1);
        let mut advice = match self.prompts {
            Some(prompts) => format!("lower `evaluation.prompts` from {prompts} to {fewer}"),
            None => format!("set `evaluation.prompts` to {fewer}"),
        };
        if self.samples > 1 {
            let half = self.samples / 2;
            advice += &format!(
                ", or lower `evaluation.samples` from {} to {half}",
                self.samples
            );
        }
        let plan = InWords(self.memory(plan, shape));
        format!("{advice}; with the stage around it, it takes {plan}")
    }

    /// An error of an evaluation in a stage of this plan, with advice where the device
    /// has no memory left.
    pub(super) fn explain(
        &self,
        plan: MemoryPlan,
        shape: &MemoryShape<'_>,
        error: TrainError,
    ) -> TrainError {
        match error {
            TrainError::Tensor(error) if error.is_out_of_memory() => TrainError::DeviceMemory {
                work: "evaluation".to_owned(),
                advice: self.advice(plan, shape),
                source: Box::new(error),
            },
            error => error,
        }
    }
}

/// A plan with completions that are written, in turns where they are too many.
fn sampling(
    shape: &MemoryShape<'_>,
    plan: MemoryPlan,
    completions: usize,
    tokens: usize,
) -> MemoryPlan {
    let capacity = capacity(shape, tokens);
    let plan = plan.with_completions(completions, tokens.min(shape.config.max_positions));
    let writing = Writing {
        rows: completions.min(rows_at_once(shape, capacity)),
        prompt: TOKENS.min(capacity),
        capacity,
    };
    shape.with_sampling(plan, writing)
}

/// Tokens of a completion with its prompt.
fn capacity(shape: &MemoryShape<'_>, tokens: usize) -> usize {
    let positions = shape.config.max_positions;
    tokens.saturating_add(TOKENS).min(positions)
}

/// A plan in words: `about 3.9 GB: weights 2.0 GB, …`, the largest first.
#[derive(Clone, Copy, Debug)]
pub struct InWords(pub MemoryPlan);

impl fmt::Display for InWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = self.0;
        let mut parts = [
            ("weights", plan.weights),
            ("bf16 copies", plan.copies),
            ("reference", plan.reference),
            ("gradients", plan.gradients),
            ("moments", plan.moments),
            ("keys and values", plan.cache),
            ("logits", plan.logits),
            ("reading prompts", plan.prefill),
            ("completions", plan.completions),
            ("activations", plan.activations),
            ("on the way back", plan.passing),
        ];
        // Stable: of equal parts the first stays the first.
        parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        write!(f, "about {}", Bytes(plan.peak()))?;
        let parts = parts.into_iter().filter(|(_, bytes)| *bytes > 0);
        for (index, (name, bytes)) in parts.enumerate() {
            let link = if index == 0 { ": " } else { ", " };
            write!(f, "{link}{name} {}", Bytes(bytes))?;
        }
        Ok(())
    }
}

/// Bytes in words.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1_000_000 => write!(f, "{} kB", self.0.div_ceil(1000)),
            1_000_000..1_000_000_000 => write!(f, "{} MB", self.0.div_ceil(1_000_000)),
            bytes => write!(f, "{:.1} GB", bytes as f64 / 1e9),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;
    use crate::train::policy::{Architecture, Compute, ModelConfig, Rope, RopeScaling};
    use crate::train::stage::KlOptions;

    /// The shape of Qwen2.5-0.5B.
    fn config() -> ModelConfig {
        ModelConfig {
            architecture: Architecture::Qwen2,
            vocab_size: 151_936,
            hidden_size: 896,
            intermediate_size: 4864,
            layers: 24,
            heads: 14,
            kv_heads: 2,
            head_dim: 64,
            rms_norm_eps: 1e-6,
            rope: Rope {
                theta: 1e6,
                scaling: RopeScaling::None,
            },
            tie_embeddings: true,
            attention_bias: true,
            qk_norm: false,
            max_positions: 32_768,
        }
    }

    fn shape(config: &ModelConfig, compute: Compute) -> MemoryShape<'_> {
        let trainable = u64::try_from(config.parameter_count()).unwrap();
        MemoryShape {
            config,
            compute,
            is_cpu: false,
            trainable,
            adapters: 0,
        }
    }

    #[test]
    fn parts_are_those_of_the_shape() {
        let config = config();
        let options = GrpoOptions {
            kl: Some(KlOptions::default()),
            ..GrpoOptions::default()
        };
        let plan = |compute| Demand::Grpo(&options).memory(&shape(&config, compute));
        let (f32, bf16) = (plan(Compute::Plain), plan(Compute::Bf16));
        let numbers = 494_032_768;
        assert_eq!(f32.weights, 4 * numbers);
        assert_eq!((f32.copies, bf16.copies), (0, 2 * numbers));
        assert_eq!((f32.reference, bf16.reference), (4 * numbers, 6 * numbers));
        assert_eq!((f32.gradients, f32.moments), (4 * numbers, 8 * numbers));
        assert_eq!(f32.cache, 2 * bf16.cache);
        // 128 completions of 512 and 256 tokens, 12288 bytes a token.
        assert_eq!(bf16.cache, 128 * 768 * 12_288);
        assert_eq!(bf16.completions, 128 * 256 * 8);
        assert!(bf16.activations < f32.activations * 6 / 10);
        let frugal = GrpoOptions {
            recompute: true,
            ..options.clone()
        };
        let frugal = Demand::Grpo(&frugal).memory(&shape(&config, Compute::Bf16));
        assert!(frugal.activations < bf16.activations / 6);
        assert!(frugal.peak() < bf16.peak());
    }

    #[test]
    fn running_out_of_memory_gives_advice() {
        let config = config();
        let shape = shape(&config, Compute::Bf16);
        let full = |text: &str| TrainError::from(candle_core::Error::Msg(text.to_owned()));
        let options = GrpoOptions::default();
        let texts = [
            "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")",
            "CublasError(CUBLAS_STATUS_ALLOC_FAILED)",
        ];
        for text in texts {
            let said = Demand::Grpo(&options).explain("reasoning", &shape, full(text));
            let said = said.to_string();
            for part in [
                "no memory left for stage `reasoning`",
                "set `stages.reasoning.grpo.recompute = true`",
                "lower `stages.reasoning.grpo.micro_batch_tokens` from 16384 to 8192",
                "it takes about",
            ] {
                assert!(said.contains(part), "{part}: {said}");
            }
        }
        // What has been done is not advised again.
        let frugal = GrpoOptions {
            recompute: true,
            ..options
        };
        let said = Demand::Grpo(&frugal).advice("reasoning", &shape);
        assert!(!said.contains("recompute"), "{said}");
        // Another error is not explained away.
        let other = full("DriverError(CUDA_ERROR_ILLEGAL_ADDRESS)");
        let said = Demand::Grpo(&frugal).explain("reasoning", &shape, other);
        assert!(matches!(said, TrainError::Tensor(_)), "{said}");
    }

    #[test]
    fn evaluations_stand_beside_what_a_stage_keeps() {
        let config = config();
        let shape = shape(&config, Compute::Bf16);
        let sft = SftOptions {
            batch_size: 1,
            max_tokens: Some(64),
            ..SftOptions::default()
        };
        let alone = Demand::Sft(&sft).memory(&shape);
        let mut evaluation = EvaluationOptions {
            prompts: Some(4096),
            samples: 4,
            ..EvaluationOptions::default()
        };
        let plan = evaluation.memory(alone, &shape);
        assert_eq!(alone.cache, 0);
        assert_eq!(plan.gradients, alone.gradients);
        assert!(plan.cache > 0 && plan.prefill > 0);
        assert!(plan.peak() > alone.peak());
        // Prompts are read in groups, however many there are; what was written stays.
        evaluation.prompts = Some(1 << 40);
        let huge = evaluation.memory(alone, &shape);
        assert_eq!(plan.completions, 4096 * 4 * 256 * 8);
        assert_eq!(huge.completions, (1 << 42) * 256 * 8);
        let completions = plan.completions;
        assert_eq!(
            MemoryPlan {
                completions,
                ..huge
            },
            plan
        );
        evaluation.prompts = None;
        let all = evaluation.memory(alone, &shape);
        assert_eq!(
            (all.cache, all.completions),
            (plan.cache, alone.completions)
        );
        evaluation.prompts = Some(100);
        let full = candle_core::Error::Msg("out of memory".to_owned());
        let error = evaluation.explain(alone, &shape, full.into());
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("out of memory"));
        let said = error.to_string();
        assert!(
            said.starts_with(
                "the device has no memory left for evaluation: lower `evaluation.prompts` \
                 from 100 to 50, or lower `evaluation.samples` from 4 to 2; "
            ),
            "{said}"
        );
    }

    #[test]
    fn adapters_have_weights_of_their_own() {
        let config = config();
        let whole = shape(&config, Compute::Bf16);
        let adapted = MemoryShape {
            trainable: 1000,
            adapters: 1000,
            ..whole
        };
        let (plan, whole) = (adapted.weights(), whole.weights());
        assert_eq!(plan.weights, whole.weights + 4000);
        assert_eq!(plan.copies, whole.copies + 2000);
        assert_eq!(adapted.with_reference(plan).reference, 0);
        let any = MemoryShape {
            adapters: u64::MAX,
            trainable: u64::MAX,
            ..adapted
        };
        assert_eq!(any.weights().peak(), u64::MAX);
    }

    #[test]
    fn a_processor_has_fewer_rows_at_once() {
        let config = config();
        let device = shape(&config, Compute::Plain);
        let processor = MemoryShape {
            is_cpu: true,
            ..device
        };
        let [device, processor] = [device, processor].map(|shape| rows_at_once(&shape, 1024));
        assert_eq!((device, processor), (341, 42));
    }

    #[test]
    fn what_takes_the_most_is_lowered() {
        let config = config();
        let shape = shape(&config, Compute::Bf16);
        let reject = RejectOptions::default();
        let said = Demand::Reject(&reject).advice("keep", &shape);
        assert!(
            said.starts_with("lower `stages.keep.reject.prompts_per_step` from 32 to 16;"),
            "{said}"
        );
        let small = SftOptions {
            batch_size: 1,
            max_tokens: Some(64),
            recompute: true,
            ..SftOptions::default()
        };
        let said = Demand::Sft(&small).advice("cold-start", &shape);
        assert!(said.contains("`model.lora`"), "{said}");
    }
}
