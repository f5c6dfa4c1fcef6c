//! `goldstone check`: specs in, their mistakes out.

use std::io::Write;

use anyhow::anyhow;
use clap::Args;

use super::terminal::{GOOD, STRONG, Safe, Styled};
use super::{Exit, Outcome, bad_input, load_spec};
use crate::load;
use crate::reward::json_schema;

/// Check specs; list and show those that come with goldstone.
///
/// Every mistake is shown with its line, a caret and the likely fix.
#[derive(Args)]
#[command(after_help = "\
Examples:
  goldstone check my-spec.toml
  goldstone check --list
  goldstone check --show r1-zero > my-spec.toml
  goldstone check --schema > spec.schema.json")]
#[group(multiple = false, required = true)]
pub(super) struct Check {
    /// Specs to check: TOML files, or names of shipped specs
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
            match load_spec(spec) {
                Ok(scorer) => {
                    let rewards = scorer.rewards().join(", ");
                    let said = format!("{spec}: spec `{}`, rewards: {rewards}", scorer.name());
                    writeln!(out, "{}  {}", Styled(GOOD, "ok"), Safe(&said))?;
                }
                Err(failure) => exit = failure.report(),
            }
        }
        Ok(exit)
    }
}
