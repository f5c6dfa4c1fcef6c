//! Text that fits: so many cells of a line, so many lines.

use ratatui::text::Line;

use crate::cli::terminal::cells;

/// `1.5 B`, `87 M`, `151 k`, `512`.
pub(super) fn count(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{:.0} k", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", number as f64 / 1e6),
        _ => format!("{:.2} B", number as f64 / 1e9),
    }
}

/// A text at the left and one at the right of a line.
pub(super) fn sides<'l>(left: String, right: String, width: u16) -> Line<'l> {
    let gap = usize::from(width).saturating_sub(cells(&left) + cells(&right));
    Line::raw(format!("{left}{}{right}", " ".repeat(gap)))
}

pub(super) fn padded(text: &str, width: usize) -> String {
    let gap = width.saturating_sub(cells(text));
    format!("{text}{}", " ".repeat(gap))
}

/// As much of a text as `width` cells hold, with `…` for the rest.
pub(super) fn fitted(text: &str, width: usize) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if cells(&short) + cells(c.encode_utf8(&mut [0; 4])) + 1 > width {
            break;
        }
        short.push(c);
    }
    if width > 0 {
        short.push('…');
    }
    short
}

/// The end of a text: of a prompt, that is where the problem stands.
pub(super) fn tail(text: &str, width: usize) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    let backwards: String = text.chars().rev().collect();
    fitted(&backwards, width).chars().rev().collect()
}

/// A text on so many lines at most, `…` at the end of what is cut. Lines end
/// after a space where that leaves them two thirds full.
pub(super) fn wrapped(text: &str, width: usize, lines: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut line = String::new();
    for c in text.chars() {
        if cells(&line) + cells(c.encode_utf8(&mut [0; 4])) > width {
            if all.len() + 1 == lines {
                all.push(fitted(&format!("{line}{c}"), width));
                return all;
            }
            let end = line.rfind(' ').map_or(line.len(), |space| space + 1);
            let end = match cells(&line[..end]) * 3 < width * 2 {
                true => line.len(),
                false => end,
            };
            let rest = line.split_off(end);
            all.push(std::mem::replace(&mut line, rest));
        }
        line.push(c);
    }
    all.push(line);
    all.truncate(lines);
    all
}
