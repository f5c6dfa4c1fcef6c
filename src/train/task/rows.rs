//! Problems from a file of JSON lines.
//!
//! A record has a prompt (a string or chat messages) and what its answer is
//! judged by; for supervised stages also a completion, or it is a conversation
//! (`messages`) whose last message is one. Blank lines are skipped; a line that
//! cannot be used, or asks for what a prompt here cannot say, is an error with its
//! number, never left out silently.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::options::Fields;
use super::part::Split;
use super::{Problem, TaskError, unsaid};
use crate::rollout::{FieldMap, Message, Pointer, Record, Text};

/// How files begin that are no plain text, and what they are.
const PACKED: [(&[u8], &str); 3] = [
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "Parquet"),
];
/// What a row without a demonstration lacks.
const NONE: &str = "there is no completion to learn from";
/// What a completion of several messages lacks.
const SEVERAL: &str = "the completion has several messages, and one is learned: put the whole \
                       conversation into `messages`, whose last one is the demonstration";

/// One usable record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) problem: Problem,
    /// What is to be learned, or why there is nothing.
    pub(super) completion: Result<String, String>,
}

/// Pointers of [`Fields`], checked.
struct Places {
    fields: FieldMap,
    completion: Pointer,
    messages: Pointer,
    /// The recipe says that records are conversations.
    are_conversations: bool,
}

/// Reads the rows of a file that the part has, `most` of them.
pub(super) fn read_file(
    path: &Path,
    fields: &Fields,
    split: Split,
    most: Option<u64>,
) -> Result<Vec<Row>, TaskError> {
    let file = File::open(path).map_err(|source| TaskError::Read {
        path: path.to_owned(),
        source,
    })?;
    read(file, path, fields, split, most)
}

