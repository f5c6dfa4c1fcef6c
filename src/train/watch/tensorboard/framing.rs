//! TFRecord: how events lie in a file.
//!
//! A record is the length of its data in 8 bytes, a checksum of these, the data,
//! and a checksum of the data; all numbers little-endian. Checksums are CRC-32C
//! and masked, because data may hold checksums itself. Source: `record_writer.h`
//! of TensorFlow.

use std::io::{self, Read};

use crc32c::crc32c;

/// Longest record that is believed to be one; ours have a few kilobytes.
const MOST_BYTES: u64 = 64 << 20;

/// The bytes of one record.
pub(super) fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked(data).to_le_bytes());
    record
}

fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The data of the next record; `None` at the end of the file, and where a
/// record is cut or damaged: nobody can read on from there.
pub(super) fn next(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let (mut length, mut sum) = ([0; 8], [0; 4]);
    if !filled(reader, &mut length)? || !filled(reader, &mut sum)? {
        return Ok(None);
    }
    let bytes = u64::from_le_bytes(length);
    if u32::from_le_bytes(sum) != masked(&length) || bytes > MOST_BYTES {
        return Ok(None);
    }
    let mut data = vec![0; usize::try_from(bytes).expect("64 MiB at most")];
    if !filled(reader, &mut data)? || !filled(reader, &mut sum)? {
        return Ok(None);
    }
    Ok((u32::from_le_bytes(sum) == masked(&data)).then_some(data))
}

fn filled(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_tensorflows() {
        // The length of 24 bytes and its checksum, as a file of TensorFlow's
        // begins: the event of the version `brain.Event:2`.
        let length = 24_u64.to_le_bytes();
        assert_eq!(masked(&length).to_le_bytes(), [0xa3, 0x7f, 0x4b, 0x22]);
    }

    #[test]
    fn what_is_cut_or_changed_is_no_record() {
        let whole = framed(b"event");
        assert_eq!(next(&mut &*whole).unwrap().unwrap(), b"event");
        for length in 0..whole.len() {
            assert_eq!(next(&mut &whole[..length]).unwrap(), None, "{length}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 4;
            assert_eq!(next(&mut &*changed).unwrap(), None, "{place}");
        }
    }
}
