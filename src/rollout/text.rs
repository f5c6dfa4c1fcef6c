//! Prompt and completion text: a plain string or a list of chat messages.

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A prompt or a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// One string.
    Plain(String),
    /// Chat messages in order.
    Chat(Vec<Message>),
}

/// One chat message. Content given as parts is joined; parts that are not text
/// are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `user`, `assistant`, `system`, `tool`…
    pub role: String,
    /// The visible text.
    pub content: String,
    /// The thinking, where the server parsed it away from the content
    /// (`reasoning_content`, `reasoning` or `thinking`).
    pub reasoning: Option<String>,
}

impl Default for Text {
    fn default() -> Self {
        Text::Plain(String::new())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text::Plain(text.to_owned())
    }
}

impl Text {
    /// What stands directly before the completion: the whole plain prompt, or
    /// the content of a last message that the assistant has already begun.
    /// A chat template may have written `<think>` there.
    #[must_use]
    pub fn tail(&self) -> &str {
        match self {
            Text::Plain(text) => text,
            Text::Chat(messages) => match messages.last() {
                Some(last) if last.role == "assistant" => &last.content,
                _ => "",
            },
        }
    }

    /// The message that answers: the last one of the assistant, or where no message
    /// has that role the last one of a role that may be another name of it (`gpt`,
    /// `model`). What others say is no answer: there is none then.
    #[must_use]
    pub fn answer_message(messages: &[Message]) -> Option<&Message> {
        messages
            .iter()
            .rfind(|message| message.role == "assistant")
            .or_else(|| {
                let mut unnamed = messages.iter();
                unnamed.rfind(|message| !is_of_others(&message.role))
            })
    }

    /// Whether there is no message and no character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Text::Plain(text) => text.is_empty(),
            Text::Chat(messages) => messages.is_empty(),
        }
    }
}

/// Whether a role is that of whoever asks, instructs or returns what a tool did.
fn is_of_others(role: &str) -> bool {
    let others = [
        "user",
        "human",
        "system",
        "developer",
        "tool",
        "tool_response",
        "tool_result",
        "function",
        "ipython",
        "environment",
        "env",
        "observation",
    ];
    others.iter().any(|other| role.eq_ignore_ascii_case(other))
}

/// A JSON string in which a lone surrogate (`\ud83d` without its partner, which
/// Python writes for a cut emoji) becomes U+FFFD instead of an error.
pub(crate) struct LossyString(pub(crate) String);

impl<'de> Deserialize<'de> for LossyString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = LossyString;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<LossyString, E> {
                // Plain validation is several times faster than a lossy walk.
                Ok(LossyString(match std::str::from_utf8(bytes) {
                    Ok(text) => text.to_owned(),
                    Err(_) => String::from_utf8_lossy(bytes).into_owned(),
                }))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<LossyString, E> {
                Ok(LossyString(text.to_owned()))
            }
        }
        // serde_json checks surrogates for `str` but not for bytes.
        deserializer.deserialize_bytes(Bytes)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Message;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a chat message, `{\"role\": …, \"content\": …}`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
                let mut role = None;
                let mut content = None;
                let mut has_content = false;
                let mut reasoning = None;
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "role" if role.is_some() => {
                            return Err(de::Error::duplicate_field("role"));
                        }
                        "content" if has_content => {
                            return Err(de::Error::duplicate_field("content"));
                        }
                        "role" => role = Some(map.next_value::<LossyString>()?.0),
                        "content" => {
                            has_content = true;
                            content = map.next_value::<Content>()?.0;
                        }
                        "reasoning_content" | "reasoning" | "thinking" => {
                            // Servers without a parser of thinking write an empty one.
                            let given = map.next_value::<Content>()?.0;
                            reasoning = given.filter(|text| !text.is_empty()).or(reasoning);
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Message {
                    role: role.ok_or_else(|| de::Error::missing_field("role"))?,
                    content: content.unwrap_or_default(),
                    reasoning,
                })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Message content: a string, a list of parts, or null (a pure tool call).
struct Content(Option<String>);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?.get();
        let content = match raw.as_bytes().first() {
            Some(b'n') => None,
            Some(b'[') => Some(parse::<Parts, D::Error>(raw)?.0),
            _ => Some(parse::<LossyString, D::Error>(raw)?.0),
        };
        Ok(Content(content))
    }
}

fn parse<'a, T: Deserialize<'a>, E: de::Error>(raw: &'a str) -> Result<T, E> {
    serde_json::from_str(raw).map_err(E::custom)
}

/// Content in parts: `[{"type": "text", "text": "…"}, …]`.
struct Parts(String);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Part {
            text: Option<LossyString>,
        }
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Parts;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of content parts")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Parts, A::Error> {
                let mut joined = String::new();
                while let Some(part) = parts.next_element::<Part>()? {
                    if let Some(text) = part.text {
                        joined.push_str(&text.0);
                    }
                }
                Ok(Parts(joined))
            }
        }
        deserializer.deserialize_seq(List)
    }
}
