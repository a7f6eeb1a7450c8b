//! Workloads learnt from traces, through the library and through the program.

mod fits;
mod programs;
mod recorder;
mod sources;

use std::fmt::Write as _;
use std::path::Path;

use pchsim::engine::Nanos;
use pchsim::learn::{Options, Trace, TraceOptions, learn};
use pchsim::scenario::Dist;
use predicates::prelude::*;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use crate::world::pchsim;

fn ms(n: u64) -> Nanos {
    Nanos::from_millis(n)
}

fn draws(dist: &Dist, n: usize, seed: u64) -> Vec<Nanos> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    (0..n).map(|_| dist.sample(&mut rng)).collect()
}

/// A trace of two classes that arrive at random: pages (wait, parse) and pictures (wait, decode under a lock, payload).
fn trace(tasks: usize) -> String {
    let mut rng = Pcg64Mcg::seed_from_u64(2026);
    let mut out = String::from("task,class,kind,start,end,bytes\n");
    let gap = Dist::Exponential(ms(50));
    let (page_io, page_cpu) = (
        Dist::LogNormal {
            median: ms(120),
            p99: ms(400),
        },
        Dist::Gamma {
            mean: ms(8),
            cv: 0.5,
        },
    );
    let (img_io, img_native, img_cpu) = (
        Dist::Exponential(ms(90)),
        Dist::Weibull {
            scale: ms(30),
            shape: 2.0,
        },
        Dist::Constant(ms(3)),
    );
    let mut arrival = Nanos::ZERO;
    for i in 0..tasks {
        arrival += gap.sample(&mut rng);
        let mut at = arrival;
        let mut row = |class: &str, kind: &str, dist: &Dist| {
            let to = at + dist.sample(&mut rng);
            let _ = writeln!(
                out,
                "{i},{class},{kind},{},{},",
                at.as_secs_f64(),
                to.as_secs_f64()
            );
            at = to;
        };
        if i % 4 == 0 {
            row("picture", "io", &img_io);
            row("picture", "native", &img_native);
            row("picture", "lock:cache", &img_cpu);
            let _ = writeln!(out, "{i},picture,payload_out,,,40000");
        } else {
            row("page", "io", &page_io);
            row("page", "cpu", &page_cpu);
        }
    }
    out
}

#[test]
fn the_scenario_and_the_table() {
    let trace = Trace::parse(trace(400).as_bytes(), "steps.csv", &TraceOptions::default()).unwrap();
    let options = Options {
        name: "steps".into(),
        origin: "steps.csv".into(),
        ..Options::default()
    };
    let learned = learn(&trace, options).unwrap();
    assert!(learned.is_well_fitted());
    insta::assert_snapshot!("learned_scenario", learned.to_ron());
    insta::assert_snapshot!("learned_table", learned.table());
}

/// Makespan of a batch, by the program itself.
fn makespan(file: &Path, strategy: &str) -> f64 {
    let out = pchsim()
        .args([
            "run",
            &file.to_string_lossy(),
            "--strategy",
            strategy,
            "--format",
            "csv",
            "--cores",
            "4",
        ])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let text = String::from_utf8(out.stdout).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let column = reader
        .headers()
        .unwrap()
        .iter()
        .position(|h| h.starts_with("makespan"))
        .unwrap();
    reader.records().next().unwrap().unwrap()[column]
        .parse()
        .unwrap()
}

