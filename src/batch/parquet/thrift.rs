//! Thrift's compact protocol, as far as Parquet's own structures are looked at
//! before the decoder is trusted with them: fields by number, everything else
//! skipped. Nothing is allocated, and nothing nests deeper than [`MAX_DEPTH`].
//!
//! The decoder cuts numbers to the bits it wants, takes the last of two fields
//! and looks at no field's type. What it could read otherwise than it is read
//! here is therefore refused, though Thrift may allow it.
//!
//! Source: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

/// Structures within structures; Parquet's own have about six.
const MAX_DEPTH: u32 = 32;

/// What the bytes were found to be instead of Thrift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotThrift;

/// A place in bytes of the compact protocol.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// The type of a field or an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    pub(super) const BYTE: Self = Self(3);
    pub(super) const I32: Self = Self(5);
    pub(super) const BINARY: Self = Self(8);
    pub(super) const LIST: Self = Self(9);
    pub(super) const STRUCT: Self = Self(12);

    /// A field of this type is a truth value, which the type itself says.
    pub(super) fn truth(self) -> Result<bool, NotThrift> {
        match self.0 {
            1 => Ok(true),
            2 => Ok(false),
            _ => Err(NotThrift),
        }
    }

    /// Refuses what is not `wanted`.
    pub(super) fn expect(self, wanted: Self) -> Result<(), NotThrift> {
        match self == wanted {
            true => Ok(()),
            false => Err(NotThrift),
        }
    }
}

/// A list's elements: how many, and of what.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) count: u64,
    pub(super) kind: Kind,
}

impl<'b> Cursor<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes behind.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8, NotThrift> {
        let byte = *self.bytes.get(self.at).ok_or(NotThrift)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, NotThrift> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            // The tenth byte has one bit of the number.
            if shift == 63 && byte > 1 {
                return Err(NotThrift);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(NotThrift)
    }

    /// A whole number of at most 32 bits.
    pub(super) fn i32(&mut self) -> Result<i32, NotThrift> {
        let zigzag = u32::try_from(self.varint()?).map_err(|_| NotThrift)?;
        Ok((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
    }

    fn advance(&mut self, bytes: u64) -> Result<(), NotThrift> {
        let left = (self.bytes.len() - self.at) as u64;
        if bytes > left {
            return Err(NotThrift);
        }
        self.at += bytes as usize;
        Ok(())
    }

    /// The head of a list; its elements follow. A list that would need more
    /// bytes than there are is none.
    pub(super) fn list(&mut self) -> Result<List, NotThrift> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        if count > (self.bytes.len() - self.at) as u64 {
            return Err(NotThrift);
        }
        Ok(List {
            count,
            kind: Kind(head & 15),
        })
    }

    /// Hands every field of a structure to `visit`, which reads its value and
    /// says so, or leaves it (`false`) to be skipped. Fields come in the order of
    /// their numbers, as all writers have them, and none comes twice.
    pub(super) fn fields(
        &mut self,
        mut visit: impl FnMut(&mut Self, i16, Kind) -> Result<bool, NotThrift>,
    ) -> Result<(), NotThrift> {
        let mut field = 0_i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            let kind = Kind(head & 15);
            let next = match head >> 4 {
                0 => i16::try_from(self.i32()?).map_err(|_| NotThrift)?,
                step => field.checked_add(i16::from(step)).ok_or(NotThrift)?,
            };
            if next <= field || kind.0 == 0 {
                return Err(NotThrift);
            }
            field = next;
            let before = self.at;
            if !visit(self, field, kind)? {
                self.at = before;
                self.skip(kind, MAX_DEPTH)?;
            }
        }
    }

    fn skip(&mut self, kind: Kind, depth: u32) -> Result<(), NotThrift> {
        let inner = depth.checked_sub(1).ok_or(NotThrift)?;
        match kind.0 {
            // The type itself is the truth value.
            1 | 2 => Ok(()),
            3 => self.advance(1),
            4..=6 => self.varint().map(drop),
            7 => self.advance(8),
            8 => {
                let length = self.varint()?;
                self.advance(length)
            }
            9 | 10 => {
                let List { count, kind } = self.list()?;
                // The decoder takes them to have no bytes; Thrift gives them one.
                if count > 0 && kind.truth().is_ok() {
                    return Err(NotThrift);
                }
                for _ in 0..count {
                    self.skip(kind, inner)?;
                }
                Ok(())
            }
            11 => {
                let count = self.varint()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                for _ in 0..count {
                    self.skip(Kind(kinds >> 4), inner)?;
                    self.skip(Kind(kinds & 15), inner)?;
                }
                Ok(())
            }
            12 => loop {
                let head = self.byte()?;
                if head == 0 {
                    return Ok(());
                }
                if head >> 4 == 0 {
                    self.i32()?;
                }
                self.skip(Kind(head & 15), inner)?;
            },
            _ => Err(NotThrift),
        }
    }
}
