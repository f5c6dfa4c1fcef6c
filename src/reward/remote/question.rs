//! What is asked about one completion: requests to a judge, entries for a reward
//! model.

use serde_json::{Map, Value, json};

use super::options::{InputForm, MARK_FIELD, Protocol, RemoteOptions, ReplyForm};
use super::quote::{
    about_quotations, filled, mark, may_hold_field, mentions, quoted, without_roles,
};
use crate::reward::RowError;
use crate::reward::judge::Subject;
use crate::reward::measure::needed;
use crate::reward::spec::Reward;
use crate::rollout::{Pointer, Reference, Text};

/// The system prompt where the spec has none.
const SYSTEM: &str = "You are a strict and fair judge.";
/// The longest reply where the spec does not say, in tokens.
const MAX_TOKENS: u32 = 1024;
/// Digits of a mark in a reply: 64 bits.
const REPLY_MARK: usize = 16;

/// The questions about one completion.
pub(super) struct Asked {
    /// One per vote.
    pub(super) items: Vec<Value>,
    /// Role tokens that were broken up in the completion.
    pub(super) role_tokens: usize,
    /// What a judge has to write, so that its score is no quotation.
    pub(super) mark: Option<String>,
}

/// Words the questions about `text`, the section that is judged.
///
/// # Errors
/// A [`RowError`] where the row lacks what is asked with.
pub(super) fn about(
    reward: &Reward,
    options: &RemoteOptions,
    subject: &Subject<'_>,
    text: &str,
) -> Result<Asked, RowError> {
    let (text, role_tokens) = without_roles(text);
    let prompt = &subject.rollout.prompt;
    let mut mark = None;
    let items = match (options.protocol, options.input.unwrap_or_default()) {
        (Protocol::Chat, _) => judge(reward, options, subject, &text, &mut mark)?,
        (Protocol::Scores, InputForm::Messages) => vec![conversation(prompt, &text)],
        (Protocol::Openrlhf, _) => {
            let asked = plain(reward, subject)?;
            vec![json!({
                "query": format!("{asked}{text}"),
                "prompt": asked,
                "label": subject.rollout.reference.as_ref().map(reference),
            })]
        }
        (Protocol::Scores | Protocol::Classify | Protocol::Pooling, _) => {
            vec![Value::from(format!("{}{text}", plain(reward, subject)?))]
        }
    };
    Ok(Asked {
        items,
        role_tokens,
        mark,
    })
}

/// Requests to a judge, which differ by their seeds alone.
///
/// Where a quoted text could be quoted back as a score, the reply must have a part of
/// the mark in it, which no quoted text can hold: in the label, or as a field.
fn judge(
    reward: &Reward,
    options: &RemoteOptions,
    subject: &Subject<'_>,
    text: &str,
    demanded: &mut Option<String>,
) -> Result<Vec<Value>, RowError> {
    let template = options.prompt.as_deref().unwrap_or_default();
    let prompt = shown(&subject.rollout.prompt);
    let (prompt, _) = without_roles(&prompt);
    let reference = match template.contains("{reference}") {
        true => {
            let given = subject.rollout.reference.as_ref().map(reference);
            needed(reward, given, &subject.fields.reference)?
        }
        false => String::new(),
    };
    let (reference, _) = without_roles(&reference);
    let mark = mark([template, &prompt, text, &reference]);
    let name = Pointer::parse(options.field()).ok();
    let name = name.and_then(|field| field.first_name().map(str::to_owned));
    let is_quotable = |text: &&str| match options.reply.unwrap_or_default() {
        ReplyForm::Score => mentions(text, options.label()),
        ReplyForm::Json => may_hold_field(text, name.as_deref()),
    };
    if [&*prompt, text, &*reference].iter().any(is_quotable) {
        *demanded = Some(mark[..REPLY_MARK].to_owned());
    }
    let question = filled(template, |name| {
        let value = match name {
            "prompt" => &*prompt,
            "completion" => text,
            "reference" => &*reference,
            other => unreachable!("`{other}` is no placeholder of a checked spec"),
        };
        quoted(name, &mark, value)
    });
    let system = options.system.as_deref().unwrap_or(SYSTEM);
    let messages = json!([
        { "role": "system", "content": format!("{system}\n\n{}", about_quotations(&mark)) },
        { "role": "user", "content": format!("{question}\n\n{}", form(options, demanded.as_deref())) },
    ]);
    let mut request = Map::new();
    request.insert("model".to_owned(), options.model.clone().into());
    request.insert("messages".to_owned(), messages);
    let temperature = options.temperature.unwrap_or(0.0);
    request.insert("temperature".to_owned(), temperature.into());
    request.extend(options.body.clone().unwrap_or_default());
    // Some servers know only this name, and refuse the other.
    if !request.contains_key("max_completion_tokens") {
        let most = options.max_tokens.unwrap_or(MAX_TOKENS);
        request.insert("max_tokens".to_owned(), most.into());
    }
    let votes = options.votes();
    let vote = |number: usize| {
        let mut request = request.clone();
        if votes > 1 {
            request.insert("seed".to_owned(), number.into());
        }
        Value::Object(request)
    };
    Ok((0..votes).map(vote).collect())
}

