//! What is checked before a file's bytes reach the decoder, which trusts sizes
//! and depths: a file of some kilobytes may claim gigabytes.
//!
//! - The footer: columns that nest too deep, lists longer than the footer.
//! - The pages of a row group: those that have to be in memory at once.
//!
//! Source: <https://github.com/apache/parquet-format>, `parquet.thrift`.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::thrift::{Cursor, Kind, NotThrift};

/// Deepest nesting of a column.
const MAX_COLUMN_DEPTH: usize = 64;
/// Longest footer.
const MAX_FOOTER_BYTES: u64 = 256 << 20;
/// Most bytes of pages in memory at once, over all columns. Common writers make
/// pages of 1 MB, the largest known ones 100 MB.
const MAX_HELD_BYTES: u64 = 1 << 30;
/// What one value takes at least while it is decoded.
const VALUE_BYTES: u64 = 8;
/// What a batch of rows should take.
const BATCH_BYTES: u64 = 4 << 20;
/// Most rows of a batch.
const BATCH_ROWS: u64 = 1024;
/// First guess at the length of a page's header; statistics make it long.
const HEADER_BYTES: u64 = 512;
/// Longest header of a page.
const MAX_HEADER_BYTES: u64 = 1 << 20;
/// Encodings that repeat a prefix of the value before: `DELTA_BYTE_ARRAY`.
const DELTA_BYTE_ARRAY: i32 = 7;
/// How LZ4 frames begin, today's and the older ones.
const LZ4_FRAMES: [u32; 2] = [0x184d_2204, 0x184c_2102];

/// Refuses compressions that are not unpacked here; the sentence says which.
pub(super) fn check_codecs(groups: &[RowGroupMetaData]) -> Result<(), String> {
    let columns = groups.iter().flat_map(RowGroupMetaData::columns);
    for column in columns {
        let name = match column.compression() {
            Compression::BROTLI(_) => "Brotli",
            Compression::LZO => "LZO",
            _ => continue,
        };
        return Err(format!(
            "its column `{}` is compressed with {name}, which is not unpacked here; write it \
             again with zstd, snappy, gzip or LZ4 (`df.to_parquet(…, compression=\"zstd\")`)",
            column.column_path().string()
        ));
    }
    Ok(())
}

/// The footer's bytes checked; the sentence says what is amiss.
pub(super) fn check_footer(store: &impl ChunkReader) -> Result<(), String> {
    let total = store.len();
    let short = || "it is too short to be one".to_owned();
    if total < 12 {
        return Err(short());
    }
    let mut tail = [0; 8];
    read(store, total - 8, &mut tail)?;
    if &tail[4..] == b"PARE" {
        return Err("its columns are encrypted".to_owned());
    }
    if &tail[4..] != b"PAR1" {
        return Err(
            "its end is missing: the file was cut off, or is still being written".to_owned(),
        );
    }
    let length = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    if length > total - 12 {
        return Err("its footer is damaged".to_owned());
    }
    if length > MAX_FOOTER_BYTES {
        return Err(format!(
            "its footer has {length} bytes, over the limit of {MAX_FOOTER_BYTES}"
        ));
    }
    let mut footer = vec![0; length as usize];
    read(store, total - 8 - length, &mut footer)?;
    let mut depth = None;
    let mut cursor = Cursor::new(&footer);
    let walked = cursor.fields(|cursor, field, kind| {
        match field {
            1 => kind.expect(Kind::I32)?,
            2 => {
                kind.expect(Kind::LIST)?;
                depth = Some(schema_depth(cursor)?);
            }
            _ => {}
        }
        Ok(field == 2)
    });
    match (walked, depth) {
        // The walk through columns that nest too deep has ended before their end.
        (_, Some(depth)) if depth > MAX_COLUMN_DEPTH => Err(format!(
            "its columns nest {depth} deep, over the limit of {MAX_COLUMN_DEPTH}"
        )),
        (Err(NotThrift), _) | (_, None) => Err("its footer is damaged".to_owned()),
        _ => Ok(()),
    }
}

