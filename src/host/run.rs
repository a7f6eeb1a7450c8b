//! Runs a program on an interpreter, and leaves no process of it behind.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::error::HostError;

/// The number of bytes that a program may print unless [`Invocation::output_limit`] says otherwise.
pub const OUTPUT_LIMIT: u64 = 64 << 20;

/// A program to be run.
#[derive(Clone, Debug)]
pub struct Invocation<'a> {
    /// The path of the interpreter's executable.
    pub interpreter: &'a Path,
    /// The arguments of the interpreter.
    pub args: Vec<OsString>,
    /// The directory to run in; `None` for this program's own.
    pub dir: Option<&'a Path>,
    /// Environment variables in addition to those of this program.
    pub env: Vec<(String, String)>,
    /// How long the program may run; [`Duration::MAX`] for as long as it takes.
    pub limit: Duration,
    /// Whether the program gets this program's standard streams and its terminal. Then nothing is passed on line by line, and no output is
    /// counted or kept. It also stays in this program's process group, so that Ctrl-C reaches it and it may read from the terminal.
    pub inherit: bool,
    /// How often to sample the memory of the program's processes: at least 2 ms, on macOS at least 200 ms. `None` to not sample it at all,
    /// because it costs CPU time (for each process about a millisecond for every hundred megabytes).
    pub sample_memory: Option<Duration>,
    /// The number of bytes that the program may print to standard output, and as many to standard error.
    pub output_limit: u64,
}

