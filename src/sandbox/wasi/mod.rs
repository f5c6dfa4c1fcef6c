//! A small, deterministic WASI preview 1: standard streams, virtual time, seeded
//! randomness, an exit. There are no files, no environment and no network, and
//! every other call says so.
//!
//! Every pointer is checked, every call takes fuel for the bytes that it moves, and
//! nothing here waits.

mod boot_file;
mod random;
mod stream;
mod time;
mod view;

pub(super) use boot_file::BootFile;
pub(super) use random::Random;
pub(super) use stream::Streams;
pub(super) use time::Clock;
pub(super) use view::View;

use wasmtime::{Caller, ExternType, Linker, Module, Val, ValType};

use super::End;
use super::guest::{Guest, charge};

/// The module that preview 1 functions are imported from.
const MODULE: &str = "wasi_snapshot_preview1";

/// The only argument: the program's name.
const NAME: &[u8] = b"guest\0";

/// Preview 1's error numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errno {
    Success = 0,
    Badf = 8,
    Fault = 21,
    Inval = 28,
    Nfile = 41,
    Noent = 44,
    Nosys = 52,
    Spipe = 70,
}

/// What a call answers with: an error number for the guest, or the end of it.
type Answer = wasmtime::Result<i32>;

/// Gives a linker the functions of preview 1 that `module` imports.
pub(in crate::sandbox) fn add(linker: &mut Linker<Guest>, module: &Module) -> wasmtime::Result<()> {
    refuse_all(linker, module)?;
    linker.allow_shadowing(true);
    stream::add(linker)?;
    time::add(linker)?;
    random::add(linker)?;
    process(linker)?;
    linker.func_wrap(
        MODULE,
        "sched_yield",
        |mut caller: Caller<'_, Guest>| -> Answer {
            charge(&mut caller, 0)?;
            Ok(Errno::Success as i32)
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Gives a linker that has those functions the ones that read a [`BootFile`].
pub(in crate::sandbox) fn add_boot_file(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    boot_file::add(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Arguments, environment and exit.
fn process(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "proc_exit",
        |mut caller: Caller<'_, Guest>, status: i32| {
            Err::<(), _>(caller.data_mut().stop(End::Exit(status)))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "args_sizes_get",
        |mut caller: Caller<'_, Guest>, count: u32, bytes: u32| -> Answer {
            charge(&mut caller, 0)?;
            answer(View::with(&mut caller, |view, _| {
                view.write_u32(count, 1)?;
                view.write_u32(bytes, NAME.len() as u32)
            }))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "args_get",
        |mut caller: Caller<'_, Guest>, pointers: u32, bytes: u32| -> Answer {
            charge(&mut caller, 0)?;
            answer(View::with(&mut caller, |view, _| {
                view.write_u32(pointers, bytes)?;
                view.write(bytes, NAME)
            }))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_sizes_get",
        |mut caller: Caller<'_, Guest>, count: u32, bytes: u32| -> Answer {
            charge(&mut caller, 0)?;
            answer(View::with(&mut caller, |view, _| {
                view.write_u32(count, 0)?;
                view.write_u32(bytes, 0)
            }))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_get",
        |mut caller: Caller<'_, Guest>, _: u32, _: u32| -> Answer {
            charge(&mut caller, 0)?;
            Ok(Errno::Success as i32)
        },
    )?;
    Ok(())
}

/// Every function of preview 1 that the guest imports, as one that is not there: no
/// descriptor leads to a file or socket.
fn refuse_all(linker: &mut Linker<Guest>, module: &Module) -> wasmtime::Result<()> {
    for import in module.imports() {
        let ExternType::Func(kind) = import.ty() else {
            continue;
        };
        let results: Vec<_> = kind.results().collect();
        let is_call = matches!(results[..], [ValType::I32]);
        if import.module() != MODULE || !is_call {
            continue;
        }
        let errno = match import.name().starts_with("path_") {
            true => Errno::Badf,
            false => Errno::Nosys,
        };
        linker.func_new(
            MODULE,
            import.name(),
            kind,
            move |mut caller, _, results| {
                charge(&mut caller, 0)?;
                results[0] = Val::I32(errno as i32);
                Ok(())
            },
        )?;
    }
    Ok(())
}

/// An error number as a call's answer.
fn answer(done: Result<(), Errno>) -> Answer {
    Ok(done.map_or_else(|errno| errno as i32, |()| Errno::Success as i32))
}