/// Scenario, its demands as a trace, and the scenario learnt from that: the same forecast within 5% (600 tasks; the mean
/// demand of a sample that long is known to about 2%, and seeds are fixed).
#[test]
fn a_learnt_scenario_forecasts_what_the_original_does() {
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("original.ron");
    std::fs::write(
        &original,
        r#"(schema: 1, name: "original", interpreters: "cpython-3.14", workload: (arrivals: Batch, tasks: [(
            name: "page", count: 600, steps: [
                Io(LogNormal(median: "120ms", p99: "400ms")), Cpu(Gamma(mean: "8ms", cv: 0.6)), Io(Exponential("30ms")),
                Native(Weibull(scale: "20ms", shape: 1.5)),
            ])]))"#,
    )
    .unwrap();
    let steps = [
        (
            "io",
            Dist::LogNormal {
                median: ms(120),
                p99: ms(400),
            },
        ),
        (
            "cpu",
            Dist::Gamma {
                mean: ms(8),
                cv: 0.6,
            },
        ),
        ("io", Dist::Exponential(ms(30))),
        (
            "native",
            Dist::Weibull {
                scale: ms(20),
                shape: 1.5,
            },
        ),
    ];
    let mut rng = Pcg64Mcg::seed_from_u64(99);
    let mut text = String::new();
    for task in 0..600 {
        let mut at = Nanos(1_000 * task);
        for (kind, dist) in &steps {
            let to = at + dist.sample(&mut rng);
            let _ = writeln!(
                text,
                r#"{{"task": {task}, "class": "page", "kind": "{kind}", "start": {}, "end": {}}}"#,
                at.0, to.0
            );
            at = to;
        }
    }
    let trace = dir.path().join("trace.jsonl");
    std::fs::write(&trace, text).unwrap();
    let learned = dir.path().join("learned.ron");
    pchsim()
        .args(["record", "--unit", "ns", "--trace"])
        .arg(&trace)
        .arg("-o")
        .arg(&learned)
        .assert()
        .code(0)
        .stdout(predicate::str::contains("LogNormal").and(predicate::str::contains("Weibull")));
    pchsim()
        .arg("check")
        .arg(&learned)
        .assert()
        .code(0)
        .stdout(predicate::str::contains(": valid\n"));
    for strategy in [
        "threads:16@cpython-3.14",
        "asyncio@cpython-3.14",
        "processes:4:forkserver@cpython-3.14",
    ] {
        let (a, b) = (makespan(&original, strategy), makespan(&learned, strategy));
        assert!((b / a - 1.0).abs() < 0.05, "{strategy}: {a} and {b}");
    }
}

/// CPU times of a slower interpreter become the baseline's.
#[test]
fn cpu_times_of_another_interpreter_are_scaled() {
    let mut text = String::from("task,class,kind,start,end\n");
    for i in 0..20 {
        let _ = writeln!(text, "{i},a,cpu,0,0.107\n{i},a,io,0.107,0.207");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.csv");
    std::fs::write(&file, text).unwrap();
    let factor = pchsim::profiles::find("cpython-3.14t")
        .unwrap()
        .params
        .cpu_factor;
    let out = pchsim()
        .args(["record", "--interpreter", "cpython-3.14t", "--trace"])
        .arg(&file)
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let wanted = 107.0 / factor;
    assert!(wanted < 106.0, "the free-threaded build is slower");
    let scaled = format!("Cpu(\"{}ms\")", (wanted * 100.0).round() / 100.0);
    assert!(
        text.contains(&scaled) && text.contains("Io(\"100ms\")"),
        "{scaled} in {text}"
    );
    assert!(text.contains("divided by its cpu_factor"));
    pchsim()
        .args(["record", "--interpreter", "cpython-9", "--trace"])
        .arg(&file)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("cpython-9"));
}

