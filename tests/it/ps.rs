//! The state of a run at an instant: hand-checkable states, every shipped scenario, and what `ps` and `pstree` say.

use std::collections::HashSet;

use pchsim::cpython::profile::Profile;
use pchsim::cpython::recording::RecordOptions;
use pchsim::cpython::snapshot::{CpuWork, RunEnd, Snapshot, TaskLocation, ThreadActivity};
use pchsim::engine::Nanos;
use pchsim::layout::Style;
use pchsim::live::{LabelledSnapshot, Rows, ps, ps_json, pstree};
use pchsim::profiles;
use pchsim::scenario::{
    Arrivals, MachineSpec, Offload, PoolLife, ProcessApi, Scenario, StartMethod, Step, Strategy,
    TaskClass, Workers, Workload, strategy_label,
};
use pchsim::strategy::{SimInput, record, simulate, snapshot};
use pchsim::study::cases;
use pchsim::syntax::{embedded, load, parse_strategy};
use predicates::prelude::*;

use crate::common::{Case, class, cpu, io, machine, ms, profile, workload};
use crate::world::pchsim;

fn input<'a>(
    machine: &'a MachineSpec,
    profile: &'a Profile,
    workload: &'a Workload,
    strategy: &'a Strategy,
) -> SimInput<'a> {
    SimInput {
        machine,
        profile,
        workload,
        strategy,
        compiled: None,
        seed: 1,
        replication: 0,
        warmup: Nanos::ZERO,
        horizon: None,
        keep_latencies: false,
        windows: None,
        max_events: 2_000_000,
    }
}

/// A batch in a world without overheads, on two cores.
fn free(gil: bool, classes: Vec<TaskClass>, strategy: &Strategy, at: Nanos) -> Snapshot {
    let workload = workload(Arrivals::Batch, classes);
    let case = Case::new(machine(2), profile(gil), workload, strategy.clone());
    let s = snapshot(&case.input(), at).unwrap();
    consistent(&s);
    let o = case.run();
    assert!(o.end >= s.at && (s.end.is_none() || o.end == s.at));
    s
}

fn threads(n: u32) -> Strategy {
    Strategy::Threads(Workers::Exactly(n))
}

fn asyncio(limit: Option<u32>) -> Strategy {
    Strategy::Asyncio {
        limit,
        offload: Offload::None,
        pools: Vec::new(),
    }
}

/// The place of the task of this name.
fn task<'s>(s: &'s Snapshot, name: &str) -> &'s pchsim::cpython::snapshot::TaskState {
    s.tasks.iter().find(|t| t.name == name).unwrap_or_else(|| {
        let all: Vec<&str> = s.tasks.iter().map(|t| t.name.as_str()).collect();
        panic!("no {name} among {all:?}")
    })
}

/// The thread that stands for the task of this name.
fn thread_of<'s>(s: &'s Snapshot, name: &str) -> &'s pchsim::cpython::snapshot::ThreadState {
    match task(s, name).place {
        TaskLocation::Thread(t) => &s.threads[t],
        ref other => panic!("{name} is {other:?}"),
    }
}

fn left(s: &Snapshot, name: &str) -> Option<Nanos> {
    task(s, name).step.as_ref().and_then(|s| s.left)
}

