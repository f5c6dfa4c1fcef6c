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
mod options;
mod read;
mod write;

pub use self::options::{Choice, KeepOptions, Kept, Shape};

use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::ControlFlow;

use sha2::{Digest, Sha256};

use self::choose::{Candidate, Chosen, Pair};
use self::read::{Judgement, NO_SCORE, Row, Unread, each_rollout, each_scored, judgements};
use self::write::{Answer, Talk};
use super::input::{Input, InputError, Inputs};

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
    /// The two files have not the same number of rows.
    #[error(
        "there are scores of {scores} rows, and {rollouts} rollouts; both must be of the same run"
    )]
    Counts {
        /// Rows of the scores.
        scores: u64,
        /// Rows of the rollouts.
        rollouts: u64,
    },
    /// No row has a score.
    #[error("`{name}` has {}", NO_SCORE)]
    Unscored {
        /// The input as it was named.
        name: String,
    },
    /// What was chosen is not there any more.
    #[error("an input has changed while it was read: {lost} of the rows to keep are gone")]
    Changed {
        /// How many rows, or pairs.
        lost: u64,
    },
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
    let rows = Rows {
        scored,
        rollouts,
        options,
    };
    let mut kept = Kept::default();
    let mut candidates = Vec::new();
    let mut fault = None;
    let mut unscored_lines = 0;
    rows.each(|row, read| {
        kept.rows += 1;
        let given = judgements.as_ref().map(|all| all.get(row as usize - 1));
        let own = match &read {
            Ok(read) => read.judgement.as_ref(),
            Err(unread) => unread.judgement.as_ref(),
        };
        let judgement = match given {
            None => own,
            // What has no partner is told when both have been read.
            Some(given) => given.and_then(Option::as_ref),
        };
        if let Some(error) = judgement.and_then(|judgement| judgement.error.as_ref()) {
            let said = format!("row {row}: {error}");
            kept.first_error.get_or_insert(said);
        }
        let read = match &read {
            Ok(read) => read,
            Err(_) if judgement.is_some_and(|judgement| judgement.error.is_some()) => {
                kept.unscored += 1;
                return ControlFlow::Continue(());
            }
            Err(unread) => {
                kept.unusable += 1;
                kept.first_unusable
                    .get_or_insert_with(|| unread.problem.clone());
                return ControlFlow::Continue(());
            }
        };
        let Some(judgement) = judgement else {
            unscored_lines += 1;
            kept.unusable += 1;
            let problem = format!("row {row}: {NO_SCORE}");
            kept.first_unusable.get_or_insert(problem);
            return ControlFlow::Continue(());
        };
        if let Some(id) = &judgement.id
            && *id != read.rollout.id
        {
            fault = Some(KeepError::Mismatch {
                row,
                score: id.clone(),
                rollout: read.rollout.id.clone(),
            });
            return ControlFlow::Break(());
        }
        candidates.extend(candidate(row, read, judgement, options, &mut kept));
        ControlFlow::Continue(())
    })?;
    let scores = judgements.as_ref().map(|all| all.len() as u64);
    if let Some(fault) = fault {
        return Err(fault);
    }
    if let Some(scores) = scores.filter(|scores| *scores != kept.rows) {
        let rollouts = kept.rows;
        return Err(KeepError::Counts { scores, rollouts });
    }
    if unscored_lines > 0 && kept.unusable == kept.rows {
        let name = scored.list().first().map(Input::name);
        let name = name.unwrap_or_default();
        return Err(KeepError::Unscored { name });
    }
    let written = match options.pairs {
        None => {
            let chosen = choose::rows(candidates, options, &mut kept);
            rows.write(&chosen, out)?
        }
        Some(margin) => {
            let pairs = choose::pairs(candidates, margin, options, &mut kept);
            rows.write_pairs(&pairs, out)?
        }
    };
    let count = written.map_err(KeepError::Output)?;
    if count != kept.kept {
        return Err(KeepError::Changed {
            lost: kept.kept - count,
        });
    }
    out.flush().map_err(KeepError::Output)?;
    Ok(kept)
}

/// What is read twice.
struct Rows<'r> {
    scored: &'r Inputs,
    rollouts: Option<&'r Inputs>,
    options: &'r KeepOptions,
}

