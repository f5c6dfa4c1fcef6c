//! Where a rollout's fields stand in a record: one JSON pointer each.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

/// A JSON pointer (RFC 6901), e.g. `/reward_model/ground_truth`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer {
    /// Unescaped reference tokens; empty for the whole record.
    tokens: Vec<String>,
}

/// A text that is not a JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a JSON pointer: it must begin with `/`, as in `/reward_model/ground_truth`")]
pub struct PointerError(String);

impl Pointer {
    /// Parses `/a/b/0`; `~1` stands for `/` and `~0` for `~`.
    ///
    /// # Errors
    /// [`PointerError`] for a text that does not begin with `/`.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        match text.strip_prefix('/') {
            Some(rest) => Ok(Self {
                tokens: rest
                    .split('/')
                    .map(|token| token.replace("~1", "/").replace("~0", "~"))
                    .collect(),
            }),
            None => Err(PointerError(text.to_owned())),
        }
    }

    /// The pointer to a top-level field.
    #[must_use]
    pub fn field(name: &str) -> Self {
        Self {
            tokens: vec![name.to_owned()],
        }
    }

    /// Whether it is the pointer to that top-level field.
    pub(crate) fn is_field(&self, name: &str) -> bool {
        matches!(self.tokens.as_slice(), [token] if token == name)
    }

    /// The first token that is no place in a list.
    #[cfg(feature = "remote")]
    pub(crate) fn first_name(&self) -> Option<&str> {
        let is_place = |token: &&String| token.bytes().all(|digit| digit.is_ascii_digit());
        let mut names = self.tokens.iter().filter(|token| !is_place(token));
        names.next().map(String::as_str)
    }

    /// The first token, and the pointer below it.
    pub(crate) fn split_first(&self) -> (&str, Rest<'_>) {
        match self.tokens.split_first() {
            Some((head, rest)) => (head, Rest(rest)),
            None => ("", Rest(&[])),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for token in &self.tokens {
            write!(f, "/{}", token.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

/// The tokens of a pointer below its first.
#[derive(Clone, Copy)]
pub(crate) struct Rest<'p>(&'p [String]);

impl<'p> Rest<'p> {
    /// The tokens, unescaped.
    pub(crate) fn tokens(self) -> &'p [String] {
        self.0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The value below `value`.
    pub(crate) fn find(self, value: &Value) -> Option<&Value> {
        self.0.iter().try_fold(value, |value, token| match value {
            Value::Object(map) => map.get(token),
            Value::Array(list) => list.get(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The value below a map; the map itself cannot be asked for.
    pub(crate) fn find_in_map(self, map: &Map<String, Value>) -> Option<Value> {
        let (head, rest) = self.0.split_first()?;
        Rest(rest).find(map.get(head)?).cloned()
    }
}

/// Where the native fields stand, and which other columns are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldMap {
    /// Name of the rollout. Default `/id`.
    pub id: Pointer,
    /// Name of the group. Default `/group`.
    pub group: Pointer,
    /// Position in the group. Default `/sample_index`.
    pub sample_index: Pointer,
    /// Kind of task. Default `/task`.
    pub task: Pointer,
    /// Data set. Default `/data_source`.
    pub data_source: Pointer,
    /// Prompt. Default `/prompt`.
    pub prompt: Pointer,
    /// Completion, the one required field. Default `/completion`.
    pub completion: Pointer,
    /// Gold answer. Default `/reference`.
    pub reference: Pointer,
    /// Unit tests. Default `/tests`.
    pub tests: Pointer,
    /// Target language. Default `/language`.
    pub language: Pointer,
    /// Length in tokens. Default `/n_tokens`.
    pub n_tokens: Pointer,
    /// Why sampling stopped. Default `/finish_reason`.
    pub finish_reason: Pointer,
    /// Other columns to keep in [`Rollout::extra`](super::Rollout::extra).
    /// Columns that are not named here are not parsed at all.
    pub columns: Vec<Pointer>,
    /// Which of the fields in [`FieldMap::OPTIONAL`] decide something; `None` stands
    /// for all. One that decides nothing may hold anything: it is taken where it has
    /// the right type, and else counts as missing.
    pub deciding: Option<BTreeSet<&'static str>>,
}

impl FieldMap {
    /// The native fields that only some specs look at.
    pub const OPTIONAL: [&'static str; 7] = [
        "sample_index",
        "task",
        "data_source",
        "tests",
        "language",
        "n_tokens",
        "finish_reason",
    ];

    /// Whether the native fields stand where those of `other` do.
    #[cfg(feature = "cli")]
    pub(crate) fn has_places_of(&self, other: &Self) -> bool {
        let places = |fields: &Self| Self {
            columns: Vec::new(),
            deciding: None,
            ..fields.clone()
        };
        places(self) == places(other)
    }

    /// Whatever decides something there, or is kept, does so here as well.
    #[cfg(feature = "cli")]
    pub(crate) fn join(&mut self, other: &Self) {
        let others = other.columns.iter();
        let new = others.filter(|column| !self.columns.contains(column));
        let new: Vec<Pointer> = new.cloned().collect();
        self.columns.extend(new);
        self.deciding = match (self.deciding.take(), &other.deciding) {
            (Some(mut deciding), Some(others)) => {
                deciding.extend(others);
                Some(deciding)
            }
            _ => None,
        };
    }

    /// Whether something hangs on the optional field of this name.
    #[must_use]
    pub fn decides(&self, name: &str) -> bool {
        let deciding = self.deciding.as_ref();
        deciding.is_none_or(|deciding| deciding.contains(name))
    }

    /// What was read of an optional field: without effect on anything, a fault is none.
    pub(super) fn optional<T, E>(
        &self,
        name: &str,
        read: Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        match self.decides(name) {
            true => read,
            false => Ok(read.ok().flatten()),
        }
    }

    /// From here on something hangs on the optional field of this name, if it is one.
    pub(crate) fn decide_by(&mut self, name: &str) {
        let mut optional = Self::OPTIONAL.into_iter();
        let optional = optional.find(|optional| *optional == name);
        if let (Some(deciding), Some(name)) = (&mut self.deciding, optional) {
            deciding.insert(name);
        }
    }

    /// The top-level names that are looked at, each once; whatever else a record
    /// has decides nothing.
    #[must_use]
    pub fn heads(&self) -> BTreeSet<&str> {
        let always = [
            &self.id,
            &self.group,
            &self.prompt,
            &self.completion,
            &self.reference,
        ];
        let optional = [
            &self.sample_index,
            &self.task,
            &self.data_source,
            &self.tests,
            &self.language,
            &self.n_tokens,
            &self.finish_reason,
        ];
        let deciding = Self::OPTIONAL.into_iter().zip(optional);
        let deciding = deciding.filter(|(name, _)| self.decides(name));
        let native = always.into_iter().chain(deciding.map(|(_, field)| field));
        let pointers = native.chain(&self.columns);
        pointers.map(|pointer| pointer.split_first().0).collect()
    }
}

impl Default for FieldMap {
    fn default() -> Self {
        Self {
            id: Pointer::field("id"),
            group: Pointer::field("group"),
            sample_index: Pointer::field("sample_index"),
            task: Pointer::field("task"),
            data_source: Pointer::field("data_source"),
            prompt: Pointer::field("prompt"),
            completion: Pointer::field("completion"),
            reference: Pointer::field("reference"),
            tests: Pointer::field("tests"),
            language: Pointer::field("language"),
            n_tokens: Pointer::field("n_tokens"),
            finish_reason: Pointer::field("finish_reason"),
            columns: Vec::new(),
            deciding: None,
        }
    }
}
