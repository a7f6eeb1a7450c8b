//! Tests of the kernel by itself: threads with scripts and without tasks, on a machine without wake-up costs.

use proptest::prelude::*;

use super::process::Liveness;
use super::*;
use crate::cpython::index::{LockNumber, NodeIndex, ProcessPoolIndex};
use crate::cpython::profile::Profile;
use crate::cpython::program::Executor;
use crate::cpython::role::RoleAction;
use crate::engine::Total;
use crate::machine::{SchedState, Upcall};
use crate::scenario::LockSpec;

const MS: Nanos = Nanos::from_millis(1);

/// A program that has only locks, the first of which is shared between processes.
fn program(locks: usize) -> Program {
    let lock = |i: usize| LockSpec {
        name: format!("lock {i}"),
        shared: i == 0,
    };
    Program {
        locks: (0..locks).map(lock).collect(),
        lock_across_wait: vec![false; locks].into(),
        ..Program::bare(Executor::Inline)
    }
}

fn profile(gil: bool) -> Profile {
    Profile {
        gil,
        ..Profile::default()
    }
}

fn kernel<'a>(cores: u32, profile: &'a Profile, program: &'a Program) -> Kernel<'a> {
    let spec = MachineSpec::with_cores(cores);
    Kernel::new(&spec, profile, program, 1, 0, RunLimits::none())
}

/// A storey above the kernel whose threads execute their scripts and end.
struct Scripts<'a>(Kernel<'a>);

impl<'a> Roles<'a> for Scripts<'a> {
    fn kernel(&mut self) -> &mut Kernel<'a> {
        &mut self.0
    }

    fn refill(&mut self, tid: Tid) {
        self.0.push(tid, Act::Exit);
    }

    fn does(&mut self, _: Tid, _: RoleAction) {}
}

impl Scripts<'_> {
    /// Runs until nothing is left to happen; at `at`, `then` is called.
    fn run_with(&mut self, at: Nanos, mut then: impl FnMut(&mut Self)) {
        self.0.machine.arrive_at(at);
        while let Some(up) = self.0.machine.advance() {
            match up {
                Upcall::OnCore(tid) => drive(self, tid),
                Upcall::Timer(tid) => self.0.timer(tid),
                Upcall::Check => self.0.look_ahead(),
                Upcall::Arrival => then(self),
                Upcall::End | Upcall::Device(_) | Upcall::Fault(_) => return,
            }
        }
    }

    fn run(&mut self) {
        self.run_with(Nanos::ZERO, |_| {});
    }

    /// A thread with this script, woken to begin.
    fn thread(&mut self, home: InterpreterRef, script: &[Act]) -> Tid {
        let tid = self.0.new_thread(ThreadRole::Script, home, 0);
        for &act in script {
            self.0.push(tid, act);
        }
        self.0.machine.wake(tid, Nanos::ZERO);
        tid
    }

    fn process(&mut self) -> InterpreterRef {
        let start = crate::scenario::StartMethod::Spawn;
        let kind = ProcessKind::Worker(ProcessPoolIndex::from(0), start);
        self.0.new_process(kind, ProcessIndex::MAIN)
    }
}

fn scripts(kernel: Kernel<'_>) -> (Scripts<'_>, InterpreterRef) {
    let mut scripts = Scripts(kernel);
    let main = scripts.0.new_main(NodeIndex::from(0));
    (scripts, main)
}

#[test]
fn threads_under_a_gil_take_turns() {
    let (profile, program) = (profile(true), program(0));
    let (mut s, home) = scripts(kernel(2, &profile, &program));
    for _ in 0..2 {
        s.thread(home, &[Act::Run(MS * 20)]);
    }
    s.run();
    let gil = &s.0.gils[home.gil];
    assert!(gil.held >= MS * 40 && gil.held < MS * 41, "{:?}", gil.held);
    // They run one after another, though there are two cores; after each interval of 5 ms the other thread gets the GIL.
    assert!(s.0.machine.now() >= MS * 40, "{:?}", s.0.machine.now());
    assert!((6..=9).contains(&gil.forces), "{}", gil.forces);
}

#[test]
fn threads_without_a_gil_run_beside_each_other() {
    let (profile, program) = (profile(false), program(0));
    let (mut s, home) = scripts(kernel(2, &profile, &program));
    for _ in 0..2 {
        s.thread(home, &[Act::Run(MS * 20)]);
    }
    s.run();
    assert!(s.0.machine.now() < MS * 21, "{:?}", s.0.machine.now());
}

#[test]
fn a_stopped_world_stands_still() {
    let (profile, program) = (profile(false), program(0));
    let (mut s, home) = scripts(kernel(2, &profile, &program));
    s.thread(home, &[Act::Run(MS * 20)]);
    s.thread(
        home,
        &[
            Act::Run(MS),
            Act::StopWorld,
            Act::Run(MS * 10),
            Act::StartWorld,
        ],
    );
    s.run();
    let end = s.0.machine.now();
    assert!(end >= MS * 30 && end < MS * 31, "{end:?}");
}

#[test]
fn a_pipe_blocks_its_writer_while_it_is_full() {
    let (profile, program) = (profile(true), program(0));
    let (mut s, home) = scripts(kernel(2, &profile, &program));
    let other = s.process();
    let pipe = s.0.new_pipe();
    let size = 1 << 20;
    s.0.send(pipe, TaskKey::from(0), size);
    let writer = s.thread(home, &[Act::Write(pipe, size)]);
    let reader = s.thread(other, &[Act::Run(MS * 50), Act::Read(pipe)]);
    s.run_with(MS * 40, |s| {
        assert_eq!(s.0.machine.state(writer), SchedState::Blocked);
    });
    for tid in [writer, reader] {
        assert_eq!(s.0.machine.state(tid), SchedState::Exited);
    }
    assert!(!s.0.pipes[pipe].readable());
    let message = s.0.pipes[pipe].pop();
    assert_eq!(message.size, size);
}

