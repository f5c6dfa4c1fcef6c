//! Evaluation on held-out prompts: its options.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::fault::{Faults, OptionFault};
use crate::train::sample::SampleOptions;

/// Evaluation: the policy answers held-out prompts, and nothing is learned.
///
/// Metrics are `greedy/…` for one completion at temperature 0, and without that
/// prefix for sampled ones: `reward`, `rewards/<term>/mean`, `mean@k`, `pass@k`,
/// `maj@k`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationOptions {
    /// Name of the task that the prompts are from. Default: the recipe's
    /// `held-out`.
    pub task: Option<String>,
    /// Reward spec of evaluations, by name or file. Default: the recipe's.
    pub spec: Option<String>,
    /// Steps between two evaluations; 0 for the ends of stages only. Default 0.
    pub every: u64,
    /// Whether the untrained policy is evaluated too. Default true.
    pub before_training: bool,
    /// How many prompts, from the first of the task; needed for a task without an
    /// end. Default: all.
    pub prompts: Option<u64>,
    /// Whether each prompt is answered once at temperature 0. Default true.
    pub greedy: bool,
    /// Sampled completions of each prompt; 0 for none. Default 0.
    pub samples: usize,
    /// The `k` of pass@k and, from 3 on, of maj@k, each at most `samples`; 1 is
    /// always there. Default: `samples`.
    pub k: Vec<usize>,
    /// The metric by which the best policy is kept in `best/`; higher is better.
    /// Default: `greedy/accuracy` where there are greedy answers, else `pass@1`; for
    /// a spec without verifiers the `reward` of the same answers.
    pub keep_best: Option<String>,
    /// Ends a stage before its last step. Default: never.
    pub early_stop: Option<EarlyStop>,
    /// How completions are drawn; `temperature` is for the sampled ones. Default,
    /// where the table is absent: as in the last `grpo` stage, else in the last
    /// `reject` stage.
    pub sampling: SampleOptions,
}

/// When a stage ends before its last step: at a goal, or when nothing gets better.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EarlyStop {
    /// The metric. Default: that of `keep_best`.
    pub metric: Option<String>,
    /// The stage ends once the metric is at least this.
    pub at_least: Option<f64>,
    /// The stage ends after this many evaluations in a row without a new best of
    /// the stage.
    pub patience: Option<u64>,
}

impl Default for EvaluationOptions {
    fn default() -> Self {
        Self {
            task: None,
            spec: None,
            every: 0,
            before_training: true,
            prompts: None,
            greedy: true,
            samples: 0,
            k: Vec::new(),
            keep_best: None,
            early_stop: None,
            sampling: SampleOptions::default(),
        }
    }
}

impl EvaluationOptions {
    /// Every option that is out of its range; empty when all are right.
    #[must_use]
    pub fn validate(&self) -> Vec<OptionFault> {
        let mut faults = Faults::default();
        faults.counted("prompts", self.prompts.unwrap_or(1));
        let prompts = self.prompts.unwrap_or(1);
        let prompts = usize::try_from(prompts).unwrap_or(usize::MAX);
        faults.at_once(("prompts", prompts), ("samples", self.samples.max(1)));
        faults.unless(
            self.greedy || self.samples > 0,
            "samples",
            "is 0 and `greedy` is false: nothing would be evaluated; set one of them",
        );
        for &k in &self.k {
            let samples = self.samples;
            faults.unless(
                (1..=samples).contains(&k),
                "k",
                format_args!("has {k}; each must be from 1 to `samples`, which is {samples}"),
            );
        }
        faults.unless(
            self.samples == 0 || self.sampling.temperature > 0.0,
            "sampling.temperature",
            "is 0, which gives every sample the same text; set it above 0, or `samples` to 0",
        );
        if let Some(stop) = &self.early_stop {
            faults.unless(
                stop.at_least.is_some() || stop.patience.is_some(),
                "early_stop",
                "says neither `at_least` nor `patience`; set one of them",
            );
            faults.counted("early_stop.patience", stop.patience.unwrap_or(1));
            faults.unless(
                stop.at_least.is_none_or(f64::is_finite),
                "early_stop.at_least",
                "must be a finite number",
            );
        }
        faults.below("sampling", self.sampling.validate());
        faults.list()
    }

    /// The same, its completions drawn as a stage draws them; at temperature 1 where
    /// the stage takes the likeliest token, which would make all samples one.
    #[must_use]
    pub fn sampled_as(self, stage: Option<&SampleOptions>) -> Self {
        let Some(stage) = stage else {
            return self;
        };
        let own = SampleOptions::default();
        Self {
            sampling: SampleOptions {
                temperature: match stage.temperature > 0.0 {
                    true => stage.temperature,
                    false => own.temperature,
                },
                seed: own.seed,
                ..stage.clone()
            },
            ..self
        }
    }

    /// The `k` of pass@k and maj@k, in order, each once.
    #[must_use]
    pub fn ks(&self) -> Vec<usize> {
        let mut ks = match self.k.as_slice() {
            _ if self.samples == 0 => return Vec::new(),
            [] => vec![self.samples],
            given => given.to_vec(),
        };
        ks.push(1);
        ks.sort_unstable();
        ks.dedup();
        ks
    }
}
