//! From TOML text to a checked [`Spec`], collecting every mistake on the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::check::CombineSection;
use super::schema::keys;
use super::tables::{CombineTable, InputTable, RewardTable};
use super::{Kind, Payout, Problem, Reward, Section, Span, Spec, SpecError, SpecSource, nearest};
use crate::format::{Format, FormatOptions, Template};
use crate::rollout::{FieldMap, Pointer};

/// The reward kinds of this build, as a spec names them.
pub(crate) const KINDS: [&str; 5] = ["format", "exact", "choice", "gsm8k", "math"];

/// Kinds of the spec language that this build does not have.
const LACKING: [&str; 10] = [
    "code",
    "cosine",
    "countdown",
    "ifeval",
    "json",
    "language",
    "length",
    "overlong",
    "remote",
    "repetition",
];

type Entry<'i> = (Spanned<DeString<'i>>, Spanned<DeValue<'i>>);

/// Reads and checks a whole spec.
pub(crate) fn read(source: SpecSource<'_>) -> Result<Spec, SpecError> {
    let mut reader = Reader {
        source,
        problems: Vec::new(),
    };
    let spec = reader.spec();
    match spec {
        Some(spec) if reader.problems.is_empty() => Ok(spec),
        _ => Err(SpecError::new(source.origin, source.text, reader.problems)),
    }
}

pub(super) struct Reader<'s> {
    source: SpecSource<'s>,
    problems: Vec<Problem>,
}

impl<'s> Reader<'s> {
    fn spec(&mut self) -> Option<Spec> {
        let (root, errors) = DeTable::parse_recoverable(self.source.text);
        for error in errors {
            let end = self.source.text.len();
            let span = error.span().unwrap_or(end..end);
            self.report(span, "not valid TOML", error.message(), None);
        }
        if !self.problems.is_empty() {
            return None;
        }
        let mut root = Table::new("the spec", root);
        let allowed = [
            "version",
            "name",
            "description",
            "input",
            "format",
            "combine",
            "rewards",
        ];
        self.check_keys(&mut root, allowed.map(str::to_owned).to_vec());
        self.version(&mut root);
        let name = self
            .text_field(&mut root, "name")
            .unwrap_or_else(|| self.default_name());
        let description = self
            .text_field(&mut root, "description")
            .unwrap_or_default();
        let mut fields = FieldMap::default();
        if let Some(table) = self.subtable(&mut root, "input", "`[input]`") {
            let (_, input) = self.decode::<InputTable>(table);
            self.fields(&mut fields, input);
        }
        let format = self.format(&mut root);
        let combine = self
            .subtable(&mut root, "combine", "`[combine]`")
            .map(|table| {
                let before = self.problems.len();
                let (span, table) = self.decode::<CombineTable>(table);
                CombineSection {
                    span,
                    table,
                    clean: self.problems.len() == before,
                }
            });
        let rewards = self.rewards(&mut root, &mut fields);
        let combine = self.combine(combine, &rewards)?;
        let format = format?;
        self.check_sections(&rewards, format.options());
        self.check_cycles(&rewards);
        self.check_range(&rewards, &combine);
        Some(Spec {
            name,
            description,
            fields,
            format,
            combine,
            rewards: rewards.into_iter().map(|read| read.reward).collect(),
        })
    }

