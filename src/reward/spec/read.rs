//! From TOML text to a checked [`Spec`], collecting every mistake on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::CombineSection;
use super::kinds::{KINDS, LACKING, ReadKind};
use super::reader::{Reader, Table};
use super::schema::keys;
use super::tables::{CombineTable, InputTable, RewardTable};
use super::verifier::columns;
use super::{Kind, Reward, Section, Span, Spec, SpecError, SpecSource, nearest};
use crate::format::{Format, FormatOptions, Template};
use crate::rollout::{FieldMap, Pointer};

/// The keys of a kind that say what it pays.
const PAY_KEYS: [&str; 4] = ["correct", "wrong", "no_answer", "unknown"];

/// Reads and checks a whole spec.
pub(crate) fn read(source: SpecSource<'_>) -> Result<Spec, SpecError> {
    let mut reader = Reader::new(source);
    let spec = reader.spec();
    match spec {
        Some(spec) if reader.problems.is_empty() => Ok(spec),
        _ => Err(SpecError::new(source.origin, source.text, reader.problems)),
    }
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
        let mut fields = FieldMap {
            deciding: Some(BTreeSet::new()),
            ..FieldMap::default()
        };
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
        self.check_measures(&rewards, &combine);
        self.check_range(&rewards, &combine);
        self.check_pays(&rewards);
        let source = self.source;
        let warnings = self.warnings.iter();
        let warnings = warnings.map(|warning| warning.render_warning(source.origin, source.text));
        Some(Spec {
            warnings: warnings.collect(),
            name,
            description,
            fields,
            format: Arc::new(format),
            combine,
            rewards: rewards.into_iter().map(|read| read.reward).collect(),
        })
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
        for (key, _) in table.drain(LACKING) {
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
        let mut kinds = table.drain(KINDS);
        let mut allowed = keys::<RewardTable>();
        allowed.extend(KINDS.iter().map(|kind| (*kind).to_owned()));
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
        let mut pay_keys = options.spans(&PAY_KEYS);
        let ReadKind { payout, kind, of } = self.kind(&kind_name, options, names);
        for column in columns(&kind) {
            fields.decide_by(column.split_first().0);
            fields.columns.push(column);
        }
        if let Some(field) = kind.native_field() {
            fields.decide_by(field);
        }
        let when = self.conditions(common.when, fields);
        let unless = self.conditions(common.unless, fields);
        let mut links: Vec<(usize, Span)> = common
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
        links.extend(of.clone());
        pay_keys.extend(
            common
                .weight
                .iter()
                .map(|given| ("weight".to_owned(), given.span())),
        );
        pay_keys.extend(
            common
                .clip
                .iter()
                .map(|given| ("clip".to_owned(), given.span())),
        );
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
            of: of.map(|(index, _)| index),
            clip,
            payout,
            unknown_is_wrong: false,
            kind,
        };
        Some(ReadReward {
            reward,
            links,
            kind_span,
            pay_keys,
        })
    }

    fn reported(&self, span: &Span) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.span.start >= span.start)
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
    /// The keys that say what it pays, and where they stand.
    pub(super) pay_keys: Vec<(String, Span)>,
}
