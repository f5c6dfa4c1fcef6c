//! Rows of a Parquet file, one row group after the other, as lines of JSON.
//!
//! In memory are the pages that a batch of rows needs, the batch, and the text
//! of some rows. Strings stay in the pages that they came in until their row is
//! written, so that a dictionary cannot multiply them.

use std::any::Any;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_json::EncoderOptions;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::file::reader::ChunkReader;

use super::fold::{Fold, KEY};
use super::guard;
use super::text::{self, RowText};

/// Text of rows is made ahead up to this size.
const TEXT_BYTES: usize = 256 * 1024;

/// A file, or a part of one in memory.
pub(in crate::batch) trait Store: ChunkReader + Sized + 'static {
    /// Another handle on the same bytes.
    fn again(&self) -> io::Result<Self>;
}

impl Store for File {
    fn again(&self) -> io::Result<Self> {
        self.try_clone()
    }
}

impl Store for bytes::Bytes {
    fn again(&self) -> io::Result<Self> {
        Ok(self.clone())
    }
}

/// An opened file.
pub(in crate::batch) struct Rows<S> {
    store: S,
    metadata: ArrowReaderMetadata,
    schema: SchemaRef,
    fold: Fold,
    options: EncoderOptions,
    /// The row group that comes next.
    group: usize,
    batches: Option<ParquetRecordBatchReader>,
    batch: Option<(RecordBatch, usize)>,
    text: Vec<u8>,
    ready: VecDeque<Ready>,
    /// Bytes of the file per row of the row group that is being read.
    row_bytes: f64,
    taken: f64,
}

/// A row whose text is made.
enum Ready {
    Text(Range<usize>),
    TooLong(u64),
}

/// What [`Rows::take`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::batch) enum Taken {
    /// The row's text was appended.
    Text,
    /// It has more bytes than allowed: at least so many.
    TooLong(u64),
    /// There is no further row.
    End,
}

