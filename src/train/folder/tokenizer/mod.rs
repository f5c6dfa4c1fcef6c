//! Tokens: text in, numbers out, and back, by a folder's `tokenizer.json`.

mod characters;
mod names;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tokenizers::{AddedToken, Tokenizer as Inner};

pub(super) use names::SpecialNames;

use super::FolderError;
use super::error::{read_optional, write};
use super::generation::GenerationConfig;
use super::json::Document;

/// Name of the file that holds the tokens and their rules.
const TOKENIZER: &str = "tokenizer.json";
/// Name of the file that says which of them are special.
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// Files that belong to a tokenizer and are copied as they are.
const FILES: [&str; 9] = [
    TOKENIZER,
    TOKENIZER_CONFIG,
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    super::chat::TEMPLATE,
    super::chat::OLD_TEMPLATE,
];

/// A tokenizer, with the files that it came from.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: Inner,
    /// Name and content, in the order of [`FILES`].
    files: Vec<(String, Vec<u8>)>,
    names: SpecialNames,
    generation: GenerationConfig,
    /// What the model says for text that it has no token for.
    unknown: Option<u32>,
    vocab_size: usize,
}

impl Tokenizer {
    /// Reads a folder with a `tokenizer.json`, or that file by its own path.
    ///
    /// Tokens that only `tokenizer_config.json` adds are added. The tokens that end
    /// a completion are `eos_token` first, then those of `generation_config.json`
    /// (or of `config.json`).
    ///
    /// # Errors
    /// [`FolderError`] for a missing or malformed file, an added token whose number
    /// is taken, or a special token that has no number.
    pub fn load(path: &Path) -> Result<Self, FolderError> {
        let folder = if path.file_name().is_some_and(|name| name == TOKENIZER) {
            path.parent().unwrap_or(Path::new("."))
        } else {
            path
        };
        let file = folder.join(TOKENIZER);
        if !file.exists() {
            return Err(FolderError::Missing {
                path: file,
                wanted: "save the tokenizer with transformers' `AutoTokenizer.save_pretrained`, \
                         which writes it",
            });
        }
        let mut files = Vec::new();
        for name in FILES {
            if let Some(bytes) = read_optional(&folder.join(name))? {
                files.push((name.to_owned(), bytes));
            }
        }
        Self::from_files(folder, files, GenerationConfig::load(folder)?)
    }

    /// A tokenizer of single characters, with markers such as `<think>` that are one
    /// token each.
    ///
    /// Tokens 0 to 2 are `<pad>`, `<eos>` and `<unk>`; the markers follow, then the
    /// alphabet, each in the order given. Characters outside ASCII are several bytes,
    /// which have tokens behind these. The files that [`Self::save`] writes are an
    /// ordinary tokenizer of transformers with the same numbers.
    ///
    /// # Errors
    /// [`FolderError::Alphabet`] for a character or marker that occurs twice, an empty
    /// alphabet or marker, a marker of the names above, or one with an accent.
    pub fn characters(alphabet: &str, markers: &[String]) -> Result<Self, FolderError> {
        let files = characters::files(alphabet, markers)?;
        Self::from_files(Path::new(""), files, GenerationConfig::default())
    }