#[test]
fn a_lock_between_processes_stays_taken_by_the_dead() {
    let (profile, program) = (profile(true), program(2));
    let (mut s, home) = scripts(kernel(2, &profile, &program));
    let doomed = s.process();
    let [shared, own] = [0, 1].map(|lock| s.0.lock_index(doomed.domain, LockNumber::from(lock)));
    s.thread(
        doomed,
        &[Act::Acquire(shared), Act::Acquire(own), Act::Run(MS * 50)],
    );
    let waits = s.thread(
        home,
        &[Act::Run(MS), Act::Acquire(shared), Act::Release(shared)],
    );
    s.run_with(MS * 10, |s| {
        s.0.take_for(doomed.process, 1 << 20);
        assert_eq!(s.0.kill(doomed.process).len(), 1);
    });
    assert_eq!(s.0.memory.own(doomed.process), 0);
    assert_eq!(s.0.machine.state(waits), SchedState::Blocked, "for ever");
    assert_eq!(s.0.gils[doomed.gil].holder, None);
    assert!(s.0.machine.now() < MS * 50, "what it had to burn is gone");
}

/// What threads of the property test do: single acts, acts under a shared lock, or a wait that another thread ends.
fn acts() -> impl Strategy<Value = Vec<(u8, u64)>> {
    prop::collection::vec((0..7u8, 1..4_000u64), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A process that is killed at any time takes nothing with it that is not its own: the others go on to their ends, except those that
    /// wait for a shared lock which it held; core time and GILs are given back; and its threads do nothing any more.
    #[test]
    fn whoever_is_killed_leaves_the_others_alone(
        gil in any::<bool>(),
        cores in 1..4u32,
        works in prop::collection::vec((0..3usize, acts()), 1..9),
        at in 0..20_000u64,
        victim in 1..3usize,
    ) {
        let (profile, program) = (profile(gil), program(3));
        let (mut s, main) = scripts(kernel(cores, &profile, &program));
        let homes = [main, s.process(), s.process()];
        let pipe = s.0.new_pipe();
        s.0.send(pipe, TaskKey::from(0), 100_000);
        for (process, work) in &works {
            let home = homes[*process];
            let [shared, one, two] = [0, 1, 2].map(|lock| s.0.lock_index(home.domain, LockNumber::from(lock)));
            let mut script = Vec::new();
            for &(what, time) in work {
                let time = Nanos::from_micros(time);
                match what {
                    0 => script.push(Act::Run(time)),
                    1 => script.push(Act::native(time)),
                    2 => script.extend([Act::Acquire(shared), Act::Run(time), Act::Release(shared)]),
                    3 => script.extend([
                        Act::Acquire(one),
                        Act::Acquire(two),
                        Act::native(time),
                        Act::Release(two),
                        Act::Release(one),
                    ]),
                    4 => script.push(Act::Take(time.0)),
                    5 => script.extend([Act::StopWorld, Act::RunC(time), Act::StartWorld]),
                    _ => script.push(Act::RunC(time)),
                }
            }
            s.thread(home, &script);
        }
        let home = homes[victim];
        let (mut killed, mut burned): (Vec<Tid>, Vec<Total>) = (Vec::new(), Vec::new());
        s.run_with(Nanos::from_micros(at), |s| {
            killed = s.0.kill(home.process);
            burned = killed.iter().map(|&t| s.0.machine.burned(t)).collect();
        });
        s.0.machine.finish();
        let dead = |tid: Tid| killed.contains(&tid);
        let shared = s.0.lock_index(home.domain, LockNumber::from(0));
        // A killed thread held the lock, or was woken for it and died before it took it.
        let called = |t: &Tid| {
            matches!(s.0.thread(*t).wait, Some(Wait { on: On::Lock(l), ticket: None, .. }) if l == shared)
        };
        let taken = s.0.locks[shared].owner().is_some_and(dead) || killed.iter().any(called);
        for (tid, thread) in s.0.threads.iter_enumerated() {
            let state = s.0.machine.state(tid);
            let waits_for_the_dead = taken && matches!(thread.wait, Some(Wait { on: On::Lock(l), .. }) if l == shared);
            prop_assert!(state == SchedState::Exited || waits_for_the_dead, "{tid:?} is {state:?}: {:?}", thread.wait);
        }
        let after: Vec<Total> = killed.iter().map(|&t| s.0.machine.burned(t)).collect();
        prop_assert_eq!(burned, after);
        prop_assert_eq!(s.0.memory.own(home.process), 0);
        prop_assert_eq!(s.0.processes[home.process].liveness, Liveness::Killed);
        let threads = s.0.threads.keys();
        let all: Total = threads.map(|t| s.0.machine.burned(t)).fold(Total::ZERO, |a, b| a + b);
        // Futile looks at the GIL cost CPU time beside a thread's bursts.
        prop_assert!(all <= s.0.machine.cpu());
        let given = s.0.machine.core_busy().into_iter().fold(Total::ZERO, |a, b| a + b.into());
        prop_assert_eq!(given, s.0.machine.cpu());
        for (number, gil) in s.0.gils.iter_enumerated() {
            prop_assert!(gil.holder.is_none_or(|h| !dead(h)), "{number:?}");
        }
    }
}
