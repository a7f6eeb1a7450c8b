//! An interpreter profile from microbenchmarks.
//!
//! The microbenchmarks time operations end to end; the profile wants what each of an operation's parts costs. Every
//! parameter therefore carries a tag: `Measured` where a figure is the parameter, `Derived` with the arithmetic where a
//! figure had to be taken apart, `Default` where the microbenchmarks say nothing. Where a sum is known but not how it
//! splits, the shares are named constants with a reason. Nothing here looks at measured workloads.

mod figures;
mod inprocess;
mod machine;
mod memory;
mod processes;
mod refine;
mod requests;

pub use figures::best_speed;
pub use machine::machine_from;
pub(crate) use requests::unmeasured_requests;

use serde_json::Value;

use crate::cpython::profile::{PARAMS, Params, Profile, Tag};
use figures::Figures;

/// A parameter whose figures gave a value that cannot be (a difference of two noisy times below zero): it keeps the table's
/// default.
#[derive(Clone, Debug, PartialEq)]
pub struct Impossible {
    /// The parameter's name.
    pub name: &'static str,
    /// What came out, in the parameter's unit.
    pub value: f64,
    /// From what.
    pub how: String,
}

/// Parameters that may be nothing: what a build does not do, or does for nothing.
const MAY_BE_ZERO: [&str; 8] = [
    "object_read_contended",
    "object_write_contended",
    "lock_spin",
    "lock_fair",
    "gil_requester_wins",
    "forkserver_preload_main",
    "tpe_token_every_item",
    "fork_parent_private",
];

/// A profile under construction.
struct Draft {
    params: Params,
    tags: Vec<Tag>,
    impossible: Vec<Impossible>,
}

impl Draft {
    fn put(&mut self, name: &str, value: f64, tag: Tag) {
        let i = PARAMS
            .iter()
            .position(|p| p.name == name)
            .expect("a parameter of the table");
        let possible = value > 0.0
            || value.is_finite() && (MAY_BE_ZERO.contains(&name) || matches!(tag, Tag::Absent(_)));
        if !possible {
            let (Tag::Measured(how) | Tag::Derived(how)) = tag else {
                return;
            };
            self.impossible.push(Impossible {
                name: PARAMS[i].name,
                value,
                how,
            });
            return;
        }
        *self.params.get_mut(i) = value.max(0.0);
        self.tags[i] = tag;
    }

    /// Sets a parameter that a figure gives directly, if the figure is there.
    fn measured(&mut self, name: &str, value: Option<f64>, figure: &str) {
        if let Some(value) = value {
            self.put(name, value, Tag::Measured(figure.into()));
        }
    }

    /// The value of a parameter that the figures have given.
    fn known(&self, name: &str) -> Option<f64> {
        let i = PARAMS.iter().position(|p| p.name == name)?;
        matches!(self.tags[i], Tag::Measured(_) | Tag::Derived(_)).then(|| self.params.get(i))
    }

    /// Sets a parameter that had to be computed, if its figures are there.
    fn derived(&mut self, name: &str, value: Option<f64>, how: &str) {
        if let Some(value) = value {
            self.put(name, value, Tag::Derived(how.into()));
        }
    }
}

/// Derives the profile of the interpreter that `micro` (and, where there is one, `more`) was measured on.
///
/// `slowness` is how much slower than at its best the machine ran on average while they were measured (see [`best_speed`]).
/// Parameters whose figures are missing keep the table's defaults and say so.
pub fn derive(micro: &Value, more: &Value, name: &str, slowness: f64) -> Profile {
    derive_all(micro, more, name, slowness).0
}

/// The same, and what came out impossible.
pub fn derive_all(
    micro: &Value,
    more: &Value,
    name: &str,
    slowness: f64,
) -> (Profile, Vec<Impossible>) {
    let machine = machine_from(&[(micro, more)]);
    let f = Figures::new(
        micro,
        more,
        slowness,
        machine::apart(micro, &machine.wake_latency).is_some(),
    );
    let mut d = Draft {
        params: Params::default(),
        tags: vec![Tag::Default; PARAMS.len()],
        impossible: Vec::new(),
    };
    versions(&mut d, &f);
    inprocess::interpreter(&mut d, &f);
    inprocess::threads(&mut d, &f);
    inprocess::event_loop(&mut d, &f);
    processes::executor(&mut d, &f);
    processes::objects(&mut d, &f);
    processes::starts(&mut d, &f);
    processes::interpreters(&mut d, &f);
    memory::memory(&mut d, &f);
    requests::requests(&mut d, &f);
    capabilities(&mut d, micro);
    let base = Profile::default();
    let (dumps, loads) = processes::pickling(&f);
    let mut profile = Profile {
        name: name.into(),
        version: f.version.clone(),
        minor: f.minor,
        gil: f.gil,
        origin: format!(
            "measured on CPython {}: micro-{name}.json and more-{name}.json, best of {} runs",
            f.version, f.runs
        ),
        params: d.params,
        tags: d.tags,
        spreads: vec![None; PARAMS.len()],
        provenance: None,
        dumps: dumps.unwrap_or(base.dumps),
        loads: loads.unwrap_or(base.loads),
        receives: base.receives,
        slowness: 1.0,
    };
    refine::refine(&mut profile, &f, &machine);
    unmeasured_requests(&mut profile);
    (profile, d.impossible)
}

