//! Checks between the parts of a recipe: names that must exist, parts that must
//! be there, files that must be readable, training apart from evaluation.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeValue;

use super::read::Reading;
use super::{DEFAULT_HELD_OUT, Files, Recipe, Stage, StageOptions};
use crate::reward::{Span, Table, nearest};
use crate::train::stage::metric_names;
use crate::train::task::{Task, TaskError, TaskOptions};

/// Where the keys of a recipe stand, by their dotted names.
#[derive(Default)]
pub(super) struct Places(BTreeMap<String, Span>);

impl Places {
    /// Notes the keys of a table and of the tables in it.
    pub(super) fn note(&mut self, place: &str, span: Span, table: &Table<'_>) {
        self.0.insert(place.to_owned(), span);
        for (key, value) in &table.entries {
            self.note_value(
                &format!("{place}.{}", key.get_ref()),
                key.span(),
                value.get_ref(),
            );
        }
    }

    fn note_value(&mut self, place: &str, span: Span, value: &DeValue<'_>) {
        self.0.insert(place.to_owned(), span);
        if let DeValue::Table(table) = value {
            for (key, value) in table {
                self.note_value(
                    &format!("{place}.{}", key.get_ref()),
                    key.span(),
                    value.get_ref(),
                );
            }
        }
    }

    /// Whether a key stands in the recipe.
    pub(super) fn has(&self, place: &str) -> bool {
        self.0.contains_key(place)
    }

    /// Where a key stands, or the nearest table above it.
    pub(super) fn find(&self, place: &str) -> Span {
        let mut place = place;
        loop {
            if let Some(span) = self.0.get(place) {
                return span.clone();
            }
            match place.rsplit_once('.') {
                Some((above, _)) => place = above,
                None => return 0..0,
            }
        }
    }
}

