//! `goldstone score --verify`: a scored file, scored once more and compared.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::progress::{Show, watch};
use super::score::stop_on_signals;
use super::summary::rows;
use super::terminal::{BAD, DOUBT, GOOD, Safe, Styled, shortened};
use super::{Exit, Failure, Outcome, bad_input, ready};
use crate::batch::{ConfirmError, Confirmed, Control, Ended, Input, Inputs, Manifest, confirm};
use crate::engine;
use crate::load::LoadError;
use crate::reward::Scorer;

/// Most of a row that is shown.
const ROW_CHARS: usize = 200;

/// Scores once more what `file` was made from, by the spec in its manifest. `file` is a
/// scored file or its manifest.
pub(super) fn run(file: &Path, allow_remote: bool, jobs: u16, quiet: bool) -> Outcome {
    let (manifest, output) = manifest(file)?;
    if !manifest.complete {
        let name = output.display();
        return Err(bad_input(anyhow!(
            "`{name}` is not complete; `goldstone score` with `--resume` goes on with it"
        )));
    }
    let scorer = ready(compile(&manifest, allow_remote)?, jobs)?;
    let named = manifest
        .inputs
        .iter()
        .map(|input| Input::named(&input.name));
    let inputs = Inputs::check(named.collect())
        .context("paths in a manifest are those of the run; verify from the same folder")
        .map_err(Failure::Input)?;
    if inputs
        .list()
        .iter()
        .any(|input| matches!(input, Input::Stdin))
    {
        return Err(bad_input(anyhow!(
            "it was scored from standard input, which is gone"
        )));
    }
    let mut notes = Vec::new();
    let engine = env!("CARGO_PKG_VERSION");
    if manifest.engine != engine {
        let then = &manifest.engine;
        notes.push(format!(
            "it was scored by goldstone {then}, and this is {engine}"
        ));
    }
    if let Some(input) = manifest.changed_input(&inputs).map_err(bad_input)? {
        notes.push(format!("the input `{input}` has changed since"));
    }
    for (guest, image) in scorer.guest_sha256s() {
        if manifest
            .guests
            .get(&guest)
            .is_some_and(|then| *then != image)
        {
            notes.push(format!(
                "programs run in another image of the guest `{guest}` now"
            ));
        }
    }
    let control = Arc::new(Control::default());
    stop_on_signals(&control)?;
    let show = match quiet {
        true => Show::Nothing,
        false => Show::suited(),
    };
    let jobs = engine::threads(&scorer, jobs.into());
    let confirmed = watch(show, &control, inputs.total_bytes(), || {
        confirm(&manifest, &output, &scorer, &inputs, jobs, &control)
    })
    .map_err(|error| match error {
        ConfirmError::Output(error) => bad_input(error),
        error => Failure::Ours(error.into()),
    })?;
    if confirmed.report.ended == Ended::Stopped {
        return Ok(Exit::Interrupted);
    }
    if !quiet {
        say(&mut anstream::stderr(), &output, &confirmed, &notes)?;
    }
    Ok(match confirmed.differ {
        0 => Exit::Done,
        _ => Exit::SomeUnusable,
    })
}

/// The manifest, and the file that it is of.
fn manifest(file: &Path) -> Result<(Manifest, PathBuf), Failure> {
    const SUFFIX: &str = ".manifest.json";
    let name = file.to_string_lossy();
    let (path, output) = match name.strip_suffix(SUFFIX) {
        Some(output) => (file.to_owned(), PathBuf::from(output)),
        None => (Manifest::path(file), file.to_owned()),
    };
    let manifest = Manifest::read(&path)
        .with_context(|| format!("cannot read the manifest `{}`", path.display()))
        .map_err(Failure::Input)?;
    Ok((manifest, output))
}

/// The spec as it was.
fn compile(manifest: &Manifest, allow_remote: bool) -> Result<Scorer, Failure> {
    let scorer = manifest
        .scorer()
        .map_err(|error| Failure::Spec(LoadError::Spec(error)))?;
    if scorer.spec_sha256() != manifest.spec.sha256 {
        return Err(bad_input(anyhow!(
            "the manifest's spec is not the one whose hash it has"
        )));
    }
    // Whoever made the file chose where the questions, and the keys, would go.
    #[cfg(feature = "remote")]
    if let (false, [(reward, endpoint), ..]) = (allow_remote, scorer.endpoints().as_slice()) {
        return Err(bad_input(anyhow!(
            "the reward `{reward}` of the manifest's spec asks {}, with the key that it names; \
             `--allow-remote` lets it",
            endpoint.url
        )));
    }
    #[cfg(not(feature = "remote"))]
    let _ = allow_remote;
    Ok(scorer)
}

fn say(
    out: &mut impl Write,
    output: &Path,
    confirmed: &Confirmed,
    notes: &[String],
) -> io::Result<()> {
    for note in notes {
        writeln!(out, "{}: {}", Styled(DOUBT, "warning"), Safe(note))?;
    }
    let name = output.display();
    if confirmed.differ == 0 {
        let said = format!(
            "{} scored once more, all the same as in {name}",
            rows(confirmed.rows)
        );
        return writeln!(out, "{}", Styled(GOOD, Safe(&said)));
    }
    let said = match confirmed.first.is_empty() {
        true => format!("{name} is not what scoring once more writes"),
        false => format!(
            "{} of {name} differ from what scoring once more writes",
            rows(confirmed.differ)
        ),
    };
    writeln!(out, "{}", Styled(BAD, Safe(&said)))?;
    for difference in &confirmed.first {
        writeln!(out, "  row {}", difference.row)?;
        for (side, row) in [("file", &difference.file), ("now", &difference.now)] {
            let row = row.as_deref().unwrap_or("(no such row)");
            let row = shortened(&Safe(row).to_string(), ROW_CHARS);
            writeln!(out, "    {side:4}  {row}")?;
        }
    }
    Ok(())
}