    fn from_files(
        folder: &Path,
        files: Vec<(String, Vec<u8>)>,
        mut generation: GenerationConfig,
    ) -> Result<Self, FolderError> {
        let content = |name: &str| {
            let found = files.iter().find(|(file, _)| file == name);
            found.map(|(_, bytes)| bytes.as_slice())
        };
        let path = folder.join(TOKENIZER);
        let bytes = content(TOKENIZER).unwrap_or_default();
        let document = Document::parse(&path, bytes)?;
        let mut inner = Inner::from_bytes(bytes).map_err(|error| malformed(&path, &error))?;
        // A limit in the file would cut prompts off in silence.
        inner
            .with_truncation(None)
            .map_err(|error| malformed(&path, &error))?
            .with_padding(None);

        let mut names = SpecialNames::default();
        for name in [TOKENIZER_CONFIG, "special_tokens_map.json"] {
            if let Some(bytes) = content(name) {
                let path = folder.join(name);
                let document = Document::parse(&path, bytes)?;
                add_tokens(&mut inner, &document)?;
                names.fill(&document)?;
            }
        }
        if let Some(eos) = names.token(&inner, &names.eos, folder)? {
            generation.eos_token_ids.retain(|token| *token != eos);
            generation.eos_token_ids.insert(0, eos);
        }
        if let Some(pad) = names.token(&inner, &names.pad, folder)? {
            generation.pad_token_id = Some(pad);
        }
        let unknown = unknown_token(&document)?.and_then(|token| inner.token_to_id(&token));
        let numbers = inner.get_vocab(true).into_values();
        let vocab_size = numbers.max().map_or(0, |last| last as usize + 1);
        Ok(Self {
            inner,
            files,
            names,
            generation,
            unknown,
            vocab_size,
        })
    }

    /// The files that it was read from, by name.
    pub(in crate::train) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let files = self.files.iter();
        files.map(|(name, content)| (name.as_str(), content.as_slice()))
    }

    /// The tokens of a text, and nothing else: no token at the beginning or the end.
    ///
    /// Special tokens written out in the text become their tokens, as in
    /// transformers: a chat template's text is meant so.
    ///
    /// # Errors
    /// [`FolderError::UnknownText`] when a piece other than blanks has no token.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, FolderError> {
        self.encoded(text, false)
    }

    /// The tokens of a text with those that the tokenizer puts round a document, such
    /// as Llama's `<s>`: what transformers does when it is called with a plain text.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_document(&self, text: &str) -> Result<Vec<u32>, FolderError> {
        self.encoded(text, true)
    }

    fn encoded(&self, text: &str, document: bool) -> Result<Vec<u32>, FolderError> {
        let unknown = |piece: &str| FolderError::UnknownText {
            piece: piece.to_owned(),
            text: text.chars().take(80).collect(),
        };
        let encoding = self
            .inner
            .encode(text, document)
            .map_err(|error| unknown(&error.to_string()))?;
        // What no token covers is lost, and so is what the unknown token covers.
        let mut covered = 0;
        for (token, &(start, end)) in encoding.get_ids().iter().zip(encoding.get_offsets()) {
            if Some(*token) == self.unknown && end > start {
                let piece = text.get(start..end).unwrap_or_default();
                // Its own name, written out, is what a policy said that wrote it.
                if self.inner.token_to_id(piece.trim()) != self.unknown {
                    return Err(unknown(piece));
                }
            }
            if start > covered {
                let gap = text.get(covered..start).unwrap_or_default();
                if !gap.trim().is_empty() {
                    return Err(unknown(gap));
                }
            }
            covered = covered.max(end);
        }
        let rest = text.get(covered..).unwrap_or_default();
        if !rest.trim().is_empty() {
            return Err(unknown(rest));
        }
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of tokens without special ones, as trainers hand it to rewards.
    ///
    /// A number that stands for no token gives no text; bytes that are no UTF-8
    /// give `U+FFFD`. It hides tokens that a policy wrote: a reward must see
    /// [`Self::decode_all`].
    ///
    /// # Errors
    /// [`FolderError::Decode`] when the tokenizer's decoder fails.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, FolderError> {
        self.decoded(tokens, true)
    }

    /// The text of tokens with special ones written out; a number that stands for
    /// no token, as a model with more rows than its tokenizer can write, gives
    /// `U+FFFD`, so that what stands round it does not become one text.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_all(&self, tokens: &[u32]) -> Result<String, FolderError> {
        let is_none = |token: &u32| self.inner.id_to_token(*token).is_none();
        let parts = tokens.split(is_none).map(|part| self.decoded(part, false));
        let parts: Result<Vec<String>, FolderError> = parts.collect();
        Ok(parts?.join("\u{FFFD}"))
    }

    fn decoded(&self, tokens: &[u32], skips_special: bool) -> Result<String, FolderError> {
        let text = self.inner.decode(tokens, skips_special);
        text.map_err(|error| FolderError::Decode {
            tokens: tokens.len(),
            why: error.to_string(),
        })
    }

    /// Tokens that end a completion; the first is the one to end a text with. Empty
    /// when the folder names none.
    pub fn eos_ids(&self) -> &[u32] {
        &self.generation.eos_token_ids
    }

    /// The token that fills shorter rows, or else the one that ends texts.
    pub fn pad_id(&self) -> Option<u32> {
        let first = || self.generation.eos_token_ids.first().copied();
        self.generation.pad_token_id.or_else(first)
    }

    /// One more than the largest token's number: what a model must at least have.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The number of a token by its text.
    pub fn token(&self, text: &str) -> Option<u32> {
        self.inner.token_to_id(text)
    }

    /// Writes the tokenizer's files as they were read, byte for byte.
    ///
    /// # Errors
    /// [`FolderError::Write`].
    pub fn save(&self, folder: &Path) -> Result<(), FolderError> {
        for (name, bytes) in &self.files {
            write(&folder.join(name), bytes)?;
        }
        Ok(())
    }

    /// Texts of the special tokens.
    pub(super) fn names(&self) -> &SpecialNames {
        &self.names
    }

    /// The tokens that end and fill.
    pub(super) fn generation(&self) -> &GenerationConfig {
        &self.generation
    }

    /// A file of the tokenizer.
    pub(super) fn file(&self, name: &str) -> Option<&[u8]> {
        let found = self.files.iter().find(|(file, _)| file == name);
        found.map(|(_, bytes)| bytes.as_slice())
    }

    /// Puts a file in the place of the one of its name.
    pub(super) fn set_file(&mut self, name: &str, bytes: Vec<u8>) {
        self.files.retain(|(file, _)| file != name);
        self.files.push((name.to_owned(), bytes));
    }
}

