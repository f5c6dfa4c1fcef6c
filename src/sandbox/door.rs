//! How a guest of ABI `wasi-python-1` reaches the host: one import, `host.call`, that
//! takes a request and hands an answer back.
//!
//! The first byte of a request says what it asks for: `r` appends the rest to the reply
//! of this turn; `a` sends the rest to the candidate's instance, in a tester's alone, and
//! is answered with what that said.
//! The guest allocates the room for an answer and owns it from then on.

use wasmtime::{Caller, Linker};

use super::guest::{Guest, charge};
use super::imports::{self, ask, out_of_bounds, reply, take};
use super::wasi::{Errno, View};

const MODULE: &str = "host";

/// The call is answered.
const ANSWERED: i32 = 0;

/// It can't be.
const REFUSED: i32 = -2;

/// Gives a linker `host.call`.
pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "call", call)?;
    Ok(())
}

/// Where the guest wants to be told where the answer is, and how long it is.
#[derive(Clone, Copy)]
struct Told {
    place: u32,
    length: u32,
}

/// `call(ptr, len, place, length) -> 0`, or -2 where there is no answer.
fn call(
    mut caller: Caller<'_, Guest>,
    at: u32,
    length: u32,
    place: u32,
    answer_length: u32,
) -> wasmtime::Result<i32> {
    charge(&mut caller, 0)?;
    let told = Told {
        place,
        length: answer_length,
    };
    let asked = View::with(&mut caller, |view, _| {
        view.bytes(at, length)?.first().copied().ok_or(Errno::Fault)
    });
    // `at` is below the end of memory, and `length` at least 1.
    let rest = (at.wrapping_add(1), length.wrapping_sub(1));
    match asked {
        Ok(b'r') => {
            reply(&mut caller, rest.0, rest.1)?;
            hand_over(&mut caller, told, 0, |_, _| Ok(()))
        }
        Ok(b'a') => {
            let length = ask(&mut caller, rest.0, rest.1)?;
            hand_over(&mut caller, told, length, take)
        }
        _ => Ok(REFUSED),
    }
}

/// Has the guest make room for an answer, has it `written` there, and says so.
fn hand_over(
    caller: &mut Caller<'_, Guest>,
    told: Told,
    length: u32,
    written: impl FnOnce(&mut Caller<'_, Guest>, u32) -> wasmtime::Result<()>,
) -> wasmtime::Result<i32> {
    let to = allocate(caller, length)?;
    if to == 0 {
        return Ok(REFUSED);
    }
    written(caller, to)?;
    View::with(caller, |view, _| {
        view.write_u32(told.place, to)?;
        view.write_u32(told.length, length)
    })
    .map_err(|_| out_of_bounds(caller))?;
    Ok(ANSWERED)
}

/// Room in the guest's memory, at least a byte; 0 where there is none.
fn allocate(caller: &mut Caller<'_, Guest>, length: u32) -> wasmtime::Result<u32> {
    let export = caller.get_export(imports::WASI_PYTHON_ALLOC);
    let function = export.and_then(wasmtime::Extern::into_func);
    let function = function.ok_or_else(|| wasmtime::format_err!("the guest has no allocator"))?;
    let alloc = function.typed::<u32, u32>(&*caller)?;
    alloc.call(caller, length.max(1))
}
