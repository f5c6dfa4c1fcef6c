//! The manifest: what an output file was made from, beside it as
//! `FILE.manifest.json`.
//!
//! It is written whole or not at all (a new file, then a rename).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::container::Container;
use super::input::{Input, InputError, Inputs};
use super::output::Columns;
use super::run::BatchOptions;
use super::select::Selection;
use crate::reward::{Scorer, SpecError, SpecSource};
use crate::rollout::schema::{Schema, SchemaChoice};

/// Version of the manifest's own format.
const VERSION: u32 = 1;
/// How much of each end of an input is hashed. Whole inputs would take minutes
/// to hash; a changed file has another size or another end nearly always.
const SAMPLE_BYTES: u64 = 64 * 1024;

/// What an output was made from, and whether it is whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// Version of this format.
    pub version: u32,
    /// Version of goldstone: another one may score otherwise.
    pub engine: String,
    /// The spec.
    pub spec: SpecIdentity,
    /// SHA-256 of the images that programs ran in, by the guest's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guests: BTreeMap<String, Option<String>>,
    /// The inputs in order.
    pub inputs: Vec<InputIdentity>,
    /// The options that decide what the output looks like.
    pub options: OutputOptions,
    /// Whether every row is written.
    pub complete: bool,
    /// Rows of a complete output.
    pub rows: Option<u64>,
    /// Size of a complete output.
    pub bytes: Option<u64>,
}

/// A spec and its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecIdentity {
    /// Its name.
    pub name: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Its TOML text.
    pub text: String,
    /// The texts of the grammars that it names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grammars: BTreeMap<String, String>,
}

/// An input as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputIdentity {
    /// Its path as given.
    pub name: String,
    /// Its size in bytes; `None` for a stream.
    pub bytes: Option<u64>,
    /// SHA-256 of its first and its last 64 KiB; `None` for a stream.
    pub ends_sha256: Option<String>,
}

/// The options that decide what the output looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputOptions {
    /// Its columns.
    pub columns: Columns,
    /// What the file is.
    #[serde(default)]
    pub container: Container,
    /// Text of a block, where it is not the container's own choice.
    #[serde(default)]
    pub block_bytes: Option<usize>,
    /// Most rows.
    pub limit: Option<u64>,
    /// Longest input line.
    pub max_line_bytes: usize,
    /// Whose fields the inputs have.
    #[serde(default = "native")]
    pub schema: SchemaChoice,
    /// Which rows are scored.
    #[serde(flatten)]
    pub selection: Selection,
}

/// What a manifest without a schema was made by.
fn native() -> SchemaChoice {
    SchemaChoice::Named(Schema::Native)
}

impl Manifest {
    /// The manifest of a run that has not begun.
    ///
    /// # Errors
    /// [`InputError`] when an input cannot be read.
    pub fn new(
        scorer: &Scorer,
        inputs: &Inputs,
        options: &BatchOptions,
    ) -> Result<Self, InputError> {
        let identity = |(index, input)| identity(input, inputs.size(index));
        Ok(Self {
            version: VERSION,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            spec: SpecIdentity {
                name: scorer.name().to_owned(),
                sha256: scorer.spec_sha256().to_owned(),
                text: scorer.text().to_owned(),
                grammars: scorer.grammars().clone(),
            },
            guests: scorer.guest_sha256s(),
            inputs: inputs
                .list()
                .iter()
                .enumerate()
                .map(identity)
                .collect::<Result<_, _>>()?,
            options: OutputOptions {
                columns: options.columns,
                container: options.container,
                block_bytes: options.block_bytes,
                limit: options.limit,
                max_line_bytes: options.max_line_bytes,
                schema: options.schema,
                selection: options.selection.clone(),
            },
            complete: false,
            rows: None,
            bytes: None,
        })
    }

