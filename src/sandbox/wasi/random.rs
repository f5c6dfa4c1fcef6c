//! Randomness from the job's seed: SplitMix64 (Steele, Lea and Flood, "Fast
//! Splittable Pseudorandom Number Generators", 2014). Reproducible, not secret.

use wasmtime::{Caller, Linker};

use super::{Answer, Errno, MODULE, View, answer};
use crate::sandbox::guest::{Guest, charge};

/// A stream of bytes that its seed decides.
pub(in crate::sandbox) struct Random(u64);

impl Random {
    pub(in crate::sandbox) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next eight bytes.
    pub(in crate::sandbox) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "random_get",
        |mut caller: Caller<'_, Guest>, at: u32, length: u32| -> Answer {
            let inside = View::with(&mut caller, |view, _| view.bytes(at, length).map(drop));
            if let Err(errno) = inside {
                charge(&mut caller, 0)?;
                return Ok(errno as i32);
            }
            // Eight times the price of a copy: each byte is made.
            charge(&mut caller, 8 * u64::from(length))?;
            answer(View::with(&mut caller, |view, guest| {
                for piece in view.bytes_mut(at, length)?.chunks_mut(8) {
                    let drawn = guest.random.draw().to_le_bytes();
                    piece.copy_from_slice(&drawn[..piece.len()]);
                }
                Ok::<_, Errno>(())
            }))
        },
    )?;
    Ok(())
}