/// What holds for every snapshot.
fn consistent(s: &Snapshot) {
    let on_cores: Vec<usize> = s.cores.iter().flatten().copied().collect();
    let distinct: HashSet<usize> = on_cores.iter().copied().collect();
    assert_eq!(distinct.len(), on_cores.len(), "a thread on two cores");
    for (core, thread) in s.cores.iter().enumerate() {
        if let Some(t) = thread {
            let there =
                matches!(s.threads[*t].doing, ThreadActivity::Running(c, _) if c as usize == core);
            assert!(there, "{:?} on core {core}", s.threads[*t]);
        }
    }
    let running = s
        .threads
        .iter()
        .filter(|t| matches!(t.doing, ThreadActivity::Running(..)));
    assert_eq!(running.count(), on_cores.len(), "runs without a core");
    for (i, t) in s.threads.iter().enumerate() {
        assert!(t.process < s.processes.len() && t.since <= s.at, "{t:?}");
        if let Some(task) = t.task {
            assert_eq!(s.tasks[task].place, TaskLocation::Thread(i));
        }
        let needs_gil = matches!(
            t.doing,
            ThreadActivity::Running(
                _,
                CpuWork::Bytecode
                    | CpuWork::Accessing(_)
                    | CpuWork::Contending(_)
                    | CpuWork::Collecting
                    | CpuWork::Pickling
                    | CpuWork::Unpickling
            )
        );
        let gils: Vec<_> = s.gils.iter().filter(|g| g.process == t.process).collect();
        if needs_gil && !gils.is_empty() {
            assert!(
                gils.iter().any(|g| g.holder == Some(i)),
                "{t:?} without a GIL: {gils:?}"
            );
        }
        if let ThreadActivity::WaitsForGil(holder) = t.doing {
            // Nobody has it while whoever was woken for it is on the way to a core.
            assert_ne!(holder, Some(i), "{t:?}");
            assert!(gils.iter().any(|g| g.waiters.contains(&i)), "{t:?}");
        }
    }
    for (i, t) in s.tasks.iter().enumerate() {
        if let TaskLocation::Thread(thread) = t.place {
            assert_eq!(s.threads[thread].task, Some(i), "{t:?}");
        }
        assert_ne!(t.place, TaskLocation::Underway, "{t:?}");
        assert!(
            t.arrived <= s.at && t.since <= s.at && t.parent.is_none_or(|p| p < i),
            "{t:?}"
        );
    }
    let top = s.tasks.iter().filter(|t| t.parent.is_none()).count() as u64;
    let totals = &s.totals;
    assert_eq!(totals.in_flight, top + totals.not_taken_in);
    let over = totals.done + totals.failed + totals.timed_out;
    assert_eq!(totals.arrived, over + totals.in_flight);
    let memory = s.processes.iter().map(|p| p.memory);
    assert_eq!(memory.sum::<u64>(), s.memory, "{:?}", s.processes);
    for link in s.cycles.iter().flatten() {
        assert!(link.task < s.tasks.len());
    }
}

#[test]
fn one_lock_and_two_threads() {
    let steps = vec![Step::Lock(0, vec![io(ms(10))])];
    let at = |t| free(false, vec![class(2, steps.clone())], &threads(2), t);
    let s = at(ms(4));
    assert_eq!(
        thread_of(&s, "task #1").doing,
        ThreadActivity::Sleeps(ms(10))
    );
    assert_eq!(task(&s, "task #1").holds, ["own"]);
    assert_eq!(left(&s, "task #1"), Some(ms(6)));
    let waits = thread_of(&s, "task #2");
    let ThreadActivity::WaitsForLock(lock, Some(holder)) = &waits.doing else {
        panic!("{waits:?}")
    };
    assert_eq!((lock.as_str(), waits.since), ("own", Nanos::ZERO));
    assert_eq!(s.threads[*holder].name, "ThreadPoolExecutor-0_0");
    assert!(task(&s, "task #2").holds.is_empty());
    assert_eq!(
        task(&s, "task #2").step.as_ref().unwrap().text,
        "Lock(\"own\")"
    );
    let s = at(ms(13));
    assert_eq!((s.totals.done, s.tasks.len()), (1, 1));
    assert_eq!(
        thread_of(&s, "task #2").doing,
        ThreadActivity::Sleeps(ms(20))
    );
}

