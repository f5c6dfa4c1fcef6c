//! Rows to look at: as many of every reason as the page can carry.

use std::collections::BTreeMap;

use super::numbers::{Unit, count};
use super::text;
use crate::batch::report::findings::Findings;
use crate::batch::report::reasons::{ROWS_PER_REASON, Reason, Reasons};
use crate::batch::report::sample::{Mark, Part, Piece, Sample, SampleTerm};
use crate::page::escaped;
use crate::reward::Status;

/// Most bytes of all rows; the rest of a page is some hundred kilobytes.
const MOST_BYTES: usize = 1_300_000;

/// The rows as HTML, and how many they are.
pub(super) fn rows(findings: &Findings, reasons: &Reasons) -> (String, usize) {
    let mut of_row: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, reason) in findings.reasons.iter().enumerate() {
        for row in &reason.shown {
            of_row.entry(*row).or_default().push(index);
        }
    }
    // One row of every reason, then a second one of each, until the page is full.
    let mut shown: BTreeMap<u64, String> = BTreeMap::new();
    let mut bytes = 0;
    for rank in 0..ROWS_PER_REASON {
        for reason in &findings.reasons {
            let Some(row) = reason
                .shown
                .get(rank)
                .filter(|row| !shown.contains_key(row))
            else {
                continue;
            };
            let Some(sample) = reasons.sample(*row) else {
                continue;
            };
            let html = one(sample, &of_row[row]);
            if bytes + html.len() <= MOST_BYTES {
                bytes += html.len();
                shown.insert(*row, html);
            }
        }
    }
    let count = shown.len();
    (shown.into_values().collect(), count)
}

/// The choices of the filter: a group for every reward.
pub(super) fn choices(reasons: &[Reason]) -> String {
    let mut html = String::new();
    let mut group = None;
    for (index, reason) in reasons.iter().enumerate() {
        let reward = reason.reward.as_deref().unwrap_or("(row)");
        if group != Some(reward) {
            if group.is_some() {
                html += "</optgroup>";
            }
            html += &format!("<optgroup label=\"{}\">", text(reward));
            group = Some(reward);
        }
        let because = reason.reason.as_deref().map(|reason| format!(": {reason}"));
        html += &format!(
            "<option value=\"{index}\">{}{} ({})</option>",
            reason.verdict.replace('_', " "),
            text(&because.unwrap_or_default()),
            count(reason.rows)
        );
    }
    match group {
        Some(_) => html + "</optgroup>",
        None => html,
    }
}

fn one(sample: &Sample, reasons: &[usize]) -> String {
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    let reward = match (sample.reward, sample.status) {
        (Some(reward), _) => format!("reward {}", Unit::Number.shown(reward)),
        (None, Status::Error) => "unusable".to_owned(),
        (None, _) => "undecided".to_owned(),
    };
    let chips: Vec<String> = sample
        .terms
        .iter()
        .map(|term| {
            format!(
                "<span class=\"chip {}\">{} {}</span>",
                term.verdict,
                text(&term.name),
                term.verdict.replace('_', " ")
            )
        })
        .collect();
    format!(
        "<li data-reasons=\"{}\"><details><summary><b>{}</b> <span class=\"id\">{}</span> \
         <span class=\"reward\">{reward}</span> {}</summary>{}</details></li>",
        reasons.join(" "),
        count(sample.row),
        text(&sample.id),
        chips.join(" "),
        body(sample)
    )
}

fn body(sample: &Sample) -> String {
    let mut html = String::from("<dl class=\"facts\">");
    let mut fact = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            html += &format!("<div><dt>{name}</dt><dd>{}</dd></div>", text(value));
        }
    };
    fact("group", Some(&sample.group));
    fact("task", sample.task.as_deref());
    fact("ended by", sample.finish_reason.as_deref());
    let tokens = sample.n_tokens.map(count);
    fact("tokens", tokens.as_deref());
    html += "</dl>";
    if let Some(error) = &sample.error {
        html += &format!("<p class=\"fault\">{}</p>", text(error));
    }
    if !sample.prompt.is_empty() {
        html += &format!(
            "<h3>Prompt</h3><pre class=\"prompt\">{}</pre>",
            text(&sample.prompt)
        );
    }
    if let Some(reference) = &sample.reference {
        html += &format!("<h3>Reference</h3><pre>{}</pre>", text(reference));
    }
    if !sample.completion.is_empty() {
        let pieces: String = sample.completion.iter().map(piece).collect();
        html += &format!("<h3>Completion</h3><pre class=\"completion\">{pieces}</pre>");
    }
    html + &terms(&sample.terms)
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Violation(code) => format!("<span class=\"violation\">⚑ {code}</span>"),
        Piece::Gap(bytes) => format!(
            "<span class=\"gap\">\n… {} bytes …\n</span>",
            count(*bytes as u64)
        ),
        Piece::Text { part, mark, text } => {
            let text = super::text(text);
            let text = match mark {
                Some(Mark::Judged) => format!("<mark>{text}</mark>"),
                Some(Mark::Foreign) => format!("<mark class=\"foreign\">{text}</mark>"),
                None => text,
            };
            match part {
                Part::Plain => text,
                Part::Marker => format!("<span class=\"marker\">{text}</span>"),
                Part::Think => format!("<span class=\"think\">{text}</span>"),
                Part::Answer => format!("<span class=\"answer\">{text}</span>"),
            }
        }
    }
}

fn terms(terms: &[SampleTerm]) -> String {
    if terms.is_empty() {
        return String::new();
    }
    let number =
        |value: Option<f64>| value.map_or("null".to_owned(), |value| Unit::Number.shown(value));
    let rows: Vec<String> = terms
        .iter()
        .map(|term| {
            let details: Vec<String> = term
                .details
                .iter()
                .map(|(name, value)| format!("<div><dt>{}</dt><dd>{}</dd></div>", text(name), text(value)))
                .collect();
            format!(
                "<tr><th scope=\"row\">{}</th><td><span class=\"chip {}\">{}</span> {}\
                 <dl class=\"facts\">{}</dl></td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
                text(&term.name),
                term.verdict,
                term.verdict.replace('_', " "),
                term.reason.as_deref().map(escaped).unwrap_or_default(),
                details.concat(),
                number(term.raw),
                number(term.value)
            )
        })
        .collect();
    format!(
        "<div class=\"wide\"><table><caption>Terms</caption><thead><tr><th scope=\"col\">reward</th>\
         <th scope=\"col\">verdict and evidence</th><th scope=\"col\" class=\"number\">raw</th>\
         <th scope=\"col\" class=\"number\">value</th></tr></thead><tbody>{}</tbody></table></div>",
        rows.concat()
    )
}
