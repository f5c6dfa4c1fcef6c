//! `goldstone score`: rollouts in, one scored line each out.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};

use super::container::{FormatOption, is_standard, unwritable};
use super::inputs::{self, SchemaOption};
use super::progress::{Show, watch};
use super::report::{self, ReportFiles};
use super::{Exit, Failure, Outcome, bad_input, load_scorer, summary, verify};
use crate::batch::report::{About, Survey};
use crate::batch::{
    self, Batch, BatchError, BatchOptions, Condition, Control, Ended, Existing, Input, InputError,
    Inputs, Manifest, OutputFile, Report, ResumeError, Sample, Selection, Shard,
};
use crate::engine;
use crate::reward::Scorer;

/// Score rollouts: one line in, one line out, in order.
///
/// Rollouts are JSON lines, plain or compressed with gzip or zstd, or Parquet; those
/// that TRL, verl, verifiers, prime-rl, open-r1, open-instruct, SkyRL and lm-eval
/// write are known by their fields. The output is what its name says. An output row
/// has the input's columns and `id`, `group`, `reward`, `status`, `terms` and, for an
/// unusable row, `error`. A row with several completions becomes as many.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone score rollouts.jsonl --spec r1-zero -o scored.jsonl
  goldstone score part-*.parquet --spec my-spec.toml -o scored.jsonl.zst --resume
  goldstone score rollouts.jsonl --spec math -o scored.jsonl --report report.html
  goldstone score samples_gsm8k.jsonl --spec gsm8k --where filter=strict-match -o scored.jsonl
  goldstone score 'part-*.jsonl' --spec r1-zero --shard $SLURM_ARRAY_TASK_ID/8 -o scored-$SLURM_ARRAY_TASK_ID.jsonl
  goldstone score --verify scored.jsonl
  zcat rollouts.gz | goldstone score - --spec math --columns scores > scores.jsonl")]
pub(super) struct Score {
    /// Files of rollouts, or patterns of them; `-` is standard input
    #[arg(required_unless_present = "verify", value_name = "ROLLOUTS")]
    rollouts: Vec<PathBuf>,
    #[command(flatten)]
    schema: SchemaOption,
    /// A shipped spec (see `goldstone check --list`) or a TOML file
    #[arg(long, value_name = "NAME|FILE", required_unless_present = "verify")]
    spec: Option<String>,
    /// Score once more what this file was made from, by the spec and options in its
    /// manifest, and compare
    #[arg(
        long,
        value_name = "SCORED",
        conflicts_with_all = ["rollouts", "spec", "output", "resume", "overwrite", "columns", "format",
            "conditions", "sample", "limit", "shard", "schema", "max_line_mb", "allow_errors"]
    )]
    verify: Option<PathBuf>,
    /// With --verify, let the manifest's spec ask judges and reward models
    #[arg(long, requires = "verify")]
    allow_remote: bool,
    /// Write to this file rather than to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on with an output that was cut short
    #[arg(long, requires = "output", conflicts_with = "overwrite")]
    resume: bool,
    /// Replace the output file, whatever it is
    #[arg(long, requires = "output")]
    overwrite: bool,
    /// Scoring threads, up to 1024; 0 is one per core. Results do not depend on it
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1024))]
    jobs: u16,
    /// Columns of an output row
    #[arg(long, value_enum, default_value_t = Columns::All)]
    columns: Columns,
    #[command(flatten)]
    format: FormatOption,
    /// Score rows of which this is true, of the fields that the file has: `task=math`,
    /// `/extra_info/split!=test`, `n_tokens>1000`, `prompt~triangle` (may be repeated)
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    conditions: Vec<Condition>,
    /// Score N rows of those, or P% of them, drawn by their place in the inputs
    #[arg(long, value_name = "N|P%")]
    sample: Option<Sample>,
    /// What `--sample` draws by
    #[arg(long, value_name = "N", default_value_t = 0, requires = "sample")]
    seed: u64,
    /// Score at most N rows of those
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Score every n-th row of those, from the i-th: shards 1/n to n/n are all rows
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Longest line in MiB; a longer one becomes an error row
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65536))]
    max_line_mb: u32,
    /// Exit with 0 though some rows are unusable
    #[arg(long)]
    allow_errors: bool,
    /// Write a report to this file, one page that needs no network, and its numbers beside
    /// it, as `.json`
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// No progress and no summary
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Columns {
    /// The input's columns, then the score
    All,
    /// The score only
    Scores,
}