/// The same of what is open, and is called `path`.
pub(super) fn read(
    source: impl Read,
    path: &Path,
    fields: &Fields,
    split: Split,
    most: Option<u64>,
) -> Result<Vec<Row>, TaskError> {
    let unreadable = |source| TaskError::Read {
        path: path.to_owned(),
        source,
    };
    let places = Places::new(fields)?;
    let most = most.map_or(usize::MAX, |most| {
        usize::try_from(most).unwrap_or(usize::MAX)
    });
    let mut rows = Vec::new();
    let mut text = Vec::new();
    let mut reader = BufReader::new(source);
    let begin = reader.fill_buf().map_err(unreadable)?;
    if let Some((_, kind)) = PACKED.iter().find(|(mark, _)| begin.starts_with(mark)) {
        return Err(TaskError::Packed {
            path: path.to_owned(),
            kind,
        });
    }
    for number in 1.. {
        text.clear();
        if rows.len() >= most || reader.read_until(b'\n', &mut text).map_err(unreadable)? == 0 {
            break;
        }
        let line = match number {
            1 => text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text),
            _ => &text,
        };
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let row = places.row(line, number).map_err(|problem| TaskError::Row {
            path: path.to_owned(),
            line: number,
            problem,
        })?;
        if split.has(row.problem.key().as_bytes()) {
            rows.push(row);
        }
    }
    if rows.is_empty() {
        return Err(TaskError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(rows)
}

impl Places {
    fn new(given: &Fields) -> Result<Self, TaskError> {
        let mut fields = FieldMap::default();
        let pairs = [
            (&mut fields.prompt, &given.prompt),
            (&mut fields.reference, &given.reference),
            (&mut fields.id, &given.id),
            (&mut fields.tests, &given.tests),
            (&mut fields.task, &given.task),
            (&mut fields.data_source, &given.data_source),
            (&mut fields.language, &given.language),
        ];
        for (field, text) in pairs {
            if let Some(text) = text {
                *field = pointer(text)?;
            }
        }
        fields.columns = match &given.columns {
            Some(columns) => columns
                .iter()
                .map(|text| pointer(text))
                .collect::<Result<_, _>>()?,
            None => vec![Pointer::field("extra")],
        };
        let or = |text: &Option<String>, name: &str| match text {
            Some(text) => pointer(text),
            None => Ok(Pointer::field(name)),
        };
        Ok(Self {
            fields,
            completion: or(&given.completion, "completion")?,
            messages: or(&given.messages, "messages")?,
            are_conversations: given.messages.is_some(),
        })
    }

    fn row(&self, line: &[u8], number: u64) -> Result<Row, String> {
        let record = Record::parse(line).map_err(|error| error.to_string())?;
        // A rollout needs a completion, a problem has none: the prompt, which
        // every problem has, stands in for it where there is no other.
        let mut fields = self.fields.clone();
        let default_id = number.to_string();
        let rollout = |fields: &FieldMap| {
            let rollout = record.rollout(fields, &default_id);
            rollout.map_err(|error| error.to_string())
        };
        let has = |name: &str| {
            record
                .columns()
                .any(|(column, raw)| column == name && raw != "null")
        };
        if self.are_conversations
            || (!has("prompt") && self.fields.prompt == Pointer::field("prompt") && has("messages"))
        {
            fields.prompt = self.messages.clone();
            fields.completion = self.messages.clone();
            let mut rollout = rollout(&fields)?;
            let Text::Chat(mut messages) = std::mem::take(&mut rollout.prompt) else {
                return Err(format!("`{}` is not a list of messages", self.messages));
            };
            let completion = match messages.last() {
                Some(last) if last.role == "assistant" => messages.pop().map(said),
                _ => None,
            };
            askable(&record, &self.messages, messages.len())?;
            rollout.prompt = Text::Chat(messages);
            rollout.completion = Text::default();
            return Ok(Row {
                line: number,
                problem: Problem::new(rollout),
                completion: learnable(&record, &self.messages, completion),
            });
        }
        fields.completion = self.completion.clone();
        let (mut rollout, completion) = match rollout(&fields) {
            Ok(mut rollout) => {
                let completion = match std::mem::take(&mut rollout.completion) {
                    Text::Plain(text) => Ok(text),
                    Text::Chat(messages) if messages.len() > 1 => Err(SEVERAL.to_owned()),
                    Text::Chat(messages) => {
                        let answer = Text::answer_message(&messages).cloned().map(said);
                        learnable(&record, &self.completion, answer)
                    }
                };
                (rollout, completion)
            }
            Err(error) => {
                fields.completion = self.fields.prompt.clone();
                let lacking = match record.raw_at(&self.completion) {
                    Some(_) => error,
                    None => NONE.to_owned(),
                };
                (rollout(&fields)?, Err(lacking))
            }
        };
        askable(&record, &self.fields.prompt, usize::MAX)?;
        rollout.completion = Text::default();
        if rollout.prompt.is_empty() {
            return Err(format!(
                "field `{}` is missing or empty",
                self.fields.prompt
            ));
        }
        Ok(Row {
            line: number,
            problem: Problem::new(rollout),
            completion,
        })
    }
}

/// Refuses a prompt that has more to say than roles and texts.
fn askable(record: &Record<'_>, place: &Pointer, most: usize) -> Result<(), String> {
    match unsaid::of_prompt(record, place, most) {
        None => Ok(()),
        Some(what) => Err(format!(
            "{what}, which a prompt cannot say here: of messages the chat template gets roles and \
             texts alone; leave the row out, or put into texts what is to be asked"
        )),
    }
}

/// What is to be learned of a completion, unless it is no text.
fn learnable(
    record: &Record<'_>,
    place: &Pointer,
    completion: Option<String>,
) -> Result<String, String> {
    let completion = completion.ok_or_else(|| NONE.to_owned())?;
    match unsaid::of_answer(record, place) {
        None => Ok(completion),
        Some(what) => Err(format!(
            "the last message has {what}, and only texts are learned here"
        )),
    }
}

/// The text of a message; thinking that stands apart is put before it in tags.
fn said(message: Message) -> String {
    match message.reasoning {
        Some(reasoning) => format!("<think>\n{reasoning}\n</think>\n\n{}", message.content),
        None => message.content,
    }
}

fn pointer(text: &str) -> Result<Pointer, TaskError> {
    Pointer::parse(text).map_err(|_| TaskError::Pointer {
        text: text.to_owned(),
    })
}
