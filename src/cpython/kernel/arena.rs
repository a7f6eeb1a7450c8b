//! What the allocator keeps of memory that was freed.
//!
//! glibc gives threads arenas of their own, up to eight for each core, and hands a freed block back to the system only from the
//! top of an arena, beyond a limit that rises to twice the largest block freed (`M_TRIM_THRESHOLD`, `mallopt(3)`); mimalloc, of
//! free-threaded builds, has heaps of threads that do likewise. So a thread that works with a document of 2 MB after another holds
//! 2 MB all the time, and 32 threads hold 64, though three work at once. Blocks above 32 MiB are mapped by themselves and go at once.
//! A thread's arena passes to the next thread when it ends.

use super::Kernel;
use super::thread::Thread;
use crate::cpython::index::ProcessIndex;
use crate::machine::Tid;

/// Larger blocks are mapped, and unmapped when they are freed (`DEFAULT_MMAP_THRESHOLD_MAX` of 64-bit systems).
const MAPPED: u64 = 32 << 20;
/// Arenas of a process for each core (`M_ARENA_MAX`); further threads share.
const ARENAS_PER_CORE: u32 = 8;

/// Where a block was allocated: process and arena.
pub(crate) type Block = (ProcessIndex, u32);

/// Arenas of a process.
#[derive(Debug, Default)]
pub(crate) struct Arenas {
    /// Free bytes that each keeps.
    kept: Vec<u64>,
    /// Threads that use each.
    users: Vec<u32>,
}

impl Kernel<'_> {
    /// A thread's arena: one that nobody uses, a new one, or, when there are enough, the one with the fewest users.
    fn arena(&mut self, tid: Tid) -> usize {
        let Thread { process, arena, .. } = self.threads[tid];
        if let Some(arena) = arena {
            return arena as usize;
        }
        let most = (ARENAS_PER_CORE * self.machine.cores()) as usize;
        let all = &mut self.processes[process].arenas;
        let fewest = (all.users.iter().enumerate()).min_by_key(|(_, users)| **users);
        let arena = match fewest {
            Some((i, users)) if *users == 0 || all.users.len() >= most => i,
            _ => {
                all.users.push(0);
                all.kept.push(0);
                all.users.len() - 1
            }
        };
        all.users[arena] += 1;
        self.threads[tid].arena = u32::try_from(arena).ok();
        arena
    }

    /// A running thread allocates a block, from what its arena keeps as far as that goes; the arena.
    pub(crate) fn allocate_block(&mut self, tid: Tid, bytes: u64) -> Block {
        let process = self.threads[tid].process;
        let arena = self.arena(tid);
        let kept = &mut self.processes[process].arenas.kept[arena];
        let again = if bytes > MAPPED { 0 } else { bytes.min(*kept) };
        *kept -= again;
        self.take_for(process, bytes - again);
        (process, u32::try_from(arena).expect("few arenas"))
    }

    /// The block is freed: its arena keeps it, or it goes back to the system.
    pub(crate) fn free_block(&mut self, (process, arena): Block, bytes: u64) {
        if bytes > MAPPED {
            self.give_for(process, bytes);
        } else {
            self.processes[process].arenas.kept[arena as usize] += bytes;
        }
    }

    /// A running thread allocates a block that it will free itself.
    pub(crate) fn allocate_own(&mut self, tid: Tid, bytes: u64) {
        self.allocate_block(tid, bytes);
    }

    /// A thread frees a block that it has allocated.
    pub(crate) fn free_own(&mut self, tid: Tid, bytes: u64) {
        let process = self.threads[tid].process;
        let arena = u32::try_from(self.arena(tid)).expect("few arenas");
        self.free_block((process, arena), bytes);
    }

    /// A thread ends: its arena is free for another.
    pub(crate) fn leave_arena(&mut self, tid: Tid) {
        let t = &mut self.threads[tid];
        if let Some(arena) = t.arena.take() {
            self.processes[t.process].arenas.users[arena as usize] -= 1;
        }
    }
}
