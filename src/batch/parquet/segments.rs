//! Parquet outputs that can be gone on with.
//!
//! A Parquet file tells where its columns are at its end alone, so that one which
//! was cut is lost. Here every row group lies in the file as a small Parquet file
//! of its own, with its length before it; the footer at the end of the whole file
//! names the columns within those. Readers see an ordinary file with gaps of a
//! few kilobytes between row groups; whoever goes on with an unfinished one finds
//! the row groups from its beginning.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use arrow_schema::DataType;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::columns::{conversation, taken_over};
use super::fold::KEY;
use super::rows::{Rows, Taken};
use super::table::{Beside, Table};
use crate::batch::container::{Boundary, Codec, Laid, Layout};
use crate::batch::input::{Input, Inputs};

/// Text of a row group: large enough to compress well, small enough that it and
/// its columns fit into memory many times.
const BLOCK_BYTES: usize = 16 << 20;
/// Text that becomes columns at once.
const BATCH_BYTES: usize = 1 << 20;
const MAGIC: &[u8; 4] = b"PAR1";
/// The length before a row group's file.
const LENGTH_BYTES: u64 = 8;
/// zstd's default.
const ZSTD_LEVEL: i32 = 3;

/// Makes row groups.
pub(in crate::batch) struct Segments {
    beside: Beside,
    hints: HashMap<String, DataType>,
    table: Option<Table>,
    file: Option<FileMetaData>,
    groups: Vec<RowGroupMetaData>,
}

impl Segments {
    /// # Errors
    /// When the row groups that are there cannot be read.
    pub(in crate::batch) fn new(
        layout: &Layout<'_>,
        resumed: Option<(&File, Boundary)>,
    ) -> io::Result<Self> {
        let (beside, hints) = match &layout.rows {
            Laid::Scored { rewards, inputs } => {
                let rewards = rewards.clone();
                (Beside::Score { rewards }, hints(inputs))
            }
            Laid::Plain(kind) => (Beside::of(*kind), conversations()),
        };
        let mut segments = Self {
            beside,
            hints,
            table: None,
            file: None,
            groups: Vec::new(),
        };
        if let Some((file, boundary)) = resumed {
            for segment in found(file, boundary.end)? {
                segments.take(&segment.metadata, segment.start)?;
            }
        }
        Ok(segments)
    }

    /// Adds the row groups of a file within the file, at `start`.
    fn take(&mut self, metadata: &ParquetMetaData, start: u64) -> io::Result<()> {
        let file = self
            .file
            .get_or_insert_with(|| metadata.file_metadata().clone());
        if self.table.is_none() {
            let keys = file.key_value_metadata();
            let mut schema = parquet_to_arrow_schema(file.schema_descr(), keys).map_err(odd)?;
            for note in keys.into_iter().flatten().filter(|note| note.key == KEY) {
                schema
                    .metadata
                    .extend(note.value.clone().map(|value| (KEY.to_owned(), value)));
            }
            self.table = Table::of(&schema, &self.beside);
        }
        for group in metadata.row_groups() {
            let ordinal = i16::try_from(self.groups.len()).unwrap_or(i16::MAX);
            let mut columns = Vec::new();
            for column in group.columns() {
                let data = column.data_page_offset() + start as i64;
                let dictionary = column.dictionary_page_offset().map(|at| at + start as i64);
                let moved = column.clone().into_builder().set_data_page_offset(data);
                columns.push(
                    moved
                        .set_dictionary_page_offset(dictionary)
                        .build()
                        .map_err(odd)?,
                );
            }
            let at = group.file_offset().map(|at| at + start as i64);
            let mut moved = group.clone().into_builder().set_column_metadata(columns);
            if let Some(at) = at {
                moved = moved.set_file_offset(at);
            }
            self.groups
                .push(moved.set_ordinal(i32::from(ordinal)).build().map_err(odd)?);
        }
        Ok(())
    }