/// What the judge is told about the form of the reply.
fn form(options: &RemoteOptions, mark: Option<&str>) -> String {
    let values = match (&options.choices, options.range) {
        (Some(choices), _) => {
            let words: Vec<&str> = choices.keys().map(String::as_str).collect();
            format!("one of: {}", words.join(", "))
        }
        (None, range) => {
            let [low, high] = range.unwrap_or_default();
            format!("a number from {low} to {high}")
        }
    };
    match options.reply.unwrap_or_default() {
        ReplyForm::Score => format!(
            "End your reply with one line of exactly this form, and write no other line of \
             this form:\n{}: X\nwhere X is {values}.",
            options.label_with(mark)
        ),
        ReplyForm::Json => {
            let path: Vec<&str> = options.field().split('/').skip(1).collect();
            let marked = mark.map_or_else(String::new, |mark| {
                format!(" Its field `{MARK_FIELD}` is the text `{mark}`.")
            });
            format!(
                "Reply with one JSON object and nothing else. Its field `{}` is {values}.{marked}",
                path.join(".")
            )
        }
    }
}

/// Prompt and completion as a chat.
fn conversation(prompt: &Text, text: &str) -> Value {
    let mut messages = match prompt {
        Text::Plain(prompt) => vec![json!({ "role": "user", "content": prompt })],
        Text::Chat(messages) => {
            let said = messages.iter();
            said.map(|message| json!({ "role": message.role, "content": message.content }))
                .collect()
        }
    };
    messages.push(json!({ "role": "assistant", "content": text }));
    messages.into()
}

/// The prompt as the policy saw it; of a chat nobody here knows that text.
fn plain<'r>(reward: &Reward, subject: &Subject<'r>) -> Result<&'r str, RowError> {
    match &subject.rollout.prompt {
        Text::Plain(text) => Ok(text),
        Text::Chat(_) => {
            let field = subject.fields.prompt.to_string();
            let message = format!(
                "field `{field}` is a list of messages; reward `{}` needs the text that the \
                 chat template makes of them",
                reward.name
            );
            Err(RowError {
                term: Some(reward.name.to_string()),
                ..RowError::data(message).at(field)
            })
        }
    }
}

/// The prompt as a judge reads it.
fn shown(prompt: &Text) -> String {
    match prompt {
        Text::Plain(text) => text.clone(),
        Text::Chat(messages) => {
            let said = messages.iter();
            let said: Vec<String> = said
                .map(|message| format!("{}: {}", message.role, message.content))
                .collect();
            said.join("\n\n")
        }
    }
}

fn reference(reference: &Reference) -> String {
    match reference {
        Reference::One(text) => text.clone(),
        Reference::AnyOf(texts) => texts.join("\n"),
        Reference::Json(value) => value.to_string(),
    }
}
