//! What the `[format]` table of a spec can say.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// Which format a completion must have, and how strictly.
///
/// Every loosened option weakens what `valid` means; the page on formats says
/// how each can be gamed.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct FormatOptions {
    /// A format that is shipped. Default `text`, unless `grammar` is given.
    pub template: Option<Template>,
    /// Path of your own pest grammar; excludes `template`. Needs `answer`.
    pub grammar: Option<String>,
    /// The grammar's rule that matches the whole text. Default `doc`.
    pub root: Option<String>,
    /// The grammar's rule that matches the thinking.
    pub think: Option<String>,
    /// The grammar's rule that matches the answer.
    pub answer: Option<String>,
    /// What the prompt has already written of the completion: `auto` (whatever
    /// opening marker the prompt ends with), `none`, or the text itself, such
    /// as `"<think>\n"`. Default `auto`.
    pub prefill: Prefill,
    /// Texts to take off the end, such as `<|im_end|>`; white space around
    /// them goes too, and repetitions are all removed. Default none.
    pub strip_suffix: Vec<String>,
    /// Whether `<THINK>` is `<think>` (ASCII letters only). Default false.
    pub case_insensitive: bool,
    /// Whether a tag inside a closed Markdown code fence or inline code
    /// counts. Default `count`.
    pub tags_in_code: TagsInCode,
    /// Whether text may stand before the first or after the last tag. Default
    /// `forbid`.
    pub outer_text: OuterText,
    /// What may stand between the thinking and the answer. Default `ws`.
    pub between: Between,
    /// What a repeated tag means. Default `forbid`.
    pub duplicates: Duplicates,
    /// Least number of words in the thinking; a run of letters or digits is a
    /// word, and so is each Han, Kana or Hangul character. Default 0.
    pub min_think_words: usize,
    /// Greatest number of characters in the answer. Default no limit.
    pub max_answer_chars: Option<usize>,
    /// Whether look-alikes of tags (`<THINK>`, `＜think＞`, a Cyrillic letter)
    /// are counted. They are never tags. Default `flag`.
    pub lookalike: Lookalike,
    /// Whether CRLF and CR become LF in the extracted sections. Default false.
    pub normalize_newlines: bool,
    /// Which `\boxed{…}` is the answer, for `think_boxed`. Default `unique`.
    pub boxed: BoxedRule,
    /// How a chat message is read whose server moved the thinking to a field
    /// of its own. Default `auto`.
    pub input: Input,
    /// Longest text that is looked at, in bytes; a longer one is invalid with
    /// code `too_long`. Default 4 MiB.
    pub max_bytes: usize,
}

impl Default for FormatOptions {
    fn default() -> Self {
        Self {
            template: None,
            grammar: None,
            root: None,
            think: None,
            answer: None,
            prefill: Prefill::Auto,
            strip_suffix: Vec::new(),
            case_insensitive: false,
            tags_in_code: TagsInCode::Count,
            outer_text: OuterText::Forbid,
            between: Between::Ws,
            duplicates: Duplicates::Forbid,
            min_think_words: 0,
            max_answer_chars: None,
            lookalike: Lookalike::Flag,
            normalize_newlines: false,
            boxed: BoxedRule::Unique,
            input: Input::Auto,
            max_bytes: 4 << 20,
        }
    }
}

/// The shipped formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Template {
    /// No structure: the whole trimmed text is the answer.
    Text,
    /// `<think>…</think> <answer>…</answer>`
    R1,
    /// As `r1`, the prompt having written `<think>`.
    R1Prefill,
    /// `<think>…</think>` and text, which is the answer.
    ThinkText,
    /// As `think_text`, the prompt having written `<think>`.
    ThinkTextPrefill,
    /// As `think_text`, but the thinking may be empty or absent.
    ThinkOptional,
    /// As `think_text`, with one `\boxed{…}` in the text, which is the answer.
    ThinkBoxed,
    /// As `r1`, with a code block labelled `python` in the answer.
    R1CodePython,
    /// `[THINK]…[/THINK]` and text.
    Magistral,
    /// `◁think▷…◁/think▷` and text.
    Kimi,
    /// `<|think_start|>…<|think_end|> <|answer_start|>…<|answer_end|>`
    Ether0,
    /// Messages on the channels `analysis`, `commentary` and `final`.
    Harmony,
    /// `<思考>…</思考> <回答>…</回答>`
    R1Zh,
}

impl Template {
    /// Every shipped format.
    pub const ALL: [Template; 13] = [
        Template::Text,
        Template::R1,
        Template::R1Prefill,
        Template::ThinkText,
        Template::ThinkTextPrefill,
        Template::ThinkOptional,
        Template::ThinkBoxed,
        Template::R1CodePython,
        Template::Magistral,
        Template::Kimi,
        Template::Ether0,
        Template::Harmony,
        Template::R1Zh,
    ];
}

/// What the prompt has already written of the completion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
pub enum Prefill {
    /// Whatever opening marker the prompt ends with.
    #[default]
    Auto,
    /// Nothing; an opening marker at the end of the prompt is not heeded.
    None,
    /// This text, which begins with the opening marker.
    Literal(String),
}

impl From<String> for Prefill {
    fn from(text: String) -> Self {
        match text.as_str() {
            "auto" => Prefill::Auto,
            "none" => Prefill::None,
            _ => Prefill::Literal(text),
        }
    }
}

impl From<Prefill> for String {
    fn from(prefill: Prefill) -> Self {
        match prefill {
            Prefill::Auto => "auto".to_owned(),
            Prefill::None => "none".to_owned(),
            Prefill::Literal(text) => text,
        }
    }
}

impl JsonSchema for Prefill {
    fn schema_name() -> Cow<'static, str> {
        "Prefill".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "`auto`, `none`, or the text that the prompt has written, such as \"<think>\\n\"."
        })
    }
}

/// Whether a tag inside Markdown code counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TagsInCode {
    /// It counts like any other.
    Count,
    /// It is text.
    Ignore,
}

/// Whether text may stand outside the tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OuterText {
    /// White space only.
    Forbid,
    /// Before the first tag.
    AllowLeading,
    /// After the last tag.
    AllowTrailing,
    /// On both sides.
    Allow,
}

/// What may stand between the thinking and the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// White space only.
    Ws,
    /// Any text.
    Any,
}

/// What a repeated tag means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// The completion is invalid.
    Forbid,
    /// The first complete sequence of tags counts; the other tags are text,
    /// and subject to `outer_text` and `between`.
    First,
    /// The last complete sequence of tags counts, likewise.
    Last,
}

/// Whether look-alikes of tags are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lookalike {
    /// No.
    Ignore,
    /// Yes, in [`Completion::lookalikes`](super::Completion::lookalikes).
    Flag,
}

/// Which `\boxed{…}` is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoxedRule {
    /// The only one; a second one makes the completion invalid.
    Unique,
    /// The first outermost one.
    First,
    /// The last outermost one.
    Last,
}

/// How a chat message is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Structured where the message has thinking of its own, else as text.
    Auto,
    /// The content alone; separate thinking is not looked at.
    Text,
    /// Thinking and content are put together by
    /// [`Format::render`](super::Format::render), even if the thinking is
    /// missing.
    Structured,
}
