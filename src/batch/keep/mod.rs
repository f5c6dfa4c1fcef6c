//! Rejection sampling over scored rows: which rollouts are worth learning from.
//!
//! Rows are read twice. The first reading keeps a few numbers of each row, from
//! which the rows to keep are chosen, prompt by prompt; the second writes them,
//! in the order of the input. So memory does not grow with the length of texts,
//! and the rollouts of a prompt may stand anywhere. Of preference pairs, one row's
//! text is held until the other one has been met.
//!
//! Source: DeepSeek-R1, arXiv 2501.12948, section 2.3.3.

mod choose;
mod write;

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::ControlFlow;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use self::choose::{Candidate, Pair};
use super::input::{InputError, Inputs};
use super::lines::each_line;
use crate::rollout::{FieldMap, Pointer, Record, Rollout, prompt_group};

/// Which rows are kept, and how they are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeepOptions {
    /// Least reward.
    pub min_reward: Option<f64>,
    /// Terms whose verdict must be `correct`.
    pub correct: Vec<String>,
    /// Terms whose number before the weight must be at least this, such as the share
    /// of a text that is in the wanted language.
    pub at_least: Vec<(String, f64)>,
    /// Only rollouts whose `finish_reason` is not `length`.
    pub finished: bool,
    /// Least and most `n_tokens`; a row without that number is then left out.
    pub tokens: (Option<u64>, Option<u64>),
    /// Writes preference pairs, in place of demonstrations: a row that may be kept
    /// and a row of the same prompt that earned less by at least this much, and that
    /// is not kept for its reward. `finished` and `tokens` hold for both.
    pub pairs: Option<f64>,
    /// Most rows, or pairs, of a prompt.
    pub per_prompt: Option<usize>,
    /// Which ones where there are more.
    pub choice: Choice,
    /// Leaves out what has been kept for the same prompt, letter by letter.
    pub deduplicate: bool,
    /// How a kept row is written.
    pub shape: Shape,
    /// Longest line in bytes.
    pub max_line_bytes: usize,
    /// Where the rollouts have their fields: those that were judged.
    pub fields: FieldMap,
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
    /// Rows kept, or pairs made.
    pub kept: u64,
    /// Prompts with a kept row or a pair.
    pub prompts: u64,
    /// Lines that are no scored rollouts, and the first of them, with its fault.
    pub unusable: u64,
    /// What is wrong with the first unusable line.
    pub first_unusable: Option<String>,
    /// Rows without a reward.
    pub unscored: u64,
    /// Rows that earned too little.
    pub below_reward: u64,
    /// Rows that a named term did not find correct, or gave too low a number.
    pub incorrect: u64,
    /// Rows that were cut off.
    pub unfinished: u64,
    /// Rows that are too short, too long, or of unknown length.
    pub wrong_length: u64,
    /// Rows that repeat a kept one.
    pub duplicates: u64,
    /// Good rows of a prompt that had enough.
    pub surplus: u64,
    /// Good rows that no worse row of the same prompt was left for.
    pub unpaired: u64,
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
    let written = match options.pairs {
        None => {
            let chosen = choose::rows(candidates, options, &mut kept);
            write_rows(rows, &chosen, options, out)?
        }
        Some(margin) => {
            let pairs = choose::pairs(candidates, margin, options, &mut kept);
            write_pairs(rows, &pairs, options, out)?
        }
    };
    written
        .and_then(|()| out.flush())
        .map_err(KeepError::Output)?;
    Ok(kept)
}

/// The second reading, for demonstrations.
fn write_rows(
    rows: &Inputs,
    chosen: &HashMap<u64, f64>,
    options: &KeepOptions,
    out: &mut impl Write,
) -> Result<io::Result<()>, InputError> {
    let mut written = Ok(());
    each_row(rows, options, |row, read| {
        if let (Some(reward), Ok((rollout, _))) = (chosen.get(&row), read) {
            written = write::demonstration(out, &rollout, *reward, options.shape);
        }
        go_on(&written)
    })?;
    Ok(written)
}

