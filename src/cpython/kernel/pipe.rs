//! Pipes with a finite buffer: facts sheet 2.5 and 8.1.

use std::collections::VecDeque;

use super::Kernel;
use super::act::{Act, Outside};
use super::wait::On;
use crate::cpython::index::PipeIndex;
use crate::cpython::index::TaskKey;
use crate::engine::Nanos;
use crate::machine::Tid;

/// A message in a pipe, or on its way into one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    /// The first of its tasks; further ones are in the pool's own list.
    pub(crate) task: TaskKey,
    pub(crate) size: u64,
    read: u64,
    /// When its last byte was written; [`Nanos::MAX`] before that.
    pub(crate) written: Nanos,
}

/// A pipe: bytes in order, at most one blocked writer and one blocked reader.
pub(crate) struct Pipe {
    used: u64,
    pub(crate) messages: VecDeque<Message>,
    reader: Option<Tid>,
    writer: Option<Tid>,
    /// Whether the pipe is closed: readers of an empty pipe no longer wait.
    closed: bool,
    /// Whether nobody reads it any more: what is written fails (`EPIPE`).
    unread: bool,
}

impl Pipe {
    pub(crate) fn new() -> Self {
        Self {
            used: 0,
            messages: VecDeque::new(),
            reader: None,
            writer: None,
            closed: false,
            unread: false,
        }
    }

    /// Whether the pipe holds bytes to read.
    pub(crate) fn readable(&self) -> bool {
        self.used > 0
    }

    /// Registers a thread to be unparked when the pipe becomes readable.
    pub(crate) fn watch(&mut self, tid: Tid) {
        self.reader = Some(tid);
    }

    /// Forgets a killed thread, which may have waited at either end.
    pub(crate) fn forget(&mut self, tid: Tid) {
        for end in [&mut self.reader, &mut self.writer] {
            *end = end.filter(|&waiting| waiting != tid);
        }
    }

    /// Drops all messages, of which nobody will ever read one; `closed`: the reading end is closed, so that whoever writes goes on without. Returns
    /// the thread that waited for space and finds that out.
    pub(crate) fn abandon(&mut self, closed: bool) -> Option<Tid> {
        self.messages.clear();
        self.unread = closed;
        self.writer.take_if(|_| closed)
    }

    /// The message that is being read, or has been read.
    pub(crate) fn front(&self) -> Option<&Message> {
        self.messages.front()
    }

    /// Removes the message that has been read.
    pub(crate) fn pop(&mut self) -> Message {
        self.messages.pop_front().expect("a message has been read")
    }
}

impl Kernel<'_> {
    /// Creates a pipe; returns its index.
    pub(crate) fn new_pipe(&mut self) -> PipeIndex {
        self.pipes.push_and_get_key(Pipe::new())
    }

    /// Queues a message of this size for writing; [`Act::Write`] writes it.
    pub(crate) fn send(&mut self, pipe: PipeIndex, task: TaskKey, size: u64) {
        self.bytes_moved += u128::from(size);
        self.pipes[pipe].messages.push_back(Message {
            task,
            size,
            read: 0,
            written: Nanos::MAX,
        });
    }

    /// Closes the pipe; returns the thread that was waiting to read.
    pub(crate) fn close_pipe(&mut self, pipe: PipeIndex) -> Option<Tid> {
        let p = &mut self.pipes[pipe];
        p.closed = true;
        p.reader.take()
    }

    fn copy_cost(&self, bytes: u64) -> Nanos {
        let copied = bytes as f64 * self.pipe_ns_per_byte;
        self.syscall + Nanos::from_f64(copied)
    }

    /// Copies as much of a message as fits, or parks until the reader has made room. Returns whether the thread goes on acting.
    pub(crate) fn write(&mut self, tid: Tid, pipe: PipeIndex, left: u64) -> bool {
        let p = &mut self.pipes[pipe];
        if p.unread {
            return true;
        }
        let space = self.pipe_capacity - p.used;
        if space == 0 {
            p.writer = Some(tid);
            self.push_front(tid, Act::Write(pipe, left));
            return self.begin_without_gil(tid, Outside::Park(On::Space(pipe), Nanos::MAX));
        }
        let chunk = left.min(space);
        self.push_front(tid, Act::Written(pipe, chunk, left - chunk));
        let cost = self.copy_cost(chunk);
        self.begin_without_gil(tid, Outside::Native(cost))
    }

    pub(crate) fn written(&mut self, tid: Tid, pipe: PipeIndex, chunk: u64, left: u64) {
        let p = &mut self.pipes[pipe];
        p.used += chunk;
        if left > 0 {
            self.push_front(tid, Act::Write(pipe, left));
        } else if let Some(message) = p.messages.back_mut() {
            // There is one writer at a time, and it writes the last message.
            message.written = self.machine.now();
        }
        if let Some(reader) = self.pipes[pipe].reader.take() {
            self.unpark_by(tid, reader);
        }
    }

    /// Copies a chunk of the first message out, or parks until there is one. Returns whether the thread goes on acting.
    pub(crate) fn read(&mut self, tid: Tid, pipe: PipeIndex) -> bool {
        let p = &mut self.pipes[pipe];
        let front = p.messages.front();
        let (chunk, size) = front.map_or((0, 0), |m| (p.used.min(m.size - m.read), m.size));
        if chunk == 0 && p.closed && p.messages.is_empty() {
            return true;
        }
        if chunk == 0 {
            p.reader = Some(tid);
            self.push_front(tid, Act::Read(pipe));
            return self.begin_without_gil(tid, Outside::Park(On::Bytes(pipe), Nanos::MAX));
        }
        self.push_front(tid, Act::ReadDone(pipe, chunk));
        // The block that is filled consists of fresh pages, as does, later, the buffer that grows by it: half of the cost falls here.
        let cost = self.copy_cost(chunk) + self.receives_cost(chunk, size).scale(0.5);
        self.begin_without_gil(tid, Outside::Native(cost))
    }

    pub(crate) fn read_done(&mut self, tid: Tid, pipe: PipeIndex, chunk: u64) {
        let p = &mut self.pipes[pipe];
        p.used -= chunk;
        let m = p.messages.front_mut().expect("it is being read");
        m.read += chunk;
        let (size, more) = (m.size, m.read < m.size);
        let writer = p.writer.take();
        if more {
            self.push_front(tid, Act::Read(pipe));
        }
        let time = self.receives_cost(chunk, size).scale(0.5);
        if time > Nanos::ZERO {
            self.push_front(tid, Act::RunC(time));
        }
        if let Some(w) = writer {
            self.unpark_by(tid, w);
        }
    }
}
