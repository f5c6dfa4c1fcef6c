//! The reward specs of a recipe: shipped ones by name, files, and texts that
//! stand in the recipe itself under `[specs]`.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeValue;

use super::Recipe;
use super::read::Reading;
use crate::load::{self, LoadError};
use crate::reward::{Problem, Scorer, Span, SpecSource, Table, nearest};

/// A spec that stands in the recipe.
pub(super) struct InlineSpec {
    text: String,
    span: Span,
}

impl<'s> Reading<'s> {
    /// `[specs]`: TOML texts by name.
    pub(super) fn inline_specs(&mut self, root: &mut Table<'s>) -> BTreeMap<String, InlineSpec> {
        let mut specs = BTreeMap::new();
        let Some(table) = self.reader.subtable(root, "specs", "`[specs]`") else {
            return specs;
        };
        for (key, value) in table.entries {
            let name = key.get_ref().to_string();
            let span = value.span();
            match value.get_ref() {
                DeValue::String(text) => {
                    let text = text.to_string();
                    specs.insert(name, InlineSpec { text, span });
                }
                _ => {
                    let title = format!("wrong type for the spec `{name}`");
                    let help = Some("write the spec's text between `'''` and `'''`".to_owned());
                    self.reader.report(span, title, "expected a string", help);
                }
            }
        }
        specs
    }

    /// Every spec that the recipe uses, compiled, by its name in the recipe.
    pub(super) fn scorers(
        &mut self,
        recipe: &Recipe,
        inline: &mut BTreeMap<String, InlineSpec>,
    ) -> BTreeMap<String, Scorer> {
        let mut uses: Vec<(String, String)> = Vec::new();
        uses.extend(
            recipe
                .spec
                .clone()
                .map(|spec| (spec, "reward.spec".to_owned())),
        );
        for stage in &recipe.stages {
            let place = format!("stages.{}.spec", stage.name);
            uses.extend(stage.options.spec().map(|spec| (spec.to_owned(), place)));
        }
        let evaluation = recipe.evaluation.as_ref();
        let spec = evaluation.and_then(|evaluation| evaluation.spec.clone());
        uses.extend(spec.map(|spec| (spec, "evaluation.spec".to_owned())));
        let mut scorers = BTreeMap::new();
        for (name, place) in uses {
            if scorers.contains_key(&name) {
                continue;
            }
            let scorer = match inline.remove(&name) {
                Some(spec) => self.compile(&name, &spec),
                None => match self.misspelt(recipe, &name, inline) {
                    None => self.load(recipe, &name, &place),
                    Some(near) => {
                        let span = self.places.find(&place);
                        let title = format!("there is no spec `{name}`");
                        let help = format!("did you mean `{near}`, of `[specs]`?");
                        self.reader.report(span, title, "no such spec", Some(help));
                        // That one is not idle, but meant.
                        inline.remove(&near);
                        None
                    }
                },
            };
            scorers.extend(scorer.map(|scorer| (name, scorer)));
        }
        for (name, spec) in inline {
            let title = format!("the spec `{name}` is not used");
            let help = format!("name it, `spec = \"{name}\"`, or remove it");
            self.reader
                .report(spec.span.clone(), title, "nobody is paid by it", Some(help));
        }
        scorers
    }

    /// The spec of the recipe that was meant by a name that nothing has.
    fn misspelt(
        &self,
        recipe: &Recipe,
        name: &str,
        inline: &BTreeMap<String, InlineSpec>,
    ) -> Option<String> {
        let is_shipped = load::shipped().any(|shipped| shipped.name == name);
        if is_shipped || recipe.folder.join(name).exists() || Path::new(name).exists() {
            return None;
        }
        let near = nearest(name, inline.keys().map(String::as_str));
        near.map(str::to_owned)
    }

    fn compile(&mut self, name: &str, spec: &InlineSpec) -> Option<Scorer> {
        let no_files = |path: &str| Err(format!("a spec within a recipe has no file `{path}`"));
        let compiled = Scorer::compile(SpecSource {
            text: &spec.text,
            origin: name,
            grammar: &no_files,
        });
        let error = match compiled {
            Ok(scorer) => return Some(scorer),
            Err(error) => error,
        };
        // A text without escapes stands in the recipe as it is: the mistakes of
        // the spec are then shown where they stand.
        let written = &self.source.text[spec.span.clone()];
        let offset = written.find(&spec.text).map(|at| spec.span.start + at);
        for problem in error.problems() {
            let span = match offset {
                Some(offset) => offset + problem.span.start..offset + problem.span.end,
                None => spec.span.clone(),
            };
            self.reader.problems.push(Problem {
                span,
                ..problem.clone()
            });
        }
        None
    }

    fn load(&mut self, recipe: &Recipe, name: &str, place: &str) -> Option<Scorer> {
        let is_shipped = load::shipped().any(|shipped| shipped.name == name);
        let path = recipe.folder.join(name);
        let loaded = match is_shipped || !path.exists() {
            true => load::spec(name),
            false => load::spec(&path.display().to_string()),
        };
        let error = match loaded {
            Ok(scorer) => return Some(scorer),
            Err(error) => error,
        };
        let span = self.places.find(place);
        let (title, help) = match &error {
            LoadError::Spec(error) => {
                let mistakes = match error.count() {
                    1 => "a mistake".to_owned(),
                    count => format!("{count} mistakes"),
                };
                let help = format!("`goldstone check {}` shows where", path.display());
                (format!("the spec `{name}` has {mistakes}"), Some(help))
            }
            error => (error.to_string(), None),
        };
        self.reader
            .report(span, title, "this spec cannot be used", help);
        None
    }
}