    /// A Parquet file of these rows.
    fn file(table: &Table, rows: &[u8]) -> io::Result<Vec<u8>> {
        let notes = table.schema().metadata().get(KEY).cloned();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(
                ZstdLevel::try_new(ZSTD_LEVEL).map_err(odd)?,
            ))
            .set_max_row_group_row_count(None)
            .set_max_row_group_bytes(None)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_key_value_metadata(
                notes.map(|notes| vec![KeyValue::new(KEY.to_owned(), Some(notes))]),
            )
            .build();
        let schema = table
            .schema()
            .as_ref()
            .clone()
            .with_metadata(HashMap::new());
        let schema = std::sync::Arc::new(schema);
        let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(odd)?;
        let mut at = 0;
        while at < rows.len() {
            let least = (at + BATCH_BYTES).min(rows.len()) - 1;
            let end =
                memchr::memchr(b'\n', &rows[least..]).map_or(rows.len(), |end| least + end + 1);
            writer.write(&table.batch(&rows[at..end])?).map_err(odd)?;
            at = end;
        }
        writer.into_inner().map_err(odd)
    }
}

impl Codec for Segments {
    fn block_bytes(&self) -> usize {
        BLOCK_BYTES
    }

    fn head(&self) -> &'static [u8] {
        MAGIC
    }

    fn block(&mut self, rows: &[u8], at: u64) -> io::Result<Vec<u8>> {
        let table = match self.table.take() {
            Some(table) => table,
            None => Table::infer(rows, &self.hints, &self.beside)?,
        };
        let file = Self::file(self.table.insert(table), rows)?;
        // As it will be read when the file is gone on with: the footer's bytes
        // must not depend on which it was.
        let metadata = footer(&file)?;
        self.take(&metadata, at + LENGTH_BYTES)?;
        let mut block = (file.len() as u64).to_le_bytes().to_vec();
        block.extend(file);
        Ok(block)
    }

    fn foot(&mut self, _at: u64) -> io::Result<Vec<u8>> {
        if self.file.is_none() {
            let table = Table::infer(b"", &self.hints, &self.beside)?;
            let empty = footer(&Self::file(&table, b"")?)?;
            self.file = Some(empty.file_metadata().clone());
        }
        let rows = self.groups.iter().map(RowGroupMetaData::num_rows).sum();
        let file = self.file.as_ref().map(|file| {
            FileMetaData::new(
                file.version(),
                rows,
                file.created_by().map(str::to_owned),
                file.key_value_metadata().cloned(),
                file.schema_descr_ptr(),
                file.column_orders().cloned(),
            )
        });
        let file = file.ok_or_else(|| io::Error::other("there is no footer"))?;
        let metadata = ParquetMetaData::new(file, self.groups.clone());
        let mut foot = Vec::new();
        ParquetMetaDataWriter::new(&mut foot, &metadata)
            .finish()
            .map_err(odd)?;
        Ok(foot)
    }
}

/// The types of the columns that all inputs have alike, where all are Parquet.
fn hints(inputs: &Inputs) -> HashMap<String, DataType> {
    // To look at a stream would take from what is scored.
    if inputs.stream().is_some() {
        return HashMap::new();
    }
    let mut hints: Option<HashMap<String, DataType>> = None;
    for input in inputs.list() {
        let Input::File(path) = input else {
            return HashMap::new();
        };
        let rows = File::open(path).ok().and_then(|file| Rows::open(file).ok());
        let Some(rows) = rows else {
            return HashMap::new();
        };
        let types = rows
            .schema()
            .fields()
            .iter()
            .filter_map(|field| Some((field.name().clone(), taken_over(field.data_type())?)));
        let types: HashMap<String, DataType> = types.collect();
        hints = Some(match hints {
            None => types,
            Some(mut known) => {
                known.retain(|name, kind| types.get(name) == Some(kind));
                known
            }
        });
    }
    hints.unwrap_or_default()
}

