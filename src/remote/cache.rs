//! Answers that are kept: in memory up to a number of bytes, and in a folder if the
//! spec names one, so that a re-score repeats what was said.
//!
//! A key is the hash of all that was asked and of whom. The text that was judged is
//! not written down.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{RemoteError, Say};
use crate::reward::{Endpoint, Said};

/// The hash of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

/// What was said before.
#[derive(Debug)]
pub(super) struct Cache {
    memory: Mutex<Memory>,
    most_bytes: usize,
    folder: Option<Folder>,
}

/// Where answers outlive the process.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    url: String,
    model: Option<String>,
    /// Names of files that are being written.
    number: AtomicU64,
    say: Option<Say>,
    has_complained: AtomicBool,
}

#[derive(Debug, Default)]
struct Memory {
    said: HashMap<Key, Said>,
    /// Oldest first.
    order: VecDeque<Key>,
    bytes: usize,
}

/// An answer as it lies in a file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    url: String,
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    number: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    is_whole: Option<bool>,
}

/// Version of the files.
const VERSION: u32 = 1;
/// What an answer takes beside its text.
const ENTRY_BYTES: usize = 160;

impl Key {
    pub(super) fn of(endpoint: &Endpoint, item: &Value) -> Self {
        let asked = serde_json::json!([
            VERSION,
            endpoint.url,
            endpoint.protocol,
            endpoint.model,
            endpoint.input,
            endpoint.class,
            item,
        ]);
        Self(Sha256::digest(asked.to_string()).into())
    }

    fn name(&self) -> String {
        HEXLOWER.encode(&self.0)
    }
}

impl Cache {
    pub(super) fn open(endpoint: &Endpoint, say: Option<Say>) -> Result<Self, RemoteError> {
        let folder = match &endpoint.cache {
            Some(path) => Some(Folder::open(path, endpoint, say)?),
            None => None,
        };
        Ok(Self {
            memory: Mutex::default(),
            most_bytes: endpoint.cache_mb << 20,
            folder,
        })
    }

    /// What was said to the question, here or in an earlier run.
    pub(super) fn find(&self, key: &Key) -> Option<Said> {
        if let Some(said) = self.remembered(key) {
            return Some(said);
        }
        let said = self.folder.as_ref()?.load(key)?;
        self.remember(key, &said);
        Some(said)
    }

    /// What is in memory.
    pub(super) fn remembered(&self, key: &Key) -> Option<Said> {
        self.lock().said.get(key).cloned()
    }

    /// Keeps an answer.
    pub(super) fn keep(&self, key: &Key, said: &Said) {
        self.remember(key, said);
        if let Some(folder) = &self.folder {
            folder.keep(key, said);
        }
    }

    fn remember(&self, key: &Key, said: &Said) {
        let size = bytes(said);
        let mut memory = self.lock();
        if size > self.most_bytes || memory.said.insert(*key, said.clone()).is_some() {
            return;
        }
        memory.order.push_back(*key);
        memory.bytes += size;
        while memory.bytes > self.most_bytes {
            let Some(oldest) = memory.order.pop_front() else {
                return;
            };
            if let Some(said) = memory.said.remove(&oldest) {
                memory.bytes -= bytes(&said);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Folder {
    fn open(path: &str, endpoint: &Endpoint, say: Option<Say>) -> Result<Self, RemoteError> {
        let folder = Self {
            path: PathBuf::from(path),
            url: endpoint.url.clone(),
            model: endpoint.model.clone(),
            number: AtomicU64::new(0),
            say,
            has_complained: AtomicBool::new(false),
        };
        // Better known now than after an hour of asking.
        let probe = folder.unique("probe");
        fs::create_dir_all(&folder.path)
            .and_then(|()| fs::write(&probe, b""))
            .and_then(|()| fs::remove_file(&probe))
            .map_err(|source| RemoteError::Cache {
                folder: path.to_owned(),
                source,
            })?;
        Ok(folder)
    }

    /// One folder in 256 keeps listings short.
    fn place(&self, key: &Key) -> PathBuf {
        let name = key.name();
        self.path.join(&name[..2]).join(format!("{name}.json"))
    }

    /// A name that nobody else writes to.
    fn unique(&self, sort: &str) -> PathBuf {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.path
            .join(format!(".{sort}-{}-{number}", process::id()))
    }

    /// An answer of this or another run. A file that cannot be read is no answer,
    /// and is written anew.
    fn load(&self, key: &Key) -> Option<Said> {
        let kept: Kept = serde_json::from_slice(&fs::read(self.place(key)).ok()?).ok()?;
        match kept {
            Kept {
                version: VERSION,
                number: Some(number),
                text: None,
                ..
            } => Some(Said::Number(number)),
            Kept {
                version: VERSION,
                text: Some(text),
                is_whole: Some(is_whole),
                number: None,
                ..
            } => Some(Said::Text { text, is_whole }),
            _ => None,
        }
    }

    /// Writes beside, then renames: a file is whole or absent. A folder that cannot
    /// be written any more costs the answers of later runs, and is complained of
    /// once.
    fn keep(&self, key: &Key, said: &Said) {
        let stored = self.store(key, said);
        if let (Err(error), Some(say)) = (stored, self.say)
            && !self.has_complained.swap(true, Ordering::Relaxed)
        {
            let folder = self.path.display();
            say(&format!(
                "answers are not kept in `{folder}` any more: {error}"
            ));
        }
    }

    fn store(&self, key: &Key, said: &Said) -> io::Result<()> {
        let (number, text, is_whole) = match said {
            Said::Number(number) => (Some(*number), None, None),
            Said::Text { text, is_whole } => (None, Some(text.clone()), Some(*is_whole)),
        };
        let kept = Kept {
            version: VERSION,
            url: self.url.clone(),
            model: self.model.clone(),
            number,
            text,
            is_whole,
        };
        let place = self.place(key);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        let fresh = self.unique("new");
        fs::write(&fresh, serde_json::to_vec(&kept)?)?;
        fs::rename(&fresh, &place)
    }
}

fn bytes(said: &Said) -> usize {
    let text = match said {
        Said::Text { text, .. } => text.len(),
        Said::Number(_) => 0,
    };
    ENTRY_BYTES + text
}
