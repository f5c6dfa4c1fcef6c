//! `goldstone report`: scored files in, a page and its numbers out; and the files
//! of a report for `goldstone score --report`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{self, Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use clap::Args;

use super::container::unwritable;
use super::inputs::unfinished;
use super::part::part_of;
use super::score::is_same_file;
use super::whole::WholeFile;
use super::{Exit, Failure, Outcome, bad_input, load_spec, summary, warn};
use crate::batch::report::{About, InputFile, SpecAbout, Survey, survey_scored};
use crate::batch::{Input, Inputs, Manifest};
use crate::load::LoadError;
use crate::reward::Scorer;

/// What the files of a report begin with: others are not written over.
const MARKS: [&str; 2] = [
    "<!doctype html>\n<!-- goldstone report -->",
    "{\n\"report\":",
];

/// Show what scored files hold: one page that needs no network, and its numbers
/// as JSON.
///
/// Reads what `goldstone score` has written; nothing is scored. The spec is the
/// one in the manifest beside the first file, or `--spec`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone report scored.jsonl -o report.html
  goldstone report part-*.jsonl --spec my-spec.toml -o report.html")]
pub(super) struct Report {
    /// Files that `goldstone score` has written
    #[arg(required = true, value_name = "SCORED")]
    scored: Vec<PathBuf>,
    /// Write the page to this file, and its numbers beside it, as `.json`
    #[arg(short, long, value_name = "FILE.html")]
    output: PathBuf,
    /// The spec that scored the files, where no manifest tells it
    #[arg(long, value_name = "NAME|FILE")]
    spec: Option<String>,
    /// Longest line in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65536))]
    max_line_mb: u32,
    /// No summary
    #[arg(short, long)]
    quiet: bool,
}

impl Report {
    pub(super) fn run(self) -> Outcome {
        let inputs =
            Inputs::check(self.scored.iter().map(Input::named).collect()).map_err(bad_input)?;
        let paths: Vec<&Path> = self.scored.iter().map(PathBuf::as_path).collect();
        let files = ReportFiles::check(&self.output, &paths)?;
        let scorer = self.scorer()?;
        let notes = unfinished(&self.scored);
        warn(&notes);
        let (survey, counts) = survey_scored(&scorer, &inputs, (self.max_line_mb as usize) << 20)
            .map_err(bad_input)?;
        let about = About {
            notes,
            ..about(&scorer, &inputs)
        };
        files.write(&survey, &about)?;
        if !self.quiet {
            let mut out = anstream::stderr();
            summary::write(&mut out, scorer.name(), &counts)?;
            files.say(&mut out)?;
        }
        Ok(Exit::Done)
    }

    /// What scored the files; it is asked for sections and names alone.
    fn scorer(&self) -> Result<Scorer, Failure> {
        if let Some(spec) = &self.spec {
            let scorer = load_spec(spec)?;
            self.check_spec(&scorer)?;
            return Ok(scorer);
        }
        let mut known: Option<Manifest> = None;
        for path in &self.scored {
            let manifest = Manifest::load(path)
                .with_context(|| format!("cannot read the manifest of `{}`", path.display()))
                .map_err(Failure::Input)?;
            let Some(manifest) = manifest else {
                return Err(bad_input(anyhow!(
                    "`{}` has no manifest that tells its spec; name it with `--spec`",
                    path.display()
                )));
            };
            match &known {
                Some(known) if known.spec.sha256 != manifest.spec.sha256 => {
                    return Err(bad_input(anyhow!(
                        "`{}` was scored with another spec than `{}`; make a report of each",
                        path.display(),
                        self.scored[0].display()
                    )));
                }
                Some(_) => {}
                None => known = Some(manifest),
            }
        }
        let Some(manifest) = known else {
            return Err(bad_input(anyhow!("no files")));
        };
        let scorer = manifest.scorer();
        scorer.map_err(|error| Failure::Spec(LoadError::Spec(error)))
    }
}

