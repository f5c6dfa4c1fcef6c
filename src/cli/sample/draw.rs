//! Problems and a policy in, rows of rollouts out.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use serde_json::{Value, json};

use super::progress::Progress;
use crate::cli::container::unwritable;
use crate::cli::train::fault;
use crate::cli::{Failure, bad_input};
use crate::rollout::{Reference, Text};
use crate::train::policy::Policy;
use crate::train::recipe::Words;
use crate::train::sample::{Completion, Prompt, SampleOptions, sample};
use crate::train::stage::{Problem, Problems, encode_prompt};
use crate::train::task::Asked;

/// Completions that are drawn before the next rows are written.
const ROWS: usize = 256;

/// How far drawing came.
pub(super) enum Drawn {
    All,
    /// It was asked to stop before.
    Some,
}

/// What draws rollouts.
pub(super) struct Drawing<'d> {
    pub(super) policy: &'d Policy,
    pub(super) words: &'d Words,
    pub(super) problems: &'d Asked,
    /// The recipe's task of a file; prompts without a recipe are of none.
    pub(super) task: Option<&'d str>,
    pub(super) options: &'d SampleOptions,
    pub(super) samples: usize,
    pub(super) logprobs: bool,
    pub(super) output: &'d Path,
    pub(super) stop: &'d AtomicBool,
}

impl Drawing<'_> {
    /// Draws and writes, so many rows at a time; a row's draws depend on its number
    /// alone. Problems stay whole where several fit.
    pub(super) fn draw(
        &self,
        count: u64,
        out: &mut impl Write,
        progress: &mut Progress,
    ) -> Result<Drawn, Failure> {
        let at_once = match self.samples {
            samples if samples < ROWS => ROWS / samples * samples,
            _ => ROWS,
        };
        let total = count.saturating_mul(self.samples as u64);
        let mut first = 0;
        while first < total {
            if self.stop.load(Ordering::SeqCst) {
                return Ok(Drawn::Some);
            }
            let end = first.saturating_add(at_once as u64).min(total);
            self.answer(first..end, out, progress)?;
            first = end;
        }
        Ok(Drawn::All)
    }

    fn answer(
        &self,
        rows: Range<u64>,
        out: &mut impl Write,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let samples = self.samples as u64;
        let first = rows.start / samples;
        let mut problems: Vec<Problem> = Vec::new();
        let mut prompts: Vec<Vec<u32>> = Vec::new();
        for index in first..rows.end.div_ceil(samples) {
            let problem = self.problems.problem(index);
            let problem = problem.map_err(|problem| bad_input(anyhow!(problem)))?;
            let tokens = encode_prompt(&problem, self.task, self.policy, self.words);
            let tokens = tokens.map_err(fault)?;
            problems.push(problem);
            prompts.push(tokens);
        }
        let of = |row: u64| (row / samples - first) as usize;
        let asked: Vec<Prompt<'_>> = rows
            .clone()
            .map(|row| Prompt {
                row,
                tokens: &prompts[of(row)],
            })
            .collect();
        let mut completions: BTreeMap<usize, Completion> = BTreeMap::new();
        let drawn = sample(
            self.policy,
            self.words,
            &asked,
            self.options,
            |index, completion| {
                progress.add(completion.tokens.len() as u64);
                completions.insert(index, completion);
                Ok(())
            },
        );
        drawn.map_err(fault)?;
        for (index, completion) in completions {
            let row = rows.start + index as u64;
            let rollout = self.rollout(&problems[of(row)], row % samples, &completion);
            let written = serde_json::to_writer(&mut *out, &rollout).map_err(io::Error::from);
            let written = written.and_then(|()| out.write_all(b"\n"));
            written.map_err(|error| unwritable(error, self.output))?;
        }
        Ok(())
    }

    /// A rollout as `goldstone score` reads it.
    fn rollout(&self, problem: &Problem, sample: u64, completion: &Completion) -> Value {
        let asked = &problem.rollout;
        let mut row = json!({
            "id": format!("{}/{sample}", asked.id),
            // The prompt's: two problems may have one id, and one prompt two.
            "group": asked.group,
            "sample_index": sample,
            "prompt": text(&asked.prompt),
            "completion": completion.text,
            "n_tokens": completion.tokens.len(),
            "finish_reason": completion.finish.name(),
        });
        let reference = asked.reference.as_ref().map(|reference| match reference {
            Reference::One(text) => json!(text),
            Reference::AnyOf(texts) => json!(texts),
            Reference::Json(value) => value.clone(),
        });
        let extra = (!asked.extra.is_empty()).then(|| json!(asked.extra));
        let optional = [
            ("reference", reference),
            ("task", asked.task.as_ref().map(|task| json!(task))),
            (
                "data_source",
                asked.data_source.as_ref().map(|name| json!(name)),
            ),
            ("language", asked.language.as_ref().map(|name| json!(name))),
            ("tests", asked.tests.clone()),
            ("extra", extra),
            ("logprobs", self.logprobs.then(|| json!(completion.logps))),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                row[key] = value;
            }
        }
        row
    }
}

fn text(text: &Text) -> Value {
    match text {
        Text::Plain(text) => json!(text),
        Text::Chat(messages) => messages
            .iter()
            .map(|message| json!({ "role": message.role, "content": message.content }))
            .collect(),
    }
}
