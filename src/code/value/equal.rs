//! Python's `==` on plain data, by a key that equal values share.
//!
//! Source: the Python Language Reference, section 6.10.1 "Value comparisons".
//! Numbers compare by exact value across types; `nan` is equal to nothing, also
//! inside of containers, for a value that crossed a process has no identity.

use num_bigint::BigInt;
use num_traits::FromPrimitive;

use super::Value;

/// A value that holds a `nan`, and so is equal to no other.
struct HoldsNan;

impl Value {
    /// Whether Python calls the two equal.
    ///
    /// `1`, `1.0` and `True` are equal; `[1]` and `(1,)` are not; nothing that
    /// holds `nan` is equal to anything.
    #[must_use]
    pub fn equals(&self, other: &Value) -> bool {
        match (self.key(), other.key()) {
            (Some(mine), Some(others)) => mine == others,
            _ => false,
        }
    }

    /// Bytes that two values share exactly when they are equal; `None` for a
    /// value that is equal to nothing.
    #[must_use]
    pub fn key(&self) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        self.write_key(&mut key).ok().map(|()| key)
    }

    fn write_key(&self, key: &mut Vec<u8>) -> Result<(), HoldsNan> {
        match self {
            Value::None => key.push(b'N'),
            Value::Bool(value) => write_int(&BigInt::from(u8::from(*value)), key),
            Value::Int(number) => write_int(number, key),
            Value::Float(number) => write_float(*number, key)?,
            Value::Complex(real, imaginary) if *imaginary == 0.0 => write_float(*real, key)?,
            Value::Complex(real, imaginary) => {
                key.push(b'c');
                write_float(*real, key)?;
                write_float(*imaginary, key)?;
            }
            Value::Str(bytes) => write_bytes(b's', bytes, key),
            Value::Bytes(bytes) => write_bytes(b'b', bytes, key),
            Value::List(items) => write_items(b'l', items, key)?,
            Value::Tuple(items) => write_items(b't', items, key)?,
            Value::Set(items) | Value::FrozenSet(items) => {
                let mut keys = items
                    .iter()
                    .map(|item| item.key().ok_or(HoldsNan))
                    .collect::<Result<Vec<_>, _>>()?;
                keys.sort_unstable();
                keys.dedup();
                write_sorted(b'e', keys, key);
            }
            Value::Dict(pairs) => {
                let mut keys = Vec::with_capacity(pairs.len());
                for (name, value) in pairs {
                    let mut pair = name.key().ok_or(HoldsNan)?;
                    value.write_key(&mut pair)?;
                    keys.push(pair);
                }
                keys.sort_unstable();
                write_sorted(b'd', keys, key);
            }
        }
        Ok(())
    }
}

fn write_int(number: &BigInt, key: &mut Vec<u8>) {
    write_bytes(b'i', &number.to_signed_bytes_le(), key);
}

/// A float that is a whole number has the key of that number.
fn write_float(number: f64, key: &mut Vec<u8>) -> Result<(), HoldsNan> {
    if number.is_nan() {
        return Err(HoldsNan);
    }
    if number.fract() == 0.0
        && let Some(whole) = BigInt::from_f64(number)
    {
        write_int(&whole, key);
    } else {
        key.push(b'f');
        key.extend(number.to_bits().to_le_bytes());
    }
    Ok(())
}

fn write_bytes(tag: u8, bytes: &[u8], key: &mut Vec<u8>) {
    key.push(tag);
    key.extend((bytes.len() as u64).to_le_bytes());
    key.extend(bytes);
}

fn write_items(tag: u8, items: &[Value], key: &mut Vec<u8>) -> Result<(), HoldsNan> {
    key.push(tag);
    key.extend((items.len() as u64).to_le_bytes());
    items.iter().try_for_each(|item| item.write_key(key))
}

fn write_sorted(tag: u8, keys: Vec<Vec<u8>>, key: &mut Vec<u8>) {
    key.push(tag);
    key.extend((keys.len() as u64).to_le_bytes());
    for one in keys {
        key.extend(one);
    }
}
