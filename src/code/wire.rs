//! Messages to a guest's harness and replies from it: Python's marshal format,
//! version 2, restricted to plain data.
//!
//! Version 2 has no references and no interned strings: every value is written
//! out, so what is read is bounded by its length. A reply is whatever a candidate
//! says; anything but plain data is refused.
//!
//! Source: CPython 3.13, Python/marshal.c.

use num_bigint::{BigInt, BigUint, Sign};

use super::value::{MAX_DEPTH, MAX_NODES, Value};

/// A reply that is no plain data, or not one message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct WireError(&'static str);

/// A message: its letter, then the value.
pub(super) fn message(letter: u8, value: &Value) -> Vec<u8> {
    let mut bytes = vec![letter];
    write(value, &mut bytes);
    bytes
}

fn write(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::None => bytes.push(b'N'),
        Value::Bool(true) => bytes.push(b'T'),
        Value::Bool(false) => bytes.push(b'F'),
        Value::Int(number) => write_int(number, bytes),
        Value::Float(number) => {
            bytes.push(b'g');
            bytes.extend(number.to_le_bytes());
        }
        Value::Complex(real, imaginary) => {
            bytes.push(b'y');
            bytes.extend(real.to_le_bytes());
            bytes.extend(imaginary.to_le_bytes());
        }
        Value::Str(text) => write_bytes(b'u', text, bytes),
        Value::Bytes(text) => write_bytes(b's', text, bytes),
        Value::List(items) => write_items(b'[', items, bytes),
        Value::Tuple(items) => write_items(b'(', items, bytes),
        Value::Set(items) => write_items(b'<', items, bytes),
        Value::FrozenSet(items) => write_items(b'>', items, bytes),
        Value::Dict(pairs) => {
            bytes.push(b'{');
            for (key, value) in pairs {
                write(key, bytes);
                write(value, bytes);
            }
            bytes.push(b'0');
        }
    }
}

fn write_int(number: &BigInt, bytes: &mut Vec<u8>) {
    if let Ok(small) = i32::try_from(number) {
        bytes.push(b'i');
        bytes.extend(small.to_le_bytes());
        return;
    }
    let digits = fifteen_bits(number.magnitude());
    let count = i32::try_from(digits.len()).expect("numbers are bounded by their text");
    bytes.push(b'l');
    bytes.extend(
        if number.sign() == Sign::Minus {
            -count
        } else {
            count
        }
        .to_le_bytes(),
    );
    for digit in digits {
        bytes.extend(digit.to_le_bytes());
    }
}

