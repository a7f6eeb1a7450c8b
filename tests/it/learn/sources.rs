//! Access logs, spans and profiles: what people have already.

use std::fmt::Write as _;
use std::path::Path;

use pchsim::host::discover;
use pchsim::learn::{StepKind, Trace, TraceOptions};
use predicates::prelude::*;

use crate::world::{pchsim, tool};

/// The scenario that is learnt from a file; it passes the check.
fn learnt(name: &str, content: &[u8], more: &[&str]) -> (String, String) {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join(name), dir.path().join("out.ron"));
    std::fs::write(&file, content).unwrap();
    let output = pchsim()
        .args(["record", "--trace"])
        .arg(&file)
        .arg("-o")
        .arg(&out)
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{name}: {said}");
    pchsim().arg("check").arg(&out).assert().code(0);
    (std::fs::read_to_string(&out).unwrap(), said)
}

fn refused(name: &str, content: &[u8], why: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    std::fs::write(&file, content).unwrap();
    pchsim()
        .args(["record", "--trace"])
        .arg(&file)
        .assert()
        .code(2)
        .stdout("")
        .stderr(predicate::str::contains(why));
}

fn read(name: &str, content: &[u8]) -> Trace {
    Trace::parse(content, name, &TraceOptions::default()).unwrap()
}

/// A request every 100 ms on average; times are whole seconds, durations stand behind the line.
fn access_log(tail: impl Fn(u64) -> String) -> String {
    let mut log = String::new();
    for i in 0..300_u64 {
        let second = i * i % 7 / 3 + i / 10;
        let _ = writeln!(
            log,
            "127.0.0.1 - - [10/Oct/2025:13:{:02}:{:02} +0200] \"GET /offers/{i}?page=2 HTTP/1.1\" 200 2326 \"-\" \"agent 5 0.7\"{}",
            second / 60,
            second % 60,
            tail(i)
        );
    }
    log
}

#[test]
fn access_logs_with_a_duration() {
    for tail in [" 50000", " 0.050", " rt=0.050 urt=0.010"] {
        let (ron, said) = learnt(
            "access.log",
            access_log(|_| tail.to_owned()).as_bytes(),
            &[],
        );
        assert!(ron.contains("name: \"GET /offers/{id}\""), "{ron}");
        assert!(ron.contains("Io(\"50ms\")"), "{ron}");
        assert!(
            ron.contains("Poisson(") || ron.contains("Renewal("),
            "{ron}"
        );
        assert!(
            said.contains("whole seconds") && said.contains("all of it is Io"),
            "{said}"
        );
    }
}

/// Without a duration only arrivals are learnt, and the scenario runs all the same.
#[test]
fn access_logs_without_a_duration() {
    let (ron, said) = learnt("access.log", access_log(|_| String::new()).as_bytes(), &[]);
    assert!(ron.contains("Io(\"0ns\")"), "{ron}");
    assert!(said.contains("has no durations"), "{said}");
}

/// Names come from clients: they are quoted, and there are only so many classes.
#[test]
fn hostile_names_in_logs() {
    let mut log = String::new();
    for i in 0..500 {
        let _ = writeln!(
            log,
            "::1 - - [10/Oct/2025:13:00:{:02} +0000] \"GET /a{i}\\x22]),(\\u{{7}}`$(x)`';\u{1b}[31m HTTP/1.1\" 200 1 \"-\" \"-\" 1000",
            i % 60
        );
    }
    let (ron, _) = learnt("access.log", log.as_bytes(), &[]);
    assert!(ron.contains("name: \"GET other\""), "{ron}");
    assert!(ron.matches("name: \"GET ").count() <= 41, "{ron}");
    assert!(!ron.contains('\u{1b}'), "{ron}");
}

#[test]
fn logs_that_are_none() {
    let good = access_log(|_| String::new());
    let broken = format!("{good}{}", "nonsense here\n".repeat(200));
    refused(
        "access.log",
        broken.as_bytes(),
        "line 301 is no line of an access log: \"nonsense here\"",
    );
    // Some bad lines are left out.
    let (_, said) = learnt("access.log", format!("{good}nonsense\n").as_bytes(), &[]);
    assert!(
        said.contains("1 of 301 lines of the log could not be read"),
        "{said}"
    );
}

