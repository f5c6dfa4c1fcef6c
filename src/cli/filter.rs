//! `goldstone filter`: scored rows in, demonstrations out.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};

use super::container::{called, is_standard, rows_in, unwritable};
use super::inputs::{none_is, read_twice, unfinished};
use super::summary::{counted, rows};
use super::terminal::{DOUBT, STRONG, Safe, Styled};
use super::whole::WholeFile;
use super::{Exit, Failure, Outcome, bad_input, warn};
use crate::batch::{
    Choice, Container, Inputs, KeepError, KeepOptions, Kept, Manifest, RowKind, Sample, Selection,
    Shape, keep,
};
use crate::load::LoadError;
use crate::reward::Scorer;
use crate::rollout::FieldMap;
use crate::rollout::schema::SchemaChoice;

/// Keep the good ones of scored rollouts, as demonstrations for SFT or pairs for DPO.
///
/// Reads what `goldstone score` has written. A row without a reward is never
/// kept. Rows are written in the order of the input, in what the output's name says
/// (`.jsonl`, `.jsonl.gz`, `.jsonl.zst`, `.parquet`), with `messages` (or, of plain
/// prompts, `prompt` and `completion`), `id`, `group` and `reward`; pairs have
/// `prompt`, `chosen` and `rejected`, as TRL reads them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone filter scored.jsonl --min-reward 1 -n 2 -o sft.jsonl
  goldstone filter scored.jsonl --correct accuracy --finished -n 4 --random --seed 7 -o sft.jsonl
  goldstone filter scored.jsonl --correct accuracy --at-least language=0.9 --pairs -n 1 -o dpo.parquet
  goldstone filter scores.jsonl --rollouts rollouts.jsonl --min-reward 1 -o sft.jsonl")]
pub(super) struct Filter {
    /// Files that `goldstone score` has written
    #[arg(required = true, value_name = "SCORED")]
    scored: Vec<PathBuf>,
    /// Write to this file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The rollouts, where SCORED has scores alone (`--columns scores`), in the same order
    #[arg(long, value_name = "FILE")]
    rollouts: Vec<PathBuf>,
    /// Keep rows with at least this reward
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = finite)]
    min_reward: Option<f64>,
    /// Keep rows that this reward of the spec found correct (may be repeated)
    #[arg(long, value_name = "TERM")]
    correct: Vec<String>,
    /// Keep rows to which this reward gave at least X, before its weight (may be repeated)
    #[arg(long, value_name = "TERM=X", value_parser = term_and_number)]
    at_least: Vec<(String, f64)>,
    /// Write preference pairs (DPO): a row to keep, and a worse one of the same prompt
    #[arg(long)]
    pairs: bool,
    /// Least difference of the rewards of a pair
    #[arg(long, value_name = "R", default_value_t = 0.0, requires = "pairs")]
    margin: f64,
    /// Keep rows that ended by themselves: `finish_reason` is not `length`
    #[arg(long)]
    finished: bool,
    /// Keep rows of at least N tokens, by `n_tokens`
    #[arg(long, value_name = "N")]
    min_tokens: Option<u64>,
    /// Keep rows of at most N tokens, by `n_tokens`
    #[arg(long, value_name = "N")]
    max_tokens: Option<u64>,
    /// Keep at most N rows of a prompt: the best ones, the shorter of equal ones
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    per_prompt: Option<u32>,
    /// With `-n`, keep any of the good rows rather than the best
    #[arg(long, requires = "per_prompt")]
    random: bool,
    /// What `--random` draws by
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Keep rows that repeat a kept completion of the same prompt, too
    #[arg(long)]
    keep_duplicates: bool,
    /// How a row is written
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
    /// Replace the output file, whatever it is
    #[arg(long)]
    overwrite: bool,
    /// Longest line in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65536))]
    max_line_mb: u32,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// As its prompt is: `messages` of a conversation, a pair of a plain text
    Auto,
    /// A conversation: `messages`
    Messages,
    /// `prompt` and `completion`, as they were
    Pair,
}

/// How the run that scored a file had read its rollouts.
#[derive(Default)]
struct Judged {
    fields: FieldMap,
    schema: Option<SchemaChoice>,
    selection: Selection,
    limit: Option<u64>,
}