/// How deep the tree of columns is, which is written as a list in depth-first
/// order, every element with the number of its children.
fn schema_depth(cursor: &mut Cursor<'_>) -> Result<usize, NotThrift> {
    let list = cursor.list()?;
    if list.count > 0 {
        list.kind.expect(Kind::STRUCT)?;
    }
    let mut open: Vec<u64> = Vec::new();
    let mut deepest = 0;
    for _ in 0..list.count {
        let mut children = 0;
        cursor.fields(|cursor, field, kind| {
            match field {
                1..=3 | 5..=9 => kind.expect(Kind::I32)?,
                4 => kind.expect(Kind::BINARY)?,
                10 => kind.expect(Kind::STRUCT)?,
                _ => {}
            }
            match field {
                5 => children = cursor.i32()?,
                10 => logical_type(cursor)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let children = u64::try_from(children).map_err(|_| NotThrift)?;
        if children > list.count {
            return Err(NotThrift);
        }
        if let Some(left) = open.last_mut() {
            *left = left.saturating_sub(1);
        }
        if children > 0 {
            open.push(children);
        } else {
            while open.last() == Some(&0) {
                open.pop();
            }
        }
        deepest = deepest.max(open.len());
        // Enough to refuse it; the walk goes no further for nothing.
        if deepest > 8 * MAX_COLUMN_DEPTH {
            return Ok(deepest);
        }
    }
    Ok(deepest)
}

/// A column's logical type: of interest only in that the decoder must find its
/// end where the walk does.
fn logical_type(cursor: &mut Cursor<'_>) -> Result<(), NotThrift> {
    cursor.fields(|cursor, variant, kind| {
        kind.expect(Kind::STRUCT)?;
        cursor.fields(|_, field, kind| {
            match (variant, field) {
                // Decimals; the edges of a geography.
                (5, 1 | 2) | (18, 2) => kind.expect(Kind::I32)?,
                // Times and timestamps; whole numbers; variants.
                (7 | 8, 1) | (10, 2) => kind.truth().map(drop)?,
                (7 | 8, 2) => kind.expect(Kind::STRUCT)?,
                (10 | 16, 1) => kind.expect(Kind::BYTE)?,
                // Geometries.
                (17 | 18, 1) => kind.expect(Kind::BINARY)?,
                _ => {}
            }
            Ok(false)
        })?;
        Ok(true)
    })
}

/// How many rows of a row group to decode at once, by the headers of all its
/// pages; the sentence says why it is not safe to decode it at all.
pub(super) fn batch_rows(
    store: &impl ChunkReader,
    columns: &[ColumnChunkMetaData],
    rows: u64,
) -> Result<usize, String> {
    let mut held = 0_u64;
    // Bytes per row in the page where rows are largest, over all columns.
    let mut row_bytes = 0.0_f64;
    let mut most = BATCH_ROWS;
    for column in columns {
        let name = column.column_path().string();
        let pages = pages(store, column).map_err(|problem| format!("column `{name}` {problem}"))?;
        held = held.saturating_add(pages.dictionary + pages.largest);
        let values_per_row = pages.values as f64 / rows.max(1) as f64;
        row_bytes += pages.densest * values_per_row.max(1.0);
        if pages.has_prefixes {
            most = most.min((16 * BATCH_BYTES / pages.largest.max(1)).max(1));
        }
    }
    if held > MAX_HELD_BYTES {
        return Err(format!(
            "row groups need {held} bytes of pages in memory at once, over the limit of {MAX_HELD_BYTES}"
        ));
    }
    let fits = BATCH_BYTES as f64 / row_bytes.max(1.0);
    Ok((fits as u64).clamp(1, most) as usize)
}

/// What the pages of a column come to.
#[derive(Default)]
struct Pages {
    values: u64,
    largest: u64,
    dictionary: u64,
    /// Most bytes per value of a page.
    densest: f64,
    has_prefixes: bool,
}

fn pages(store: &impl ChunkReader, column: &ColumnChunkMetaData) -> Result<Pages, String> {
    let first = column
        .dictionary_page_offset()
        .filter(|offset| *offset > 0)
        .unwrap_or(column.data_page_offset())
        .min(column.data_page_offset());
    let (Ok(mut at), Ok(length)) = (
        u64::try_from(first),
        u64::try_from(column.compressed_size()),
    ) else {
        return Err("has pages at impossible places".to_owned());
    };
    let end = at.checked_add(length).filter(|end| *end <= store.len());
    let Some(end) = end else {
        return Err("lies outside the file".to_owned());
    };
    let wanted = u64::try_from(column.num_values()).unwrap_or(0);
    let mut pages = Pages::default();
    while at < end {
        let (page, header) = match page(store, at, end) {
            Ok(found) => found,
            // Some writers leave bytes behind the last page.
            Err(_) if pages.values >= wanted => break,
            Err(problem) => return Err(problem),
        };
        at += header;
        let whole = at.checked_add(page.compressed).filter(|next| *next <= end);
        let Some(next) = whole else {
            return Err("has a page that ends outside of it".to_owned());
        };
        if page.uncompressed > MAX_HELD_BYTES {
            return Err(format!(
                "has a page of {} bytes, over the limit of {MAX_HELD_BYTES}",
                page.uncompressed
            ));
        }
        check_packed(store, column.compression(), at, &page)?;
        let bytes = page
            .uncompressed
            .max(page.values.saturating_mul(VALUE_BYTES));
        match page.is_dictionary {
            true => pages.dictionary = bytes,
            false => {
                pages.values += page.values;
                pages.largest = pages.largest.max(bytes);
                pages.densest = pages.densest.max(bytes as f64 / page.values.max(1) as f64);
                pages.has_prefixes |= page.encoding == DELTA_BYTE_ARRAY;
            }
        }
        at = next;
    }
    Ok(pages)
}

/// Of gzip and of LZ4 in frames the decoder takes what comes, whatever the
/// page's header says; all other codecs get as much room as that says.
fn check_packed(
    store: &impl ChunkReader,
    codec: Compression,
    at: u64,
    page: &Page,
) -> Result<(), String> {
    let damaged = || "has a damaged page".to_owned();
    // The second kind of page has its levels in front, not packed.
    let packed = page.compressed.checked_sub(page.levels);
    let unpacked = page.uncompressed.checked_sub(page.levels);
    let (Some(packed), Some(unpacked)) = (packed, unpacked) else {
        return Err(damaged());
    };
    if page.is_unpacked || unpacked == 0 {
        return Ok(());
    }
    let source = || {
        let source = store.get_read(at + page.levels);
        source.map_err(|error| error.to_string())
    };
    match codec {
        Compression::GZIP(_) => {
            let mut whole = MultiGzDecoder::new(source()?.take(packed)).take(unpacked + 1);
            match io::copy(&mut whole, &mut io::sink()) {
                Ok(bytes) if bytes > unpacked => {
                    Err("has a page that unpacks to more than it says".to_owned())
                }
                Ok(_) => Ok(()),
                Err(_) => Err(damaged()),
            }
        }
        Compression::LZ4 if packed >= 4 => {
            let mut magic = [0; 4];
            let mut source = source()?;
            source.read_exact(&mut magic).map_err(|_| damaged())?;
            match LZ4_FRAMES.contains(&u32::from_le_bytes(magic)) {
                true => Err("has a page of LZ4 frames, which are not read".to_owned()),
                false => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// A page's header.
#[derive(Default)]
struct Page {
    compressed: u64,
    uncompressed: u64,
    /// Of these bytes, those in front that are never packed.
    levels: u64,
    values: u64,
    encoding: i32,
    is_dictionary: bool,
    /// Not packed, whatever the column's codec.
    is_unpacked: bool,
}

/// The header at `at`, and its length.
fn page(store: &impl ChunkReader, at: u64, end: u64) -> Result<(Page, u64), String> {
    let mut length = HEADER_BYTES;
    loop {
        let mut bytes = vec![0; length.min(end - at) as usize];
        read(store, at, &mut bytes)?;
        match header(&bytes) {
            Ok((page, used)) => return Ok((page, used as u64)),
            Err(NotThrift) if length < MAX_HEADER_BYTES.min(end - at) => length *= 8,
            Err(NotThrift) => return Err("has a damaged page header".to_owned()),
        }
    }
}

fn header(bytes: &[u8]) -> Result<(Page, usize), NotThrift> {
    let size = |value: i32| u64::try_from(value).map_err(|_| NotThrift);
    let mut page = Page::default();
    let mut kinds = 0;
    let mut cursor = Cursor::new(bytes);
    cursor.fields(|cursor, field, kind| {
        match field {
            1..=4 => kind.expect(Kind::I32)?,
            5..=8 => {
                kind.expect(Kind::STRUCT)?;
                kinds += 1;
            }
            _ => {}
        }
        match field {
            2 => page.uncompressed = size(cursor.i32()?)?,
            3 => page.compressed = size(cursor.i32()?)?,
            5 | 7 | 8 => {
                page.is_dictionary = field == 7;
                cursor.fields(|cursor, inner, kind| {
                    match (field, inner) {
                        (5, 1..=4) | (7, 1 | 2) | (8, 1..=6) => kind.expect(Kind::I32)?,
                        (7, 3) | (8, 7) => kind.truth().map(drop)?,
                        _ => {}
                    }
                    match (field, inner) {
                        (_, 1) => page.values = size(cursor.i32()?)?,
                        (5 | 7, 2) | (8, 4) => page.encoding = cursor.i32()?,
                        (8, 5 | 6) => page.levels += size(cursor.i32()?)?,
                        (8, 7) => page.is_unpacked = !kind.truth()?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    // The decoder would take one part from one and another from the other.
    if kinds > 1 {
        return Err(NotThrift);
    }
    Ok((page, cursor.at()))
}

fn read(store: &impl ChunkReader, at: u64, into: &mut [u8]) -> Result<(), String> {
    let mut source = store.get_read(at).map_err(|error| error.to_string())?;
    source.read_exact(into).map_err(|error| error.to_string())
}
