//! One live instance of a guest, made from its snapshot, and its turns.

use std::time::{Duration, Instant};

use wasmtime::{InstancePre, Store, Trap, TypedFunc};

use super::budget::Budget;
use super::guest::Guest;
use super::manifest::Abi;
use super::{End, Limits, Request, SandboxError, Turn};
use super::{engine, imports};

/// A guest that is ready to be instantiated.
pub(super) struct Image {
    pub(super) pre: InstancePre<Guest>,
    /// How it is called.
    pub(super) abi: Abi,
    /// sha256 of the snapshot, in hexadecimal.
    pub(super) sha256: String,
    /// Linear memory of the snapshot.
    pub(super) memory_bytes: u64,
}

/// A live instance.
pub(super) struct Instance {
    store: Store<Guest>,
    memory: wasmtime::Memory,
    alloc: TypedFunc<u32, u32>,
    turn: TypedFunc<(u32, u32), i32>,
}

impl Instance {
    /// A fresh instance, as it was when the snapshot was taken.
    pub(super) fn new(image: &Image, limits: &Limits, seed: u64) -> Result<Self, SandboxError> {
        Self::start(image, limits, seed)
            .map_err(|error| SandboxError::failed("start an instance of the guest", error))
    }

    fn start(image: &Image, limits: &Limits, seed: u64) -> wasmtime::Result<Self> {
        let guest = Guest::new(limits, seed, image.memory_bytes);
        let mut store = Store::new(image.pre.module().engine(), guest);
        store.limiter(|guest| guest);
        store.set_fuel(limits.fuel)?;
        store.set_epoch_deadline(engine::ticks(limits.wall));
        let instance = image.pre.instantiate(&mut store)?;
        let memory = imports::attach(&mut store, &instance)?;
        let [alloc, turn] = imports::exports(image.abi);
        Ok(Self {
            alloc: instance.get_typed_func(&mut store, alloc)?,
            turn: instance.get_typed_func(&mut store, turn)?,
            memory,
            store,
        })
    }

    /// Gives the instance someone to ask: makes it a tester.
    pub(super) fn with_partner(mut self, partner: Partner) -> Self {
        self.store.data_mut().partner = Some(Box::new(partner));
        self
    }

    /// The turns of the partner.
    pub(super) fn into_calls(self) -> Vec<Turn> {
        let partner = self.store.into_data().partner;
        partner.map_or_else(Vec::new, |partner| partner.calls)
    }

    /// One turn. After any end but [`End::Returned`] there must be no other.
    ///
    /// # Errors
    /// Our own failures alone.
    pub(super) fn turn(
        &mut self,
        request: &Request,
        limits: &Limits,
    ) -> Result<Turn, SandboxError> {
        let failed = |error| SandboxError::failed("run a guest", error);
        self.begin(request, limits).map_err(failed)?;
        let called = self.call(&request.message);
        let left = self.store.get_fuel().map_err(failed)?;
        let guest = self.store.data_mut();
        let end = match called {
            Ok(status) => End::Returned(status),
            Err(error) => ended(guest, error).map_err(failed)?,
        };
        let fuel = match end {
            End::Fuel => limits.fuel,
            _ => limits.fuel.saturating_sub(left),
        };
        guest.clock.end_turn(fuel);
        let [stdout, stderr] = guest.streams.take_outputs();
        let reply = std::mem::take(&mut guest.reply);
        let memory = &guest.memory_use;
        Ok(Turn {
            reply: match end {
                End::Returned(_) => reply,
                _ => Vec::new(),
            },
            end,
            stdout,
            stderr,
            fuel,
            memory_bytes: memory.bytes.saturating_sub(memory.baseline_bytes),
            memory_denied: memory.denied,
        })
    }

    fn begin(&mut self, request: &Request, limits: &Limits) -> wasmtime::Result<()> {
        self.store.set_fuel(limits.fuel)?;
        self.store.set_epoch_deadline(engine::ticks(limits.wall));
        let guest = self.store.data_mut();
        guest
            .streams
            .begin(request.stdin.clone(), limits.output_bytes);
        guest.memory_use.denied = false;
        guest.turn_fuel = limits.fuel;
        guest.turn_began = Instant::now();
        Ok(())
    }

    fn call(&mut self, message: &[u8]) -> wasmtime::Result<i32> {
        let store = &mut self.store;
        let length = u32::try_from(message.len())?;
        let at = self.alloc.call(&mut *store, length)?;
        if self
            .memory
            .write(&mut *store, at as usize, message)
            .is_err()
        {
            let end = End::Trap("the guest has no room for the message".to_owned());
            return Err(store.data_mut().stop(end));
        }
        self.turn.call(store, (at, length))
    }
}

/// How a call into the guest ended, where it did not return.
///
/// # Errors
/// What neither the guest nor a limit caused.
fn ended(guest: &mut Guest, error: wasmtime::Error) -> wasmtime::Result<End> {
    if let Some(end) = guest.stopped.take() {
        return Ok(end);
    }
    match error.downcast_ref::<Trap>() {
        None => Err(error),
        Some(Trap::OutOfFuel) => Ok(End::Fuel),
        Some(Trap::Interrupt) => Ok(End::Wall),
        Some(Trap::StackOverflow) => Ok(End::Stack),
        Some(trap) => {
            let words = trap.to_string();
            let words = words.strip_prefix("wasm trap: ").unwrap_or(&words);
            Ok(End::Trap(words.to_owned()))
        }
    }
}

/// The candidate's instance, as its tester's store holds it.
pub(super) struct Partner {
    instance: Instance,
    budget: Budget,
    /// Messages that it may still be sent.
    calls_left: u64,
    /// The turns so far.
    pub(super) calls: Vec<Turn>,
    /// What the last turn came to, until the tester has taken it.
    pub(super) answer: Option<Vec<u8>>,
    /// Wall time of all turns.
    pub(super) took: Duration,
}

impl Partner {
    pub(super) fn new(instance: Instance, budget: Budget) -> Self {
        Self {
            instance,
            calls_left: budget.limits().calls,
            budget,
            calls: Vec::new(),
            answer: None,
            took: Duration::ZERO,
        }
    }

    /// How a tester ends that asks once more, where it may not.
    pub(super) fn refuses(&self) -> Option<End> {
        if self.calls_left == 0 {
            return Some(End::Reply);
        }
        match self.calls.last().map(|turn| &turn.end) {
            None | Some(End::Returned(_)) => None,
            Some(_) => Some(End::Trap("`ask` after the candidate has ended".to_owned())),
        }
    }

    /// A turn of the candidate; its answer is kept for the tester to take.
    pub(super) fn ask(&mut self, message: Vec<u8>) -> Result<(), SandboxError> {
        let began = Instant::now();
        let stdin = Vec::new();
        self.calls_left -= 1;
        let limits = self.budget.limits();
        let turn = self.instance.turn(&Request { message, stdin }, &limits)?;
        let mut turn = self.budget.spend(turn);
        // The tester has it; nobody else asks for thousands of them.
        let reply = std::mem::take(&mut turn.reply);
        self.answer = Some(imports::answer(&turn.end, &reply));
        self.calls.push(turn);
        self.took += began.elapsed();
        Ok(())
    }

    /// Length of the answer that waits to be taken.
    pub(super) fn answer_length(&self) -> u32 {
        let length = self.answer.as_ref().map_or(0, Vec::len);
        u32::try_from(length).expect("a reply is shorter than the guest's memory")
    }
}
