//! From TOML text to a checked [`Recipe`], collecting every mistake on the way.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::Places;
use super::copied;
use super::model::ModelOptions;
use super::set;
use super::{Files, Recipe, RecipeError, RecipeSource, Stage, StageOptions};
use crate::reward::{Reader, Span, SpecError, SpecSource, Table};
use crate::train::fault::OptionFault;
use crate::train::optimizer::OptimizerOptions;
use crate::train::run::CheckpointOptions;
use crate::train::sample::SampleOptions;
use crate::train::stage::{EvaluationOptions, GrpoOptions, RejectOptions, SftOptions};
use crate::train::task::TaskOptions;

/// The keys of a recipe.
pub(super) const ROOT_KEYS: [&str; 10] = [
    "version",
    "name",
    "description",
    "seed",
    "model",
    "tasks",
    "specs",
    "reward",
    "evaluation",
    "checkpoints",
];

/// The kinds of a stage.
pub(super) const STAGE_KINDS: [&str; 3] = ["sft", "grpo", "reject"];

/// Reads and checks a whole recipe.
pub(super) fn read(source: RecipeSource<'_>) -> Result<Recipe, RecipeError> {
    let (text, origin) = copied::apart(source.text);
    let source = RecipeSource {
        text: &text,
        folder: origin.folder.as_deref().unwrap_or(source.folder),
        ..source
    };
    let settings = set::settings(source.text);
    let no_files = |path: &str| Err(format!("a recipe has no grammar `{path}`"));
    let mut reading = Reading {
        reader: Reader::new(SpecSource {
            text: source.text,
            origin: source.origin,
            grammar: &no_files,
        }),
        source,
        name: origin.name,
        places: Places::default(),
    };
    let recipe = reading.recipe(&settings);
    let problems = reading.reader.problems;
    match recipe {
        Some(recipe) if problems.is_empty() => Ok(recipe),
        _ => {
            let error = SpecError::new(source.origin, source.text, problems);
            Err(RecipeError(error.with_consequence("nothing was trained")))
        }
    }
}

/// Whether a TOML text is a recipe rather than a reward spec: it has stages or a
/// model, and no rewards. A text that is no TOML is not.
#[must_use]
pub fn is_recipe(text: &str) -> bool {
    let (root, _) = DeTable::parse_recoverable(text);
    let has = |key: &str| root.get_ref().contains_key(key);
    (has("stages") || has("model")) && !has("rewards")
}

/// A recipe that is being read.
pub(super) struct Reading<'s> {
    pub(super) reader: Reader<'s>,
    pub(super) source: RecipeSource<'s>,
    /// What a run's copy says that a recipe without a name is called.
    name: Option<String>,
    pub(super) places: Places,
}

impl<'s> Reading<'s> {
    fn recipe(&mut self, settings: &'s [set::Setting]) -> Option<Recipe> {
        let text = self.source.text;
        let (mut root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let span = error.span().unwrap_or(text.len()..text.len());
            self.reader
                .report(span, "not valid TOML", error.message(), None);
        }
        if !self.reader.problems.is_empty() {
            return None;
        }
        set::apply(&mut root, settings, &mut self.reader.problems);
        let mut root = Table::new("the recipe", root);
        let allowed = ROOT_KEYS.iter().chain(&["stages"]);
        let allowed = allowed.map(|key| (*key).to_owned()).collect();
        self.reader.check_keys(&mut root, allowed);
        self.version(&mut root);
        let (name, is_named) = self.name(&mut root);
        let description = self.reader.text_field(&mut root, "description");
        let seed = self.seed(&mut root);
        let model = self.section::<ModelOptions>(&mut root, "model", ModelOptions::validate);
        if model.is_none() {
            let help =
                "add `[model]` with `path = \"…\"`, a Hugging Face folder, or `random = { … }`";
            let label = "which policy should learn?";
            self.missing("a recipe needs a model", label, help);
        }
        let tasks = self.tasks(&mut root);
        let mut specs = self.inline_specs(&mut root);
        let spec = self.reward(&mut root);
        let evaluation =
            self.section::<EvaluationOptions>(&mut root, "evaluation", EvaluationOptions::validate);
        let checkpoints = self
            .section::<CheckpointOptions>(&mut root, "checkpoints", CheckpointOptions::validate)
            .unwrap_or_default();
        let stages = self.stages(&mut root);
        let evaluation = evaluation.map(|options| match self.places.has("evaluation.sampling") {
            true => options,
            false => options.sampled_as(drawn(&stages)),
        });
        let mut recipe = Recipe {
            name,
            is_named,
            description: description.unwrap_or_default(),
            seed,
            model: model.unwrap_or_default(),
            tasks,
            spec,
            evaluation,
            checkpoints,
            stages,
            scorers: BTreeMap::new(),
            text: text.to_owned(),
            folder: self.source.folder.to_owned(),
            missing: Vec::new(),
        };
        self.check(&mut recipe);
        if self.source.files != Files::Unused {
            recipe.scorers = self.scorers(&recipe, &mut specs);
            self.check_metrics(&recipe);
            self.check_terms(&recipe);
        }
        Some(recipe)
    }

