//! Chat templates: messages in, the text that a model was trained on out.
//!
//! Rendered as transformers renders them (`apply_chat_template`): Jinja with
//! blocks trimmed, Python's string methods, `raise_exception`, `strftime_now`,
//! `tojson` without HTML escapes, and loop controls. `{% generation %}` marks
//! a span for transformers and shows as what it encloses.

use std::sync::Arc;
use std::time::SystemTime;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde::{Deserialize, Serialize};

use super::FolderError;
use super::calendar;
use super::json::Document;
use super::tokenizer::{SpecialNames, Tokenizer};

/// Name of the file with the template itself.
pub(super) const TEMPLATE: &str = "chat_template.jinja";
/// Name of a file that holds it as a field.
pub(super) const OLD_TEMPLATE: &str = "chat_template.json";

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user`, `assistant`, or what else the template knows.
    pub role: String,
    /// The text.
    pub content: String,
}

/// A parsed chat template.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    environment: Arc<Environment<'static>>,
    source: Arc<str>,
    names: SpecialNames,
    variables: serde_json::Map<String, serde_json::Value>,
}

impl ChatTemplate {
    /// Parses a template; special tokens come from the tokenizer.
    ///
    /// # Errors
    /// [`FolderError::Template`] with the line that cannot be parsed.
    pub fn parse(source: &str, tokenizer: &Tokenizer) -> Result<Self, FolderError> {
        let names = tokenizer.names().clone();
        Self::parse_at(source, names, SystemTime::now())
    }

    /// Parses a template; the clock stands at `now`, so that every prompt of a run
    /// shows one date.
    fn parse_at(source: &str, names: SpecialNames, now: SystemTime) -> Result<Self, FolderError> {
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(|error| template_error(&error))?;
        let mut environment = Environment::new();
        environment.set_syntax(syntax);
        environment.set_unknown_method_callback(unknown_method_callback);
        environment.add_filter("tojson", to_json);
        environment.add_function("raise_exception", |why: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, why))
        });
        environment.add_function("strftime_now", move |format: &str| {
            calendar::format(now, format)
                .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "unknown date format"))
        });
        environment
            .add_template_owned(TEMPLATE, without_generation(source))
            .map_err(|error| template_error(&error))?;
        Ok(Self {
            environment: Arc::new(environment),
            source: source.into(),
            names,
            variables: serde_json::Map::new(),
        })
    }

    /// The template of a tokenizer's files, if they hold one: `chat_template.jinja`,
    /// else the field `chat_template` (of several, the one named `default`).
    pub(super) fn of(tokenizer: &Tokenizer) -> Result<Option<Self>, FolderError> {
        if let Some(bytes) = tokenizer.file(TEMPLATE) {
            let source = String::from_utf8_lossy(bytes);
            return Self::parse(&source, tokenizer).map(Some);
        }
        for name in [OLD_TEMPLATE, "tokenizer_config.json"] {
            let Some(bytes) = tokenizer.file(name) else {
                continue;
            };
            let document = Document::parse(name.as_ref(), bytes)?;
            let field = "chat_template";
            let source = match document.value(field) {
                None => continue,
                Some(serde_json::Value::String(source)) => source,
                Some(serde_json::Value::Array(several)) => {
                    let named = several.iter().find(|one| one["name"] == "default");
                    named
                        .and_then(|one| one["template"].as_str())
                        .ok_or_else(|| document.refuse(field, "a list with one named `default`"))?
                }
                Some(_) => return Err(document.refuse(field, "a template's text")),
            };
            return Self::parse(source, tokenizer).map(Some);
        }
        Ok(None)
    }

    /// The same template with variables of its own set, such as `enable_thinking`.
    #[must_use]
    pub fn with_variables(mut self, variables: serde_json::Map<String, serde_json::Value>) -> Self {
        self.variables = variables;
        self
    }

    /// The template's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Renders a conversation; `add_generation_prompt` opens the assistant's turn.
    ///
    /// # Errors
    /// [`FolderError::Template`] when the template refuses the messages.
    pub fn render(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<String, FolderError> {
        let turns: Vec<Value> = messages
            .iter()
            .map(|message| {
                Value::from_pairs([
                    ("role", Value::from(message.role.as_str())),
                    ("content", Value::from(message.content.as_str())),
                ])
            })
            .collect();
        let mut context = vec![
            ("messages", Value::from(turns)),
            ("add_generation_prompt", Value::from(add_generation_prompt)),
            ("tools", Value::from(())),
            ("documents", Value::from(())),
        ];
        for (name, text) in [
            ("bos_token", &self.names.bos),
            ("eos_token", &self.names.eos),
            ("pad_token", &self.names.pad),
            ("unk_token", &self.names.unk),
        ] {
            if let Some(text) = text {
                context.push((name, Value::from(text.as_str())));
            }
        }
        for (name, value) in &self.variables {
            context.push((name, from_json(value)));
        }
        self.environment
            .get_template(TEMPLATE)
            .and_then(|template| template.render(Value::from_pairs(context)))
            .map_err(|error| template_error(&error))
    }
}

/// The template with `{% generation %}` blocks as blocks that always show.
fn without_generation(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let Some(length) = rest[start..].find("%}") else {
            break;
        };
        let tag = &rest[start..start + length];
        let name = tag[2..].trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        text.push_str(&rest[..start]);
        text.push_str(&match name {
            "generation" => tag.replacen("generation", "if true", 1),
            "endgeneration" => tag.replacen("endgeneration", "endif", 1),
            _ => tag.to_owned(),
        });
        rest = &rest[start + length..];
    }
    text + rest
}

/// Python's `json.dumps` with `ensure_ascii=False`; `indent` as there.
fn to_json(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    let is_ascii: Option<bool> = options.get("ensure_ascii")?;
    let is_sorted: Option<bool> = options.get("sort_keys")?;
    options.assert_all_used()?;
    if is_ascii == Some(true) || is_sorted == Some(true) {
        let why = "tojson knows neither `ensure_ascii` nor `sort_keys`";
        return Err(Error::new(ErrorKind::InvalidOperation, why));
    }
    let mut text = String::new();
    write_json(value, indent, 0, &mut text)?;
    Ok(Value::from_safe_string(text))
}

/// Deepest nesting of a value that is written as JSON.
const DEEPEST: usize = 64;

/// Writes a value with Python's blanks, its keys in their order.
fn write_json(
    value: &Value,
    indent: Option<usize>,
    depth: usize,
    out: &mut String,
) -> Result<(), Error> {
    let refuse = |why| Err(Error::new(ErrorKind::InvalidOperation, why));
    if depth > DEEPEST {
        return refuse("a value is nested too deeply for tojson");
    }
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    let string = |text: &str| serde_json::Value::from(text).to_string();
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => out.push_str(&value.to_string()),
        ValueKind::String => out.push_str(&string(value.as_str().unwrap_or_default())),
        kind @ (ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) => {
            let is_map = kind == ValueKind::Map;
            let (open, close) = if is_map { ('{', '}') } else { ('[', ']') };
            out.push(open);
            let mut is_empty = true;
            for item in value.try_iter()? {
                if !is_empty {
                    out.push_str(if indent.is_some() { "," } else { ", " });
                }
                is_empty = false;
                line(out, depth + 1);
                if is_map {
                    out.push_str(&string(&item.to_string()));
                    out.push_str(": ");
                    write_json(&value.get_item(&item)?, indent, depth + 1, out)?;
                } else {
                    write_json(&item, indent, depth + 1, out)?;
                }
            }
            if !is_empty {
                line(out, depth);
            }
            out.push(close);
        }
        _ => return refuse("a value cannot be written as JSON"),
    }
    Ok(())
}

fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(flag) => Value::from(*flag),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64()),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(list) => list.iter().map(from_json).collect(),
        serde_json::Value::Object(map) => Value::from_pairs(
            map.iter()
                .map(|(key, item)| (key.as_str(), from_json(item))),
        ),
    }
}

fn template_error(error: &Error) -> FolderError {
    FolderError::Template {
        why: match (error.detail(), error.line()) {
            (Some(detail), Some(line)) => format!("line {line}: {detail}"),
            _ => error.to_string(),
        },
    }
}
