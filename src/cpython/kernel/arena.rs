//! Arenas: the freed memory that the allocator keeps.
//!
//! glibc gives threads arenas of their own, up to eight for each core. It returns a freed block to the system only from the top of an
//! arena, beyond a limit that rises to twice the largest block freed (`M_TRIM_THRESHOLD`, `mallopt(3)`); mimalloc, of free-threaded builds,
//! has per-thread heaps that behave alike. So a thread that works with one document of 2 MB after another holds 2 MB all the time, and 32
//! threads hold 64, though only three work at once. Blocks above 32 MiB are mapped by themselves and returned at once. A thread's arena
//! passes to the next thread when it ends. What is freed goes back to the arena that it came from, whoever frees it: arguments that the main
//! thread makes and results that a pool's thread receives do not take each other's places.

use super::Kernel;
use super::thread::Thread;
use crate::cpython::index::ProcessIndex;
use crate::machine::Tid;

/// Blocks larger than this, in bytes, are mapped by themselves and unmapped when freed (`DEFAULT_MMAP_THRESHOLD_MAX` of 64-bit systems).
const MAPPED: u64 = 32 << 20;
/// Most arenas of a process, for each core (`M_ARENA_MAX`); further threads share arenas.
const ARENAS_PER_CORE: u32 = 8;

/// A block of memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    process: ProcessIndex,
    /// The arena of the process in which it was allocated.
    arena: u32,
    /// Bytes that the arena keeps in any case, because other blocks lie among them.
    churned: u64,
}

/// Blocks of one arena that are freed together, as one. Who has none has them anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Blocks {
    /// Resident bytes.
    pub(crate) bytes: u64,
    process: ProcessIndex,
    arena: u32,
}

impl Blocks {
    /// Whether the others are of the same arena.
    pub(crate) fn is_beside(self, other: Self) -> bool {
        (self.process, self.arena) == (other.process, other.arena)
    }

    /// Counts others of the same arena among these.
    pub(crate) fn join(&mut self, other: Self) {
        if other.bytes > 0 {
            *self = Self {
                bytes: self.bytes.saturating_add(other.bytes),
                ..other
            };
        }
    }

    /// The same without so many first bytes.
    pub(crate) fn beyond(self, bytes: u64) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(bytes),
            ..self
        }
    }
}

/// Whether a block that grows is copied to another place, and exists twice meanwhile: one that is mapped by itself is not (`mremap(2)`).
pub(crate) fn moves(bytes: u64) -> bool {
    bytes <= MAPPED
}

/// The arenas of a process.
#[derive(Debug, Default)]
pub(crate) struct Arenas {
    /// Free bytes that each arena keeps.
    kept: Vec<u64>,
    /// Number of threads that use each arena.
    users: Vec<u32>,
}

impl Kernel<'_> {
    /// The thread's arena; on first use one without users, else a new one or, when the limit is reached, the one with the fewest users.
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

    /// Allocates a block for a running thread, from its arena's free bytes as far as they go. So many bytes of it are small blocks, among which
    /// others lie.
    pub(crate) fn allocate_block(&mut self, tid: Tid, bytes: u64, churned: u64) -> Block {
        let process = self.threads[tid].process;
        let arena = self.arena(tid);
        let kept = &mut self.processes[process].arenas.kept[arena];
        let small = if bytes > MAPPED { churned } else { bytes };
        let again = small.min(*kept);
        *kept -= again;
        self.take_for(process, bytes - again);
        Block {
            process,
            arena: u32::try_from(arena).expect("few arenas"),
            churned,
        }
    }

    /// Frees a block: its arena keeps the bytes, or what was mapped by itself goes back to the system.
    pub(crate) fn free_block(&mut self, block: Block, bytes: u64) {
        let process = block.process;
        let kept = if bytes > MAPPED {
            block.churned.min(bytes)
        } else {
            bytes
        };
        // A process that was killed has none any more.
        if let Some(all) = (self.processes[process].arenas.kept).get_mut(block.arena as usize) {
            *all += kept;
        }
        self.give_for(process, bytes - kept);
    }

    /// Allocates a block that the same thread will free ([`Self::free_own`]).
    pub(crate) fn allocate_own(&mut self, tid: Tid, bytes: u64) {
        self.allocate_block(tid, bytes, 0);
    }

    /// Frees a block that this thread has allocated.
    pub(crate) fn free_own(&mut self, tid: Tid, bytes: u64) {
        let process = self.threads[tid].process;
        let arena = u32::try_from(self.arena(tid)).expect("few arenas");
        let block = Block {
            process,
            arena,
            churned: 0,
        };
        self.free_block(block, bytes);
    }

    /// Allocates a block of a running thread, and counts it among others that it has allocated.
    pub(crate) fn add_block(&mut self, tid: Tid, blocks: &mut Blocks, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let block = self.allocate_block(tid, bytes, 0);
        blocks.join(Blocks {
            bytes,
            process: block.process,
            arena: block.arena,
        });
    }

    /// The same for a block that this thread has allocated already.
    pub(crate) fn own_block(&mut self, tid: Tid, bytes: u64) -> Blocks {
        if bytes == 0 {
            return Blocks::default();
        }
        Blocks {
            bytes,
            process: self.threads[tid].process,
            arena: u32::try_from(self.arena(tid)).expect("few arenas"),
        }
    }

    /// Frees blocks, whoever does it.
    pub(crate) fn free_blocks(&mut self, blocks: Blocks) {
        let Blocks {
            bytes,
            process,
            arena,
        } = blocks;
        if bytes > 0 {
            let block = Block {
                process,
                arena,
                churned: 0,
            };
            self.free_block(block, bytes);
        }
    }

    /// Detaches an ending thread from its arena, which is free for another thread then.
    pub(crate) fn leave_arena(&mut self, tid: Tid) {
        let t = &mut self.threads[tid];
        if let Some(arena) = t.arena.take() {
            self.processes[t.process].arenas.users[arena as usize] -= 1;
        }
    }
}
