//! Tests of the executors with small programs, inspected after each upcall, without the storeys above.

use super::*;
use crate::cpython::index::ClassIndex;
use crate::cpython::kernel::{Kernel, Roles, drive};
use crate::cpython::limits::RunLimits;
use crate::cpython::profile::Profile;
use crate::cpython::program::{Class, Demand, Instr, Program};
use crate::machine::Upcall;
use crate::scenario::{MachineSpec, StartMethod};

const MS: Nanos = Nanos::from_millis(1);

/// A program that is a batch of `tasks` tasks of one class.
fn batch(executor: Executor, code: &[Instr], tasks: usize) -> Program {
    let mut code = code.to_vec();
    code.push(Instr::End);
    Program {
        classes: TiVec::from(vec![Class {
            name: "task".into(),
            code,
            bytes_in: 0,
            objects: (0, 0),
            weight: 1.0,
            touches: 0.0,
        }]),
        own_classes: 1,
        batch: vec![ClassIndex::from(0); tasks],
        ..Program::bare(executor)
    }
}

fn cpu(time: Nanos) -> Instr {
    Instr::Cpu(Demand::Constant(time))
}

fn io(time: Nanos) -> Instr {
    Instr::Io(Demand::Constant(time))
}

struct TestSim<'a> {
    work: Work<'a>,
    executors: Executors,
}

impl<'a> Roles<'a> for TestSim<'a> {
    fn kernel(&mut self) -> &mut Kernel<'a> {
        &mut self.work.kernel
    }

    fn refill(&mut self, tid: Tid) {
        self.executors.refill(&mut self.work, tid);
    }

    fn does(&mut self, tid: Tid, action: RoleAction) {
        self.executors.does(&mut self.work, tid, action);
    }
}

/// Runs to the end, and calls `look` after each upcall.
fn run<'a>(
    cores: u32,
    profile: &'a Profile,
    program: &'a Program,
    mut look: impl FnMut(&TestSim<'a>),
) -> TestSim<'a> {
    let spec = MachineSpec::with_cores(cores);
    let kernel = Kernel::new(&spec, profile, program, 1, 0, RunLimits::none());
    let mut work = Work::new(kernel, 1, 0);
    let executors = Executors::new(&mut work);
    let mut run = TestSim { work, executors };
    while let Some(up) = run.work.kernel.machine.advance() {
        match up {
            Upcall::OnCore(tid) => drive(&mut run, tid),
            Upcall::Timer(tid) => run.work.kernel.timer(tid),
            Upcall::Arrival => run.work.arrivals_due(),
            Upcall::Check => run.work.kernel.look_ahead(),
            Upcall::Device(device) => run.work.transfers_end(device),
            Upcall::Fault(_) => {}
            Upcall::End => break,
        }
        look(&run);
    }
    assert_eq!(run.work.tasks.alive(), 0, "all tasks are over");
    assert_eq!(run.work.observer.completed, program.batch.len() as u64);
    run
}

#[test]
fn a_thread_pool_grows_while_nobody_is_idle_and_no_further() {
    let profile = Profile::default();
    let program = batch(Executor::Threads(3), &[io(MS * 10)], 20);
    let mut most = 0;
    let run = run(4, &profile, &program, |run| {
        let pool = &run.executors.pools[PoolIndex::from(0)];
        most = most.max(pool.workers.len());
    });
    assert_eq!(most, 3);
    // Twenty tasks of 10 ms in three threads take seven rounds.
    let makespan = run.work.observer.makespan;
    assert!(makespan > MS * 70 && makespan < MS * 80, "{makespan:?}");
    // If each task is done before the next is submitted, no second thread is needed.
    let program = Program {
        dispatch: MS * 50,
        ..program
    };
    let run = super::tests::run(4, &profile, &program, |_| {});
    assert_eq!(run.executors.pools[PoolIndex::from(0)].workers.len(), 1);
}

#[test]
fn a_call_queue_holds_one_call_more_than_there_are_workers() {
    let profile = Profile::default();
    for start in [StartMethod::Fork, StartMethod::Spawn] {
        let program = batch(Executor::Processes(2, start, 1), &[cpu(MS)], 30);
        let mut most = 0;
        let run = run(4, &profile, &program, |run| {
            let pool = &run.executors.process_pools[ProcessPoolIndex::from(0)];
            let in_pipe = run.work.kernel.pipes[pool.call_pipe].messages.len();
            most = most.max(pool.calls.len() + in_pipe);
        });
        assert_eq!(most, 3, "{start:?}");
        assert_eq!(run.work.kernel.children, 2, "{start:?}");
    }
}

#[test]
fn a_loop_runs_no_more_tasks_at_once_than_its_limit_lets_it() {
    let profile = Profile::default();
    let mut program = batch(Executor::Inline, &[io(MS * 10), cpu(MS)], 12);
    program.layout.event_loop = true;
    program.layout.limit = Some(4);
    let mut most = 0;
    let run = run(2, &profile, &program, |run| {
        let has = run.work.tasks.iter().filter(|(_, t)| t.permitted).count();
        most = most.max(has);
    });
    assert_eq!(most, 4);
    // Three rounds of 10 ms; in each, the loop's thread executes the steps of four tasks one after another.
    let makespan = run.work.observer.makespan;
    assert!(makespan > MS * 34 && makespan < MS * 46, "{makespan:?}");
}

#[test]
fn children_of_pooled_tasks_go_to_the_same_pool() {
    let profile = Profile::default();
    let fan_out = Instr::FanOut {
        class: ClassIndex::from(1),
        count: 3,
        need: None,
    };
    let mut program = batch(Executor::Threads(2), &[fan_out], 1);
    let child = Class {
        name: "child".into(),
        code: vec![io(MS * 10), Instr::End],
        ..program.classes[ClassIndex::from(0)].clone()
    };
    program.classes.push(child);
    let run = run(2, &profile, &program, |_| {});
    // The parent's worker waits, so one worker is left for three children.
    let makespan = run.work.observer.makespan;
    assert!(makespan > MS * 30 && makespan < MS * 34, "{makespan:?}");
}
