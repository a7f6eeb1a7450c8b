//! Runs any number of studies side by side on one pool of threads. The threads take simulations from a common queue. Those of studies
//! already begun precede those of studies that are not, so that only few studies are in memory at once and each is done as soon as
//! possible; within a study, long simulations precede short ones.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::course::{Job, Next, StudyRun};
use super::options::StudyError;
use crate::result::Study;
use crate::strategy::{Outcome, SimError, SimInput};

/// The studies to run, numbered in the order in which they are to be begun. Called from many threads.
pub(super) trait Studies<'a>: Sync {
    /// Why a study cannot go on.
    type Error: Send;

    /// Number of studies.
    fn count(&self) -> usize;
    /// Begins a study; called once for each, as late as possible.
    fn begin(&self, number: usize) -> Result<(StudyRun<'a>, Vec<Job>), Self::Error>;
    /// Runs a simulation; the error says why it cannot be run.
    fn simulate(&self, input: &SimInput<'_>) -> Result<Outcome, SimError>;
    /// Notes that `planned` further simulations are planned or, with 0, that a simulation is over.
    fn progress(&self, number: usize, planned: usize);
    /// Takes the result of a study that is over.
    fn over(&self, number: usize, study: Study) -> Result<(), Self::Error>;
    /// Whether nothing further is to be begun.
    fn stopped(&self) -> bool;
}

/// A pool of so many threads; `None` means as many as there are cores.
pub(super) fn pool(threads: Option<usize>) -> Result<rayon::ThreadPool, StudyError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build()
        .map_err(|e| StudyError::Threads(e.to_string()))
}

/// Runs the studies to their ends, or until they are stopped; running simulations are then finished, and nothing else.
///
/// # Errors
///
/// The first error of the studies; nothing is begun after it.
pub(super) fn drive<'a, S: Studies<'a>>(
    pool: &rayon::ThreadPool,
    studies: &S,
) -> Result<(), S::Error> {
    let driver = Driver {
        studies,
        threads: pool.current_num_threads(),
        queue: Mutex::new(ReadyQueue {
            ready: BinaryHeap::new(),
            begun: 0,
            workers: 1,
            failed: None,
        }),
    };
    if rayon::current_thread_index().is_some() {
        // A thread of another pool would take up that pool's work while it waits, on the same stack; one that only waits does not.
        std::thread::scope(|threads| {
            let waits = threads.spawn(|| pool.scope(|scope| driver.work(scope)));
            waits
                .join()
                .unwrap_or_else(|p| std::panic::resume_unwind(p));
        });
    } else {
        pool.scope(|scope| driver.work(scope));
    }
    let queue = driver.queue.into_inner();
    queue
        .unwrap_or_else(PoisonError::into_inner)
        .failed
        .map_or(Ok(()), Err)
}

struct Driver<'s, 'a, S: Studies<'a>> {
    studies: &'s S,
    threads: usize,
    queue: Mutex<ReadyQueue<'a, S::Error>>,
}

struct ReadyQueue<'a, E> {
    ready: BinaryHeap<Ready<'a>>,
    /// Number of studies begun so far, which is the number of the next one.
    begun: usize,
    /// Number of threads at work.
    workers: usize,
    failed: Option<E>,
}

/// A simulation that can be run now.
struct Ready<'a> {
    study: usize,
    run: Arc<StudyRun<'a>>,
    job: Job,
}

impl Ready<'_> {
    fn key(&self) -> (Reverse<usize>, u64, Reverse<usize>) {
        (Reverse(self.study), self.job.events, Reverse(self.job.slot))
    }
}

impl PartialEq for Ready<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Ready<'_> {}

impl PartialOrd for Ready<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ready<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

enum DriverJob<'a> {
    Simulate(Ready<'a>),
    Begin(usize),
}

impl<'s, 'a, S: Studies<'a>> Driver<'s, 'a, S> {
    fn queue(&self) -> MutexGuard<'_, ReadyQueue<'a, S::Error>> {
        // A panic in another thread ends the scope by itself.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work of a thread: one task after another, as long as there are any. A thread that creates tasks for further threads calls those
    /// in.
    fn work<'scope>(&'scope self, scope: &rayon::Scope<'scope>)
    where
        's: 'scope,
        'a: 'scope,
    {
        self.call_in(scope, self.studies.count().saturating_sub(1));
        while let Some(task) = self.next() {
            let done = match task {
                DriverJob::Begin(number) => self.begin(number, scope),
                DriverJob::Simulate(ready) => self.simulate(ready, scope),
            };
            if let Err(e) = done {
                self.queue().failed.get_or_insert(e);
            }
        }
    }

    /// Calls in idle threads for `tasks` further tasks.
    fn call_in<'scope>(&'scope self, scope: &rayon::Scope<'scope>, tasks: usize)
    where
        's: 'scope,
        'a: 'scope,
    {
        let more = {
            let mut queue = self.queue();
            let more = (self.threads - queue.workers).min(tasks);
            queue.workers += more;
            more
        };
        for _ in 0..more {
            scope.spawn(|scope| self.work(scope));
        }
    }

    /// The next task of this thread; with `None` it leaves.
    fn next(&self) -> Option<DriverJob<'a>> {
        let stopped = self.studies.stopped();
        let mut queue = self.queue();
        if !stopped && queue.failed.is_none() {
            if let Some(ready) = queue.ready.pop() {
                return Some(DriverJob::Simulate(ready));
            }
            if queue.begun < self.studies.count() {
                queue.begun += 1;
                return Some(DriverJob::Begin(queue.begun - 1));
            }
        }
        queue.workers -= 1;
        None
    }

    fn begin<'scope>(
        &'scope self,
        study: usize,
        scope: &rayon::Scope<'scope>,
    ) -> Result<(), S::Error>
    where
        's: 'scope,
        'a: 'scope,
    {
        let (run, jobs) = self.studies.begin(study)?;
        if jobs.is_empty() {
            return self.studies.over(study, run.study());
        }
        self.push(study, &Arc::new(run), jobs, scope);
        Ok(())
    }

    fn simulate<'scope>(
        &'scope self,
        ready: Ready<'a>,
        scope: &rayon::Scope<'scope>,
    ) -> Result<(), S::Error>
    where
        's: 'scope,
        'a: 'scope,
    {
        let Ready { study, run, job } = ready;
        let result = run.simulate(&job, |input| self.studies.simulate(input));
        self.studies.progress(study, 0);
        match run.absorb(&job, result) {
            Next::Wait => Ok(()),
            Next::Jobs(jobs) => {
                self.push(study, &run, jobs, scope);
                Ok(())
            }
            Next::Over => self.studies.over(study, run.study()),
        }
    }

    fn push<'scope>(
        &'scope self,
        study: usize,
        run: &Arc<StudyRun<'a>>,
        jobs: Vec<Job>,
        scope: &rayon::Scope<'scope>,
    ) where
        's: 'scope,
        'a: 'scope,
    {
        let others = jobs.len() - 1;
        self.studies.progress(study, jobs.len());
        self.queue().ready.extend(jobs.into_iter().map(|job| Ready {
            study,
            run: Arc::clone(run),
            job,
        }));
        self.call_in(scope, others);
    }
}
