//! Virtual time. It moves with the work that is done, by fuel, and jumps over every
//! wait: a program sees a plausible clock, sleeps at no cost, and sees the same times
//! whenever it runs.

use wasmtime::{Caller, Linker};

use super::{Answer, Errno, MODULE, View, answer};
use crate::sandbox::guest::{Guest, charge, turn_fuel};

/// When snapshots are taken: 2024-01-01T00:00:00Z.
const SNAPSHOT: u64 = 1_704_067_200 * 1_000_000_000;

/// Runs begin a day later, so that no clock runs backwards.
const RUN: u64 = SNAPSHOT + 86_400 * 1_000_000_000;

/// Fuel that a nanosecond of the machines we know takes, roughly.
const FUEL_PER_NANOSECOND: u64 = 8;

/// What reading a clock takes, so that two readings differ.
const READING: u64 = 1_000;

/// What the clocks say that they can tell apart.
const RESOLUTION: u64 = 1;

/// Events that one call may wait for.
const SUBSCRIPTIONS: u32 = 1024;

const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;

/// The virtual clock of one instance, in nanoseconds since 1970.
pub(in crate::sandbox) struct Clock {
    /// Without what the current turn has taken.
    base: u64,
}

impl Clock {
    pub(in crate::sandbox) fn for_a_snapshot() -> Self {
        Self { base: SNAPSHOT }
    }

    pub(in crate::sandbox) fn for_a_run() -> Self {
        Self { base: RUN }
    }

    /// Ends a turn that took this fuel.
    pub(in crate::sandbox) fn end_turn(&mut self, turn_fuel: u64) {
        self.base = self.now(turn_fuel);
    }

    fn advance(&mut self, nanoseconds: u64) {
        self.base = self.base.saturating_add(nanoseconds);
    }

    fn now(&self, turn_fuel: u64) -> u64 {
        self.base.saturating_add(turn_fuel / FUEL_PER_NANOSECOND)
    }
}

/// Preview 1's clocks. All but the first count from the day of the snapshot.
fn origin(clock: u32) -> Result<u64, Errno> {
    match clock {
        0 => Ok(0),
        1..=3 => Ok(SNAPSHOT),
        _ => Err(Errno::Inval),
    }
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut caller: Caller<'_, Guest>, clock: u32, _precision: u64, at: u32| -> Answer {
            charge(&mut caller, 0)?;
            let fuel = turn_fuel(&caller)?;
            answer(View::with(&mut caller, |view, guest| {
                let origin = origin(clock)?;
                guest.clock.advance(READING);
                view.write_u64(at, guest.clock.now(fuel) - origin)
            }))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "clock_res_get",
        |mut caller: Caller<'_, Guest>, clock: u32, at: u32| -> Answer {
            charge(&mut caller, 0)?;
            answer(View::with(&mut caller, |view, _| {
                origin(clock)?;
                view.write_u64(at, RESOLUTION)
            }))
        },
    )?;
    linker.func_wrap(MODULE, "poll_oneoff", poll)?;
    Ok(())
}

/// What a guest waits for.
struct Subscription {
    /// The guest's own, handed back.
    user_data: [u8; 8],
    /// Preview 1's number for the kind of event.
    kind: u8,
    wanted: Wanted,
}

enum Wanted {
    /// A time, in nanoseconds since 1970.
    Time(u64),
    /// A stream, which is always ready, or an error.
    Stream(Errno),
}

impl Subscription {
    fn read(view: &View<'_>, at: u32, guest: &Guest, now: u64) -> Result<Self, Errno> {
        let bytes: [u8; SUBSCRIPTION_BYTES as usize] = view.read(at)?;
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"));
        let kind = bytes[8];
        let wanted = match kind {
            0 => {
                let (origin, time) = (origin(word(16))?, long(24));
                let is_absolute = bytes[40] & 1 == 1;
                Wanted::Time(match is_absolute {
                    true => origin.saturating_add(time),
                    false => now.saturating_add(time),
                })
            }
            1 | 2 => {
                let descriptor = word(16);
                let fits = descriptor < 3 && (descriptor == 0) == (kind == 1);
                let open = guest.streams.check(descriptor);
                Wanted::Stream(match (fits, open) {
                    (true, Ok(())) => Errno::Success,
                    _ => Errno::Badf,
                })
            }
            _ => return Err(Errno::Inval),
        };
        let user_data = bytes[..8].try_into().expect("eight");
        Ok(Self {
            user_data,
            kind,
            wanted,
        })
    }

    fn event(&self) -> [u8; EVENT_BYTES as usize] {
        let mut event = [0; EVENT_BYTES as usize];
        event[..8].copy_from_slice(&self.user_data);
        let errno = match self.wanted {
            Wanted::Time(_) => Errno::Success,
            Wanted::Stream(errno) => errno,
        };
        event[8..10].copy_from_slice(&(errno as u16).to_le_bytes());
        event[10] = self.kind;
        event
    }
}

/// `poll_oneoff`: streams are always ready; where only times are waited for, time
/// jumps to the first of them.
fn poll(mut caller: Caller<'_, Guest>, from: u32, to: u32, count: u32, at: u32) -> Answer {
    let bounded = count.min(SUBSCRIPTIONS);
    charge(&mut caller, u64::from(bounded * SUBSCRIPTION_BYTES))?;
    let fuel = turn_fuel(&caller)?;
    answer(View::with(&mut caller, |view, guest| {
        if count == 0 || count > SUBSCRIPTIONS {
            return Err(Errno::Inval);
        }
        let now = guest.clock.now(fuel);
        let subscriptions: Vec<_> = (0..count)
            .map(|index| {
                let at = from.checked_add(index * SUBSCRIPTION_BYTES);
                Subscription::read(view, at.ok_or(Errno::Fault)?, guest, now)
            })
            .collect::<Result<_, _>>()?;
        let is_stream = |one: &Subscription| matches!(one.wanted, Wanted::Stream(_));
        let times = subscriptions.iter().filter_map(|one| match one.wanted {
            Wanted::Time(time) => Some(time),
            Wanted::Stream(_) => None,
        });
        let until = match subscriptions.iter().any(is_stream) {
            true => now,
            false => now.max(times.min().unwrap_or(now)),
        };
        guest.clock.advance(until - now);
        let mut events = 0;
        for one in &subscriptions {
            if is_stream(one) || matches!(one.wanted, Wanted::Time(time) if time <= until) {
                let at = to.checked_add(events * EVENT_BYTES).ok_or(Errno::Fault)?;
                view.write(at, &one.event())?;
                events += 1;
            }
        }
        view.write_u32(at, events)
    }))
}
