//! The questions of docs/decisions.md, answered by simulation. What its sentences claim is asserted here, or the sentences are made of the
//! figures.

use std::fmt::Write as _;

use pchsim::cpython::profile::Profile;
use pchsim::profiles;
use pchsim::quantity::Quantity;
use pchsim::result::{Forecast, Study};
use pchsim::scenario::Scenario;
use pchsim::strategy;
use pchsim::study::{Options, run_study};
use pchsim::syntax::load;

use super::page::{hold, table, three};

const GIL: &str = "cpython-3.14";
const FREE: &str = "cpython-3.14t";

/// What is said of one case.
#[derive(Clone, Copy, Debug)]
struct Figures {
    /// Makespan, seconds.
    time: f64,
    /// Peak memory of all processes, MiB.
    memory: f64,
    /// CPU time, seconds.
    cpu: f64,
    /// Busy share of the cores.
    busy: f64,
    p50: f64,
    p95: f64,
    throughput: f64,
}

impl Figures {
    fn of(f: &Forecast) -> Self {
        let get = |q| f.get(q).map_or(f64::NAN, |e| e.mean);
        Self {
            time: get(Quantity::Makespan),
            memory: get(Quantity::MemoryPeak) / 1_048_576.0,
            cpu: get(Quantity::Cpu),
            busy: get(Quantity::Utilization),
            p50: get(Quantity::P50),
            p95: get(Quantity::P95),
            throughput: get(Quantity::Throughput),
        }
    }
}

/// A shipped scenario with fields set, whose strategies are these alone (each with its interpreter after an `@`).
fn scenario(name: &str, set: &[(&str, &str)], strategies: &[&str]) -> Scenario {
    let list: Vec<String> = strategies.iter().map(|s| format!("\"{s}\"")).collect();
    let mut all: Vec<(String, String)> = set
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    all.push(("strategies".into(), format!("[{}]", list.join(", "))));
    load(name, &all).unwrap_or_else(|d| panic!("{name}: {d:?}"))
}

fn study(scenario: &Scenario, profiles: &[Profile], replications: u32) -> Study {
    let options = Options {
        replications: Some(replications),
        ..Options::default()
    };
    run_study(scenario, profiles, &options, strategy::simulate, &|_| {}).unwrap()
}

/// The profiles of a scenario's interpreters.
fn of(scenario: &Scenario) -> Vec<Profile> {
    let find = |name: &String| profiles::find(name).unwrap();
    scenario.interpreters.iter().map(find).collect()
}

/// Figures of a shipped scenario under some strategies, in their order.
fn figures(name: &str, set: &[(&str, &str)], strategies: &[&str]) -> Vec<Figures> {
    let scenario = scenario(name, set, strategies);
    let profiles = of(&scenario);
    in_order(&study(&scenario, &profiles, 3), strategies)
}

fn in_order(study: &Study, strategies: &[&str]) -> Vec<Figures> {
    let one = |wanted: &&str| {
        let (strategy, interpreter) = wanted.split_once('@').expect("an interpreter");
        let found = study
            .forecasts
            .iter()
            .find(|f| f.strategy == strategy && f.interpreter == interpreter);
        Figures::of(found.unwrap_or_else(|| panic!("{wanted} has no forecast")))
    };
    strategies.iter().map(one).collect()
}

fn at(strategy: &str, interpreter: &str) -> String {
    format!("{strategy}@{interpreter}")
}

