//! The JSON Schema of recipes, for editors and for the documentation.

use std::collections::BTreeMap;

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use super::model::ModelOptions;
use crate::train::run::CheckpointOptions;
use crate::train::stage::{EvaluationOptions, GrpoOptions, RejectOptions, SftOptions};
use crate::train::task::TaskOptions;

/// A training recipe: a model, tasks, a reward and stages.
#[derive(JsonSchema)]
#[schemars(rename = "goldstone recipe", deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "the schema is generated from it; reading goes table by table"
)]
struct RecipeTable {
    /// Version of the recipe language: 1.
    #[schemars(range(min = 1, max = 1))]
    version: u32,
    /// Name of the recipe; the file's name without `.toml` if absent.
    name: Option<String>,
    /// What the recipe is for, in a sentence.
    description: Option<String>,
    /// Everything random begins here. Default 0.
    seed: Option<u64>,
    /// Where the policy comes from.
    model: ModelOptions,
    /// Where problems come from, by name.
    tasks: Option<BTreeMap<String, TaskOptions>>,
    /// Reward specs written into the recipe, by name: TOML texts.
    specs: Option<BTreeMap<String, String>>,
    /// What completions are paid by.
    reward: Option<RewardTable>,
    /// Evaluation on held-out problems; none if absent.
    evaluation: Option<EvaluationOptions>,
    /// When the run saves itself.
    checkpoints: Option<CheckpointOptions>,
    /// What is done, in order.
    stages: Vec<StageTable>,
}

/// What completions are paid by.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema is generated from it")]
struct RewardTable {
    /// A shipped spec, a file, or a name under `[specs]`.
    spec: String,
}

/// One stage: a name, and one of the others.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code, reason = "the schema is generated from it")]
struct StageTable {
    /// Its name, once in a recipe.
    name: String,
    /// Learn from demonstrations.
    sft: Option<SftOptions>,
    /// Learn from rewards.
    grpo: Option<GrpoOptions>,
    /// Keep good completions as demonstrations for a later `sft`.
    reject: Option<RejectOptions>,
}

/// The JSON Schema (draft 2020-12) of a recipe, pretty-printed, for editors with
/// TOML support.
#[must_use]
pub fn json_schema() -> String {
    serde_json::to_string_pretty(&schema_for!(RecipeTable))
        .expect("a schema is plain JSON with string keys")
}

/// Every key of a recipe with its meaning, as Markdown: a heading and a table for
/// each table of the language, from the same definitions that read recipes.
#[must_use]
pub fn key_tables() -> String {
    let schema = schema_for!(RecipeTable);
    let root = schema.as_value();
    let mut text = String::new();
    let mut queue = vec![("Top level".to_owned(), root.clone())];
    let mut described: Vec<String> = Vec::new();
    let mut next = 0;
    while let Some((place, table)) = queue.get(next).cloned() {
        next += 1;
        text += &format!("### {place}\n\n");
        if next > 1 {
            text += &format!("{}\n\n", one_line(&table));
        }
        text += "| key | meaning |\n| --- | --- |\n";
        for (key, value) in properties(&table) {
            text += &format!("| `{key}` | {} |\n", meaning(&value, root));
            let below = match next {
                1 => key.clone(),
                _ => format!("{}.{key}", place.trim_matches(['`', '[', ']'])),
            };
            for (name, choice, inner) in tables_in(&value, root) {
                if described.contains(&name) {
                    continue;
                }
                described.push(name);
                queue.push((heading(&format!("{below}{choice}"), &value), inner));
            }
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

/// `[tasks.NAME]` for a map of tables, `[[stages]]` for a list of them.
fn heading(place: &str, value: &Value) -> String {
    let is_list = value.get("type").and_then(Value::as_str) == Some("array");
    let is_map = value
        .get("additionalProperties")
        .is_some_and(Value::is_object);
    match (is_list, is_map) {
        (true, _) => format!("`[[{place}]]`"),
        (_, true) => format!("`[{place}.NAME]`"),
        _ => format!("`[{place}]`"),
    }
}

fn properties(table: &Value) -> Vec<(String, Value)> {
    let properties = table.get("properties").and_then(Value::as_object);
    let pairs = properties.into_iter().flatten();
    pairs
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The definitions that a value refers to, at any depth below it.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => {
            let own = map.get("$ref").and_then(Value::as_str);
            let own = own
                .and_then(|text| text.strip_prefix("#/$defs/"))
                .map(str::to_owned);
            let below = map.values().flat_map(references);
            own.into_iter().chain(below).collect()
        }
        Value::Array(list) => list.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// The tables that a value is, holds or chooses between: their definitions'
/// names, the key of the choice (`.addition`) if it is one, and themselves.
fn tables_in(value: &Value, root: &Value) -> Vec<(String, String, Value)> {
    let mut tables = Vec::new();
    for name in references(value) {
        let Some(definition) = root["$defs"].get(&name) else {
            continue;
        };
        if definition.get("properties").is_some() {
            tables.push((name, String::new(), definition.clone()));
            continue;
        }
        let variants = definition.get("oneOf").and_then(Value::as_array);
        for (key, inner) in variants.into_iter().flatten().flat_map(properties) {
            let below = tables_in(&inner, root).into_iter();
            tables.extend(below.map(|(name, _, table)| (name, format!(".{key}"), table)));
        }
    }
    tables
}

/// What a key means, with the choices that it has.
fn meaning(value: &Value, root: &Value) -> String {
    let mut text = one_line(value);
    for name in references(value) {
        let definition = &root["$defs"][&name];
        if text.is_empty() {
            text = one_line(definition);
        }
        let choices = choices(definition);
        if !choices.is_empty() {
            text += &format!(" {choices}");
        }
    }
    text
}

/// The values of an enumeration, each with what it stands for.
fn choices(definition: &Value) -> String {
    let variants = definition.get("oneOf").and_then(Value::as_array);
    let named = variants.into_iter().flatten().filter_map(|variant| {
        let about = one_line(variant);
        let about = first_sentence(&about);
        if let Some(name) = variant.get("const").and_then(Value::as_str) {
            return Some(format!("`{name}`: {about}"));
        }
        if let Some(names) = variant.get("enum").and_then(Value::as_array) {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            return Some(format!("`{}`", names.join("`, `")));
        }
        let (name, inner) = properties(variant).pop()?;
        let keys: Vec<String> = properties(&inner).into_iter().map(|(key, _)| key).collect();
        let form = match keys.as_slice() {
            [] => format!("{{ {name} = {{ … }} }}"),
            keys => format!("{{ {name} = {{ {} }} }}", keys.join(", ")),
        };
        Some(format!("`{form}`: {about}"))
    });
    let named: Vec<String> = named.collect();
    match named.is_empty() {
        true => String::new(),
        false => format!("({})", named.join("; ")),
    }
}

/// Up to the first full stop that ends a sentence; that of `Dr.` does not.
fn first_sentence(text: &str) -> &str {
    let stops = text.match_indices(". ").map(|(at, _)| at);
    let end = stops.into_iter().find(|at| !text[..*at].ends_with("Dr"));
    text[..end.unwrap_or(text.len())].trim_end_matches('.')
}

fn one_line(value: &Value) -> String {
    let text = value.get("description").and_then(Value::as_str);
    let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}
