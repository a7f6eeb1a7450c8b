//! Shared Python objects on free-threaded builds: facts sheet 12.1 to 12.3.
//!
//! A read of an object that others hold as well adds to its reference count and takes that away again; a write takes the lock in the
//! object's header. Either writes to the header's cache line, which travels between the cores of the threads that do so
//! ([`Machine::access`](crate::machine::Machine::access)). Under a GIL there are no two threads at once.

use super::Kernel;
use crate::cpython::index::{ClassIndex, ObjectIndex};
use crate::cpython::profile::Costs;
use crate::engine::Total;
use crate::machine::{Access, Tid};

/// What accesses of shared objects cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Objects {
    read: Access,
    write: Access,
}

impl Objects {
    /// `object_access` and what two threads were measured to pay for an access beyond it: how long the line is busy with each
    /// ([`Access::of_two`]). A write is no quicker than a read, whatever two threads show: these pass the lock on seldom, each
    /// makes many writes while the other yields, but the word that is locked lies in the same line as the count, and with more threads
    /// somebody always asks for it.
    pub(crate) fn new(costs: &Costs) -> Self {
        let of = |extra| Access::of_two(costs.object_access, extra);
        let read = of(costs.object_read_contended);
        let mut write = of(costs.object_write_contended);
        write.service = write.service.max(read.service);
        Self { read, write }
    }

    /// What each access costs, one that writes or one that reads.
    pub(crate) fn of(&self, write: bool) -> Access {
        if write { self.write } else { self.read }
    }
}

/// Accesses of an object, one after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accesses {
    pub(crate) object: ObjectIndex,
    pub(crate) count: u64,
    pub(crate) write: bool,
    /// Class of the task that makes them.
    pub(crate) class: ClassIndex,
}

impl Kernel<'_> {
    /// Burns such accesses. Each process, and each interpreter, has objects of its own.
    pub(crate) fn access(&mut self, tid: Tid, a: Accesses) -> bool {
        let access = self.objects.of(a.write);
        let objects = u32::try_from(self.program.objects.len()).expect("few objects");
        let line = u32::from(self.threads[tid].domain) * objects + u32::from(a.object);
        let account = self.account(a.object, a.class);
        self.machine.access(tid, a.count, line, access, account)
    }

    /// The machine's account of what tasks of the class lose at the object.
    fn account(&self, object: ObjectIndex, class: ClassIndex) -> u32 {
        let classes = u32::try_from(self.program.classes.len()).expect("few classes");
        u32::from(object) * classes + u32::from(class)
    }

    /// How long tasks of the class have waited for the object's line.
    pub(crate) fn lost_at(&self, object: ObjectIndex, class: ClassIndex) -> Total {
        self.machine.lost(self.account(object, class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpython::profile::Profile;
    use crate::engine::Nanos;

    /// Nanoseconds of an access, and what each of two threads pays more for a read and for a write.
    fn objects(access: f64, read: f64, write: f64) -> Objects {
        let mut params = Profile::default().params;
        params.object_access = access;
        params.object_read_contended = read;
        params.object_write_contended = write;
        Objects::new(&Costs::from(&params))
    }

    /// As measured of CPython 3.14.7: two threads that write pass the lock on seldom.
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
