//! Which rows of the inputs are scored: conditions on their fields, a sample, a
//! limit, a shard; in this order, so that the shards of a run are together the run
//! without shards. The limit is the reader's.
//!
//! Rows are selected before they are judged, and by the fields that the file itself
//! has. A line that is no JSON object meets every condition: it becomes an error row,
//! because nobody knows what it was.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::absent::{AbsentField, Noticed};
use super::reader::Position;
use crate::rollout::{Pointer, Record};

/// Which rows of the inputs are scored. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// What must be true of a row, all of it.
    #[serde(rename = "where")]
    pub conditions: Vec<Condition>,
    /// A part of those rows, drawn by their place in the inputs.
    pub sample: Option<Sample>,
    /// What the sample is drawn by.
    pub seed: u64,
    /// One of several equal parts of those, or of the first of them that a limit
    /// allows.
    pub shard: Option<Shard>,
}

/// Something that is true of a row: `task=math`, `/extra_info/split!=test`,
/// `n_tokens>1000`, `prompt~triangle`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Condition {
    field: Pointer,
    relation: Relation,
    value: String,
    pattern: Option<Pattern>,
}

/// A compiled pattern, which its text stands for.
#[derive(Clone, Debug)]
struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Is,
    IsNot,
    Above,
    Below,
    AtLeast,
    AtMost,
    Like,
}

/// The longer ones first, so that `>=` is not read as `>`.
const RELATIONS: [(&str, Relation); 7] = [
    ("!=", Relation::IsNot),
    (">=", Relation::AtLeast),
    ("<=", Relation::AtMost),
    ("=", Relation::Is),
    ("~", Relation::Like),
    (">", Relation::Above),
    ("<", Relation::Below),
];

/// A part of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Sample {
    /// As many, or all where there are fewer. The inputs are read twice.
    Rows(u64),
    /// Each row with this chance, in millionths.
    Millionths(u32),
}

/// One of several equal parts: every `of`-th row, from the `number`-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    number: u64,
    of: u64,
}

/// A text that is no condition, no sample or no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectionError(String);

impl Condition {
    /// Whether it is true of a record. A field that is missing is `null`.
    fn holds(&self, record: &Record<'_>) -> bool {
        let raw = record.raw_at(&self.field);
        let raw = raw.as_deref().map_or("null", RawValue::get);
        let value = record.value_at(&self.field).unwrap_or(Value::Null);
        let order = || compared(raw, self.value.trim());
        match self.relation {
            Relation::Is => self.equals(&value, raw),
            Relation::IsNot => !self.equals(&value, raw),
            Relation::Above => order() == Some(Ordering::Greater),
            Relation::Below => order() == Some(Ordering::Less),
            Relation::AtLeast => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
            Relation::AtMost => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
            Relation::Like => match (&value, &self.pattern) {
                (Value::String(text), Some(pattern)) => pattern.0.is_match(text),
                _ => false,
            },
        }
    }

    fn equals(&self, value: &Value, raw: &str) -> bool {
        match value {
            Value::String(text) => *text == self.value,
            Value::Null => self.value == "null",
            Value::Bool(truth) => self.value == truth.to_string(),
            Value::Number(_) => compared(raw, self.value.trim()) == Some(Ordering::Equal),
            // Lists and objects, as compact JSON.
            nested => serde_json::to_string(nested).is_ok_and(|text| text == self.value),
        }
    }
}

/// How a JSON number stands to a bound: whole numbers digit by digit, of which a double
/// would lose some, others as doubles. `None` where one of them is no number.
fn compared(json: &str, bound: &str) -> Option<Ordering> {
    if !json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return None;
    }
    if let (Some((is_minus, digits)), Some((is_below, bound))) = (whole(json), whole(bound)) {
        let sizes = (digits.len(), digits).cmp(&(bound.len(), bound));
        return Some(match (is_minus, is_below) {
            (false, false) => sizes,
            (true, true) => sizes.reverse(),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        });
    }
    json.parse::<f64>().ok()?.partial_cmp(&bound.parse().ok()?)
}

/// Whether a whole number is below zero, and its digits without leading zeros.
fn whole(text: &str) -> Option<(bool, &str)> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let size = digits.trim_start_matches('0');
    is_whole.then_some((text.starts_with('-') && !size.is_empty(), size))
}