impl Report {
    /// Refuses a spec that did not score the files: its names and sections would be
    /// looked for in what another one has judged.
    fn check_spec(&self, scorer: &Scorer) -> Result<(), Failure> {
        for path in &self.scored {
            // `--spec` is for files whose manifest is lost or cannot be read.
            let Ok(Some(manifest)) = Manifest::load(path) else {
                continue;
            };
            if manifest.spec.sha256 != scorer.spec_sha256() {
                return Err(bad_input(anyhow!(
                    "`{}` was scored with another spec than `--spec` names, as its manifest says: \
                     `{}`; leave `--spec` out, or score with the other one first",
                    path.display(),
                    manifest.spec.name
                )));
            }
        }
        Ok(())
    }
}

/// The page and the JSON beside it, both ours to write.
pub(super) struct ReportFiles {
    page: PathBuf,
    json: PathBuf,
}

impl ReportFiles {
    /// The files of a report at `page`; `taken` are others that are in use.
    pub(super) fn check(page: &Path, taken: &[&Path]) -> Result<Self, Failure> {
        let json = page.with_extension("json");
        if page.extension().is_none_or(|extension| extension == "json") {
            return Err(bad_input(anyhow!(
                "`{}`: name the page, as in `report.html`; its numbers go beside it as `.json`",
                page.display()
            )));
        }
        for (path, mark) in [(page, MARKS[0]), (json.as_path(), MARKS[1])] {
            for path in [path, &part_of(path)] {
                let is_taken =
                    |taken: &&Path| is_same_name(taken, path) || is_same_file(taken, path);
                if taken.iter().any(is_taken) {
                    return Err(bad_input(anyhow!(
                        "the report would be written over `{}`; name another file",
                        path.display()
                    )));
                }
                let is_ours = is_report(path, mark)
                    .with_context(|| format!("cannot write `{}`", path.display()))
                    .map_err(Failure::Input)?;
                if !is_ours {
                    return Err(bad_input(anyhow!(
                        "`{}` exists and is no report; name another file, or remove it",
                        path.display()
                    )));
                }
            }
            // Hours of scoring must not end in a folder that is not there.
            drop(WholeFile::create(path, true)?);
        }
        Ok(Self {
            page: page.to_owned(),
            json,
        })
    }

    /// Writes both, each whole or not at all.
    pub(super) fn write(&self, survey: &Survey, about: &About) -> Result<(), Failure> {
        let Some(report) = survey.report(about) else {
            return Err(Failure::Ours(anyhow!(
                "the survey has not ended; this is a bug"
            )));
        };
        for (path, text) in [(&self.page, &report.page), (&self.json, &report.json)] {
            let mut file = WholeFile::create(path, true)?;
            let written = file.write_all(text.as_bytes());
            let written = written.and_then(|()| file.finish());
            written.map_err(|error| unwritable(error, path))?;
        }
        Ok(())
    }

    /// Says where they are.
    pub(super) fn say(&self, out: &mut impl Write) -> io::Result<()> {
        let (page, json) = (self.page.display(), self.json.display());
        summary::place(out, &format!("report in {page}, its numbers in {json}"))
    }
}

/// Where the rows are from.
pub(super) fn about(scorer: &Scorer, inputs: &Inputs) -> About {
    let input = |(index, input): (usize, &Input)| InputFile {
        name: input.name(),
        bytes: inputs.size(index),
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    About {
        inputs: inputs.list().iter().enumerate().map(input).collect(),
        spec: SpecAbout {
            name: scorer.name().to_owned(),
            description: scorer.description().to_owned(),
            sha256: scorer.spec_sha256().to_owned(),
            text: scorer.text().to_owned(),
        },
        made: now.ok().map(|now| now.as_secs()),
        ..About::default()
    }
}

/// Whether the file may be written over: there is none, it is empty, or a report.
fn is_report(path: &Path, mark: &str) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut head = Vec::new();
    file.take(mark.len() as u64).read_to_end(&mut head)?;
    Ok(head.is_empty() || head == mark.as_bytes())
}

/// Whether both are the name of one file, be it there or not.
fn is_same_name(one: &Path, other: &Path) -> bool {
    match (path::absolute(one), path::absolute(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
