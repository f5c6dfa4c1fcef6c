//! The page: a template and what is put into it.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::charts::{ChartGroup, charts};
use super::completions::{Shown, note, shown};
use super::summary::{Stage, stages, tables, tiles};
use crate::train::watch::RunFolder;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = concat!(
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
        "script_hash" => format!("'sha256-{}'", base64(&Sha256::digest(SCRIPT))),
        other => unreachable!("the template names `{other}`"),
    })
}

/// The template with every `{{name}}` replaced, in one pass: what is put in is
/// not looked at again.
fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = template.split("{{");
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part
            .split_once("}}")
            .expect("the template closes its names");
        page += &value(name);
        page += rest;
    }
    page
}

/// Text as HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html += "&amp;",
            '<' => html += "&lt;",
            '>' => html += "&gt;",
            '"' => html += "&quot;",
            '\'' => html += "&#39;",
            // HTML has no such character.
            '\0' => html.push('\u{fffd}'),
            c => html.push(c),
        }
    }
    html
}

/// Data as JSON that can stand in a `<script>` element: no text in it can end the
/// element or open a comment, because no `<` is left.
fn json(data: &impl Serialize) -> String {
    let text = serde_json::to_string(data).expect("texts and finite numbers are JSON");
    // These can stand in strings alone, where the escape means the same.
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let number = part
            .iter()
            .chain([&0; 3])
            .take(3)
            .fold(0_u32, |number, &byte| number << 8 | u32::from(byte));
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place) & 63) as usize];
            text.push(match place <= part.len() {
                true => digit.into(),
                false => '=',
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, STYLE, base64, escaped, filled, json};

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, wanted) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), wanted);
        }
    }

    #[test]
    fn no_text_leaves_its_place() {
        let text = "</script><!--<script>&\u{2028}\"'{{data}}";
        let found = json(&text);
        assert!(!found.contains(['<', '>', '&', '\u{2028}']), "{found}");
        assert_eq!(serde_json::from_str::<String>(&found).unwrap(), text);
        assert!(!escaped(text).contains(['<', '>', '"', '\'']));
        assert_eq!(
            filled("a{{x}}b{{y}}", |_| "{{x}}".to_owned()),
            "a{{x}}b{{x}}"
        );
    }

    #[test]
    fn what_is_ours_stays_in_its_element() {
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains("</style"));
    }
}
