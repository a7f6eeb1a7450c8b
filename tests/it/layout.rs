//! Nothing that is printed is wider than the line: every shipped scenario through every report at 40 to 200 columns, and names that nobody
//! would choose.

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::layout;
use pchsim::layout::Style;
use pchsim::layout::{Column, width};
use pchsim::live::{LabelledSnapshot, Rows, ps, pstree};
use pchsim::report::text;
use pchsim::result::Study;
use pchsim::scenario::{Scenario, strategy_label};
use pchsim::strategy::{SimInput, record, simulate, snapshot};
use pchsim::study::{Options, cases, run_study};
use pchsim::syntax::{embedded, load};
use pchsim::traces::timeline::{ChartLayout, GanttLimits, TimelineHeader, gantt, page};
use proptest::prelude::*;

use crate::world::pchsim;

const WIDTHS: [usize; 6] = [40, 61, 80, 100, 120, 200];

/// Cheap, for what is printed is the question and not whether it is right.
fn studied(s: &Scenario, profiles: &[Profile]) -> Study {
    let options = Options {
        replications: Some(2),
        max_events: 20_000,
        ..Options::default()
    };
    run_study(s, profiles, &options, simulate, &|_| {}).unwrap()
}

fn loaded(name: &str) -> (Scenario, Vec<Profile>) {
    let scenario = load(name, &[]).unwrap();
    let profiles = scenario
        .interpreters
        .iter()
        .map(|n| pchsim::profiles::find(n).unwrap())
        .collect();
    (scenario, profiles)
}

fn styles() -> impl Iterator<Item = Style> {
    WIDTHS.into_iter().flat_map(|width| {
        [(true, false), (true, true), (false, true)].map(|(unicode, verbose)| Style {
            width,
            unicode,
            verbose,
            ..Style::default()
        })
    })
}

/// A command's words are not broken: they are to be copied.
fn fits(text: &str, style: Style, what: &str) {
    assert!(style.unicode || text.is_ascii(), "{what}: {text}");
    for line in text.lines() {
        let of_command = line.starts_with("repeat: ") || line.starts_with("    --");
        let long = width(line) > style.width;
        assert!(
            !long || (of_command && line.trim().split(' ').count() <= 3),
            "{what} at {}: {} columns\n{line}\n\n{text}",
            style.width,
            width(line)
        );
        assert_eq!(line, line.trim_end(), "{what}");
    }
}

/// The run's report, its state in the middle, and its timeline.
fn all_fit(name: &str, scenario: &Scenario, profiles: &[Profile]) {
    let study = studied(scenario, profiles);
    for style in styles() {
        fits(&text(&study, style), style, name);
    }
    for case in cases(scenario, profiles).unwrap().iter().take(4) {
        let profile = &profiles[case.profile];
        let machine = profile.machine(&scenario.machine);
        let input = SimInput {
            machine: &machine,
            profile,
            workload: &scenario.workload,
            strategy: &case.strategy,
            compiled: None,
            seed: 1,
            replication: 0,
            warmup: Nanos::ZERO,
            horizon: scenario.horizon,
            keep_latencies: false,
            windows: None,
            max_events: 20_000,
        };
        let options = pchsim::cpython::recording::RecordOptions {
            window: (Nanos::ZERO, Nanos::MAX),
            most_spans: 5_000,
        };
        let Ok((outcome, recording)) = record(&input, options) else {
            continue;
        };
        let label = strategy_label(&case.strategy);
        let at = Nanos(outcome.end.0 / 2);
        let state = snapshot(&input, at).unwrap();
        let taken = LabelledSnapshot {
            scenario: &scenario.name,
            strategy: &label,
            interpreter: &scenario.interpreters[case.profile],
            replication: 0,
            seed: 1,
            asked: at,
            snapshot: &state,
        };
        let rows = Rows {
            limit: 6,
            class: None,
        };
        let head = TimelineHeader {
            scenario: &scenario.name,
            strategy: &label,
            interpreter: &scenario.interpreters[case.profile],
            replication: 0,
            seed: 1,
            chosen: true,
            ended: None,
        };
        let shown = GanttLimits {
            rows: 12,
            spans: 0,
            choose: true,
        };
        let (chart, hidden) = gantt(&recording, shown);
        for style in styles() {
            let what = format!("{name} {label}");
            fits(&ps(&taken, &rows, style), style, &what);
            fits(&pstree(&taken, &rows, style), style, &what);
            let layout = ChartLayout {
                width: style.width,
                unicode: style.unicode,
            };
            fits(
                &page(&head, &recording, &chart, hidden, layout),
                style,
                &what,
            );
        }
    }
}

