//! Memory of forked, preloaded and spawned workers: what children copy of what they inherit, held against children of real CPythons
//! (`tests/data/reference/fork-memory.jsonl`), and the laws of it.

use serde_json::Value;

use crate::world::{World, told};

const MB: f64 = 1e6;

/// The result of a scenario.
fn run(scenario: &str, options: &[&str]) -> Value {
    let world = World::with("s.ron", scenario);
    let mut command = world.command("run s.ron --format json --replications 3");
    told(command.args(options), 0).json()
}

/// The cases of a scenario's result.
fn cases(scenario: &str, options: &[&str]) -> Vec<Value> {
    let result = run(scenario, options);
    // A baseline that the program adds by itself is not what was asked for.
    let cases = result["cases"].as_array().unwrap().iter();
    cases.filter(|c| c["added"] == false).cloned().collect()
}

/// Peak memory of each case, in MB of a million bytes.
fn peaks(scenario: &str, options: &[&str]) -> Vec<f64> {
    let peak = |case: &Value| {
        case["estimates"]["memory_peak_bytes"]["mean"]
            .as_f64()
            .unwrap()
            / MB
    };
    cases(scenario, options).iter().map(peak).collect()
}

fn peak(scenario: &str, options: &[&str]) -> f64 {
    let all = peaks(scenario, options);
    assert_eq!(all.len(), 1, "one strategy, and no baseline beside it");
    all[0]
}

/// Four copies of a program with imports that do what a row's children did, each for long enough to be there together.
fn children(interpreter: &str, imports: &str, touches: &str, step: &str) -> String {
    format!(
        r#"(schema: 1, name: "fork", machine: (cores: 4), interpreters: ["{interpreter}"],
            workload: (arrivals: Batch, imports: ({imports}),
                tasks: [(name: "t", count: 480, {touches} steps: [{step} Cpu("10us"), Io("1ms")])]),
            strategies: [Prefork(processes: 4, each: Sequential)])"#
    )
}

struct Row {
    python: String,
    interpreter: &'static str,
    dicts: f64,
    freeze: bool,
    case: String,
    parent: f64,
    child: f64,
}

fn rows() -> Vec<Row> {
    let text = include_str!("../data/reference/fork-memory.jsonl");
    let row = |line: &str| {
        let v: Value = serde_json::from_str(line).unwrap();
        let python = v["python"].as_str().unwrap().to_owned();
        Row {
            interpreter: match (
                v["gil"].as_bool().unwrap(),
                python.split('.').nth(1).unwrap(),
            ) {
                (false, _) => "cpython-3.14t",
                (_, "11") => "cpython-3.11",
                (_, "15") => "cpython-3.15",
                _ => "cpython-3.14",
            },
            python,
            dicts: v["dicts"].as_f64().unwrap(),
            freeze: v["freeze"].as_bool().unwrap(),
            case: v["case"].as_str().unwrap().to_owned(),
            parent: v["parent_rss_mb"].as_f64().unwrap(),
            child: v["child_private_mb"].as_f64().unwrap(),
        }
    };
    text.lines().map(row).collect()
}

