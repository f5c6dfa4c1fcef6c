//! Rejection sampling over scored rows: which rollouts are worth learning from.
//!
//! Rows are read twice. The first reading keeps a few numbers of each row, from
//! which the rows to keep are chosen, prompt by prompt; the second writes them,
//! in the order of the input. So memory does not grow with the length of texts,
//! and the rollouts of a prompt may stand anywhere.
//!
//! Source: DeepSeek-R1, arXiv 2501.12948, section 2.3.3.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::ops::ControlFlow;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::input::{InputError, Inputs};
use super::lines::each_line;
use crate::rollout::{FieldMap, Message, Pointer, Record, Rollout, Text};

/// Which rows are kept, and how they are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeepOptions {
    /// Least reward.
    pub min_reward: Option<f64>,
    /// Terms whose verdict must be `correct`.
    pub correct: Vec<String>,
    /// Only rollouts whose `finish_reason` is not `length`.
    pub finished: bool,
    /// Least and most `n_tokens`; a row without that number is then left out.
    pub tokens: (Option<u64>, Option<u64>),
    /// Most rows of a prompt.
    pub per_prompt: Option<usize>,
    /// Which ones where there are more.
    pub choice: Choice,
    /// Leaves out what has been kept for the same prompt, letter by letter.
    pub deduplicate: bool,
    /// How a kept row is written.
    pub shape: Shape,
    /// Longest line in bytes.
    pub max_line_bytes: usize,
}

/// Which rows of a prompt are kept where there are more than wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The highest rewards; of equal ones the shorter, then the earlier.
    #[default]
    Best,
    /// Any, drawn by this seed.
    Random(u64),
}

/// How a kept row is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// As the row's prompt is: a conversation of chat messages, a pair of a plain
    /// text, which a model without chat template can learn as well.
    #[default]
    AsPrompt,
    /// `messages`: the prompt's, and the assistant's.
    Messages,
    /// `prompt` and `completion`, as they were.
    Pair,
}

/// What became of the rows; every row counts once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// Rows read.
    pub rows: u64,
    /// Rows kept.
    pub kept: u64,
    /// Prompts with a kept row.
    pub prompts: u64,
    /// Lines that are no scored rollouts, and the first of them, with its fault.
    pub unusable: u64,
    /// What is wrong with the first unusable line.
    pub first_unusable: Option<String>,
    /// Rows without a reward.
    pub unscored: u64,
    /// Rows that earned too little.
    pub below_reward: u64,
    /// Rows that a named term did not find correct.
    pub incorrect: u64,
    /// Rows that were cut off.
    pub unfinished: u64,
    /// Rows that are too short, too long, or of unknown length.
    pub wrong_length: u64,
    /// Rows that repeat a kept one.
    pub duplicates: u64,
    /// Good rows of a prompt that had enough.
    pub surplus: u64,
}

/// Why rows could not be filtered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// An input cannot be read on.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// The two files are not about the same rollouts.
    #[error(
        "row {row}: the scores are of `{score}`, the rollouts have `{rollout}`; both must be in the same order"
    )]
    Mismatch {
        /// Number of the row, 1-based.
        row: u64,
        /// The id among the scores.
        score: String,
        /// The id among the rollouts.
        rollout: String,
    },
}

/// What the first reading keeps of a row that may be kept.
struct Candidate {
    row: u64,
    prompt: u128,
    text: u128,
    reward: f64,
    length: u64,
}

/// A score's part of a row.
struct Judgement {
    id: Option<String>,
    reward: Option<f64>,
    is_correct: bool,
}