#[test]
fn two_threads_and_one_gil() {
    let at = |t| {
        free(
            true,
            vec![class(2, vec![io(ms(1)), cpu(ms(20))])],
            &threads(2),
            t,
        )
    };
    let s = at(ms(4));
    let (first, second) = (thread_of(&s, "task #1"), thread_of(&s, "task #2"));
    assert!(matches!(
        first.doing,
        ThreadActivity::Running(_, CpuWork::Bytecode)
    ));
    assert_eq!(left(&s, "task #1"), Some(ms(17)));
    assert!(
        matches!(second.doing, ThreadActivity::WaitsForGil(Some(_))),
        "{second:?}"
    );
    assert_eq!(second.since, ms(1));
    // Asked to leave after an interval of 5 ms, the first one goes back to the end of the queue.
    let s = at(ms(8));
    let (first, second) = (thread_of(&s, "task #1"), thread_of(&s, "task #2"));
    assert!(
        matches!(first.doing, ThreadActivity::WaitsForGil(Some(_))),
        "{first:?}"
    );
    // The holder sees the request a tenth of a microsecond later.
    let gap = first.since - ms(6);
    assert!(gap < Nanos(1_000), "{first:?}");
    assert_eq!(left(&s, "task #1"), Some(ms(15) - gap));
    assert!(matches!(
        second.doing,
        ThreadActivity::Running(_, CpuWork::Bytecode)
    ));
    assert_eq!(left(&s, "task #2"), Some(ms(18) + gap));
    assert_eq!(s.gils.len(), 1);
    assert_eq!(s.gils[0].waiters.len(), 1);
}

/// Two threads of a free-threaded build at one object, of which the first has it for itself in the end.
#[test]
fn accesses_of_an_object() {
    let shared = |count| Step::Shared {
        object: 0,
        count,
        write: false,
    };
    let mut w = workload(
        Arrivals::Batch,
        vec![
            class(1, vec![shared(30_000), cpu(ms(5))]),
            class(1, vec![shared(10_000)]),
        ],
    );
    w.objects = vec!["config".into()];
    let mut case = Case::new(machine(2), profile(false), w, threads(2));
    case.profile.params.object_access = 100.0;
    case.profile.params.object_read_contended = 300.0;
    let at = |t| {
        let s = snapshot(&case.input(), t).unwrap();
        consistent(&s);
        s
    };
    // An access of each every 400 ns.
    let s = at(ms(2));
    for (t, count, left) in [("task #1", 30_000, 10), ("task #2", 10_000, 2)] {
        let doing = &thread_of(&s, t).doing;
        assert!(
            matches!(doing, ThreadActivity::Running(_, CpuWork::Contending(o)) if o == "config"),
            "{doing:?}"
        );
        let step = task(&s, t).step.as_ref().unwrap();
        assert_eq!(step.text, format!("Shared(\"config\", count: {count})"));
        assert!(step.begun && step.left == Some(ms(left)), "{step:?}");
    }
    let s = at(ms(5));
    let doing = &thread_of(&s, "task #1").doing;
    assert!(
        matches!(doing, ThreadActivity::Running(_, CpuWork::Accessing(o)) if o == "config"),
        "{doing:?}"
    );
    let s = at(ms(7));
    let doing = &thread_of(&s, "task #1").doing;
    assert!(
        matches!(doing, ThreadActivity::Running(_, CpuWork::Bytecode)),
        "{doing:?}"
    );
}

#[test]
fn a_loop_with_a_limit() {
    let s = free(
        true,
        vec![class(3, vec![io(ms(10))])],
        &asyncio(Some(1)),
        ms(4),
    );
    assert_eq!(task(&s, "task #1").place, TaskLocation::Sleeps(ms(10)));
    assert_eq!(left(&s, "task #1"), Some(ms(6)));
    assert_eq!(task(&s, "task #2").place, TaskLocation::Limit(1));
    assert_eq!(task(&s, "task #3").place, TaskLocation::Limit(2));
    assert_eq!(s.threads.len(), 1);
    assert_eq!(s.threads[0].doing, ThreadActivity::Select(Some(ms(10))));
    assert_eq!(s.threads[0].name, "MainThread");
}