    pub(super) fn report(
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

    /// The key must be 1; absence is a mistake, because a later version of the
    /// language may read the same text differently.
    fn version(&mut self, root: &mut Table<'s>) {
        let Some((_, value)) = root.take("version") else {
            let help = Some("begin the spec with `version = 1`".to_owned());
            return self.report(0..0, "`version` is missing", "the spec begins here", help);
        };
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number != Some(1) {
            let version = env!("CARGO_PKG_VERSION");
            self.report(
                value.span(),
                "unknown version of the spec language",
                "expected 1",
                Some(format!("goldstone {version} reads `version = 1`")),
            );
        }
    }

    fn default_name(&self) -> String {
        let file = self
            .source
            .origin
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default();
        file.strip_suffix(".toml").unwrap_or(file).to_owned()
    }

    fn text_field(&mut self, root: &mut Table<'s>, key: &str) -> Option<String> {
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

    fn fields(&mut self, fields: &mut FieldMap, input: InputTable) {
        let pairs = [
            (&mut fields.id, input.id),
            (&mut fields.group, input.group),
            (&mut fields.sample_index, input.sample_index),
            (&mut fields.task, input.task),
            (&mut fields.data_source, input.data_source),
            (&mut fields.prompt, input.prompt),
            (&mut fields.completion, input.completion),
            (&mut fields.reference, input.reference),
            (&mut fields.tests, input.tests),
            (&mut fields.language, input.language),
            (&mut fields.n_tokens, input.n_tokens),
            (&mut fields.finish_reason, input.finish_reason),
        ];
        for (field, given) in pairs {
            let Some(given) = given else { continue };
            match Pointer::parse(given.get_ref()) {
                Ok(pointer) => *field = pointer,
                Err(_) => {
                    let help = format!("write `\"/{}\"`", given.get_ref());
                    let label = "expected a path that begins with `/`";
                    self.report(given.span(), "not a JSON pointer", label, Some(help));
                }
            }
        }
    }

    fn format(&mut self, root: &mut Table<'s>) -> Option<Format> {
        let Some(table) = self.subtable(root, "format", "`[format]`") else {
            let options = FormatOptions::default();
            let format = Format::compile(&options, None).expect("the default format compiles");
            return Some(format);
        };
        let spans: BTreeMap<String, Span> = table
            .entries
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), value.span()))
            .collect();
        let whole = table.span.clone();
        let before = self.problems.len();
        let (_, options) = self.decode::<FormatOptions>(table);
        if self.problems.len() > before {
            return None;
        }
        let span = |key: &str| spans.get(key).unwrap_or(&whole).clone();
        let grammar = match &options.grammar {
            None => None,
            Some(path) => match (self.source.grammar)(path) {
                Ok(text) => Some(text),
                Err(problem) => {
                    self.report(span("grammar"), "the grammar cannot be read", problem, None);
                    return None;
                }
            },
        };
        match Format::compile(&options, grammar.as_deref()) {
            Ok(format) => Some(format),
            Err(error) => {
                let title = format!("`{}` of `[format]` cannot be used", error.field());
                self.report(span(error.field()), title, error.to_string(), None);
                None
            }
        }
    }

    fn rewards(&mut self, root: &mut Table<'s>, fields: &mut FieldMap) -> Vec<ReadReward> {
        let Some(table) = self.subtable(root, "rewards", "`[rewards]`") else {
            if self.problems.is_empty() {
                let end = self.source.text.len();
                let help = "add one, for example `[rewards.accuracy]` with `math = {}`".to_owned();
                self.report(
                    end..end,
                    "a spec needs a reward",
                    "no `[rewards.NAME]` so far",
                    Some(help),
                );
            }
            return Vec::new();
        };
        let names: Vec<String> = table
            .entries
            .iter()
            .map(|(key, _)| key.get_ref().to_string())
            .collect();
        let mut rewards = Vec::new();
        for (key, value) in table.entries {
            let place = format!("`[rewards.{}]`", key.get_ref());
            let span = key.span();
            let DeValue::Table(inner) = value.into_inner() else {
                let help = "a reward is a table: `[rewards.NAME]` with a kind such as `math = {}`";
                self.report(
                    span,
                    format!("{place} is not a table"),
                    "expected a table",
                    Some(help.to_owned()),
                );
                continue;
            };
            let table = Table::new(&place, Spanned::new(span, inner));
            if let Some(reward) = self.reward(key.get_ref(), table, &names, fields) {
                rewards.push(reward);
            }
        }
        rewards
    }

    fn reward(
        &mut self,
        name: &str,
        mut table: Table<'s>,
        names: &[String],
        fields: &mut FieldMap,
    ) -> Option<ReadReward> {
        let span = table.span.clone();
        let place = table.place.clone();
        for (key, _) in table.drain(&LACKING) {
            let title = format!("this build of goldstone has no `{}` reward", key.get_ref());
            let version = env!("CARGO_PKG_VERSION");
            let help = format!("kinds of this build: `{}`", KINDS.join("`, `"));
            self.report(
                key.span(),
                title,
                format!("not in goldstone {version}"),
                Some(help),
            );
        }
        let before = self.problems.len();
        let mut kinds = table.drain(&KINDS);
        let mut allowed = keys::<RewardTable>();
        allowed.extend(KINDS.map(str::to_owned));
        self.check_keys(&mut table, allowed);
        let common: RewardTable = self.decode_checked(table);
        let spelled_wrong = self.problems.len() > before;
        let (kind_key, kind_value) = match kinds.len() {
            1 => kinds.remove(0),
            0 => {
                // A misspelt kind has been reported already.
                if !spelled_wrong && before == self.problems.len() && !self.reported(&span) {
                    let help = format!(
                        "add one of `{}`, for example `math = {{}}`",
                        KINDS.join("`, `")
                    );
                    self.report(
                        span,
                        format!("{place} has no kind"),
                        "what should it judge?",
                        Some(help),
                    );
                }
                return None;
            }
            _ => {
                let (second, _) = &kinds[1];
                let help = "give each its own `[rewards.NAME]` table".to_owned();
                let label = "a reward has exactly one kind";
                self.report(
                    second.span(),
                    format!("{place} has two kinds"),
                    label,
                    Some(help),
                );
                return None;
            }
        };
        let kind_name = kind_key.get_ref().to_string();
        let kind_span = kind_key.span();
        let DeValue::Table(inner) = kind_value.into_inner() else {
            let help = format!("write `{kind_name} = {{}}` for the defaults");
            self.report(
                kind_span,
                format!("wrong type for `{kind_name}`"),
                "expected a table",
                Some(help),
            );
            return None;
        };
        let options = Table::new(
            &format!("`{kind_name}` of {place}"),
            Spanned::new(kind_span.clone(), inner),
        );
        let (payout, kind) = self.kind(&kind_name, options);
        let when = self.conditions(common.when, fields);
        let unless = self.conditions(common.unless, fields);
        let links: Vec<(usize, Span)> = common
            .needs
            .into_iter()
            .chain(common.scale_by.clone())
            .filter_map(|given| self.resolve(&given, names))
            .collect();
        let scale_by = common
            .scale_by
            .and_then(|given| names.iter().position(|name| name == given.get_ref()));
        let mut needs: Vec<usize> = links.iter().map(|(index, _)| *index).collect();
        if scale_by.is_some() {
            needs.pop();
        }
        let weight = common
            .weight
            .map_or(1.0, |weight| self.finite("weight", weight));
        let clip = common.clip.and_then(|clip| self.clip(clip));
        let name: Arc<str> = Arc::from(name);
        let reward = Reward {
            name,
            weight,
            when,
            unless,
            needs,
            scale_by,
            clip,
            payout,
            kind,
        };
        Some(ReadReward {
            reward,
            links,
            kind_span,
        })
    }

    fn reported(&self, span: &Span) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.span.start >= span.start)
    }

    fn kind(&mut self, name: &str, table: Table<'s>) -> (Payout, Kind) {
        if name == "format" {
            let (_, reward) = self.decode::<super::FormatReward>(table);
            let payout = Payout {
                correct: reward.correct,
                wrong: reward.wrong,
                ..Payout::default()
            };
            return (payout, Kind::Format(reward));
        }
        match name {
            "exact" => self.judged(table, Kind::Exact),
            "choice" => self.judged(table, Kind::Choice),
            "gsm8k" => self.judged(table, Kind::Gsm8k),
            _ => self.judged(table, Kind::Math),
        }
    }

    /// Splits a kind's table into the payout and the verifier's own options.
    fn judged<O>(&mut self, mut table: Table<'s>, kind: fn(O) -> Kind) -> (Payout, Kind)
    where
        O: for<'de> Deserialize<'de> + JsonSchema + Default,
    {
        let payout_keys = keys::<Payout>();
        let mut allowed = payout_keys.clone();
        allowed.extend(keys::<O>());
        self.check_keys(&mut table, allowed);
        let payout_keys: Vec<&str> = payout_keys.iter().map(String::as_str).collect();
        let payout = Table {
            place: table.place.clone(),
            span: table.span.clone(),
            entries: table.drain(&payout_keys),
        };
        (
            self.decode_checked(payout),
            kind(self.decode_checked(table)),
        )
    }

    /// The index of a named reward, or a report with the likely name.
    pub(super) fn resolve(
        &mut self,
        given: &Spanned<String>,
        names: &[String],
    ) -> Option<(usize, Span)> {
        if let Some(index) = names.iter().position(|name| name == given.get_ref()) {
            return Some((index, given.span()));
        }
        let help = match nearest(given.get_ref(), names.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("rewards of this spec: `{}`", names.join("`, `")),
        };
        let title = format!("there is no reward `{}`", given.get_ref());
        self.report(given.span(), title, "no such `[rewards.NAME]`", Some(help));
        None
    }

    /// Removes unknown keys from `table`, with a report for each.
    fn check_keys(&mut self, table: &mut Table<'s>, allowed: Vec<String>) {
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

    fn subtable(&mut self, root: &mut Table<'s>, key: &str, place: &str) -> Option<Table<'s>> {
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
    fn decode<T>(&mut self, mut table: Table<'s>) -> (Span, T)
    where
        T: for<'de> Deserialize<'de> + JsonSchema + Default,
    {
        self.check_keys(&mut table, keys::<T>());
        (table.span.clone(), self.decode_checked(table))
    }

    fn decode_checked<T>(&mut self, mut table: Table<'s>) -> T
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
            let (title, label, help) = super::wording::explain(error.message(), &place);
            self.report(span, title, label, help);
            match culprit {
                Some(index) => drop(table.entries.remove(index)),
                None => return T::default(),
            }
        }
    }

    /// Sections that the chosen template can never have.
    fn check_sections(&mut self, rewards: &[ReadReward], format: &FormatOptions) {
        let structured = format.grammar.is_some()
            || format
                .template
                .is_some_and(|template| template != Template::Text);
        if structured {
            return;
        }
        for read in rewards {
            let name = &read.reward.name;
            let title = match (&read.reward.kind, read.reward.payout.section) {
                (Kind::Format(_), _) => format!("`[rewards.{name}]` has no format to check"),
                (_, Section::Think) => {
                    format!("`[rewards.{name}]` judges a section that is never there")
                }
                _ => continue,
            };
            let help = "add `[format]` with a template, for example `template = \"r1\"`".to_owned();
            let label = "without a template the whole text is the answer";
            self.report(read.kind_span.clone(), title, label, Some(help));
        }
    }
}

/// A reward, and where its parts stand in the text.
pub(super) struct ReadReward {
    pub(super) reward: Reward,
    /// The rewards it waits for, and where it says so.
    pub(super) links: Vec<(usize, Span)>,
    pub(super) kind_span: Span,
}

/// A table that is being taken apart.
struct Table<'i> {
    /// How messages name it.
    place: String,
    /// Its key or header.
    span: Span,
    entries: Vec<Entry<'i>>,
}

impl<'i> Table<'i> {
    fn new(place: &str, table: Spanned<DeTable<'i>>) -> Self {
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
    fn take(&mut self, name: &str) -> Option<(Span, Spanned<DeValue<'i>>)> {
        let index = self
            .entries
            .iter()
            .position(|(key, _)| key.get_ref() == name)?;
        let (key, value) = self.entries.remove(index);
        Some((key.span(), value))
    }

    /// Removes the entries of these names.
    fn drain(&mut self, names: &[&str]) -> Vec<Entry<'i>> {
        let (taken, kept) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|(key, _)| names.contains(&key.get_ref().as_ref()));
        self.entries = kept;
        taken
    }
}
