//! The guard: a process of our own that outlives this program for a moment, and ends what a killed run leaves behind.

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

/// Sets the `pchsim` binary whose hidden subcommand `guard` watches over every run from now on.
///
/// Should this program die with a run under way, even by `kill -9`, the guard ends the run's processes. The command line calls this at its
/// start; users of the library may. Without it, only this program itself ends a run. Only the first call has an effect.
pub fn guard_with(program: PathBuf) {
    let program = std::path::absolute(&program).unwrap_or(program);
    // A second call is not an error: the binary of the first call guards as well.
    let _ = PROGRAM.set(program);
}

/// A guard over one run. It holds the other end of a pipe that closes when this program dies.
#[cfg(unix)]
pub(super) struct Guard {
    process: Child,
    pipe: ChildStdin,
}

#[cfg(unix)]
impl Guard {
    /// Starts a guard for the run that bears this mark. It is started before the run, so that the run is never without a guard.
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
        // Ctrl-C and a shell's `kill -9` of our whole process group must not reach the guard.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn().map_err(failed)?;
        match process.stdin.take() {
            Some(pipe) => Ok(Some(Self { process, pipe })),
            None => Err(failed(std::io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Tells the guard which process leads the run.
    pub(super) fn watch(&mut self, leader: u32) {
        // A guard that is gone cannot help, but the run itself does not suffer from that.
        let _ = writeln!(self.pipe, "{leader}").and_then(|()| self.pipe.flush());
    }

    /// Tells the guard that the run has ended in order, and waits for the guard to exit.
    pub(super) fn finish(mut self) {
        let _ = writeln!(self.pipe, "done").and_then(|()| self.pipe.flush());
        drop(self.pipe);
        let _ = self.process.wait();
    }
}

/// The work of the hidden subcommand `guard`. It reads the leader's process id from `input`, and if `input` then ends without `done`, it
/// ends every process of the run that bears `mark`.
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