/// What the interpreter cannot do, as the measurement found: its costs are absent, not guessed.
fn capabilities(d: &mut Draft, micro: &Value) {
    let absent = |d: &mut Draft, names: &[&str], why: &str| {
        for name in names {
            d.put(name, 0.0, Tag::Absent(why.into()));
        }
    };
    for (what, why) in micro["absent"].as_object().into_iter().flatten() {
        let why = why.as_str().unwrap_or("not available");
        let names: &[&str] = match what.as_str() {
            "interpreters" => &[
                "interp_create",
                "interp_import",
                "interp_destroy",
                "interp_call",
                "interp_item",
                "interp_rss",
            ],
            "fork" => &[
                "fork_call",
                "fork_per_byte",
                "fork_boot",
                "fork_private",
                "fork_parent_private",
            ],
            "spawn" => &["spawn_call", "spawn_boot", "spawn_private", "spawn_exit"],
            "forkserver" => &[
                "forkserver_boot",
                "forkserver_private",
                "forkserver_call",
                "forkserver_fork",
                "forkserver_child_boot",
                "forkserver_child_private",
                "forkserver_bare_boot",
                "forkserver_bare_private",
                "forkserver_bare_child_boot",
                "forkserver_bare_child_private",
            ],
            _ => &[],
        };
        absent(d, names, why);
    }
}

/// What follows from the version and the build alone.
fn versions(d: &mut Draft, f: &Figures<'_>) {
    let new_locks = f.minor >= 13;
    let fair = if new_locks { 1e6 } else { 0.0 };
    d.derived(
        "lock_fair",
        Some(fair),
        "PyMutex (3.13 and later) hands over after 1 ms; the semaphore before never does",
    );
    let spin = if f.gil { 0.0 } else { 40.0 * YIELD_NS };
    d.derived(
        "lock_spin",
        Some(spin),
        "40 yields of 200 ns on free-threaded builds, none elsewhere",
    );
    let threshold = if new_locks { 2000.0 } else { 700.0 };
    d.derived(
        "gc_threshold",
        Some(f.raw("gc_threshold").unwrap_or(threshold)),
        "gc.get_threshold()[0] of the version",
    );
    d.measured(
        "gc_per_object",
        f.raw("gc_ns_per_object"),
        "gc_ns_per_object",
    );
    d.measured(
        "stw_per_thread",
        f.raw("stop_the_world_us_per_thread").map(|us| us * 1e3),
        "stop_the_world_us_per_thread",
    );
    // From 3.14.1 on the fork server imports the main module once; before, every child did, as a spawned one does.
    let first = |method: &str| f.raw(&format!("processpool_first_result_ms_{method}"));
    d.derived(
        "forkserver_preload_main",
        first("forkserver").zip(first("spawn")).map(|(served, spawned)| {
            f64::from(u8::from(served < PRELOADED_WITHIN * spawned))
        }),
        "processpool_first_result_ms_forkserver far below that of spawn: its children do not import the main module",
    );
    let every = f64::from(u8::from(f.minor <= 11));
    d.derived(
        "tpe_token_every_item",
        Some(every),
        "thread.py of the version",
    );
    if f.gil {
        d.derived(
            "gil_requester_wins",
            f.raw("gil_requester_wins")
                .or_else(|| requester_wins(&f.more["gil_slices"])),
            "the order of holders of the GIL among three and more spinning threads",
        );
    } else {
        let why = "a free-threaded build has no GIL that threads could race for";
        d.put("gil_requester_wins", 0.0, Tag::Absent(why.into()));
    }
}

/// A first result of a fork server's child within this share of a spawned one's: half of a spawned child's start, at least, is
/// importing the main module and what that needs.
const PRELOADED_WITHIN: f64 = 0.3;
/// One `sched_yield` on a core that nobody else wants.
const YIELD_NS: f64 = 200.0;

