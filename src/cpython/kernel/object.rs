//! Shared Python objects on free-threaded builds: facts sheet 12.1 to 12.3.
//!
//! A read of an object that other threads hold as well increments its reference count and decrements it again; a write takes the lock in
//! the object's header. Either writes to the header's cache line, which travels between the cores of the threads that do so
//! ([`Machine::access`](crate::machine::Machine::access)). Under a GIL no two threads access an object at once.

use super::Kernel;
use crate::cpython::index::{ClassIndex, ObjectIndex};
use crate::cpython::profile::Costs;
use crate::engine::Total;
use crate::machine::{Access, Tid};

/// What a read and a write of a shared object cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Objects {
    read: Access,
    write: Access,
}

impl Objects {
    /// Derives the costs from the profile: `object_access`, and what two threads were measured to pay beyond it, from which follows how
    /// long the line is busy with each access ([`Access::of_two`]). A write keeps the line busy for at least as long as a read. Two threads
    /// may show less, since they pass the lock on seldom and each makes many writes while the other yields; but the locked word lies in the
    /// same line as the reference count, and with more threads there is always one that asks for it.
    pub(crate) fn new(costs: &Costs) -> Self {
        let of = |extra| Access::of_two(costs.object_access, extra);
        let read = of(costs.object_read_contended);
        let mut write = of(costs.object_write_contended);
        write.service = write.service.max(read.service);
        Self { read, write }
    }

    /// What one access costs, a write or a read.
    pub(crate) fn of(&self, write: bool) -> Access {
        if write { self.write } else { self.read }
    }
}

/// A sequence of accesses of one object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accesses {
    pub(crate) object: ObjectIndex,
    pub(crate) count: u64,
    pub(crate) write: bool,
    /// Class of the task that makes the accesses.
    pub(crate) class: ClassIndex,
}

impl Kernel<'_> {
    /// Burns a sequence of accesses; whether the thread goes on acting. Each process, and each interpreter, has its own objects.
    pub(crate) fn access(&mut self, tid: Tid, a: Accesses) -> bool {
        let access = self.objects.of(a.write);
        let objects = u32::try_from(self.program.objects.len()).expect("few objects");
        let line = u32::from(self.threads[tid].domain) * objects + u32::from(a.object);
        let account = self.account(a.object, a.class);
        self.machine.access(tid, a.count, line, access, account)
    }

    /// Number of the machine's account for what tasks of a class lose at an object.
    fn account(&self, object: ObjectIndex, class: ClassIndex) -> u32 {
        let classes = u32::try_from(self.program.classes.len()).expect("few classes");
        u32::from(object) * classes + u32::from(class)
    }

    /// Total time for which tasks of the class have waited for the object's cache line.
    pub(crate) fn lost_at(&self, object: ObjectIndex, class: ClassIndex) -> Total {
        self.machine.lost(self.account(object, class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpython::profile::Profile;
    use crate::engine::Nanos;

    /// Costs of objects from `object_access`, `object_read_contended` and `object_write_contended`, in nanoseconds.
    fn objects(access: f64, read: f64, write: f64) -> Objects {
        let mut params = Profile::default().params;
        params.object_access = access;
        params.object_read_contended = read;
        params.object_write_contended = write;
        Objects::new(&Costs::from(&params))
    }

    /// Values as measured with CPython 3.14.7, where two writing threads pass the lock on seldom.
    #[test]
    fn a_write_is_as_dear_as_a_read_at_least() {
        let o = objects(30.6, 210.5, 38.1);
        assert_eq!((o.read.alone, o.write.alone), (Nanos(31), Nanos(31)));
        assert_eq!((o.read.service, o.write.service), (Nanos(121), Nanos(121)));
    }

    #[test]
    fn a_dearer_write_stays_dearer() {
        let o = objects(30.0, 210.0, 630.0);
        assert_eq!((o.read.service, o.write.service), (Nanos(120), Nanos(330)));
    }
}
