//! The stretches of a completion that a language reward found to be in another
//! language: a score in, coloured and marked pieces of text out.
//!
//! Each stretch stands between `⟨code ` and `⟩`, so that it is seen without
//! colours as well.

use std::fmt;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::terminal::{Safe, Styled, shortened};
use crate::reward::Score;

/// One colour for each language, by first appearance; then over again.
const COLOURS: [AnsiColor; 5] = [
    AnsiColor::Magenta,
    AnsiColor::Yellow,
    AnsiColor::Blue,
    AnsiColor::Red,
    AnsiColor::BrightCyan,
];

/// The stretches of one completion, in order, apart from each other.
pub(super) struct Languages {
    spans: Vec<(Range<usize>, String)>,
    /// Codes by first appearance.
    codes: Vec<String>,
}

/// A piece of the text, and what is written before and behind it.
pub(super) struct Piece {
    pub(super) range: Range<usize>,
    pub(super) style: Style,
    pub(super) before: Option<String>,
    pub(super) behind: bool,
}

impl Languages {
    /// What the first language reward of the score found in `text`.
    pub(super) fn of(score: &Score, text: &str) -> Self {
        let mut found = Self {
            spans: Vec::new(),
            codes: Vec::new(),
        };
        let details = score.terms.iter().map(|term| &term.detail);
        let spans = details
            .filter(|detail| detail.value("target").is_some())
            .find_map(|detail| detail.value("spans")?.as_array());
        let mut floor = 0;
        for span in spans.into_iter().flatten() {
            let Some((range, code)) = read(span) else {
                continue;
            };
            // A score of other text has nothing to show here.
            if range.start < floor || text.get(range.clone()).is_none() {
                continue;
            }
            floor = range.end;
            if !found.codes.iter().any(|known| known == code) {
                found.codes.push(code.to_owned());
            }
            found.spans.push((range, code.to_owned()));
        }
        found
    }

    /// The colour of a language.
    fn style(&self, code: &str) -> Style {
        let index = self.codes.iter().position(|known| known == code);
        COLOURS[index.unwrap_or(0) % COLOURS.len()]
            .on_default()
            .underline()
    }

    /// The pieces cut again where a stretch begins or ends.
    pub(super) fn cut(&self, pieces: Vec<(Range<usize>, Style)>) -> Vec<Piece> {
        let mut cut = Vec::new();
        let mut spans = self.spans.iter().peekable();
        for (range, style) in pieces {
            let mut at = range.start;
            while at < range.end {
                while spans.next_if(|(span, _)| span.end <= at).is_some() {}
                let (end, code) = match spans.peek() {
                    Some((span, code)) if span.start <= at => (span.end, Some((span, code))),
                    Some((span, _)) => (span.start, None),
                    None => (range.end, None),
                };
                let end = end.min(range.end);
                cut.push(Piece {
                    range: at..end,
                    style: code.map_or(style, |(_, code)| self.style(code)),
                    before: code
                        .filter(|(span, _)| span.start == at)
                        .map(|(_, code)| format!("⟨{code} ")),
                    behind: code.is_some_and(|(span, _)| span.end == end),
                });
                at = end;
            }
        }
        cut
    }
}

/// The legend: `, other languages between ⟨code and ⟩: en, fr`, or nothing.
impl fmt::Display for Languages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, code) in self.codes.iter().enumerate() {
            let before = match index {
                0 => ", other languages between ⟨code and ⟩: ",
                _ => ", ",
            };
            write!(f, "{before}{}", Styled(self.style(code), code))?;
        }
        Ok(())
    }
}

/// One stretch on a line: its place, its language, how sure that is, its text.
pub(super) fn line(span: &Value, text: &str) -> Option<String> {
    let (range, code) = read(span)?;
    let shown = shortened(text.get(range.clone())?, 60);
    let (start, end) = (range.start, range.end);
    let probability = span.get(3)?;
    Some(format!(
        "{code} {start}..{end} p {probability}  {}",
        Safe(&shown)
    ))
}

fn read(span: &Value) -> Option<(Range<usize>, &str)> {
    let end = |index| usize::try_from(span.get(index)?.as_u64()?).ok();
    Some((end(0)?..end(1)?, span.get(2)?.as_str()?))
}