/// Of the switches between these holders of the GIL, from the second on: those back to the thread before the last, and all.
pub fn switches_back(holders: &[i64]) -> (u32, u32) {
    holders.windows(3).fold((0, 0), |(back, all), w| {
        (back + u32::from(w[0] == w[2]), all + 1)
    })
}

/// The probability that the thread whose request made the holder leave gets the GIL before the longest waiter.
///
/// With three or more spinning threads the requester is nearly always the thread that held the GIL before (its wait began
/// with the slice), so that the share of switches back to that thread is this probability. With two there is no choice. `None`: no
/// such switch was seen.
pub fn requester_wins(gil_slices: &Value) -> Option<f64> {
    let (mut back, mut switches) = (0u32, 0u32);
    for (threads, slices) in gil_slices.as_object().into_iter().flatten() {
        if threads.parse::<u32>().is_ok_and(|n| n < 3) {
            continue;
        }
        let holders: Vec<i64> = slices
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|s| s[0].as_i64())
            .collect();
        let (returned, all) = switches_back(&holders);
        back += returned;
        switches += all;
    }
    (switches > 0).then(|| f64::from(back) / f64::from(switches))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_empty_measurement_gives_the_defaults() {
        let p = derive(&Value::Null, &Value::Null, "none", 1.0);
        assert!(p.gil);
        let default = Params::default();
        assert_eq!(
            (p.params.tpe_submit, p.params.spawn_boot),
            (default.tpe_submit, default.spawn_boot)
        );
        assert_eq!(p.tags.len(), PARAMS.len());
    }

    #[test]
    fn what_cannot_be_keeps_the_default_and_is_told() {
        let micro =
            json!({"version": "3.14.0", "metrics": {"lseek_ns": 100.0, "getpriority_ns": 150.0}});
        let (p, impossible) = derive_all(&micro, &Value::Null, "odd", 1.0);
        let default = Params::default().gil_pair;
        assert!((p.params.gil_pair - default).abs() < 1e-9);
        assert_eq!(
            p.tags[Profile::index("gil_pair").expect("known")],
            Tag::Default
        );
        assert_eq!(impossible.len(), 1);
        assert_eq!(
            (impossible[0].name, impossible[0].value < 0.0),
            ("gil_pair", true)
        );
    }

    #[test]
    fn a_race_for_a_gil_is_measured_or_absent_or_a_default() {
        let index = PARAMS.iter().position(|p| p.name == "gil_requester_wins");
        let of = |micro: Value, more: Value| {
            let p = derive(&micro, &more, "test", 1.0);
            let i = index.expect("a parameter");
            (p.params.get(i), p.tags[i].clone())
        };
        let slices = json!({"gil_slices": {"3": [[1, 0], [2, 0], [1, 0], [3, 0]]}});
        let (share, tag) = of(json!({"version": "3.14.0"}), slices.clone());
        assert!(matches!(tag, Tag::Derived(_)) && (share - 0.5).abs() < 1e-12);
        // Two threads have no choice, so nothing was measured.
        let two = json!({"gil_slices": {"2": [[1, 0], [2, 0], [1, 0]]}});
        let (share, tag) = of(json!({"version": "3.14.0"}), two);
        let default = Params::default().gil_requester_wins;
        assert!(tag == Tag::Default && (share - default).abs() < 1e-12);
        let (_, tag) = of(json!({"version": "3.14.0", "free_threaded": true}), slices);
        assert!(matches!(tag, Tag::Absent(why) if why.contains("no GIL")));
    }

    #[test]
    fn no_parameter_is_negative_or_undefined_however_odd_the_figures_are() {
        let micro = json!({"version": "3.14.0", "metrics": {
            "threadpool_submit_us": 9.0, "threadpool_burst_us_per_task": 1.0, "threadpool_roundtrip_us": 0.5,
            "asyncio_switch_us": 5.0, "asyncio_task_us": 1.0, "asyncio_sleeping_task_cpu_us": 0.1,
            "run_in_executor_thread_roundtrip_us": 0.1, "processpool_submit_us": 50.0,
            "processpool_burst_parent_cpu_us_per_task": 1.0, "processpool_roundtrip_us": 1.0,
        }});
        let p = derive(&micro, &Value::Null, "odd", 1.0);
        for (i, info) in PARAMS.iter().enumerate() {
            let value = p.params.get(i);
            assert!(value.is_finite() && value >= 0.0, "{} = {value}", info.name);
            let nothing =
                value == 0.0 && p.tags[i] != Tag::Default && !MAY_BE_ZERO.contains(&info.name);
            assert!(!nothing, "{} is free", info.name);
        }
    }
}
