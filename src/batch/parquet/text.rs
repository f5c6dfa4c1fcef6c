//! Rows of a batch as JSON text, as a file of JSON lines would have them.
//!
//! - A null of a column is `null`; a null within a structure is left out, since
//!   Parquet cannot tell it from a field that was never there.
//! - A float that is not finite is `null`: JSON has no such number.
//! - Dates and times are strings of RFC 3339; decimals are numbers with all
//!   their digits.
//! - Bytes are `{"base64": "…"}`: never a string, so that they are not judged as
//!   text that somebody wrote.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayAccessor, PrimitiveArray, RecordBatch};
use arrow_json::writer::NullableEncoder;
use arrow_json::{Encoder, EncoderFactory, EncoderOptions};
use arrow_schema::{ArrowError, DataType, FieldRef};
use serde::de::IgnoredAny;

use super::fold::{Fold, ScoreText, string_at};

/// How values become text; made once, since encoders borrow it.
pub(super) fn options() -> EncoderOptions {
    EncoderOptions::default().with_encoder_factory(Arc::new(Ours))
}

/// The rows of one batch.
pub(super) struct RowText<'b> {
    columns: Vec<Column<'b>>,
    score: Option<ScoreText<'b>>,
    fold: &'b Fold,
    batch: &'b RecordBatch,
}

struct Column<'b> {
    name: &'b str,
    /// `"name":`
    head: Vec<u8>,
    array: &'b dyn Array,
    /// `None` for a column whose strings are JSON themselves.
    encoder: Option<NullableEncoder<'b>>,
}

impl<'b> RowText<'b> {
    /// # Errors
    /// When a column's type has no JSON form.
    pub(super) fn new(
        batch: &'b RecordBatch,
        fields: &'b [FieldRef],
        fold: &'b Fold,
        options: &'b EncoderOptions,
    ) -> Result<Self, ArrowError> {
        let mut columns = Vec::new();
        for (index, array) in batch.columns().iter().enumerate() {
            if fold.is_ours(index) {
                continue;
            }
            let field = &fields[index];
            let mut head = Vec::new();
            json(&mut head, field.name());
            head.push(b':');
            let encoder = match fold.is_json(index) {
                true => None,
                false => Some(arrow_json::writer::make_encoder(field, array, options)?),
            };
            columns.push(Column {
                name: field.name(),
                head,
                array,
                encoder,
            });
        }
        Ok(Self {
            columns,
            score: fold.score_text(batch),
            fold,
            batch,
        })
    }

    /// At least how many bytes the row's text has, without making it.
    pub(super) fn least_bytes(&self, row: usize) -> u64 {
        let columns = self.columns.iter();
        columns.map(|column| least_bytes(column.array, row)).sum()
    }

    /// Appends the row's text.
    pub(super) fn write(&mut self, row: usize, out: &mut Vec<u8>) {
        let misfits = self.fold.misfits(self.batch, row);
        out.push(b'{');
        for (index, column) in self.columns.iter_mut().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&column.head);
            let misfit = misfits.get(column.name);
            match &mut column.encoder {
                _ if misfit.is_some() => json_text(out, misfit.unwrap_or("null")),
                Some(encoder) if encoder.is_null(row) => out.extend_from_slice(b"null"),
                Some(encoder) => encoder.encode(row, out),
                None => {
                    json_text(out, string_at(column.array, row).unwrap_or("null"));
                }
            }
        }
        // Values without a column of their own.
        for (name, value) in misfits.iter() {
            if self.columns.iter().any(|column| column.name == name) {
                continue;
            }
            separate(out);
            json(out, name);
            out.push(b':');
            json_text(out, value);
        }
        if let Some(score) = &self.score {
            separate(out);
            score.write(row, out);
        }
        out.push(b'}');
    }
}

