//! What was said becomes a number, or an abstention: one strict rule per form.

use std::borrow::Cow;

use super::options::{MARK_FIELD, RemoteOptions, ReplyForm};
use super::{JUDGE_REPLY, Said};
use crate::text::json::without_twins;
use crate::verdict::Measure;

/// How much of a reply is kept as evidence: its end, where the score stands.
const KEPT_CHARS: usize = 300;

/// The number that the answers come to. Of several votes more than half must be
/// readable; the median of those counts, of an even number the lower one in the
/// middle.
pub(super) fn measure(options: &RemoteOptions, mark: Option<&str>, said: &[Said]) -> Measure {
    if let [Said::Number(score)] = said {
        let [low, high] = options.range.unwrap_or_default();
        let kept = score.clamp(low, high);
        return Measure::of(worth(options, kept)).with("score", *score);
    }
    let mut numbers: Vec<f64> = said
        .iter()
        .filter_map(|said| match said {
            Said::Text {
                text,
                is_whole: true,
            } => read(options, mark, text),
            _ => None,
        })
        .collect();
    let shown = said.iter().find_map(|said| match said {
        Said::Text { text, .. } => Some(end(text)),
        Said::Number(_) => None,
    });
    let is_decided = 2 * numbers.len() > said.len();
    let measure = match is_decided {
        false => Measure::abstain(JUDGE_REPLY),
        true => {
            numbers.sort_by(f64::total_cmp);
            Measure::of(numbers[(numbers.len() - 1) / 2])
        }
    };
    let measure = match said.len() > 1 {
        true => measure.with("votes", numbers),
        false => measure,
    };
    measure.with("reply", shown.unwrap_or_default())
}

/// What a reply is worth; `None` where it is not of the form that was asked for, the mark
/// that was demanded included.
fn read(options: &RemoteOptions, mark: Option<&str>, reply: &str) -> Option<f64> {
    // A judge may think aloud first. Not the last end of it: what follows that may
    // be a quotation.
    let thought = reply.trim_start().strip_prefix("<think>");
    let reply = match thought {
        Some(thought) => thought.split_once("</think>")?.1,
        None => reply,
    };
    match options.reply.unwrap_or_default() {
        ReplyForm::Score => {
            let label = &*options.label_with(mark);
            let mut lines = reply.lines().filter_map(|line| labelled(line, label));
            let value = lines.next()?;
            // Two lines of the form: the judge may have quoted one of them.
            if lines.next().is_some() {
                return None;
            }
            let last = reply.lines().rfind(|line| !line.trim().is_empty())?;
            (labelled(last, label) == Some(value)).then_some(())?;
            match &options.choices {
                Some(choices) => choices.get(value).copied(),
                None => in_range(options, decimal(value)?),
            }
        }
        ReplyForm::Json => {
            // A key that is there twice would say two things.
            let object = without_twins(unfenced(reply.trim()))?;
            object.is_object().then_some(())?;
            if let Some(mark) = mark {
                (object.get(MARK_FIELD)? == mark).then_some(())?;
            }
            let found = object.pointer(options.field())?;
            match &options.choices {
                Some(choices) => choices.get(found.as_str()?).copied(),
                None => in_range(options, found.as_f64()?),
            }
        }
    }
}

/// What follows `label:` on a line that begins with it.
fn labelled<'l>(line: &'l str, label: &str) -> Option<&'l str> {
    let rest = line.trim().strip_prefix(label)?.strip_prefix(':')?;
    Some(rest.trim())
}

/// Digits with at most one point, and a sign: no `7/10`, `1e1`, `inf`.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (is_digits(whole) && is_digits(fraction)).then(|| text.parse().ok())?
}

/// A number outside the range decides nothing: moved into it, a mistake of the
/// judge would be paid in full.
fn in_range(options: &RemoteOptions, number: f64) -> Option<f64> {
    let [low, high] = options.range?;
    (low..=high)
        .contains(&number)
        .then(|| worth(options, number))
}

/// From the range to the pay.
fn worth(options: &RemoteOptions, number: f64) -> f64 {
    let [low, high] = options.range.unwrap_or_default();
    let [first, last] = options.pays;
    let share = (number - low) / (high - low);
    // The ends are met exactly.
    match share {
        1.0 => last,
        share => first + share * (last - first),
    }
}

/// The inside of one Markdown fence round all of it.
fn unfenced(text: &str) -> &str {
    let inside = text
        .strip_prefix("```")
        .and_then(|text| text.strip_suffix("```"));
    let inside = inside.map(|text| text.strip_prefix("json").unwrap_or(text));
    inside.unwrap_or(text)
}

fn end(text: &str) -> String {
    let count = text.chars().count();
    match count > KEPT_CHARS {
        false => text.to_owned(),
        true => {
            let kept: String = text.chars().skip(count - KEPT_CHARS).collect();
            format!("…{kept}")
        }
    }
}

impl RemoteOptions {
    pub(super) fn label(&self) -> &str {
        self.label.as_deref().unwrap_or("Score")
    }

    /// The label that a reply must have, behind it the mark that is demanded.
    pub(super) fn label_with(&self, mark: Option<&str>) -> Cow<'_, str> {
        match mark {
            None => self.label().into(),
            Some(mark) => format!("{} {mark}", self.label()).into(),
        }
    }

    pub(super) fn field(&self) -> &str {
        self.field.as_deref().unwrap_or("/score")
    }
}