/// Adds the tokens that `tokenizer_config.json` lists and `tokenizer.json` lacks.
fn add_tokens(inner: &mut Inner, document: &Document) -> Result<(), FolderError> {
    const FIELD: &str = "added_tokens_decoder";
    let Some(list) = document.object(FIELD)? else {
        return Ok(());
    };
    let mut missing = Vec::new();
    for (number, entry) in list.fields() {
        let id: u32 = number
            .parse()
            .map_err(|_| list.refuse(number, "named by a token's number"))?;
        let token: AddedToken = serde_json::from_value(entry.clone())
            .map_err(|error| list.refuse(number, format!("an added token ({error})")))?;
        match inner.token_to_id(&token.content) {
            Some(known) if known == id => {}
            Some(known) => {
                let wanted = format!("token {known}, as in {TOKENIZER}");
                return Err(list.refuse(number, wanted));
            }
            None => missing.push((id, token)),
        }
    }
    missing.sort_by_key(|(id, _)| *id);
    for (id, token) in missing {
        let text = token.content.clone();
        let added = if token.special {
            inner.add_special_tokens([token])
        } else {
            inner.add_tokens([token])
        };
        let given = inner.token_to_id(&text);
        if added.is_err() || given != Some(id) {
            let wanted = format!("the next free number, {given:?}");
            return Err(list.refuse(&id.to_string(), wanted));
        }
    }
    Ok(())
}

/// The text of the model's unknown token.
fn unknown_token(document: &Document) -> Result<Option<String>, FolderError> {
    let Some(model) = document.object("model")? else {
        return Ok(None);
    };
    if let Some(token) = model.text("unk_token")? {
        return Ok(Some(token.to_owned()));
    }
    let listed = model.value("unk_id").and_then(Value::as_u64);
    Ok(listed.and_then(|id| {
        let entry = model.value("vocab")?.get(usize::try_from(id).ok()?)?;
        Some(entry.get(0)?.as_str()?.to_owned())
    }))
}

fn malformed(path: &Path, error: &dyn std::fmt::Display) -> FolderError {
    FolderError::Malformed {
        path: PathBuf::from(path),
        wanted: "a tokenizer",
        why: error.to_string(),
    }
}
