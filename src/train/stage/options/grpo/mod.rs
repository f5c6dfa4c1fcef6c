//! GRPO: its options.

mod check;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::optimizer::OptimizerOptions;
use crate::train::sample::SampleOptions;
use crate::train::{
    Aggregation, Baseline, Correction, Kl, KlEstimator, Level, LossOptions, Surrogate,
};

/// Group relative policy optimization, arXiv 2402.03300: groups of completions
/// are sampled and scored, and each is made likelier by how much better it is
/// than its group.
///
/// A step samples `prompts_per_step` groups and then updates the weights
/// `iterations * minibatches` times. The defaults are TRL's: DAPO's loss, the
/// group's deviation, no KL term.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GrpoOptions {
    /// Name of the task that the prompts are from. Default: the recipe's `train`.
    pub task: Option<String>,
    /// Reward spec of this stage, by name or file. Default: the recipe's.
    pub spec: Option<String>,
    /// Steps of the stage. Default 100.
    pub steps: u64,
    /// Prompts of a step. Default 16.
    pub prompts_per_step: usize,
    /// `G`, the completions of each prompt; at least 2. Default 8.
    pub group_size: usize,
    /// `μ`, how often the completions of a step are learned from. Default 1.
    pub iterations: usize,
    /// Updates in each iteration, every one from its own share of the groups; at
    /// most `prompts_per_step`. Default 1.
    pub minibatches: usize,
    /// Most tokens, prompts included, that pass through the policy at once; the
    /// gradient does not depend on it unless `aggregation` is
    /// `micro_batch_tokens`, or `top_entropy` is set. Default 16384.
    pub micro_batch_tokens: usize,
    /// What a reward is compared with. Default `{ grpo = { epsilon = 1e-4 } }`.
    pub advantage: Baseline,
    /// Whether the terms of the reward are summed before they are compared with
    /// the group, or after. Default `sum_then_normalize`.
    pub terms: TermAggregation,
    /// Advantages are cut to this size; 0 for no bound. Default 0.
    pub advantage_clip: f64,
    /// Rewards are cut to `[least, greatest]`. Default: none.
    pub reward_clip: Option<(f64, f64)>,
    /// How ratio and advantage become the loss of a token. Default
    /// `{ clip = { low = 0.2, high = 0.2 } }`.
    pub surrogate: Surrogate,
    /// What the ratio is taken over: `token`, or `sequence` for GSPO. Default
    /// `token`.
    pub level: Level,
    /// How the losses of tokens become one number. Default `tokens`.
    pub aggregation: Aggregation,
    /// The penalty on the distance to the reference policy: the one that the stage
    /// began with, adapters included. Default: none; then no reference is kept.
    pub kl: Option<KlOptions>,
    /// Weight of the mean entropy, which is added to what is maximised; 0 for
    /// none. Default 0.
    pub entropy_bonus: f64,
    /// Only the tokens of this share with the highest entropies learn from the
    /// reward, in (0, 1]: arXiv 2506.01939; 0.2 there. Default: all.
    pub top_entropy: Option<f64>,
    /// Weights against the mismatch of sampler and trainer. Default: none, since
    /// both are one engine here. Tokens that `sampling` leaves out make no mismatch:
    /// the log-probabilities of both are those before its filters.
    pub correction: Option<Correction>,
    /// Leaves completions that were cut at `max_tokens` out of the loss: DAPO's
    /// overlong filter, arXiv 2503.14476, section 3.4. They still count in their
    /// group's baseline. Default false.
    pub mask_truncated: bool,
    /// Samples on until the step has groups that disagree: arXiv 2503.14476,
    /// section 3.2. Default: none.
    pub dynamic_sampling: Option<DynamicSampling>,
    /// Leaves completions whose advantage is 0 out of the update where they cannot
    /// change the gradient: without `kl` in the loss, `entropy_bonus` and
    /// `top_entropy`. The gradient is the same and the step quicker; `entropy` and
    /// the like are then means over the completions that teach something. Default
    /// false.
    pub skip_idle: bool,
    /// Computes the activations of a layer a second time in the backward pass in
    /// place of keeping them: less memory, about a third more time. Default false.
    pub recompute: bool,
    /// The share of completions in one step that may be impossible to score,
    /// because their rows are unusable; beyond it the run ends with an error.
    /// Failures of the machinery always end it. Default 0.5.
    pub max_unscorable: f64,
    /// How completions are drawn.
    pub sampling: SampleOptions,
    /// The optimizer.
    pub optimizer: OptimizerOptions,
}