/// A dash is no duration of 0 s, and a negative one is none at all.
#[test]
fn durations_that_are_missing() {
    let dashes = access_log(|i| if i % 3 == 0 { " -" } else { " 50000" }.to_owned());
    let (ron, said) = learnt("access.log", dashes.as_bytes(), &[]);
    assert!(ron.contains("Io(\"50ms\")"), "{ron}");
    assert!(
        said.contains("100 of 300 lines of the log have no duration"),
        "{said}"
    );
    let negative = access_log(|i| if i % 10 == 0 { " -0.5" } else { " 0.050" }.to_owned());
    let (ron, said) = learnt("access.log", negative.as_bytes(), &[]);
    assert!(ron.contains("Io(\"50ms\")"), "{ron}");
    assert!(
        said.contains("30 of 300 lines of the log could not be read"),
        "{said}"
    );
    let all = access_log(|_| " -".to_owned());
    let (_, said) = learnt("access.log", all.as_bytes(), &[]);
    assert!(said.contains("has no durations"), "{said}");
}

/// Numbers in quotes behind the user agent are durations if most lines have one: a client may send one in a header.
#[test]
fn durations_in_quotes() {
    let most = access_log(|i| if i % 10 == 0 { " \"-\"" } else { " \"0.053\"" }.to_owned());
    let (ron, said) = learnt("access.log", most.as_bytes(), &[]);
    assert!(ron.contains("Io(\"53ms\")"), "{ron}");
    assert!(
        said.contains("30 of 300 lines of the log have no duration"),
        "{said}"
    );
    let few = access_log(|i| if i % 3 == 0 { " \"0.053\"" } else { " \"-\"" }.to_owned());
    let (_, said) = learnt("access.log", few.as_bytes(), &[]);
    assert!(said.contains("has no durations"), "{said}");
}

/// Servers log what is no request as well, and a scanner's connection may be the first line.
#[test]
fn logs_that_begin_with_junk() {
    let begin = "::1 - - [10/Oct/2025:13:00:00 +0000]";
    let junk = format!(
        "{begin} \"\\x16\\x03\\x01\\x00\" 400 150 \"-\" \"-\" 0.012\n{begin} \"-\" 408 0 \"-\" \"-\" 9.0\n"
    );
    let log = access_log(|_| " 0.050".to_owned());
    let (ron, said) = learnt("access.log", format!("{junk}{log}").as_bytes(), &[]);
    assert!(ron.contains("Io(\"50ms\")"), "{ron}");
    assert!(
        said.contains("2 of 302 lines of the log hold no request of HTTP"),
        "{said}"
    );
    refused(
        "access.log",
        junk.as_bytes(),
        "has no request with a method",
    );
    refused("access.log", b"what is this\n", "--format says what it is");
}

/// Routes without end are put together, and that is said.
#[test]
fn more_routes_than_classes() {
    let mut log = String::new();
    for i in 0..1000 {
        let _ = writeln!(
            log,
            "::1 - - [10/Oct/2025:13:{:02}:{:02} +0000] \"GET /p{i}x HTTP/1.1\" 200 1 \"-\" \"-\" 1000",
            i / 60,
            i % 60
        );
    }
    let (_, said) = learnt("access.log", log.as_bytes(), &[]);
    assert!(
        said.contains("the first 40 are classes, and 960 requests of others"),
        "{said}"
    );
}

/// What is taken for a table says so, and names no more columns than somebody reads.
#[test]
fn errors_of_long_lines_are_short() {
    let said = |content: &str| {
        let error = Trace::parse(content.as_bytes(), "x", &TraceOptions::default());
        error.unwrap_err().to_string()
    };
    for long in [
        vec!["column"; 5_000].join(","),
        format!("{},b", "a".repeat(50_000)),
        format!(
            "{{\"task\": 1, \"class\": \"a\", \"kind\": \"cpu\", \"lock\": [\"{}\"]}}",
            "a".repeat(50_000)
        ),
        format!(
            "{{\"speedscope\": 1, \"shared\": \"{}\"}}",
            "a".repeat(50_000)
        ),
        format!("{{\"resourceSpans\": \"{}\"}}", "a".repeat(50_000)),
    ] {
        let said = said(&long);
        assert!(said.len() < 800, "{} bytes: {said:.300}", said.len());
    }
    assert!(
        said("a,b\n").contains("read as CSV, the header line has no column task (it has a, b)")
    );
    assert!(said("a;b -5\n").contains("read as collapsed stacks, line 1 is no stack"));
    let deep = format!("{} 7\n", vec!["f (shop.py:1)"; 5_000].join(";"));
    let trace = read("raw.txt", format!("{deep}{deep}").as_bytes());
    assert_eq!(trace.rows[0].end, 140_000_000);
}