/// The columns that hold conversations, in rollouts and in what is learnt from.
fn conversations() -> HashMap<String, DataType> {
    let names = ["prompt", "completion", "messages", "chosen", "rejected"];
    let typed = names.map(|name| (name.to_owned(), conversation()));
    HashMap::from(typed)
}

/// A row group's file within a file.
struct Segment {
    start: u64,
    length: u64,
    metadata: ParquetMetaData,
}

/// The whole ones from the beginning, up to `end`.
fn found(mut file: &File, end: u64) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut at = MAGIC.len() as u64;
    loop {
        let mut length = [0; LENGTH_BYTES as usize];
        let start = at + LENGTH_BYTES;
        if start > end {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        let Some(next) = start.checked_add(length).filter(|next| *next <= end) else {
            break;
        };
        let Ok(metadata) = footer_at(file, start, length) else {
            break;
        };
        segments.push(Segment {
            start,
            length,
            metadata,
        });
        at = next;
    }
    Ok(segments)
}

fn footer_at(mut file: &File, start: u64, length: u64) -> io::Result<ParquetMetaData> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let mut tail = [0; 8];
    let tail_at = length.checked_sub(8).ok_or_else(damaged)?;
    file.seek(SeekFrom::Start(start + tail_at))?;
    file.read_exact(&mut tail)?;
    let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    let footer_at = tail_at.checked_sub(footer).ok_or_else(damaged)?;
    if tail[4..] != *MAGIC {
        return Err(damaged());
    }
    let mut bytes = vec![0; footer as usize];
    file.seek(SeekFrom::Start(start + footer_at))?;
    file.read_exact(&mut bytes)?;
    ParquetMetaDataReader::decode_metadata(&bytes).map_err(odd)
}

fn footer(file: &[u8]) -> io::Result<ParquetMetaData> {
    let odd_length = || io::Error::from(io::ErrorKind::InvalidData);
    let (rest, tail) = file.split_last_chunk::<8>().ok_or_else(odd_length)?;
    let length = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
    let start = rest.len().checked_sub(length).ok_or_else(odd_length)?;
    ParquetMetaDataReader::decode_metadata(&rest[start..]).map_err(odd)
}

/// The ends of the row groups of an output.
pub(in crate::batch) fn boundaries(file: &File) -> io::Result<Vec<Boundary>> {
    let mut boundaries = vec![Boundary::default()];
    let mut rows = 0;
    for segment in found(file, file.metadata()?.len())? {
        rows += segment.metadata.file_metadata().num_rows().unsigned_abs();
        let end = segment.start + segment.length;
        boundaries.push(Boundary { end, rows });
    }
    Ok(boundaries)
}

/// The rows of the row groups up to `end`, as lines.
pub(in crate::batch) fn segment_rows(file: File, end: u64) -> io::Result<Box<dyn BufRead + Send>> {
    let segments = found(&file, end)?;
    Ok(Box::new(BufReader::new(Lines {
        file,
        segments: segments.into_iter(),
        rows: None,
        line: Vec::new(),
        at: 0,
    })))
}

struct Lines {
    file: File,
    segments: std::vec::IntoIter<Segment>,
    rows: Option<Rows<Bytes>>,
    line: Vec<u8>,
    at: usize,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.line.len() {
            let Some(rows) = &mut self.rows else {
                let Some(segment) = self.segments.next() else {
                    return Ok(0);
                };
                let mut bytes = vec![0; segment.length as usize];
                self.file.seek(SeekFrom::Start(segment.start))?;
                self.file.read_exact(&mut bytes)?;
                self.rows = Some(Rows::open(Bytes::from(bytes)).map_err(io::Error::other)?);
                continue;
            };
            self.line.clear();
            self.at = 0;
            match rows
                .take(usize::MAX, &mut self.line)
                .map_err(io::Error::other)?
            {
                Taken::Text => self.line.push(b'\n'),
                Taken::TooLong(_) => {}
                Taken::End => self.rows = None,
            }
        }
        let count = buffer.len().min(self.line.len() - self.at);
        buffer[..count].copy_from_slice(&self.line[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn odd(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