impl Reading<'_> {
    /// Everything that one table alone cannot know.
    pub(super) fn check(&mut self, recipe: &mut Recipe) {
        recipe.missing = self.check_files(recipe);
        let recipe = &*recipe;
        self.check_names(recipe);
        for stage in &recipe.stages {
            self.check_stage(recipe, stage);
        }
        self.check_evaluation(recipe);
        self.check_rewards(recipe);
        // Opening files shows mistakes of files, not of the recipe: last.
        let are_there = self.source.files != Files::Unused && recipe.missing.is_empty();
        if self.reader.problems.is_empty() && are_there {
            self.check_tasks(recipe);
        }
    }

    /// Reports files that are not there, or notes them where that is allowed.
    fn check_files(&mut self, recipe: &Recipe) -> Vec<String> {
        let mut wanted: Vec<(String, &Path, String)> = Vec::new();
        if let Some(path) = recipe.model.path.as_deref() {
            let help = "download the model, for example with \
                        `hf download Qwen/Qwen2.5-0.5B --local-dir models/qwen2.5-0.5b`, \
                        or name another folder with `--set model.path=…`";
            wanted.push(("model.path".to_owned(), path, help.to_owned()));
        }
        let tokenizer = recipe.model.tokenizer.as_ref();
        if let Some(path) = tokenizer.and_then(|tokenizer| tokenizer.path.as_deref()) {
            let key = "model.tokenizer.path";
            wanted.push((
                key.to_owned(),
                path,
                format!("name another with `--set {key}=…`"),
            ));
        }
        for (name, task) in &recipe.tasks {
            if let Some(path) = task.file.as_deref() {
                let key = format!("tasks.{name}.file");
                let help = format!("name another with `--set {key}=…`");
                wanted.push((key, path, help));
            }
        }
        wanted.retain(|(_, path, _)| !recipe.folder.join(path).exists());
        let mut noted = Vec::new();
        for (key, path, help) in wanted {
            // Of a run's copy the file says nothing about where paths begin.
            let shown = match recipe.folder.is_absolute() {
                true => recipe.folder.join(path),
                false => path.to_owned(),
            };
            let title = format!("there is no `{}`", shown.display());
            match self.source.files {
                Files::MustExist => {
                    let span = self.places.find(&key);
                    self.reader.report(span, title, "not found", Some(help));
                }
                Files::Unused => {}
                Files::MayBeMissing => noted.push(format!("`{}` ({key}): {help}", path.display())),
            }
        }
        noted
    }

    fn check_names(&mut self, recipe: &Recipe) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        for (index, stage) in recipe.stages.iter().enumerate() {
            let name = &stage.name;
            let span = self.places.find(&format!("stages.{name}"));
            if name.is_empty() || !name.chars().all(is_plain) {
                let title = format!("`{name}` cannot name a stage");
                let label = "expected letters, digits, `-` and `_`";
                self.reader.report(span.clone(), title, label, None);
            }
            if recipe.stages[..index]
                .iter()
                .any(|earlier| earlier.name == *name)
            {
                let title = format!("two stages are called `{name}`");
                self.reader
                    .report(span, title, "each needs a name of its own", None);
            }
        }
    }

    fn check_stage(&mut self, recipe: &Recipe, stage: &Stage) {
        let place = format!("stages.{}", stage.name);
        if let Some(task) = stage.options.task() {
            self.check_task(recipe, task, &place);
        }
        self.check_sync(recipe, stage);
        let StageOptions::Sft(options) = &stage.options else {
            return;
        };
        let earlier: Vec<&str> = recipe
            .stages
            .iter()
            .take_while(|earlier| earlier.name != stage.name)
            .filter(|earlier| matches!(earlier.options, StageOptions::Reject(_)))
            .map(|earlier| earlier.name.as_str())
            .collect();
        for wanted in &options.stages {
            if earlier.contains(&wanted.as_str()) {
                continue;
            }
            let span = self.places.find(&format!("{place}.stages"));
            let title = format!("no earlier `reject` stage is called `{wanted}`");
            let help = match earlier.as_slice() {
                [] => "put a stage with `[stages.reject]` before this one".to_owned(),
                names => format!("there are: `{}`", names.join("`, `")),
            };
            self.reader
                .report(span, title, "what should it learn from?", Some(help));
        }
        let task = stage.options.task().and_then(|task| recipe.tasks.get(task));
        let is_endless = task.is_some_and(|task| task.generator.is_some() && task.count.is_none());
        if is_endless && options.demonstrations.is_none() {
            let span = self.places.find(&place);
            let title = "the demonstrations of a generator have no end";
            let help = "add `demonstrations = 1000`, or `count = 1000` to the task".to_owned();
            self.reader
                .report(span, title, "how many should be learned?", Some(help));
        }
    }

    /// The mean of two adapters is not the adapter of the mean, which is what a
    /// reference that follows would have to be.
    fn check_sync(&mut self, recipe: &Recipe, stage: &Stage) {
        let StageOptions::Grpo(options) = &stage.options else {
            return;
        };
        let follows = options.kl.as_ref().is_some_and(|kl| kl.sync.is_some());
        if !follows || recipe.model.lora.is_none() {
            return;
        }
        let key = format!("stages.{}.kl.sync", stage.name);
        let span = self.places.find(&key);
        let title = "the reference cannot follow a policy with adapters";
        let label = "the mean of adapters is not the mean of what they do";
        let help = "leave `sync` out, so that the reference stays, or `lora` of `[model]`";
        self.reader
            .report(span, title, label, Some(help.to_owned()));
    }

    fn check_task(&mut self, recipe: &Recipe, task: &str, place: &str) {
        if recipe.tasks.contains_key(task) {
            return;
        }
        let span = self.places.find(&format!("{place}.task"));
        let names: Vec<&str> = recipe.tasks.keys().map(String::as_str).collect();
        let help = match nearest(task, names.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None if names.is_empty() => {
                format!("add `[tasks.{task}]` with a `generator` or a `file`")
            }
            None => format!("tasks of this recipe: `{}`", names.join("`, `")),
        };
        let title = format!("there is no task `{task}`");
        self.reader
            .report(span, title, "no such `[tasks.NAME]`", Some(help));
    }

    fn check_evaluation(&mut self, recipe: &Recipe) {
        let Some(evaluation) = &recipe.evaluation else {
            return;
        };
        let task = evaluation.task.as_deref().unwrap_or(DEFAULT_HELD_OUT);
        self.check_task(recipe, task, "evaluation");
        let options = recipe.tasks.get(task);
        let is_endless = |task: &TaskOptions| task.generator.is_some() && task.count.is_none();
        if options.is_some_and(is_endless) && evaluation.prompts.is_none() {
            let span = self.places.find("evaluation");
            let title = "the problems of a generator have no end";
            let help = "add `prompts = 200`, or `count = 200` to the task".to_owned();
            self.reader
                .report(span, title, "how many should be asked?", Some(help));
        }
    }

    fn check_rewards(&mut self, recipe: &Recipe) {
        let unpaid = |spec: Option<&str>| spec.is_none() && recipe.spec.is_none();
        let stages = recipe.stages.iter();
        let lacking = stages
            .filter(|stage| stage.options.needs_reward() && unpaid(stage.options.spec()))
            .map(|stage| format!("stages.{}", stage.name));
        let evaluation = recipe.evaluation.as_ref();
        let evaluation = evaluation
            .filter(|evaluation| unpaid(evaluation.spec.as_deref()))
            .map(|_| "evaluation".to_owned());
        for place in lacking.chain(evaluation) {
            let span = self.places.find(&place);
            let help = "add `[reward]` with `spec = \"r1-zero\"`, the name of a spec or a file";
            let label = "by what are completions paid?";
            self.reader
                .report(span, "there is no reward", label, Some(help.to_owned()));
        }
    }

    /// The metrics by which policies are kept and stages ended must be there.
    pub(super) fn check_metrics(&mut self, recipe: &Recipe) {
        let Some(options) = &recipe.evaluation else {
            return;
        };
        let Some(scorer) = recipe.scorer(options.spec.as_deref()) else {
            return;
        };
        let known = metric_names(options, scorer);
        let stop = options.early_stop.as_ref();
        for (key, metric) in [
            ("keep_best", options.keep_best.as_ref()),
            (
                "early_stop.metric",
                stop.and_then(|stop| stop.metric.as_ref()),
            ),
        ] {
            let Some(metric) = metric.filter(|metric| !known.contains(metric)) else {
                continue;
            };
            let help = match nearest(metric, known.iter().map(String::as_str)) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("there are: `{}`", known.join("`, `")),
            };
            let span = self.places.find(&format!("evaluation.{key}"));
            let title = format!("this evaluation has no metric `{metric}`");
            self.reader
                .report(span, title, "no such metric", Some(help));
        }
    }

    /// The rewards that dynamic sampling looks at must be some of the stage's spec.
    pub(super) fn check_terms(&mut self, recipe: &Recipe) {
        for stage in &recipe.stages {
            let StageOptions::Grpo(options) = &stage.options else {
                continue;
            };
            let dynamic = options.dynamic_sampling.as_ref();
            let Some(term) = dynamic.and_then(|dynamic| dynamic.term.as_deref()) else {
                continue;
            };
            let Some(scorer) = recipe.scorer(options.spec.as_deref()) else {
                continue;
            };
            let names = || scorer.rewards().iter().map(|name| &**name);
            if names().any(|name| name == term) {
                continue;
            }
            let help = match nearest(term, names()) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("there are: `{}`", names().collect::<Vec<_>>().join("`, `")),
            };
            let key = format!("stages.{}.dynamic_sampling.term", stage.name);
            let span = self.places.find(&key);
            let title = format!("the spec of this stage has no reward `{term}`");
            self.reader
                .report(span, title, "no such reward", Some(help));
        }
    }

    /// Tasks can be opened, have what stages learn from, and no problem of the
    /// evaluation is trained on.
    fn check_tasks(&mut self, recipe: &Recipe) {
        let mut opened: BTreeMap<String, Option<Task>> = BTreeMap::new();
        let evaluation = recipe.evaluation.as_ref();
        let held_out =
            evaluation.map(|options| options.task.as_deref().unwrap_or(DEFAULT_HELD_OUT));
        let trained = recipe
            .stages
            .iter()
            .filter_map(|stage| stage.options.task());
        for name in trained.clone().chain(held_out) {
            let Some(options) = recipe.tasks.get(name) else {
                continue;
            };
            if opened.contains_key(name) {
                continue;
            }
            let task = Task::open(name, options, &recipe.folder, recipe.seed);
            let task = task.map_err(|error| self.report_task(name, &error));
            opened.insert(name.to_owned(), task.ok());
        }
        for stage in &recipe.stages {
            let StageOptions::Sft(options) = &stage.options else {
                continue;
            };
            let task = stage.options.task().and_then(|name| opened.get(name));
            if let Some(Some(task)) = task
                && let Err(error) = task.check_demonstrations(options.demonstrations)
            {
                self.report_task(task.name(), &error);
            }
        }
        let Some(held_out) = held_out.and_then(|name| opened.get(name)?.as_ref()) else {
            return;
        };
        let mut names: Vec<&str> = trained.collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let Some(task) = opened.get(name).and_then(Option::as_ref) else {
                continue;
            };
            if let Err(error) = held_out.held_out_of(task) {
                self.report_task(held_out.name(), &error);
            }
        }
    }

    fn report_task(&mut self, name: &str, error: &TaskError) {
        let key = match error {
            TaskError::Overlap { .. } | TaskError::Scarce { .. } => "part",
            TaskError::Pointer { .. } => "fields",
            _ => "file",
        };
        let span = self.places.find(&format!("tasks.{name}.{key}"));
        let source = std::error::Error::source(error);
        let source = source
            .map(|source| format!(": {source}"))
            .unwrap_or_default();
        let title = format!("{error}{source}");
        self.reader
            .report(span, title, "this task cannot be used", None);
    }
}