/// Of futexes the functions around them say whether a thread waits for a lock, or for the GIL.
#[test]
fn stacks_with_native_frames() {
    let stacks = "page (shop.py:2);pysleep (libpython3.13.so);clock_nanosleep (libc.so.6) 30
page (shop.py:3);Queue.get (queue.py:9);acquire (libpython3.13.so);PyThread_acquire_lock_timed (libpython3.13.so);futex_wait (libc.so.6) 10
page (shop.py:4);take_gil (libpython3.13.so);pthread_cond_timedwait (libc.so.6);futex_wait (libc.so.6) 7
page (shop.py:5) 3
";
    let trace = read("raw.txt", stacks.as_bytes());
    let steps: Vec<_> = trace
        .rows
        .iter()
        .map(|r| (r.kind, r.end - r.start))
        .collect();
    assert_eq!(
        steps,
        [(StepKind::Io, 400_000_000), (StepKind::Cpu, 100_000_000)]
    );
}

/// A request with an internal span, in which two clients' spans lie; the second one has a server's span in it.
fn spans() -> String {
    let span = |trace: u64, id: u64, parent: &str, name: &str, kind: &str, from: u64, to: u64| {
        let at = |ms: u64| (trace * 100 + ms) * 1_000_000;
        format!(
            r#"{{"traceId": "t{trace}", "spanId": "{id}", "parentSpanId": "{parent}", "name": "{name}", "kind": {kind}, "startTimeUnixNano": "{}", "endTimeUnixNano": {}}}"#,
            at(from),
            at(to)
        )
    };
    let mut out = String::new();
    for t in 1..=30 {
        let all = [
            span(t, 1, "", "GET /offers/{seed}", "2", 0, 60),
            span(t, 2, "1", "load", "1", 5, 45),
            span(t, 3, "2", "SELECT", "3", 10, 20),
            span(t, 4, "2", "GET", "\"SPAN_KIND_CLIENT\"", 20, 40),
            span(t, 5, "4", "GET /profile", "\"SPAN_KIND_SERVER\"", 22, 38),
            span(t, 6, "5", "SELECT", "3", 25, 30),
        ];
        let _ = writeln!(
            out,
            r#"{{"resourceSpans": [{{"resource": {{}}, "scopeSpans": [{{"spans": [{}]}}]}}]}}"#,
            all.join(",")
        );
    }
    out
}

#[test]
fn spans_become_steps() {
    use StepKind::{Cpu, Io};

    let trace = read("spans.jsonl", spans().as_bytes());
    assert_eq!(trace.classes, ["GET /offers/{seed}", "GET /profile"]);
    let steps = |task: u32| -> Vec<(StepKind, i64)> {
        let rows = trace.rows.iter().filter(|r| r.task == task);
        rows.map(|r| (r.kind, (r.end - r.start) / 1_000_000))
            .collect()
    };
    assert_eq!(steps(0), [(Cpu, 10), (Io, 10), (Io, 20), (Cpu, 20)]);
    assert_eq!(steps(1), [(Cpu, 3), (Io, 5), (Cpu, 8)]);
    let (ron, said) = learnt("spans.jsonl", spans().as_bytes(), &[]);
    assert!(ron.contains("Io(\"30ms\")"), "{ron}");
    assert!(said.contains("taken for Cpu"), "{said}");
}

#[test]
fn spans_that_are_hostile() {
    // A parent that is its own ancestor, a span without times, and one whose end is before its start.
    let cycle = r#"{"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "a", "spanId": "1", "parentSpanId": "2", "name": "x", "kind": 3, "startTimeUnixNano": "5", "endTimeUnixNano": "9"},
        {"traceId": "a", "spanId": "2", "parentSpanId": "1", "name": "y", "kind": 1, "startTimeUnixNano": "5", "endTimeUnixNano": "9"},
        {"traceId": "a", "spanId": "3", "name": "z"},
        {"traceId": "a", "spanId": "4", "name": "z", "startTimeUnixNano": "9", "endTimeUnixNano": "5"}]}]}]}"#;
    refused(
        "spans.json",
        cycle.as_bytes(),
        "there is no span with a start and an end",
    );
    refused(
        "spans.json",
        b"{\"resourceSpans\": [{",
        "the spans cannot be read",
    );
    let deep = format!("{{\"resourceSpans\": {}", "[".repeat(100_000));
    refused("spans.json", deep.as_bytes(), "the spans cannot be read");
}

const RAW: &str = "MainThread (thread 1);<module> (/app/shop.py:9);main (/app/shop.py:7);page (/app/shop.py:3);parse (/usr/lib/python3.13/html.py:8) 60
MainThread (thread 1);<module> (/app/shop.py:9);main (/app/shop.py:7);page (/app/shop.py:2);read (/usr/lib/python3.13/ssl.py:8) 40
MainThread (thread 1);<module> (/app/shop.py:9);main (/app/shop.py:6) 5
";

