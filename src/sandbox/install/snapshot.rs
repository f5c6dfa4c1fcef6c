//! Boots a guest and takes its snapshot: module and boot archive in, a module out
//! that is as if booted.
//!
//! The guest boots under the same deterministic WASI under which it will run, so
//! that the same module and archive give the same snapshot.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use wasmtime::{Engine, Instance, Memory, Module, Store};
use wasmtime_wizer::{WasmtimeWizer, Wizer};

use super::InstallError;
use super::recipe::{Built, Recipe};
use super::stack;
use crate::sandbox::guest::Guest;
use crate::sandbox::manifest::Abi;
use crate::sandbox::wasi::BootFile;
use crate::sandbox::{engine, imports};

/// What the guest exports to be booted.
const BOOT: &str = "wizer.initialize";

/// What toolchains export to be called before everything else.
const INITIALIZE: &str = "_initialize";

/// Lines that the guest wrote which an error shows.
const SAID: usize = 20;

/// Makes the module of a recipe ready to run: boots it, where its manifest says how.
///
/// # Errors
/// The module is none, or does not boot.
pub(super) fn take(recipe: &Recipe, built: &Built) -> Result<Vec<u8>, InstallError> {
    let manifest = recipe.manifest();
    let module = recipe.piece(&manifest.module, built);
    if manifest.boot.is_empty() && manifest.boot_program.is_none() {
        return Ok(module);
    }
    let archive = manifest.boot.iter();
    let with = Boot {
        archive: archive
            .flat_map(|piece| recipe.piece(piece, built))
            .collect(),
        file: manifest.boot_file.as_ref().and_then(|file| {
            let bytes = built.get(&file.built).cloned().unwrap_or_default();
            BootFile::new(&file.path, bytes)
        }),
        program: manifest
            .boot_program
            .as_ref()
            .map(|piece| recipe.piece(piece, built)),
    };
    // Guests recurse deeper than the stack of this thread may allow.
    let booting = thread::Builder::new()
        .name("sandbox-boot".into())
        .stack_size(engine::THREAD_STACK_BYTES)
        .spawn(move || boot(&module, with))
        .map_err(InstallError::io("start a thread"))?;
    booting.join().unwrap_or_else(|_| {
        Err(InstallError::Boot {
            problem: "the thread that boots it panicked".into(),
            said: Vec::new(),
        })
    })
}

/// What a guest is booted with.
struct Boot {
    /// On its standard input.
    archive: Vec<u8>,
    file: Option<BootFile>,
    /// Its first turn, where a turn is a program.
    program: Option<Vec<u8>>,
}

fn boot(module: &[u8], with: Boot) -> Result<Vec<u8>, InstallError> {
    let failed = |problem: wasmtime::Error, said: Vec<String>| InstallError::Boot {
        problem: problem.root_cause().to_string(),
        said,
    };
    let engine = engine::compiler().map_err(|error| failed(error, Vec::new()))?;
    let mut store = imports::boot_store(&engine, with.archive, with.file)
        .map_err(|error| failed(error, Vec::new()))?;
    let taken = run(&engine, module, with.program.as_deref(), &mut store);
    taken.map_err(|error| failed(error, said(store.data())))
}

fn run(
    engine: &Engine,
    module: &[u8],
    program: Option<&[u8]>,
    store: &mut Store<Guest>,
) -> wasmtime::Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    wizer.init_func(BOOT);
    let (context, instrumented) = wizer.instrument(module)?;
    let module = Module::new(engine, &instrumented)?;
    let instance = imports::boot_linker(engine, &module)?.instantiate(&mut *store, &module)?;
    let memory = imports::attach(store, &instance)?;
    if instance.get_func(&mut *store, INITIALIZE).is_some() {
        instance
            .get_typed_func::<(), ()>(&mut *store, INITIALIZE)?
            .call(&mut *store, ())?;
    }
    instance
        .get_typed_func::<(), ()>(&mut *store, BOOT)?
        .call(&mut *store, ())?;
    if let Some(program) = program {
        first_turn(program, store, &instance, memory)?;
        stack::deepen(memory.data_mut(&mut *store)).map_err(wasmtime::Error::msg)?;
    }
    let mut booted = WasmtimeWizer { store, instance };
    at_once(wizer.snapshot(&context, &mut booted))
}

/// Runs the program that a guest of ABI `wasi-python-1` boots with.
fn first_turn(
    program: &[u8],
    store: &mut Store<Guest>,
    instance: &Instance,
    memory: Memory,
) -> wasmtime::Result<()> {
    let [alloc, turn] = imports::exports(Abi::WasiPython1);
    let alloc = instance.get_typed_func::<u32, u32>(&mut *store, alloc)?;
    let turn = instance.get_typed_func::<(u32, u32), i32>(&mut *store, turn)?;
    let length = u32::try_from(program.len())?;
    let at = alloc.call(&mut *store, length)?;
    memory.write(&mut *store, at as usize, program)?;
    match turn.call(&mut *store, (at, length))? {
        0 => Ok(()),
        status => wasmtime::bail!("its program ended with status {status}"),
    }
}

/// The value of a future that never waits: what it awaits is memory that is there.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("reading an instance's memory never waits"),
    }
}

/// The last lines that a guest wrote.
fn said(guest: &Guest) -> Vec<String> {
    let text = guest.written().map(String::from_utf8_lossy).concat();
    let lines: Vec<&str> = text.lines().collect();
    let begin = lines.len().saturating_sub(SAID);
    lines[begin..].iter().map(|&line| line.to_owned()).collect()
}
