//! From a checked recipe to a run: the policy, its folder, its tasks as stages
//! see them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Device;
use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::model::{self, RandomModel};
use super::{DEFAULT_HELD_OUT, Recipe, Stage, StageOptions};
use crate::reward::Scorer;
use crate::train::error::{FileAction, TrainError};
use crate::train::folder::{
    ModelFolder, Tokenizer, load_adapter, load_policy, save_adapter, save_policy,
};
use crate::train::policy::{Architecture, MemoryShape, ModelConfig, Policy, Rope, RopeScaling};
use crate::train::run::{PolicyStore, RunPlan, StagePlan, StageWork};
use crate::train::sample::Vocabulary;
use crate::train::stage::{Demonstrations, Evaluation, Problems};
use crate::train::task::{Asked, Task};
use crate::train::watch::{InputFile, RunInfo};

/// A recipe ready to run.
pub struct Prepared {
    /// What learns.
    pub policy: Policy,
    /// Its tokens.
    pub words: Words,
    /// How it is kept.
    pub store: FolderStore,
    /// What is done.
    pub plan: RunPlan,
}

/// A tokenizer as the stages see it.
pub struct Words(pub Tokenizer);

/// Keeps policies as Hugging Face folders; adapters alone, in PEFT's files, of a
/// policy that has any.
pub struct FolderStore {
    /// All of the folder but the weights.
    pub folder: ModelFolder,
    /// Where the policy came from, which adapters stand beside.
    pub base: PathBuf,
}

impl Prepared {
    /// The scorers of all stages and of the evaluation.
    pub fn scorers_mut(&mut self) -> impl Iterator<Item = &mut Scorer> {
        let stages = self.plan.stages.iter_mut();
        let stages = stages.filter_map(|stage| match &mut stage.work {
            StageWork::Sft { .. } => None,
            StageWork::Grpo { scorer, .. } | StageWork::Reject { scorer, .. } => Some(scorer),
        });
        let evaluation = self.plan.evaluation.as_mut();
        stages.chain(evaluation.map(|evaluation| &mut evaluation.scorer))
    }
}

impl Recipe {
    /// The shape of the policy; `None` where its folder is missing or unusable.
    #[must_use]
    pub fn model_config(&self) -> Option<ModelConfig> {
        match (&self.model.path, &self.model.random) {
            (Some(path), _) => {
                let folder = ModelFolder::load(&self.folder.join(path)).ok()?;
                Some(folder.config)
            }
            (None, Some(random)) => Some(random.config(self.tokenizer().ok()?.vocab_size())),
            (None, None) => None,
        }
    }

