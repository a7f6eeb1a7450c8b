//! Timelines: charts of recorded runs, whose shares agree with the recording; charts of recordings made by hand.

use pchsim::charts::figure::Gantt;
use pchsim::charts::figure::palette::Theme;
use pchsim::charts::plot;
use pchsim::cpython::recording::{
    GilHold, ProcessRecord, RecordOptions, Recording, TapeState, TaskRecord, ThreadRecord,
    ThreadSpan,
};
use pchsim::engine::Nanos;
use pchsim::result::{Saved, Timeline, read};
use pchsim::scenario::{Arrivals, Step};
use pchsim::strategy::{Cause, record};
use pchsim::syntax::parse_strategy;
use pchsim::traces::timeline::{
    ChartLayout, GanttLimits, TimelineHeader, chart, drawn, gantt, page, timeline,
};
use predicates::prelude::*;

use crate::common::{Case, class, cpu, io, machine, ms, profile, workload};
use crate::world::{World, pchsim, words};

const ALL: GanttLimits = GanttLimits {
    rows: 0,
    spans: 0,
    choose: false,
};

const WIDE: ChartLayout = ChartLayout {
    width: 100,
    unicode: true,
};

/// A batch in a world without overheads, on two cores, recorded.
fn recorded(steps: Vec<Step>, count: u64, strategy: &str, window: (Nanos, Nanos)) -> Recording {
    let workload = workload(Arrivals::Batch, vec![class(count, steps)]);
    let strategy = parse_strategy(strategy).unwrap().strategy;
    let case = Case::new(machine(2), profile(true), workload, strategy);
    let options = RecordOptions {
        window,
        most_spans: 100_000,
    };
    let (outcome, recording) = record(&case.input(), options).unwrap();
    assert_eq!(outcome.end, case.run().end);
    recording
}

fn said(recording: &Recording, shown: GanttLimits, layout: ChartLayout) -> String {
    let head = TimelineHeader {
        scenario: "test",
        strategy: "threads",
        interpreter: "free",
        replication: 0,
        seed: 1,
        chosen: false,
        ended: None,
    };
    let (chart, hidden) = gantt(recording, shown);
    page(&head, recording, &chart, hidden, layout)
}

#[test]
fn threads_and_their_gil() {
    let steps = vec![io(ms(4)), cpu(ms(20))];
    let r = recorded(steps, 3, "threads:3", (Nanos::ZERO, Nanos::MAX));
    insta::assert_snapshot!("threads", said(&r, ALL, WIDE));
    let ascii = ChartLayout {
        width: 70,
        unicode: false,
    };
    let text = said(
        &r,
        GanttLimits {
            rows: 4,
            spans: 0,
            ..ALL
        },
        ascii,
    );
    assert!(
        text.is_ascii() && text.lines().all(|l| l.len() <= 100),
        "{text}"
    );
    insta::assert_snapshot!("threads_in_ascii", text);
}

#[test]
fn charts_at_the_widths_of_terminals() {
    let steps = vec![io(ms(4)), cpu(ms(20))];
    let r = recorded(steps, 3, "threads:3", (Nanos::ZERO, Nanos::MAX));
    for width in [80, 120] {
        let layout = ChartLayout {
            width,
            unicode: true,
        };
        insta::assert_snapshot!(format!("threads_at_{width}"), said(&r, ALL, layout));
    }
}