impl<'a> Invocation<'a> {
    /// A program without arguments that may run for a minute.
    #[must_use]
    pub fn new(interpreter: &'a Path) -> Self {
        Self {
            interpreter,
            args: Vec::new(),
            dir: None,
            env: Vec::new(),
            limit: Duration::from_secs(60),
            inherit: false,
            sample_memory: None,
            output_limit: OUTPUT_LIMIT,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// The program ended by itself; see the exit code and the signal.
    Exited,
    /// The run was ended by this program, because its time was over.
    TimedOut,
    /// The run was ended by this program, because of Ctrl-C or SIGTERM (see [`super::watch_interrupts`]).
    Interrupted,
    /// The run was ended by this program, because it printed more than its limit, or a line of more than 16 MiB.
    TooMuchOutput,
}

/// A run that is over, with all its processes.
#[derive(Clone, Debug)]
pub struct FinishedRun {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended the program, if one did.
    pub signal: Option<i32>,
    /// How the run ended.
    pub end: ExitReason,
    /// The number of bytes printed to standard output.
    pub stdout_bytes: u64,
    /// The start and the end of what was printed to standard error, 16 KiB each.
    pub stderr: String,
    /// The time from the run's start to the end of its first process.
    pub wall: Duration,
    /// The most memory that all its processes together were seen to have, in bytes: proportional set sizes on Linux, resident sets on
    /// macOS. `None` if it was not sampled.
    pub memory_peak: Option<u64>,
}

impl FinishedRun {
    /// How the run ended, as words to follow the program's name: `ended with exit code 1`.
    #[must_use]
    pub(crate) fn how(&self) -> String {
        match (self.end, self.code, self.signal) {
            (ExitReason::TimedOut, ..) => format!("was ended after {} s", self.wall.as_secs()),
            (ExitReason::Interrupted, ..) => "was interrupted".into(),
            (ExitReason::TooMuchOutput, ..) => "printed too much and was ended".into(),
            (ExitReason::Exited, Some(code), _) => format!("ended with exit code {code}"),
            (ExitReason::Exited, None, Some(signal)) => format!("was ended by signal {signal}"),
            (ExitReason::Exited, None, None) => "ended".into(),
        }
    }

    /// The last line that the program wrote to standard error, which in a traceback says what is wrong; empty if it wrote nothing.
    #[must_use]
    pub(crate) fn last_line(&self) -> &str {
        let last = self.stderr.trim().lines().last();
        last.unwrap_or_default().trim()
    }

    /// How the run ended, followed by its last line.
    #[must_use]
    pub(crate) fn how_and_why(&self) -> String {
        format!("{} {}", self.how(), self.last_line())
            .trim()
            .to_owned()
    }

    /// Whether the program ended by itself with exit code 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.end == ExitReason::Exited && self.code == Some(0)
    }
}

/// Runs a program to its end, or to the end of its time. `on_line` is passed each line of its standard output as it comes, with bytes that
/// are not UTF-8 replaced. The program's standard input is empty, unless it inherits ours ([`Invocation::inherit`]).
///
/// When this returns or panics, all processes of the run are gone, including those that the program left behind.
///
/// # Errors
/// Returns an error if the program (or its guard) cannot be started. However the program ends is not an error; see [`FinishedRun`].
pub fn run(
    program: &Invocation<'_>,
    on_line: &mut dyn FnMut(&str),
) -> Result<FinishedRun, HostError> {
    #[cfg(unix)]
    return unix::run(program, on_line);
    #[cfg(not(unix))]
    {
        let _ = (program, on_line);
        Err(HostError::Unsupported)
    }
}

/// What runs while another piece of work goes on, as that sees it.
#[derive(Debug)]
pub(crate) struct Companion {
    leader: u32,
    over: std::sync::atomic::AtomicBool,
}

impl Companion {
    /// Whether it is to be counted on no more: it has ended, or has been ended.
    pub(crate) fn over(&self) -> bool {
        self.over.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// CPU seconds of all its processes so far; `None` where the system does not report them.
    pub(crate) fn cpu(&self) -> Option<f64> {
        #[cfg(unix)]
        return super::cpu::of_tree(self.leader);
        #[cfg(not(unix))]
        None
    }

    /// The children of its first process that have not ended, in the order in which they were started; none where the system does not list them.
    pub(crate) fn children(&self) -> Vec<u32> {
        #[cfg(unix)]
        return super::tree::children(self.leader);
        #[cfg(not(unix))]
        Vec::new()
    }

    /// Voluntary and involuntary context switches of its first process; `None` where the system does not report them.
    pub(crate) fn switches(&self) -> Option<(f64, f64)> {
        #[cfg(unix)]
        return super::cpu::switches(self.leader);
        #[cfg(not(unix))]
        None
    }
}

/// A program that has accompanied a piece of work.
#[derive(Debug)]
pub(crate) struct Accompanied<T> {
    /// How it ended. Where it was still there when the work was done it was ended then: by itself, for all that the reason says.
    pub finished: FinishedRun,
    /// Whether it ended, or had to be ended, before the work was done.
    pub early: bool,
    /// What came of the work.
    pub work: T,
}

/// Runs a program for as long as a piece of work takes, which a thread of its own does, and ends it then. Its standard output is passed over.
/// Where the program ends sooner, or has to be ended, [`Companion::over`] says so; the work ends by itself then, because this waits for it.
///
/// When this returns or panics, all processes of the run are gone, including those that the program left behind.
///
/// # Errors
/// Returns an error if the program (or its guard) cannot be started.
pub(crate) fn run_beside<T: Send>(
    program: &Invocation<'_>,
    work: impl FnOnce(&Companion) -> T + Send,
) -> Result<Accompanied<T>, HostError> {
    #[cfg(unix)]
    return unix::run_beside(program, work);
    #[cfg(not(unix))]
    {
        let _ = (program, work);
        Err(HostError::Unsupported)
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, Stdio};
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    use super::super::guard::Guard;
    use super::super::interrupt::interrupted;
    use super::super::memory::Sampler;
    use super::super::output::{Ends, lines, pieces};
    use super::super::tree::{MARK, ProcessTree};
    use super::{Accompanied, Companion, ExitReason, FinishedRun, HostError, Invocation};

    /// How often a waiting run checks whether it was interrupted.
    const TICK: Duration = Duration::from_millis(50);
    /// How long the rest of the output may take to arrive when all processes are gone.
    const REST: Duration = Duration::from_secs(2);

    enum Event {
        Line(String),
        TooMuch,
        StreamEnded,
        WorkDone,
        Exited(Instant),
    }

    /// The processes of a run under way; dropping this ends them.
    struct Running {
        child: Child,
        tree: ProcessTree,
        guard: Option<Guard>,
        reaped: bool,
    }

    impl Running {
        fn start(program: &Invocation<'_>) -> Result<Self, HostError> {
            let mark = new_mark();
            let guard = Guard::start(&mark)?;
            let mut command = Command::new(program.interpreter);
            command.args(&program.args).env(MARK, &mark);
            if !program.inherit {
                command.stdin(Stdio::null()).process_group(0);
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
            }
            command.envs(program.env.iter().map(|(k, v)| (k, v)));
            if let Some(dir) = program.dir {
                command.current_dir(dir);
            }
            match command.spawn() {
                Ok(child) => {
                    let tree = ProcessTree::new(Some(child.id()), &mark);
                    let mut running = Self {
                        child,
                        tree,
                        guard,
                        reaped: false,
                    };
                    if let Some(guard) = &mut running.guard {
                        guard.watch(running.child.id());
                    }
                    Ok(running)
                }
                Err(source) => {
                    if let Some(guard) = guard {
                        guard.finish();
                    }
                    Err(HostError::CannotStart {
                        path: program.interpreter.into(),
                        source,
                    })
                }
            }
        }

        /// Ends all processes. The first one is reaped last, after the guard has exited: until then no other process can get its id.
        fn end(&mut self) -> Option<std::process::ExitStatus> {
            self.tree.end();
            if let Some(guard) = self.guard.take() {
                guard.finish();
            }
            self.reaped = true;
            self.child.wait().ok()
        }
    }

    impl Drop for Running {
        fn drop(&mut self) {
            if !self.reaped {
                self.end();
            }
        }
    }

    /// Makes a mark that no other run has.
    fn new_mark() -> String {
        static RUNS: AtomicU64 = AtomicU64::new(0);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_nanos();
        format!("{}-{run}-{now:x}", std::process::id())
    }

    pub(super) fn run(
        program: &Invocation<'_>,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<FinishedRun, HostError> {
        let mut run = WatchedRun::start(program)?;
        // Only those that listen send from now on: when all of them are done, nothing more can come.
        run.sender = None;
        let (end, wall) = run.follow(on_line);
        Ok(run.finish(end, wall, on_line))
    }

    pub(super) fn run_beside<T: Send>(
        program: &Invocation<'_>,
        work: impl FnOnce(&Companion) -> T + Send,
    ) -> Result<Accompanied<T>, HostError> {
        let mut run = WatchedRun::start(program)?;
        let companion = Companion {
            leader: run.running.child.id(),
            over: AtomicBool::new(false),
        };
        let sender = run.sender.take();
        let (end, wall, work) = std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let came = work(&companion);
                if let Some(sender) = sender {
                    let _ = sender.send(Event::WorkDone);
                }
                came
            });
            let (end, wall) = run.follow(&mut |_| {});
            companion.over.store(true, Ordering::SeqCst);
            if !run.work_done {
                // Whoever waits for an answer gets none, and learns of it by this.
                run.running.tree.end();
            }
            (end, wall, worker.join())
        });
        let early = !run.work_done;
        let finished = run.finish(end, wall, &mut |_| {});
        match work {
            Ok(work) => Ok(Accompanied {
                finished,
                early,
                work,
            }),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// A run that is listened to.
    struct WatchedRun {
        running: Running,
        started: Instant,
        limit: Duration,
        events: Receiver<Event>,
        /// For whoever else has something to tell.
        sender: Option<SyncSender<Event>>,
        streams: u32,
        printed: Arc<AtomicU64>,
        errors: Arc<Mutex<Ends>>,
        sampler: Option<Sampler>,
        work_done: bool,
    }

    impl WatchedRun {
        fn start(program: &Invocation<'_>) -> Result<Self, HostError> {
            if interrupted() {
                return Err(HostError::Interrupted);
            }
            let started = Instant::now();
            let mut running = Running::start(program)?;
            let (sender, events) = sync_channel(64);
            let printed = Arc::new(AtomicU64::new(0));
            let errors = Arc::new(Mutex::new(Ends::default()));
            listen(
                &mut running.child,
                program.output_limit,
                &sender,
                &printed,
                &errors,
            );
            let leader = running.child.id();
            let sampler = program
                .sample_memory
                .map(|every| Sampler::start(leader, every));
            Ok(Self {
                running,
                started,
                limit: program.limit,
                events,
                sender: Some(sender),
                streams: if program.inherit { 0 } else { 2 },
                printed,
                errors,
                sampler,
                work_done: false,
            })
        }

        /// Passes the output on until the first process ends, the work beside it is done, or something else ends the run.
        fn follow(&mut self, on_line: &mut dyn FnMut(&str)) -> (ExitReason, Duration) {
            loop {
                let elapsed = self.started.elapsed();
                if interrupted() {
                    return (ExitReason::Interrupted, elapsed);
                }
                if elapsed >= self.limit {
                    return (ExitReason::TimedOut, elapsed);
                }
                let patience = self.limit.saturating_sub(elapsed).min(TICK);
                match self.events.recv_timeout(patience) {
                    Ok(Event::Line(line)) => on_line(&line),
                    Ok(Event::StreamEnded) => self.streams = self.streams.saturating_sub(1),
                    Ok(Event::TooMuch) => {
                        return (ExitReason::TooMuchOutput, self.started.elapsed());
                    }
                    Ok(Event::WorkDone) => {
                        self.work_done = true;
                        return (ExitReason::Exited, self.started.elapsed());
                    }
                    Ok(Event::Exited(at)) => return (ExitReason::Exited, at - self.started),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => {
                        return (ExitReason::Exited, self.started.elapsed());
                    }
                }
            }
        }

        /// Ends all processes, and says what has become of the run.
        fn finish(
            mut self,
            mut end: ExitReason,
            wall: Duration,
            on_line: &mut dyn FnMut(&str),
        ) -> FinishedRun {
            let memory_peak = self.sampler.take().and_then(Sampler::stop);
            let status = self.running.end();
            if end == ExitReason::Exited {
                end = rest(&self.events, self.streams, on_line);
            }
            let errors = self.errors.lock();
            let stderr = errors.unwrap_or_else(PoisonError::into_inner).text();
            FinishedRun {
                code: status.and_then(|s| s.code()),
                signal: status.and_then(|s| s.signal()),
                end,
                stdout_bytes: self.printed.load(Ordering::SeqCst),
                stderr,
                wall,
                memory_peak,
            }
        }
    }

    /// Starts the threads that turn output and the end of the first process into events.
    fn listen(
        child: &mut Child,
        limit: u64,
        events: &SyncSender<Event>,
        printed: &Arc<AtomicU64>,
        errors: &Arc<Mutex<Ends>>,
    ) {
        // Here and below, a failed send means that the run is over and nobody listens.
        let stream_ended = |events: &SyncSender<Event>, whole| {
            let _ = events.send(if whole {
                Event::StreamEnded
            } else {
                Event::TooMuch
            });
        };
        if let Some(stdout) = child.stdout.take() {
            let (events, printed) = (events.clone(), Arc::clone(printed));
            std::thread::spawn(move || {
                let count = |n| {
                    printed.fetch_add(n, Ordering::SeqCst);
                };
                let line = |l| events.send(Event::Line(l)).is_ok();
                stream_ended(&events, lines(stdout, limit, count, line));
            });
        }
        if let Some(stderr) = child.stderr.take() {
            let (events, errors) = (events.clone(), Arc::clone(errors));
            std::thread::spawn(move || {
                let add = |bytes: &[u8]| {
                    errors
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .add(bytes);
                };
                stream_ended(&events, pieces(stderr, limit, add));
            });
        }
        let (events, id) = (events.clone(), child.id());
        std::thread::spawn(move || {
            wait(id);
            let _ = events.send(Event::Exited(Instant::now()));
        });
    }

    /// Waits for a child to end, without reaping it.
    fn wait(id: u32) {
        let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
            return;
        };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(
            waitid(WaitId::Pid(pid), options),
            Err(rustix::io::Errno::INTR)
        ) {}
    }

    /// Passes on what was still in the pipes.
    fn rest(
        events: &Receiver<Event>,
        mut streams: u32,
        on_line: &mut dyn FnMut(&str),
    ) -> ExitReason {
        let until = Instant::now() + REST;
        while streams > 0 {
            match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Event::Line(line)) => on_line(&line),
                Ok(Event::StreamEnded) => streams -= 1,
                Ok(Event::TooMuch) => return ExitReason::TooMuchOutput,
                Ok(Event::Exited(_) | Event::WorkDone) => {}
                Err(_) => break,
            }
        }
        ExitReason::Exited
    }
}
