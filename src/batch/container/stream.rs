//! Rows packed into a stream, which cannot be gone on with.

use std::io::{self, Write};

use super::{Codec, Container, Laid, Layout, RowKind};

/// Takes rows of JSON, a line each, and writes what a container makes of
/// them. Rows that are scored are written by a [`Batch`](crate::batch::Batch).
pub struct RowWriter<W: Write>(Target<W>);

enum Target<W> {
    Lines(W),
    Packed(Stream<W>),
}

impl<W: Write> RowWriter<W> {
    /// Begins a container in `out`.
    ///
    /// # Errors
    /// When this build cannot write it.
    pub fn new(container: Container, kind: RowKind, out: W) -> io::Result<Self> {
        let layout = Layout {
            rows: Laid::Plain(kind),
            block_bytes: None,
        };
        Ok(Self(match Stream::new(container, &layout, out)? {
            Ok(stream) => Target::Packed(stream),
            Err(out) => Target::Lines(out),
        }))
    }

    /// Writes what is held and what ends the container; without it, a container
    /// may not be readable.
    ///
    /// # Errors
    /// When the stream cannot be written, or rows do not fit the container.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Target::Packed(stream) => stream.finish(),
            Target::Lines(mut out) => {
                out.flush()?;
                Ok(out)
            }
        }
    }

    /// The stream as it is; what is held is lost.
    #[must_use]
    pub fn into_inner(self) -> W {
        match self.0 {
            Target::Packed(stream) => stream.out,
            Target::Lines(out) => out,
        }
    }
}

impl<W: Write> Write for RowWriter<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Target::Lines(out) => out.write(text),
            Target::Packed(stream) => stream.write(text),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Target::Lines(out) => out.flush(),
            Target::Packed(stream) => stream.flush(),
        }
    }
}

/// Rows packed into a stream, which cannot be resumed.
pub(in crate::batch) struct Stream<W> {
    out: W,
    codec: Box<dyn Codec>,
    block_bytes: usize,
    pending: Vec<u8>,
    at: u64,
}

impl<W: Write> Stream<W> {
    /// `None` where rows go out as they are.
    pub(in crate::batch) fn new(
        container: Container,
        layout: &Layout<'_>,
        out: W,
    ) -> io::Result<Result<Self, W>> {
        Ok(match container.codec(layout, None)? {
            None => Err(out),
            Some(codec) => Ok(Self {
                out,
                block_bytes: layout.block_bytes.unwrap_or(codec.block_bytes()),
                codec,
                pending: Vec::new(),
                at: 0,
            }),
        })
    }

    /// Writes the last block and what ends the file.
    pub(in crate::batch) fn finish(mut self) -> io::Result<W> {
        if !self.pending.is_empty() {
            self.put_block()?;
        }
        if self.at == 0 {
            self.out.write_all(self.codec.head())?;
            self.at = self.codec.head().len() as u64;
        }
        let foot = self.codec.foot(self.at)?;
        self.out.write_all(&foot)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn put_block(&mut self) -> io::Result<()> {
        if self.at == 0 {
            self.out.write_all(self.codec.head())?;
            self.at = self.codec.head().len() as u64;
        }
        let block = self.codec.block(&self.pending, self.at)?;
        self.out.write_all(&block)?;
        self.at += block.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

impl<W: Write> Write for Stream<W> {
    fn write(&mut self, rows: &[u8]) -> io::Result<usize> {
        for row in rows.split_inclusive(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(row);
            // A row may come in pieces.
            if self.pending.len() >= self.block_bytes && row.ends_with(b"\n") {
                self.put_block()?;
            }
        }
        Ok(rows.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
