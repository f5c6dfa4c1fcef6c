//! A small world to train in: characters as tokens, a tiny policy, and a task
//! that it can learn, to repeat a digit.

use std::path::Path;
use std::sync::{Arc, Mutex};

use candle_core::safetensors;
use goldstone::reward::{Scorer, SpecSource};
use goldstone::rollout::Rollout;
use goldstone::train::policy::{Architecture, ModelConfig, Policy, Rope, RopeScaling};
use goldstone::train::run::{CheckpointOptions, PolicyStore, RunPlan, StagePlan, StageWork};
use goldstone::train::sample::{SampleOptions, Vocabulary};
use goldstone::train::stage::{
    Demonstration, Demonstrations, Evaluation, EvaluationOptions, Framing, GrpoOptions, Problem,
    Problems, SftOptions,
};
use goldstone::train::watch::{
    CompletionRecord, Ending, Kind, RunInfo, StepRecord, WatchError, Watcher,
};
use goldstone::train::{Device, TrainError};

const ALPHABET: &str = "0123456789+=;ab";

/// One token a character; token 0 ends.
pub(super) struct Characters;

impl Vocabulary for Characters {
    fn encode(&self, text: &str) -> Result<Vec<u32>, TrainError> {
        let place = |character| match ALPHABET.find(character) {
            Some(place) => Ok(place as u32 + 1),
            None => Err(TrainError::Source {
                problem: format!("`{character}` is not in the alphabet"),
            }),
        };
        text.chars().map(place).collect()
    }

    fn decode(&self, tokens: &[u32]) -> Result<String, TrainError> {
        let character = |token: &u32| ALPHABET.chars().nth((*token as usize).checked_sub(1)?);
        Ok(tokens.iter().filter_map(character).collect())
    }

    fn end_ids(&self) -> &[u32] {
        &[0]
    }
}

pub(super) fn config() -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Qwen2,
        vocab_size: ALPHABET.len() + 1,
        hidden_size: 16,
        intermediate_size: 24,
        layers: 2,
        heads: 2,
        kv_heads: 1,
        head_dim: 8,
        rms_norm_eps: 1e-6,
        rope: Rope {
            theta: 10_000.0,
            scaling: RopeScaling::None,
        },
        tie_embeddings: true,
        attention_bias: true,
        qk_norm: false,
        max_positions: 32,
    }
}

pub(super) fn policy(seed: u64) -> Policy {
    let mut policy = Policy::random(config(), seed, &Device::Cpu).unwrap();
    // Fresh weights say almost the same of every token: let them differ.
    let larger: Vec<_> = policy
        .parameters()
        .iter()
        .filter(|(_, tensor, _)| tensor.rank() == 2)
        .map(|(name, tensor, _)| (name.to_owned(), (tensor * 6.0).unwrap()))
        .collect();
    for (name, tensor) in larger {
        policy.parameters_mut().set(&name, tensor).unwrap();
    }
    policy
}

/// All weights, by name.
pub(super) fn weights(policy: &Policy) -> Vec<(String, Vec<f32>)> {
    let parameters = policy.parameters().iter();
    let numbers = parameters.map(|(name, tensor, _)| {
        let numbers = tensor.flatten_all().unwrap().to_vec1().unwrap();
        (name.to_owned(), numbers)
    });
    numbers.collect()
}

/// The greatest difference of any weight.
pub(super) fn distance(one: &Policy, other: &Policy) -> f32 {
    let pairs = weights(one).into_iter().zip(weights(other));
    let differences = pairs.flat_map(|((_, one), (_, other))| {
        let pairs: Vec<f32> = one.iter().zip(&other).map(|(a, b)| (a - b).abs()).collect();
        pairs
    });
    differences.fold(0.0, f32::max)
}

/// `7=` wants `7`.
pub(super) struct Repeat {
    pub(super) count: Option<u64>,
    /// Whether problems have what their answers are judged by.
    pub(super) has_references: bool,
}

impl Repeat {
    pub(super) fn endless() -> Arc<Self> {
        Arc::new(Self {
            count: None,
            has_references: true,
        })
    }

    pub(super) fn digits() -> Arc<Self> {
        Arc::new(Self {
            count: Some(10),
            has_references: true,
        })
    }
}

impl Problems for Repeat {
    fn count(&self) -> Option<u64> {
        self.count
    }

    fn problem(&self, index: u64) -> Result<Problem, String> {
        let digit = (index % 10).to_string();
        Ok(Problem {
            prompt: format!("{digit}="),
            framing: Framing::Document,
            rollout: Rollout {
                id: index.to_string(),
                reference: self.has_references.then(|| digit.as_str().into()),
                ..Rollout::default()
            },
        })
    }
}

impl Demonstrations for Repeat {
    fn count(&self) -> Option<u64> {
        self.count
    }

    fn demonstration(&self, index: u64) -> Result<Demonstration, String> {
        let digit = index % 10;
        Ok(Demonstration {
            prompt: format!("{digit}="),
            framing: Framing::Document,
            completion: digit.to_string(),
            tokens: None,
        })
    }
}

/// Pays for the right digit, and a little for any one digit.
pub(super) fn scorer() -> Scorer {
    compile(
        r#"
        version = 1
        [rewards.accuracy]
        exact = { normalize = "none" }
        [rewards.digit]
        weight = 0.1
        exact = { normalize = "none", metric = "f1" }
        "#,
    )
}