/// What is said about each broken trace: place, offending text, what is expected.
#[test]
fn broken_traces_are_explained() {
    let head = "task,class,kind,start,end\n";
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "empty.csv",
            "",
            &["empty.csv: the trace is empty", "task, class, kind"],
        ),
        ("blank.csv", "\n\n  \n", &["the trace is empty"]),
        ("head.csv", head, &["holds no step"]),
        (
            "cols.csv",
            "task,class,start,end\n",
            &[
                "line 1: ",
                "no column kind or step (it has task, class, start, end)",
            ],
        ),
        (
            "num.csv",
            &format!("{head}1,a,cpu,0,1\n2,a,cpu,zero,1\n"),
            &[
                "line 3, column 4 (start): \"zero\" is not a number",
                "numbers of seconds",
            ],
        ),
        (
            "comma.csv",
            &format!("{head}1,a,cpu,\"0,5\",1\n"),
            &["line 2, column 4 (start): \"0,5\" is not a number"],
        ),
        (
            "nan.csv",
            &format!("{head}1,a,cpu,0,NaN\n"),
            &["column 5 (end): \"NaN\" is not a number"],
        ),
        (
            "kind.csv",
            &format!("{head}1,a,gpu,0,1\n"),
            &[
                "line 2, column 3 (kind): \"gpu\" is no kind of step",
                "cpu, native, io",
            ],
        ),
        (
            "back.csv",
            &format!("{head}1,a,cpu,5,1\n"),
            &["line 2, column 5 (end): the end \"1\" lies before the start \"5\""],
        ),
        (
            "short.csv",
            &format!("{head}1,a,cpu,5\n"),
            &["line 2: it has 4 fields, but the header line has 5"],
        ),
        // A quoted cell may have a line break: the place is where its line begins, and the text stays on one line.
        (
            "break.csv",
            &format!("{head}1,\"a\nb\",cpu,0,1\n2,\"c\nd\",gpu\n"),
            &["line 4: it has 3 fields", "2,\"c\\nd\",gpu"],
        ),
        (
            "quote.csv",
            &format!("{head}1,\"a,cpu,0,1\n2,a,cpu,0,1\n"),
            &[
                "line 2: a quoted cell begins here that does not end",
                "a quotation mark is missing",
            ],
        ),
        (
            "class.csv",
            &format!("{head}1,,cpu,0,1\n"),
            &["column 2 (class): the class is empty"],
        ),
        (
            "lock.csv",
            &format!("{head}1,a,lock:,0,1\n"),
            &["the lock has no name", "lock:NAME"],
        ),
        (
            "bytes.csv",
            &format!("{head}1,a,payload_in,0,1\n"),
            &["a payload_in needs its bytes"],
        ),
        (
            "long.csv",
            &format!("{head}1,a,cpu,0,1e12\n"),
            &["column 5 (end)", "--unit"],
        ),
        (
            "wait.csv",
            &format!("{head}1,a,wait,0,1\n"),
            &["holds no task with a cpu, native, io or lock step"],
        ),
        (
            "t.jsonl",
            "{\"task\": 1, \"class\": \"a\", \"kind\": \"cpu\", \"start\": 0}\n",
            &["line 1, field end: the end is missing"],
        ),
        (
            "u.jsonl",
            "{\"task\": 1, \"class\": \"a\", \"kind\": \"cpu\", \"start\": \"x\", \"end\": 1}\n",
            &["field start", "is not a number"],
        ),
        (
            "v.jsonl",
            "{\"task\": 1, \"kind\": \"cpu\"}\n",
            &["line 1, column", "missing field `class`"],
        ),
        ("w.jsonl", "{\"task\": 1,\n", &["line 1, column", "EOF"]),
        (
            "x.json",
            "[{\"task\": 1}]\n",
            &["the line is a JSON list", "one JSON object a line"],
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (name, text, said) in cases {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        let out = pchsim()
            .args(["record", "--trace"])
            .arg(&file)
            .output()
            .unwrap();
        let stderr = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(2), "{name}: {stderr}");
        assert!(
            out.stdout.is_empty() && stderr.starts_with("error: "),
            "{name}: {stderr}"
        );
        for part in *said {
            assert!(stderr.contains(part), "{name}: {part} in {stderr}");
        }
    }
    std::fs::write(
        dir.path().join("latin.csv"),
        b"task,class,kind,start,end\n1,caf\xe9,cpu,0,1\n",
    )
    .unwrap();
    pchsim()
        .args(["record", "--trace"])
        .arg(dir.path().join("latin.csv"))
        .assert()
        .code(2)
        .stderr(predicate::str::contains(
            "line 2, column 6: this is not UTF-8 text",
        ));
    for (path, why) in [
        (dir.path().join("none.csv"), "there is no such file"),
        (dir.path().to_path_buf(), "it is a directory"),
    ] {
        pchsim()
            .args(["record", "--trace"])
            .arg(path)
            .assert()
            .code(2)
            .stderr(predicate::str::contains(why));
    }
}