/// Puts a comma between two fields.
fn separate(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

/// Bytes of the strings in a value, and one for every other value.
fn least_bytes(array: &dyn Array, row: usize) -> u64 {
    if array.is_null(row) {
        return 1;
    }
    let many = |values: &dyn Array, from: usize, count: usize| -> u64 {
        match values.data_type() {
            kind if kind.is_primitive() || *kind == DataType::Boolean => count as u64,
            _ => {
                let rows = from..from + count;
                rows.map(|row| least_bytes(values, row))
                    .fold(0, u64::saturating_add)
            }
        }
    };
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).len() as u64,
        DataType::Utf8 => array.as_string::<i32>().value(row).len() as u64,
        DataType::BinaryView => array.as_binary_view().value(row).len() as u64,
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            let count = offsets[row + 1] - offsets[row];
            many(list.values(), offsets[row] as usize, count as usize)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let offsets = list.value_offsets();
            let count = offsets[row + 1] - offsets[row];
            many(list.values(), offsets[row] as usize, count as usize)
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let offsets = map.value_offsets();
            let count = offsets[row + 1] - offsets[row];
            many(map.entries(), offsets[row] as usize, count as usize)
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            columns.map(|column| least_bytes(column, row)).sum()
        }
        _ => 1,
    }
}

/// Encoders for what arrow writes in a way that would not do.
#[derive(Debug)]
struct Ours;

impl EncoderFactory for Ours {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let encoder: Box<dyn Encoder + 'a> = match array.data_type() {
            DataType::Float16 => Box::new(Float16(array.as_primitive())),
            DataType::Float32 => Box::new(Float32(array.as_primitive())),
            DataType::Float64 => Box::new(Float64(array.as_primitive())),
            DataType::Binary => Box::new(Bytes(array.as_binary::<i32>())),
            DataType::LargeBinary => Box::new(Bytes(array.as_binary::<i64>())),
            DataType::BinaryView => Box::new(Bytes(array.as_binary_view())),
            DataType::FixedSizeBinary(_) => Box::new(Bytes(array.as_fixed_size_binary())),
            _ => return Ok(None),
        };
        Ok(Some(NullableEncoder::new(encoder, array.nulls().cloned())))
    }
}

struct Float16<'a>(&'a PrimitiveArray<Float16Type>);
struct Float32<'a>(&'a PrimitiveArray<Float32Type>);
struct Float64<'a>(&'a PrimitiveArray<Float64Type>);
struct Bytes<A>(A);

impl Encoder for Float16<'_> {
    /// The fewest digits that no other half has: 0.1, and not 0.0999755859375. Whole
    /// numbers have all of theirs.
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        type Half = <Float16Type as ArrowPrimitiveType>::Native;
        let half = self.0.value(index);
        let exact = half.to_f64();
        // Five digits tell all halves apart.
        let most = if exact.fract() == 0.0 { 0 } else { 5 };
        let short = (0..most).find_map(|digits| {
            let number: f64 = format!("{exact:.digits$e}").parse().ok()?;
            (Half::from_f64(number) == half).then_some(number)
        });
        json(out, &short.unwrap_or(exact));
    }
}

impl Encoder for Float32<'_> {
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        json(out, &self.0.value(index));
    }
}

impl Encoder for Float64<'_> {
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        json(out, &self.0.value(index));
    }
}

impl<'a, A: ArrayAccessor<Item = &'a [u8]>> Encoder for Bytes<A> {
    fn encode(&mut self, index: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"base64":""#);
        base64(self.0.value(index), out);
        out.extend_from_slice(br#""}"#);
    }
}

/// Source: RFC 4648, section 4.
fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let mut padded = [0; 3];
        padded[..three.len()].copy_from_slice(three);
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for digit in 0..4 {
            out.push(match digit <= three.len() {
                true => DIGITS[(bits >> (18 - 6 * digit)) as usize & 63],
                false => b'=',
            });
        }
    }
}

/// Appends JSON that a column holds as text: its bytes without those between
/// values, which may end a line; text that is no JSON as a string.
pub(super) fn json_text(out: &mut Vec<u8>, text: &str) {
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return json(out, text);
    }
    let (mut in_string, mut is_escaped) = (false, false);
    for &byte in text.as_bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            b' ' | b'\t' | b'\n' | b'\r' if !in_string => continue,
            _ => {}
        }
        out.push(byte);
    }
}

pub(super) fn json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("a Vec takes every byte and all keys are strings");
}