/// `asyncio@cpython-3.14` in two cells.
fn cells(case: &str) -> Vec<String> {
    let (strategy, interpreter) = case.split_once('@').expect("an interpreter");
    let short = interpreter.trim_start_matches("cpython-");
    vec![format!("`{strategy}`"), short.to_owned()]
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// How much more the first is than the second.
fn more(a: f64, b: f64) -> f64 {
    a / b - 1.0
}

const ASYNC: &str = "asyncio@cpython-3.14";
const HYBRID_FREE: &str = "asyncio+threads:4@cpython-3.14t";
const HYBRID_PROCESSES: &str = "asyncio+processes:4:forkserver@cpython-3.14";

#[test]
fn the_scraper() {
    let cases = [
        "sequential@cpython-3.14",
        ASYNC,
        HYBRID_FREE,
        HYBRID_PROCESSES,
    ];
    let f = figures("scraper", &[], &cases);
    let (free, processes) = (f[2], f[3]);
    let wide = figures(
        "scraper",
        &[],
        &[
            "asyncio+threads:8@cpython-3.14t",
            "asyncio+processes:8:forkserver@cpython-3.14",
        ],
    );
    let (a_thread, a_process) = (
        (wide[0].memory - free.memory) / 4.0,
        (wide[1].memory - processes.memory) / 4.0,
    );
    let letters = ["(a)", "(b)", "(c)", "(d)"];
    let rows: Vec<Vec<String>> = (0..4)
        .map(|i| {
            let mut row = vec![letters[i].to_owned()];
            row.extend(cells(cases[i]));
            row.extend([
                three(f[i].time),
                three(f[0].time / f[i].time),
                three(f[i].cpu),
                percent(f[i].busy),
                three(f[i].memory),
            ]);
            row
        })
        .collect();
    let head = [
        "",
        "approach",
        "Python",
        "time, s#",
        "speed-up#",
        "CPU, s#",
        "cores busy#",
        "memory, MiB#",
    ];
    let mut text = table(&head, &rows);

    // (c) is not the fastest, and (d) does not take half the memory.
    assert!(processes.time < free.time && free.time < f[1].time && f[1].time < f[0].time);
    assert!(free.memory < 0.7 * processes.memory);
    let same = as_fast("scraper", HYBRID_FREE);
    assert!(same.time < processes.time);
    let _ = write!(
        text,
        "\n(d) is the fastest; (c) takes {} longer, with {} of the memory of (d). The cause is the free-threaded interpreter, which needs {} more time for \
         the same bytecode: with one as fast as the other (c) takes {} s, and is ahead of (d), whose processes have to start. A further thread takes {} MiB (the \
         page that it works on) and a further process {} MiB, as it shares what its fork server has loaded; but that server and the tracker beside it \
         take {} MiB before there is a worker. So the claim that (c) is fastest but takes more memory, and that a process pool takes half of it, is wrong in both parts \
         here.\n",
        percent(more(free.time, processes.time)),
        percent(free.memory / processes.memory),
        percent(profiles::find(FREE).unwrap().params.cpu_factor - 1.0),
        three(same.time),
        three(a_thread),
        three(a_process),
        three(processes.memory - 4.0 * a_process - f[1].memory),
    );
    // What would have to be so: more tasks at work at once, each with a large document.
    let large = [("workload.tasks[0].steps[2].size", "\"20MB\"")];
    let big = figures(
        "scraper",
        &large,
        &["asyncio+threads:32@cpython-3.14t", HYBRID_PROCESSES],
    );
    assert!(big[1].memory < 0.5 * big[0].memory);
    let _ = write!(
        text,
        "\nThe part about memory is right where there are more threads than processes and each holds much: with parsed pages of 20 MB and 32 threads (what \
         `asyncio.to_thread` starts on 28 cores and more) (c) takes {} MiB, four processes {} MiB. It is the number of pages in work that costs there, not threads; \
         four threads hold four pages.\n",
        three(big[0].memory),
        three(big[1].memory),
    );
    hold("scraper", &text);
}

/// The same on a free-threaded interpreter that is as fast as the one with the GIL.
fn as_fast(name: &str, case: &str) -> Figures {
    let scenario = scenario(name, &[], &[case]);
    let mut profiles = of(&scenario);
    for p in &mut profiles {
        p.params.cpu_factor = 1.0;
    }
    in_order(&study(&scenario, &profiles, 3), &[case])[0]
}

/// The hybrid with processes, where it takes no time to start them.
fn processes_at_once(name: &str) -> Figures {
    let scenario = scenario(name, &[], &[HYBRID_PROCESSES]);
    let mut profiles = of(&scenario);
    for p in &mut profiles {
        let costs = &mut p.params;
        (costs.tracker_boot, costs.forkserver_boot) = (0.0, 0.0);
        (costs.forkserver_call, costs.forkserver_fork) = (0.0, 0.0);
        costs.forkserver_child_boot = 0.0;
    }
    in_order(&study(&scenario, &profiles, 3), &[HYBRID_PROCESSES])[0]
}

/// The fastest of these that fits a budget.
#[test]
fn a_tight_budget() {
    let mut cases = vec![at("sequential", GIL), at("asyncio", GIL)];
    for workers in [1, 2, 3, 4] {
        cases.push(at(&format!("asyncio+threads:{workers}"), FREE));
        cases.push(at(&format!("asyncio+processes:{workers}:forkserver"), GIL));
        cases.push(at(&format!("asyncio+processes:{workers}:fork"), GIL));
    }
    let names: Vec<&str> = cases.iter().map(String::as_str).collect();
    let f = figures("scraper", &[], &names);
    let mut rows = Vec::new();
    let mut last = f64::INFINITY;
    for budget in [48.0, 56.0, 64.0, 80.0, 96.0, 128.0] {
        let fits = (0..f.len()).filter(|&i| f[i].memory <= budget);
        let best = fits.min_by(|&a, &b| f[a].time.total_cmp(&f[b].time));
        let mut row = vec![format!("{budget}")];
        match best {
            Some(i) => {
                assert!(f[i].time <= last, "more memory is never slower");
                last = f[i].time;
                row.extend(cells(names[i]));
                row.extend([three(f[i].time), three(f[i].memory)]);
            }
            None => row.extend(["none", "", "", ""].map(str::to_owned)),
        }
        rows.push(row);
    }
    let head = [
        "budget, MiB#",
        "fastest that fits",
        "Python",
        "time, s#",
        "memory, MiB#",
    ];
    hold("budget", &table(&head, &rows));
}

#[test]
fn the_unbalanced_scraper() {
    let cases = [
        "sequential@cpython-3.14",
        ASYNC,
        "asyncio+threads:4@cpython-3.14",
        HYBRID_FREE,
        HYBRID_PROCESSES,
        "processes:4:forkserver@cpython-3.14",
    ];
    let f = figures("unbalanced", &[], &cases);
    let rows: Vec<Vec<String>> = cases
        .iter()
        .zip(&f)
        .map(|(case, x)| {
            let mut row = cells(case);
            row.extend([
                three(x.time),
                three(f[0].time / x.time),
                three(x.cpu),
                three(x.memory),
            ]);
            row
        })
        .collect();
    let mut text = table(
        &[
            "approach",
            "Python",
            "time, s#",
            "speed-up#",
            "CPU, s#",
            "memory, MiB#",
        ],
        &rows,
    );
    // Waiting is most of the work, and asyncio takes all of it away: that is more than anything gains that comes after.
    let saved = |a: Figures, b: Figures| a.time - b.time;
    assert!(saved(f[0], f[1]) > 5.0 * saved(f[1], f[3]));
    assert!(f[3].time < f[4].time && f[4].time < f[1].time);
    let nothing = [
        ("workload.tasks[0].steps[1]", "PayloadIn(\"1B\")"),
        ("workload.tasks[0].steps[3]", "PayloadOut(\"1B\")"),
    ];
    let light = figures("unbalanced", &nothing, &[HYBRID_PROCESSES])[0];
    assert!(light.time < f[4].time);
    let started = processes_at_once("unbalanced");
    let (text_costs, start_costs) = (f[4].time - light.time, f[4].time - started.time);
    assert!(text_costs + start_costs > 0.5 * saved(f[4], f[3]));
    let _ = write!(
        text,
        "\nAn event loop alone takes away {} s of {} s: the waiting. What is left is one second of Python, which free-threaded threads bring down to {} s and \
         processes to {} s. Of that the 50 MB are {} ms ({} s of CPU, beside {} s of everything else), and the start of the processes is {} ms: most of what \
         they are behind.\n",
        three(saved(f[0], f[1])),
        three(f[0].time),
        three(f[3].time),
        three(f[4].time),
        three(text_costs * 1e3),
        three(f[4].cpu - light.cpu),
        three(light.cpu),
        three(start_costs * 1e3),
    );
    hold("unbalanced", &text);
}

/// The five approaches of the benchmark.
const FIVE: [(&str, &str); 5] = [
    ("single-threaded", "sequential@cpython-3.14"),
    ("free-threaded threads", "threads:4@cpython-3.14t"),
    ("processes", "processes:4:forkserver@cpython-3.14"),
    ("asyncio", ASYNC),
    ("hybrid", HYBRID_FREE),
];

/// Five decades, in nanoseconds.
const SIZES: [(&str, f64); 6] = [
    ("10 us", 1e4),
    ("100 us", 1e5),
    ("1 ms", 1e6),
    ("10 ms", 1e7),
    ("100 ms", 1e8),
    ("1 s", 1e9),
];

/// Speed-ups of the five over the first, of tasks of so many nanoseconds of Python each, and of waiting.
fn gains(cpu: f64, waits: bool) -> Vec<f64> {
    let step = format!("Cpu(\"{cpu:.0}ns\")");
    let steps = if waits {
        format!("[Io(\"{cpu:.0}ns\"), {step}]")
    } else {
        format!("[{step}]")
    };
    let text = format!(
        "(schema: 1, name: \"sizes\", machine: (cores: 4), interpreters: [\"{GIL}\", \"{FREE}\"], workload: (arrivals: Batch, \
         tasks: [(name: \"task\", count: 200, steps: {steps})]), strategies: [{}])",
        FIVE.map(|(_, s)| format!("\"{s}\"")).join(", ")
    );
    let scenario = Scenario::parse(&text, &[]).unwrap();
    let profiles = of(&scenario);
    let f = in_order(&study(&scenario, &profiles, 1), &FIVE.map(|(_, s)| s));
    f.iter().map(|x| f[0].time / x.time).collect()
}

/// At which sizes an approach gains so much, in words; where it begins, or ends, to a hundredth of a decade.
fn sizes_with(which: usize, waits: bool, gain: f64) -> String {
    let gains_at = |size: f64| gains(size, waits)[which] >= gain;
    let at = SIZES.map(|(_, size)| gains_at(size));
    if at.iter().all(|a| *a) {
        return "at all sizes".into();
    }
    if !at.iter().any(|a| *a) {
        return "at none".into();
    }
    let (begins, edges) = (
        at[at.len() - 1],
        at.windows(2).filter(|pair| pair[0] != pair[1]).count(),
    );
    assert_eq!(edges, 1, "{which} {gain}: {at:?}");
    let (mut low, mut high) = (4.0, 9.0);
    while high - low > 0.01 {
        let middle = f64::midpoint(low, high);
        if gains_at(10_f64.powf(middle)) == begins {
            high = middle;
        } else {
            low = middle;
        }
    }
    let edge = duration(10_f64.powf(high));
    if begins {
        format!("from {edge}")
    } else {
        format!("up to {edge}")
    }
}

fn duration(ns: f64) -> String {
    match ns {
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 0.9995e6 => format!("{} us", three(n / 1e3)),
        n if n < 0.9995e9 => format!("{} ms", three(n / 1e6)),
        n => format!("{} s", three(n / 1e9)),
    }
}

#[test]
fn how_overhead_changes_with_the_size_of_the_work() {
    let mut text = String::new();
    for waits in [false, true] {
        let mut rows = Vec::new();
        let mut all = Vec::new();
        for (label, size) in SIZES {
            let g = gains(size, waits);
            let mut row = vec![label.to_owned()];
            row.extend(g.iter().map(|x| three(*x)));
            rows.push(row);
            all.push(g);
        }
        let first = if waits {
            "waiting and Python each"
        } else {
            "Python each"
        };
        let mut head = vec![first];
        let names: Vec<String> = FIVE.iter().map(|(n, _)| format!("{n}#")).collect();
        head.extend(names.iter().map(String::as_str));
        text += &table(&head, &rows);
        // The smallest is slower in processes than one after the other, the largest gains what the cores are.
        assert!(
            all[0][2] < 0.5 && all[5][2] > 3.5 && all[5][1] > 3.5,
            "{all:?}"
        );
        let mut said = Vec::new();
        for (which, (name, _)) in FIVE.iter().enumerate().skip(1) {
            let (worth, twice) = (sizes_with(which, waits, 1.2), sizes_with(which, waits, 2.0));
            said.push(format!("{name} {worth} (twice as fast: {twice})"));
        }
        let _ = write!(
            text,
            "\nWorth it, by a speed-up of 1.2: {}.\n\n",
            said.join("; ")
        );
    }
    hold("sizes", &format!("{}\n", text.trim_end()));
}

#[test]
fn two_objectives() {
    let cases = [
        ASYNC,
        "asyncio+threads:4@cpython-3.14",
        "threads:64@cpython-3.14",
        "processes:16:forkserver@cpython-3.14",
        HYBRID_PROCESSES,
        HYBRID_FREE,
        "threads:64@cpython-3.14t",
    ];
    let f = figures("two_objectives", &[], &cases);
    let rows: Vec<Vec<String>> = cases
        .iter()
        .zip(&f)
        .map(|(case, x)| {
            let mut row = cells(case);
            row.extend([
                three(x.p50 * 1e3),
                three(x.p95 * 1e3),
                three(x.throughput),
                three(x.memory),
            ]);
            row
        })
        .collect();
    let mut text = table(
        &[
            "approach",
            "Python",
            "p50, ms#",
            "p95, ms#",
            "requests a second#",
            "memory, MiB#",
        ],
        &rows,
    );
    let by = |key: &dyn Fn(&Figures) -> f64| {
        (0..f.len())
            .min_by(|&a, &b| key(&f[a]).total_cmp(&key(&f[b])))
            .expect("some")
    };
    let (latency, throughput) = (by(&|x| x.p95), by(&|x| -x.throughput));
    assert_ne!(latency, throughput, "the objectives have different answers");
    assert_eq!(by(&|x| x.p50), latency);
    assert_eq!(cases[latency], "threads:64@cpython-3.14t");
    assert!(cases[throughput].ends_with(GIL));
    let even = as_fast("two_objectives", cases[latency]);
    assert!(even.throughput > f[throughput].throughput);
    let _ = write!(
        text,
        "\nBy p95 (and p50) it is {} on {}, by throughput {} on {}: which has {} more throughput, and {} times the median. Threads without a GIL share the cores \
         among all requests that are there, so a quick one passes the heavy ones; a pool with fewer workers than there are requests works off what it has begun, and \
         quick ones wait in line. What the processes have ahead is the faster interpreter: were the other as fast, its threads would serve {} requests a second.\n",
        cells(cases[latency])[0],
        cells(cases[latency])[1],
        cells(cases[throughput])[0],
        cells(cases[throughput])[1],
        percent(more(f[throughput].throughput, f[latency].throughput)),
        three(f[throughput].p50 / f[latency].p50),
        three(even.throughput),
    );
    hold("objectives", &text);
}

#[test]
fn the_sum_of_squares() {
    let cases = [
        "sequential@cpython-3.14",
        "threads:4@cpython-3.14t",
        "processes:4:forkserver@cpython-3.14",
        ASYNC,
        "threads:4@cpython-3.14",
        "interpreters:4@cpython-3.14",
    ];
    let f = figures("sum_of_squares", &[], &cases);
    let names = [
        "single-threaded",
        "four free-threaded threads",
        "four processes",
        "`asyncio.gather`",
        "four threads under the GIL",
        "four sub-interpreters",
    ];
    let rows: Vec<Vec<String>> = (0..cases.len())
        .map(|i| {
            let mut row = vec![names[i].to_owned()];
            row.extend(cells(cases[i]));
            row.extend([
                three(f[i].time),
                three(f[0].time / f[i].time),
                percent(f[i].busy),
                three(f[i].memory),
            ]);
            row
        })
        .collect();
    let mut text = table(
        &[
            "",
            "approach",
            "Python",
            "time, s#",
            "speed-up#",
            "cores busy#",
            "memory, MiB#",
        ],
        &rows,
    );
    // One core of four, whatever is gathered or started under one GIL.
    for one in [0, 3, 4] {
        assert!((f[one].busy - 0.25).abs() < 0.01, "{one}");
        assert!((f[one].time / f[0].time - 1.0).abs() < 0.01, "{one}");
    }
    for four in [1, 2, 5] {
        assert!(
            f[four].busy > 0.9 && f[0].time / f[four].time > 3.5,
            "{four}"
        );
    }
    let fast = [1, 2, 5].map(|i| f[i].time);
    let (least, most) = (
        fast.iter().copied().fold(f64::INFINITY, f64::min),
        fast.iter().copied().fold(0.0, f64::max),
    );
    let _ = write!(
        text,
        "\nThe three that compute in parallel are within {} of one another, so that memory decides: threads take {} MiB, processes {} MiB. `asyncio.gather` computes \
         on one thread, as threads under the GIL do one at a time.\n",
        percent(more(most, least)),
        three(f[1].memory),
        three(f[2].memory),
    );
    hold("squares", &text);
}

/// The scenario that the page shows, as it stands there.
fn shown(file: &str) -> String {
    let page = std::fs::read_to_string(crate::world::root().join("docs/decisions.md")).unwrap();
    let from = page
        .split_once(&format!("<!-- file: {file} -->\n```ron\n"))
        .expect("the file")
        .1;
    from.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn ten_agents_in_groups() {
    let cases = [
        "asyncio+inference=threads:5@cpython-3.14t",
        "asyncio+inference=threads:5@cpython-3.14",
        "asyncio+inference=processes:5:forkserver@cpython-3.14",
        "asyncio+inference=none@cpython-3.14",
    ];
    let scenario = Scenario::parse(&shown("agents-in-groups.ron"), &[]).unwrap();
    let profiles = of(&scenario);
    let grouped = in_order(&study(&scenario, &profiles, 30), &cases);
    // The same agents, all of them in one pool of threads.
    let all = ["threads:10@cpython-3.14t", "threads:10@cpython-3.14"];
    let mut alike = scenario.clone();
    alike.strategies = self::scenario("agents", &[], &all).strategies;
    let alike = in_order(&study(&alike, &profiles, 30), &all);
    let what = [
        "loop and free-threaded threads",
        "loop and threads under the GIL",
        "loop and processes",
        "loop alone",
        "all in free-threaded threads",
        "all in threads under the GIL",
    ];
    let rows: Vec<Vec<String>> = cases
        .iter()
        .chain(&all)
        .zip(grouped.iter().chain(&alike))
        .zip(what)
        .map(|((case, x), what)| {
            let mut row = vec![what.to_owned()];
            row.extend(cells(case));
            row.extend([three(x.time), percent(x.busy), three(x.memory)]);
            row
        })
        .collect();
    let mut text = table(
        &[
            "",
            "approach",
            "Python",
            "time, s#",
            "cores busy#",
            "memory, MiB#",
        ],
        &rows,
    );
    assert!(grouped[0].time < grouped[2].time && grouped[2].time < grouped[1].time);
    assert!(grouped[1].time < grouped[3].time);
    assert!(more(grouped[0].time, alike[0].time).abs() < 0.05);
    assert!(grouped[2].memory > 1.5 * grouped[0].memory);
    let _ = write!(
        text,
        "\nFree-threaded threads for those who infer, the loop for those who fetch: what all believe is in one memory, and a lock is enough. Ten threads do as well ({} s against {} s): with five \
         fetchers an event loop has nothing to save. Where there is no free-threaded Python, processes for the inference are {} slower, take {} times the memory, and beliefs have to travel: a \
         worker sees those of the instant at which it was called, and what it finds is written by the loop.\n",
        three(alike[0].time),
        three(grouped[0].time),
        percent(more(grouped[2].time, grouped[0].time)),
        three(grouped[2].memory / grouped[0].memory),
    );
    hold("groups", &text);
}
