//! Boots a guest and takes its snapshot: module and boot archive in, a module out
//! that is as if booted.
//!
//! The guest boots under the same deterministic WASI under which it will run, so
//! that the same module and archive give the same snapshot.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use wasmtime::{Engine, Module, Store};
use wasmtime_wizer::{WasmtimeWizer, Wizer};

use super::InstallError;
use super::recipe::{Built, Recipe};
use crate::sandbox::guest::Guest;
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
    if manifest.boot.is_empty() {
        return Ok(module);
    }
    let archive = manifest
        .boot
        .iter()
        .flat_map(|piece| recipe.piece(piece, built))
        .collect();
    // Guests recurse deeper than the stack of this thread may allow.
    let booting = thread::Builder::new()
        .name("sandbox-boot".into())
        .stack_size(engine::THREAD_STACK_BYTES)
        .spawn(move || boot(&module, archive))
        .map_err(InstallError::io("start a thread"))?;
    booting.join().unwrap_or_else(|_| {
        Err(InstallError::Boot {
            problem: "the thread that boots it panicked".into(),
            said: Vec::new(),
        })
    })
}

fn boot(module: &[u8], archive: Vec<u8>) -> Result<Vec<u8>, InstallError> {
    let failed = |problem: wasmtime::Error, said: Vec<String>| InstallError::Boot {
        problem: problem.root_cause().to_string(),
        said,
    };
    let engine = engine::compiler().map_err(|error| failed(error, Vec::new()))?;
    let mut store =
        imports::boot_store(&engine, archive).map_err(|error| failed(error, Vec::new()))?;
    let taken = run(&engine, module, &mut store);
    taken.map_err(|error| failed(error, said(store.data())))
}

fn run(engine: &Engine, module: &[u8], store: &mut Store<Guest>) -> wasmtime::Result<Vec<u8>> {
    let mut wizer = Wizer::new();
    wizer.init_func(BOOT);
    let (context, instrumented) = wizer.instrument(module)?;
    let module = Module::new(engine, &instrumented)?;
    let instance = imports::linker(engine, &module)?.instantiate(&mut *store, &module)?;
    imports::attach(store, &instance)?;
    if instance.get_func(&mut *store, INITIALIZE).is_some() {
        instance
            .get_typed_func::<(), ()>(&mut *store, INITIALIZE)?
            .call(&mut *store, ())?;
    }
    instance
        .get_typed_func::<(), ()>(&mut *store, BOOT)?
        .call(&mut *store, ())?;
    let mut booted = WasmtimeWizer { store, instance };
    at_once(wizer.snapshot(&context, &mut booted))
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