impl Score {
    pub(super) fn run(mut self) -> Outcome {
        if self.output.take_if(|path| is_standard(path)).is_some() && self.resume {
            return Err(bad_input(anyhow!(
                "standard output cannot be gone on with; name a file to `--resume`"
            )));
        }
        if let Some(file) = &self.verify {
            return verify::run(file, self.allow_remote, self.jobs, self.quiet);
        }
        let scorer = load_scorer(self.spec.as_deref().unwrap_or_default(), self.jobs)?;
        let inputs = inputs::open(&self.rollouts)?;
        let options = BatchOptions {
            columns: match self.columns {
                Columns::All => batch::Columns::All,
                Columns::Scores => batch::Columns::Scores,
            },
            container: self.format.container(self.output.as_deref()),
            limit: self.limit,
            schema: self.schema.schema,
            selection: Selection {
                conditions: self.conditions.clone(),
                sample: self.sample,
                seed: self.seed,
                shard: self.shard,
            },
            max_line_bytes: (self.max_line_mb as usize) << 20,
            jobs: engine::threads(&scorer, self.jobs.into()),
            ..chunks(&scorer)
        };
        let report = self.report_files(&inputs)?;
        inputs::say_schemas(
            &inputs,
            options.schema,
            scorer.fields(),
            options.max_line_bytes,
        )?;
        let mut target = self.target(&scorer, &inputs, &options)?;
        let control = Arc::new(match &report {
            Some(_) => Control::surveyed(Survey::new(&scorer)),
            None => Control::default(),
        });
        let begin = Instant::now();
        stop_on_signals(&control)?;
        let batch = Batch {
            judge: &scorer,
            inputs: &inputs,
            options: &options,
            control: &control,
        };
        // A bar would mix with rows that go to the same terminal.
        let is_mixed = self.output.is_none() && io::stdout().is_terminal();
        let show = match self.quiet || is_mixed {
            true => Show::Nothing,
            false => Show::suited(),
        };
        let result = watch(show, &control, inputs.total_bytes(), || {
            match target.take() {
                Target::File(file) => batch.run_file(*file),
                Target::Stream(mut file) => batch.run(&mut file),
                Target::Stdout => batch.run(&mut io::stdout().lock()),
            }
        });
        // A report of what there is matters most where a run broke off.
        let about = || self.about(&scorer, &inputs, begin, result.as_ref().ok());
        let written = match (&report, control.take_survey()) {
            (Some(report), Some(survey)) if survey.findings().is_some() => {
                report.write(&survey, &about())
            }
            _ => Ok(()),
        };
        let concluded = self.conclude(&scorer, &inputs, result);
        if let (Some(report), Ok(()), false) = (&report, &written, self.quiet) {
            report.say(&mut anstream::stderr())?;
        }
        let exit = concluded?;
        written?;
        Ok(exit)
    }

    fn report_files(&self, inputs: &Inputs) -> Result<Option<ReportFiles>, Failure> {
        let Some(page) = &self.report else {
            return Ok(None);
        };
        let manifest = self.output.as_ref().map(|output| Manifest::path(output));
        let files = inputs.list().iter().filter_map(|input| match input {
            Input::File(path) => Some(path),
            Input::Stdin => None,
        });
        let taken = files.chain(&self.output).chain(&manifest);
        let taken: Vec<&Path> = taken.map(PathBuf::as_path).collect();
        ReportFiles::check(page, &taken).map(Some)
    }

    /// What the report says of the run.
    fn about(
        &self,
        scorer: &Scorer,
        inputs: &Inputs,
        begin: Instant,
        ended: Option<&Report>,
    ) -> About {
        let rows = |report: &Report| summary::rows(report.summary.rows);
        let note = match ended {
            Some(report) if report.ended == Ended::Complete => None,
            Some(report) => Some(format!("The run was stopped after {}.", rows(report))),
            None => Some("The run broke off: not all rows are here.".to_owned()),
        };
        let is_part = self.limit.is_some()
            || self.sample.is_some()
            || self.shard.is_some()
            || !self.conditions.is_empty();
        let part = is_part.then(|| {
            "These are not all rows: `--where`, `--sample`, `--limit` or `--shard` chose them."
                .to_owned()
        });
        About {
            output: self.output.as_ref().map(|path| path.display().to_string()),
            notes: note.into_iter().chain(part).collect(),
            elapsed: Some(begin.elapsed().as_secs_f64()),
            resumed_rows: ended.map_or(0, |report| report.resumed_rows),
            ..report::about(scorer, inputs)
        }
    }

