//! Random workloads under every strategy: a run never panics, always ends, breaks no law of
//! [`pchsim::strategy::check`], and is the same when it is repeated; faster machines are not slower, and the model has no
//! scale of its own.
//!
//! The cases are always the same. `PCHSIM_SEARCH=50 cargo test --test it invariants::` looks at fifty times as many new ones.

mod lives;
mod nodes;

use pchsim::cpython::profile::Profile;
use pchsim::cpython::recording::RecordOptions;
use pchsim::engine::Nanos;
use pchsim::scenario::limits;
use pchsim::scenario::{
    Admission, Arrivals, Backoff, Client, CoDel, Dist, Fault, FaultKind, FaultTime, Jitter, Load,
    LoadState, MachineSpec, NamedPool, Offload, Overflow, Phase, PoolLife, ProcessApi, Releases,
    Rollout, Rounds, Scope, Sizes, StartMethod, Step, Strategy, TracedTask, Workers, WorkingMemory,
    Workload,
};
use pchsim::strategy::{Finding, check_recording, compile, course, record};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, ProptestConfig, any, prop_oneof, proptest};
use proptest::strategy::Strategy as Gen;
use proptest::test_runner::RngSeed;

use lives::{lives, pool_lives, servers};

use crate::common::{Case, class, cpu, io, machine, ms, profile, workload};