#[test]
fn shipped_scenarios_fit_the_line() {
    for e in embedded::ALL {
        let (scenario, profiles) = loaded(e.name);
        all_fit(e.name, &scenario, &profiles);
    }
}

#[test]
fn long_and_wide_names_fit_the_line() {
    let (mut scenario, profiles) = loaded("scraper");
    scenario.name = "画像処理パイプライン".repeat(12);
    scenario.question = "warum-ist-das-so-".repeat(20);
    let names = ["é\u{301}".repeat(70), "x".repeat(150)];
    for (class, name) in scenario.workload.classes.iter_mut().zip(&names) {
        class.name.clone_from(name);
    }
    all_fit("long names", &scenario, &profiles);
}

#[test]
fn lists_fit_the_line() {
    let lines: [&[&str]; 5] = [
        &["profiles"],
        &["profiles", "show", "cpython-3.14"],
        &["profiles", "diff", "cpython-3.13", "cpython-3.14t"],
        &["scenarios"],
        &[
            "validate",
            "tests/data/reference",
            "--only",
            "threads_4",
            "--replications",
            "1",
            "--detail",
        ],
    ];
    for line in lines {
        for wide in ["40", "80", "100", "120"] {
            let out = pchsim()
                .args(line)
                .args(["--width", wide])
                .output()
                .unwrap();
            let style = Style {
                width: wide.parse().unwrap(),
                ..Style::default()
            };
            fits(
                &String::from_utf8(out.stdout).unwrap(),
                style,
                &line.join(" "),
            );
        }
    }
}

#[test]
fn the_width_comes_from_the_option_then_the_environment() {
    let widest = |option: &[&str], columns: Option<&str>| {
        let mut command = pchsim();
        command
            .args(["profiles", "show", "cpython-3.14"])
            .args(option);
        columns.map(|c| command.env("COLUMNS", c));
        let out = command.output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().map(width).max().unwrap()
    };
    assert!((101..=120).contains(&widest(&[], None)));
    assert!((70..=80).contains(&widest(&[], Some("80"))));
    assert!((50..=60).contains(&widest(&["--width", "60"], Some("80"))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn tables_of_any_names_fit_and_tell_them_apart(
        names in prop::collection::vec("[a-z:+()0-9 画é…]{0,60}", 1..8),
        most in 12usize..70,
        unicode in any::<bool>(),
    ) {
        let style = Style { width: most.max(layout::LEAST), unicode, ..Style::default() };
        let short = layout::unique(&names, most, unicode);
        for (a, x) in names.iter().zip(&short) {
            prop_assert!(width(x) <= most, "{x:?} at {most}");
            for (b, y) in names.iter().zip(&short) {
                prop_assert_eq!(a == b, x == y, "{:?} {:?} {:?} {:?}", a, b, x, y);
            }
        }
        let columns = [
            Column { title: "strategy".into(), key: true, name: true, ..Column::default() },
            Column { title: "makespan".into(), unit: "ms", number: true, ..Column::default() },
            Column { title: "state".into(), prose: true, ..Column::default() },
            Column { title: "p99".into(), number: true, dispensable: 1, ..Column::default() },
        ];
        let rows: Vec<Vec<String>> = names
            .iter()
            .map(|n| vec![n.clone(), "12.4 ± 0.3".into(), n.repeat(2), "1.25".into()])
            .collect();
        for all in [false, true] {
            let laid = layout::table(&columns, &rows, style, all);
            for line in &laid.lines {
                prop_assert!(width(line) <= style.width, "{line}");
            }
            // What decides is always there.
            let text = laid.lines.join("\n");
            let shown = if unicode { "12.4 ± 0.3" } else { "12.4 +- 0.3" };
            prop_assert_eq!(text.matches(shown).count(), rows.len(), "{}", text);
        }
        for line in layout::words(&names.join(" "), "- ", "  ", style) {
            prop_assert!(width(&line) <= style.width, "{line}");
        }
        for line in layout::entries(&names, ", ", "", "    ", style) {
            prop_assert!(width(&line) <= style.width, "{line}");
        }
    }
}