/// What a child copies beyond an idle one, row by row, within 15 % and 1 MB of what was measured.
#[test]
fn children_copy_what_real_ones_do() {
    let rows = rows();
    let mut seen = 0;
    let mut off = Vec::new();
    for row in &rows {
        let idle = rows.iter().find(|r| {
            (&r.python, r.dicts, r.freeze, r.case.as_str())
                == (&row.python, row.dicts, row.freeze, "idle")
        });
        let measured = row.child - idle.unwrap().child;
        // A bare interpreter has about 13 MB; all else is objects, two containers to each dict.
        let imports = format!(
            "memory: \"{:.1}MB\", objects: {}, frozen: {}",
            row.parent - 13.0,
            2.0 * row.dicts,
            row.freeze
        );
        // A hundred and twenty young collections to each child, and garbage that goes at once.
        let (touches, step) = match row.case.as_str() {
            "idle" => ("", ""),
            "walk" => ("touches: \"100%\",", ""),
            "walk_half" => ("touches: \"50%\",", ""),
            "collect" if row.interpreter == "cpython-3.14t" => continue, // Its children did not allocate.
            // More than the heaps of such a child grow by before they use anything again.
            _ if row.interpreter == "cpython-3.14t" => ("", "Allocate(10_000),"),
            _ => ("", "Allocate(6_000),"),
        };
        let nothing = peak(&children(row.interpreter, &imports, "", ""), &[]);
        let forecast =
            (peak(&children(row.interpreter, &imports, touches, step), &[]) - nothing) / 4.0;
        // Containers that are there at once.
        let fresh = match step {
            "" => 0.0,
            "Allocate(6_000)," => 6_000.0 * 72.0 / MB,
            _ => 10_000.0 * 72.0 / MB,
        };
        let forecast = forecast - fresh;
        seen += 1;
        // Beside its copies an allocating child has some MB of fresh garbage.
        let more = if row.case == "allocate" { 3.5 } else { 1.0 };
        if (forecast - measured).abs() > more + 0.15 * measured {
            off.push(format!(
                "{} {} dicts, freeze {}, {}: {forecast:.1} MB, measured {measured:.1}",
                row.python, row.dicts, row.freeze, row.case
            ));
        }
    }
    assert!(seen > 30 && off.is_empty(), "{}", off.join("\n"));
}

const WORKERS: &str = r#"(schema: 1, name: "workers", machine: (cores: 4), interpreters: ["cpython-3.14"],
    workload: (arrivals: Batch, imports: (time: "20ms", memory: "96MB", objects: 234_000),
        tasks: [(name: "t", count: 240, steps: [Allocate(100_000), Cpu("20ms")])]),
    strategies: [STRATEGY])"#;

fn workers(strategy: &str, options: &[&str]) -> f64 {
    peak(&WORKERS.replace("STRATEGY", strategy), options)
}

/// Each further worker adds the same, whether it is forked from the program, from a server that has imported it, or imports itself.
#[test]
fn workers_add_up() {
    let allocated = 7.2;
    for (start, each) in [
        // What an idle child has, and 37 % of 96 MB.
        ("Processes(workers: N, start: Fork)", 1.4 + 35.5 + allocated),
        (
            "Prefork(processes: N, each: Sequential)",
            1.4 + 35.5 + allocated,
        ),
        (
            "Processes(workers: N, start: Spawn)",
            12.5 + 96.0 + allocated,
        ),
    ] {
        let of = |n: u32| workers(&start.replace('N', &n.to_string()), &[]);
        let (few, many) = (of(4), of(24));
        let slope = (many - few) / 20.0;
        assert!(
            (slope - each).abs() < 0.06 * each,
            "{start}: {slope:.1} MB a worker, not {each:.1}"
        );
    }
}

/// Children of a fork server inherit what it has imported: from CPython 3.14.1 on all of it, before nothing.
#[test]
fn a_preloaded_worker_inherits_from_the_server() {
    let forkserver = WORKERS.replace("STRATEGY", "Processes(workers: 8, start: Forkserver)");
    let none = ["--set", "workload.tasks.t.steps=[Cpu(\"5ms\")]"];
    let each = |text: &str| (peak(text, &[]) - peak(text, &none)) / 8.0;
    let preloaded = each(&forkserver);
    assert!(
        (preloaded - 35.5 - 7.2).abs() < 0.5,
        "{preloaded:.1} MB a worker"
    );
    let before = each(&forkserver.replace("3.14", "3.11"));
    assert!((before - 7.2).abs() < 0.5, "{before:.1} MB a worker");
}