    fn target(
        &self,
        scorer: &Scorer,
        inputs: &Inputs,
        options: &BatchOptions,
    ) -> Result<Target, Failure> {
        let Some(path) = &self.output else {
            return Ok(Target::Stdout);
        };
        let metadata = fs::metadata(path);
        if metadata.as_ref().is_ok_and(fs::Metadata::is_dir) {
            return Err(bad_input(anyhow!(
                "`{}` is a directory; name a file",
                path.display()
            )));
        }
        if metadata.is_ok_and(|metadata| !metadata.is_file()) {
            // A device or a pipe cannot be cut or resumed.
            let file = File::options().write(true).open(path);
            let file = file.with_context(|| format!("cannot write `{}`", path.display()));
            return Ok(Target::Stream(file.map_err(Failure::Input)?));
        }
        inputs::manifest_is_not(path, inputs)?;
        let is_output =
            |input: &&Input| matches!(input, Input::File(input) if is_same_file(input, path));
        if let Some(input) = inputs.list().iter().find(is_output) {
            let name = input.name();
            return Err(bad_input(anyhow!(
                "`{name}` is both an input and the output"
            )));
        }
        let existing = match (self.resume, self.overwrite) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Overwrite,
            _ => Existing::Refuse,
        };
        let manifest = Manifest::new(scorer, inputs, options).map_err(bad_input)?;
        let file = OutputFile::open(path, manifest, existing).map_err(not_begun)?;
        Ok(Target::File(Box::new(file)))
    }

    fn conclude(
        &self,
        scorer: &Scorer,
        inputs: &Inputs,
        result: Result<Report, BatchError>,
    ) -> Outcome {
        let (report, broken) = match result {
            Ok(report) => (report, None),
            Err(BatchError::Input { source, report }) => (*report, Some(source)),
            Err(BatchError::Resume(error)) => return Err(not_begun(error)),
            Err(
                error @ (BatchError::Unreadable(_)
                | BatchError::TornGroups { .. }
                | BatchError::SampleOfStream { .. }),
            ) => return Err(bad_input(error)),
            Err(BatchError::Write(error)) => {
                let stdout = Path::new("standard output");
                return Err(unwritable(error, self.output.as_deref().unwrap_or(stdout)));
            }
            Err(error) => return Err(Failure::Ours(error.into())),
        };
        // Of files it has been said before.
        let streams = report.schemas.iter().filter(|found| {
            let named = inputs
                .list()
                .iter()
                .position(|input| input.name() == found.name);
            named.is_some_and(|index| inputs.size(index).is_none())
        });
        inputs::say(&streams.cloned().collect::<Vec<_>>());
        // Of a part nobody can say what no row has.
        if report.ended == Ended::Complete && self.limit.is_none() {
            inputs::say_absent(&report.absent);
        }
        if report.ended == Ended::Closed {
            return Ok(Exit::Done);
        }
        if !self.quiet {
            self.summarise(scorer, &report)?;
        }
        if let Some(error) = broken {
            return Err(match error {
                // A disk that fails is no fault of the data.
                InputError::Read { .. } => Failure::Ours(error.into()),
                error => bad_input(error),
            });
        }
        let summary = &report.summary;
        Ok(match report.ended {
            Ended::Stopped => Exit::Interrupted,
            _ if summary.machinery_errors > 0 => Exit::OurFailure,
            _ if summary.data_errors > 0 && !self.allow_errors => Exit::SomeUnusable,
            _ => Exit::Done,
        })
    }

    fn summarise(&self, scorer: &Scorer, report: &Report) -> io::Result<()> {
        let mut out = anstream::stderr();
        summary::write(&mut out, scorer.name(), &report.summary)?;
        #[cfg(feature = "remote")]
        summary::asked(&mut out, scorer)?;
        let rows = summary::rows(report.summary.rows);
        if report.ended == Ended::Stopped {
            let hint = match self.output {
                Some(_) => "; the same command with `--resume` goes on",
                None => "",
            };
            return summary::note(&mut out, &format!("stopped after {rows}{hint}"));
        }
        let Some(path) = &self.output else {
            return Ok(());
        };
        let earlier = match report.resumed_rows {
            0 => String::new(),
            rows => format!(", {rows} of them by an earlier run"),
        };
        summary::place(&mut out, &format!("{rows} in {}{earlier}", path.display()))
    }
}

/// How rows travel. With many threads that only wait there are many chunks on their
/// way, so that each is smaller.
fn chunks(scorer: &Scorer) -> BatchOptions {
    let usual = BatchOptions::default();
    match scorer.waiting_rows() {
        0 => usual,
        _ => BatchOptions {
            chunk_rows: usual.chunk_rows / 8,
            chunk_bytes: usual.chunk_bytes / 8,
            ..usual
        },
    }
}

/// Where rows go.
enum Target {
    File(Box<OutputFile>),
    Stream(File),
    Stdout,
}

impl Target {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Stdout)
    }
}

/// Whether both paths are one file, be it by a link of either kind.
pub(super) fn is_same_file(input: &Path, output: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if let (Ok(input), Ok(output)) = (fs::metadata(input), fs::metadata(output)) {
            return (input.dev(), input.ino()) == (output.dev(), output.ino());
        }
    }
    match (fs::canonicalize(input), fs::canonicalize(output)) {
        (Ok(input), Ok(output)) => input == output,
        _ => false,
    }
}

/// The first signal ends the run in order; a second ends the process at once.
pub(super) fn stop_on_signals(control: &Arc<Control>) -> Result<(), Failure> {
    let control = Arc::clone(control);
    let was_asked = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if was_asked.swap(true, Ordering::SeqCst) {
            std::process::exit(Exit::Interrupted as i32);
        }
        control.stop();
    })
    .context("cannot listen for Ctrl-C")
    .map_err(Failure::Ours)
}

/// An output that cannot be begun, gone on with or made whole: the user's to see to,
/// unless the disk is full.
fn not_begun(error: ResumeError) -> Failure {
    let is_full = |source: &io::Error| {
        matches!(
            source.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded
        )
    };
    match &error {
        ResumeError::Open { source, .. } | ResumeError::Manifest { source, .. }
            if is_full(source) =>
        {
            Failure::Ours(error.into())
        }
        _ => bad_input(error),
    }
}