#[test]
fn a_process_pool_and_its_queue() {
    let strategy = Strategy::Processes {
        workers: Workers::Exactly(1),
        start: StartMethod::Fork,
        api: ProcessApi::EXECUTOR,
        life: PoolLife::default(),
    };
    let s = free(true, vec![class(4, vec![cpu(ms(10))])], &strategy, ms(4));
    let worker = thread_of(&s, "task #1");
    assert_eq!(s.processes[worker.process].name, "ForkProcess-1");
    assert_eq!(s.processes[worker.process].parent, Some(0));
    // The call queue holds one call more than there are workers.
    assert_eq!(task(&s, "task #2").place, TaskLocation::CallPipe(1));
    assert_eq!(task(&s, "task #3").place, TaskLocation::CallPipe(2));
    assert_eq!(task(&s, "task #4").place, TaskLocation::Worker(3));
    let names: Vec<&str> = s.threads.iter().map(|t| t.name.as_str()).collect();
    let parents = ["MainThread", "ExecutorManagerThread", "QueueFeederThread"];
    assert!(parents.iter().all(|n| names.contains(n)), "{names:?}");
}

#[test]
fn children_and_their_parent() {
    let steps = vec![Step::FanOut {
        count: 2,
        need: None,
        steps: vec![io(ms(10))],
    }];
    let s = free(true, vec![class(1, steps.clone())], &threads(3), ms(4));
    assert_eq!(
        thread_of(&s, "task #1").doing,
        ThreadActivity::WaitsForChildren(2, 2)
    );
    for child in ["task #1's child 1", "task #1's child 2"] {
        assert_eq!(thread_of(&s, child).doing, ThreadActivity::Sleeps(ms(10)));
        assert_eq!(task(&s, child).parent, Some(0));
        assert_eq!(task(&s, child).class, "task");
    }
    let s = free(true, vec![class(1, steps)], &asyncio(None), ms(4));
    assert_eq!(task(&s, "task #1").place, TaskLocation::Children(2, 2));
    assert_eq!(task(&s, "task #1").step.as_ref().unwrap().text, "FanOut(2)");
    assert_eq!(
        task(&s, "task #1's child 2").place,
        TaskLocation::Sleeps(ms(10))
    );
    assert_eq!(s.totals.in_flight, 1);
}

#[test]
fn a_queue_between_two() {
    let mut classes = vec![
        class(1, vec![Step::Get(0)]),
        class(1, vec![io(ms(9)), Step::Put(0)]),
    ];
    classes[0].name = "eater".into();
    classes[1].name = "cook".into();
    let s = free(true, classes.clone(), &threads(2), ms(4));
    assert_eq!(
        thread_of(&s, "eater #1").doing,
        ThreadActivity::WaitsForItem("endless".into())
    );
    let s = free(true, classes, &asyncio(None), ms(4));
    assert_eq!(
        task(&s, "eater #1").place,
        TaskLocation::Item("endless".into())
    );
}

/// Two classes that take two locks in opposite order.
fn crossed(kind: usize) -> Vec<TaskClass> {
    let take = |a, b| {
        vec![Step::Lock(
            a,
            vec![io(ms(5)), Step::Lock(b, vec![io(ms(kind as u64))])],
        )]
    };
    let mut classes = vec![class(1, take(0, 1)), class(1, take(1, 0))];
    classes[0].name = "left".into();
    classes[1].name = "right".into();
    classes
}

#[test]
fn a_deadlock_shows_its_circle() {
    for strategy in [threads(2), asyncio(None)] {
        let before = free(true, crossed(1), &strategy, ms(4));
        assert_eq!((before.end, before.cycles.len()), (None, 0));
        let s = free(true, crossed(1), &strategy, ms(1000));
        assert_eq!(
            (s.end, s.at),
            (Some(RunEnd::Deadlock), ms(5)),
            "{strategy:?}"
        );
        assert_eq!(s.cycles.len(), 1, "{s:?}");
        let links: Vec<(&str, &str)> = s.cycles[0]
            .iter()
            .map(|l| (s.tasks[l.task].name.as_str(), l.waits_for.as_str()))
            .collect();
        assert_eq!(
            links,
            [("left #1", "lock 'shared'"), ("right #2", "lock 'own'")]
        );
    }
}