#[test]
fn a_frozen_heap_is_not_collected_and_shares_its_pages() {
    let fork = "Processes(workers: 8, start: Fork)";
    let frozen = ["--set", "workload.imports.frozen=true"];
    let none = ["--set", "workload.tasks.t.steps=[Cpu(\"5ms\")]"];
    let each = |all: f64| (all - workers(fork, &none)) / 8.0;
    assert!((each(workers(fork, &[])) - 35.5 - 7.2).abs() < 1.0);
    assert!((each(workers(fork, &frozen)) - 7.2).abs() < 0.5);
    // Reference counts are written all the same.
    let touching = WORKERS
        .replace("count: 240,", "count: 240, touches: 0.5,")
        .replace("STRATEGY", fork);
    let walked = each(peak(&touching, &frozen));
    assert!(
        (walked - 96.0 * 0.67 / 2.0 - 7.2).abs() < 1.0,
        "{walked:.1}"
    );
    let both = each(peak(&touching, &[]));
    assert!(
        walked < both && both < walked + 35.5 - 10.0,
        "the union, not the sum: {both:.1}"
    );
}

/// Large buffers are no objects; where nobody says how many there are, all of the imports is.
#[test]
fn buffers_stay_shared() {
    let fork = "Processes(workers: 8, start: Fork)";
    let each = |objects: &str| {
        let none = ["--set", "workload.tasks.t.steps=[Cpu(\"5ms\")]"];
        let text = WORKERS
            .replace(", objects: 234_000", objects)
            .replace("STRATEGY", fork);
        (peak(&text, &[]) - peak(&text, &none)) / 8.0 - 7.2
    };
    assert!((each(", objects: 10_000") - 3.7).abs() < 0.5);
    assert!(each(", objects: 0").abs() < 0.5);
    assert!((each("") - 35.5).abs() < 1.0);
}

/// A web application was reported at 797 to 838 MB behind six gthread workers of four threads, without `--preload`, and to be expected to need more
/// in proportion with ten of six (github.com/Itqan-community/cms-backend, pull request 403). How large it is was not said: 130 MB are assumed for
/// what a worker imports, and then both follow: threads cost next to nothing, processes all that they import.
#[test]
fn threads_cost_less_than_workers_as_reported() {
    let of = |strategy: &str| {
        peak(
            &format!(
                r#"(schema: 1, name: "web", machine: (cores: 4), interpreters: ["cpython-3.14"], strategies: ["{strategy}"],
                    workload: (arrivals: Poisson(rate: 50, count: 1_000), imports: (time: "2s", memory: "130MB"),
                        tasks: [(name: "t", steps: [Cpu("5ms"), Io(Exponential("80ms")), Cpu("2ms")])]))"#
            ),
            &[],
        )
    };
    let six = of("gunicorn:6:gthread:4:max-requests=1000:jitter=100");
    assert!((797.0..=838.0).contains(&six), "{six}");
    let more = of("gunicorn:10:gthread:6:max-requests=1000:jitter=100") / six;
    assert!((more / (10.0 / 6.0) - 1.0).abs() < 0.05, "{more}");
    let threads = of("gunicorn:6:gthread:8:max-requests=1000:jitter=100") / six;
    assert!((1.0..1.01).contains(&threads), "{threads}");
    // As many requests at once by processes alone.
    let alone = of("gunicorn:24:sync") / six;
    assert!(alone > 3.5, "{alone}");
}

/// Nothing that neither collects nor walks pays for memory that might be copied; who copies pays for each page once.
#[test]
fn only_who_copies_pays() {
    let time = |text: &str| {
        cases(text, &[])[0]["estimates"]["makespan_s"]["mean"]
            .as_f64()
            .unwrap()
    };
    let of = |imports: &str, touches: &str, cpu: &str| {
        time(&format!(
            r#"(schema: 1, name: "pay", machine: (cores: 1), interpreters: ["cpython-3.14"],
                workload: (arrivals: Batch, imports: ({imports}), tasks: [(name: "t", count: 10, {touches} steps: [Cpu("{cpu}")])]),
                strategies: [Prefork(processes: 2, each: Sequential)])"#
        ))
    };
    let imports = "memory: \"96MB\"";
    let with = of(&format!("{imports}, objects: 96_000"), "", "5ms");
    assert_eq!(of(imports, "", "5ms").to_bits(), with.to_bits());
    let walking = of(imports, "touches: \"100%\",", "5ms");
    // Two children, 64 MB each, 2.4 us for a page of 4096 bytes.
    let faults = 2.0 * 0.67 * 96e6 / 4096.0 * 2.4e-6;
    assert!(
        (walking - with - faults).abs() < 0.1 * faults,
        "{walking} {with} {faults}"
    );
}