#[test]
fn output_goes_where_it_is_asked_for_and_replaces_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("steps.csv"), dir.path().join("my.ron"));
    std::fs::write(&file, trace(40)).unwrap();
    pchsim()
        .args(["record", "--trace"])
        .arg(&file)
        .assert()
        .code(0)
        .stdout(
            predicate::str::starts_with("// Learnt by pchsim")
                .and(predicate::str::contains("schema: 1")),
        )
        .stderr(predicate::str::contains("KS D"));
    let with_output = |force: bool| {
        let mut c = pchsim();
        c.args(["record", "--cores", "8", "--trace"])
            .arg(&file)
            .arg("-o")
            .arg(&out);
        if force {
            c.arg("--force");
        }
        c.assert()
    };
    with_output(false)
        .code(0)
        .stdout(predicate::str::starts_with("class"));
    assert!(
        std::fs::read_to_string(&out)
            .unwrap()
            .contains("machine: (cores: 8)")
    );
    with_output(false)
        .code(2)
        .stderr(predicate::str::contains("--force"));
    with_output(true).code(0);
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        2,
        "nothing is left beside them"
    );
    pchsim()
        .arg("record")
        .assert()
        .code(2)
        .stderr(predicate::str::contains("--trace"));
}

/// A pair of steps that go together is named: the scenario draws them independently.
#[test]
fn dependent_steps_are_named() {
    let mut text = String::from("task,class,kind,start,end\n");
    for (i, d) in draws(&Dist::Exponential(ms(20)), 200, 3).iter().enumerate() {
        let d = d.as_secs_f64();
        let _ = writeln!(text, "{i},a,io,0,{d}\n{i},a,cpu,{d},{}", 1.5 * d);
    }
    let trace = Trace::parse(text.as_bytes(), "t.csv", &TraceOptions::default()).unwrap();
    let learned = learn(&trace, Options::default()).unwrap();
    let said = learned.notes.join("\n");
    assert!(
        said.contains("step 1 (Io) and step 2 (Cpu): 1.00"),
        "{said}"
    );
    assert!(learned.to_ron().contains("rank correlation"));
}

/// Rounds of the same length, always as many, become a `Repeat`; others stay apart.
#[test]
fn constant_rounds_become_a_repeat() {
    let round = |last: f64| {
        let io = draws(&Dist::Exponential(ms(20)), 400, 3);
        let mut text = String::from("task,class,kind,start,end\n");
        for task in 0..100 {
            let mut at = 0.0;
            for r in 0..4 {
                let d = io[task * 4 + r].as_secs_f64() * if r == 3 { last } else { 1.0 };
                let _ = writeln!(
                    text,
                    "{task},a,io,{at},{}\n{task},a,cpu,{},{}",
                    at + d,
                    at + d,
                    at + d + 0.002
                );
                at += d + 0.002;
            }
        }
        let trace = Trace::parse(text.as_bytes(), "t.csv", &TraceOptions::default()).unwrap();
        learn(&trace, Options::default()).unwrap().to_ron()
    };
    let same = round(1.0);
    assert!(
        same.contains("Repeat(4, [") && same.contains("n 400"),
        "{same}"
    );
    let other = round(8.0);
    assert!(!other.contains("Repeat("), "{other}");
}