/// The digits of a number to the base 2^15, lowest first.
fn fifteen_bits(number: &BigUint) -> Vec<u16> {
    let mut digits = Vec::new();
    let (mut held, mut bits) = (0_u64, 0);
    for word in number.to_u32_digits() {
        held |= u64::from(word) << bits;
        bits += 32;
        while bits >= 15 {
            digits.push((held & 0x7fff) as u16);
            held >>= 15;
            bits -= 15;
        }
    }
    if held > 0 {
        digits.push(held as u16);
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

fn write_bytes(tag: u8, text: &[u8], bytes: &mut Vec<u8>) {
    bytes.push(tag);
    bytes.extend(length(text.len()));
    bytes.extend(text);
}

fn write_items(tag: u8, items: &[Value], bytes: &mut Vec<u8>) {
    bytes.push(tag);
    bytes.extend(length(items.len()));
    for item in items {
        write(item, bytes);
    }
}

fn length(length: usize) -> [u8; 4] {
    i32::try_from(length)
        .expect("messages are bounded far below 2 GiB")
        .to_le_bytes()
}

/// The one value that `bytes` hold.
///
/// # Errors
/// For anything but plain data of bounded depth and size, to the last byte.
pub(super) fn read(bytes: &[u8]) -> Result<Value, WireError> {
    let mut reader = Reader {
        bytes,
        nodes: MAX_NODES,
    };
    let value = reader.value(0)?;
    if !reader.bytes.is_empty() {
        return Err(WireError("the reply goes on after its end"));
    }
    Ok(value)
}

struct Reader<'b> {
    bytes: &'b [u8],
    nodes: usize,
}

impl<'b> Reader<'b> {
    fn value(&mut self, depth: usize) -> Result<Value, WireError> {
        if depth > MAX_DEPTH || self.nodes == 0 {
            return Err(WireError("the reply is too deep or too large"));
        }
        self.nodes -= 1;
        Ok(match self.byte()? {
            b'N' => Value::None,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'i' => Value::int(self.number()?),
            b'l' => Value::Int(self.long()?),
            b'g' => Value::Float(self.float()?),
            b'y' => Value::Complex(self.float()?, self.float()?),
            b'u' => Value::Str(self.text()?),
            b's' => Value::Bytes(self.counted()?.to_vec()),
            b'[' => Value::List(self.items(depth)?),
            b'(' => Value::Tuple(self.items(depth)?),
            b'<' => Value::Set(self.members(depth)?),
            b'>' => Value::FrozenSet(self.members(depth)?),
            b'{' => self.dict(depth)?,
            _ => return Err(WireError("the reply is no plain data")),
        })
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], WireError> {
        let (piece, rest) = self
            .bytes
            .split_at_checked(count)
            .ok_or(WireError("the reply is cut short"))?;
        self.bytes = rest;
        Ok(piece)
    }

    fn byte(&mut self) -> Result<u8, WireError> {
        self.take(1).map(|piece| piece[0])
    }

    fn number(&mut self) -> Result<i32, WireError> {
        let piece = self.take(4)?;
        Ok(i32::from_le_bytes(piece.try_into().expect("four bytes")))
    }

    fn float(&mut self) -> Result<f64, WireError> {
        let piece = self.take(8)?;
        Ok(f64::from_le_bytes(piece.try_into().expect("eight bytes")))
    }

    fn count(&mut self) -> Result<usize, WireError> {
        usize::try_from(self.number()?).map_err(|_| WireError("the reply has a negative length"))
    }

    fn counted(&mut self) -> Result<&'b [u8], WireError> {
        let count = self.count()?;
        self.take(count)
    }

    fn text(&mut self) -> Result<Vec<u8>, WireError> {
        let text = self.counted()?;
        if !is_text(text) {
            return Err(WireError("the reply holds a text that is no text"));
        }
        Ok(text.to_vec())
    }

    fn long(&mut self) -> Result<BigInt, WireError> {
        let count = self.number()?;
        let digits = self.take(count.unsigned_abs() as usize * 2)?;
        let mut words = Vec::with_capacity(digits.len() / 4 + 1);
        let (mut held, mut bits) = (0_u64, 0);
        for pair in digits.chunks_exact(2) {
            let digit = u16::from_le_bytes([pair[0], pair[1]]);
            if digit >> 15 != 0 {
                return Err(WireError("the reply holds a number that is no number"));
            }
            held |= u64::from(digit) << bits;
            bits += 15;
            if bits >= 32 {
                words.push(held as u32);
                held >>= 32;
                bits -= 32;
            }
        }
        words.push(held as u32);
        let sign = if count < 0 { Sign::Minus } else { Sign::Plus };
        Ok(BigInt::from_biguint(sign, BigUint::new(words)))
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Value>, WireError> {
        let count = self.count()?;
        // Not reserved: the count is the candidate's word.
        (0..count).map(|_| self.value(depth + 1)).collect()
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Value>, WireError> {
        let items = self.items(depth)?;
        if !items.iter().all(Value::is_hashable) {
            return Err(WireError("the reply holds a set that is no set"));
        }
        Ok(items)
    }

    fn dict(&mut self, depth: usize) -> Result<Value, WireError> {
        let mut pairs = Vec::new();
        while self.bytes.first() != Some(&b'0') {
            let key = self.value(depth + 1)?;
            if !key.is_hashable() {
                return Err(WireError("the reply holds a dictionary that is none"));
            }
            pairs.push((key, self.value(depth + 1)?));
        }
        self.take(1)?;
        Ok(Value::Dict(pairs))
    }
}

/// UTF-8, in which each lone surrogate is three bytes of its own.
fn is_text(mut bytes: &[u8]) -> bool {
    loop {
        match std::str::from_utf8(bytes) {
            Ok(_) => return true,
            Err(error) => {
                bytes = &bytes[error.valid_up_to()..];
                match bytes {
                    [0xed, 0xa0..=0xbf, 0x80..=0xbf, rest @ ..] => bytes = rest,
                    _ => return false,
                }
            }
        }
    }
}
