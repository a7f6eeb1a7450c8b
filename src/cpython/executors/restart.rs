//! The master of a server that is restarted while it serves.

use super::Executors;
use super::main_thread::start_copy;
use crate::cpython::index::NodeIndex;
use crate::cpython::kernel::{Act, On, ProcessKind};
use crate::cpython::work::{Death, RestartStep, Share, Work};
use crate::machine::Tid;

/// A fault of the scenario restarts the server, or has its machines updated one after another.
pub(super) fn is_asked(work: &mut Work<'_>, fault: u32) {
    if work.restart_is_asked(fault)
        && let Some(master) = work.kernel.supervisor(NodeIndex::from(0))
    {
        work.kernel.unpark(master);
    }
}

impl Executors {
    /// Scripts what the master, which has so many children, does next for a restart. Returns how many it has then; `None` if nothing is to be restarted.
    pub(super) fn master_restarts(
        &mut self,
        work: &mut Work<'_>,
        tid: Tid,
        living: u32,
    ) -> Option<u32> {
        match work.restart_step()? {
            RestartStep::StartAll => {
                let copies = work.kernel.program.layout.copies;
                for turn in 0..copies {
                    self.starts_another(work, tid, turn);
                }
                Some(living + copies)
            }
            RestartStep::StartOne => {
                self.starts_another(work, tid, 0);
                Some(living + 1)
            }
            RestartStep::Stop(fault, workers) => {
                for copy in workers {
                    work.kernel.machine.charge(tid, work.kernel.syscall);
                    work.terminates(fault, copy);
                }
                Some(living)
            }
            RestartStep::Ended => Some(living - 1),
            RestartStep::Wait(until) => {
                work.kernel.push(tid, Act::park(On::Exits, until));
                Some(living)
            }
            RestartStep::GivesUp(copy) => {
                // One that has ended by itself, because nothing is left to do, is reaped as all are.
                if work.is_alive(copy) {
                    self.kill(work, tid, copy, Death::Restart);
                }
                Some(living)
            }
        }
    }

    /// Starts a worker beside those that there are.
    fn starts_another(&mut self, work: &mut Work<'_>, tid: Tid, turn: u32) {
        let master = work.kernel.threads[tid].process;
        let home = work.kernel.new_process(ProcessKind::Copy, master);
        let share = Share::begin(u64::from(turn), work.kernel.program);
        let copy = self.open_copy(work, home, share);
        work.restart_starts(copy);
        start_copy(work, tid, copy, false);
    }
}
