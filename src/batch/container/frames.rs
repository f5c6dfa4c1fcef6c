//! Compressed lines: gzip members and zstd frames, each of whole rows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use flate2::Compression;
use flate2::bufread::{GzDecoder, MultiGzDecoder};
use flate2::write::GzEncoder;
use zstd::bulk::Compressor;
use zstd::stream::read::Decoder;

use super::{Boundary, Codec};

/// Large enough that cutting costs no more than a few percent of the size.
const BLOCK_BYTES: usize = 1 << 20;
/// zstd's default: a quarter of gzip's time at a smaller size.
const ZSTD_LEVEL: i32 = 3;
const BUFFER_BYTES: usize = 256 * 1024;

pub(super) struct Gzip;

pub(super) struct Zstd(Compressor<'static>);

impl Zstd {
    pub(super) fn new() -> io::Result<Self> {
        let mut compressor = Compressor::new(ZSTD_LEVEL)?;
        compressor.include_checksum(true)?;
        Ok(Self(compressor))
    }
}

impl Codec for Gzip {
    fn block_bytes(&self) -> usize {
        BLOCK_BYTES
    }

    fn block(&mut self, rows: &[u8], _at: u64) -> io::Result<Vec<u8>> {
        // Without a name and a time, so that the bytes follow from the rows.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(rows)?;
        encoder.finish()
    }

    fn foot(&mut self, at: u64) -> io::Result<Vec<u8>> {
        // No bytes at all are no gzip file.
        if at == 0 {
            self.block(b"", at)
        } else {
            Ok(Vec::new())
        }
    }
}

impl Codec for Zstd {
    fn block_bytes(&self) -> usize {
        BLOCK_BYTES
    }

    fn block(&mut self, rows: &[u8], _at: u64) -> io::Result<Vec<u8>> {
        self.0.compress(rows)
    }

    fn foot(&mut self, at: u64) -> io::Result<Vec<u8>> {
        if at == 0 {
            self.block(b"", at)
        } else {
            Ok(Vec::new())
        }
    }
}

/// The ends of the frames that are whole; `frame` reads one and returns its
/// text's lines.
pub(super) fn boundaries(
    mut file: &File,
    frame: impl Fn(&mut BufReader<&File>) -> io::Result<u64>,
) -> io::Result<Vec<Boundary>> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut boundaries = vec![Boundary::default()];
    let mut rows = 0;
    while !reader.fill_buf()?.is_empty() {
        // A frame that cannot be read is one that was cut.
        let Ok(lines) = frame(&mut reader) else {
            break;
        };
        rows += lines;
        let end = reader.stream_position()?;
        boundaries.push(Boundary { end, rows });
    }
    Ok(boundaries)
}

pub(super) fn gzip_frame(reader: &mut BufReader<&File>) -> io::Result<u64> {
    lines(GzDecoder::new(reader))
}

pub(super) fn zstd_frame(reader: &mut BufReader<&File>) -> io::Result<u64> {
    lines(Decoder::with_buffer(reader)?.single_frame())
}

/// The number of lines, the last of which must be whole.
fn lines(mut text: impl Read) -> io::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let (mut lines, mut last) = (0, b'\n');
    loop {
        match text.read(&mut buffer)? {
            0 if last == b'\n' => return Ok(lines),
            0 => return Err(io::ErrorKind::InvalidData.into()),
            read => {
                lines += memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
                last = buffer[read - 1];
            }
        }
    }
}

pub(super) fn gzip_rows(mut file: File, end: u64) -> io::Result<Box<dyn BufRead + Send>> {
    file.seek(SeekFrom::Start(0))?;
    let packed = BufReader::with_capacity(BUFFER_BYTES, file.take(end));
    Ok(Box::new(BufReader::with_capacity(
        BUFFER_BYTES,
        MultiGzDecoder::new(packed),
    )))
}

pub(super) fn zstd_rows(mut file: File, end: u64) -> io::Result<Box<dyn BufRead + Send>> {
    file.seek(SeekFrom::Start(0))?;
    let rows = Decoder::new(file.take(end))?;
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, rows)))
}
