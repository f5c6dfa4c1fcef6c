//! The one file that a guest may read while it boots: the library of an interpreter
//! that can't start without. It lies in a folder that can't be listed, and nothing
//! can be written.
//!
//! Runs know nothing of this: they have no file, and a linker without these calls.

use wasmtime::{Caller, Linker};

use super::stream::{self, check_parts, part};
use super::{Answer, Errno, MODULE, View, answer};
use crate::sandbox::guest::{Guest, charge};

/// The descriptor of the folder, behind the standard streams.
const FOLDER: u32 = 3;

/// The first descriptor that opening the file may give.
const FIRST: u32 = 4;

/// Descriptors of the file at a time.
const MOST_OPEN: usize = 64;

/// Preview 1's types of a file.
const IS_FOLDER: u8 = 3;
const IS_FILE: u8 = 4;

/// Rights to read, seek, tell, open and ask about, and to hand them on.
const RIGHTS: u64 = 1 << 1 | 1 << 2 | 1 << 5 | 1 << 13 | 1 << 18 | 1 << 21;

/// A file, and where its readers are.
pub(in crate::sandbox) struct BootFile {
    folder: String,
    name: String,
    bytes: Vec<u8>,
    /// Positions of the descriptors from [`FIRST`]; none where one is closed.
    open: Vec<Option<u64>>,
}

impl BootFile {
    /// A file at an absolute path; none where the path has no folder.
    pub(in crate::sandbox) fn new(path: &str, bytes: Vec<u8>) -> Option<Self> {
        let (folder, name) = path.rsplit_once('/')?;
        Some(Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            bytes,
            open: Vec::new(),
        })
    }

    /// What a path from the folder leads to: its type and length.
    fn find(&self, path: &[u8]) -> Result<(u8, u64), Errno> {
        let path = path.strip_prefix(b"./").unwrap_or(path);
        match path {
            b"" | b"." => Ok((IS_FOLDER, 0)),
            path if path == self.name.as_bytes() => Ok((IS_FILE, self.bytes.len() as u64)),
            _ => Err(Errno::Noent),
        }
    }

    fn open(&mut self) -> Result<u32, Errno> {
        let free = self.open.iter().position(Option::is_none);
        let index = free.unwrap_or(self.open.len());
        match free {
            Some(index) => self.open[index] = Some(0),
            None if index < MOST_OPEN => self.open.push(Some(0)),
            None => return Err(Errno::Nfile),
        }
        Ok(FIRST + index as u32)
    }

    /// The position of an open descriptor.
    fn position(&mut self, descriptor: u32) -> Result<&mut Option<u64>, Errno> {
        let index = descriptor.checked_sub(FIRST).ok_or(Errno::Badf)?;
        match self.open.get_mut(index as usize) {
            Some(position @ Some(_)) => Ok(position),
            _ => Err(Errno::Badf),
        }
    }

    /// What a descriptor leads to: its type and length.
    fn kind(&mut self, descriptor: u32) -> Result<(u8, u64), Errno> {
        if descriptor == FOLDER {
            return Ok((IS_FOLDER, 0));
        }
        self.position(descriptor)?;
        Ok((IS_FILE, self.bytes.len() as u64))
    }

    /// What a descriptor reads next.
    fn left(&mut self, descriptor: u32) -> Result<&[u8], Errno> {
        let position = self.position(descriptor)?.unwrap_or(0);
        let begin = (self.bytes.len() as u64).min(position) as usize;
        Ok(&self.bytes[begin..])
    }

    fn advance(&mut self, descriptor: u32, by: usize) -> Result<(), Errno> {
        if let Some(position) = self.position(descriptor)? {
            *position += by as u64;
        }
        Ok(())
    }

    /// Moves a descriptor; `whence` as preview 1 numbers it.
    fn seek(&mut self, descriptor: u32, offset: i64, whence: u32) -> Result<u64, Errno> {
        let length = self.bytes.len() as u64;
        let position = self.position(descriptor)?;
        let from = match whence {
            0 => 0,
            1 => position.unwrap_or(0),
            2 => length,
            _ => return Err(Errno::Inval),
        };
        let to = from.checked_add_signed(offset).ok_or(Errno::Inval)?;
        *position = Some(to);
        Ok(to)
    }
}

/// Preview 1's `filestat`.
fn file_status((kind, length): (u8, u64)) -> [u8; 64] {
    let mut status = [0; 64];
    // Another number for each, as if they were two of a file system.
    status[8] = kind;
    status[16] = kind;
    status[24] = 1;
    status[32..40].copy_from_slice(&length.to_le_bytes());
    status
}

/// The file, where the guest has one.
fn file(guest: &mut Guest) -> Result<&mut BootFile, Errno> {
    guest.boot_file.as_mut().ok_or(Errno::Badf)
}

