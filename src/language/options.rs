//! What a caller can set: the options of the score and their defaults.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::tag::Language;

/// How the language of a text is measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LanguageOptions {
    /// The language that is wanted: a code such as `"en"`, `"zh-Hans"` or
    /// `"pt-BR"`; `{ column = "/language" }` for the one that the row names
    /// (default); `"prompt"` for the one that the prompt is written in.
    pub target: Target,
    /// Fewest words that give a score; a text with fewer abstains. Default 1.
    pub min_words: u32,
    /// Whether prose between the delimiters of code and formulas counts as
    /// prose. Default true: a policy that thinks in another language inside a
    /// code block is seen. With false, whatever is delimited is left out.
    pub strict_mask: bool,
    /// What names in Latin letters are in a text of another script. Default `neutral`.
    pub names: Names,
    /// Words that never count, in any case: terms, names, units.
    pub allow: Vec<String>,
    /// How the share of words becomes a number. Default `linear`.
    pub shaping: Shaping,
}

impl Default for LanguageOptions {
    fn default() -> Self {
        Self {
            target: Target::default(),
            min_words: 1,
            strict_mask: true,
            names: Names::Neutral,
            allow: Vec::new(),
            shaping: Shaping::Linear,
        }
    }
}

/// What one or two capitalised Latin words are inside a text of another script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// They count neither for nor against.
    #[default]
    Neutral,
    /// They are foreign words.
    Foreign,
}

/// How the share of words becomes a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shaping {
    /// The share itself (DeepSeek-R1, Eq. 7).
    #[default]
    Linear,
    /// 1 where the share is at least so much, else 0.
    Threshold(f64),
    /// 1 where the prompt, the thinking and the answer are in the target
    /// language (Magistral), else 0.
    AllSame,
}

/// Which language is wanted. [`measure`](super::measure) is given the language;
/// who calls it finds out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// This one.
    Constant(Language),
    /// The one that a field of the row names, as a JSON pointer.
    Column(String),
    /// The one that the prompt is written in.
    Prompt,
}

impl Default for Target {
    fn default() -> Self {
        Target::Column("/language".to_owned())
    }
}

/// An option that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct LanguageOptionError {
    /// The option's name.
    pub field: &'static str,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl LanguageOptions {
    /// # Errors
    /// `column` is no JSON pointer, or a threshold is not in `(0, 1]`.
    pub fn check(&self) -> Result<(), LanguageOptionError> {
        if let Target::Column(column) = &self.target
            && !column.starts_with('/')
        {
            return Err(LanguageOptionError {
                field: "target",
                problem: format!("names the column `{column}`; write `\"/{column}\"`"),
            });
        }
        match self.shaping {
            Shaping::Threshold(share) if !(share > 0.0 && share <= 1.0) => {
                Err(LanguageOptionError {
                    field: "shaping",
                    problem: format!("has the threshold {share}; give a share above 0, up to 1"),
                })
            }
            _ => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrColumn;
        impl<'de> Visitor<'de> for WordOrColumn {
            type Value = Target;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a language code, \"prompt\", or { column = \"/language\" }")
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<Target, E> {
                match word {
                    "prompt" => Ok(Target::Prompt),
                    code => code.parse().map(Target::Constant).map_err(E::custom),
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Target, A::Error> {
                match map.next_entry::<String, String>()? {
                    Some((key, column)) if key == "column" => {
                        match map.next_entry::<String, IgnoredAny>()? {
                            None => Ok(Target::Column(column)),
                            Some((key, _)) => Err(de::Error::unknown_field(&key, &["column"])),
                        }
                    }
                    Some((key, _)) => Err(de::Error::unknown_field(&key, &["column"])),
                    None => Err(de::Error::missing_field("column")),
                }
            }
        }
        deserializer.deserialize_any(WordOrColumn)
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Target::Constant(language) => language.serialize(serializer),
            Target::Prompt => serializer.serialize_str("prompt"),
            Target::Column(column) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("column", column)?;
                map.end()
            }
        }
    }
}

impl JsonSchema for Target {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LanguageTarget".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "anyOf": [
                { "type": "string", "examples": ["en", "zh-Hans", "prompt"] },
                {
                    "type": "object",
                    "properties": { "column": { "type": "string", "pattern": "^/" } },
                    "required": ["column"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
