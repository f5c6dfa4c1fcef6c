//! Outputs that close, are full, or panic.

use std::io::{self, Write};

use goldstone::batch::{Batch, BatchError, BatchOptions, Control, Ended};

use super::{Folder, inputs, mixed_rows, plain_rows, scorer};

/// A sink that takes `room` bytes and then fails.
struct Full {
    room: usize,
    kind: io::ErrorKind,
}

impl Write for Full {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let taken = buffer.len().min(self.room);
        self.room -= taken;
        if taken == 0 {
            Err(self.kind.into())
        } else {
            Ok(taken)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A sink that is broken.
struct Panics;

impl Write for Panics {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("no such sink");
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_panics_ends_the_run() {
    let folder = Folder::new();
    // More chunks than are on their way at a time.
    let path = folder.file("in.jsonl", plain_rows(40));
    let inputs = inputs(&[path]);
    let options = BatchOptions {
        jobs: 1,
        chunk_rows: 1,
        ..BatchOptions::default()
    };
    let (judge, control) = (scorer(), Control::default());
    let batch = Batch {
        judge: &judge,
        inputs: &inputs,
        options: &options,
        control: &control,
    };
    let error = batch.run(&mut Panics).unwrap_err();
    assert!(matches!(error, BatchError::Panic), "{error}");
}

#[test]
fn a_closed_pipe_is_an_end_and_a_full_disk_an_error() {
    let folder = Folder::new();
    let path = folder.file("in.jsonl", mixed_rows(2000));
    let run = |kind| {
        let inputs = inputs(std::slice::from_ref(&path));
        let (options, control) = (BatchOptions::default(), Control::default());
        let judge = scorer();
        Batch {
            judge: &judge,
            inputs: &inputs,
            options: &options,
            control: &control,
        }
        .run(&mut Full { room: 1000, kind })
    };
    assert_eq!(run(io::ErrorKind::BrokenPipe).unwrap().ended, Ended::Closed);
    let error = run(io::ErrorKind::StorageFull).unwrap_err();
    assert!(matches!(error, BatchError::Write(_)), "{error}");
}