    /// What keeps an output of `earlier` from being continued as one of `self`.
    pub(super) fn difference(&self, earlier: &Self) -> Option<String> {
        if self.version != earlier.version || self.engine != earlier.engine {
            return Some(format!("it was begun with goldstone {}", earlier.engine));
        }
        if self.spec.sha256 != earlier.spec.sha256 {
            return Some(match self.spec.name == earlier.spec.name {
                true => format!("the spec `{}` has changed since", self.spec.name),
                false => format!("it was begun with the spec `{}`", earlier.spec.name),
            });
        }
        let mut guests = self.guests.iter();
        if let Some((guest, _)) =
            guests.find(|(name, image)| earlier.guests.get(*name) != Some(image))
        {
            return Some(format!("the guest `{guest}` is another one since"));
        }
        let names = |manifest: &Self| {
            let names: Vec<&str> = manifest
                .inputs
                .iter()
                .map(|input| input.name.as_str())
                .collect();
            names.join("`, `")
        };
        if names(self) != names(earlier) {
            return Some(format!("it was begun with the inputs `{}`", names(earlier)));
        }
        let mut pairs = self.inputs.iter().zip(&earlier.inputs);
        if let Some((input, _)) = pairs.find(|(now, then)| now != then) {
            return Some(format!("the input `{}` has changed since", input.name));
        }
        let stream = self.inputs.iter().find(|input| input.bytes.is_none());
        if let Some(stream) = stream {
            return Some(format!(
                "the input `{}` is a stream and cannot be read again",
                stream.name
            ));
        }
        let OutputOptions {
            columns,
            container,
            block_bytes,
            limit,
            max_line_bytes,
            schema,
            selection,
        } = &earlier.options;
        if self.options.columns != *columns {
            let name = match columns {
                Columns::All => "all",
                Columns::Scores => "scores",
            };
            return Some(format!("it was begun with `--columns {name}`"));
        }
        if self.options.container != *container {
            return Some(format!("it was begun as `--format {container}`"));
        }
        if self.options.block_bytes != *block_bytes {
            return Some("it was begun with blocks of another size".to_owned());
        }
        if self.options.limit != *limit {
            return Some(match limit {
                Some(limit) => format!("it was begun with `--limit {limit}`"),
                None => "it was begun without `--limit`".to_owned(),
            });
        }
        if self.options.schema != *schema {
            return Some(format!("it was begun with `--schema {schema}`"));
        }
        if self.options.selection != *selection {
            return Some(match selection.to_string() {
                all if all.is_empty() => "it was begun with all rows".to_owned(),
                part => format!("it was begun with `{part}`"),
            });
        }
        (self.options.max_line_bytes != *max_line_bytes)
            .then(|| format!("it was begun with `--max-line-mb {}`", max_line_bytes >> 20))
    }

    /// The manifest beside `output`, if there is one.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn load(output: &Path) -> io::Result<Option<Self>> {
        match Self::read(&Self::path(output)) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// It cannot be read, or is no manifest of this version.
    pub fn read(path: &Path) -> io::Result<Self> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let text = fs::read(path)?;
        let damaged = |error: serde_json::Error| {
            io::Error::other(format!(
                "it is damaged, or no manifest ({error}); `goldstone score --overwrite` writes a \
                 new one"
            ))
        };
        // Of another version nothing else is known.
        let head: Head = serde_json::from_slice(&text).map_err(damaged)?;
        match head.version {
            VERSION => serde_json::from_slice(&text).map_err(damaged),
            version => Err(io::Error::other(format!(
                "its format has version {version}, and this goldstone reads {VERSION}"
            ))),
        }
    }

    /// The spec as it was, whatever has become of its file.
    ///
    /// # Errors
    /// [`SpecError`] where this version does not take it, or the manifest lacks a
    /// grammar.
    pub fn scorer(&self) -> Result<Scorer, SpecError> {
        let grammar = |name: &str| {
            let text = self.spec.grammars.get(name).cloned();
            text.ok_or_else(|| format!("the manifest has no grammar `{name}`"))
        };
        Scorer::compile(SpecSource {
            text: &self.spec.text,
            // Who names no spec is called by its file.
            origin: &self.spec.name,
            grammar: &grammar,
        })
    }

    /// The input that is no longer what it was, if there is one.
    ///
    /// # Errors
    /// [`InputError`] when an input cannot be read.
    pub fn changed_input(&self, inputs: &Inputs) -> Result<Option<&str>, InputError> {
        for (index, (input, then)) in inputs.list().iter().zip(&self.inputs).enumerate() {
            if identity(input, inputs.size(index))? != *then {
                return Ok(Some(&then.name));
            }
        }
        Ok(None)
    }

    /// Writes the manifest beside `output`.
    pub(super) fn save(&self, output: &Path) -> io::Result<()> {
        let path = Self::path(output);
        let fresh = with_suffix(&path, ".new");
        let mut file = File::create(&fresh)?;
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)
    }

    pub(super) fn remove(output: &Path) -> io::Result<()> {
        match fs::remove_file(Self::path(output)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where the manifest of `output` is: `FILE.manifest.json`.
    #[must_use]
    pub fn path(output: &Path) -> PathBuf {
        with_suffix(output, ".manifest.json")
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn identity(input: &Input, bytes: Option<u64>) -> Result<InputIdentity, InputError> {
    let name = input.name();
    let (Input::File(path), Some(size)) = (input, bytes) else {
        return Ok(InputIdentity {
            name,
            bytes: None,
            ends_sha256: None,
        });
    };
    match ends_sha256(path, size) {
        Ok(digest) => Ok(InputIdentity {
            name,
            bytes,
            ends_sha256: Some(digest),
        }),
        Err(source) => Err(InputError::Open { name, source }),
    }
}

fn ends_sha256(path: &Path, size: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut ends = Vec::new();
    (&file).take(SAMPLE_BYTES).read_to_end(&mut ends)?;
    file.seek(SeekFrom::Start(size.saturating_sub(SAMPLE_BYTES)))?;
    file.take(SAMPLE_BYTES).read_to_end(&mut ends)?;
    Ok(HEXLOWER.encode(&Sha256::digest(&ends)))
}