    /// What the memory of the recipe's stages is planned from, on a processor or on
    /// another device, which need not be there.
    #[must_use]
    pub fn memory_shape<'c>(&self, config: &'c ModelConfig, is_cpu: bool) -> MemoryShape<'c> {
        let all = || u64::try_from(config.parameter_count()).unwrap_or(u64::MAX);
        let adapters = self.model.lora.as_ref();
        let adapters = adapters.map(|options| options.parameter_count(config));
        MemoryShape {
            config,
            compute: self.model.compute.on(is_cpu),
            is_cpu,
            trainable: adapters.unwrap_or_else(all),
            adapters: adapters.unwrap_or(0),
        }
    }

    /// Loads or makes the policy, opens the tasks, and plans the run in `folder`.
    ///
    /// # Errors
    /// [`TrainError`] for a model or a file that cannot be used.
    pub fn prepare(&self, device: &Device, folder: PathBuf) -> Result<Prepared, TrainError> {
        let (mut policy, model) = self.policy(device)?;
        policy.set_compute(self.model.compute.on(device.is_cpu()))?;
        let plan = self.plan(&policy, &model, folder)?;
        Ok(Prepared {
            words: Words(model.tokenizer.clone()),
            store: FolderStore {
                folder: model,
                base: self.base(),
            },
            policy,
            plan,
        })
    }

    /// The policy that the run begins with.
    fn policy(&self, device: &Device) -> Result<(Policy, ModelFolder), TrainError> {
        if let Some(path) = &self.model.path {
            let (policy, folder) = load_policy(&self.folder.join(path), device)?;
            let policy = match &self.model.lora {
                Some(options) => policy.with_lora(options, self.seed)?,
                None => policy,
            };
            return Ok((policy, folder));
        }
        let tokenizer = self.tokenizer()?;
        let shape = self.model.random.clone().unwrap_or_default();
        let config = shape.config(tokenizer.vocab_size());
        let policy = Policy::random(config.clone(), self.seed, device)?;
        Ok((policy, ModelFolder::new(config, tokenizer)?))
    }

    /// The tokenizer of a random model.
    fn tokenizer(&self) -> Result<Tokenizer, TrainError> {
        let options = self.model.tokenizer.clone().unwrap_or_default();
        Ok(match &options.path {
            Some(path) => Tokenizer::load(&self.folder.join(path))?,
            None => {
                let characters = options.characters.as_deref().unwrap_or_default();
                Tokenizer::characters(characters, &options.special)?
            }
        })
    }

    fn plan(
        &self,
        policy: &Policy,
        model: &ModelFolder,
        folder: PathBuf,
    ) -> Result<RunPlan, TrainError> {
        let stages = self.stages.iter().map(|stage| {
            Ok(StagePlan {
                name: stage.name.clone(),
                work: self.work(stage, model)?,
            })
        });
        let evaluation = match &self.evaluation {
            None => None,
            Some(options) => Some(Evaluation {
                problems: self.asked(options.task.as_deref().unwrap_or(DEFAULT_HELD_OUT), model)?,
                scorer: self.paid(options.spec.as_deref()),
                options: options.clone(),
            }),
        };
        let parameters = policy.parameters();
        let trainable = parameters
            .iter()
            .filter(|(_, _, is_trainable)| *is_trainable);
        let numbers = trainable.map(|(_, tensor, _)| tensor.elem_count() as u64);
        Ok(RunPlan {
            folder,
            seed: self.seed,
            stages: stages.collect::<Result<_, TrainError>>()?,
            evaluation,
            checkpoints: self.checkpoints,
            info: RunInfo {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                name: self.name.clone(),
                recipe_sha256: digest(self.text.as_bytes()),
                inputs: self.inputs(model)?,
                model: in_words(policy.config()),
                parameters: parameters.count() as u64,
                trainable: numbers.sum(),
                recipe: self.copy(),
                ..RunInfo::default()
            },
        })
    }

    fn work(&self, stage: &Stage, model: &ModelFolder) -> Result<StageWork, TrainError> {
        let task = stage.options.task();
        let problems = |name: Option<&str>| self.asked(name.unwrap_or_default(), model);
        Ok(match &stage.options {
            StageOptions::Sft(options) => StageWork::Sft {
                options: (**options).clone(),
                demonstrations: match task {
                    None => Vec::new(),
                    Some(name) => vec![self.open(name, model)? as Arc<dyn Demonstrations>],
                },
            },
            StageOptions::Grpo(options) => StageWork::Grpo {
                options: (**options).clone(),
                problems: problems(task)?,
                scorer: self.paid(options.spec.as_deref()),
            },
            StageOptions::Reject(options) => StageWork::Reject {
                options: (**options).clone(),
                problems: problems(task)?,
                scorer: self.paid(options.spec.as_deref()),
            },
        })
    }

    /// What the model but for its weights, tasks and specs are read from.
    fn inputs(&self, model: &ModelFolder) -> Result<Vec<InputFile>, TrainError> {
        let mut inputs = self.model_inputs(model)?;
        for file in self.tasks.values().filter_map(|task| task.file.as_ref()) {
            let path = self.folder.join(file);
            let bytes = fs::read(&path).map_err(TrainError::file(FileAction::Read, &path))?;
            inputs.push(InputFile::new(file, digest(&bytes)));
        }
        for (name, scorer) in &self.scorers {
            // Shipped specs and those within the recipe are no files beside it.
            if self.folder.join(name).is_file() {
                // Of the spec together with the grammars that it names.
                let sha256 = scorer.spec_sha256().to_owned();
                inputs.push(InputFile::new(Path::new(name), sha256));
            }
        }
        Ok(inputs)
    }

    /// The files of the tokenizer, chat template included, and what says how the
    /// model computes and what ends a completion.
    fn model_inputs(&self, model: &ModelFolder) -> Result<Vec<InputFile>, TrainError> {
        let tokenizer = self.model.tokenizer.as_ref();
        let tokenizer = tokenizer.and_then(|tokenizer| tokenizer.path.as_deref());
        let Some(path) = self.model.path.as_deref().or(tokenizer) else {
            return Ok(Vec::new());
        };
        let folder = match self.folder.join(path).is_dir() {
            true => path,
            false => path.parent().unwrap_or(Path::new("")),
        };
        let files = model.tokenizer.files();
        let mut inputs: Vec<InputFile> = files
            .map(|(name, bytes)| InputFile::new(&folder.join(name), digest(bytes)))
            .collect();
        for name in ["config.json", "generation_config.json"] {
            let path = self.folder.join(folder).join(name);
            match fs::read(&path) {
                Ok(bytes) => inputs.push(InputFile::new(&folder.join(name), digest(&bytes))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(TrainError::file(FileAction::Read, &path)(error)),
            }
        }
        Ok(inputs)
    }

    /// The folder of the model, as it can be found from anywhere.
    fn base(&self) -> PathBuf {
        let path = self.model.path.as_deref().unwrap_or(Path::new(""));
        let path = self.folder.join(path);
        path.canonicalize().unwrap_or(path)
    }

    fn asked(&self, name: &str, model: &ModelFolder) -> Result<Arc<dyn Problems>, TrainError> {
        Ok(self.open(name, model)?)
    }

    fn open(&self, name: &str, model: &ModelFolder) -> Result<Arc<Asked>, TrainError> {
        let options = &self.tasks[name];
        let task = Task::open(name, options, &self.folder, self.seed)?;
        Ok(Arc::new(Asked::new(task, model.chat.clone())))
    }

    fn paid(&self, spec: Option<&str>) -> Scorer {
        let scorer = self.scorer(spec).cloned();
        let scorer = scorer.expect("a checked recipe has a scorer for every stage that pays");
        scorer.unknown_as_wrong()
    }
}