/// Writes the rows of `scored` that are worth learning from to `out`. Where
/// `scored` has scores alone, `rollouts` has their rollouts, in the same order.
///
/// # Errors
/// [`KeepError`] when a file cannot be read or written, or the two do not fit.
pub fn keep(
    scored: &Inputs,
    rollouts: Option<&Inputs>,
    options: &KeepOptions,
    out: &mut impl Write,
) -> Result<Kept, KeepError> {
    let judgements = match rollouts {
        Some(_) => Some(judgements(scored, options)?),
        None => None,
    };
    let rows = rollouts.unwrap_or(scored);
    let mut kept = Kept::default();
    let mut candidates = Vec::new();
    let mut fault = None;
    each_row(rows, options, |row, read| {
        kept.rows += 1;
        let (rollout, own) = match read {
            Ok(read) => read,
            Err(problem) => {
                kept.unusable += 1;
                kept.first_unusable.get_or_insert(problem);
                return ControlFlow::Continue(());
            }
        };
        let given = judgements.as_ref().map(|all| all.get(row as usize - 1));
        let judgement = match given {
            None => Some(&own),
            Some(given) => given.and_then(Option::as_ref),
        };
        if let Some(id) = judgement.and_then(|judgement| judgement.id.as_ref())
            && *id != rollout.id
        {
            fault = Some(KeepError::Mismatch {
                row,
                score: id.clone(),
                rollout: rollout.id,
            });
            return ControlFlow::Break(());
        }
        candidates.extend(candidate(row, &rollout, judgement, options, &mut kept));
        ControlFlow::Continue(())
    })?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let chosen = choose(candidates, options, &mut kept);
    let mut written = Ok(());
    each_row(rows, options, |row, read| {
        if let (true, Ok((rollout, _))) = (chosen.contains_key(&row), read) {
            written = write_row(out, &rollout, chosen[&row], options.shape);
        }
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })?;
    written
        .and_then(|()| out.flush())
        .map_err(KeepError::Output)?;
    Ok(kept)
}

/// Every row as a rollout and its score, or what is wrong with it.
fn each_row(
    inputs: &Inputs,
    options: &KeepOptions,
    mut visit: impl FnMut(u64, Result<(Rollout, Judgement), String>) -> ControlFlow<()>,
) -> Result<(), InputError> {
    let fields = FieldMap {
        columns: ["reward", "status", "terms"].map(Pointer::field).to_vec(),
        ..FieldMap::default()
    };
    each_line(inputs, options.max_line_bytes, |line| {
        let place = format!("{}, line {}", line.file, line.line);
        let read = || -> Result<(Rollout, Judgement), String> {
            let text = line.text.map_err(|error| error.message)?;
            let record = Record::parse(text).map_err(|error| error.to_string())?;
            let rollout = record.rollout(&fields, &line.line.to_string());
            let mut rollout = rollout.map_err(|error| error.to_string())?;
            let judgement = Judgement::of(&rollout.extra, None, &options.correct);
            rollout.extra.clear();
            Ok((rollout, judgement))
        };
        let row = line.row;
        visit(row, read().map_err(|problem| format!("{place}: {problem}")))
    })
}

/// The scores of a file without rollouts, row by row.
fn judgements(
    scored: &Inputs,
    options: &KeepOptions,
) -> Result<Vec<Option<Judgement>>, InputError> {
    let mut judgements = Vec::new();
    each_line(scored, options.max_line_bytes, |line| {
        let score = line.text.ok().and_then(|text| {
            let map: Map<String, Value> = serde_json::from_slice(text).ok()?;
            let id = map.get("id").and_then(Value::as_str).map(str::to_owned);
            Some(Judgement::of(&map, id, &options.correct))
        });
        judgements.push(score);
        ControlFlow::Continue(())
    })?;
    Ok(judgements)
}

impl Judgement {
    fn of(score: &Map<String, Value>, id: Option<String>, correct: &[String]) -> Self {
        let is_ok = score.get("status").and_then(Value::as_str) == Some("ok");
        let reward = score.get("reward").and_then(Value::as_f64);
        let terms = score.get("terms");
        let verdict = |name: &String| terms?.get(name)?.get("verdict")?.as_str();
        Self {
            id,
            // `abstain` and `error` have no reward; a number beside them is none of ours.
            reward: reward.filter(|_| is_ok),
            is_correct: correct.iter().all(|name| verdict(name) == Some("correct")),
        }
    }
}

/// The row's numbers if it may be kept; else it is counted under the reason.
fn candidate(
    row: u64,
    rollout: &Rollout,
    judgement: Option<&Judgement>,
    options: &KeepOptions,
    kept: &mut Kept,
) -> Option<Candidate> {
    let Some((reward, judgement)) = judgement.and_then(|given| Some((given.reward?, given))) else {
        kept.unscored += 1;
        return None;
    };
    if options.min_reward.is_some_and(|least| reward < least) {
        kept.below_reward += 1;
        return None;
    }
    if !judgement.is_correct {
        kept.incorrect += 1;
        return None;
    }
    if options.finished && rollout.finish_reason.as_deref() == Some("length") {
        kept.unfinished += 1;
        return None;
    }
    let (least, most) = options.tokens;
    let fits = |tokens: u64| {
        least.is_none_or(|least| tokens >= least) && most.is_none_or(|most| tokens <= most)
    };
    if options.tokens != (None, None) && !rollout.n_tokens.is_some_and(fits) {
        kept.wrong_length += 1;
        return None;
    }
    let text = completion_text(&rollout.completion);
    Some(Candidate {
        row,
        prompt: digest(rollout.group.as_bytes()),
        text: digest(text.as_bytes()),
        reward,
        length: rollout.n_tokens.unwrap_or(text.len() as u64),
    })
}

