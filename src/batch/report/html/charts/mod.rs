//! The figures of a report: findings in, pictures with their tables out.

mod completions;
mod prompts;
mod rewards;

use super::svg::Picture;
use super::text;
use crate::batch::report::findings::Findings;
use crate::page::escaped;

/// A picture with its caption, legend and table.
struct Figure {
    caption: String,
    /// What the caption goes on with: the unit, how many.
    about: String,
    picture: Picture,
    /// Class and name.
    legend: Vec<(&'static str, &'static str)>,
    note: String,
    heads: Vec<&'static str>,
    /// Cells, as HTML.
    rows: Vec<Vec<String>>,
}

impl Figure {
    fn html(&self) -> String {
        let legend: Vec<String> = self
            .legend
            .iter()
            .map(|(class, name)| format!("<li><span class=\"swatch {class}\"></span>{name}</li>"))
            .collect();
        let legend = match legend.is_empty() {
            true => String::new(),
            false => format!("<ul class=\"legend\">{}</ul>", legend.concat()),
        };
        let note = match self.note.is_empty() {
            true => String::new(),
            false => format!("<p class=\"note\">{}</p>", escaped(&self.note)),
        };
        let caption = escaped(&self.caption);
        format!(
            "<figure><figcaption>{caption}<span class=\"unit\">, {}</span></figcaption>{}{legend}{note}\
             <details><summary>Values</summary><div class=\"values\" tabindex=\"0\" role=\"region\" \
             aria-label=\"Values of {caption}\">{}</div></details></figure>",
            escaped(&self.about),
            self.picture.svg(),
            table(&caption, &self.heads, &self.rows),
        )
    }
}

/// A table; the first column names the row.
pub(super) fn table(caption: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = heads
        .iter()
        .enumerate()
        .map(|(index, head)| match index {
            0 => format!("<th scope=\"col\">{head}</th>"),
            _ => format!("<th scope=\"col\" class=\"number\">{head}</th>"),
        })
        .collect();
    let rows: Vec<String> = rows
        .iter()
        .map(|cells| format!("<tr>{}</tr>", cells.concat()))
        .collect();
    format!(
        "<table><caption>{caption}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table>",
        heads.concat(),
        rows.concat()
    )
}

/// The name of a row of a table.
pub(super) fn head(name: &str) -> String {
    format!("<th scope=\"row\">{}</th>", text(name))
}

/// All figures that there is something to show in.
pub(super) fn charts(findings: &Findings) -> String {
    let figures = [
        prompts::curves(findings),
        prompts::shares(findings),
        prompts::deviations(findings),
        completions::lengths(findings),
        completions::languages(findings),
        completions::times(findings),
    ];
    rewards::rewards(findings) + &figures.into_iter().flatten().collect::<String>()
}