#[test]
fn stacks_of_py_spy() {
    let (ron, said) = learnt(
        "raw.txt",
        RAW.as_bytes(),
        &["--task", "page", "--count", "20"],
    );
    assert!(
        ron.contains("name: \"page\"") && ron.contains("count: 20"),
        "{ron}"
    );
    assert!(
        ron.contains("Io(\"20ms\")") && ron.contains("Cpu(\"30ms\")"),
        "{ron}"
    );
    assert!(said.contains("a profile holds sums"), "{said}");
    let (ron, said) = learnt("raw.txt", RAW.as_bytes(), &[]);
    assert!(
        ron.contains("name: \"main\"") && said.contains("--count"),
        "{ron}{said}"
    );
    refused(
        "raw.txt",
        format!("{RAW}oops\n").as_bytes(),
        "line 4 is no stack",
    );
}

#[test]
fn speedscope_sampled_and_evented() {
    let sampled = r#"{"$schema": "https://www.speedscope.app/file-format-schema.json",
        "shared": {"frames": [{"name": "page", "file": "shop.py"}, {"name": "sleep", "file": ""}, {"name": "parse", "file": "shop.py"}]},
        "profiles": [{"type": "sampled", "name": "T", "unit": "milliseconds", "startValue": 0, "endValue": 30,
            "samples": [[0, 1], [0, 2], [0, 9]], "weights": [20, 10, 0]}]}"#;
    refused("p.json", sampled.as_bytes(), "there is no frame 9");
    let (ron, _) = learnt(
        "p.json",
        sampled.replace(", [0, 9]", "").as_bytes(),
        &["--count", "2"],
    );
    assert!(
        ron.contains("Io(\"10ms\")") && ron.contains("Cpu(\"5ms\")"),
        "{ron}"
    );
    let event = |kind: &str, frame: u32, at: u32| {
        format!(r#"{{"type": "{kind}", "frame": {frame}, "at": {at}}}"#)
    };
    let mut events = Vec::new();
    for call in 0..12 {
        let at = call * 10;
        events.extend([
            event("O", 0, at),
            event("O", 1, at + 1),
            event("C", 1, at + 7),
            event("C", 0, at + 9),
        ]);
    }
    let evented = |events: &str| {
        format!(
            r#"{{"$schema": "speedscope", "shared": {{"frames": [{{"name": "page", "file": "shop.py"}}, {{"name": "sleep"}}]}},
            "profiles": [{{"type": "evented", "name": "T", "unit": "milliseconds", "startValue": 0, "endValue": 1, "events": [{events}]}}]}}"#
        )
    };
    let (ron, said) = learnt("p.json", evented(&events.join(",")).as_bytes(), &[]);
    assert!(
        ron.contains("count: 12") && !said.contains("--count"),
        "{ron}{said}"
    );
    assert!(
        ron.contains("Io(\"6ms\")") && ron.contains("Cpu(\"3ms\")"),
        "{ron}"
    );
    refused(
        "p.json",
        evented(&event("C", 0, 1)).as_bytes(),
        "a function ends that is not the last",
    );
    let deep = vec![event("O", 0, 1); 3_000].join(",");
    refused("p.json", evented(&deep).as_bytes(), "nest deeper");
}

/// What cProfile writes on every CPython that is found.
#[test]
fn profiles_of_cprofile() {
    let program = "import cProfile, time\ndef page(n):\n    time.sleep(0.01)\n    return sum(i * i for i in range(2000))\ndef main():\n    \
                   [page(n) for n in range(20)]\ncProfile.run('main()', 'p.prof')\n";
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("shop.py"), program).unwrap();
    for python in discover().0.into_iter().map(|i| i.path) {
        made(&python, dir.path());
        let bytes = std::fs::read(dir.path().join("p.prof")).unwrap();
        let (ron, said) = learnt("p.prof", &bytes, &[]);
        assert!(
            ron.contains("name: \"page\"") && ron.contains("count: 20"),
            "{ron}"
        );
        assert!(ron.contains("Io(\"1") && ron.contains("Cpu("), "{ron}");
        assert!(said.contains("page is taken for the task"), "{said}");
        let (ron, _) = learnt("p.prof", &bytes, &["--task", "main"]);
        assert!(
            ron.contains("name: \"main\"") && ron.contains("count: 1"),
            "{ron}"
        );
        refused("p.prof", &bytes[..bytes.len() / 2], "the profile");
    }
    // Code objects, which Python's own reader would make, are none of a profile's.
    refused(
        "p.prof",
        b"\xfb\xa9\x03c\x00\x00\x00\x00",
        "holds something that no profile has",
    );
    refused("p.prof", b"\xfb\xa9\xff", "is cut off");
}

fn made(python: &Path, dir: &Path) {
    let run = tool(python, dir).arg("shop.py").output().unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}