/// The rows that are kept, each with its reward.
fn choose(candidates: Vec<Candidate>, options: &KeepOptions, kept: &mut Kept) -> HashMap<u64, f64> {
    let mut prompts: HashMap<u128, Vec<Candidate>> = HashMap::new();
    for candidate in candidates {
        prompts.entry(candidate.prompt).or_default().push(candidate);
    }
    let mut chosen = HashMap::new();
    for mut group in prompts.into_values() {
        match options.choice {
            Choice::Best => group.sort_by(|a, b| {
                let best = b.reward.total_cmp(&a.reward);
                best.then(a.length.cmp(&b.length)).then(a.row.cmp(&b.row))
            }),
            Choice::Random(seed) => {
                group.sort_by_key(|candidate| {
                    digest(format!("{seed} {}", candidate.row).as_bytes())
                });
            }
        }
        if options.deduplicate {
            let mut seen = HashSet::new();
            let before = group.len();
            group.retain(|candidate| seen.insert(candidate.text));
            kept.duplicates += (before - group.len()) as u64;
        }
        let most = options.per_prompt.unwrap_or(usize::MAX);
        kept.surplus += group.len().saturating_sub(most) as u64;
        group.truncate(most);
        kept.kept += group.len() as u64;
        kept.prompts += u64::from(!group.is_empty());
        chosen.extend(
            group
                .iter()
                .map(|candidate| (candidate.row, candidate.reward)),
        );
    }
    chosen
}

fn write_row(out: &mut impl Write, rollout: &Rollout, reward: f64, shape: Shape) -> io::Result<()> {
    let is_talk = match shape {
        Shape::AsPrompt => matches!(rollout.prompt, Text::Chat(_)),
        Shape::Messages => true,
        Shape::Pair => false,
    };
    let mut row = match is_talk {
        true => json!({ "messages": messages(rollout) }),
        false => json!({
            "prompt": as_json(&rollout.prompt),
            "completion": completion_text(&rollout.completion),
        }),
    };
    row["id"] = json!(rollout.id);
    row["group"] = json!(rollout.group);
    row["reward"] = json!(reward);
    serde_json::to_writer(&mut *out, &row)?;
    out.write_all(b"\n")
}

/// The conversation: a plain prompt is the user's, and what the assistant had
/// begun in the prompt goes on in its answer.
fn messages(rollout: &Rollout) -> Vec<Value> {
    let mut asked = match &rollout.prompt {
        Text::Plain(text) => vec![message("user", text)],
        Text::Chat(messages) => messages
            .iter()
            .map(|asked| message(&asked.role, &asked.content))
            .collect(),
    };
    let mut answer = completion_text(&rollout.completion);
    if let Text::Chat(messages) = &rollout.prompt
        && let Some(begun) = messages.last().filter(|last| last.role == "assistant")
    {
        asked.pop();
        answer = format!("{}{answer}", begun.content);
    }
    asked.push(message("assistant", &answer));
    asked
}

fn message(role: &str, content: &str) -> Value {
    json!({ "role": role, "content": content })
}

fn as_json(text: &Text) -> Value {
    match text {
        Text::Plain(text) => json!(text),
        Text::Chat(messages) => messages
            .iter()
            .map(|asked| message(&asked.role, &asked.content))
            .collect(),
    }
}

/// The text of a completion; thinking that stands apart is put before it in tags.
fn completion_text(completion: &Text) -> String {
    let message = match completion {
        Text::Plain(text) => return text.clone(),
        Text::Chat(messages) => Text::answer_message(messages),
    };
    match message {
        Some(Message {
            reasoning: Some(reasoning),
            content,
            ..
        }) => format!("<think>\n{reasoning}\n</think>\n\n{content}"),
        Some(message) => message.content.clone(),
        None => String::new(),
    }
}

/// 128 bits of SHA-256: no two texts of any file share them.
fn digest(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    let head: [u8; 16] = digest[..16].try_into().expect("a digest has 32 bytes");
    u128::from_le_bytes(head)
}