    /// Reports something that is not there at all: at the end of the text.
    pub(super) fn missing(&mut self, title: &str, label: &str, help: &str) {
        let end = self.source.text.trim_end().len();
        self.reader
            .report(end..end, title, label, Some(help.to_owned()));
    }

    fn version(&mut self, root: &mut Table<'s>) {
        let Some((_, value)) = root.take("version") else {
            let help = Some("begin the recipe with `version = 1`".to_owned());
            let label = "the recipe begins here";
            return self
                .reader
                .report(0..0, "`version` is missing", label, help);
        };
        if whole(value.get_ref()) != Some(1) {
            let title = "unknown version of the recipe language";
            let help = format!(
                "goldstone {} reads `version = 1`",
                env!("CARGO_PKG_VERSION")
            );
            self.reader
                .report(value.span(), title, "expected 1", Some(help));
        }
    }

    /// The recipe's name, and whether it says it itself.
    fn name(&mut self, root: &mut Table<'s>) -> (String, bool) {
        let span = root.spans(&["name"]).pop().map(|(_, span)| span);
        let Some(name) = self.reader.text_field(root, "name") else {
            let name = self.name.take();
            return (name.unwrap_or_else(|| stem(self.source.origin)), false);
        };
        if !is_folder_name(&name) {
            let title = format!("{name:?} cannot name a recipe");
            let label = "expected a name of a folder: one line without `/`, no `.` first";
            self.reader.report(span.unwrap_or(0..0), title, label, None);
        }
        (name, true)
    }

    fn seed(&mut self, root: &mut Table<'s>) -> u64 {
        let Some((_, value)) = root.take("seed") else {
            return 0;
        };
        let seed = whole(value.get_ref()).and_then(|seed| u64::try_from(seed).ok());
        seed.unwrap_or_else(|| {
            let label = "expected a whole number, 0 or more";
            self.reader
                .report(value.span(), "wrong value for `seed`", label, None);
            0
        })
    }

    fn tasks(&mut self, root: &mut Table<'s>) -> BTreeMap<String, TaskOptions> {
        let mut tasks = BTreeMap::new();
        let Some(table) = self.reader.subtable(root, "tasks", "`[tasks]`") else {
            return tasks;
        };
        for (name, span, table) in self.named_tables(table, "tasks") {
            let place = format!("tasks.{name}");
            self.places.note(&place, span, &table);
            let before = self.reader.problems.len();
            let (_, options) = self.reader.decode::<TaskOptions>(table);
            // A source that was misspelt is not missing.
            if self.reader.problems.len() == before {
                self.faults(&place, options.validate());
            }
            tasks.insert(name, options);
        }
        tasks
    }

    /// `[reward] spec = …`.
    fn reward(&mut self, root: &mut Table<'s>) -> Option<String> {
        let mut table = self.reader.subtable(root, "reward", "`[reward]`")?;
        self.places.note("reward", table.span.clone(), &table);
        self.reader.check_keys(&mut table, vec!["spec".to_owned()]);
        if table.entries.is_empty() {
            let help = "add `spec = \"r1-zero\"`, the name of a spec or a file".to_owned();
            let label = "by what are completions paid?";
            self.reader.report(
                table.span.clone(),
                "`[reward]` names no spec",
                label,
                Some(help),
            );
        }
        self.reader.text_field(&mut table, "spec")
    }

