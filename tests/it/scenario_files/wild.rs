//! Texts that nobody would write: mutated scenarios, overrides and strategies, read and run without a panic.

use std::path::Path;

use pchsim::syntax::{Severity, check, embedded, parse, parse_strategy, render};
use proptest::prelude::*;

use super::set;

/// A shipped scenario with some of its bytes cut, doubled or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "\"",
        ",",
        ":",
        "-",
        "0",
        "1e999",
        "NaN",
        "inf",
        "None",
        "Some(",
        "//",
        "/*",
        "\\",
        "\u{feff}",
        "µ",
        "99999999999999999999999999999999999999999",
        "Repeat(1000000, [",
        "\"5 parsecs\"",
        "Lock(\"x\", [",
        "r#\"",
        "-1",
        "0x",
        "'a'",
        "\0",
    ]);
    let edit = (0.0..1.0_f64, 0..40_usize, pieces);
    (0..embedded::ALL.len(), prop::collection::vec(edit, 1..6)).prop_map(|(which, edits)| {
        let mut text: Vec<char> = embedded::ALL[which].text.chars().collect();
        for (at, len, piece) in edits {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in a short text"
            )]
            let start = (at * text.len() as f64) as usize;
            let end = (start + len).min(text.len());
            text.splice(start.min(end)..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

/// A shipped scenario with some of its words and numbers replaced by others: most are wrong, and some are not.
fn changed() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "0",
        "1",
        "2",
        "7",
        "100_000",
        "99_999_999",
        "1e9",
        "0.5",
        "1e-6",
        "\"0\"",
        "\"1ns\"",
        "\"1s\"",
        "\"1000d\"",
        "\"1B\"",
        "\"1MB\"",
        "\"1000TB\"",
        "\"64GiB\"",
        "\"1/s\"",
        "\"1000000000/s\"",
        "true",
        "None",
        "Batch",
        "Closed(users: 3, count: 9)",
        "Poisson(rate: 1e9, count: 9)",
        "Exponential(\"1000d\")",
        "Pareto(least: \"1ns\", shape: 0.001)",
        "Cpu(\"1000d\")",
        "Io(\"0\")",
        "Fail(1.0)",
        "FanOut(count: 1_000, steps: [Cpu(\"1ms\")])",
        "Repeat(100_000, [Io(\"1ns\")])",
        "Sequential",
        "Threads",
        "\"threads:per-task\"",
        "\"asyncio\"",
        "\"prefork:3(asyncio)\"",
        "\"processes:2:spawn\"",
        "Native(\"1us\")",
        "PayloadIn(\"64GiB\")",
        "Allocate(10_000_000_000)",
    ]);
    let edit = (0.0..1.0_f64, words);
    (0..embedded::ALL.len(), prop::collection::vec(edit, 1..4)).prop_map(|(which, edits)| {
        let mut text = embedded::ALL[which].text.to_owned();
        for (place, word) in edits {
            let values = values(&text);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in a short list"
            )]
            let range = values[(place * values.len() as f64) as usize].clone();
            text.replace_range(range, word);
        }
        text
    })
}

/// Where values stand in a text: numbers and strings after a colon, a bracket or a comma.
fn values(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    for (at, before) in text.match_indices(['(', '[', ':', ',']) {
        let start = at + before.len();
        let start = start + (text[start..].len() - text[start..].trim_start().len());
        let rest = &text[start..];
        let len = if let Some(inner) = rest.strip_prefix('"') {
            inner.find('"').map_or(0, |n| n + 2)
        } else {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
                .unwrap_or(0)
        };
        if len > 0 && !rest[len..].starts_with([':', '(']) {
            found.push(start..start + len);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(text in mutated()) {
        let (scenario, diagnostics) = check(&text, Path::new("wild"), &[]);
        let _ = render(&diagnostics, false);
        prop_assert!(scenario.is_some() || diagnostics.iter().any(|d| d.severity == Severity::Error));
        for d in &diagnostics {
            prop_assert!(d.span.start <= d.span.end && d.span.end <= d.source.text.len(), "{d:?}");
        }
    }

    #[test]
    fn no_override_makes_it_panic(path in "[a-z\\[\\]0-9.]{0,30}", value in ".{0,20}", real in prop::sample::select(vec![
        "machine", "machine.cores", "workload", "workload.tasks[0]", "workload.tasks[0].steps[0]", "strategies", "strategies[0]", "seed", "schema",
    ])) {
        let overrides = set(&[(real, &value), (&path, &value)]);
        for one in overrides.iter().map(std::slice::from_ref).chain([&overrides[..]]) {
            if let Err(d) = parse(embedded::ALL[0].text, Path::new("wild"), one) {
                let _ = render(&d, true);
            }
        }
    }

    #[test]
    fn no_strategy_text_makes_it_panic(text in "[a-zA-Z:+@(){}\", 0-9]{0,40}") {
        if let Err(d) = parse_strategy(&text) {
            let _ = d.render(true);
        }
    }

    /// What is accepted here is accepted as RON by others.
    #[test]
    fn accepted_texts_are_ron(text in mutated()) {
        let (scenario, _) = check(&text, Path::new("wild"), &[]);
        if scenario.is_some() {
            let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
            prop_assert!(options.from_str::<ron::Value>(text.trim_start_matches('\u{feff}')).is_ok(), "{text}");
        }
    }
}

/// Broken scenarios that are still accepted run a little way without a panic, under every strategy that they name.
#[test]
fn wild_scenarios_that_are_accepted_can_be_simulated() {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config {
        cases: 1_500,
        failure_persistence: None,
        ..Config::default()
    };
    let ran = std::cell::Cell::new(0_u32);
    TestRunner::new_with_rng(config, rng)
        .run(&changed(), |text| {
            let (scenario, diagnostics) = check(&text, Path::new("wild"), &[]);
            let _ = render(&diagnostics, false);
            let Some(scenario) = scenario else {
                return Ok(());
            };
            let profiles: Result<Vec<_>, _> = scenario
                .interpreters
                .iter()
                .map(|i| pchsim::profiles::find(i))
                .collect();
            let Ok(profiles) = profiles else {
                return Ok(());
            };
            let options = pchsim::study::Options {
                replications: Some(1),
                max_events: 300,
                threads: Some(1),
                ..pchsim::study::Options::default()
            };
            let study = pchsim::study::run_study(
                &scenario,
                &profiles,
                &options,
                pchsim::strategy::simulate,
                &|_| {},
            );
            if let Ok(study) = study {
                let _ = pchsim::report::text(&study, pchsim::layout::Style::default());
                let _ = pchsim::result::json(&study);
                ran.set(ran.get() + 1);
            }
            Ok(())
        })
        .unwrap();
    assert!(
        ran.get() > 100,
        "{} of the texts could be simulated",
        ran.get()
    );
}