/// The second reading, for pairs: each is written when its second row is met.
fn write_pairs(
    rows: &Inputs,
    pairs: &[Pair],
    options: &KeepOptions,
    out: &mut impl Write,
) -> Result<io::Result<()>, InputError> {
    let mut places: HashMap<u64, usize> = HashMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        places.insert(pair.chosen, index);
        places.insert(pair.rejected, index);
    }
    let mut held: HashMap<usize, Rollout> = HashMap::new();
    let mut written = Ok(());
    each_row(rows, options, |row, read| {
        if let (Some(&index), Ok((rollout, _))) = (places.get(&row), read) {
            let Pair {
                chosen,
                rewards: [better, worse],
                ..
            } = pairs[index];
            match held.remove(&index) {
                None => drop(held.insert(index, rollout)),
                Some(other) => {
                    let (chosen, rejected) = match row == chosen {
                        true => (rollout, other),
                        false => (other, rollout),
                    };
                    let (chosen, rejected) = ((chosen, better), (rejected, worse));
                    written = write::preference(out, &chosen, &rejected, options.shape);
                }
            }
        }
        go_on(&written)
    })?;
    Ok(written)
}

fn go_on(written: &io::Result<()>) -> ControlFlow<()> {
    match written {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// Every row as a rollout and its score, or what is wrong with it.
fn each_row(
    inputs: &Inputs,
    options: &KeepOptions,
    mut visit: impl FnMut(u64, Result<(Rollout, Judgement), String>) -> ControlFlow<()>,
) -> Result<(), InputError> {
    let fields = FieldMap {
        columns: ["reward", "status", "terms"].map(Pointer::field).to_vec(),
        ..options.fields.clone()
    };
    each_line(inputs, options.max_line_bytes, |line| {
        let place = format!("{}, line {}", line.file, line.line);
        let read = || -> Result<(Rollout, Judgement), String> {
            let text = line.text.map_err(|error| error.message)?;
            let record = Record::parse(text).map_err(|error| error.to_string())?;
            let rollout = record.rollout(&fields, &line.line.to_string());
            let mut rollout = rollout.map_err(|error| error.to_string())?;
            let judgement = Judgement::of(&rollout.extra, None, options);
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
            Some(Judgement::of(&map, id, options))
        });
        judgements.push(score);
        ControlFlow::Continue(())
    })?;
    Ok(judgements)
}

impl Judgement {
    fn of(score: &Map<String, Value>, id: Option<String>, options: &KeepOptions) -> Self {
        let is_ok = score.get("status").and_then(Value::as_str) == Some("ok");
        let reward = score.get("reward").and_then(Value::as_f64);
        let terms = score.get("terms");
        let verdict = |name: &String| terms?.get(name)?.get("verdict")?.as_str();
        let raw = |name: &String| terms?.get(name)?.get("raw")?.as_f64();
        let mut correct = options.correct.iter();
        let mut at_least = options.at_least.iter();
        Self {
            id,
            // `abstain` and `error` have no reward; a number beside them is none of ours.
            reward: reward.filter(|_| is_ok),
            is_correct: correct.all(|name| verdict(name) == Some("correct"))
                && at_least.all(|(name, least)| raw(name).is_some_and(|raw| raw >= *least)),
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
    let is_below = options.min_reward.is_some_and(|least| reward < least);
    let is_good = !is_below && judgement.is_correct;
    if !is_good {
        let reason = match is_below {
            true => &mut kept.below_reward,
            false => &mut kept.incorrect,
        };
        *reason += 1;
        // What is worse can still be the worse one of a pair.
        options.pairs?;
    }
    if options.finished && rollout.finish_reason.as_deref() == Some("length") {
        kept.unfinished += u64::from(is_good);
        return None;
    }
    let (least, most) = options.tokens;
    let fits = |tokens: u64| {
        least.is_none_or(|least| tokens >= least) && most.is_none_or(|most| tokens <= most)
    };
    if options.tokens != (None, None) && !rollout.n_tokens.is_some_and(fits) {
        kept.wrong_length += u64::from(is_good);
        return None;
    }
    let text = write::completion_text(&rollout.completion);
    Some(Candidate {
        row,
        prompt: match options.pairs {
            None => digest(rollout.group.as_bytes()),
            // A group may have a prompt in two wordings; a pair has one.
            Some(_) => {
                let prompt = prompt_group(&rollout.prompt);
                digest(format!("{}\0{prompt}", rollout.group).as_bytes())
            }
        },
        text: digest(text.as_bytes()),
        reward,
        length: rollout.n_tokens.unwrap_or(text.len() as u64),
        is_good,
    })
}

/// 128 bits of SHA-256: no two texts of any file share them.
fn digest(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    let head: [u8; 16] = digest[..16].try_into().expect("a digest has 32 bytes");
    u128::from_le_bytes(head)
}
