//! Tables through Arrow's C stream interface: rows in, scores out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::builder::{Float64Builder, StringBuilder};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow_json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder, make_encoder};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema};
use goldstone::reward;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::class_name;
use crate::records::{Fields, Records};

/// The rows of whatever has `__arrow_c_stream__`.
pub(crate) fn read<'f>(fields: &'f Fields, table: &Bound<'_, PyAny>) -> PyResult<Records<'f>> {
    let mut records = Records::new(fields);
    for batch in reader(table)? {
        write(&batch.map_err(refused)?, &mut records).map_err(refused)?;
    }
    Ok(records)
}

/// Scores as a table; `pyarrow.table` and its like take it.
#[pyclass(frozen, module = "goldstone._goldstone")]
pub(crate) struct ScoredStream {
    batch: RecordBatch,
}

impl ScoredStream {
    /// The scores of a spec with these rewards; `json` names a column that has each
    /// score as the command line writes it.
    pub(crate) fn new(
        rewards: &[String],
        scores: &[reward::Score],
        json: Option<&str>,
    ) -> PyResult<Self> {
        let batch = batch(rewards, scores, json).map_err(refused)?;
        Ok(Self { batch })
    }
}

#[pymethods]
impl ScoredStream {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface lets a producer ignore what is asked for.
        drop(requested_schema);
        let schema = self.batch.schema();
        let batches = RecordBatchIterator::new([Ok(self.batch.clone())], schema);
        let reader: Box<dyn RecordBatchReader + Send> = Box::new(batches);
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), c"arrow_array_stream")
    }
}

fn refused(error: ArrowError) -> PyErr {
    PyValueError::new_err(format!("the table cannot be read: {error}"))
}

fn reader(table: &Bound<'_, PyAny>) -> PyResult<RecordBatchStreamReader> {
    let capsule = table.call_method0("__arrow_c_stream__")?;
    let capsule = capsule.cast::<PyCapsule>().map_err(|_| {
        let class = class_name(&capsule);
        PyTypeError::new_err(format!("`__arrow_c_stream__` gave a `{class}`, no capsule"))
    })?;
    let stream = capsule.pointer_checked(Some(c"arrow_array_stream"))?;
    #[expect(unsafe_code, reason = "Arrow's C interface is a pointer")]
    // SAFETY: a capsule of this name points to a stream, by the PyCapsule interface;
    // the reader moves it out and marks it as released.
    unsafe { RecordBatchStreamReader::from_raw(stream.as_ptr().cast()) }.map_err(refused)
}

/// Writes the rows of a batch as JSON; columns that nobody reads are `null`, as they
/// are for rows of Python.
fn write(batch: &RecordBatch, records: &mut Records<'_>) -> Result<(), ArrowError> {
    let fields = records.fields();
    // Nulls inside of a struct are left out: Arrow has every key in every row.
    let bytes = Arc::new(BytesMet::default());
    let options = EncoderOptions::default().with_encoder_factory(bytes.clone());
    let schema = batch.schema();
    let mut columns = Vec::new();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let name = serde_json::to_string(field.name())
            .map_err(|error| ArrowError::JsonError(error.to_string()))?;
        let encoder = match fields.are_read(field.name()) && !column.data_type().is_null() {
            true => Some(make_encoder(field, column, &options)?),
            false => None,
        };
        columns.push((name, encoder));
    }
    for row in 0..batch.num_rows() {
        let mut text = Vec::with_capacity(512);
        let mut unusable = None;
        text.push(b'{');
        for (index, (name, encoder)) in columns.iter_mut().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            text.extend(name.bytes());
            text.push(b':');
            match encoder {
                Some(encoder) if !encoder.is_null(row) => encoder.encode(row, &mut text),
                _ => text.extend(b"null"),
            }
            if bytes.take() {
                unusable = unusable.or(Some(index));
            }
        }
        text.push(b'}');
        match unusable {
            None => records.push_written(text),
            Some(index) => records.push_bytes(schema.field(index).name(), &text),
        }
    }
    Ok(())
}

/// Notes that a value is bytes. As JSON they would be hexadecimal digits, so that an
/// answer of other digits would be the right one: what they mean, nobody knows here.
#[derive(Debug, Default, Clone)]
struct BytesMet(Arc<AtomicBool>);

impl BytesMet {
    /// Whether bytes were met since this was asked last.
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl EncoderFactory for BytesMet {
    fn make_default_encoder<'a>(
        &self,
        _: &'a FieldRef,
        array: &'a dyn Array,
        _: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        Ok(match array.data_type() {
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => {
                let nulls = array.nulls().cloned();
                Some(NullableEncoder::new(Box::new(self.clone()), nulls))
            }
            _ => None,
        })
    }
}

impl Encoder for BytesMet {
    fn encode(&mut self, _: usize, out: &mut Vec<u8>) {
        self.0.store(true, Ordering::Relaxed);
        out.extend(b"null");
    }
}

/// One row for each score; one column for each thing that a score says.
fn batch(
    names: &[String],
    scores: &[reward::Score],
    json: Option<&str>,
) -> Result<RecordBatch, ArrowError> {
    let mut fields: Vec<FieldRef> = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    let mut add = |name: String, column: ArrayRef| {
        let kind: DataType = column.data_type().clone();
        fields.push(Arc::new(Field::new(name, kind, true)));
        columns.push(column);
    };
    add("id".to_owned(), texts(scores, |score| Some(&score.id)));
    add(
        "group".to_owned(),
        texts(scores, |score| Some(&score.group)),
    );
    add("reward".to_owned(), numbers(scores, |score| score.reward));
    let status = |score: &reward::Score| match score.status {
        reward::Status::Ok => "ok",
        reward::Status::Abstain => "abstain",
        reward::Status::Error => "error",
    };
    add(
        "status".to_owned(),
        texts(scores, |score| Some(status(score))),
    );
    for name in names {
        let value = |score: &reward::Score| score.term(name)?.value;
        add(format!("r.{name}"), numbers(scores, value));
    }
    for name in names {
        let raw = |score: &reward::Score| score.term(name)?.raw;
        add(format!("raw.{name}"), numbers(scores, raw));
    }
    for name in names {
        let column = texts(scores, |score| score.term(name)?.reason);
        add(format!("reason.{name}"), column);
    }
    let error = texts(scores, |score| Some(score.error.as_ref()?.message.as_str()));
    add("error".to_owned(), error);
    if let Some(json) = json {
        let mut column = StringBuilder::new();
        for score in scores {
            column.append_value(serde_json::to_string(score).expect("a score is JSON"));
        }
        add(json.to_owned(), Arc::new(column.finish()));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn numbers(scores: &[reward::Score], number: impl Fn(&reward::Score) -> Option<f64>) -> ArrayRef {
    let mut column = Float64Builder::with_capacity(scores.len());
    scores
        .iter()
        .for_each(|score| column.append_option(number(score)));
    Arc::new(column.finish())
}

fn texts<'s>(
    scores: &'s [reward::Score],
    text: impl Fn(&'s reward::Score) -> Option<&'s str>,
) -> ArrayRef {
    let mut column = StringBuilder::new();
    scores
        .iter()
        .for_each(|score| column.append_option(text(score)));
    Arc::new(column.finish())
}