/// Rows that run are shown before idle ones, and the window is where they run.
#[test]
fn the_busy_rows_and_the_busy_time_are_shown() {
    // Tasks that wait for a second and then meet: three in a hundred of the time.
    let steps = vec![io(ms(1000)), cpu(ms(2)), io(ms(5)), cpu(ms(1))];
    let r = recorded(steps, 12, "threads:12", (Nanos::ZERO, Nanos::MAX));
    let chosen = GanttLimits {
        rows: 8,
        spans: 0,
        choose: true,
    };
    let (chart, hidden) = gantt(&r, chosen);
    let (from, to) = chart.window;
    assert!(from >= 0.9 && to - from < 0.2, "{from} to {to}");
    assert!(hidden > 0);
    let busy = |r: &pchsim::charts::figure::GanttRow| -> f64 {
        let running = r.spans.iter().filter(|s| {
            let name = &chart.kinds[s.kind].name;
            name.starts_with("running") || name.starts_with("holding")
        });
        running.map(|s| s.to - s.from).sum()
    };
    assert!(
        chart.rows.iter().all(|r| busy(r) > 0.0),
        "{:?}",
        chart
            .rows
            .iter()
            .map(|r| (&r.label, busy(r)))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_loop() {
    let steps = vec![io(ms(10)), cpu(ms(6)), io(ms(5)), cpu(ms(2))];
    let r = recorded(steps, 3, "asyncio", (Nanos::ZERO, Nanos::MAX));
    insta::assert_snapshot!("asyncio", said(&r, ALL, WIDE));
}

#[test]
fn processes() {
    let steps = vec![
        Step::PayloadIn(1_000_000),
        cpu(ms(15)),
        Step::PayloadOut(100),
    ];
    let r = recorded(steps, 5, "processes:2:fork", (Nanos::ZERO, Nanos::MAX));
    insta::assert_snapshot!("processes", said(&r, ALL, WIDE));
}

#[test]
fn shares_are_those_of_the_recording() {
    let steps = vec![io(ms(3)), cpu(ms(7))];
    for strategy in [
        "threads:3",
        "asyncio",
        "processes:2:fork",
        "asyncio+threads:2",
    ] {
        let r = recorded(steps.clone(), 4, strategy, (ms(2), ms(17)));
        let (figure, hidden) = gantt(&r, ALL);
        assert_eq!(hidden, 0);
        let all = r.end.min(ms(17)) - ms(2);
        let text = chart(&figure, WIDE).join("\n");
        for core in 0..2 {
            let on_core = |s: &&ThreadSpan| s.doing == TapeState::OnCore(core);
            let busy: u64 = r
                .spans
                .iter()
                .filter(on_core)
                .map(|s| (s.to - s.from).0)
                .sum();
            let row = &figure.rows[core as usize];
            let drawn: f64 = row.spans.iter().map(|s| s.to - s.from).sum();
            assert!(
                (drawn - busy as f64 / 1e9).abs() < 1e-9,
                "{strategy}: {drawn} of {busy}"
            );
            let share = 100.0 * busy as f64 / all.0 as f64;
            let line = text
                .lines()
                .find(|l| l.contains(&format!("core {core}")))
                .unwrap();
            let said: f64 = line
                .rsplit('│')
                .next()
                .unwrap()
                .trim()
                .trim_end_matches('%')
                .parse()
                .unwrap();
            assert!(
                (said - share).abs() <= 0.51,
                "{strategy}: {line} of {share}"
            );
        }
        let held: u64 = r
            .gil_holds
            .iter()
            .filter(|h| h.gil == 0)
            .map(|h| (h.to - h.from).0)
            .sum();
        if let Some(row) = figure.rows.iter().find(|r| r.label == "GIL") {
            let drawn: f64 = row.spans.iter().map(|s| s.to - s.from).sum();
            assert!((drawn - held as f64 / 1e9).abs() < 1e-9, "{strategy}");
        }
        in_order(&figure);
    }
}

/// Spans of a row follow one another, within the window.
fn in_order(figure: &Gantt) {
    for row in &figure.rows {
        let mut last = figure.window.0;
        for span in &row.spans {
            assert!(span.from >= last && span.to > span.from, "{row:?}");
            assert!(span.kind < figure.kinds.len());
            last = span.to;
        }
        assert!(last <= figure.window.1, "{row:?}");
    }
}

/// Two threads of one process that take turns with the GIL every 5 ms.
fn by_hand(turns: u64) -> Recording {
    let thread = |name: &str| ThreadRecord {
        process: 0,
        name: name.into(),
        started: Nanos::ZERO,
        exited: None,
    };
    let task = |number| TaskRecord {
        number,
        class: "page".into(),
        parent: None,
        arrived: Nanos::ZERO,
        hops: Vec::new(),
        ended: None,
    };
    let mut r = Recording {
        window: (Nanos::ZERO, Nanos::MAX),
        end: ms(5 * turns),
        cores: 2,
        processes: vec![ProcessRecord {
            name: "MainProcess".into(),
            started: Nanos::ZERO,
        }],
        threads: vec![thread("a"), thread("b")],
        tasks: vec![task(0), task(1)],
        ..Recording::default()
    };
    for turn in 0..turns {
        let (from, to) = (ms(5 * turn), ms(5 * turn + 5));
        let holder = u32::try_from(turn % 2).unwrap();
        r.gil_holds.push(GilHold {
            gil: 0,
            thread: holder,
            from,
            to,
        });
        for t in 0..2 {
            let (doing, cause) = if t == holder {
                (TapeState::OnCore(t), Cause::Running)
            } else {
                (TapeState::Blocked, Cause::Gil)
            };
            r.spans.push(ThreadSpan {
                thread: t,
                from,
                to,
                doing,
                cause,
                pickling: false,
                task: Some(t),
                counted: true,
            });
        }
    }
    r
}

#[test]
fn windows_are_cut_and_rows_are_chosen() {
    let r = by_hand(40);
    let (whole, _) = gantt(&r, ALL);
    let spans = |g: &Gantt| g.rows.iter().map(|r| r.spans.len()).sum::<usize>();
    assert_eq!(spans(&whole), 20 + 20 + 40 + 40 + 40);
    let (cut, _) = gantt(
        &r,
        GanttLimits {
            rows: 0,
            spans: 50,
            ..ALL
        },
    );
    assert!(spans(&cut) <= 50 && spans(&cut) > 40, "{}", spans(&cut));
    assert!(cut.window.1 < whole.window.1);
    in_order(&cut);
    let (few, hidden) = gantt(
        &r,
        GanttLimits {
            rows: 3,
            spans: 0,
            ..ALL
        },
    );
    assert_eq!((few.rows.len(), hidden), (3, 2));
    let labels: Vec<&str> = few.rows.iter().map(|r| r.label.as_str()).collect();
    assert_eq!(labels, ["core 0", "GIL", "a"]);
    let nothing = Recording {
        cores: 1,
        ..Recording::default()
    };
    let (empty, _) = gantt(&nothing, ALL);
    assert!(chart(&empty, WIDE).len() > 3);
}

#[test]
fn a_timeline_is_read_back_as_it_was() {
    let timeline = timeline(&by_hand(6));
    let text = serde_json::to_string(&timeline).unwrap();
    let back: Timeline = serde_json::from_str(&text).unwrap();
    assert_eq!(back, timeline);
    assert!(text.contains("[0.0,0.005,0,\"page #1 in a\"]"), "{text}");
}

#[test]
fn a_timeline_is_drawn() {
    let head = TimelineHeader {
        scenario: "test",
        strategy: "threads:2",
        interpreter: "free",
        replication: 0,
        seed: 1,
        chosen: false,
        ended: None,
    };
    let r = by_hand(4);
    let (chart, hidden) = gantt(&r, ALL);
    let figure = drawn(&head, &r, chart, hidden);
    let svg = plot::svg(&figure, Theme::Light).unwrap();
    assert!(svg.contains("threads:2 on free") && svg.contains("waiting for the GIL"));
    // Without the bytes of its fonts.
    let parts = svg.split("base64,").enumerate();
    let bare: String = parts
        .map(|(i, part)| match part.find(')').filter(|_| i > 0) {
            Some(end) => format!("base64,...{}", &part[end..]),
            None => part.to_owned(),
        })
        .collect();
    insta::assert_snapshot!("svg", bare);
}

#[test]
fn results_have_timelines() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("r.json");
    pchsim()
        .args([
            "run",
            "scraper",
            "--replications",
            "1",
            "--format",
            "json",
            "-o",
        ])
        .arg(&file)
        .args([
            "--strategy",
            "threads:32",
            "--strategy",
            "asyncio",
            "--interpreter",
            "cpython-3.14",
        ])
        .assert()
        .code(0);
    let text = std::fs::read_to_string(&file).unwrap();
    let Saved::Study(run) = read(&text, "r.json").unwrap() else {
        panic!("a run")
    };
    assert_eq!(run.forecasts.len(), 2);
    for case in &run.forecasts {
        let t = case.detail.timeline.as_ref().unwrap();
        let spans: usize = t.rows.iter().map(|r| r.spans.len()).sum();
        assert!(spans <= 400 && t.rows.len() <= 24, "{spans} spans");
        assert!(spans > 50, "{spans} spans to {} s", t.to_s);
        // Not a second of idling: something runs for a tenth of the window at least.
        let ran = t.rows.iter().flat_map(|r| &r.spans);
        let ran = ran.filter(|s| t.kinds[s.2].name.starts_with("running"));
        let ran: f64 = ran.map(|s| s.1 - s.0).sum();
        assert!(
            ran > 0.1 * (t.to_s - t.from_s),
            "{ran} s of {} to {}",
            t.from_s,
            t.to_s
        );
        for row in &t.rows {
            assert!(row.spans.windows(2).all(|w| w[0].1 <= w[1].0), "{row:?}");
        }
    }
    let many = run
        .forecasts
        .iter()
        .find(|c| c.strategy == "threads:32")
        .unwrap();
    assert!(many.detail.timeline.as_ref().unwrap().hidden_rows > 8);
}

#[test]
fn the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let draw = [
        "timeline",
        "scraper",
        "--strategy",
        "threads:3",
        "--window",
        "1s..1050ms",
        "-o",
    ];
    for (name, magic) in [("t.png", &b"\x89PNG"[..]), ("t.svg", b"<svg")] {
        let file = dir.path().join(name);
        pchsim().args(draw).arg(&file).assert().code(0).stdout("");
        let bytes = std::fs::read(&file).unwrap();
        assert!(
            bytes.windows(magic.len()).take(200).any(|w| w == magic),
            "{name}"
        );
        pchsim().args(draw).arg(&file).assert().code(2);
    }
    pchsim()
        .args([
            "timeline",
            "scraper",
            "--strategy",
            "threads:4",
            "--window",
            "1s..1050ms",
        ])
        .assert()
        .code(0)
        .stdout(predicate::str::contains("1.00 s to 1.05 s").and(predicate::str::contains("GIL")));
    pchsim()
        .args(["timeline", "scraper", "--strategy", "threads:32", "--ascii"])
        .assert()
        .code(0)
        .stdout(
            predicate::str::contains("where most runs and waits")
                .and(predicate::str::contains("#")),
        );
    for (line, what) in [
        (vec!["timeline", "scraper", "--window", "5ms"], "two dots"),
        (
            vec!["timeline", "scraper", "--from", "5ms", "--to", "5ms"],
            "before it begins",
        ),
        (
            vec!["timeline", "scraper", "--from", "5000s"],
            "the run ends at",
        ),
        (vec!["timeline", "scraper", "-o", "out.gif"], ".svg or .png"),
        (
            vec!["timeline", "scraper", "--from", "1s", "--window", "1s..2s"],
            "cannot be used with",
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

/// A run that stands still says so, since when, and what shows who waits for whom.
#[test]
fn a_deadlock_is_said_beside_the_chart() {
    let take = |a: &str, b: &str| format!(r#"Lock("{a}", [Io("5ms"), Lock("{b}", [Cpu("1ms")])])"#);
    let text = format!(
        r#"(schema: 1, name: "x", interpreters: ["cpython-3.14"], workload: (arrivals: Batch, locks: {{"a": (), "b": ()}},
        tasks: [(name: "l", steps: [{}]), (name: "r", steps: [{}])]))"#,
        take("a", "b"),
        take("b", "a")
    );
    let world = World::with("x.ron", text);
    let run = |line: &str| {
        let said = world.told(line, 0);
        words(&(said.out + &said.err))
    };
    let said = run("timeline x.ron --strategy threads:2 --seed 3");
    for part in [
        "the run stands still from 5.",
        "in a deadlock: l #1 waits at step 3 of 4: lock 'b', which r #2 has; r #2 waits",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The command shows how it ended.
    let (_, command) = said.split_once("who waits for what: pchsim ").unwrap();
    let (command, _) = command.split_once("ms ").unwrap();
    assert!(
        command.contains("--strategy threads:2 --seed 3 --at "),
        "{command}"
    );
    assert!(run(&format!("{command}ms")).contains("this is how it ended"));
    let said = run("run x.ron --strategy threads:2 --trace t.json");
    assert!(
        said.contains("threads:2 on cpython-3.14: the run stands still from"),
        "{said}"
    );
    // Nothing of the kind where all is well.
    let said = run("timeline scraper --strategy threads:4");
    assert!(!said.contains("the run "), "{said}");
}
