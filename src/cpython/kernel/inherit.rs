//! What forked processes inherit, and what makes it their own: copy-on-write as measured with children that idle, collect, and walk.
//!
//! A forked child begins with every page of its parent, and gets a copy of each that it writes. Python writes where it merely looks: a full
//! collection the headers of all containers, code that walks objects their reference counts. Young collections look at what the child has
//! made itself. A child of a free-threaded build allocates in heaps of its own, which grow until they hold as much garbage as collections
//! wait for, and never by more than it has allocated. `gc.freeze()` before the fork keeps collections away from what is inherited, but no
//! reference counts.

use super::Kernel;
use super::act::Act;
use super::ledger::Pages;
use super::process::ProcessKind;
use crate::cpython::index::{NodeIndex, ProcessIndex};
use crate::cpython::role::ThreadRole;
use crate::engine::{Nanos, whole};
use crate::machine::Tid;
use crate::scenario::StartMethod;

/// Size of a page, in bytes: what one fault copies.
const PAGE: u64 = 4096;

impl Kernel<'_> {
    /// Opens the ledger of a new process. The main process has the interpreter and its imports, which forked children share; a process that
    /// is started afresh allocates all that it has.
    pub(crate) fn open_ledger(
        &mut self,
        kind: ProcessKind,
        parent: ProcessIndex,
        node: NodeIndex,
    ) -> ProcessIndex {
        let now = self.machine.now();
        match kind {
            ProcessKind::Main => {
                let base = self.costs.base_rss;
                if self.imports_in_main() {
                    let image = base
                        .saturating_add(self.program.import_memory)
                        .saturating_add(self.program.data_memory);
                    self.memory.start(now, node, image, self.objects_pages())
                } else {
                    self.memory.start(now, node, base, Pages::default())
                }
            }
            ProcessKind::Worker(_, StartMethod::Fork) => self.memory.fork(now, parent),
            ProcessKind::Copy => match self.program.layout.life.start {
                StartMethod::Fork => self.memory.fork(now, parent),
                // Its own workers may inherit what it imports.
                StartMethod::Spawn | StartMethod::Forkserver => {
                    self.memory.start(now, node, 0, self.objects_pages())
                }
            },
            ProcessKind::ForkServer if self.preloads() => {
                self.memory.start(now, node, 0, self.objects_pages())
            }
            // A child of the fork server becomes its fork only when it is asked for.
            ProcessKind::ForkServer
            | ProcessKind::Tracker
            | ProcessKind::Worker(_, StartMethod::Spawn | StartMethod::Forkserver) => {
                self.memory.start(now, node, 0, Pages::default())
            }
        }
    }

    /// Whether the main process has the program's imports. The master of a server that does not load the application has not.
    pub(crate) fn imports_in_main(&self) -> bool {
        let layout = &self.program.layout;
        !layout.has_master() || layout.life.preload
    }

    /// Whether the fork server makes the program's imports, which its children then inherit: by itself with the main module, or because the
    /// program tells it to.
    pub(crate) fn preloads(&self) -> bool {
        self.program.layout.preload
            || self.costs.forkserver_preload_main && self.program.preloadable
    }

    fn objects_pages(&self) -> Pages {
        let p = &self.costs;
        Pages::of(self.program.object_memory, p.cow_collect, p.cow_walk)
    }

    /// CPU time of the faults that copy so many bytes of pages.
    fn faults(&self, copied: u64) -> Nanos {
        self.costs.cow_fault * copied.div_ceil(PAGE)
    }

    /// The process whose heap a thread works on, and which may have inherited it; `None` in a sub-interpreter, whose heap is its own.
    fn heap_owner(&self, tid: Tid) -> Option<ProcessIndex> {
        let thread = &self.threads[tid];
        (!matches!(thread.role, ThreadRole::InterpWorker(..))).then_some(thread.process)
    }

    /// Collects the whole heap of a thread's interpreter; returns the CPU time of copying inherited pages.
    pub(crate) fn collect_inherited(&mut self, tid: Tid) -> Nanos {
        let Some(process) = self.heap_owner(tid).filter(|_| !self.program.frozen) else {
            return Nanos::ZERO;
        };
        let copied = self.memory.collect(process, self.machine.now());
        self.faults(copied)
    }

    /// Notes that a thread allocates so many bytes of containers; returns how many come from fresh memory that its process keeps. Where a
    /// collection waits for garbage in proportion to the size of the heap, the heaps of a forked child grow by all that it allocates, up to
    /// that much garbage.
    pub(crate) fn grow_heaps(&mut self, tid: Tid, bytes: u64) -> u64 {
        let params = &self.costs;
        if params.cow_fresh <= 0.0 || self.program.frozen {
            return 0;
        }
        let Some(process) = self.heap_owner(tid) else {
            return 0;
        };
        let objects = self.program.object_memory as f64;
        let most = whole(objects * params.cow_fresh);
        self.memory.grow(process, self.machine.now(), bytes, most)
    }

    /// Executes a step of a task that walks objects which the process may have inherited: copies are scripted as CPU time.
    #[cold]
    pub(crate) fn walk_inherited(&mut self, tid: Tid, share: f64) {
        let Some(process) = self.heap_owner(tid) else {
            return;
        };
        let copied = self.memory.walk(process, self.machine.now(), share);
        if copied > 0 {
            let faults = self.faults(copied);
            self.push(tid, Act::Run(faults));
        }
    }
}