/// In a batch on one worker most tasks wait most of the time. The share that was off the CPU for an unknown reason is one of the time
/// after that wait, and from a tenth of a task's steps on it is one of them, and said.
#[test]
fn what_was_blocked_is_a_share_of_the_time_after_the_wait() {
    let learned = |blocked: f64| {
        let mut text = String::from("task,class,kind,start,end\n");
        for i in 0..40 {
            // Each has its turn when the one before is done; a task takes a second.
            let (turn, cpu) = (f64::from(i), 1.0 - blocked);
            if i > 0 {
                let _ = writeln!(text, "{i},a,wait,0,{turn}");
            }
            let (off, end) = (turn + cpu, turn + 1.0);
            let _ = writeln!(
                text,
                "{i},a,cpu,{turn:.3},{off:.3}\n{i},a,blocked,{off:.3},{end:.3}"
            );
        }
        let trace = Trace::parse(text.as_bytes(), "t.csv", &TraceOptions::default()).unwrap();
        let learned = learn(&trace, Options::default()).unwrap();
        let ron = learned.to_ron();
        assert!(ron.contains("arrivals: Batch"), "{ron}");
        (ron, learned.notes.join("\n"))
    };
    for (blocked, said) in [(0.3, "30%"), (0.12, "12%")] {
        let (ron, notes) = learned(blocked);
        let wanted = format!("class a: {said} of its tasks' time was off the CPU");
        assert!(notes.contains(&wanted), "{notes}");
        assert!(ron.contains("Io("), "{ron}");
    }
    let (ron, notes) = learned(0.09);
    assert!(!notes.contains("off the CPU"), "{notes}");
    assert!(!ron.contains("Io("), "{ron}");
}

/// An agent asks its model and a tool in turns: pooled, the turns would be as different as the two are.
#[test]
fn steps_that_come_in_turns_are_kept_apart() {
    let mut csv = String::from("task,class,kind,start,end\n");
    for agent in 0..12_u64 {
        let mut at = 0;
        for turn in 0..20_u64 {
            let io =
                if turn % 2 == 0 { 250_000 } else { 50_000 } + (agent * 7 + turn * 13) % 17 * 1_000;
            let seconds = |us: u64| format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
            let (begun, there, done) = (seconds(at), seconds(at + io), seconds(at + io + 4_000));
            csv += &format!("{agent},agent,io,{begun},{there}\n{agent},agent,cpu,{there},{done}\n");
            at += io + 4_000;
        }
    }
    let trace = Trace::parse(csv.as_bytes(), "t.csv", &TraceOptions::default()).unwrap();
    let text = learn(&trace, Options::default()).unwrap().to_ron();
    assert!(text.contains("Repeat(10, ["), "{text}");
}

/// What a call in a pool sends and gets back stands within the offload.
#[test]
fn payloads_of_offloads_stand_in_them() {
    let mut csv = String::from("task,class,kind,start,end,bytes,how\n");
    for i in 0..10 {
        csv += &format!(
            "{i},page,cpu,{i},{i}.1,,\n{i},page,payload_in,{i}.2,,500,\n{i},page,offload:pool,{i}.2,{i}.6,,processes:2:fork\n\
             {i},page,cpu,{i}.2,{i}.6,,\n{i},page,payload_out,{i}.6,,30,\n"
        );
    }
    let trace = Trace::parse(csv.as_bytes(), "t.csv", &TraceOptions::default()).unwrap();
    let text = learn(&trace, Options::default()).unwrap().to_ron();
    let within = text.split("Offload(to: \"pool\", steps: [").nth(1).unwrap();
    let (sent, rest) = within.split_once("Cpu(").unwrap();
    assert!(sent.contains("PayloadIn(\"500B\")"), "{text}");
    assert!(
        rest.split("]),")
            .next()
            .unwrap()
            .contains("PayloadOut(\"30B\")"),
        "{text}"
    );
}
