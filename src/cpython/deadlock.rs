//! Who waits for what when nothing can ever happen again.

use super::Finding;
use super::sim::Sim;
use super::task::TaskKey;
use super::thread::Thread;
use super::wait::On;

impl Sim<'_> {
    /// Notes a deadlock: the first few of the tasks that wait.
    pub(crate) fn report_deadlock(&mut self) {
        let mut waiting: Vec<String> = self
            .tasks
            .iter()
            .take(8)
            .map(|(key, t)| {
                format!(
                    "{} waits at step {}: {}",
                    self.task_name(t),
                    t.pc,
                    self.waits_for(key)
                )
            })
            .collect();
        let more = self.tasks.alive() - waiting.len() as u64;
        if more > 0 {
            waiting.push(format!("and {more} more"));
        }
        self.findings.push(Finding::Deadlock {
            at: self.machine.now(),
            waiting,
        });
    }

    /// What a task waits for, or the thread that runs it, in words.
    fn waits_for(&self, key: TaskKey) -> String {
        let runs = |t: &&Thread| t.task == Some(key);
        let of_thread = || self.threads.iter().find(runs).and_then(|t| t.wait);
        let queue = |q: u32| &self.program.queues[q as usize].name;
        match self.tasks[key].wait.or_else(of_thread).map(|w| w.on) {
            Some(On::Item(q)) => format!("an item from queue '{}'", queue(q)),
            Some(On::Room(q)) => format!("room in queue '{}'", queue(q)),
            Some(On::Lock(lock)) => {
                format!("lock '{}'", self.lock_spec(lock).name)
            }
            Some(On::AwaitedLock(lock)) => {
                format!("lock '{}'", self.program.locks[lock as usize].name)
            }
            Some(On::Children) => "its children".to_owned(),
            Some(On::Permit) => "the loop's limit".to_owned(),
            _ => "a worker".to_owned(),
        }
    }
}