    fn stages(&mut self, root: &mut Table<'s>) -> Vec<Stage> {
        let Some((key, value)) = root.take("stages") else {
            let help = "add `[[stages]]` with a `name` and a `[stages.sft]` or `[stages.grpo]`";
            self.missing("a recipe needs a stage", "what should be done?", help);
            return Vec::new();
        };
        let span = value.span();
        let DeValue::Array(list) = value.into_inner() else {
            let help = Some("write `[[stages]]`, in double brackets".to_owned());
            let title = "`stages` is not a list of tables";
            self.reader
                .report(key, title, "expected a list of tables", help);
            return Vec::new();
        };
        if list.is_empty() {
            let label = "what should be done?";
            self.reader
                .report(span, "a recipe needs a stage", label, None);
        }
        let items: Vec<_> = list.into_iter().collect();
        items
            .into_iter()
            .filter_map(|item| self.stage(item))
            .collect()
    }

    fn stage(&mut self, item: Spanned<DeValue<'s>>) -> Option<Stage> {
        let span = item.span();
        let DeValue::Table(inner) = item.into_inner() else {
            let label = "expected a table";
            self.reader.report(span, "a stage is a table", label, None);
            return None;
        };
        let mut table = Table::new("this stage", Spanned::new(span.clone(), inner));
        let name_span = table.spans(&["name"]).pop().map(|(_, span)| span);
        let name = self.reader.text_field(&mut table, "name");
        let mut kinds = table.drain(&STAGE_KINDS);
        let before = self.reader.problems.len();
        let allowed = ["name", "sft", "grpo", "reject"].map(str::to_owned);
        self.reader.check_keys(&mut table, allowed.to_vec());
        let spelled_wrong = self.reader.problems.len() > before;
        if kinds.len() != 1 {
            let help = format!("give it one of `{}`", STAGE_KINDS.join("`, `"));
            let (span, title) = match kinds.get(1) {
                Some((second, _)) => (second.span(), "a stage with two kinds"),
                None if spelled_wrong => return None,
                None => (span, "a stage without a kind"),
            };
            self.reader
                .report(span, title, "a stage does one thing", Some(help));
            return None;
        }
        let (kind, value) = kinds.remove(0);
        let kind_name = kind.get_ref().to_string();
        let name = match name {
            Some(name) => name,
            None => {
                let help = format!("write `name = \"{kind_name}\"` above it");
                let label = "what is it called?";
                self.reader
                    .report(span.clone(), "a stage has no `name`", label, Some(help));
                return None;
            }
        };
        let DeValue::Table(inner) = value.into_inner() else {
            let title = format!("wrong type for `{kind_name}`");
            self.reader
                .report(kind.span(), title, "expected a table", None);
            return None;
        };
        let place = format!("stages.{name}");
        let words = format!("`{kind_name}` of stage `{name}`");
        let table = Table::new(&words, Spanned::new(kind.span(), inner));
        self.places.note(&place, name_span.unwrap_or(span), &table);
        let options = match kind_name.as_str() {
            "sft" => StageOptions::Sft(Box::new(self.sft(table, &place))),
            "grpo" => StageOptions::Grpo(Box::new(self.grpo(table, &place))),
            _ => StageOptions::Reject(Box::new(self.reject(table, &place))),
        };
        Some(Stage { name, options })
    }

    fn sft(&mut self, mut table: Table<'s>, place: &str) -> SftOptions {
        let given = SftOptions::default();
        let optimizer = self.inner::<OptimizerOptions>(&mut table, "optimizer", given.optimizer);
        let (_, mut options) = self.reader.decode::<SftOptions>(table);
        options.optimizer = optimizer;
        self.faults(place, options.validate());
        options
    }

    fn grpo(&mut self, mut table: Table<'s>, place: &str) -> GrpoOptions {
        let given = GrpoOptions::default();
        let optimizer = self.inner::<OptimizerOptions>(&mut table, "optimizer", given.optimizer);
        let sampling = self.inner::<SampleOptions>(&mut table, "sampling", given.sampling);
        let (_, mut options) = self.reader.decode::<GrpoOptions>(table);
        options.optimizer = optimizer;
        options.sampling = sampling;
        self.faults(place, options.validate());
        options
    }