/// Puts these calls into the place of those that know of no file.
pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_prestat_get", folder_name_length)?;
    linker.func_wrap(MODULE, "fd_prestat_dir_name", folder_name)?;
    linker.func_wrap(MODULE, "path_open", open)?;
    linker.func_wrap(MODULE, "path_filestat_get", path_status)?;
    linker.func_wrap(MODULE, "fd_read", read)?;
    linker.func_wrap(MODULE, "fd_seek", seek)?;
    linker.func_wrap(
        MODULE,
        "fd_tell",
        |caller: Caller<'_, Guest>, descriptor: u32, at: u32| -> Answer {
            seek(caller, descriptor, 0, 1, at)
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_close",
        |mut caller: Caller<'_, Guest>, descriptor: u32| -> Answer {
            if descriptor < FOLDER {
                return stream::close(caller, descriptor);
            }
            charge(&mut caller, 0)?;
            let file = file(caller.data_mut());
            answer(file.and_then(|file| file.position(descriptor).map(|position| *position = None)))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_get",
        |mut caller: Caller<'_, Guest>, descriptor: u32, at: u32| -> Answer {
            if descriptor < FOLDER {
                return stream::status(caller, descriptor, at);
            }
            charge(&mut caller, 0)?;
            answer(View::with(&mut caller, |view, guest| {
                let mut status = [0; 24];
                (status[0], _) = file(guest)?.kind(descriptor)?;
                status[8..16].copy_from_slice(&RIGHTS.to_le_bytes());
                status[16..24].copy_from_slice(&RIGHTS.to_le_bytes());
                view.write(at, &status)
            }))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_get",
        |mut caller: Caller<'_, Guest>, descriptor: u32, at: u32| -> Answer {
            if descriptor < FOLDER {
                return stream::file_status(caller, descriptor, at);
            }
            charge(&mut caller, 0)?;
            answer(View::with(&mut caller, |view, guest| {
                let kind = file(guest)?.kind(descriptor)?;
                view.write(at, &file_status(kind))
            }))
        },
    )?;
    Ok(())
}

/// `fd_prestat_get`: there is one folder, and the length of its name.
fn folder_name_length(mut caller: Caller<'_, Guest>, descriptor: u32, at: u32) -> Answer {
    charge(&mut caller, 0)?;
    answer(View::with(&mut caller, |view, guest| {
        let length = file(guest)?.folder.len() as u32;
        if descriptor != FOLDER {
            return Err(Errno::Badf);
        }
        view.write(at, &[0; 4])?;
        view.write_u32(at.checked_add(4).ok_or(Errno::Fault)?, length)
    }))
}

/// `fd_prestat_dir_name`: the folder's name.
fn folder_name(mut caller: Caller<'_, Guest>, descriptor: u32, at: u32, length: u32) -> Answer {
    charge(&mut caller, 0)?;
    answer(View::with(&mut caller, |view, guest| {
        let folder = &file(guest)?.folder;
        match descriptor == FOLDER && folder.len() <= length as usize {
            true => view.write(at, folder.as_bytes()),
            false => Err(Errno::Badf),
        }
    }))
}

/// `path_open`: the file, to be read.
#[expect(
    clippy::too_many_arguments,
    reason = "preview 1 decides what it is called with"
)]
fn open(
    mut caller: Caller<'_, Guest>,
    descriptor: u32,
    _follow: u32,
    path: u32,
    length: u32,
    _how: u32,
    _rights: u64,
    _handed_on: u64,
    _flags: u32,
    at: u32,
) -> Answer {
    charge(&mut caller, u64::from(length))?;
    answer(View::with(&mut caller, |view, guest| {
        let file = file(guest)?;
        match (descriptor, file.find(view.bytes(path, length)?)?) {
            (FOLDER, (IS_FILE, _)) => view.write_u32(at, file.open()?),
            _ => Err(Errno::Badf),
        }
    }))
}

/// `path_filestat_get`: what the file is.
fn path_status(
    mut caller: Caller<'_, Guest>,
    descriptor: u32,
    _follow: u32,
    path: u32,
    length: u32,
    at: u32,
) -> Answer {
    charge(&mut caller, u64::from(length))?;
    answer(View::with(&mut caller, |view, guest| {
        let found = file(guest)?.find(view.bytes(path, length)?)?;
        match descriptor {
            FOLDER => view.write(at, &file_status(found)),
            _ => Err(Errno::Badf),
        }
    }))
}

/// `fd_read`: of the file, or of standard input.
fn read(mut caller: Caller<'_, Guest>, descriptor: u32, parts: u32, count: u32, at: u32) -> Answer {
    if descriptor < FOLDER {
        return stream::read(caller, descriptor, parts, count, at);
    }
    charge(&mut caller, 0)?;
    let moved = View::with(&mut caller, |view, guest| {
        check_parts(view, parts, count)?;
        let file = file(guest)?;
        let mut moved = 0;
        for index in 0..count {
            let (to, length) = part(view, parts, index)?;
            let left = file.left(descriptor)?;
            let piece = &left[..left.len().min(length as usize)];
            view.write(to, piece)?;
            let read = piece.len();
            file.advance(descriptor, read)?;
            moved += read;
        }
        view.write_u32(at, moved as u32)?;
        Ok(moved)
    });
    charge(&mut caller, *moved.as_ref().unwrap_or(&0) as u64)?;
    answer(moved.map(drop))
}

/// `fd_seek`: of the file; streams have no position.
fn seek(
    mut caller: Caller<'_, Guest>,
    descriptor: u32,
    offset: u64,
    whence: u32,
    at: u32,
) -> Answer {
    if descriptor < FOLDER {
        return stream::seek(caller, descriptor, offset, whence, at);
    }
    charge(&mut caller, 0)?;
    answer(View::with(&mut caller, |view, guest| {
        let position = file(guest)?.seek(descriptor, offset.cast_signed(), whence)?;
        view.write_u64(at, position)
    }))
}
