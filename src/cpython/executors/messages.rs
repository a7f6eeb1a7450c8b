//! What a process pool sends to its workers and gets back: calls, each of which is a task or a chunk of tasks, and their results.

use crate::cpython::index::CopyIndex;
use crate::cpython::kernel::{Kernel, Message, moves};
use crate::cpython::work::{TaskKey, Work};
use crate::machine::{Cause, Tid};

/// What a read of a pipe returns at most, in bytes.
const PIPE: u64 = 64 << 10;

/// Payload of the tasks of a message on the way to the worker, in bytes.
pub(super) fn calls_size(work: &Work<'_>, first: TaskKey) -> u64 {
    work.tasks.chunk(first).map(|t| t.payload).sum()
}

/// Payload of the results of the tasks of a message, in bytes.
pub(super) fn results_size(work: &Work<'_>, first: TaskKey) -> u64 {
    work.tasks.chunk(first).map(|t| t.data.result).sum()
}

/// Number of small objects of the tasks of a message, on the way to the worker and back.
pub(super) fn chunk_objects(work: &Work<'_>, first: TaskKey) -> (u64, u64) {
    work.tasks.chunk(first).fold((0, 0), |(a, b), t| {
        let (there, back) = work.objects_of(t);
        (a + there, b + back)
    })
}

/// Books the time of a call from the feeder thread to the worker that takes it now. Pickling, writing and reading are IPC, but in the pipe
/// the call waits for a worker as long as none is free.
pub(super) fn book_call(work: &mut Work<'_>, tid: Tid, message: &Message) {
    let now = work.kernel.machine.now();
    let key = message.task;
    let free = work.kernel.threads[tid].free;
    let up = work.kernel.threads[tid].up;
    let since = work.tasks[key].since;
    let written = message.written.clamp(since.max(up).min(now), now);
    let taken = free.clamp(written, now);
    if taken > written {
        work.book_wait_until(tid, key, Cause::Ipc, written);
        work.book(key, Cause::Pool, written, taken);
        work.tasks[key].since = taken;
    }
    work.book_wait(tid, key, Cause::Ipc);
}

pub(super) fn result_arrived(
    work: &mut Work<'_>,
    tid: Tid,
    key: TaskKey,
    copy: CopyIndex,
    (parts, future, listed): (bool, bool, bool),
) {
    let now = work.kernel.machine.now();
    let since = work.tasks[key].since;
    work.book(key, Cause::Ipc, since, now);
    work.tasks[key].since = now;
    work.kernel.hop(key, tid);
    let own = if parts || !future {
        0
    } else {
        work.kernel.costs.tpe_item_rss
    };
    work.kernel.give(tid, own);
    if listed {
        work.leave_sent_in_list(key);
    } else {
        work.drop_sent(key);
    }
    // What was unpickled belongs to the program now, and is resident.
    let back = work.kernel.own_block(tid, work.tasks[key].data.result);
    work.result_received(key, back);
    if parts {
        work.kernel
            .machine
            .charge(tid, work.kernel.costs.aio_threadsafe);
        work.offload_done(tid, copy, key);
    } else {
        work.task_ended(key);
    }
}

/// Bytes of the buffer into which a message is received: a `BytesIO` that grows with each read of a pipe's worth (`Connection._recv`), behind which
/// the next read's bytes stand. So it moves to another place as it grows, and what it leaves is too small for the object that is unpickled.
pub(super) fn buffer_takes(payload: u64) -> u64 {
    if payload > PIPE && moves(payload) {
        payload.saturating_mul(2)
    } else {
        payload
    }
}

/// A message is received and unpickled: the buffer and the object exist together. Returns the bytes of the buffer, to be freed after that.
pub(super) fn receive(kernel: &mut Kernel<'_>, tid: Tid, payload: u64) -> u64 {
    let buffer = buffer_takes(payload);
    kernel.allocate_own(tid, buffer);
    kernel.allocate_own(tid, payload);
    buffer
}

/// Takes memory for a pickle, which is there until it has been sent. It is written into a `BytesIO` that is as large as what has been written, and
/// the opcodes behind a large value make it grow: then it is copied. Returns the bytes that are free as soon as the pickle has been made.
pub(super) fn pickle_takes(kernel: &mut Kernel<'_>, tid: Tid, payload: u64) -> u64 {
    kernel.allocate_own(tid, payload);
    if !moves(payload) {
        return 0;
    }
    kernel.allocate_own(tid, payload);
    payload
}
