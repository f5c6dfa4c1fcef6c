//! A packed output file that can be killed at any byte and gone on with.
//!
//! On the disk are whole blocks, at most one that was cut, and the tail with the
//! rows since. To go on, the file is cut to where the tail begins, or to its
//! last whole block where there is no tail that fits.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::tail::Tail;
use super::{Boundary, Codec, Container, Layout};

/// The packed part of an output file.
pub(in crate::batch) struct Packed {
    container: Container,
    tail: Tail,
    /// The last block.
    last: Boundary,
    /// Rows that fill no block yet.
    pending: Vec<u8>,
    codec: Option<Box<dyn Codec>>,
    block_bytes: usize,
}

impl Packed {
    /// An empty file's; an earlier tail goes.
    pub(in crate::batch) fn begin(container: Container, output: &Path) -> io::Result<Self> {
        let mut tail = Tail::of(output);
        tail.remove()?;
        Ok(Self {
            container,
            tail,
            last: Boundary::default(),
            pending: Vec::new(),
            codec: None,
            block_bytes: usize::MAX,
        })
    }

    /// What an earlier run has left, and its number of rows; the file is cut to
    /// that.
    pub(in crate::batch) fn resume(
        container: Container,
        output: &Path,
        file: &mut File,
    ) -> io::Result<(Self, u64)> {
        let boundaries = container.boundaries(file)?;
        let mut tail = Tail::of(output);
        let mut last = boundaries.last().copied().unwrap_or_default();
        let mut pending = Vec::new();
        // Of blocks without rows the first: the others only end a file.
        if let Some((before, rows)) = tail.load()?
            && let Some(fits) = boundaries.iter().find(|block| block.rows == before)
        {
            last = *fits;
            pending = rows;
        }
        file.set_len(last.end)?;
        file.seek(SeekFrom::Start(last.end))?;
        tail.begin(last.rows, &pending)?;
        let rows = last.rows + memchr::memchr_iter(b'\n', &pending).count() as u64;
        let packed = Self {
            container,
            tail,
            last,
            pending,
            codec: None,
            block_bytes: usize::MAX,
        };
        Ok((packed, rows))
    }

    /// The rows that an earlier run wrote.
    pub(in crate::batch) fn rows(&self, file: File) -> io::Result<Box<dyn BufRead + Send>> {
        let blocks = self.container.rows(file, self.last)?;
        Ok(Box::new(
            blocks.chain(io::Cursor::new(self.pending.clone())),
        ))
    }

    /// Makes ready to write; reading the file is over.
    pub(in crate::batch) fn start(
        &mut self,
        file: &mut File,
        layout: &Layout<'_>,
    ) -> io::Result<()> {
        let resumed = (self.last.rows > 0).then_some((&*file, self.last));
        self.codec = self.container.codec(layout, resumed)?;
        let own = self.codec.as_ref().map(|codec| codec.block_bytes());
        self.block_bytes = layout.block_bytes.or(own).unwrap_or(usize::MAX);
        file.seek(SeekFrom::Start(self.last.end)).map(drop)
    }

    /// Takes whole rows.
    pub(in crate::batch) fn write(&mut self, file: &mut File, rows: &[u8]) -> io::Result<()> {
        let fresh = self.pending.len();
        let before = self.last;
        for row in rows.split_inclusive(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(row);
            if self.pending.len() >= self.block_bytes {
                self.put_block(file)?;
                self.pending.clear();
            }
        }
        match self.last == before {
            true => self.tail.append(&self.pending[fresh..]),
            false => self.tail.begin(self.last.rows, &self.pending),
        }
    }

    /// Writes the rows that fill no block as one, and what ends the file, so
    /// that it can be read. The tail stays: it knows where to go on.
    pub(in crate::batch) fn close(&mut self, file: &mut File) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.put_block(file)?;
        }
        self.put_head(file)?;
        let Some(codec) = &mut self.codec else {
            return Ok(());
        };
        let foot = codec.foot(self.last.end)?;
        file.write_all(&foot)
    }

    /// The file is whole and needs no tail.
    pub(in crate::batch) fn complete(&mut self) -> io::Result<()> {
        self.tail.remove()
    }

    fn put_head(&mut self, file: &mut File) -> io::Result<()> {
        if let Some(codec) = &self.codec
            && self.last.end == 0
        {
            file.write_all(codec.head())?;
            self.last.end = codec.head().len() as u64;
        }
        Ok(())
    }

    fn put_block(&mut self, file: &mut File) -> io::Result<()> {
        self.put_head(file)?;
        let Some(codec) = &mut self.codec else {
            return Ok(());
        };
        let block = codec.block(&self.pending, self.last.end)?;
        file.write_all(&block)?;
        self.last.end += block.len() as u64;
        self.last.rows += memchr::memchr_iter(b'\n', &self.pending).count() as u64;
        Ok(())
    }
}