fn config(cases: u32) -> ProptestConfig {
    let search = std::env::var("PCHSIM_SEARCH").ok();
    let more = search.map(|n| n.parse::<u32>().expect("PCHSIM_SEARCH is a number"));
    ProptestConfig {
        cases: cases * more.unwrap_or(1),
        rng_seed: more.map_or(RngSeed::Fixed(1), |_| RngSeed::Random),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Up to 12 ms: some CPU steps outlast the switch interval.
fn time() -> BoxedStrategy<Nanos> {
    prop_oneof![
        Just(Nanos::ZERO),
        Just(ms(1)),
        (1_u64..100_000).prop_map(Nanos),
        (1_u64..12_000_000).prop_map(Nanos),
    ]
    .boxed()
}

fn dist() -> BoxedStrategy<Dist> {
    prop_oneof![
        3 => time().prop_map(Dist::Constant),
        1 => (1_u64..5_000_000).prop_map(|mean| Dist::Exponential(Nanos(mean))),
    ]
    .boxed()
}

/// Payloads on both sides of a pipe's capacity.
fn bytes() -> BoxedStrategy<u64> {
    prop_oneof![0_u64..1_000, 60_000_u64..70_000, 100_000_u64..400_000].boxed()
}

fn steps() -> BoxedStrategy<Vec<Step>> {
    let leaf = prop_oneof![
        4 => dist().prop_map(Step::Cpu),
        2 => (dist(), 1_u64..200, 1_u64..50_000).prop_map(|(time, count, released)| {
            Step::Releasing(time, Releases { count, released: Nanos(released) })
        }),
        2 => dist().prop_map(Step::Native),
        1 => (dist(), 2_u32..5).prop_map(|(time, threads)| Step::Team(time, threads)),
        4 => dist().prop_map(Step::Io),
        1 => dist().prop_map(Step::Block),
        3 => (0_usize..3, dist()).prop_map(|(device, alone)| Step::Transfer(device, alone)),
        1 => (1_u64..100, any::<bool>())
            .prop_map(|(count, write)| Step::Shared { object: 0, count, write }),
        1 => bytes().prop_map(Step::PayloadIn),
        1 => bytes().prop_map(Step::PayloadOut),
        1 => (0_u64..1_000).prop_map(Step::ObjectsIn),
        1 => (0_u64..1_000).prop_map(Step::ObjectsOut),
        1 => (0_u64..5_000).prop_map(Step::Allocate),
        1 => bytes().prop_map(Step::Leak),
        1 => prop_oneof![Just(0.0), Just(0.3), Just(1.0)].prop_map(Step::Fail),
    ]
    .prop_map(|step| vec![step]);
    let several = leaf.prop_recursive(3, 16, 3, |inner| {
        let block = vec(inner, 0..3).prop_map(|parts| parts.concat());
        prop_oneof![
            3 => block.clone(),
            2 => (0_usize..2, block.clone()).prop_map(|(l, s)| vec![Step::Lock(l, s)]),
            2 => (0_usize..6, block.clone()).prop_map(|(r, s)| vec![Step::Use(r, s)]),
            1 => (0_usize..2, block.clone(), any::<bool>()).prop_map(|(q, mut s, first)| {
                // What is put is taken; a getter may come first.
                s.insert(0, if first { Step::Put(q) } else { Step::Get(q) });
                s.push(if first { Step::Get(q) } else { Step::Put(q) });
                s
            }),
            1 => (0_u64..4, block.clone())
                .prop_map(|(count, steps)| vec![Step::FanOut { count, need: None, steps }]),
            1 => (1_u64..4, 0_u64..3, block.clone()).prop_map(|(need, spare, steps)| {
                vec![Step::FanOut { count: need + spare, need: Some(need), steps }]
            }),
            1 => (bytes(), block.clone()).prop_map(|(b, s)| vec![Step::Hold(b.into(), s)]),
            1 => (bytes(), 0_u32..=1_000_000, block.clone()).prop_map(|(b, churn, s)| {
                let size = Sizes(Dist::Exponential(Nanos(b + 1)));
                vec![Step::Hold(WorkingMemory { size, churn }, s)]
            }),
            1 => (patience(), block.clone()).prop_map(|(t, s)| vec![Step::Timeout(t, s)]),
            1 => (1_u32..4, backoff(), block.clone()).prop_map(|(attempts, backoff, steps)| {
                vec![Step::Retry { attempts, backoff, steps }]
            }),
            1 => (0_u64..4, block.clone()).prop_map(|(n, s)| vec![Step::Repeat(n, s)]),
            1 => (pool_name(), block.clone())
                .prop_map(|(to, steps)| vec![Step::Offload { to, steps }]),
            1 => block.prop_map(|s| vec![Step::Inline(s)]),
        ]
    });
    vec(several, 0..4).prop_map(|parts| parts.concat()).boxed()
}

/// A time that steps are given, or a pause: fixed, or drawn.
fn patience() -> BoxedStrategy<Dist> {
    prop_oneof![2 => time().prop_map(Dist::Constant), 1 => dist()].boxed()
}

/// Pauses as they double, or with all that they may have beside.
fn backoff() -> BoxedStrategy<Backoff> {
    let jitter = prop_oneof![
        Just(Jitter::None),
        Just(Jitter::Full),
        Just(Jitter::Equal),
        Just(Jitter::Decorrelated)
    ];
    let factor = prop_oneof![Just(1.0), Just(2.0), Just(0.5), Just(3.7)];
    let all = (
        patience(),
        factor,
        option::of(time()),
        jitter,
        (any::<bool>(), option::of(1_u32..=1_000_000)),
    );
    prop_oneof![
        time().prop_map(Backoff::from),
        all.prop_map(
            |(base, factor, cap, jitter, (retry_after, budget))| Backoff {
                base,
                factor,
                cap,
                jitter,
                retry_after,
                budget,
            }
        ),
    ]
    .boxed()
}

/// None, one that event loops may have, or one that none has.
fn pool_name() -> BoxedStrategy<Option<String>> {
    let names = prop_oneof![4 => Just("a"), 4 => Just("b"), 1 => Just("c")];
    option::of(names.prop_map(String::from)).boxed()
}

fn arrivals() -> BoxedStrategy<Arrivals> {
    let interval = || (1_u64..8_000_000).prop_map(|mean| Dist::Exponential(Nanos(mean)));
    let think = || prop_oneof![Just(Dist::Constant(Nanos::ZERO)), interval()];
    prop_oneof![
        3 => Just(Arrivals::Batch),
        1 => (interval(), 0_u64..12)
            .prop_map(|(interval, n)| Arrivals::Open { interval, count: Some(n) }),
        1 => (1_u32..5, think(), 0_u64..12)
            .prop_map(|(users, think, n)| Arrivals::Closed { users, think, count: Some(n) }),
        1 => (load(), 0_u64..12).prop_map(|(load, n)| Arrivals::Varying { load, count: Some(n) }),
        1 => (interval(), 1.0_f64..4.0, think(), 0_u64..12).prop_map(|(interval, requests, think, n)| {
            Arrivals::Sessions { interval, requests, think, count: Some(n) }
        }),
        1 => vec((0_u64..3_000_000, 0_usize..2), 0..10).prop_map(|gaps| {
            let mut at = Nanos::ZERO;
            let tasks = gaps.into_iter().map(|(gap, class)| {
                at += Nanos(gap);
                TracedTask { at, class, demands: Vec::new() }
            });
            Arrivals::Trace(tasks.collect())
        }),
    ]
    .boxed()
}

/// Loads of all kinds, some hundreds or thousands of arrivals a second.
fn load() -> BoxedStrategy<Load> {
    let rate = || prop_oneof![1 => Just(0.0), 4 => 1.0_f64..5_000.0];
    let time = || (1_u64..20_000_000).prop_map(Nanos);
    let phase =
        move || (rate(), rate(), time()).prop_map(|(from, to, time)| Phase { from, to, time });
    let state =
        move || (1.0_f64..5_000.0, time()).prop_map(|(rate, time)| LoadState { rate, time });
    prop_oneof![
        (vec(phase(), 1..4), 1_u32..3).prop_map(|(phases, repeat)| Load::Phases { phases, repeat }),
        (1.0_f64..5_000.0, 0.0_f64..=1.0, time(), time()).prop_map(
            |(mean, swing, period, peak)| {
                Load::Diurnal {
                    mean,
                    swing,
                    period,
                    peak,
                }
            }
        ),
        vec(state(), 2..4).prop_map(|states| Load::Bursty { states }),
    ]
    .boxed()
}

/// One round in most cases; what the main program does has no children and no queues, and does not fail.
fn rounds() -> BoxedStrategy<Rounds> {
    let step = prop_oneof![
        3 => dist().prop_map(Step::Cpu),
        1 => dist().prop_map(Step::Native),
        1 => dist().prop_map(Step::Io),
        1 => dist().prop_map(Step::Block),
        1 => (1_u64..100, any::<bool>())
            .prop_map(|(count, write)| Step::Shared { object: 0, count, write }),
        1 => (0_u64..5_000).prop_map(Step::Allocate),
        1 => (bytes(), dist()).prop_map(|(b, d)| Step::Hold(b.into(), vec![Step::Cpu(d)])),
        1 => (0_usize..2, dist()).prop_map(|(l, d)| Step::Lock(l, vec![Step::Cpu(d)])),
        1 => (0_usize..3, dist()).prop_map(|(r, d)| Step::Use(r, vec![Step::Io(d)])),
        1 => (pool_name(), dist())
            .prop_map(|(to, d)| Step::Offload { to, steps: vec![Step::Cpu(d)] }),
    ];
    prop_oneof![
        2 => Just(Rounds::default()),
        1 => (1_u64..4, vec(step, 0..3)).prop_map(|(count, serial)| Rounds { count, serial }),
    ]
    .boxed()
}

fn workloads() -> BoxedStrategy<Workload> {
    let class = || {
        (0_u64..5, steps(), any::<bool>()).prop_map(|(count, steps, interleave)| {
            let mut class = class(count, steps);
            class.interleave = interleave;
            class
        })
    };
    (
        arrivals(),
        rounds(),
        class(),
        class(),
        any::<(bool, bool)>(),
        time(),
        (option::of(admission()), option::of(client()), overflow()),
    )
        .prop_map(
            |(arrivals, rounds, one, mut two, (untouched, python), dispatch, policies)| {
                two.name = "other".into();
                let mut w = workload(arrivals, vec![one, two]);
                if w.arrivals == Arrivals::Batch {
                    w.rounds = rounds;
                }
                if !matches!(w.arrivals, Arrivals::Batch | Arrivals::Trace(_)) {
                    (w.admission, w.client) = (policies.0, policies.1);
                }
                w.queues[1].full = policies.2;
                w.untouched_payload = untouched;
                w.python_teams = python;
                w.dispatch = Nanos(dispatch.0 / 100);
                w.imports.time = dispatch;
                w.imports.memory = dispatch.0;
                w.data = dispatch.0 / 3;
                w.imports.objects = Some(dispatch.0 / 100);
                w
            },
        )
        .boxed()
}

/// Rules on who is let in, of all kinds.
fn admission() -> BoxedStrategy<Admission> {
    let shed = (1_u64..3_000_000, 0_u64..10_000_000).prop_map(|(target, more)| CoDel {
        target: Nanos(target),
        interval: Nanos(target + more),
    });
    let per = prop_oneof![Just(Scope::Process), Just(Scope::Everywhere)];
    (
        option::weighted(0.8, 1_u64..5),
        overflow(),
        per,
        option::weighted(0.3, shed),
    )
        .prop_map(|(limit, full, per, shed)| Admission {
            limit,
            full,
            per,
            shed,
        })
        .boxed()
}

fn overflow() -> BoxedStrategy<Overflow> {
    prop_oneof![
        Just(Overflow::Wait),
        Just(Overflow::Reject),
        Just(Overflow::DropOldest)
    ]
    .boxed()
}

/// Clients that wait for some milliseconds, or for ever, and send again, or not.
fn client() -> BoxedStrategy<Client> {
    let patience = prop_oneof![
        2 => (1_u64..10_000_000).prop_map(|t| Dist::Constant(Nanos(t))),
        1 => (1_u64..10_000_000).prop_map(|t| Dist::Exponential(Nanos(t))),
    ];
    (
        option::weighted(0.8, patience),
        0_u32..4,
        backoff(),
        any::<bool>(),
    )
        .prop_map(|(timeout, retries, backoff, propagate)| Client {
            timeout,
            retries,
            backoff,
            propagate,
        })
        .boxed()
}

fn workers() -> BoxedStrategy<Workers> {
    prop_oneof![
        4 => (1_u32..4).prop_map(Workers::Exactly),
        1 => Just(Workers::Auto),
    ]
    .boxed()
}

fn start() -> BoxedStrategy<StartMethod> {
    prop_oneof![
        Just(StartMethod::Fork),
        Just(StartMethod::Spawn),
        Just(StartMethod::Forkserver)
    ]
    .boxed()
}

fn offload() -> BoxedStrategy<Offload> {
    prop_oneof![
        Just(Offload::None),
        workers().prop_map(Offload::Threads),
        (workers(), start()).prop_map(|(w, s)| Offload::Processes(w, s)),
        workers().prop_map(Offload::Interpreters),
    ]
    .boxed()
}

fn pools() -> BoxedStrategy<Vec<NamedPool>> {
    let named = |name: &'static str| {
        option::of(offload().prop_map(move |workers| NamedPool {
            name: name.into(),
            workers,
        }))
    };
    (named("a"), named("b"))
        .prop_map(|(a, b)| a.into_iter().chain(b).collect())
        .boxed()
}

fn strategies() -> BoxedStrategy<Strategy> {
    let api = prop_oneof![
        2 => Just(ProcessApi::EXECUTOR),
        1 => (1_u32..4).prop_map(|n| ProcessApi::Executor { chunksize: Some(n) }),
        1 => option::of(1_u32..4).prop_map(|chunksize| ProcessApi::Pool { chunksize }),
    ];
    let plain = prop_oneof![
        1 => Just(Strategy::Sequential),
        3 => workers().prop_map(Strategy::Threads),
        1 => Just(Strategy::Threads(Workers::PerTask)),
        3 => (workers(), start(), api, pool_lives())
            .prop_map(|(workers, start, api, life)| {
                // What does not go together is refused where it is read.
                let life = match life.contradiction(start, api) {
                    Some(_) => PoolLife::default(),
                    None => life,
                };
                Strategy::Processes { workers, start, api, life }
            }),
        1 => workers().prop_map(Strategy::Interpreters),
        4 => (option::of(1_u32..4), offload(), pools())
            .prop_map(|(limit, offload, pools)| Strategy::Asyncio { limit, offload, pools }),
    ]
    .boxed();
    prop_oneof![
        4 => plain.clone(),
        1 => servers(),
        1 => (1_u32..4, plain, lives())
            .prop_map(|(processes, each, life)| lives::prefork(processes, each, life)),
    ]
    .boxed()
}

/// Interpreters with and without overheads, a GIL, the ways of 3.11 and sub-interpreters that take time to make.
fn profiles() -> BoxedStrategy<Profile> {
    (any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(gil, costly, old)| {
            let mut p = if costly {
                Profile {
                    gil,
                    ..Profile::default()
                }
            } else {
                profile(gil)
            };
            p.params.interp_create = 4e6;
            if !gil {
                p.params.lock_spin = 3_000.0;
                p.params.object_read_contended = 150.0;
                p.params.object_write_contended = 200.0;
            }
            if old {
                p.minor = 11;
                p.params.tpe_token_every_item = 1.0;
                p.params.lock_fair = 0.0;
            }
            p
        })
        .boxed()
}

fn machines() -> BoxedStrategy<MachineSpec> {
    (1_u32..5, any::<bool>(), any::<bool>(), 0_u32..8)
        .prop_map(|(cores, costly, hz, other)| {
            let mut m = if costly {
                MachineSpec::with_cores(cores)
            } else {
                machine(cores)
            };
            m.hz = if hz { 250 } else { 0 };
            m.new_idle = [0.5, 1.0, 0.0][other as usize % 3];
            if other == 0 {
                m.cores[0] = 0.7;
            }
            if other == 1 {
                m.memory_limit = Some(28_000_000);
            }
            m
        })
        .boxed()
}

fn cases() -> BoxedStrategy<Case> {
    (
        machines(),
        profiles(),
        workloads(),
        strategies(),
        any::<u64>(),
        option::weighted(0.2, time()),
        option::weighted(0.2, (0_u64..300_000_000).prop_map(Nanos)),
    )
        .prop_map(
            |(machine, profile, workload, strategy, seed, warmup, horizon)| Case {
                seed,
                warmup: warmup.unwrap_or_default(),
                horizon,
                ..Case::new(machine, profile, workload, strategy)
            },
        )
        .prop_filter("a lock of two kinds", |case| {
            compile(&case.machine, &case.profile, &case.workload, &case.strategy).is_ok()
        })
        .boxed()
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn every_run_ends_and_obeys_the_laws(case in cases()) {
        let o = case.run();
        let endless = o.findings.iter().any(|f| matches!(f, Finding::EventLimit { .. }));
        assert!(!endless, "a small workload takes no million events");
    }

    #[test]
    fn a_run_can_be_stopped_at_any_event(case in cases(), max_events in 0_u64..200) {
        let case = Case { max_events, ..case };
        let o = case.run();
        assert!(o.events < max_events + 1_000);
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_run_repeated_is_the_same_run(case in cases()) {
        assert_eq!(format!("{:?}", case.run()), format!("{:?}", case.run()));
    }
}

proptest! {
    #![proptest_config(config(256))]

    /// Writing a run down changes nothing, and what is written down adds up to what the run says of itself.
    #[test]
    fn a_recorded_run_is_the_same_run(case in cases()) {
        let outcome = format!("{:?}", case.run());
        let whole = RecordOptions { window: (Nanos::ZERO, Nanos::MAX), most_spans: usize::MAX };
        let (recorded, recording) = record(&case.input(), whole).expect("as before");
        assert_eq!(outcome, format!("{recorded:?}"));
        if let Err(wrong) = check_recording(&case.input(), &recorded, &recording) {
            panic!("{wrong}");
        }
        let (followed, _) = course(&case.input()).expect("as before");
        assert_eq!(outcome, format!("{followed:?}"));
    }
}

/// Steps of seconds among others, within blocks of every kind: what is killed in the middle of them had locks, resources, memory, children and
/// transfers.
fn long_steps() -> BoxedStrategy<Vec<Step>> {
    let long = || (50_u64..3_000).prop_map(|n| Dist::Constant(ms(n)));
    let leaf = prop_oneof![
        2 => long().prop_map(|t| vec![Step::Cpu(t)]),
        2 => long().prop_map(|t| vec![Step::Native(t)]),
        2 => long().prop_map(|t| vec![Step::Block(t)]),
        1 => long().prop_map(|t| vec![Step::Team(t, 3)]),
        2 => long().prop_map(|t| vec![Step::Io(t)]),
        2 => (0_usize..3, long()).prop_map(|(device, t)| vec![Step::Transfer(device, t)]),
        2 => steps(),
    ];
    let nested = leaf.prop_recursive(2, 8, 2, |inner| {
        let block = vec(inner, 1..3).prop_map(|parts| parts.concat());
        prop_oneof![
            2 => block.clone(),
            2 => (0_usize..6, block.clone()).prop_map(|(r, s)| vec![Step::Use(r, s)]),
            1 => (0_usize..2, block.clone()).prop_map(|(l, s)| vec![Step::Lock(l, s)]),
            1 => (1_u64..4, option::of(1_u64..2), block.clone())
                .prop_map(|(count, need, steps)| vec![Step::FanOut { count, need, steps }]),
            1 => (0_usize..2, block.clone()).prop_map(|(q, mut s)| {
                s.insert(0, Step::Get(q));
                s.push(Step::Put(q));
                s
            }),
            1 => (bytes(), block.clone()).prop_map(|(b, s)| vec![Step::Hold(b.into(), s)]),
            1 => (patience(), block).prop_map(|(t, s)| vec![Step::Timeout(t, s)]),
        ]
    });
    vec(nested, 1..3).prop_map(|parts| parts.concat()).boxed()
}

/// Servers that kill silent workers, of every kind that may.
fn watched() -> BoxedStrategy<Strategy> {
    let offload = prop_oneof![
        2 => Just(Offload::None),
        1 => workers().prop_map(Offload::Threads),
        1 => workers().prop_map(Offload::Interpreters),
    ];
    let each = prop_oneof![
        3 => Just(Strategy::Sequential),
        1 => workers().prop_map(Strategy::Threads),
        1 => Just(Strategy::Threads(Workers::PerTask)),
        1 => workers().prop_map(Strategy::Interpreters),
        3 => (option::of(1_u32..4), offload)
            .prop_map(|(limit, offload)| Strategy::Asyncio { limit, offload, pools: Vec::new() }),
    ];
    let timeout = (1_u64..1_500).prop_map(ms);
    (1_u32..4, each, lives(), timeout)
        .prop_map(|(processes, each, life, timeout)| {
            let life = pchsim::scenario::Lifecycle {
                timeout: Some(timeout),
                graceful_timeout: life.graceful_timeout.map(|_| ms(10)),
                ..life
            };
            lives::prefork(processes, each, life)
        })
        .boxed()
}

/// Strategies with worker processes and no master over them.
fn pooled() -> BoxedStrategy<Strategy> {
    let api = prop_oneof![
        1 => (1_u32..4).prop_map(|n| ProcessApi::Executor { chunksize: Some(n) }),
        2 => option::of(1_u32..4).prop_map(|chunksize| ProcessApi::Pool { chunksize }),
    ];
    let several = (workers(), start(), api).prop_map(|(workers, start, api)| Strategy::Processes {
        workers,
        start,
        api,
        life: PoolLife::default(),
    });
    let looped = (option::of(1_u32..4), workers(), start(), pools()).prop_map(
        |(limit, workers, start, pools)| Strategy::Asyncio {
            limit,
            offload: Offload::Processes(workers, start),
            pools,
        },
    );
    prop_oneof![2 => several, 1 => looped].boxed()
}

/// Faults of all kinds at any time of small workloads.
fn faults() -> BoxedStrategy<Vec<Fault>> {
    let lasts = || (1_u64..20_000_000).prop_map(Nanos);
    let device = || 0_usize..2;
    let kind = prop_oneof![
        1 => (device(), 1.1_f64..50.0, lasts()).prop_map(|(device, factor, lasts)| FaultKind::Slow { device, factor, lasts }),
        1 => (device(), lasts()).prop_map(|(device, lasts)| FaultKind::Down { device, lasts }),
        2 => option::of(0_u32..3).prop_map(|worker| FaultKind::Crash { worker }),
        2 => option::of(0_u32..3).prop_map(|worker| FaultKind::Interrupt { worker }),
        2 => (option::of(0_u32..3), lasts())
            .prop_map(|(worker, lasts)| FaultKind::Pause { worker, lasts }),
        1 => (option::of(0_u32..3), option::of(lasts()))
            .prop_map(|(worker, grace)| FaultKind::Terminate { worker, grace }),
        1 => option::of(lasts()).prop_map(|grace| FaultKind::Restart { grace, rollout: Rollout::default() }),
    ];
    let when = prop_oneof![
        (0_u64..30_000_000).prop_map(|at| FaultTime::At(Nanos(at))),
        (1_000_000_u64..20_000_000)
            .prop_map(|mean| FaultTime::Every(Dist::Exponential(Nanos(mean)))),
    ];
    // Of a server that is interrupted again and again those that are idle are replaced, for ever if another never ends.
    let once = |(kind, when): (FaultKind, FaultTime)| match (&kind, when) {
        (FaultKind::Interrupt { .. }, FaultTime::Every(mean)) => Fault {
            kind,
            when: FaultTime::At(Nanos::from_f64(mean.mean())),
        },
        (_, when) => Fault { kind, when },
    };
    vec((kind, when).prop_map(once), 1..4).boxed()
}

/// Whatever goes wrong under whatever strategy, tasks, permits, connections, core time and causes are conserved; and workers do crash.
#[test]
fn faults_break_no_law() {
    let served = (cases(), watched()).prop_map(|(case, strategy)| Case { strategy, ..case });
    let pools = (cases(), pooled()).prop_map(|(case, strategy)| Case { strategy, ..case });
    let all = (
        prop_oneof![cases(), served.boxed(), pools.boxed()],
        faults(),
    )
        .prop_map(|(mut case, faults)| {
            // A main program that waits, before its round, for a lock that another took with it is stuck without a task that is.
            case.workload.rounds.serial.clear();
            case.workload.faults = faults;
            // A master may start workers for ever that are killed before they have begun.
            case.machine.memory_kill = case.machine.memory_limit.is_some();
            case.max_events = 200_000;
            case
        });
    let all = all.prop_filter("a lock of two kinds", |case| {
        compile(&case.machine, &case.profile, &case.workload, &case.strategy).is_ok()
    });
    // Workers of servers, of executors and of `Pool`s, tasks lost with the last, programs, and crashes that find nobody.
    let crashed = std::cell::Cell::new([0_u64; 6]);
    let mut runner = proptest::test_runner::TestRunner::new(config(512));
    let found = runner.run(&all, |case| {
        let o = case.run();
        let mut all = crashed.get();
        for finding in &o.findings {
            match finding {
                Finding::CrashedWorkers { workers, .. } => all[0] += workers,
                Finding::BrokenPool { workers, .. } => all[1] += workers,
                Finding::LostTasks { workers, tasks, .. } => {
                    all[2] += workers;
                    all[3] += tasks;
                }
                Finding::ProgramCrashed { .. } => all[4] += 1,
                Finding::MissedFault { times, .. } => all[5] += times,
                _ => {}
            }
        }
        crashed.set(all);
        let whole = RecordOptions {
            window: (Nanos::ZERO, Nanos::MAX),
            most_spans: usize::MAX,
        };
        let (recorded, recording) = record(&case.input(), whole).expect("as before");
        assert_eq!(format!("{o:?}"), format!("{recorded:?}"));
        if let Err(wrong) = check_recording(&case.input(), &recorded, &recording) {
            panic!("{wrong}");
        }
        Ok(())
    });
    if let Err(e) = found {
        panic!("{e}");
    }
    let enough = [50, 10, 3, 3, 10, 10];
    let all = crashed.get();
    let often = all.iter().zip(enough).all(|(&n, least)| n >= least);
    assert!(often, "{all:?} crashes of {enough:?}");
}

/// Wherever workers are when they are killed, what they leave obeys the laws; and they are killed often enough to tell.
#[test]
fn killed_workers_break_no_law() {
    let all = (cases(), long_steps(), watched()).prop_map(|(mut case, steps, strategy)| {
        case.workload.classes[0].steps = steps;
        case.horizon = case.horizon.map(|h| h * 50);
        Case { strategy, ..case }
    });
    let all = all.prop_filter("a lock of two kinds", |case| {
        compile(&case.machine, &case.profile, &case.workload, &case.strategy).is_ok()
    });
    let killed = std::cell::Cell::new(0_u64);
    let mut runner = proptest::test_runner::TestRunner::new(config(256));
    let found = runner.run(&all, |case| {
        let o = case.run();
        for finding in &o.findings {
            if let Finding::KilledWorkers { workers, .. } = finding {
                killed.set(killed.get() + workers);
            }
        }
        let whole = RecordOptions {
            window: (Nanos::ZERO, Nanos::MAX),
            most_spans: usize::MAX,
        };
        let (recorded, recording) = record(&case.input(), whole).expect("as before");
        assert_eq!(format!("{o:?}"), format!("{recorded:?}"));
        if let Err(wrong) = check_recording(&case.input(), &recorded, &recording) {
            panic!("{wrong}");
        }
        Ok(())
    });
    if let Err(why) = found {
        panic!("{why}");
    }
    assert!(killed.get() > 100, "{} workers were killed", killed.get());
}

/// A batch of independent tasks: a class of long ones and a class of short ones.
fn independent(long: Nanos, short: Nanos, count: u64) -> Workload {
    let classes = vec![
        class(count, vec![cpu(long)]),
        class(count, vec![Step::Native(Dist::Constant(short)), io(short)]),
    ];
    workload(Arrivals::Batch, classes)
}

/// Strategies whose workers share nothing on a free-threaded build.
fn parallel() -> BoxedStrategy<Strategy> {
    (1_u32..5)
        .prop_flat_map(|n| {
            let workers = Workers::Exactly(n);
            let pool = |api| Strategy::Processes {
                workers,
                start: StartMethod::Fork,
                api,
                life: PoolLife::default(),
            };
            prop_oneof![
                Just(Strategy::Threads(workers)),
                Just(Strategy::Threads(Workers::PerTask)),
                Just(pool(ProcessApi::EXECUTOR)),
                Just(pool(ProcessApi::Pool { chunksize: Some(1) })),
            ]
        })
        .boxed()
}

proptest! {
    #![proptest_config(config(64))]

    /// An embarrassingly parallel batch on a free-threaded build.
    #[test]
    fn more_cores_are_not_slower(
        long in 20_u64..200,
        short in 1_u64..20,
        count in 1_u64..8,
        strategy in parallel(),
    ) {
        let mut last = None;
        for cores in 1..=4 {
            let w = independent(ms(long), ms(short), count);
            let o = Case::new(machine(cores), profile(false), w, strategy.clone()).run();
            if let Some(before) = last {
                // Threads that share cores take turns, and the last turns may fall badly: a slice each.
                let most = Nanos::scale(before, 1.01) + machine(4).base_slice * 6;
                assert!(o.makespan <= most, "{:?} on {cores} cores, {before:?} on one fewer", o.makespan);
            }
            last = Some(o.makespan);
        }
    }
}

/// Whether a strategy counts in nothing but its own times: an event loop counts in milliseconds, which is the same as
/// long as nothing but the workload's own whole ones happens to it.
fn scalable(strategy: &Strategy) -> bool {
    match strategy {
        Strategy::Asyncio { offload, .. } => *offload == Offload::None,
        Strategy::Prefork { each, .. } => !matches!(**each, Strategy::Asyncio { .. }),
        // What it takes for a request is a fixed time.
        Strategy::Server { .. } => false,
        _ => true,
    }
}

/// All times of a case, those of the machine and the interpreter included, times `k`.
fn scaled(steps: &[Step], k: u64) -> Vec<Step> {
    let times = |d: &Dist| match d {
        Dist::Constant(t) => Dist::Constant(*t * k),
        other => other.clone(),
    };
    steps
        .iter()
        .map(|step| match step {
            Step::Cpu(d) => Step::Cpu(times(d)),
            Step::Native(d) => Step::Native(times(d)),
            Step::Io(d) => Step::Io(times(d)),
            Step::Lock(l, inner) => Step::Lock(*l, scaled(inner, k)),
            Step::Repeat(n, inner) => Step::Repeat(*n, scaled(inner, k)),
            Step::FanOut { count, need, steps } => Step::FanOut {
                count: *count,
                need: *need,
                steps: scaled(steps, k),
            },
            other => other.clone(),
        })
        .collect()
}

fn scalable_steps() -> BoxedStrategy<Vec<Step>> {
    let constant = || (0_u64..20).prop_map(|n| Dist::Constant(ms(n)));
    let leaf = prop_oneof![
        constant().prop_map(Step::Cpu),
        constant().prop_map(Step::Native),
        constant().prop_map(Step::Io),
    ];
    let nested = leaf.prop_recursive(2, 8, 3, |inner| {
        let block = vec(inner, 1..3);
        prop_oneof![
            block.clone().prop_map(|s| Step::Lock(0, s)),
            block.clone().prop_map(|s| Step::Repeat(2, s)),
            block.prop_map(|steps| Step::FanOut {
                count: 2,
                need: None,
                steps
            }),
        ]
    });
    vec(nested, 1..4).boxed()
}

proptest! {
    #![proptest_config(config(96))]

    #[test]
    fn without_overheads_there_is_no_scale(
        steps in scalable_steps(),
        strategy in strategies().prop_filter("counts in milliseconds", scalable),
        count in 1_u64..5,
        gil in any::<bool>(),
        k in 2_u64..6,
    ) {
        let run = |k: u64| {
            let mut p = profile(gil);
            let factor = k as f64;
            for time in [&mut p.params.switch_interval, &mut p.params.check_gap, &mut p.params.lock_fair] {
                *time *= factor;
            }
            // Sub-interpreters exist where making one takes time.
            p.params.interp_create = 1e6 * factor;
            // A core for every thread: means of virtual runtimes are rounded.
            let mut m = machine(64);
            m.base_slice = m.base_slice * k;
            m.balance_interval = m.balance_interval * k;
            let w = workload(Arrivals::Batch, vec![class(count, scaled(&steps, k))]);
            Case::new(m, p, w, strategy.clone()).run()
        };
        let (one, more) = (run(1), run(k));
        let expected: Vec<Nanos> = one.latencies.iter().map(|&l| l * k).collect();
        // Deadlocked tasks (a child that wants its parent's lock) have no latency in either.
        assert_eq!(more.latencies, expected);
    }
}

/// Times up to the longest that a scenario may write.
fn far() -> BoxedStrategy<Nanos> {
    let days = |n: u64| Nanos::from_secs(n * 86_400);
    prop_oneof![
        1 => Just(Nanos::ZERO),
        1 => Just(Nanos(1)),
        1 => (1_u64..5_000_000).prop_map(Nanos),
        2 => (1_u64..1_000).prop_map(days),
        4 => Just(limits::MAX_DURATION),
    ]
    .boxed()
}

/// Steps that take so long, and so often, that their sums pass the end of the clock (584 years, or 213 times the longest).
fn far_steps() -> BoxedStrategy<Vec<Step>> {
    let dist = || {
        prop_oneof![
            3 => far().prop_map(Dist::Constant),
            1 => far().prop_map(Dist::Exponential),
        ]
    };
    let bytes = || prop_oneof![Just(1_u64), Just(limits::MAX_PAYLOAD)];
    let leaf = prop_oneof![
        3 => dist().prop_map(Step::Cpu),
        1 => dist().prop_map(|time| Step::Releasing(time, Releases { count: 3, released: Nanos(160) })),
        2 => dist().prop_map(Step::Native),
        4 => dist().prop_map(Step::Io),
        1 => bytes().prop_map(Step::PayloadIn),
        1 => bytes().prop_map(Step::PayloadOut),
        1 => prop_oneof![Just(10_u64), Just(limits::MAX_OBJECTS)].prop_map(Step::Allocate),
        1 => (prop_oneof![Just(1_u64), Just(u64::MAX)], any::<bool>())
            .prop_map(|(count, write)| Step::Shared { object: 0, count, write }),
    ];
    let nested = leaf
        .prop_map(|s| vec![s])
        .prop_recursive(3, 12, 3, |inner| {
            let block = vec(inner, 1..3).prop_map(|parts| parts.concat());
            prop_oneof![
                3 => (1_u64..400, block.clone()).prop_map(|(n, s)| vec![Step::Repeat(n, s)]),
                1 => (1_u64..300, block.clone())
                    .prop_map(|(count, steps)| vec![Step::FanOut { count, need: None, steps }]),
                1 => block.clone().prop_map(|s| vec![Step::Hold(limits::MAX_SIZE.into(), s)]),
                1 => (0_usize..2, block.clone()).prop_map(|(l, s)| vec![Step::Lock(l, s)]),
                1 => (far(), block.clone()).prop_map(|(t, s)| vec![Step::Timeout(t.into(), s)]),
                1 => (1_u32..400, far(), block).prop_map(|(attempts, backoff, mut steps)| {
                    steps.push(Step::Fail(0.9));
                    vec![Step::Retry { attempts, backoff: backoff.into(), steps }]
                }),
            ]
        });
    vec(nested, 1..3).prop_map(|parts| parts.concat()).boxed()
}

fn far_arrivals() -> BoxedStrategy<Arrivals> {
    prop_oneof![
        3 => Just(Arrivals::Batch),
        1 => (far(), 1_u64..300).prop_map(|(mean, n)| Arrivals::Open {
            interval: Dist::Exponential(mean.max(Nanos(1))),
            count: Some(n),
        }),
        1 => (1_u32..5, far(), 1_u64..300).prop_map(|(users, think, n)| Arrivals::Closed {
            users,
            think: Dist::Constant(think),
            count: Some(n),
        }),
        1 => vec(far(), 1..5).prop_map(|mut times| {
            times.sort_unstable();
            let task = |at| TracedTask { at, class: 0, demands: Vec::new() };
            Arrivals::Trace(times.into_iter().map(task).collect())
        }),
    ]
    .boxed()
}

/// Machines at the limits of what a scenario may write: slices of a thousand days (else long steps are cut into more slices than there
/// are events), cores a million times slower or faster than usual.
fn far_machines() -> BoxedStrategy<MachineSpec> {
    let slice = prop_oneof![
        1 => Just(Nanos::from_micros(700)),
        3 => Just(limits::MAX_DURATION),
    ];
    let speed = prop_oneof![
        4 => Just(1.0),
        1 => Just(limits::MAX_FACTOR),
        1 => Just(1.0 / limits::MAX_FACTOR),
    ];
    (
        1_u32..4,
        slice,
        speed,
        far(),
        prop_oneof![Just(0_u32), Just(1), Just(250)],
        prop_oneof![Just(0.0), Just(0.5), Just(1.0)],
        any::<bool>(),
    )
        .prop_map(|(cores, slice, speed, switch, hz, new_idle, wide)| {
            let mut m = MachineSpec::with_cores(cores);
            m.cores[0] = speed;
            m.base_slice = slice;
            m.balance_interval = slice;
            m.hz = hz;
            m.new_idle = new_idle;
            if wide {
                m.pipe_capacity = limits::MAX_SIZE;
                m.context_switch = switch;
            }
            m
        })
        .boxed()
}

proptest! {
    #![proptest_config(config(160))]

    /// Whatever adds up beyond the clock, the run ends with that finding, and all that it says of itself still adds up.
    #[test]
    fn times_beyond_the_clock_break_no_law(
        machine in far_machines(),
        profile in profiles(),
        steps in far_steps(),
        arrivals in far_arrivals(),
        count in 1_u64..300,
        strategy in strategies(),
        dispatch in far(),
        seed in any::<u64>(),
    ) {
        let mut w = workload(arrivals, vec![class(count, steps)]);
        w.dispatch = dispatch;
        w.imports.time = dispatch;
        let case = Case { seed, max_events: 20_000, ..Case::new(machine, profile, w, strategy) };
        let outcome = case.run();
        let whole = RecordOptions { window: (Nanos::ZERO, Nanos::MAX), most_spans: usize::MAX };
        let (recorded, recording) = record(&case.input(), whole).expect("as before");
        assert_eq!(format!("{outcome:?}"), format!("{recorded:?}"));
        if let Err(wrong) = check_recording(&case.input(), &recorded, &recording) {
            panic!("{wrong}");
        }
        course(&case.input()).expect("as before");
    }
}