impl RandomModel {
    /// The model's configuration, for a vocabulary of this size.
    #[must_use]
    pub fn config(&self, vocab_size: usize) -> ModelConfig {
        let architecture = match self.architecture {
            model::Architecture::Qwen2 => Architecture::Qwen2,
            model::Architecture::Qwen3 => Architecture::Qwen3,
            model::Architecture::Llama => Architecture::Llama,
        };
        ModelConfig {
            architecture,
            vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate(),
            layers: self.layers,
            heads: self.heads,
            kv_heads: self.key_heads(),
            head_dim: self.head_width(),
            rms_norm_eps: 1e-6,
            rope: Rope {
                theta: self.rope_theta,
                scaling: RopeScaling::None,
            },
            tie_embeddings: self.tie_embeddings,
            attention_bias: architecture == Architecture::Qwen2,
            qk_norm: architecture == Architecture::Qwen3,
            max_positions: self.max_positions,
        }
    }
}

/// SHA-256 in hexadecimal.
fn digest(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// `qwen2, 4 layers of 128`.
fn in_words(config: &ModelConfig) -> String {
    let family = match config.architecture {
        Architecture::Qwen2 => "qwen2",
        Architecture::Qwen3 => "qwen3",
        Architecture::Llama => "llama",
    };
    format!(
        "{family}, {} layers of {}",
        config.layers, config.hidden_size
    )
}

/// Loads a policy from a Hugging Face folder, or from a folder with an adapter,
/// which is added to the weights of the model that it names.
///
/// # Errors
/// [`TrainError`] for whatever is missing or does not fit.
pub fn load_kept(path: &Path, device: &Device) -> Result<(Policy, ModelFolder), TrainError> {
    let adapter = path.join("adapter_config.json");
    let Ok(text) = fs::read_to_string(&adapter) else {
        return load_policy(path, device);
    };
    let config: Value = serde_json::from_str(&text).unwrap_or_default();
    let base = config["base_model_name_or_path"]
        .as_str()
        .unwrap_or_default();
    let (policy, folder) = load_policy(Path::new(base), device)?;
    let policy = load_adapter(path, policy, 0)?;
    Ok((policy.merged()?, folder))
}

impl Vocabulary for Words {
    fn encode(&self, text: &str) -> Result<Vec<u32>, TrainError> {
        Ok(self.0.encode(text)?)
    }

    fn encode_document(&self, text: &str) -> Result<Vec<u32>, TrainError> {
        Ok(self.0.encode_document(text)?)
    }

    fn decode(&self, tokens: &[u32]) -> Result<String, TrainError> {
        Ok(self.0.decode_all(tokens)?)
    }

    fn end_ids(&self) -> &[u32] {
        self.0.eos_ids()
    }
}

impl PolicyStore for FolderStore {
    fn save(&self, policy: &Policy, folder: &Path) -> Result<(), TrainError> {
        match policy.lora() {
            None => save_policy(folder, policy, &self.folder),
            Some(_) => {
                let base = self.base.to_string_lossy();
                save_adapter(folder, policy, &self.folder, &base)
            }
        }
    }

    fn restore(&self, policy: &mut Policy, folder: &Path) -> Result<(), TrainError> {
        let saved = match policy.lora() {
            None => load_policy(folder, policy.device())?.0,
            Some(_) => load_adapter(folder, policy.without_lora()?, 0)?,
        };
        let names = policy.parameters().iter().map(|(name, ..)| name.to_owned());
        for name in names.collect::<Vec<_>>() {
            let tensor = saved.parameters().get(&name).cloned();
            let tensor =
                tensor.ok_or_else(|| TrainError::UnknownParameter { name: name.clone() })?;
            policy.parameters_mut().set(&name, tensor)?;
        }
        Ok(())
    }
}