/// What was reported of 24 workers over 96 MB of modules: 1792 MB, 1237 with `gc.freeze`. Collections alone do not make a frozen server
/// of that size: its tasks walk objects, too.
#[test]
fn the_reported_server_comes_out() {
    let collecting = include_str!("../data/findings/forked-memory.ron");
    let walking = collecting.replace("count: 400", "count: 400, touches: \"60%\"");
    let frozen = ["--set", "workload.imports.frozen=true"];
    // Sorted best first: the spawned ones are the last.
    let near = |text: &str, options: &[&str], reported: f64, within: f64| {
        let all = peaks(text, options);
        assert_eq!(all.len(), 3);
        assert!(
            all[..2].iter().all(|p| (p / reported - 1.0).abs() < within),
            "{all:?}"
        );
    };
    near(collecting, &[], 1792.0, 0.17);
    near(&walking, &[], 1792.0, 0.13);
    near(&walking, &frozen, 1237.0, 0.11);
}

/// The same server by name: what gunicorn preloads is inherited and copied as by any fork. Without `--preload` each worker has all of it.
#[test]
fn the_reported_server_comes_out_by_name() {
    let text = |strategy: &str| {
        let walking = include_str!("../data/findings/forked-memory.ron")
            .replace("count: 400", "count: 400, touches: \"60%\"");
        let (before, _) = walking.split_once("strategies:").unwrap();
        format!("{before}strategies: [{strategy}])")
    };
    for (strategy, reported) in [
        ("\"gunicorn:24:sync:preload\"", 1792.0),
        ("\"gunicorn:24:gthread:1:preload\"", 1792.0),
        ("\"prefork:24:freeze(threads:1)\"", 1237.0),
    ] {
        let peak = peak(&text(strategy), &[]);
        assert!(
            (peak / reported - 1.0).abs() < 0.13,
            "{strategy}: {peak:.0}"
        );
    }
    let alone = peak(&text("\"gunicorn:24:sync\""), &[]);
    assert!(alone > 24.0 * 96.0, "{alone:.0}");
}

/// Reported: 3956 calls a second fall to 237 when workers are replaced after 25, that is by a factor of 16.7.
#[test]
fn replaced_workers_cost_what_was_reported() {
    let text = include_str!("../data/findings/max-tasks.ron");
    let rate = |name: &str| {
        let all = cases(text, &[]);
        let of = all.iter().find(|c| c["strategy"] == name).unwrap();
        of["estimates"]["throughput_per_s"]["mean"]
            .as_f64()
            .unwrap()
    };
    let fall = rate("processes:15:spawn") / rate("processes:15:spawn:max-tasks=25");
    assert!((fall / (3956.0 / 237.0) - 1.0).abs() < 0.2, "{fall:.1}");
}

/// Workers of a free-threaded build over 400 MB of imports.
fn free_threaded(workers: u32, touches: &str, containers: u64) -> f64 {
    let text = format!(
        r#"(schema: 1, name: "ft", machine: (cores: 4), interpreters: ["cpython-3.14t"],
            workload: (arrivals: Batch, imports: (memory: "400MB"),
                tasks: [(name: "t", count: {TASKS}, touches: "{touches}", steps: [Allocate({containers}), Cpu("20ms")])]),
            strategies: [Prefork(processes: {workers}, each: Sequential)])"#
    );
    peak(&text, &[])
}

const TASKS: u32 = 48;