/// Children that all wait for what their parent has are in one circle with it, whichever is named; others have their own.
#[test]
fn circles_do_not_repeat_each_other() {
    let child = vec![Step::Lock(0, vec![io(ms(1))])];
    let family = |lock, steps| {
        vec![Step::Lock(
            lock,
            vec![
                io(ms(1)),
                Step::FanOut {
                    count: 3,
                    need: None,
                    steps,
                },
            ],
        )]
    };
    for strategy in [threads(8), asyncio(None)] {
        let s = free(
            true,
            vec![class(1, family(0, child.clone()))],
            &strategy,
            ms(50),
        );
        assert_eq!(
            (s.end, s.cycles.len()),
            (Some(RunEnd::Deadlock), 1),
            "{s:?}"
        );
        let other = vec![Step::Lock(1, vec![io(ms(1))])];
        let mut two = vec![
            class(1, family(0, child.clone())),
            class(1, family(1, other)),
        ];
        two[1].name = "other".into();
        let s = free(true, two, &strategy, ms(50));
        let firsts: Vec<&str> = s
            .cycles
            .iter()
            .map(|c| s.tasks[c[0].task].name.as_str())
            .collect();
        assert_eq!(firsts, ["task #1", "other #2"], "{strategy:?}");
    }
}

#[test]
fn a_pool_that_waits_for_itself() {
    let steps = vec![Step::FanOut {
        count: 1,
        need: None,
        steps: vec![io(ms(1))],
    }];
    let s = free(true, vec![class(1, steps)], &threads(1), ms(50));
    assert_eq!(s.end, Some(RunEnd::Deadlock));
    let names: Vec<&str> = s.cycles[0]
        .iter()
        .map(|l| s.tasks[l.task].name.as_str())
        .collect();
    assert_eq!(names, ["task #1", "task #1's child 1"]);
    assert_eq!(task(&s, "task #1's child 1").place, TaskLocation::Worker(1));
}

fn shipped(name: &str) -> (Scenario, Vec<Profile>) {
    let scenario = load(name, &[]).unwrap();
    let found = scenario
        .interpreters
        .iter()
        .map(|n| profiles::find(n).unwrap());
    let found = found.collect();
    (scenario, found)
}

#[test]
fn every_shipped_scenario_is_in_order_at_any_instant() {
    for e in embedded::ALL {
        let (scenario, profiles) = shipped(e.name);
        for case in cases(&scenario, &profiles).unwrap() {
            let p = &profiles[case.profile];
            let m = p.machine(&scenario.machine);
            let mut i = input(&m, p, &scenario.workload, &case.strategy);
            i.horizon = scenario.horizon;
            i.seed = scenario.seed;
            for at in [ms(3), Nanos(71_234_567), ms(950)] {
                let Ok(s) = snapshot(&i, at) else { continue };
                consistent(&s);
                let what = format!("{} {:?} at {at:?}", e.name, case.strategy);
                assert_eq!(s, snapshot(&i, at).unwrap(), "{what}");
                let until = SimInput {
                    horizon: Some(at.min(i.horizon.unwrap_or(at))),
                    ..i
                };
                let o = simulate(&until).unwrap();
                assert_eq!(s.totals.in_flight, o.in_flight, "{what}");
                assert_eq!(s.totals.done, o.completed, "{what}");
            }
        }
    }
}

