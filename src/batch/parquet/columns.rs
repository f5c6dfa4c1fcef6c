//! Columns for JSON: which type each field of the rows has, and which values fit.
//!
//! A column keeps the type that it has in the inputs, where those are Parquet
//! and agree, and else has the type of its values in the first row group. Values
//! of several types, and structures without a shape, are kept as JSON text. What
//! later does not fit its column is a misfit; it is written beside, as JSON.
//!
//! A number is in a column of numbers only if it comes out of it as it went in: a
//! reference with more digits than a float has would be another reference.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_schema::{DataType, Field};
use serde_json::Value;

use super::numbers::{are_exact, is_exact};
use super::table::Beside;
use crate::rollout::Record;

/// Fields of a structure; more are no structure but a table of their own.
const MAX_FIELDS: usize = 64;
/// Whole numbers up to this are the same as floats.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// A column of the inputs in the output.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Strings that are JSON.
    Json,
    Typed(DataType),
}

/// The columns of the rows of a first row group.
pub(super) fn infer(
    rows: &[Record<'_>],
    hints: &HashMap<String, DataType>,
    beside: &Beside,
) -> Vec<Column> {
    let own: HashSet<String> = beside.names();
    let mut names: Vec<&str> = Vec::new();
    let mut values: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, value) in rows.iter().flat_map(Record::columns) {
        // A name of ours is not the input's to have.
        if own.contains(name) {
            continue;
        }
        let values = values.entry(name).or_insert_with(|| {
            names.push(name);
            Vec::new()
        });
        values.push(value);
    }
    let column = |name: &str| {
        let values = &values[name];
        let kind = match hints.get(name) {
            Some(kind) if values.iter().all(|value| fits(value, kind, beside)) => {
                Kind::Typed(kind.clone())
            }
            _ => match shape_of(values, beside) {
                Kind::Typed(kind) if !beside.keeps(&kind) => Kind::Json,
                kind => kind,
            },
        };
        Column {
            name: name.to_owned(),
            kind,
        }
    };
    names.into_iter().map(column).collect()
}

/// Whether a column of `kind` can hold the value, as it is.
pub(super) fn fits(value: &str, kind: &DataType, beside: &Beside) -> bool {
    if value == "null" {
        return true;
    }
    match kind {
        // Half an emoji is JSON, but no text.
        DataType::Utf8 if value.starts_with('"') && !value.contains("\\u") => true,
        DataType::Int64 => value.parse::<i64>().is_ok() && is_exact(value),
        _ => {
            let is_exact = has_decimals(kind) || are_exact(value);
            is_exact
                && serde_json::from_str(value).is_ok_and(|value| value_fits(&value, kind, beside))
        }
    }
}

/// Whether the type has numbers of any length, whose digits nobody rounds.
fn has_decimals(kind: &DataType) -> bool {
    match kind {
        DataType::List(item) | DataType::LargeList(item) => has_decimals(item.data_type()),
        DataType::Map(entries, _) => has_decimals(entries.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_decimals(field.data_type())),
        kind => kind.is_decimal(),
    }
}