/// Where nobody says how many objects there are, a note names the strategies whose workers inherit them, in the words of the scenario.
#[test]
fn estimated_objects_are_told_where_workers_inherit_them() {
    let note = |start: &str, python: &str| {
        let text = WORKERS
            .replace(", objects: 234_000", "")
            .replace("cpython-3.14", python)
            .replace(
                "STRATEGY",
                &format!("Processes(workers: 2, start: {start})"),
            );
        let result = run(&text, &[]);
        let warnings = result["warnings"].as_array().unwrap().iter();
        let texts = warnings.filter(|w| w["code"] == "estimated-objects");
        let texts: Vec<String> = texts.map(|w| w["text"].as_str().unwrap().into()).collect();
        texts.join(" ")
    };
    for (start, python) in [
        ("Fork", "cpython-3.14"),
        ("Fork", "cpython-3.11"),
        ("Forkserver", "cpython-3.14"),
    ] {
        let said = note(start, python);
        let strategy = format!("processes:2:{}", start.to_lowercase());
        assert!(said.contains("the imports' 96MB"), "{start} {said}");
        assert!(said.contains(&strategy), "{start} {said}");
    }
    for (start, python) in [("Spawn", "cpython-3.14"), ("Forkserver", "cpython-3.11")] {
        assert_eq!(note(start, python), "", "{start} {python}");
    }
}

/// What children of a free-threaded build have is at most copies of everything and what they have made, and more work is never less
/// memory.
#[test]
fn free_threaded_children_have_copies_and_what_they_made() {
    let made = |containers: u64| containers as f64 * 72.0 * f64::from(TASKS) / MB;
    // The shares of cpython-3.14t: what walking everything, and a collection, writes.
    let (walk, collect) = (0.60 * 400.0, 0.32 * 400.0);
    let nothing = free_threaded(4, "0%", 0);
    // A collection of every worker's needs 2,000 containers; 200,000 exceed what heaps grow by.
    for containers in [0, 100, 2_000, 2_100, 20_000, 2_000_000] {
        let mut before = 0.0;
        for touches in ["0%", "50%", "90%", "99.9%", "100%"] {
            let peak = free_threaded(4, touches, containers);
            assert!(
                peak >= before,
                "Allocate({containers}), {touches}: {peak} < {before}"
            );
            let most = nothing + 4.0 * walk + made(containers);
            assert!(
                peak <= most + 0.1,
                "Allocate({containers}), {touches}: {peak} > {most}"
            );
            before = peak;
        }
    }
    for touches in ["0%", "50%", "100%"] {
        let all = [0, 100, 2_000, 2_100, 20_000, 2_000_000].map(|c| free_threaded(4, touches, c));
        assert!(all.is_sorted(), "{touches}: {all:?}");
        let all = [1, 2, 4, 8].map(|workers| free_threaded(workers, touches, 2_100));
        assert!(all.is_sorted(), "{touches}: {all:?}");
    }
    // What little they make is all that they have beside the pages that their collections copy.
    let little = free_threaded(4, "0%", 2_100) - nothing;
    let exact = 4.0 * collect + made(2_100);
    assert!((little - exact).abs() < 0.01 * exact, "{little} {exact}");
    // Their heaps grow no further than measured; beside it is what a task makes that runs.
    let full = free_threaded(4, "0%", 2_000_000) - nothing - 4.0 * collect;
    let (heaps, running) = (4.0 * 1.45 * 400.0, 4.0 * 2_000_000.0 * 72.0 / MB);
    assert!(full > heaps && full < heaps + running + 1.0, "{full}");
}

#[test]
fn mistakes_are_told() {
    let fails = |text: &str, what: &[&str]| {
        let said = World::with("s.ron", text).told("check s.ron", 2).err;
        for what in what {
            assert!(said.contains(what), "{what}: {said}");
        }
    };
    let with = |touches: &str| {
        WORKERS
            .replace("STRATEGY", "Sequential")
            .replace("count: 240", &format!("count: 240, touches: {touches}"))
    };
    fails(&with("\"140%\""), &["lies between 0 and 1, not 1.4", "40%"]);
    fails(&with("true"), &["share of the inherited objects"]);
    fails(
        &WORKERS
            .replace("STRATEGY", "Sequential")
            .replace("objects: 234_000", "frozen: 1"),
        &["frozen"],
    );
}
