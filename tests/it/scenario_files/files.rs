//! A corpus of broken scenarios with what is said about each, texts that are hard to read, and traces beside a scenario.

use std::fs;
use std::path::Path;

use pchsim::engine::Nanos;
use pchsim::scenario::Arrivals;
use pchsim::syntax::{Code, check, load, parse, render};

use super::minimal;

/// Every file of the corpus is refused (or warned about), and what is said is on record.
#[test]
fn broken_files_are_explained() {
    let mut files: Vec<_> = fs::read_dir("tests/data/bad")
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "ron"))
        .collect();
    files.sort();
    assert!(files.len() >= 30, "{} files", files.len());
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let diagnostics = match pchsim::syntax::read(&file.to_string_lossy()) {
            Ok((text, origin)) => {
                let (scenario, diagnostics) = check(&text, &origin, &[]);
                assert_eq!(
                    scenario.is_some(),
                    name.starts_with("warn-"),
                    "{name}\n{}",
                    render(&diagnostics, false)
                );
                diagnostics
            }
            Err(d) => vec![d],
        };
        assert!(!diagnostics.is_empty(), "{name}");
        for d in diagnostics.iter().filter(|d| d.code == Code::Limit) {
            super::names_a_limit(d);
        }
        insta::assert_snapshot!(name, render(&diagnostics, false));
    }
}

/// The tasks of a trace are the workers' own, who are not watched then.
#[test]
fn nobody_connects_for_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.csv");
    fs::write(&trace, "at_s,class\n0,a\n").unwrap();
    let said = |strategy: &str| {
        let text = minimal(
            &format!("Trace({:?})", trace.to_string_lossy()),
            r#"[Io("1s")]"#,
        );
        let end = text.rfind(')').unwrap();
        let text = format!(
            "{}, strategies: [{strategy:?}])",
            &text[..end].trim_end().trim_end_matches(',')
        );
        let (scenario, all) = check(&text, Path::new("t.ron"), &[]);
        assert!(scenario.is_some(), "{}", render(&all, false));
        all.iter()
            .map(|d| (d.code, d.message.to_string()))
            .collect::<Vec<_>>()
    };
    for (strategy, word) in [
        ("gunicorn:2:sync:timeout=5s", "`timeout`"),
        ("gunicorn:2:sync:graceful-timeout=5s", "`timeout`"),
        ("gunicorn:2:sync:backlog=64", "`backlog`"),
        ("prefork:2:timeout=5s(sequential)", "`timeout`"),
    ] {
        let [(code, why)] = &said(strategy)[..] else {
            panic!("{strategy}: {:?}", said(strategy));
        };
        assert_eq!(*code, Code::NoEffect);
        assert!(why.starts_with(word), "{why}");
    }
    assert_eq!(said("gunicorn:2:sync"), []);
}

#[test]
fn what_is_no_file_is_explained() {
    let say = |target: &str| render(&load(target, &[]).unwrap_err(), false);
    insta::assert_snapshot!([say("scrapper"), say("no/such/api.ron"), say("scenarios")].join("\n"));
    let cut = parse("(schema: 1, name: \"x", Path::new("t"), &[]).unwrap_err();
    assert_eq!(cut[0].code, Code::Syntax);
    for blank in ["", "  \n", "// only a comment\n", "\u{feff}"] {
        assert_eq!(
            parse(blank, Path::new("t"), &[]).unwrap_err()[0].code,
            Code::EmptyFile,
            "{blank:?}"
        );
    }
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("A(", ")"),
        ("Some(", ")"),
        ("{\"a\": ", "}"),
        ("/*", "*/"),
    ] {
        for text in [
            open.repeat(200_000),
            format!("{}{}", open.repeat(200_000), close.repeat(200_000)),
        ] {
            assert!(parse(&text, Path::new("t"), &[]).is_err());
        }
    }
    let deep = |n: usize| {
        minimal(
            "Batch",
            &format!(
                "{}[Cpu(\"1ms\")]{}",
                "[Repeat(1, ".repeat(n),
                ")]".repeat(n)
            ),
        )
    };
    assert!(parse(&deep(15), Path::new("t"), &[]).is_ok());
    let refused = parse(&deep(16), Path::new("t"), &[]).unwrap_err();
    assert!(refused[0].message.contains("MAX_STEP_DEPTH"), "{refused:?}");
}

