//! `generation_config.json`: the tokens that end a completion and fill a batch.

use std::path::Path;

use super::FolderError;
use super::error::read_optional;
use super::json::Document;

/// Name of the file.
pub(super) const GENERATION_CONFIG: &str = "generation_config.json";

/// What a folder says about sampling that we use: the tokens that end a completion.
///
/// Temperatures and cut-offs in the file are its author's taste for chatting, not
/// a training run's; they are kept in the file and otherwise left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GenerationConfig {
    /// Tokens that end a completion, without repetition.
    pub eos_token_ids: Vec<u32>,
    /// The token that fills shorter rows.
    pub pad_token_id: Option<u32>,
}

impl GenerationConfig {
    /// Reads a folder's `generation_config.json`, and `config.json` for what it
    /// leaves open; with neither, there are no tokens.
    ///
    /// # Errors
    /// [`FolderError`] for a file that is not JSON, or a token that is no number.
    pub fn load(folder: &Path) -> Result<Self, FolderError> {
        let mut read = Self::default();
        for name in [GENERATION_CONFIG, super::config::CONFIG] {
            let path = folder.join(name);
            let Some(bytes) = read_optional(&path)? else {
                continue;
            };
            let document = Document::parse(&path, &bytes)?;
            if read.eos_token_ids.is_empty() {
                for token in document.tokens("eos_token_id")? {
                    read.add_eos(token);
                }
            }
            if read.pad_token_id.is_none() {
                read.pad_token_id = document.tokens("pad_token_id")?.first().copied();
            }
        }
        Ok(read)
    }

    /// Adds a token that ends completions, unless it is known.
    pub(super) fn add_eos(&mut self, token: u32) {
        if !self.eos_token_ids.contains(&token) {
            self.eos_token_ids.push(token);
        }
    }

    /// The file as transformers writes it.
    pub(super) fn to_json(&self) -> String {
        let eos = match self.eos_token_ids.as_slice() {
            [] => serde_json::Value::Null,
            [one] => (*one).into(),
            several => several.into(),
        };
        let file = serde_json::json!({
            "eos_token_id": eos,
            "pad_token_id": self.pad_token_id,
        });
        format!("{file:#}\n")
    }
}
