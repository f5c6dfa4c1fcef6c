//! Descriptors 0, 1 and 2: bytes in, bytes out up to a limit. Nothing else can be
//! open.

use wasmtime::{Caller, Linker};

use super::{Answer, Errno, MODULE, View, answer};
use crate::sandbox::End;
use crate::sandbox::guest::{Guest, charge};

/// Parts that one read or write may have, as many as Linux allows.
const PARTS: u32 = 1024;

/// Preview 1's type of what is none of its types. A character device would be a
/// terminal to the guest's library, and Python's `input` reads terminals past
/// `sys.stdin`, whose next line is then lost.
const UNKNOWN: u8 = 0;

/// Rights to read and to write a descriptor.
const RIGHTS: [u64; 3] = [1 << 1, 1 << 6, 1 << 6];

/// The standard streams of one instance.
pub(in crate::sandbox) struct Streams {
    input: Vec<u8>,
    /// How much of the input has been read.
    read: usize,
    /// Standard output and error output.
    outputs: [Vec<u8>; 2],
    /// Longest output, of each.
    limit: u64,
    /// The guest may close its descriptors.
    open: [bool; 3],
}

impl Streams {
    pub(in crate::sandbox) fn new(limit: u64) -> Self {
        Self {
            input: Vec::new(),
            read: 0,
            outputs: [Vec::new(), Vec::new()],
            limit,
            open: [true; 3],
        }
    }

    /// Puts `input` in place of what is left on standard input, and lets each output
    /// have `limit` bytes.
    pub(in crate::sandbox) fn begin(&mut self, input: Vec<u8>, limit: u64) {
        self.input = input;
        self.read = 0;
        self.limit = limit;
    }

    /// Standard output and error output since they were last taken.
    pub(in crate::sandbox) fn take_outputs(&mut self) -> [Vec<u8>; 2] {
        std::mem::take(&mut self.outputs)
    }

    /// Standard output and error output so far.
    pub(in crate::sandbox) fn written(&self) -> [&[u8]; 2] {
        let [out, err] = &self.outputs;
        [out, err]
    }

    pub(super) fn check(&self, descriptor: u32) -> Result<(), Errno> {
        match self.open.get(descriptor as usize) {
            Some(true) => Ok(()),
            _ => Err(Errno::Badf),
        }
    }

    /// Appends as much of `bytes` as the limit allows.
    fn append(&mut self, descriptor: u32, bytes: &[u8]) -> Room {
        let output = &mut self.outputs[descriptor as usize - 1];
        let room = self.limit.saturating_sub(output.len() as u64);
        let fitting = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        output.extend_from_slice(&bytes[..fitting]);
        match fitting == bytes.len() {
            true => Room::Enough,
            false => Room::Exceeded,
        }
    }
}

/// Whether an output took all that it was given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    Exceeded,
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_read", read)?;
    linker.func_wrap(MODULE, "fd_write", write)?;
    linker.func_wrap(MODULE, "fd_close", close)?;
    linker.func_wrap(MODULE, "fd_fdstat_get", status)?;
    linker.func_wrap(MODULE, "fd_filestat_get", file_status)?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_set_flags",
        |mut caller: Caller<'_, Guest>, descriptor: u32, _flags: u32| -> Answer {
            charge(&mut caller, 0)?;
            answer(caller.data().streams.check(descriptor))
        },
    )?;
    linker.func_wrap(MODULE, "fd_seek", seek)?;
    linker.func_wrap(
        MODULE,
        "fd_tell",
        |caller: Caller<'_, Guest>, descriptor: u32, _: u32| -> Answer {
            no_position(caller, descriptor)
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_prestat_get",
        |mut caller: Caller<'_, Guest>, _: u32, _: u32| -> Answer {
            charge(&mut caller, 0)?;
            Ok(Errno::Badf as i32)
        },
    )?;
    Ok(())
}

/// `fd_close`
pub(super) fn close(mut caller: Caller<'_, Guest>, descriptor: u32) -> Answer {
    charge(&mut caller, 0)?;
    let streams = &mut caller.data_mut().streams;
    let known = streams.check(descriptor);
    if known.is_ok() {
        streams.open[descriptor as usize] = false;
    }
    answer(known)
}

/// `fd_fdstat_get`
pub(super) fn status(mut caller: Caller<'_, Guest>, descriptor: u32, at: u32) -> Answer {
    charge(&mut caller, 0)?;
    answer(View::with(&mut caller, |view, guest| {
        guest.streams.check(descriptor)?;
        let mut status = [0; 24];
        status[0] = UNKNOWN;
        status[8..16].copy_from_slice(&RIGHTS[descriptor as usize].to_le_bytes());
        view.write(at, &status)
    }))
}

