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
    /// Resident bytes of those that lie in the arena, and of those that are mapped by themselves.
    bytes: u64,
    mapped: u64,
    process: ProcessIndex,
    arena: u32,
}

impl Blocks {
    /// Whether there are none.
    pub(crate) fn is_empty(self) -> bool {
        self.bytes == 0 && self.mapped == 0
    }

    /// Whether the others are of the same arena.
    pub(crate) fn is_beside(self, other: Self) -> bool {
        (self.process, self.arena) == (other.process, other.arena)
    }

    /// Counts others of the same arena among these.
    pub(crate) fn join(&mut self, other: Self) {
        if !other.is_empty() {
            *self = Self {
                bytes: self.bytes.saturating_add(other.bytes),
                mapped: self.mapped.saturating_add(other.mapped),
                ..other
            };
        }
    }

    /// Parts these from those that were there earlier, which remain; returns the others.
    pub(crate) fn split_off(&mut self, earlier: Self) -> Self {
        let (bytes, mapped) = (
            earlier.bytes.min(self.bytes),
            earlier.mapped.min(self.mapped),
        );
        let later = Self {
            bytes: self.bytes - bytes,
            mapped: self.mapped - mapped,
            ..*self
        };
        (self.bytes, self.mapped) = (bytes, mapped);
        later
    }
}

/// Whether a block that grows is copied to another place, and exists twice meanwhile: one that is mapped by itself is not (`mremap(2)`).
pub(crate) fn moves(bytes: u64) -> bool {
    bytes <= MAPPED
}

/// An arena.
#[derive(Clone, Copy, Debug, Default)]
struct Arena {
    /// Free bytes that it keeps.
    kept: u64,
    /// Of those, bytes that it keeps in any case, because other blocks lie among them.
    churned: u64,
    /// Bytes in use.
    used: u64,
    /// Number of threads that use it.
    users: u32,
}

/// The arenas of a process, the main thread's first: that one holds what the interpreter itself has allocated, too, and what lies below such blocks
/// is never on top.
#[derive(Debug)]
pub(crate) struct Arenas {
    all: Vec<Arena>,
    /// The largest block that is not mapped by itself: from when such a one is freed `M_TRIM_THRESHOLD` is twice its size.
    largest: u64,
}

impl Default for Arenas {
    fn default() -> Self {
        Self {
            all: vec![Arena::default()],
            largest: 0,
        }
    }
}

impl Kernel<'_> {
    /// The thread's arena; on first use one without users, else a new one or, when the limit is reached, the one with the fewest users. The main
    /// thread has the first.
    fn arena(&mut self, tid: Tid) -> usize {
        let Thread { process, arena, .. } = self.threads[tid];
        if let Some(arena) = arena {
            return arena as usize;
        }
        let most = (ARENAS_PER_CORE * self.machine.cores_each()) as usize;
        let main = self.is_main_thread(tid);
        let all = &mut self.processes[process].arenas.all;
        let fewest = (1..).zip(&all[1..]).min_by_key(|(_, a)| a.users);
        let arena = match fewest {
            _ if main => 0,
            Some((i, a)) if a.users == 0 || all.len() >= most => i,
            Some(_) | None => {
                all.push(Arena::default());
                all.len() - 1
            }
        };
        all[arena].users += 1;
        self.threads[tid].arena = u32::try_from(arena).ok();
        arena
    }

    /// Allocates a block for a running thread, from its arena's free bytes as far as they go. So many bytes of it are small blocks, among which
    /// others lie.
    pub(crate) fn allocate_block(&mut self, tid: Tid, bytes: u64, churned: u64) -> Block {
        let process = self.threads[tid].process;
        let arena = self.arena(tid);
        let arenas = &mut self.processes[process].arenas;
        let small = if bytes > MAPPED { churned } else { bytes };
        arenas.largest = arenas.largest.max(small);
        let a = &mut arenas.all[arena];
        let again = small.min(a.kept);
        a.kept -= again;
        a.churned = a.churned.min(a.kept);
        a.used += small;
        self.take_for(process, bytes - again);
        Block {
            process,
            arena: u32::try_from(arena).expect("few arenas"),
            churned,
        }
    }

    /// Frees a block: its arena keeps the bytes, or what was mapped by itself goes back to the system.
    pub(crate) fn free_block(&mut self, block: Block, bytes: u64) {
        let kept = if bytes > MAPPED {
            block.churned.min(bytes)
        } else {
            bytes
        };
        self.give_for(block.process, bytes - kept);
        self.keep(block, kept);
    }

    /// An arena has so many bytes back. Once nothing in it is in use all of it is on top, and goes back to the system if that is
    /// more than the limit.
    fn keep(&mut self, block: Block, bytes: u64) {
        let main = block.arena == 0;
        let arenas = &mut self.processes[block.process].arenas;
        let limit = arenas.largest.saturating_mul(2);
        // A process that was killed has none any more.
        let Some(a) = arenas.all.get_mut(block.arena as usize) else {
            return;
        };
        a.kept += bytes;
        a.churned += block.churned.min(bytes);
        a.used = a.used.saturating_sub(bytes);
        if main || a.used > 0 || a.kept - a.churned <= limit {
            return;
        }
        let trimmed = a.kept - a.churned;
        a.kept = a.churned;
        self.give_for(block.process, trimmed);
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
        if bytes > 0 {
            self.allocate_own(tid, bytes);
            blocks.join(self.own_block(tid, bytes));
        }
    }

    /// A block that this thread has allocated, to be freed by whomever.
    pub(crate) fn own_block(&mut self, tid: Tid, bytes: u64) -> Blocks {
        if bytes == 0 {
            return Blocks::default();
        }
        let mapped = if bytes > MAPPED { bytes } else { 0 };
        Blocks {
            bytes: bytes - mapped,
            mapped,
            process: self.threads[tid].process,
            arena: u32::try_from(self.arena(tid)).expect("few arenas"),
        }
    }

    /// Frees blocks, whoever does it.
    #[inline]
    pub(crate) fn free_blocks(&mut self, blocks: Blocks) {
        if !blocks.is_empty() {
            self.free_some(blocks);
        }
    }

    fn free_some(&mut self, blocks: Blocks) {
        let Blocks {
            bytes,
            mapped,
            process,
            arena,
        } = blocks;
        self.give_for(process, mapped);
        let block = Block {
            process,
            arena,
            churned: 0,
        };
        self.keep(block, bytes);
    }

    /// Detaches an ending thread from its arena, which is free for another thread then.
    pub(crate) fn leave_arena(&mut self, tid: Tid) {
        let t = &mut self.threads[tid];
        if let Some(arena) = t.arena.take() {
            let all = &mut self.processes[t.process].arenas.all;
            if let Some(a) = all.get_mut(arena as usize) {
                a.users = a.users.saturating_sub(1);
            }
        }
    }
}
