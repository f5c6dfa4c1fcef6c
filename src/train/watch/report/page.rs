//! The page: a template and what is put into it.

use serde::Serialize;

use super::charts::{ChartGroup, charts};
use super::completions::{Shown, note, shown};
use super::summary::{Stage, stages, tables, tiles};
use crate::page::{escaped, filled, json, script_source};
use crate::train::watch::RunFolder;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = concat!(
    include_str!("../../../page/style.css"),
    include_str!("uplot/uPlot.min.css"),
    include_str!("page.css")
);
const SCRIPT: &str = concat!(
    include_str!("uplot/uPlot.iife.min.js"),
    include_str!("page.js")
);
const UPLOT_VERSION: &str = "1.6.32";

/// What the script reads.
#[derive(Serialize)]
struct Data<'r> {
    stages: &'r [Stage],
    groups: Vec<ChartGroup>,
    completions: Vec<Shown<'r>>,
}

/// The report of a run.
pub(super) fn page(run: &RunFolder) -> String {
    let info = &run.info;
    let stages = stages(run);
    let completions = shown(&run.completions);
    let about: Vec<&str> = [info.model.as_str(), info.device.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let note = note(&run.completions, completions.len());
    let data = Data {
        stages: &stages,
        groups: charts(&run.steps),
        completions,
    };
    filled(TEMPLATE, |name| match name {
        "title" => escaped(&format!("{}: training run", info.name)),
        "name" => escaped(&info.name),
        "about" => escaped(&about.join(", ")),
        "tiles" => tiles(run, &stages),
        "tables" => tables(run, &stages),
        "completions_note" => escaped(&note),
        "recipe" => escaped(&info.recipe),
        "version" => escaped(&info.version),
        "uplot_version" => UPLOT_VERSION.to_owned(),
        "data" => json(&data),
        "style" => STYLE.to_owned(),
        "script" => SCRIPT.to_owned(),
        "script_source" => script_source(SCRIPT),
        other => unreachable!("the template names `{other}`"),
    })
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, STYLE};

    #[test]
    fn what_is_ours_stays_in_its_element() {
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains("</style"));
    }
}
