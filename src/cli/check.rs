//! `goldstone check`: specs and recipes in, their mistakes out.

use std::io::Write;

use anyhow::anyhow;
use clap::Args;

use super::terminal::{GOOD, STRONG, Safe, Styled};
use super::{Exit, Outcome, bad_input, load_spec};
use crate::load;
use crate::reward::json_schema;

/// Check specs; list and show those that come with goldstone.
///
/// Every mistake is shown with its line, a caret and the likely fix. Training
/// recipes are checked as well; `goldstone train --list` lists the shipped ones.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone check my-spec.toml
  goldstone check --list
  goldstone check --show r1-zero > my-spec.toml
  goldstone check --schema > spec.schema.json")]
#[group(multiple = false, required = true)]
pub(super) struct Check {
    /// Specs and recipes to check: TOML files, or names of shipped specs
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// List the specs that come with goldstone
    #[arg(long)]
    list: bool,
    /// Print a shipped spec, to begin one's own from
    #[arg(long, value_name = "NAME")]
    show: Option<String>,
    /// Print the JSON Schema of specs, for editors
    #[arg(long)]
    schema: bool,
}

impl Check {
    pub(super) fn run(self) -> Outcome {
        let mut out = anstream::stdout().lock();
        if self.list {
            let width = load::shipped()
                .map(|shipped| shipped.name.len())
                .max()
                .unwrap_or(0);
            for shipped in load::shipped() {
                let name = format!("{:<width$}", shipped.name);
                let scorer = load_spec(shipped.name)?;
                writeln!(
                    out,
                    "{}  {}",
                    Styled(STRONG, name),
                    Safe(scorer.description())
                )?;
            }
            return Ok(Exit::Done);
        }
        if self.schema {
            writeln!(out, "{}", json_schema())?;
            return Ok(Exit::Done);
        }
        if let Some(name) = self.show {
            return match load::shipped().find(|shipped| shipped.name == name) {
                Some(shipped) => {
                    write!(out, "{}", shipped.text)?;
                    Ok(Exit::Done)
                }
                None => {
                    let names: Vec<&str> = load::shipped().map(|shipped| shipped.name).collect();
                    let names = names.join(", ");
                    Err(bad_input(anyhow!(
                        "no shipped spec is called `{name}`; there are: {names}"
                    )))
                }
            };
        }
        let mut exit = Exit::Done;
        for spec in &self.specs {
            #[cfg(feature = "train")]
            if let Some(checked) = check_recipe(spec) {
                match checked {
                    Ok(said) => writeln!(out, "{}  {}", Styled(GOOD, "ok"), Safe(&said))?,
                    Err(failure) => exit = failure.report(),
                }
                continue;
            }
            match load_spec(spec) {
                Ok(scorer) => {
                    let rewards = scorer.rewards().join(", ");
                    let said = format!("{spec}: spec `{}`, rewards: {rewards}", scorer.name());
                    writeln!(out, "{}  {}", Styled(GOOD, "ok"), Safe(&said))?;
                    for warning in scorer.warnings() {
                        writeln!(anstream::stderr(), "{warning}")?;
                    }
                }
                Err(failure) => exit = failure.report(),
            }
        }
        Ok(exit)
    }
}

/// What there is to say of a recipe; `None` for what is none.
#[cfg(feature = "train")]
fn check_recipe(path: &str) -> Option<Result<String, super::Failure>> {
    use crate::train::recipe;

    let is_shipped_spec = load::shipped().any(|shipped| shipped.name == path);
    let is_shipped = recipe::shipped().any(|shipped| shipped.name == path);
    let is_recipe = match is_shipped {
        true => !is_shipped_spec,
        false => std::fs::read_to_string(path).is_ok_and(|text| recipe::is_recipe(&text)),
    };
    is_recipe.then(|| {
        let recipe = recipe::load(path, &[]).map_err(super::Failure::Recipe)?;
        let stages: Vec<&str> = recipe
            .stages
            .iter()
            .map(|stage| stage.name.as_str())
            .collect();
        let stages = stages.join(", ");
        Ok(format!(
            "{path}: recipe `{}`, stages: {stages}",
            recipe.name
        ))
    })
}