impl Filter {
    pub(super) fn run(self) -> Outcome {
        let scored = read_twice(&self.scored)?;
        let rollouts = match self.rollouts.as_slice() {
            [] => None,
            files => Some(read_twice(files)?),
        };
        if !(self.margin >= 0.0 && self.margin.is_finite()) {
            return Err(bad_input(anyhow!("`--margin` must be a number from 0 on")));
        }
        let options = self.options(self.judged()?);
        warn(&unfinished(&self.scored));
        let output = &self.output;
        for inputs in [Some(&scored), rollouts.as_ref()].into_iter().flatten() {
            none_is(output, inputs)?;
        }
        let inputs = (&scored, rollouts.as_ref());
        let kept = match is_standard(output) {
            true => self.write(inputs, &options, io::stdout().lock(), |_| Ok(())),
            false => {
                let out = WholeFile::create(output, self.overwrite)?;
                self.write(inputs, &options, out, WholeFile::finish)
            }
        }?;
        if !self.quiet {
            self.summarise(&kept)?;
        }
        Ok(match kept.unusable {
            0 => Exit::Done,
            _ => Exit::SomeUnusable,
        })
    }

    /// Writes what is kept of scored rows and their rollouts.
    fn write<W: Write>(
        &self,
        (scored, rollouts): (&Inputs, Option<&Inputs>),
        options: &KeepOptions,
        out: W,
        finish: impl FnOnce(W) -> io::Result<()>,
    ) -> Result<Kept, Failure> {
        let output = called(&self.output);
        let container = Container::of(&self.output);
        let mut out = rows_in(container, RowKind::Examples, output, out)?;
        let kept = keep(scored, rollouts, options, &mut out);
        let kept = kept.map_err(|error| match error {
            KeepError::Output(error) => unwritable(error, output),
            error => bad_input(error),
        })?;
        let whole = out.finish().and_then(finish);
        whole.map_err(|error| unwritable(error, output))?;
        Ok(kept)
    }

    /// What was judged, by the manifests beside the scored files.
    fn judged(&self) -> Result<Judged, Failure> {
        let mut known: Option<(Judged, &Path)> = None;
        for file in &self.scored {
            let name = file.display();
            let manifest = Manifest::load(file)
                .with_context(|| format!("cannot use the manifest of `{name}`"))
                .map_err(Failure::Input)?;
            let judged = match manifest {
                // Nobody knows what decided; what rows are chosen by comes below.
                None => Judged {
                    fields: FieldMap {
                        deciding: Some(BTreeSet::new()),
                        ..FieldMap::default()
                    },
                    ..Judged::default()
                },
                Some(manifest) => {
                    let scorer = manifest.scorer();
                    let scorer = scorer.map_err(|error| Failure::Spec(LoadError::Spec(error)))?;
                    self.check_names(&scorer, &name)?;
                    let options = manifest.options;
                    Judged {
                        fields: scorer.fields().clone(),
                        schema: (!self.rollouts.is_empty()).then_some(options.schema),
                        selection: options.selection,
                        limit: options.limit,
                    }
                }
            };
            if !self.rollouts.is_empty() {
                self.check_part(&judged, &name)?;
            }
            match &known {
                Some((others, other)) if !others.fields.has_places_of(&judged.fields) => {
                    return Err(bad_input(anyhow!(
                        "`{}` and `{name}` were scored by specs that take the rollouts from \
                         different fields; filter them apart",
                        other.display()
                    )));
                }
                Some((others, other)) if others.schema != judged.schema => {
                    return Err(bad_input(anyhow!(
                        "`{}` and `{name}` were scored with different `--schema`; filter them \
                         apart",
                        other.display()
                    )));
                }
                Some((others, _)) => {
                    let mut judged = judged;
                    judged.fields.join(&others.fields);
                    known = Some((judged, file));
                }
                None => known = Some((judged, file)),
            }
        }
        let mut judged = known.map(|(judged, _)| judged).unwrap_or_default();
        if self.rollouts.is_empty() {
            // A scored row has its names where `score` has put them.
            judged.fields.id = FieldMap::default().id;
            judged.fields.group = FieldMap::default().group;
        }
        // What rows are chosen by may not be of a wrong type.
        if self.finished {
            judged.fields.decide_by("finish_reason");
        }
        if self.min_tokens.is_some() || self.max_tokens.is_some() {
            judged.fields.decide_by("n_tokens");
        }
        Ok(judged)
    }

