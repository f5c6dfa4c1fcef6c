//! A pickle that is one text, or a dictionary with one text in it.
//!
//! Nothing else is read: no class is looked up, nothing is called, and an opcode
//! that is not listed ends the reading.
//!
//! Source: CPython 3.13, Lib/pickletools.py.

/// The text in a pickle; the last one of a dictionary's.
pub(super) fn text(pickle: &[u8]) -> Option<String> {
    let mut rest = pickle;
    let mut found = None;
    loop {
        let (opcode, after) = rest.split_first()?;
        rest = after;
        let skipped = match opcode {
            0x80 => 1,        // PROTO
            0x95 => 8,        // FRAME
            0x94 => 0,        // MEMOIZE
            b'q' => 1,        // BINPUT
            b'r' => 4,        // LONG_BINPUT
            b'}' | b'(' => 0, // EMPTY_DICT, MARK
            b's' | b'u' => 0, // SETITEM, SETITEMS
            b'.' => return if rest.is_empty() { found } else { None },
            // Texts, with their length in 1, 4 or 8 bytes.
            0x8c => text_of(&mut rest, 1, &mut found)?,
            b'X' => text_of(&mut rest, 4, &mut found)?,
            0x8d => text_of(&mut rest, 8, &mut found)?,
            _ => return None,
        };
        rest = rest.get(skipped..)?;
    }
}

fn text_of(rest: &mut &[u8], width: usize, found: &mut Option<String>) -> Option<usize> {
    let (length, after) = rest.split_at_checked(width)?;
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(length);
    let length = usize::try_from(u64::from_le_bytes(bytes)).ok()?;
    let (text, after) = after.split_at_checked(length)?;
    *found = Some(std::str::from_utf8(text).ok()?.to_owned());
    *rest = after;
    Some(0)
}
