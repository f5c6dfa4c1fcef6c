//! Taking a TOML table apart: unknown keys and wrong types are reported one by
//! one, each at its place, and the rest is read all the same.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::schema::keys;
use super::wording::explain;
use super::{Problem, Span, SpecSource, nearest};

/// The text that is read, and the mistakes found so far.
pub(crate) struct Reader<'s> {
    pub(crate) source: SpecSource<'s>,
    pub(crate) problems: Vec<Problem>,
    /// What works, and is still not wise.
    pub(crate) warnings: Vec<Problem>,
}

type Entry<'i> = (Spanned<DeString<'i>>, Spanned<DeValue<'i>>);

/// A table that is being taken apart.
pub(crate) struct Table<'i> {
    /// How messages name it.
    pub(crate) place: String,
    /// Its key or header.
    pub(crate) span: Span,
    pub(crate) entries: Vec<Entry<'i>>,
}

impl<'i> Table<'i> {
    pub(crate) fn new(place: &str, table: Spanned<DeTable<'i>>) -> Self {
        let span = table.span();
        let mut entries: Vec<Entry<'i>> = table.into_inner().into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        Self {
            place: place.to_owned(),
            span,
            entries,
        }
    }

    /// Removes one entry; gives its key's place and its value.
    pub(crate) fn take(&mut self, name: &str) -> Option<(Span, Spanned<DeValue<'i>>)> {
        let index = self
            .entries
            .iter()
            .position(|(key, _)| key.get_ref() == name)?;
        let (key, value) = self.entries.remove(index);
        Some((key.span(), value))
    }

    /// The entries of these names, and where their keys stand.
    pub(crate) fn spans(&self, names: &[&str]) -> Vec<(String, Span)> {
        let named = self
            .entries
            .iter()
            .filter(|(key, _)| names.contains(&key.get_ref().as_ref()));
        named
            .map(|(key, _)| (key.get_ref().to_string(), key.span()))
            .collect()
    }

    /// Removes the entries of these names.
    pub(crate) fn drain(&mut self, names: &[&str]) -> Vec<Entry<'i>> {
        let (taken, kept) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|(key, _)| names.contains(&key.get_ref().as_ref()));
        self.entries = kept;
        taken
    }
}

impl<'s> Reader<'s> {
    pub(crate) fn new(source: SpecSource<'s>) -> Self {
        Self {
            source,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(crate) fn report(
        &mut self,
        span: Span,
        title: impl Into<String>,
        label: impl Into<String>,
        help: Option<String>,
    ) {
        self.problems.push(Problem {
            span,
            title: title.into(),
            label: label.into(),
            help,
        });
    }

    pub(crate) fn text_field(&mut self, root: &mut Table<'s>, key: &str) -> Option<String> {
        let (_, value) = root.take(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => {
                let title = format!("wrong type for `{key}`");
                self.report(value.span(), title, "expected a string", None);
                None
            }
        }
    }

    /// Removes unknown keys from `table`, with a report for each.
    pub(crate) fn check_keys(&mut self, table: &mut Table<'s>, allowed: Vec<String>) {
        let mut known = Vec::with_capacity(table.entries.len());
        for (key, value) in std::mem::take(&mut table.entries) {
            if allowed.iter().any(|name| name == key.get_ref()) {
                known.push((key, value));
                continue;
            }
            let help = match nearest(key.get_ref(), allowed.iter().map(String::as_str)) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("keys of {}: `{}`", table.place, allowed.join("`, `")),
            };
            let title = format!("unknown key `{}` in {}", key.get_ref(), table.place);
            self.report(key.span(), title, "unknown key", Some(help));
        }
        table.entries = known;
    }

    pub(crate) fn subtable(
        &mut self,
        root: &mut Table<'s>,
        key: &str,
        place: &str,
    ) -> Option<Table<'s>> {
        let (key_span, value) = root.take(key)?;
        match value.into_inner() {
            DeValue::Table(inner) => Some(Table::new(place, Spanned::new(key_span, inner))),
            _ => {
                self.report(
                    key_span,
                    format!("wrong type for `{key}`"),
                    "expected a table",
                    None,
                );
                None
            }
        }
    }

    /// Reads a table into `T`; unknown keys and values of a wrong type are
    /// reported one by one and left at their defaults.
    pub(crate) fn decode<T>(&mut self, mut table: Table<'s>) -> (Span, T)
    where
        T: for<'de> Deserialize<'de> + JsonSchema + Default,
    {
        self.check_keys(&mut table, keys::<T>());
        (table.span.clone(), self.decode_checked(table))
    }

    pub(crate) fn decode_checked<T>(&mut self, mut table: Table<'s>) -> T
    where
        T: for<'de> Deserialize<'de> + Default,
    {
        loop {
            let map: DeTable<'s> = table.entries.iter().cloned().collect();
            let value = Spanned::new(table.span.clone(), DeValue::Table(map));
            let error = match T::deserialize(value.into_deserializer()) {
                Ok(value) => return value,
                Err(error) => error,
            };
            let span = error.span().unwrap_or(table.span.clone());
            let culprit = table.entries.iter().position(|(key, value)| {
                (key.span().start..value.span().end.max(key.span().end)).contains(&span.start)
            });
            let place = match culprit {
                Some(index) => format!("`{}` of {}", table.entries[index].0.get_ref(), table.place),
                None => table.place.clone(),
            };
            let (title, label, help) = explain(error.message(), &place);
            self.report(span, title, label, help);
            match culprit {
                Some(index) => drop(table.entries.remove(index)),
                None => return T::default(),
            }
        }
    }
}