/// Megabytes of nonsense are refused in a second or two each (most of it for drawing the excerpts), and in few words.
#[test]
fn large_nonsense_is_refused_quickly() {
    let long = "a".repeat(1_500_000);
    let texts = [
        minimal("Batch", &format!("[Cpu(\"{}\")]", "9".repeat(3_000_000))),
        minimal("Batch", &format!("[{}]", "x,".repeat(1_500_000))),
        minimal("Batch", &format!("[{}]", "Io(\"1s\"),\n".repeat(300_000))),
        minimal("Batch", &format!("[Lock(\"{long}\", [Cpu(\"1ms\")])]"))
            .replace("tasks:", &format!("locks: [\"{long}b\"], tasks:")),
        format!("(schema: 1, {})", "a: 1, ".repeat(500_000)),
        "9".repeat(4_000_000),
        "\"".to_string() + &"\n".repeat(4_000_000),
        " ".repeat(5_000_000),
    ];
    let start = std::time::Instant::now();
    for (i, text) in texts.iter().enumerate() {
        let errors = parse(text, Path::new("t"), &[]).unwrap_err();
        assert!(errors.len() <= 50);
        let said = render(&errors, false);
        assert!(said.len() < 200_000, "{i}: {}", said.len());
        // Far more than it takes, for slow and busy machines.
        assert!(start.elapsed().as_secs() < 60, "{i}");
    }
}

#[test]
fn traces_are_read_beside_the_scenario() {
    let dir = tempfile::tempdir().unwrap();
    let origin = dir.path().join("scenario.ron");
    fs::write(dir.path().join("t.json"), r#"[[0.5, [["io", 0.003], ["cpu", 5.0]]], [0.25, [["io", 0.001], ["cpu", 4.0]]], [1, "a"]]"#).unwrap();
    fs::write(dir.path().join("t.csv"), "at_s,class\n0.5,a\n0.25,a\n").unwrap();
    let read = |file: &str| {
        parse(
            &minimal(
                &format!("Trace(\"{file}\")"),
                r#"[Repeat(1, [Io("1s")]), Cpu("1s")]"#,
            ),
            &origin,
            &[],
        )
    };
    let Arrivals::Trace(tasks) = read("t.json").unwrap().workload.arrivals else {
        panic!("a trace")
    };
    assert_eq!(
        (tasks[0].at, tasks[1].at),
        (Nanos::from_millis(250), Nanos::from_millis(500))
    );
    assert_eq!(
        tasks[1].demands,
        [Nanos::from_millis(3), Nanos::from_millis(5)]
    );
    assert!(tasks[2].demands.is_empty());
    let Arrivals::Trace(tasks) = read("t.csv").unwrap().workload.arrivals else {
        panic!("a trace")
    };
    assert_eq!(tasks.len(), 2);
    for (name, text) in [
        ("b1.json", "[[0.5, [[\"cpu\", 5.0]]]]"),
        ("b2.json", "[[-1, \"a\"]]"),
        ("b3.json", "[[1, \"b\"]]"),
        ("b4.json", "{}"),
        ("b5.json", "[]"),
        ("b6.json", "[[1, [[\"io\", 1e400]]]]"),
        ("b7.csv", "at,class\n"),
        ("b8.csv", "at_s,class\nx,a\n"),
        ("b9.csv", "at_s,class\n1,a,3\n"),
        ("b10.csv", "at_s,class\nNaN,a\n"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
        assert_eq!(
            read(name).expect_err(name)[0].code,
            Code::BadTrace,
            "{name}"
        );
    }
    assert_eq!(read("missing.json").unwrap_err()[0].code, Code::CannotRead);
}

#[test]
fn the_reference_traces_can_be_read() {
    let dir = Path::new("tests/data/reference");
    if !dir.join("trace-open60.json").exists() {
        return;
    }
    let text = minimal("Trace(\"trace-open60.json\")", r#"[Io("1s"), Cpu("1s")]"#);
    let s = parse(&text, &dir.join("scenario.ron"), &[]).unwrap();
    assert!(matches!(s.workload.arrivals, Arrivals::Trace(t) if t.len() > 100));
}