    fn reject(&mut self, mut table: Table<'s>, place: &str) -> RejectOptions {
        let given = RejectOptions::default();
        let sampling = self.inner::<SampleOptions>(&mut table, "sampling", given.sampling);
        let (_, mut options) = self.reader.decode::<RejectOptions>(table);
        options.sampling = sampling;
        self.faults(place, options.validate());
        options
    }

    /// A table below a stage's, with a report of its own for every mistake.
    fn inner<T>(&mut self, table: &mut Table<'s>, key: &str, absent: T) -> T
    where
        T: for<'de> Deserialize<'de> + JsonSchema + Default,
    {
        let place = format!("`{key}` of {}", table.place);
        match self.reader.subtable(table, key, &place) {
            Some(inner) => self.reader.decode::<T>(inner).1,
            None => absent,
        }
    }

    /// A top-level table with options that list their own faults.
    fn section<T>(
        &mut self,
        root: &mut Table<'s>,
        key: &str,
        validate: impl Fn(&T) -> Vec<OptionFault>,
    ) -> Option<T>
    where
        T: for<'de> Deserialize<'de> + JsonSchema + Default,
    {
        let table = self.reader.subtable(root, key, &format!("`[{key}]`"))?;
        self.places.note(key, table.span.clone(), &table);
        let before = self.reader.problems.len();
        let (_, options) = self.reader.decode::<T>(table);
        if self.reader.problems.len() == before {
            self.faults(key, validate(&options));
        }
        Some(options)
    }

    /// Reports what a table of options says of itself, each fault at its key.
    fn faults(&mut self, place: &str, faults: Vec<OptionFault>) {
        for fault in faults {
            let span = self.places.find(&format!("{place}.{}", fault.field));
            let key = fault.field.rsplit('.').next().unwrap_or_default();
            let title = format!("`{key}` {}", fault.problem);
            self.reader.report(span, title, "cannot be used", None);
        }
    }

    /// The tables of a table, by name.
    pub(super) fn named_tables(
        &mut self,
        table: Table<'s>,
        place: &str,
    ) -> Vec<(String, Span, Table<'s>)> {
        let mut named = Vec::new();
        for (key, value) in table.entries {
            let span = key.span();
            let name = key.get_ref().to_string();
            match value.into_inner() {
                DeValue::Table(inner) => {
                    let words = format!("`[{place}.{name}]`");
                    let inner = Table::new(&words, Spanned::new(span.clone(), inner));
                    named.push((name, span, inner));
                }
                _ => {
                    let title = format!("`{place}.{name}` is not a table");
                    let help = Some(format!("write `[{place}.{name}]` above its keys"));
                    self.reader.report(span, title, "expected a table", help);
                }
            }
        }
        named
    }
}

/// How the last `grpo` stage draws; without one, the last `reject` stage.
fn drawn(stages: &[Stage]) -> Option<&SampleOptions> {
    let last = |of: fn(&StageOptions) -> Option<&SampleOptions>| {
        let all = stages.iter().rev().map(|stage| &stage.options);
        all.filter_map(of).next()
    };
    let grpo = last(|options| match options {
        StageOptions::Grpo(options) => Some(&options.sampling),
        _ => None,
    });
    grpo.or_else(|| {
        last(|options| match options {
            StageOptions::Reject(options) => Some(&options.sampling),
            _ => None,
        })
    })
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}

/// Whether a text can name a folder of runs, and be shown in one line.
fn is_folder_name(name: &str) -> bool {
    let is_harmful = |c: char| c.is_control() || matches!(c, '/' | '\\');
    !name.trim().is_empty() && !name.starts_with('.') && !name.contains(is_harmful)
}

/// A file's name without folder and `.toml`.
fn stem(origin: &str) -> String {
    let file = origin.rsplit(['/', '\\']).next().unwrap_or_default();
    file.strip_suffix(".toml").unwrap_or(file).to_owned()
}
