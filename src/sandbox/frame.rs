//! What a pool and its workers say to each other: frames of postcard bytes, each with
//! its length before it.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Job, Outcome};

/// Longest frame. Bytes are read as they come, so that a length alone takes no memory.
const LONGEST: u64 = 1 << 30;

/// What a worker is told to do; it answers each order.
#[derive(Serialize, Deserialize)]
pub(super) enum Order {
    /// Make a guest ready that has been compiled: its name and its snapshot's sha256.
    Load { guest: String, sha256: String },
    /// Run a job whose guest is loaded.
    Run(Job),
}

/// What a worker says.
#[derive(Serialize, Deserialize)]
pub(super) enum Report {
    /// Once, before the first order: the walls round it.
    Ready(Walls),
    /// The guest is loaded.
    Loaded,
    /// What came of the job.
    Done(Outcome),
    /// The sandbox failed: what it was about to do, and why it could not.
    Failed { doing: String, why: String },
}

/// What stands round a worker, beside the sandbox itself. Systems differ; a worker
/// without one of them still works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// The worker can see no file but compiled guests (Landlock).
    pub files: Wall,
    /// The worker can make only the system calls that it needs (seccomp).
    pub calls: Wall,
    /// No core dumps, no files written, few descriptors, no processes (rlimits).
    pub limits: Wall,
    /// The worker is killed where the process that started it ends.
    pub parent: Wall,
}

/// One wall.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wall {
    /// It stands.
    Stands,
    /// It stands in part, or not at all; why.
    Lacks(String),
    /// Nobody has looked.
    #[default]
    Unknown,
}

/// Writes one frame.
pub(super) fn write(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut bytes = postcard::to_extend(message, vec![0; 8]).map_err(io::Error::other)?;
    let length = bytes.len() as u64 - 8;
    bytes[..8].copy_from_slice(&length.to_le_bytes());
    to.write_all(&bytes)
}

/// Reads one frame; `None` at the end of the stream.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 8];
    match from.read(&mut length)? {
        0 => return Ok(None),
        read => from.read_exact(&mut length[read..])?,
    }
    let length = u64::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other("a frame of more than 1 GiB"));
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&bytes)
        .map(Some)
        .map_err(io::Error::other)
}
