//! `goldstone math`: an answer and a reference in, the verdict out.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::terminal::{BAD, DOUBT, GOOD, Safe, Styled};
use super::{Exit, Outcome, bad_input};
use crate::batch::{BatchOptions, Input, InputLine, Inputs, each_line};
use crate::math::{Gold, MathOptions, Scope, verify};
use crate::verdict::{self, Detail, Verdict};

/// Compare one answer with a reference, or a file of them.
///
/// Shows both in canonical form, the verdict and the rule that decided. The exit
/// code is 0 whatever the verdict, and 2 where the reference is unusable.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone math '\\frac{1}{2}' --gold 0.5
  goldstone math 'So it is \\boxed{12}.' --gold 12 --response
  goldstone math --batch pairs.jsonl > verdicts.jsonl

Lines of --batch: {\"id\": …, \"gold\": \"0.5\", \"pred\": \"1/2\"}")]
pub(super) struct Math {
    /// The answer
    #[arg(
        value_name = "ANSWER",
        required_unless_present = "batch",
        allow_hyphen_values = true
    )]
    answer: Option<String>,
    /// The reference
    #[arg(
        long,
        value_name = "GOLD",
        required_unless_present = "batch",
        allow_hyphen_values = true
    )]
    gold: Option<String>,
    /// ANSWER is a whole response, in which the answer is to be found
    #[arg(long)]
    response: bool,
    /// Compare the pairs in a file of JSON lines; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["answer", "gold"])]
    batch: Option<PathBuf>,
}

/// A line of `--batch`.
#[derive(Deserialize)]
struct Pair {
    #[serde(default)]
    id: Value,
    gold: String,
    pred: String,
}

/// A line of the answer to `--batch`.
#[derive(Serialize)]
struct Row<'r> {
    id: Value,
    verdict: Option<&'static str>,
    rule: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gold: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'r Detail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Math {
    pub(super) fn run(self) -> Outcome {
        let scope = match self.response {
            true => Scope::Response,
            false => Scope::Answer,
        };
        if let Some(file) = self.batch {
            return pairs(&file, scope);
        }
        let (Some(answer), Some(reference)) = (self.answer, self.gold) else {
            return Err(bad_input(anyhow!("an answer and `--gold` are needed")));
        };
        let options = MathOptions::default();
        let gold = Gold::compile(&reference, &options).map_err(bad_input)?;
        let verdict = verify(&gold, &answer, scope, &options);
        let mut out = anstream::stdout().lock();
        report(&mut out, &gold, &verdict)?;
        Ok(Exit::Done)
    }
}

fn report(out: &mut impl Write, gold: &Gold, verdict: &Verdict) -> io::Result<()> {
    let style = match verdict.outcome {
        verdict::Outcome::Correct => GOOD,
        verdict::Outcome::Wrong | verdict::Outcome::NoAnswer => BAD,
        verdict::Outcome::Unknown => DOUBT,
    };
    writeln!(out, "verdict  {}", Styled(style, verdict.outcome.name()))?;
    if let Some(rule) = verdict.reason {
        writeln!(out, "rule     {rule}")?;
    }
    writeln!(out, "gold     {}", Safe(&gold.canonical()))?;
    for (name, value) in verdict.detail.iter() {
        let shown = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        writeln!(out, "{name:<7}  {}", Safe(&shown))?;
    }
    Ok(())
}

/// Compares the pairs of a file; a line that is none has an error in its row.
fn pairs(file: &PathBuf, scope: Scope) -> Outcome {
    let inputs = Inputs::check(vec![Input::named(file)]).map_err(bad_input)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    let mut exit = Exit::Done;
    let limit = BatchOptions::default().max_line_bytes;
    let read = each_line(&inputs, limit, |line| {
        written = pair(&line, scope, &mut out, &mut exit);
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    written?;
    out.flush()?;
    read.map_err(bad_input)?;
    Ok(exit)
}

fn pair(
    line: &InputLine<'_>,
    scope: Scope,
    out: &mut impl Write,
    exit: &mut Exit,
) -> io::Result<()> {
    let options = MathOptions::default();
    let unusable = |id, error| Row {
        id,
        verdict: None,
        rule: None,
        gold: None,
        detail: None,
        error,
    };
    let parsed = match &line.text {
        Ok(text) => serde_json::from_slice::<Pair>(text).map_err(|error| {
            let message = error.to_string();
            // The line is named by the row; serde_json would always say 1.
            message
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned()
        }),
        Err(error) => Err(error.message.clone()),
    };
    let judged = parsed.map(|pair| match Gold::compile(&pair.gold, &options) {
        Err(error) => Err((pair.id, error.to_string())),
        Ok(gold) => {
            let verdict = verify(&gold, &pair.pred, scope, &options);
            Ok((pair.id, gold.canonical(), verdict))
        }
    });
    let row = match &judged {
        Ok(Ok((id, gold, verdict))) => Row {
            id: id.clone(),
            verdict: Some(verdict.outcome.name()),
            rule: verdict.reason,
            gold: Some(gold.clone()),
            detail: Some(&verdict.detail),
            error: None,
        },
        Ok(Err((id, error))) => unusable(id.clone(), Some(error.clone())),
        Err(error) => unusable(Value::Null, Some(format!("line {}: {error}", line.line))),
    };
    if row.error.is_some() {
        *exit = Exit::SomeUnusable;
    }
    serde_json::to_writer(&mut *out, &row)?;
    out.write_all(b"\n")
}
