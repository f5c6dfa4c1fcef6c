//! Special tokens by their role: which text begins, ends and fills.

use std::path::Path;

use serde_json::Value;
use tokenizers::Tokenizer as Inner;

use super::{FolderError, TOKENIZER_CONFIG};
use crate::train::folder::json::Document;

/// Texts of special tokens, by role.
#[derive(Clone, Debug, Default)]
pub(in crate::train::folder) struct SpecialNames {
    /// Begins a text.
    pub(in crate::train::folder) bos: Option<String>,
    /// Ends a text.
    pub(in crate::train::folder) eos: Option<String>,
    /// Fills shorter rows.
    pub(in crate::train::folder) pad: Option<String>,
    /// Stands for what has no token.
    pub(in crate::train::folder) unk: Option<String>,
}

impl SpecialNames {
    /// Takes what is still open from a file.
    pub(super) fn fill(&mut self, document: &Document) -> Result<(), FolderError> {
        for (name, field) in [
            (&mut self.bos, "bos_token"),
            (&mut self.eos, "eos_token"),
            (&mut self.pad, "pad_token"),
            (&mut self.unk, "unk_token"),
        ] {
            if name.is_none() {
                *name = match document.value(field) {
                    None => None,
                    Some(Value::String(text)) => Some(text.clone()),
                    // Older files write the token with its rules.
                    Some(Value::Object(token)) => match token.get("content") {
                        Some(Value::String(text)) => Some(text.clone()),
                        _ => return Err(document.refuse(field, "a token with its `content`")),
                    },
                    Some(_) => return Err(document.refuse(field, "a token's text")),
                };
            }
        }
        Ok(())
    }

    /// The number of a named token.
    pub(super) fn token(
        &self,
        inner: &Inner,
        name: &Option<String>,
        folder: &Path,
    ) -> Result<Option<u32>, FolderError> {
        let Some(text) = name else {
            return Ok(None);
        };
        match inner.token_to_id(text) {
            Some(token) => Ok(Some(token)),
            None => Err(FolderError::Field {
                path: folder.join(TOKENIZER_CONFIG),
                field: "special token".to_owned(),
                found: format!("`{text}`"),
                wanted: "a token of the tokenizer".to_owned(),
            }),
        }
    }
}