/// `fd_filestat_get`
pub(super) fn file_status(mut caller: Caller<'_, Guest>, descriptor: u32, at: u32) -> Answer {
    charge(&mut caller, 0)?;
    answer(View::with(&mut caller, |view, guest| {
        guest.streams.check(descriptor)?;
        let mut status = [0; 64];
        status[16] = UNKNOWN;
        view.write(at, &status)
    }))
}

/// `fd_seek`
pub(super) fn seek(caller: Caller<'_, Guest>, descriptor: u32, _: u64, _: u32, _: u32) -> Answer {
    no_position(caller, descriptor)
}

/// What asks for the position of a stream.
fn no_position(mut caller: Caller<'_, Guest>, descriptor: u32) -> Answer {
    charge(&mut caller, 0)?;
    let known = caller.data().streams.check(descriptor);
    answer(known.and(Err(Errno::Spipe)))
}

/// `fd_read`: fills the parts in order with what is left of the input.
pub(super) fn read(
    mut caller: Caller<'_, Guest>,
    descriptor: u32,
    parts: u32,
    count: u32,
    at: u32,
) -> Answer {
    let moved = View::with(&mut caller, |view, guest| {
        guest.streams.check(descriptor)?;
        if descriptor != 0 {
            return Err(Errno::Badf);
        }
        let asked: u64 = check_parts(view, parts, count)?;
        let left = guest.streams.input.len() - guest.streams.read;
        Ok(asked.min(left as u64))
    });
    charge(&mut caller, *moved.as_ref().unwrap_or(&0))?;
    answer(View::with(&mut caller, |view, guest| {
        moved?;
        let streams = &mut guest.streams;
        let begin = streams.read;
        for index in 0..count {
            let (to, length) = part(view, parts, index)?;
            let left = &streams.input[streams.read..];
            let piece = &left[..left.len().min(length as usize)];
            view.write(to, piece)?;
            streams.read += piece.len();
        }
        view.write_u32(at, (streams.read - begin) as u32)
    }))
}

/// `fd_write`: appends the parts in order; more than the limit ends the instance.
fn write(
    mut caller: Caller<'_, Guest>,
    descriptor: u32,
    parts: u32,
    count: u32,
    at: u32,
) -> Answer {
    let moved = View::with(&mut caller, |view, guest| {
        guest.streams.check(descriptor)?;
        if descriptor == 0 {
            return Err(Errno::Badf);
        }
        let asked = check_parts(view, parts, count)?;
        view.write_u32(at, u32::try_from(asked).map_err(|_| Errno::Inval)?)?;
        Ok(asked)
    });
    let moved = match moved {
        Ok(moved) => moved,
        Err(errno) => {
            charge(&mut caller, 0)?;
            return Ok(errno as i32);
        }
    };
    charge(&mut caller, moved)?;
    let room = View::with(&mut caller, |view, guest| {
        for index in 0..count {
            let (from, length) = part(view, parts, index)?;
            let bytes = view.bytes(from, length)?;
            if guest.streams.append(descriptor, bytes) == Room::Exceeded {
                return Ok(Room::Exceeded);
            }
        }
        Ok(Room::Enough)
    });
    match room {
        Ok(Room::Enough) => Ok(Errno::Success as i32),
        Ok(Room::Exceeded) => Err(caller.data_mut().stop(End::Output)),
        Err(errno) => Ok(errno as i32),
    }
}

/// Where part `index` of a read or write is, and its length.
pub(super) fn part(view: &View<'_>, parts: u32, index: u32) -> Result<(u32, u32), Errno> {
    let at = parts.checked_add(8 * index).ok_or(Errno::Fault)?;
    let length = at.checked_add(4).ok_or(Errno::Fault)?;
    Ok((view.read_u32(at)?, view.read_u32(length)?))
}

/// The length of all parts, each of which lies in memory. Parts may overlap.
pub(super) fn check_parts(view: &View<'_>, parts: u32, count: u32) -> Result<u64, Errno> {
    if count > PARTS {
        return Err(Errno::Inval);
    }
    let mut total = 0;
    for index in 0..count {
        let (at, length) = part(view, parts, index)?;
        view.bytes(at, length)?;
        total += u64::from(length);
    }
    Ok(total)
}