#[test]
fn the_end_is_that_of_the_run() {
    let (scenario, profiles) = shipped("scraper");
    for case in cases(&scenario, &profiles).unwrap() {
        let p = &profiles[case.profile];
        let m = p.machine(&scenario.machine);
        let i = input(&m, p, &scenario.workload, &case.strategy);
        let (s, o) = (snapshot(&i, Nanos::MAX).unwrap(), simulate(&i).unwrap());
        assert_eq!(
            (s.at, s.end),
            (o.end, Some(RunEnd::Done)),
            "{:?}",
            case.strategy
        );
        assert_eq!((s.totals.done, s.tasks.len()), (o.completed, 0));
    }
}

/// What is said of a shipped scenario under a strategy.
fn said(
    name: &str,
    strategy: &str,
    at: Nanos,
    write: impl Fn(&LabelledSnapshot<'_>, &Rows) -> String,
) -> String {
    let (scenario, profiles) = shipped(name);
    let strategy = parse_strategy(strategy).unwrap().strategy;
    let m = profiles[0].machine(&scenario.machine);
    let i = input(&m, &profiles[0], &scenario.workload, &strategy);
    let s = snapshot(&i, at).unwrap();
    let taken = LabelledSnapshot {
        scenario: name,
        strategy: &strategy_label(&strategy),
        interpreter: "cpython-3.14",
        replication: 0,
        seed: 1,
        asked: at,
        snapshot: &s,
    };
    let rows = Rows {
        limit: 4,
        class: None,
    };
    write(&taken, &rows)
}

fn table(taken: &LabelledSnapshot<'_>, rows: &Rows) -> String {
    ps(taken, rows, Style::default())
}

fn tree(taken: &LabelledSnapshot<'_>, rows: &Rows) -> String {
    pstree(taken, rows, Style::default())
}

#[test]
fn tables() {
    insta::assert_snapshot!("threads", said("scraper", "threads:32", ms(1500), table));
    insta::assert_snapshot!("asyncio", said("scraper", "asyncio:50", ms(1200), table));
    insta::assert_snapshot!(
        "processes",
        said("scraper", "asyncio+processes:4:fork", ms(2000), table)
    );
    insta::assert_snapshot!("transfers", said("etl_disk", "threads:4", ms(2000), table));
    insta::assert_snapshot!(
        "transfers_of_a_loop",
        said("etl_disk", "asyncio:20", ms(900), table)
    );
    insta::assert_snapshot!("over", said("scraper", "threads:32", ms(200_000), table));
}

/// A fault is named while it lasts and after it, and before it not.
#[test]
fn what_goes_wrong_is_named() {
    let said = |at| said("outage", "uvicorn:2", ms(at), table);
    let json = |at| self::said("outage", "uvicorn:2", ms(at), ps_json);
    assert!(!said(39_000).contains("fault"), "{}", said(39_000));
    assert!(!json(39_000).contains("\"faults\""));
    let during = said(45_000);
    assert!(
        during.contains("fault: `db` is down since 40 s, until 50 s"),
        "{during}"
    );
    let after = said(60_000);
    assert!(
        after.contains("fault: `db` is down from 40 s to 50 s"),
        "{after}"
    );
    assert!(json(60_000).contains("\"until_s\": 50.0"));
    let (scenario, profiles) = shipped("outage");
    let strategy = parse_strategy("uvicorn:2").unwrap().strategy;
    let m = profiles[0].machine(&scenario.machine);
    let mut i = input(&m, &profiles[0], &scenario.workload, &strategy);
    i.horizon = Some(Nanos::from_secs(60));
    let options = |from| RecordOptions {
        window: (Nanos::from_secs(from), Nanos::from_secs(60)),
        most_spans: 1_000,
    };
    let (_, recording) = record(&i, options(45)).unwrap();
    assert_eq!(recording.faults.len(), 1);
    assert_eq!(recording.faults[0].from, Nanos::from_secs(40));
    assert_eq!(recording.faults[0].until, Some(Nanos::from_secs(50)));
    let (_, recording) = record(&i, options(55)).unwrap();
    assert!(recording.faults.is_empty(), "over before the window");
}

/// A pipe is 120 columns wide, as in the other golden files.
#[test]
fn states_at_the_widths_of_terminals() {
    for width in [80, 100] {
        let style = Style {
            width,
            ..Style::default()
        };
        let at = |strategy| said("scraper", strategy, ms(1300), |t, r| ps(t, r, style));
        insta::assert_snapshot!(format!("threads_at_{width}"), at("threads:32"));
        insta::assert_snapshot!(
            format!("processes_at_{width}"),
            at("asyncio+processes:4:fork")
        );
        insta::assert_snapshot!(
            format!("tree_at_{width}"),
            said("scraper", "asyncio+processes:4:fork", ms(1300), |t, r| {
                pstree(t, r, style)
            })
        );
    }
}

#[test]
fn trees() {
    insta::assert_snapshot!(
        "tree_of_processes",
        said("scraper", "asyncio+processes:4:fork", ms(2000), tree)
    );
    insta::assert_snapshot!("tree_of_children", said("agents", "asyncio", ms(700), tree));
    let ascii = Style {
        unicode: false,
        ..Style::default()
    };
    let plain = said("scraper", "prefork:2(threads:2)", ms(1300), |t, r| {
        pstree(t, r, ascii)
    });
    assert!(plain.is_ascii(), "{plain}");
    insta::assert_snapshot!("tree_in_ascii", plain);
}

#[test]
fn deadlocks_are_told() {
    let workload = workload(Arrivals::Batch, crossed(1));
    let strategy = threads(2);
    let (m, p) = (machine(2), profile(true));
    let s = snapshot(&input(&m, &p, &workload, &strategy), ms(100)).unwrap();
    let taken = LabelledSnapshot {
        scenario: "crossed",
        strategy: "threads:2",
        interpreter: "free",
        replication: 0,
        seed: 1,
        asked: ms(100),
        snapshot: &s,
    };
    let rows = Rows {
        limit: 0,
        class: Some("left".into()),
    };
    insta::assert_snapshot!("deadlock", pstree(&taken, &rows, Style::default()));
}

#[test]
fn json_holds_all() {
    let text = said("scraper", "asyncio+processes:4:fork", ms(2000), ps_json);
    let v: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(v["tasks"].as_array().unwrap().len(), 96);
    assert_eq!(v["totals"]["in_flight"], 96);
    assert_eq!(v["cores"].as_array().unwrap().len(), 4);
    let thread = v["tasks"][0]["thread"].as_u64().unwrap();
    assert_eq!(v["threads"][usize::try_from(thread).unwrap()]["task"], 0);
    assert_eq!(v["tasks"][0]["step"]["text"], "Cpu(\"500ms\")");
}

#[test]
fn the_command_line() {
    pchsim()
        .args(["ps", "scraper", "--at", "1200ms"])
        .assert()
        .code(0)
        .stdout(predicate::str::contains("at 1.2 s"))
        .stderr(predicate::str::contains("choose with --strategy"));
    pchsim()
        .args([
            "pstree",
            "scraper",
            "--at",
            "1s",
            "--strategy",
            "threads:2",
            "--ascii",
        ])
        .assert()
        .code(0)
        .stdout(predicate::str::contains("`-- "));
    for (line, what) in [
        (vec!["ps", "scraper"], "--at"),
        (vec!["ps", "scraper", "--at", "5"], "unit"),
        (
            vec!["ps", "scraper", "--at", "1s", "--class", "pages"],
            "page",
        ),
        (
            vec!["ps", "scraper", "--at", "1s", "--strategy", "treads"],
            "threads",
        ),
        (
            vec![
                "ps",
                "scraper",
                "--at",
                "1s",
                "--strategy",
                "interpreters:2",
                "--interpreter",
                "cpython-3.11",
            ],
            "InterpreterPoolExecutor",
        ),
    ] {
        pchsim()
            .args(&line)
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains(what));
    }
}