pub(super) fn compile(text: &str) -> Scorer {
    Scorer::compile(SpecSource {
        text,
        origin: "test.toml",
        grammar: &|_| Err("no grammar files here".to_owned()),
    })
    .unwrap()
}

pub(super) fn sampling() -> SampleOptions {
    SampleOptions {
        max_tokens: 3,
        ..SampleOptions::default()
    }
}

pub(super) fn sft(steps: u64) -> StageWork {
    let mut options = SftOptions {
        steps: Some(steps),
        batch_size: 4,
        ..SftOptions::default()
    };
    options.optimizer.learning_rate = 1e-2;
    StageWork::Sft {
        options,
        demonstrations: vec![Repeat::digits()],
    }
}

pub(super) fn grpo_options(steps: u64) -> GrpoOptions {
    let mut options = GrpoOptions {
        steps,
        prompts_per_step: 4,
        group_size: 4,
        sampling: sampling(),
        ..GrpoOptions::default()
    };
    options.optimizer.learning_rate = 3e-3;
    options
}

pub(super) fn grpo(options: GrpoOptions) -> StageWork {
    StageWork::Grpo {
        options,
        problems: Repeat::endless(),
        scorer: scorer(),
    }
}

pub(super) fn evaluation() -> Evaluation {
    Evaluation {
        options: EvaluationOptions {
            every: 2,
            samples: 2,
            sampling: sampling(),
            ..EvaluationOptions::default()
        },
        problems: Repeat::digits(),
        scorer: scorer(),
    }
}

pub(super) fn plan(folder: &Path, stages: Vec<(&str, StageWork)>) -> RunPlan {
    let stages = stages.into_iter().map(|(name, work)| StagePlan {
        name: name.to_owned(),
        work,
    });
    RunPlan {
        folder: folder.to_owned(),
        seed: 5,
        stages: stages.collect(),
        evaluation: None,
        checkpoints: CheckpointOptions::default(),
        info: RunInfo::default(),
    }
}

/// Keeps the weights as they are.
pub(super) struct Plain;

impl PolicyStore for Plain {
    fn save(&self, policy: &Policy, folder: &Path) -> Result<(), TrainError> {
        let parameters = policy.parameters().iter();
        let tensors: std::collections::HashMap<_, _> = parameters
            .map(|(name, tensor, _)| (name.to_owned(), tensor.clone()))
            .collect();
        Ok(safetensors::save(
            &tensors,
            folder.join("model.safetensors"),
        )?)
    }

    fn restore(&self, policy: &mut Policy, folder: &Path) -> Result<(), TrainError> {
        let tensors = safetensors::load(folder.join("model.safetensors"), &Device::Cpu)?;
        for (name, tensor) in tensors {
            policy.parameters_mut().set(&name, tensor)?;
        }
        Ok(())
    }
}

/// What a run said.
#[derive(Clone, Default)]
pub(super) struct Diary(pub(super) Arc<Mutex<Said>>);

#[derive(Default)]
pub(super) struct Said {
    pub(super) begun: Vec<RunInfo>,
    pub(super) steps: Vec<StepRecord>,
    pub(super) completions: Vec<CompletionRecord>,
    pub(super) notes: Vec<String>,
    pub(super) ending: Option<Ending>,
    pub(super) failures: Vec<String>,
    /// Every step up to this one may be told; the next makes the run fail.
    pub(super) dies_after: Option<u64>,
    /// A step after which `stop` is set.
    pub(super) stops_at: Option<u64>,
    pub(super) stop: Arc<std::sync::atomic::AtomicBool>,
}

impl Watcher for Diary {
    fn begin(&mut self, run: &RunInfo) -> Result<(), WatchError> {
        self.0.lock().unwrap().begun.push(run.clone());
        Ok(())
    }

    fn step(&mut self, record: &StepRecord) -> Result<(), WatchError> {
        let mut said = self.0.lock().unwrap();
        if said.dies_after.is_some_and(|last| record.step > last) {
            return Err(WatchError::Content {
                path: "metrics.jsonl".into(),
                line: 1,
                problem: "killed".to_owned(),
            });
        }
        if said.stops_at == Some(record.step) {
            said.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        said.steps.push(record.clone());
        Ok(())
    }

    fn completions(&mut self, records: &[CompletionRecord]) -> Result<(), WatchError> {
        self.0.lock().unwrap().completions.extend(records.to_vec());
        Ok(())
    }

    fn note(&mut self, text: &str) -> Result<(), WatchError> {
        self.0.lock().unwrap().notes.push(text.to_owned());
        Ok(())
    }

    fn failed(&mut self, why: &str) -> Result<(), WatchError> {
        self.0.lock().unwrap().failures.push(why.to_owned());
        Ok(())
    }

    fn end(&mut self, ending: Ending) -> Result<(), WatchError> {
        self.0.lock().unwrap().ending = Some(ending);
        Ok(())
    }
}

impl Said {
    /// A metric of every training step of a stage.
    pub(super) fn curve(&self, stage: &str, metric: &str) -> Vec<f64> {
        let steps = self.steps.iter();
        steps
            .filter(|record| record.kind == Kind::Train && record.stage == stage)
            .filter_map(|record| record.metric(metric))
            .collect()
    }

    /// A metric of every evaluation.
    pub(super) fn evaluations(&self, metric: &str) -> Vec<f64> {
        let steps = self.steps.iter();
        steps
            .filter(|record| record.kind == Kind::Evaluation)
            .filter_map(|record| record.metric(metric))
            .collect()
    }
}
