//! The master of a server that is restarted while it serves.

use super::Executors;
use super::main_thread::start_copy;
use crate::cpython::index::NodeIndex;
use crate::cpython::kernel::{Act, On, ProcessKind};
use crate::cpython::work::{RestartStep, Share, Work};
use crate::engine::Nanos;
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
                let master = work.kernel.threads[tid].process;
                for turn in 0..copies {
                    let home = work.kernel.new_process(ProcessKind::Copy, master);
                    let share = Share::begin(u64::from(turn), work.kernel.program);
                    let copy = self.open_copy(work, home, share);
                    work.restart_starts(copy);
                    start_copy(work, tid, copy);
                }
                Some(living + copies)
            }
            RestartStep::Stop(fault, workers) => {
                for copy in workers {
                    work.kernel.machine.charge(tid, work.kernel.syscall);
                    work.terminates(fault, copy);
                }
                Some(living)
            }
            RestartStep::Replace(process) => {
                let Some(copy) = self.replace(work, process) else {
                    return Some(living - 1);
                };
                work.restart_starts(copy);
                start_copy(work, tid, copy);
                Some(living)
            }
            RestartStep::Wait => {
                work.kernel.push(tid, Act::park(On::Exits, Nanos::MAX));
                Some(living)
            }
        }
    }
}
