//! What a killed run leaves behind: a process of our own that outlives us for a moment, and ends it.

use std::io::BufRead;
#[cfg(unix)]
use std::io::Write;
use std::path::PathBuf;
#[cfg(unix)]
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

#[cfg(unix)]
use super::error::HostError;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the `pchsim` binary whose hidden subcommand `guard` watches over every run from now on: should this program die
/// with a run under way, even by `kill -9`, the guard ends the run's processes. The command line does this at its start; users of
/// the library may. Without it a run is ended by this program only. The first call counts.
pub fn guard_with(program: PathBuf) {
    let program = std::path::absolute(&program).unwrap_or(program);
    // A second name is not an error: the first guards as well.
    let _ = PROGRAM.set(program);
}

/// A guard over one run, at the other end of a pipe that closes when this program dies.
#[cfg(unix)]
pub(super) struct Guard {
    process: Child,
    pipe: ChildStdin,
}

#[cfg(unix)]
impl Guard {
    /// Starts a guard, before the run that bears this mark, so that there is no moment without one.
    pub(super) fn start(mark: &str) -> Result<Option<Self>, HostError> {
        let Some(program) = PROGRAM.get() else {
            return Ok(None);
        };
        let failed = |source| HostError::Guard {
            path: program.clone(),
            source,
        };
        let mut command = Command::new(program);
        command.args(["guard", mark]).current_dir("/");
        command.stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C and a shell's `kill -9` of our whole group must not reach it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn().map_err(failed)?;
        match process.stdin.take() {
            Some(pipe) => Ok(Some(Self { process, pipe })),
            None => Err(failed(std::io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Tells it which process leads the run.
    pub(super) fn watch(&mut self, leader: u32) {
        // A guard that is gone cannot help; the run itself is none the worse.
        let _ = writeln!(self.pipe, "{leader}").and_then(|()| self.pipe.flush());
    }

    /// Tells it that the run has ended in order, and waits for it to go.
    pub(super) fn finish(mut self) {
        let _ = writeln!(self.pipe, "done").and_then(|()| self.pipe.flush());
        drop(self.pipe);
        let _ = self.process.wait();
    }
}

/// What the hidden subcommand `guard` does: reads the leader's process id from `input`, and, should `input` then end without
/// `done`, ends every process of the run that bears `mark`.
pub fn guard(mark: &str, input: impl BufRead) {
    let mut leader = None;
    for line in input.lines().map_while(Result::ok) {
        if line == "done" {
            return;
        }
        leader = line.parse::<u32>().ok().or(leader);
    }
    #[cfg(unix)]
    super::tree::ProcessTree::new(leader, mark).end();
    #[cfg(not(unix))]
    let _ = (leader, mark);
}
