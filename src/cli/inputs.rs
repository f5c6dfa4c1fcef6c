//! Which rollouts a command reads: names, globs, and whose fields they have.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;

use super::part::is_lost_to;
use super::score::is_same_file;
use super::terminal::{DOUBT, Safe, Styled};
use super::{Failure, bad_input, warn};
use crate::batch::{AbsentField, Input, InputSchema, Inputs, Manifest, look};
use crate::rollout::FieldMap;
use crate::rollout::schema::SchemaChoice;

/// Most fields that are named, as the reason for a schema or in place of one.
const REASONS: usize = 6;

/// Whose fields the rollouts have.
#[derive(Args)]
pub(super) struct SchemaOption {
    /// Whose fields the rollouts have: `auto` tells by the first row, others are `native`,
    /// `trl`, `trl-log`, `verl`, `verl-dump`, `verifiers`, `traces`, `openr1`,
    /// `open-instruct`, `skyrl`, `skyrl-dump`, `lm-eval`, `pairs`, `responses`
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub(super) schema: SchemaChoice,
}

/// The inputs that are named, with globs expanded.
pub(super) fn open(names: &[PathBuf]) -> Result<Inputs, Failure> {
    let mut inputs = Vec::new();
    for name in names {
        inputs.extend(expand(name)?);
    }
    Inputs::check(inputs).map_err(bad_input)
}

/// Inputs of a command that reads its rows twice.
pub(super) fn read_twice(files: &[PathBuf]) -> Result<Inputs, Failure> {
    let inputs = Inputs::check(files.iter().map(Input::named).collect()).map_err(bad_input)?;
    match inputs.stream() {
        None => Ok(inputs),
        Some(stream) => Err(bad_input(anyhow!(
            "rows are read twice, and `{}` is a stream: write it to a file, and name that",
            stream.name()
        ))),
    }
}

/// Refuses a stream that two lists of inputs have in common.
pub(super) fn no_stream_is_shared(some: &Inputs, others: &Inputs) -> Result<(), Failure> {
    let is_stream = |input: &&Input| match input {
        Input::File(path) => !path.is_file(),
        Input::Stdin => true,
    };
    let mut streams = some.list().iter().filter(is_stream);
    match streams.find(|stream| others.list().contains(stream)) {
        None => Ok(()),
        Some(stream) => Err(bad_input(anyhow!(
            "`{}` is a stream, which can be read only once, and is named twice",
            stream.name()
        ))),
    }
}

/// A sentence for each scored file that is not whole, by its manifest.
pub(super) fn unfinished(scored: &[PathBuf]) -> Vec<String> {
    let sentence = |path: &PathBuf| {
        let manifest = Manifest::load(path).ok()??;
        let name = path.display();
        (!manifest.complete).then(|| {
            format!(
                "`{name}` is of a run that has not ended, or was cut short: not all rows are here"
            )
        })
    };
    scored.iter().filter_map(sentence).collect()
}

/// Refuses an output that would be written over what it is made from.
pub(super) fn none_is(output: &Path, inputs: &Inputs) -> Result<(), Failure> {
    let is_output = |input: &&Input| match input {
        Input::File(input) => is_lost_to(input, output),
        Input::Stdin => false,
    };
    manifest_is_not(output, inputs)?;
    match inputs.list().iter().find(is_output) {
        None => Ok(()),
        Some(input) => Err(bad_input(anyhow!(
            "`{}` is an input, and `{}` would be written over it; name another file",
            input.name(),
            output.display()
        ))),
    }
}

/// Refuses an output in the place of an input's manifest, which tells what it is.
pub(super) fn manifest_is_not(output: &Path, inputs: &Inputs) -> Result<(), Failure> {
    let manifests = inputs.list().iter().filter_map(|input| match input {
        Input::File(path) => Some(Manifest::path(path)),
        Input::Stdin => None,
    });
    let mut manifests = manifests.filter(|manifest| is_same_file(manifest, output));
    match manifests.next() {
        None => Ok(()),
        Some(manifest) => Err(bad_input(anyhow!(
            "`{}` is the manifest of an input, and would be written over; name another file",
            manifest.display()
        ))),
    }
}

/// A file, or the files that a pattern matches, in the order of their names. A shell
/// does the same, unless the pattern is quoted, or is longer than it likes.
fn expand(name: &Path) -> Result<Vec<Input>, Failure> {
    let pattern = match name.to_str() {
        Some(text) if text.contains(['*', '?', '[']) && !name.exists() => text,
        _ => return Ok(vec![Input::named(name)]),
    };
    let paths = glob::glob(pattern)
        .with_context(|| format!("`{pattern}` is no pattern for files"))
        .map_err(Failure::Input)?;
    let paths: Vec<PathBuf> = paths
        .collect::<Result<_, _>>()
        .with_context(|| format!("cannot list the files of `{pattern}`"))
        .map_err(Failure::Input)?;
    match paths.is_empty() {
        true => Err(bad_input(anyhow!("no file matches `{pattern}`"))),
        false => Ok(each_once(&paths).into_iter().map(Input::named).collect()),
    }
}

/// Every file by one name, the shortest: links to folders above them lead to files
/// again and again. Names that are links themselves are files of their own, as they are
/// to a shell.
fn each_once(paths: &[PathBuf]) -> Vec<&PathBuf> {
    let mut names: HashMap<PathBuf, &PathBuf> = HashMap::new();
    let whole: Vec<PathBuf> = paths.iter().map(|path| followed(path)).collect();
    for (path, whole) in paths.iter().zip(&whole) {
        let name = names.entry(whole.clone()).or_insert(path);
        if path.components().count() < name.components().count() {
            *name = path;
        }
    }
    let is_name = |(path, whole): &(&PathBuf, &PathBuf)| names.get(*whole) == Some(path);
    let named = paths.iter().zip(&whole).filter(is_name);
    named.map(|(path, _)| path).collect()
}

/// The name of a file in the folder that a path leads to.
fn followed(path: &Path) -> PathBuf {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// Says which inputs another tool wrote, before they are read.
pub(super) fn say_schemas(
    inputs: &Inputs,
    schema: SchemaChoice,
    fields: &FieldMap,
    max_line_bytes: usize,
) -> Result<(), Failure> {
    let found = look(inputs, schema, fields, max_line_bytes).map_err(bad_input)?;
    say(&found);
    Ok(())
}

/// Says which fields of `--where` no row has.
pub(super) fn say_absent(absent: &[AbsentField]) {
    let sentence = |absent: &AbsentField| {
        let names = absent.near.len().min(REASONS);
        let more = if names < absent.near.len() {
            ", …"
        } else {
            ""
        };
        let said = format!(
            "`--where`: no row has the field `{}`; rows have: {}{more}",
            absent.field,
            absent.near[..names].join(", ")
        );
        Safe(&said).to_string()
    };
    warn(&absent.iter().map(sentence).collect::<Vec<_>>());
}

/// Says what was found.
pub(super) fn say(found: &[InputSchema]) {
    for input in found {
        let detected = &input.detected;
        let fields = detected.fields.len().min(REASONS);
        let mut said = format!(
            "reads {} as {} ({}); `--schema` names another",
            Safe(&input.name),
            detected.schema,
            detected.fields[..fields].join(", ")
        );
        if let Some(caution) = detected.schema.caution() {
            said = format!("{said}; {caution}");
        }
        // Nobody reads standard error: the output says it as well.
        drop(writeln!(anstream::stderr(), "{}", Styled(DOUBT, said)));
    }
}