/// Of a value whose numbers are what they are as floats or whole numbers.
fn value_fits(value: &Value, kind: &DataType, beside: &Beside) -> bool {
    match (value, kind) {
        (Value::Null, _)
        | (Value::String(_), DataType::Utf8)
        | (Value::Bool(_), DataType::Boolean) => true,
        (Value::Number(number), DataType::Float64) => number.as_f64().is_some_and(|float| {
            number.is_f64() || beside.takes_whole_floats() && float.abs() <= MAX_EXACT
        }),
        (Value::Number(number), DataType::Float32) => number.as_f64().is_some_and(|float| {
            let short = (float as f32).to_string();
            number.is_f64() && short.parse() == Ok(float)
        }),
        (Value::Number(number), kind) if kind.is_integer() => {
            let (least, most) = match kind {
                DataType::Int8 => (i128::from(i8::MIN), i128::from(i8::MAX)),
                DataType::Int16 => (i128::from(i16::MIN), i128::from(i16::MAX)),
                DataType::Int32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
                DataType::Int64 => (i128::from(i64::MIN), i128::from(i64::MAX)),
                DataType::UInt8 => (0, i128::from(u8::MAX)),
                DataType::UInt16 => (0, i128::from(u16::MAX)),
                DataType::UInt32 => (0, i128::from(u32::MAX)),
                _ => (0, i128::from(u64::MAX)),
            };
            let whole = number.as_i64().map(i128::from);
            let whole = whole.or(number.as_u64().map(i128::from));
            whole.is_some_and(|whole| (least..=most).contains(&whole))
        }
        (Value::Number(_), DataType::Decimal128(..) | DataType::Decimal256(..)) => true,
        (Value::String(_), kind) if kind.is_temporal() => true,
        (Value::Array(items), DataType::List(item) | DataType::LargeList(item)) => items
            .iter()
            .all(|value| value_fits(value, item.data_type(), beside)),
        (Value::Object(map), DataType::Struct(fields)) => map.iter().all(|(name, value)| {
            let field = fields.iter().find(|field| field.name() == name);
            field.is_some_and(|field| value_fits(value, field.data_type(), beside))
        }),
        (Value::Object(map), DataType::Map(entries, _)) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => map
                .values()
                .all(|value| value_fits(value, fields[1].data_type(), beside)),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a value can seem to fit and still be refused: what is a date is known
/// by reading it.
pub(super) fn is_doubtful(kind: &Kind) -> bool {
    fn doubtful(kind: &DataType) -> bool {
        match kind {
            DataType::List(item) | DataType::LargeList(item) => doubtful(item.data_type()),
            DataType::Map(entries, _) => doubtful(entries.data_type()),
            DataType::Struct(fields) => fields.iter().any(|field| doubtful(field.data_type())),
            kind => kind.is_temporal() || kind.is_decimal(),
        }
    }
    matches!(kind, Kind::Typed(kind) if doubtful(kind))
}

/// The type that an output column takes over from an input's, if it can.
pub(super) fn taken_over(kind: &DataType) -> Option<DataType> {
    let field = |field: &Arc<Field>| {
        let kind = taken_over(field.data_type())?;
        Some(Arc::new(Field::new(field.name(), kind, true)))
    };
    Some(match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::List(item) | DataType::FixedSizeList(item, _) => DataType::List(field(item)?),
        DataType::LargeList(item) => DataType::LargeList(field(item)?),
        DataType::Struct(fields) if !fields.is_empty() => {
            DataType::Struct(fields.iter().map(field).collect::<Option<_>>()?)
        }
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => {
            DataType::Struct(vec![Field::new("base64", DataType::Utf8, true)].into())
        }
        DataType::Timestamp(..)
        | DataType::Date32
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Boolean
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => kind.clone(),
        kind if kind.is_integer() => kind.clone(),
        _ => return None,
    })
}

/// The type of messages, each with a role and its content.
pub(super) fn conversation() -> DataType {
    let text = |name| Field::new(name, DataType::Utf8, true);
    let message = DataType::Struct(vec![text("role"), text("content")].into());
    DataType::List(Arc::new(Field::new("element", message, true)))
}

/// What values have in common.
enum Shape {
    Nothing,
    Boolean,
    Whole,
    Float,
    /// Whole numbers and floats.
    Numbers,
    Text,
    List(Box<Shape>),
    Struct(Vec<(String, Shape)>),
    Mixed,
}

fn shape_of(values: &[&str], beside: &Beside) -> Kind {
    let mut shape = Shape::Nothing;
    for value in values {
        if !are_exact(value) {
            return Kind::Json;
        }
        let of = match serde_json::from_str(value) {
            Ok(value) => Shape::of(&value),
            // It will be a misfit.
            Err(_) => Shape::Nothing,
        };
        shape = shape.with(of);
        if matches!(shape, Shape::Mixed) {
            return Kind::Json;
        }
    }
    match shape {
        // Nobody knows what comes later; JSON takes anything.
        Shape::Nothing => Kind::Json,
        shape => shape.data_type(beside).map_or(Kind::Json, Kind::Typed),
    }
}

impl Shape {
    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(_) => Self::Boolean,
            Value::String(_) => Self::Text,
            Value::Number(number) => match number.as_f64() {
                _ if number.is_i64() => Self::Whole,
                Some(float) if float.abs() <= MAX_EXACT => Self::Float,
                _ => Self::Mixed,
            },
            Value::Array(items) => {
                let item = items.iter().map(Self::of).fold(Self::Nothing, Self::with);
                Self::List(Box::new(item))
            }
            Value::Object(map) => {
                let fields = map
                    .iter()
                    .map(|(name, value)| (name.clone(), Self::of(value)));
                Self::Struct(fields.collect())
            }
        }
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, shape) | (shape, Self::Nothing) => shape,
            (Self::Boolean, Self::Boolean) => Self::Boolean,
            (Self::Text, Self::Text) => Self::Text,
            (Self::Whole, Self::Whole) => Self::Whole,
            (Self::Float, Self::Float) => Self::Float,
            (
                Self::Whole | Self::Float | Self::Numbers,
                Self::Whole | Self::Float | Self::Numbers,
            ) => Self::Numbers,
            (Self::List(a), Self::List(b)) => Self::List(Box::new(a.with(*b))),
            (Self::Struct(mut fields), Self::Struct(others)) => {
                for (name, shape) in others {
                    match fields.iter_mut().find(|(other, _)| *other == name) {
                        Some((_, known)) => {
                            let before = std::mem::replace(known, Self::Nothing);
                            *known = before.with(shape);
                        }
                        None => fields.push((name, shape)),
                    }
                }
                match fields.len() {
                    0..=MAX_FIELDS => Self::Struct(fields),
                    _ => Self::Mixed,
                }
            }
            _ => Self::Mixed,
        }
    }

    /// `None` for what is better kept as JSON.
    fn data_type(&self, beside: &Beside) -> Option<DataType> {
        Some(match self {
            Self::Boolean => DataType::Boolean,
            Self::Whole => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Numbers if beside.takes_whole_floats() => DataType::Float64,
            // Within a structure: most often a text that is never there.
            Self::Text | Self::Nothing => DataType::Utf8,
            Self::List(item) => DataType::List(Arc::new(Field::new(
                "element",
                item.data_type(beside)?,
                true,
            ))),
            Self::Struct(fields) if !fields.is_empty() => {
                let fields = fields
                    .iter()
                    .map(|(name, shape)| Some(Field::new(name, shape.data_type(beside)?, true)));
                DataType::Struct(fields.collect::<Option<_>>()?)
            }
            Self::Struct(_) | Self::Numbers | Self::Mixed => return None,
        })
    }
}
