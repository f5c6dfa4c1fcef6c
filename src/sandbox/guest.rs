//! What the host keeps for one live instance: its streams, clock and randomness,
//! what the current turn may still use, and why the host stopped it.

use std::time::{Duration, Instant};

use wasmtime::{Caller, Memory, ResourceLimiter, Trap};

use super::engine::{MEMORY_MAXIMUM_BYTES, TABLE_ELEMENTS};
use super::instance::Partner;
use super::wasi::{BootFile, Clock, Random, Streams};
use super::{End, Limits};

/// Fuel for a call into the host. It takes 100 ns or so, in which a guest takes about
/// as much fuel: calls do not let a guest outlast the wall clock on little fuel.
const HOST_CALL_FUEL: u64 = 1_000;

/// Bytes that the host copies for one unit of fuel.
const BYTES_PER_FUEL: u64 = 4;

/// wasmtime's words where a growth is refused before its size is looked at.
const BEYOND_ITS_TYPE: &str = "memory growth exceeds memory type's limits";

/// The state of one store.
pub(in crate::sandbox) struct Guest {
    /// Standard input, output and error output.
    pub(super) streams: Streams,
    /// Virtual time.
    pub(super) clock: Clock,
    /// Seeded randomness.
    pub(super) random: Random,
    /// Linear memory, known once the instance exists.
    pub(super) memory: Option<Memory>,
    /// How much of it there is and may be.
    pub(super) memory_use: MemoryUse,
    /// What a guest may read while it boots.
    pub(super) boot_file: Option<BootFile>,
    /// What the harness sent in this turn.
    pub(super) reply: Vec<u8>,
    /// Longest reply, and longest message to or from a partner.
    pub(super) reply_limit: u64,
    /// Fuel with which the current turn began.
    pub(super) turn_fuel: u64,
    /// When the current turn began; for the wall clock alone.
    pub(super) turn_began: Instant,
    /// Wall time that a turn may take.
    pub(super) wall: Duration,
    /// Why the host ended the instance, where it did.
    pub(super) stopped: Option<End>,
    /// The candidate's instance; a tester has one, nobody else.
    pub(super) partner: Option<Box<Partner>>,
}

/// An import ends the instance; [`Guest::stopped`] says why.
#[derive(Debug, thiserror::Error)]
#[error("the host ended the instance")]
struct Stopped;

impl Guest {
    /// A guest that has not started.
    pub(super) fn new(limits: &Limits, seed: u64, baseline_bytes: u64) -> Self {
        Self {
            streams: Streams::new(limits.output_bytes),
            clock: Clock::for_a_run(),
            random: Random::new(seed),
            memory: None,
            memory_use: MemoryUse {
                baseline_bytes,
                limit_bytes: baseline_bytes
                    .saturating_add(limits.memory_bytes)
                    .min(MEMORY_MAXIMUM_BYTES),
                bytes: 0,
                denied: false,
            },
            boot_file: None,
            reply: Vec::new(),
            reply_limit: limits.reply_bytes,
            turn_fuel: 0,
            turn_began: Instant::now(),
            wall: limits.wall,
            stopped: None,
            partner: None,
        }
    }

    /// A guest that boots before its snapshot is taken, with `boot` on standard
    /// input. Its clock is behind that of every run from the snapshot.
    pub(in crate::sandbox) fn for_snapshot(boot: Vec<u8>) -> Self {
        let unlimited = Limits {
            fuel: u64::MAX,
            total_fuel: u64::MAX,
            memory_bytes: u64::MAX,
            output_bytes: 1 << 20,
            reply_bytes: 0,
            calls: 0,
            wall: Duration::MAX,
        };
        let mut guest = Self::new(&unlimited, 0, 0);
        guest.clock = Clock::for_a_snapshot();
        guest.streams.begin(boot, unlimited.output_bytes);
        guest
    }

    /// What a guest that boots has written to standard output and error output.
    pub(in crate::sandbox) fn written(&self) -> [&[u8]; 2] {
        self.streams.written()
    }

    /// Ends the instance: the error that an import returns.
    pub(super) fn stop(&mut self, end: End) -> wasmtime::Error {
        self.stopped.get_or_insert(end);
        Stopped.into()
    }
}

/// Takes the fuel for a call into the host that copies `bytes`.
///
/// # Errors
/// The trap for a lack of fuel, which ends the instance.
pub(super) fn charge(caller: &mut Caller<'_, Guest>, bytes: u64) -> wasmtime::Result<()> {
    let price = HOST_CALL_FUEL + bytes / BYTES_PER_FUEL;
    let fuel = caller.get_fuel()?;
    match fuel.checked_sub(price) {
        Some(rest) => caller.set_fuel(rest),
        None => {
            caller.set_fuel(0)?;
            Err(Trap::OutOfFuel.into())
        }
    }
}

/// Fuel that the current turn has taken so far.
pub(super) fn turn_fuel(caller: &Caller<'_, Guest>) -> wasmtime::Result<u64> {
    Ok(caller.data().turn_fuel.saturating_sub(caller.get_fuel()?))
}

/// Linear memory of one instance. It never shrinks.
pub(super) struct MemoryUse {
    /// What the snapshot has.
    pub(super) baseline_bytes: u64,
    /// Beyond this the guest is told that there is no memory.
    limit_bytes: u64,
    /// What there is.
    pub(super) bytes: u64,
    /// The guest asked for more in this turn than it may have.
    pub(super) denied: bool,
}

impl ResourceLimiter for Guest {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let memory = &mut self.memory_use;
        let granted = desired as u64 <= memory.limit_bytes
            && maximum.is_none_or(|maximum| desired <= maximum);
        match granted {
            true => memory.bytes = memory.bytes.max(desired as u64),
            false => memory.denied = true,
        }
        Ok(granted)
    }

    /// What was granted could not be had. That is the system's doing and must not
    /// look like the guest's: the error ends the job.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if error.to_string() == BEYOND_ITS_TYPE {
            self.memory_use.denied = true;
            return Ok(());
        }
        Err(error)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        4
    }
}
