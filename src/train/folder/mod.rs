//! Hugging Face folders: a policy, its tokenizer and its chat template, read and
//! written under transformers' names.
//!
//! `config.json` (`config.rs`), `tokenizer.json` and what stands beside it
//! (`tokenizer/`), the chat template (`chat.rs`), `generation_config.json`
//! (`generation.rs`), weights in safetensors (`tensors.rs`) under the names and in
//! the shapes of transformers (`layout.rs`); adapters in PEFT's files
//! (`adapter.rs`). What a policy would compute otherwise
//! than its folder says is refused with the file and the field.

mod error;

mod json;

mod config;

mod generation;

mod tokenizer;

mod calendar;

mod chat;

mod layout;

mod tensors;

mod save;

mod adapter;

use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::{Map, Value};

pub use adapter::{load_adapter, save_adapter};
pub use chat::{ChatTemplate, Message};
pub use error::FolderError;
pub use generation::GenerationConfig;
pub use save::{SaveOptions, save_policy, save_policy_with};
pub use tensors::StoredType;
pub use tokenizer::Tokenizer;

use super::TrainError;
use super::policy::{ModelConfig, Parameters, Policy};
use error::read;
use json::Document;
use tensors::Tensors;

/// All of a folder but the weights.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    /// What the model computes.
    pub config: ModelConfig,
    /// Its tokens.
    pub tokenizer: Tokenizer,
    /// How a conversation becomes text; none for a model that was not taught one.
    pub chat: Option<ChatTemplate>,
    /// What ends a completion.
    pub generation: GenerationConfig,
    /// Fields of the `config.json` that was read.
    fields: Option<Map<String, Value>>,
    /// The `generation_config.json` that was read.
    generation_file: Option<Vec<u8>>,
}

impl ModelFolder {
    /// Reads a folder without its weights.
    ///
    /// # Errors
    /// [`TrainError::Folder`] for whatever is missing, malformed or not supported;
    /// [`TrainError::Config`] for numbers that make no model.
    pub fn load(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(config::CONFIG);
        let document = Document::parse(&path, &read(&path)?)?;
        let config = config::read(&document)?;
        config.validate()?;
        let tokenizer = Tokenizer::load(folder)?;
        let mut read = Self::new(config, tokenizer)?;
        read.fields = Some(document.fields().clone());
        read.generation_file = error::read_optional(&folder.join(generation::GENERATION_CONFIG))?;
        Ok(read)
    }

    /// A folder for a policy that came from nowhere; the chat template is the
    /// tokenizer's, if it has one.
    ///
    /// # Errors
    /// [`TrainError::Folder`] when the tokenizer has more tokens than the model, or a
    /// chat template that cannot be parsed.
    pub fn new(config: ModelConfig, tokenizer: Tokenizer) -> Result<Self, TrainError> {
        if tokenizer.vocab_size() > config.vocab_size {
            return Err(TrainError::Config {
                field: "vocab_size",
                found: config.vocab_size.to_string(),
                wanted: format!("at least the tokenizer's {} tokens", tokenizer.vocab_size()),
            });
        }
        let ends = &tokenizer.generation().eos_token_ids;
        if let Some(beyond) = ends.iter().find(|id| **id as usize >= config.vocab_size) {
            return Err(TrainError::Config {
                field: "eos_token_id",
                found: beyond.to_string(),
                wanted: format!("below the model's {} tokens", config.vocab_size),
            });
        }
        Ok(Self {
            chat: ChatTemplate::of(&tokenizer)?,
            generation: tokenizer.generation().clone(),
            config,
            tokenizer,
            fields: None,
            generation_file: None,
        })
    }

    /// Replaces the chat template, for this run and in what is saved.
    ///
    /// # Errors
    /// [`FolderError::Template`] when it cannot be parsed.
    pub fn set_chat_template(&mut self, source: &str) -> Result<(), FolderError> {
        self.chat = Some(ChatTemplate::parse(source, &self.tokenizer)?);
        self.tokenizer
            .set_file(chat::TEMPLATE, source.as_bytes().to_vec());
        Ok(())
    }
}

/// Reads a policy from a folder: weights in f32 on `device`, all of them trainable.
///
/// # Errors
/// [`TrainError::Folder`] for whatever is missing, malformed or not supported, with
/// the file and the field or tensor.
pub fn load_policy(folder: &Path, device: &Device) -> Result<(Policy, ModelFolder), TrainError> {
    let read = ModelFolder::load(folder)?;
    let mut tensors = Tensors::open_folder(folder)?;
    let entries = layout::entries(&read.config);
    refuse_strangers(&tensors, &entries, &read.config)?;
    let mut parameters = Vec::with_capacity(entries.len());
    for entry in entries {
        let pieces = entry
            .pieces
            .iter()
            .map(|piece| tensors.read(&piece.name, &entry.piece_shape(piece)))
            .collect::<Result<Vec<_>, _>>()?;
        let tensor = Tensor::from_vec(entry.pack(pieces), entry.shape(), device)?;
        parameters.push((entry.parameter, tensor));
    }
    let policy = Policy::from_parameters(read.config.clone(), Parameters::new(parameters))?;
    Ok((policy, read))
}

/// Refuses tensors that the model would compute with and we would not.
fn refuse_strangers(
    tensors: &Tensors,
    entries: &[layout::Entry],
    config: &ModelConfig,
) -> Result<(), FolderError> {
    let known: std::collections::HashSet<&str> = entries
        .iter()
        .flat_map(|entry| &entry.pieces)
        .map(|piece| piece.name.as_str())
        .collect();
    // The first is a table that older checkpoints carry along; a tied head is the
    // embedding, whatever the file says, in transformers too.
    let is_idle = |name: &str| {
        name.ends_with("rotary_emb.inv_freq") || config.tie_embeddings && name == "lm_head.weight"
    };
    match tensors
        .names()
        .find(|name| !known.contains(name) && !is_idle(name))
    {
        None => Ok(()),
        Some(name) => Err(FolderError::Tensor {
            path: tensors.path(name).to_owned(),
            name: name.to_owned(),
            found: "there".to_owned(),
            wanted: "absent: a model of this config.json has no such tensor".to_owned(),
        }),
    }
}