impl<S: Store> Rows<S> {
    /// Reads the footer.
    ///
    /// # Errors
    /// A sentence of what is amiss, without the file's name.
    pub(in crate::batch) fn open(store: S) -> Result<Self, String> {
        guard::check_footer(&store)?;
        caught(|| {
            let options = ArrowReaderOptions::new();
            let found = ArrowReaderMetadata::load(&store, options.clone());
            let mut metadata = found.map_err(|error| error.to_string())?;
            guard::check_codecs(metadata.metadata().row_groups())?;
            let names = metadata.schema().fields().iter().map(|field| field.name());
            let mut names: Vec<&String> = names.collect();
            names.sort_unstable();
            if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(format!("it has two columns named `{}`", pair[0]));
            }
            let viewed = Schema::new(fields(metadata.schema().fields()));
            let options = options.with_schema(Arc::new(viewed));
            if let Ok(viewed) =
                ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
            {
                metadata = viewed;
            }
            let schema = Arc::clone(metadata.schema());
            let notes = metadata.metadata().file_metadata().key_value_metadata();
            let notes = notes.and_then(|notes| notes.iter().find(|note| note.key == KEY));
            let fold = Fold::new(notes.and_then(|note| note.value.as_deref()), &schema);
            let options = text::options();
            // A column that has no form in JSON is known before the first row.
            let empty = RecordBatch::new_empty(Arc::clone(&schema));
            RowText::new(&empty, schema.fields(), &fold, &options)
                .map_err(|error| error.to_string())?;
            Ok(Self {
                store,
                metadata,
                schema,
                fold,
                options,
                group: 0,
                batches: None,
                batch: None,
                text: Vec::new(),
                ready: VecDeque::new(),
                row_bytes: 0.0,
                taken: 0.0,
            })
        })
    }

    /// The columns.
    pub(in crate::batch) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many of the file's bytes the rows so far come to.
    pub(in crate::batch) fn taken(&self) -> u64 {
        self.taken as u64
    }

    /// Appends the text of the next row to `out`.
    ///
    /// # Errors
    /// As [`Rows::open`].
    pub(in crate::batch) fn take(
        &mut self,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<Taken, String> {
        while self.ready.is_empty() {
            self.text.clear();
            if self.batch.is_none() && !caught(|| self.next_batch())? {
                self.taken = self.store.len() as f64;
                return Ok(Taken::End);
            }
            caught(|| self.write(limit))?;
        }
        self.taken += self.row_bytes;
        Ok(match self.ready.pop_front() {
            Some(Ready::Text(range)) => {
                out.extend_from_slice(&self.text[range]);
                Taken::Text
            }
            Some(Ready::TooLong(bytes)) => Taken::TooLong(bytes),
            None => Taken::End,
        })
    }

    /// Decodes the next batch; `false` at the end.
    fn next_batch(&mut self) -> Result<bool, String> {
        loop {
            if let Some(batches) = &mut self.batches {
                match batches.next() {
                    Some(Ok(batch)) if batch.num_rows() == 0 => continue,
                    Some(Ok(batch)) => {
                        self.batch = Some((batch, 0));
                        return Ok(true);
                    }
                    Some(Err(error)) => return Err(error.to_string()),
                    None => self.batches = None,
                }
            }
            let parquet = self.metadata.metadata();
            if self.group >= parquet.num_row_groups() {
                return Ok(false);
            }
            let group = parquet.row_group(self.group);
            let rows = u64::try_from(group.num_rows()).map_err(|_| "its footer is damaged")?;
            let batch_rows = guard::batch_rows(&self.store, group.columns(), rows)?;
            self.row_bytes = group.compressed_size() as f64 / rows.max(1) as f64;
            let store = self.store.again().map_err(|error| error.to_string())?;
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(store, self.metadata.clone());
            let reader = builder
                .with_row_groups(vec![self.group])
                .with_batch_size(batch_rows)
                .build();
            self.batches = Some(reader.map_err(|error| error.to_string())?);
            self.group += 1;
        }
    }

    /// Makes the text of some rows of the batch.
    fn write(&mut self, limit: usize) -> Result<(), String> {
        let Some((batch, at)) = &mut self.batch else {
            return Ok(());
        };
        let made = RowText::new(batch, self.schema.fields(), &self.fold, &self.options);
        let mut rows = made.map_err(|error| error.to_string())?;
        while *at < batch.num_rows() && self.text.len() < TEXT_BYTES {
            let start = self.text.len();
            let mut bytes = rows.least_bytes(*at);
            if bytes <= limit as u64 {
                rows.write(*at, &mut self.text);
                bytes = (self.text.len() - start) as u64;
            }
            *at += 1;
            self.ready.push_back(match bytes <= limit as u64 {
                true => Ready::Text(start..self.text.len()),
                false => {
                    self.text.truncate(start);
                    Ready::TooLong(bytes)
                }
            });
        }
        let is_read = *at == batch.num_rows();
        drop(rows);
        if is_read {
            self.batch = None;
        }
        Ok(())
    }
}

/// The same columns, strings and bytes as views.
fn fields(fields: &Fields) -> Fields {
    fields.iter().map(|field| viewed(field)).collect()
}

fn viewed(field: &Field) -> Field {
    let inner = |field: &Arc<Field>| Arc::new(viewed(field));
    let kind = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, value) => {
            let plain = Field::new("", (**value).clone(), true);
            viewed(&plain).data_type().clone()
        }
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) => DataType::LargeList(inner(item)),
        DataType::FixedSizeList(item, count) => DataType::FixedSizeList(inner(item), *count),
        DataType::Struct(members) => DataType::Struct(fields(members)),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        // Names of zones need a data base of their own; an instant needs none.
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        other => other.clone(),
    };
    Field::new(field.name(), kind, field.is_nullable()).with_metadata(field.metadata().clone())
}

/// A panic of the decoder is the file's fault as far as anybody can tell, and
/// no reason to lose the process.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(format!("the decoder panicked: {}", panic_text(&*panic))))
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