impl FromStr for Condition {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let text = text.trim_start();
        let found = RELATIONS
            .iter()
            .filter_map(|(sign, relation)| Some((place_of(sign, text)?, *sign, *relation)))
            // The first sign of the text; of two there, the longer one.
            .min_by_key(|(at, sign, _)| (*at, usize::MAX - sign.len()));
        let Some((at, sign, relation)) = found.filter(|(at, ..)| *at > 0) else {
            return Err(SelectionError(format!(
                "`{text}` is no condition: write `FIELD=VALUE`, or `!=`, `>`, `>=`, `<`, `<=`, `~` for `=`"
            )));
        };
        let field = text[..at].trim_end();
        if let (Relation::Is | Relation::IsNot, Some(value)) =
            (relation, text[at + sign.len()..].strip_prefix('='))
        {
            let value = value.trim();
            return Err(SelectionError(format!(
                "`{text}` has a `=` too many: write `{field}{sign}{value}`"
            )));
        }
        let value = match relation {
            // In a pattern a blank stands for itself.
            Relation::Like => &text[at + sign.len()..],
            _ => text[at + sign.len()..].trim(),
        };
        let field = match field.starts_with('/') {
            true => Pointer::parse(field).map_err(|error| SelectionError(error.to_string()))?,
            false => Pointer::field(field),
        };
        let is_order = matches!(
            relation,
            Relation::Above | Relation::Below | Relation::AtLeast | Relation::AtMost
        );
        if is_order && value.trim().parse::<f64>().map_or(true, f64::is_nan) {
            return Err(SelectionError(format!(
                "`{text}` compares with `{value}`, which is no number"
            )));
        }
        let pattern = match relation {
            Relation::Like => Some(Pattern(Regex::new(value).map_err(|error| {
                SelectionError(format!("`{value}` is no regular expression: {error}"))
            })?)),
            _ => None,
        };
        Ok(Self {
            field,
            relation,
            value: value.to_owned(),
            pattern,
        })
    }
}

/// Where a sign stands; `~0` and `~1` in a pointer are escapes, and none.
fn place_of(sign: &str, text: &str) -> Option<usize> {
    let is_escape = |at: usize| {
        let escapes = text.starts_with('/') && sign == "~";
        escapes && text[at + 1..].starts_with(['0', '1'])
    };
    let mut places = text.match_indices(sign).map(|(at, _)| at);
    places.find(|&at| !is_escape(at))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = RELATIONS.iter().find(|(_, known)| *known == self.relation);
        let sign = sign.map_or("", |(sign, _)| sign);
        write!(f, "{}{sign}{}", self.field, self.value)
    }
}

impl fmt::Display for Selection {
    /// The options that make it; nothing for all rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options: Vec<String> = self
            .conditions
            .iter()
            .map(|condition| format!("--where {condition}"))
            .collect();
        if let Some(sample) = self.sample {
            options.push(format!("--sample {sample} --seed {}", self.seed));
        }
        options.extend(self.shard.map(|shard| format!("--shard {shard}")));
        f.write_str(&options.join(" "))
    }
}

impl FromStr for Sample {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let wrong = || {
            SelectionError(format!(
                "`{text}` is no sample: write a number of rows, `1000`, or a share of them, `5%`"
            ))
        };
        let Some(percent) = text.strip_suffix('%') else {
            return match text.parse() {
                Ok(rows) if rows > 0 => Ok(Self::Rows(rows)),
                _ => Err(wrong()),
            };
        };
        let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
        match percent {
            0.0001..=100.0 => Ok(Self::Millionths((percent * 1e4).round() as u32)),
            _ => Err(SelectionError(format!(
                "`{text}` is no sample: a share is between 0.0001% and 100%"
            ))),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => rows.fmt(f),
            Self::Millionths(millionths) => write!(f, "{}%", f64::from(*millionths) / 1e4),
        }
    }
}

impl FromStr for Shard {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let parts = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if 1 <= number && number <= of => Ok(Self { number, of }),
            Some((0, _)) => Err(SelectionError(format!(
                "`{text}` is no shard: they are counted from 1, as in `1/8` to `8/8`"
            ))),
            _ => Err(SelectionError(format!(
                "`{text}` is no shard: write which one of how many, as in `3/8`"
            ))),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// Serde's way from and to the text.
macro_rules! by_text {
    ($($name:ident),*) => {$(
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = SelectionError;

            fn try_from(text: String) -> Result<Self, SelectionError> {
                text.parse()
            }
        }
    )*};
}