impl Rows<'_> {
    fn each(
        &self,
        visit: impl FnMut(u64, Result<Row, Unread>) -> ControlFlow<()>,
    ) -> Result<(), InputError> {
        match self.rollouts {
            None => each_scored(self.scored, self.options, visit),
            Some(rollouts) => each_rollout(rollouts, self.options, visit),
        }
    }

    /// The second reading, for demonstrations: how many were written. A row that is
    /// another one by now is not.
    fn write(
        &self,
        chosen: &HashMap<u64, Chosen>,
        out: &mut impl Write,
    ) -> Result<io::Result<u64>, InputError> {
        let mut written = Ok(0);
        self.each(|row, read| {
            if let (Some(chosen), Ok(read)) = (chosen.get(&row), read)
                && chosen.text == text_digest(&read.talk)
            {
                let Row { rollout, talk, .. } = &read;
                let (reward, shape) = (chosen.reward, self.options.shape);
                let one = write::demonstration(out, rollout, talk, reward, shape);
                count(&mut written, one);
            }
            go_on(&written)
        })?;
        Ok(written)
    }

    /// The second reading, for pairs: each is written when its second row is met.
    fn write_pairs(
        &self,
        pairs: &[Pair],
        out: &mut impl Write,
    ) -> Result<io::Result<u64>, InputError> {
        let mut places: HashMap<u64, usize> = HashMap::new();
        for (index, pair) in pairs.iter().enumerate() {
            places.insert(pair.chosen.row, index);
            places.insert(pair.rejected.row, index);
        }
        let mut held: HashMap<usize, Answer> = HashMap::new();
        let mut written = Ok(0);
        self.each(|row, read| {
            if let (Some(&index), Ok(Row { rollout, talk, .. })) = (places.get(&row), read) {
                let Pair { chosen, rejected } = &pairs[index];
                let is_chosen = row == chosen.row;
                let wanted = if is_chosen { chosen } else { rejected };
                if wanted.text != text_digest(&talk) {
                    return ControlFlow::Continue(());
                }
                let reward = wanted.reward;
                let answer = Answer {
                    rollout,
                    talk,
                    reward,
                };
                match held.remove(&index) {
                    None => drop(held.insert(index, answer)),
                    Some(other) => {
                        let (chosen, rejected) = match is_chosen {
                            true => (answer, other),
                            false => (other, answer),
                        };
                        let shape = self.options.shape;
                        let one = write::preference(out, &chosen, &rejected, shape);
                        count(&mut written, one);
                    }
                }
            }
            go_on(&written)
        })?;
        Ok(written)
    }
}

fn count(written: &mut io::Result<u64>, one: io::Result<()>) {
    match (&mut *written, one) {
        (Ok(count), Ok(())) => *count += 1,
        (_, Err(error)) => *written = Err(error),
        (Err(_), Ok(())) => {}
    }
}

fn go_on(written: &io::Result<u64>) -> ControlFlow<()> {
    match written {
        Ok(_) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// The row's numbers if it may be kept; else it is counted under the reason.
fn candidate(
    row: u64,
    read: &Row,
    judgement: &Judgement,
    options: &KeepOptions,
    kept: &mut Kept,
) -> Option<Candidate> {
    let Row { rollout, talk, .. } = read;
    let Some(reward) = judgement.reward else {
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
    if talk.asks_nothing() {
        kept.promptless += u64::from(is_good);
        return None;
    }
    if !talk.fits(options.shape, options.pairs.is_some()) {
        kept.uncarried += u64::from(is_good);
        return None;
    }
    let text = talk.answer_text();
    Some(Candidate {
        row,
        prompt: match options.pairs {
            None => digest(rollout.group.as_bytes()),
            // A group may have a prompt in two wordings; a pair has one.
            Some(_) => digest(format!("{}\0{}", rollout.group, talk.prompt_text()).as_bytes()),
        },
        text: digest(text.as_bytes()),
        reward,
        length: rollout.n_tokens.unwrap_or(text.len() as u64),
        is_good,
    })
}

fn text_digest(talk: &Talk) -> u128 {
    digest(talk.answer_text().as_bytes())
}

/// 128 bits of SHA-256: no two texts of any file share them.
fn digest(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    let head: [u8; 16] = digest[..16].try_into().expect("a digest has 32 bytes");
    u128::from_le_bytes(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_another_one_by_now_is_not_written() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("scored.jsonl");
        let row = r#"{"prompt": "6*7?", "completion": "42", "status": "ok", "reward": 1.0}"#;
        std::fs::write(&path, row).expect("a file");
        let scored = Inputs::check(vec![Input::named(&path)]).expect("it is there");
        let options = KeepOptions {
            max_line_bytes: 1000,
            ..KeepOptions::default()
        };
        let rows = Rows {
            scored: &scored,
            rollouts: None,
            options: &options,
        };
        let written = |text: &str| {
            let chosen = Chosen {
                row: 1,
                text: digest(text.as_bytes()),
                reward: 1.0,
            };
            let mut out = Vec::new();
            let written = rows.write(&HashMap::from([(1, chosen)]), &mut out);
            written.expect("it is read").expect("it is written")
        };
        assert_eq!(written("42"), 1);
        assert_eq!(written("41"), 0);
    }
}