    /// Refuses scores of a part of the rollouts that cannot be found again.
    fn check_part(&self, judged: &Judged, file: &impl Display) -> Result<(), Failure> {
        let is_drawn = matches!(judged.selection.sample, Some(Sample::Rows(_)));
        let is_part = !judged.selection.to_string().is_empty() || judged.limit.is_some();
        match is_drawn || is_part && self.scored.len() > 1 {
            false => Ok(()),
            true => Err(bad_input(anyhow!(
                "`{file}` has scores of a part of the rollouts alone, and which part is not \
                 found again; score with `--columns all`, and filter that"
            ))),
        }
    }

    /// Refuses rewards that no row of the file can have.
    fn check_names(&self, scorer: &Scorer, file: &impl Display) -> Result<(), Failure> {
        let numbers = self.at_least.iter().map(|(name, _)| name);
        let mut named = self.correct.iter().chain(numbers);
        let is_missing = |name: &&String| !scorer.rewards().iter().any(|known| **known == ***name);
        match named.find(is_missing) {
            None => Ok(()),
            Some(name) => Err(bad_input(anyhow!(
                "the spec of `{file}` has no reward `{name}`; it has: {}",
                scorer.rewards().join(", ")
            ))),
        }
    }

    fn options(&self, judged: Judged) -> KeepOptions {
        KeepOptions {
            min_reward: self.min_reward,
            correct: self.correct.clone(),
            at_least: self.at_least.clone(),
            pairs: self.pairs.then_some(self.margin),
            finished: self.finished,
            tokens: (self.min_tokens, self.max_tokens),
            per_prompt: self.per_prompt.map(|most| most as usize),
            choice: match self.random {
                true => Choice::Random(self.seed),
                false => Choice::Best,
            },
            deduplicate: !self.keep_duplicates,
            shape: match self.format {
                Format::Auto => Shape::AsPrompt,
                Format::Messages => Shape::Messages,
                Format::Pair => Shape::Pair,
            },
            max_line_bytes: (self.max_line_mb as usize) << 20,
            fields: judged.fields,
            schema: judged.schema.unwrap_or(SchemaChoice::Auto),
            selection: judged.selection,
            limit: judged.limit,
        }
    }

    fn summarise(&self, kept: &Kept) -> io::Result<()> {
        let mut out = anstream::stderr();
        let rows = rows(kept.rows);
        let what = match self.pairs {
            true if kept.kept == 1 => format!("pair of {rows}"),
            true => format!("pairs of {rows}"),
            false => format!("of {rows} kept"),
        };
        writeln!(
            out,
            "{} {what}, {}, in {}",
            Styled(STRONG, kept.kept),
            counted(kept.prompts, "prompt"),
            called(&self.output).display()
        )?;
        let reasons = [
            (kept.unusable, "are no scored rollouts"),
            (kept.unscored, "have no reward"),
            (kept.below_reward, "earned too little"),
            (
                kept.incorrect,
                "are not correct, or below what was asked of a reward",
            ),
            (kept.unfinished, "were cut off"),
            (
                kept.wrong_length,
                "are too short, too long or of unknown length",
            ),
            (kept.duplicates, "repeat a kept one"),
            (kept.surplus, "are more than wanted of their prompt"),
            (kept.promptless, "ask nothing: they have no prompt"),
            (
                kept.uncarried,
                "have calls of tools, several messages or parts that a plain text cannot hold",
            ),
            (
                kept.unpaired,
                "are good, but have no worse one of their prompt left",
            ),
        ];
        for (count, reason) in reasons.iter().filter(|(count, _)| *count > 0) {
            writeln!(out, "  {count:>8}  {reason}")?;
        }
        if let Some(first) = &kept.first_unusable {
            writeln!(out, "{}: {}", Styled(DOUBT, "first"), Safe(first))?;
        }
        if let Some(first) = &kept.first_error {
            let label = "first without a reward";
            writeln!(out, "{}: {}", Styled(DOUBT, label), Safe(first))?;
        }
        Ok(())
    }
}

/// A number that others can be compared with.
fn finite(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(number) if f64::is_finite(number) => Ok(number),
        _ => Err(format!("`{text}` is no number")),
    }
}

/// `TERM=X`
fn term_and_number(text: &str) -> Result<(String, f64), String> {
    let wanted = || format!("`{text}` is not `TERM=X`, such as `language=0.9`");
    let (term, number) = text.rsplit_once('=').ok_or_else(wanted)?;
    match number.trim().parse() {
        Ok(number) if f64::is_finite(number) && !term.trim().is_empty() => {
            Ok((term.trim().to_owned(), number))
        }
        _ => Err(wanted()),
    }
}