/// Where the terms of a reward come together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TermAggregation {
    /// The spec's total is compared with the group.
    #[default]
    SumThenNormalize,
    /// Every term is compared with the group, then they are summed by their
    /// weights in the spec: GDPO, arXiv 2601.05242. `advantage` stays at its
    /// default.
    NormalizeThenSum,
}

/// A penalty on the distance to the reference policy.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct KlOptions {
    /// `β`, its factor; above 0. Default 0.04, DeepSeekMath's.
    pub coefficient: f64,
    /// How the distance is estimated: `k1`, `k2` or `k3`. Default `k3`.
    pub estimator: KlEstimator,
    /// Multiplies the estimate by the probability ratio, which makes it unbiased
    /// off the policy: arXiv 2512.02556; in the loss only. Default true.
    pub bias_corrected: bool,
    /// Whether it is part of the loss or of the reward. Default `loss`.
    pub place: KlPlace,
    /// Lets the reference follow the policy; not with adapters. Default: it stays.
    pub sync: Option<ReferenceSync>,
}

/// What the distance to the reference is subtracted from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KlPlace {
    /// The loss of every token: DeepSeekMath, arXiv 2402.03300 equation 3.
    #[default]
    Loss,
    /// The reward of the completion, summed over its tokens: arXiv 2203.02155
    /// equation 2; TRL's RLOO.
    Reward,
}

/// The reference becomes `α * policy + (1 - α) * reference` now and then: arXiv
/// 2404.09656.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReferenceSync {
    /// Steps between two syncs. Default 512, TRL's.
    pub every: u64,
    /// `α`, in (0, 1]. Default 0.6, TRL's.
    pub alpha: f64,
}

/// Groups whose completions all earn the same teach nothing: they are replaced.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DynamicSampling {
    /// Most rounds of sampling in one step, the first included; then the step goes
    /// on with the groups it has. Default 4.
    pub max_rounds: usize,
    /// The term of the spec that must differ within a group. Default: the total
    /// reward.
    pub term: Option<String>,
}

impl Default for GrpoOptions {
    fn default() -> Self {
        Self {
            task: None,
            spec: None,
            steps: 100,
            prompts_per_step: 16,
            group_size: 8,
            iterations: 1,
            minibatches: 1,
            micro_batch_tokens: 16_384,
            advantage: Baseline::default(),
            terms: TermAggregation::default(),
            advantage_clip: 0.0,
            reward_clip: None,
            surrogate: Surrogate::default(),
            level: Level::Token,
            aggregation: Aggregation::Tokens,
            kl: None,
            entropy_bonus: 0.0,
            top_entropy: None,
            correction: None,
            mask_truncated: false,
            dynamic_sampling: None,
            skip_idle: false,
            recompute: false,
            max_unscorable: 0.5,
            sampling: SampleOptions::default(),
            optimizer: OptimizerOptions::default(),
        }
    }
}

impl Default for KlOptions {
    fn default() -> Self {
        Self {
            coefficient: 0.04,
            estimator: KlEstimator::K3,
            bias_corrected: true,
            place: KlPlace::Loss,
            sync: None,
        }
    }
}

impl Default for ReferenceSync {
    fn default() -> Self {
        Self {
            every: 512,
            alpha: 0.6,
        }
    }
}

impl Default for DynamicSampling {
    fn default() -> Self {
        Self {
            max_rounds: 4,
            term: None,
        }
    }
}

impl GrpoOptions {
    /// The options of the loss; a KL term that is part of the reward is not here.
    #[must_use]
    pub fn loss(&self) -> LossOptions {
        let in_loss = self.kl.filter(|kl| kl.place == KlPlace::Loss);
        LossOptions {
            surrogate: self.surrogate,
            level: self.level,
            aggregation: self.aggregation,
            kl: in_loss.map(|kl| Kl {
                coefficient: kl.coefficient,
                estimator: kl.estimator,
                bias_corrected: kl.bias_corrected,
            }),
            top_entropy: self.top_entropy,
        }
    }

    /// Updates of the weights in one step.
    #[must_use]
    pub fn updates(&self) -> usize {
        self.iterations * self.minibatches
    }
}
