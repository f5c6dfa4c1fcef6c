//! Runs the commands of an installation: their output goes to a log, line by line
//! to whoever watches, and its end into the error.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{InstallError, Watch, make_folder};

/// Lines of output that an error shows.
const TAIL: usize = 12;

/// Bytes of one line of output that are looked at.
const LINE_BYTES: usize = 400;

/// A line that begins with this says that a stage begins.
const STAGE: &str = "stage: ";

/// All that the commands of one installation said.
pub(super) struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// A new log, instead of the last one.
    pub(super) fn create(path: &Path) -> Result<Self, InstallError> {
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let file = File::create(path).map_err(InstallError::io(format!(
            "write the log `{}`",
            path.display()
        )))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }
}

/// Runs commands.
pub(super) struct Runner<'r> {
    pub(super) log: &'r mut Log,
    pub(super) watch: &'r mut dyn Watch,
}

impl Runner<'_> {
    /// Runs a command to its end; `what` is what messages call it.
    ///
    /// # Errors
    /// It can't be started, or ends with another status than 0.
    pub(super) fn run(&mut self, what: &str, command: &mut Command) -> Result<(), InstallError> {
        let mut tail = VecDeque::new();
        let ended = self.follow(command, &mut tail);
        let how = match ended {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        Err(InstallError::Command {
            what: what.to_owned(),
            how,
            log: self.log.path.clone(),
            tail: tail.into(),
        })
    }

    fn follow(
        &mut self,
        command: &mut Command,
        tail: &mut VecDeque<String>,
    ) -> io::Result<std::process::ExitStatus> {
        writeln!(self.log.file, "$ {command:?}")?;
        let (output, input) = io::pipe()?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input)
            .spawn()?;
        // Its copies of the pipe's end would keep the pipe open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut output = BufReader::new(output);
        let mut bytes = Vec::new();
        while output.read_until(b'\n', &mut bytes)? > 0 {
            self.log.file.write_all(&bytes)?;
            bytes.truncate(LINE_BYTES);
            let line = String::from_utf8_lossy(&bytes);
            let line = line.trim_end();
            match line.strip_prefix(STAGE) {
                Some(stage) => self.watch.stage(stage),
                None => self.watch.line(line),
            }
            if !line.is_empty() {
                if tail.len() == TAIL {
                    tail.pop_front();
                }
                tail.push_back(line.to_owned());
            }
            bytes.clear();
        }
        child.wait()
    }
}