by_text!(Condition, Sample, Shard);

/// A row's place in a sample: rows are drawn by its order.
pub(super) type Draw = (u64, usize, u64);

/// Takes rows one after the other, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Selector {
    conditions: Vec<Condition>,
    seed: u64,
    draws: Draws,
    shard: Option<Shard>,
    /// Rows that met conditions and sample.
    met: u64,
    /// Shared by all copies.
    noticed: Arc<Noticed>,
}

/// Which draws are in the sample.
#[derive(Clone, Copy, Debug, Default)]
enum Draws {
    #[default]
    All,
    UpTo(Draw),
    None,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// It is scored.
    Row,
    /// Another shard scores it.
    OtherShard,
    /// Nobody asked for it.
    Nothing,
}

impl Selector {
    /// A selector; `bound` is the last draw of a sample of so many rows.
    pub(super) fn new(selection: &Selection, bound: Option<Draw>) -> Self {
        let draws = match selection.sample {
            None => Draws::All,
            Some(Sample::Rows(_)) => bound.map_or(Draws::None, Draws::UpTo),
            Some(Sample::Millionths(share)) => {
                let draws = u128::from(share) << 64;
                match u64::try_from(draws / 1_000_000) {
                    Ok(0) => Draws::None,
                    Ok(first_out) => Draws::UpTo((first_out - 1, usize::MAX, u64::MAX)),
                    Err(_) => Draws::All,
                }
            }
        };
        let fields = selection
            .conditions
            .iter()
            .map(|condition| &condition.field);
        Self {
            conditions: selection.conditions.clone(),
            seed: selection.seed,
            draws,
            shard: selection.shard,
            met: 0,
            noticed: Arc::new(Noticed::new(fields.cloned())),
        }
    }

    /// A selector by conditions alone.
    pub(super) fn by_conditions(selection: &Selection) -> Self {
        Self {
            conditions: selection.conditions.clone(),
            ..Self::default()
        }
    }

    /// What becomes of the row; `line` is `None` where it is too long to be read.
    pub(super) fn take(&mut self, line: Option<&[u8]>, at: Position) -> Take {
        let is_drawn = match self.draws {
            Draws::All => true,
            Draws::UpTo(last) => draw(self.seed, at) <= last,
            Draws::None => false,
        };
        if !is_drawn || !self.meets_conditions(line) {
            return Take::Nothing;
        }
        let number = self.met;
        self.met += 1;
        match self.shard {
            Some(shard) if number % shard.of != shard.number - 1 => Take::OtherShard,
            _ => Take::Row,
        }
    }

    fn meets_conditions(&self, line: Option<&[u8]>) -> bool {
        if self.conditions.is_empty() {
            return true;
        }
        match line.map(Record::parse) {
            Some(Ok(record)) => {
                self.noticed.notice(&record);
                let mut all = self.conditions.iter();
                all.all(|condition| condition.holds(&record))
            }
            _ => true,
        }
    }

    /// The fields of conditions that none of the rows so far has.
    pub(super) fn absent(&self) -> Vec<AbsentField> {
        self.noticed.absent()
    }
}

/// Keeps the least draws.
#[derive(Debug)]
pub(super) struct Lottery {
    seed: u64,
    most: usize,
    least: BinaryHeap<Draw>,
}

impl Lottery {
    pub(super) fn new(seed: u64, most: u64) -> Self {
        Self {
            seed,
            most: usize::try_from(most).unwrap_or(usize::MAX),
            least: BinaryHeap::new(),
        }
    }

    pub(super) fn enter(&mut self, at: Position) {
        self.least.push(draw(self.seed, at));
        if self.least.len() > self.most {
            self.least.pop();
        }
    }

    /// The greatest draw that wins; `None` where nobody has entered.
    pub(super) fn bound(&self) -> Option<Draw> {
        self.least.peek().copied()
    }
}

/// A number that seed and place decide, spread evenly, and the place for ties.
/// The mixing function is that of SplitMix64 (Steele, Lea, Flood 2014).
fn draw(seed: u64, at: Position) -> Draw {
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let step = |state: u64, part: u64| mix((state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15));
    let hash = step(step(step(0, seed), at.input as u64), at.line);
    (hash, at.input, at.line)
}
