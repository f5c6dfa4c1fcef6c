//! `goldstone score --verify`: a scored file, scored once more and compared.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};

use super::progress::{Show, watch};
use super::score::stop_on_signals;
use super::summary::{one_or_more, rows};
use super::terminal::{BAD, DOUBT, GOOD, STRONG, Safe, Styled};
use super::{Exit, Failure, Outcome, bad_input, ready};
use crate::batch::{
    ConfirmError, Confirmed, Control, Ended, Input, Inputs, Manifest, Sides, confirm,
};
use crate::engine;
use crate::load::LoadError;
use crate::reward::Scorer;

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
    if let Some(stream) = manifest.inputs.iter().find(|input| input.bytes.is_none()) {
        return Err(bad_input(match stream.name.as_str() {
            "-" => anyhow!("it was scored from standard input, which is gone"),
            name => anyhow!("it was scored from `{name}`, a stream, which is gone"),
        }));
    }
    let scorer = ready(compile(&manifest, allow_remote)?, jobs)?;
    let named = manifest
        .inputs
        .iter()
        .map(|input| Input::named(&input.name));
    let inputs = Inputs::check(named.collect())
        .context("paths in a manifest are those of the run; verify from the same folder")
        .map_err(Failure::Input)?;
    if let Some(stream) = inputs.stream() {
        let name = stream.name();
        return Err(bad_input(anyhow!(
            "`{name}`, which it was scored from, is no file any more"
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
            "{} of {name} {} from what scoring once more writes",
            rows(confirmed.differ),
            one_or_more(confirmed.differ, "differs", "differ")
        ),
    };
    writeln!(out, "{}", Styled(BAD, Safe(&said)))?;
    for difference in &confirmed.first {
        let only = match difference.sides {
            Sides::Both => "",
            Sides::FileOnly => ": only in the file",
            Sides::NowOnly => ": not in the file",
        };
        writeln!(out, "  row {}{only}", difference.row)?;
        for field in &difference.fields {
            let name = match field.field.as_str() {
                "" => "the line",
                name => name,
            };
            writeln!(out, "    {}", Styled(STRONG, Safe(name)))?;
            for (side, value) in [("file", &field.file), ("now", &field.now)] {
                let value = value.as_deref().unwrap_or("(not there)");
                writeln!(out, "      {side:4}  {}", Safe(value))?;
            }
        }
        if difference.more > 0 {
            let more = difference.more;
            let fields = one_or_more(more as u64, "field", "fields");
            writeln!(out, "    … and {more} more {fields}")?;
        }
    }
    Ok(())
}
