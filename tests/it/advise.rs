//! `pchsim advise`: that what it recommends respects what was asked, whatever that is; that it is the same whatever the threads; what it says of
//! bad input; and that names stay within their quotes.

use std::fs;
use std::path::Path;

use pchsim::advise::{
    Advice, Ask, Constraints, Depth, Family, Interview, PlaceName, Priority, advise,
};
use pchsim::result::{SpeedupVerdict, Verdict};
use pchsim::{Profile, Scenario};
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::world::pchsim_in;

/// Exit code, standard output and standard error.
pub(crate) fn said(dir: &Path, args: &[&str], input: &str) -> (i32, String, String) {
    let mut command = pchsim_in(dir);
    command.args(["advise", "--no-progress"]).args(args);
    let output = command.write_stdin(input).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

pub(crate) fn nowhere() -> TempDir {
    tempfile::tempdir().unwrap()
}

const EXAMPLE: [&str; 9] = [
    "--workload",
    "hybrid",
    "--latency-ms",
    "100",
    "--memory-mb",
    "256",
    "--cores",
    "4",
    "--no-expensive-startup",
];

#[test]
fn advice_has_what_is_documented_and_is_the_same_with_any_threads() {
    let dir = nowhere();
    let with = |threads: &str| {
        let (code, out, err) = said(
            dir.path(),
            &[&EXAMPLE[..], &["--format", "json", "--threads", threads]].concat(),
            "",
        );
        assert_eq!(code, 0, "{err}");
        out
    };
    let one = with("1");
    assert_eq!(with("3"), one);
    let value: Value = serde_json::from_str(&one).unwrap();
    for key in [
        "recommendation",
        "path",
        "alternatives",
        "sensitivity",
        "migration",
        "baseline",
        "priorities",
    ] {
        assert!(!value[key].is_null(), "{key}");
    }
    let advice: Advice = serde_json::from_str(&one).unwrap();
    let r = advice.recommendation.as_ref().unwrap();
    assert!(r.memory_bytes.unwrap().mean <= 256e6 && r.latency_p95_s.unwrap().mean < 0.1);
    assert!(!r.calls.is_empty() && !r.reasons.is_empty() && r.speedup.is_some());
    assert_eq!(advice.baseline.unwrap().family, Family::SingleThread);
    assert!(advice.path.questions.len() >= 3);
    // Alternatives are other families, none of them twice, and each says what it gives and takes.
    let mut families: Vec<Family> = advice
        .alternatives
        .iter()
        .map(|a| a.approach.family)
        .collect();
    families.push(r.family);
    let all = families.len();
    families.sort();
    families.dedup();
    assert_eq!(families.len(), all);
    assert!(advice.alternatives.iter().all(|a| !a.trade_off.is_empty()));
    assert!(
        advice
            .alternatives
            .iter()
            .any(|a| a.wins.iter().any(|w| w.factor.is_some_and(|f| f > 0.0)))
    );
    // Each input both ways.
    assert!(
        advice.sensitivity.iter().any(|s| s.factor < 1.0)
            && advice.sensitivity.iter().any(|s| s.factor > 1.0)
    );
    let migration = advice.migration.unwrap();
    assert!(migration.before.contains("for task in tasks") && !migration.after.is_empty());
    assert!(
        migration
            .pitfalls
            .iter()
            .all(|p| p.id.split('.').count() == 2)
    );
}

#[test]
fn a_scenario_is_advised_on_and_kept() {
    let dir = nowhere();
    let (code, out, err) = said(
        dir.path(),
        &[&EXAMPLE[..], &["--quick", "--save", "kept.ron"]].concat(),
        "",
    );
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("Take ") && out.contains("pchsim verify kept.ron --strategy"),
        "{out}"
    );
    // What was kept is a scenario like any other, and leads to the same.
    let (code, again, err) = said(
        dir.path(),
        &["kept.ron", "--quick", "--priority", "latency"],
        "",
    );
    assert_eq!(code, 0, "{err}");
    let taken = |text: &str| {
        text.lines()
            .find(|l| l.starts_with("Take "))
            .unwrap()
            .to_owned()
    };
    assert_eq!(taken(&again), taken(&out));
    let (code, _, err) = said(
        dir.path(),
        &[&EXAMPLE[..], &["--quick", "--save", "kept.ron"]].concat(),
        "",
    );
    assert_eq!(code, 2, "{err}");
    // Answers in a file, and the picture.
    fs::write(
        dir.path().join("answers.ron"),
        "{\"workload\": \"cpu\", \"arrivals\": 40, \"cores\": 4, \"isolation\": true}",
    )
    .unwrap();
    let (code, out, err) = said(
        dir.path(),
        &[
            "--answers",
            "answers.ron",
            "--quick",
            "--diagram",
            "picture.svg",
        ],
        "",
    );
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Take Processes"), "{out}");
    let picture = fs::read_to_string(dir.path().join("picture.svg")).unwrap();
    let picture = roxmltree::Document::parse(&picture).unwrap();
    let text: String = picture.descendants().filter_map(|n| n.text()).collect();
    assert!(text.contains("processes"), "{text}");
}

#[test]
fn what_nothing_does_is_code_3_with_what_is_in_the_way() {
    let dir = nowhere();
    let (code, out, err) = said(
        dir.path(),
        &["--workload", "hybrid", "--latency-ms", "1", "--quick"],
        "",
    );
    assert_eq!(code, 3, "{err}");
    assert!(
        out.contains("Nothing does what is required")
            && out.contains("p95 latency is")
            && out.contains("Nearest: "),
        "{out}"
    );
    let (code, out, _) = said(
        dir.path(),
        &["--workload", "cpu", "--memory-mb", "3", "--quick"],
        "",
    );
    assert_eq!(code, 3);
    assert!(out.contains("memory"), "{out}");
    let (code, out, _) = said(
        dir.path(),
        &[
            "--workload",
            "cpu",
            "--state",
            "shared",
            "--isolation",
            "--quick",
        ],
        "",
    );
    assert_eq!(code, 3);
    assert!(
        out.contains("cannot be taken") || out.contains("In the way"),
        "{out}"
    );
}

#[test]
fn bad_input_is_code_2_and_says_what_to_write() {
    let dir = nowhere();
    fs::write(
        dir.path().join("bad.ron"),
        "{\"workload\": \"cpu\", \"cores\": }",
    )
    .unwrap();
    fs::write(dir.path().join("unknown.ron"), "{\"colour\": \"blue\"}").unwrap();
    for (args, input, says) in [
        (&["--workload", "disk"][..], "", "cpu, io, hybrid"),
        (
            &["--workload", "cpu", "--cores", "0"],
            "",
            "no number of cores from 1",
        ),
        (
            &["--workload", "cpu", "--cores", "four"],
            "",
            "no number of cores from 1",
        ),
        (
            &["--workload", "cpu", "--memory-mb", "-5"],
            "",
            "no number of megabytes above 0",
        ),
        (
            &["--workload", "cpu", "--latency-ms", "soon"],
            "",
            "no number of milliseconds above 0",
        ),
        (
            &["--workload", "cpu", "--cpu", "0", "--wait", "0"],
            "",
            "neither computes nor waits",
        ),
        (
            &["--workload", "cpu", "--arrivals", "lots"],
            "",
            "so many at once (100)",
        ),
        (
            &["--workload", "cpu", "--python", "2.7"],
            "",
            "no list of versions",
        ),
        (&["scraper", "--workload", "cpu"], "", "cannot be used with"),
        (&["nowhere.ron"], "", "nowhere.ron"),
        (&["--answers", "bad.ron"], "", "bad.ron:1:"),
        (
            &["--answers", "unknown.ron"],
            "",
            "there is no question `colour`",
        ),
        (&["--answers", "missing.ron"], "", "cannot read the answers"),
        (&[], "", "answers on standard input end before `workload`"),
        (&[], "cpu\nparallel\n", "end before `state`"),
        (
            &[],
            "cpu\nperhaps\n",
            "order: `perhaps` is none of parallel",
        ),
    ] {
        let (code, out, err) = said(dir.path(), args, input);
        assert_eq!(code, 2, "{args:?}: {out}{err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
}

/// What would be in the way after the work is told before it.
#[test]
fn what_is_in_the_way_is_told_before_the_work() {
    let dir = nowhere();
    fs::create_dir(dir.path().join("bench")).unwrap();
    fs::write(dir.path().join("bench/advice_threads_4.py"), "mine").unwrap();
    fs::write(dir.path().join("file"), "mine").unwrap();
    // So much work that nobody would wait for it here.
    let work = ["--defaults", "--arrivals", "1000000"];
    for (args, says) in [
        (&["--benchmark", "bench"][..], "advice_threads_4.py exists"),
        (&["--benchmark", "file"], "is no directory"),
        (&["--verify=/no/python"], "--verify: "),
    ] {
        let (code, out, err) = said(dir.path(), &[&work[..], args].concat(), "");
        assert_eq!(code, 2, "{args:?}: {out}{err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
}

/// A file of answers may leave a question open, and says yes and no as its format does.
#[test]
fn answers_of_a_file_are_those_of_options() {
    let dir = nowhere();
    let json = "{\"workload\": \"cpu\", \"memory-mb\": null, \"isolation\": true, \"free_threading\": false, \"cores\": 2}";
    fs::write(dir.path().join("a.json"), json).unwrap();
    let ron = "{\"workload\": \"cpu\", \"isolation\": true, \"free-threading\": \"no\", \"cores\": 2, /* open */ }";
    fs::write(dir.path().join("a.ron"), ron).unwrap();
    fs::write(dir.path().join("list.json"), "{\"cores\": [4]}").unwrap();
    fs::write(
        dir.path().join("broken.json"),
        "{\"cores\": null, \"wait\" 3}",
    )
    .unwrap();
    let of = |file: &str| said(dir.path(), &["--answers", file, "--quick"], "");
    let (code, by_json, err) = of("a.json");
    assert_eq!(code, 0, "{err}");
    assert!(by_json.contains("2 cores · isolation"), "{by_json}");
    let (code, by_ron, err) = of("a.ron");
    assert_eq!(code, 0, "{err}");
    assert_eq!(by_json, by_ron);
    for (file, says) in [
        ("list.json", "list.json: cores: `[4]` is no single answer"),
        ("broken.json", "broken.json:1:24: expected `:`"),
    ] {
        let (code, _, err) = of(file);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(says), "{err}");
    }
}

/// Where each task needs the one before, nothing is gained by workers: no list says so.
#[test]
fn what_is_sequential_has_no_speed_up() {
    let dir = nowhere();
    let args = [
        "--workload",
        "cpu",
        "--cpu",
        "5ms",
        "--order",
        "sequential",
        "--arrivals",
        "60",
        "--cores",
        "2",
    ];
    let (code, out, err) = said(
        dir.path(),
        &[
            &args[..],
            &["--quick", "--python", "3.11", "--format", "json"],
        ]
        .concat(),
        "",
    );
    assert_eq!(code, 0, "{err}");
    let advice: Advice = serde_json::from_str(&out).unwrap();
    assert_eq!(
        advice.recommendation.as_ref().unwrap().family,
        Family::SingleThread
    );
    assert_eq!(advice.path.prior, Family::SingleThread);
    for a in &advice.alternatives {
        let speedup = a.approach.speedup.unwrap().mean;
        assert!(speedup < 1.1, "{}: {speedup}", a.approach.strategy);
        assert!(
            a.wins.iter().all(|w| !w.text.contains("user")),
            "{:?}",
            a.wins
        );
    }
    assert!(advice.sensitivity.iter().all(|s| !s.name.contains("user")));
    let (_, _, err) = said(
        dir.path(),
        &[
            "--order",
            "sequential",
            "--arrivals",
            "80/s",
            "--defaults",
            "--quick",
            "--cpu",
            "1ms",
            "--wait",
            "1ms",
        ],
        "",
    );
    assert!(err.contains("one at a time"), "{err}");
}

/// What is expensive about processes here is what travels to them, and not their code; and nothing that was tried is left out without a word.
#[test]
fn what_travels_is_named_and_nothing_is_left_out() {
    let dir = nowhere();
    let args = [
        "--workload",
        "cpu",
        "--cpu",
        "20ms",
        "--payload",
        "50MB",
        "--arrivals",
        "12",
        "--cores",
        "2",
        "--format",
        "json",
        "--quick",
    ];
    let (code, out, err) = said(dir.path(), &args, "");
    assert_eq!(code, 0, "{err}");
    let advice: Advice = serde_json::from_str(&out).unwrap();
    assert_eq!(advice.path.prior, Family::Processes);
    let why = advice.path.why.as_deref().unwrap();
    assert!(
        why.contains("pickling, pipes and hand-over") && !why.contains("code runs longer"),
        "{why}"
    );
    let mut families: Vec<Family> = advice
        .alternatives
        .iter()
        .map(|a| a.approach.family)
        .collect();
    families.extend(advice.further.iter().map(|f| f.family));
    families.extend(advice.recommendation.as_ref().map(|r| r.family));
    for family in [
        Family::Processes,
        Family::Threads,
        Family::Interpreters,
        Family::AsyncioProcesses,
        Family::SingleThread,
    ] {
        assert!(families.contains(&family), "{family:?}: {families:?}");
    }
    assert!(!advice.further.is_empty());
}

/// A load that goes on is simulated for longer or shorter than the scenario says, and that is said.
#[test]
fn how_much_was_simulated_is_said() {
    let dir = nowhere();
    let args = [
        "--defaults",
        "--workload",
        "cpu",
        "--cpu",
        "2ms",
        "--arrivals",
        "50/s",
        "--quick",
        "--python",
        "3.11",
    ];
    let (code, out, err) = said(dir.path(), &args, "");
    assert_eq!(code, 0, "{err}");
    let words: Vec<&str> = out.split_whitespace().collect();
    assert!(
        words
            .join(" ")
            .contains("has 4000 tasks, where the scenario counts 1000:"),
        "{out}"
    );
    let args = [
        "--defaults",
        "--workload",
        "cpu",
        "--cpu",
        "2ms",
        "--arrivals",
        "50",
        "--quick",
        "--python",
        "3.11",
    ];
    let (_, out, _) = said(dir.path(), &args, "");
    assert!(!out.contains("where the scenario counts"), "{out}");
}

/// A task, a kind of task and a file whose names would like to be commands.
#[test]
fn names_stay_within_their_quotes() {
    let dir = nowhere();
    let name = "x\\\"; import os; os.system('id') #\\n$(id)";
    let text = format!(
        "(schema: 1, name: \"{name}\", machine: (cores: 2), interpreters: [\"cpython-3.14\"],
          workload: (arrivals: Batch, tasks: [(name: \"{name}\", count: 40, steps: [Cpu(\"20ms\")])]))"
    );
    let file = "a b;id.ron";
    fs::write(dir.path().join(file), text).unwrap();
    let (code, out, err) = said(dir.path(), &[file, "--diagram", "p.svg"], "");
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("pchsim verify 'a b;id.ron'"), "{out}");
    let code_lines = out.lines().map(str::trim_start);
    assert!(
        code_lines
            .clone()
            .all(|l| !l.starts_with("import os") && !l.starts_with("$(id)")),
        "{out}"
    );
    let picture = fs::read_to_string(dir.path().join("p.svg")).unwrap();
    assert!(roxmltree::Document::parse(&picture).is_ok());
}

fn profiles_of(scenario: &Scenario) -> Vec<Profile> {
    let find = |n: &String| pchsim::profiles::find(n).unwrap();
    scenario.interpreters.iter().map(find).collect()
}

prop_compose! {
    fn answers()(
        kind in prop::sample::select(vec!["cpu", "io", "hybrid"]),
        arrivals in prop::sample::select(vec!["1", "12", "60", "20/s", "90/s", "8 users"]),
        cpu in prop::sample::select(vec!["0", "50us", "3ms", "40ms"]),
        wait in prop::sample::select(vec!["1ms", "30ms"]),
        latency in prop::sample::select(vec!["none", "5", "80", "2000"]),
        memory in prop::sample::select(vec!["none", "25", "60", "500"]),
        cores in prop::sample::select(vec!["1", "2", "4"]),
        startup in prop::sample::select(vec!["y", "n"]),
        payload in prop::sample::select(vec!["0B", "10kB", "2MB"]),
        python in prop::sample::select(vec!["3.11", "3.14"]),
        free in prop::sample::select(vec!["yes", "no", "extensions"]),
        (order, state, isolation) in (
            prop::sample::select(vec!["parallel", "parallel", "sequential"]),
            prop::sample::select(vec!["isolated", "shared"]),
            prop::sample::select(vec!["n", "n", "y"]),
        ),
        priority in prop::sample::select(Priority::ALL.to_vec()),
    ) -> Vec<(&'static str, String)> {
        let all = [
            ("workload", kind), ("arrivals", arrivals), ("cpu", cpu), ("wait", wait), ("latency-ms", latency), ("memory-mb", memory),
            ("cores", cores), ("expensive-startup", startup), ("startup-time", "100ms"), ("payload", payload), ("python", python),
            ("free-threading", free), ("order", order), ("state", state), ("isolation", isolation), ("priority", priority.name()),
        ];
        all.into_iter().map(|(k, v)| (k, v.to_owned())).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Whatever is asked: what is recommended is within the budget, on an interpreter that is there, allowed, and does what is required; and
    /// concurrency is recommended only where it is worth it.
    #[test]
    fn what_is_recommended_respects_what_was_asked(answers in answers(), kinds in any::<bool>()) {
        let mut interview = Interview::default();
        for (key, text) in &answers {
            interview.answer(key, text).unwrap();
        }
        let asked = interview.finish().unwrap();
        let mut names = vec![format!("cpython-{}", asked.python[0])];
        if asked.python[0] == "3.14" {
            names.push("cpython-3.14t".into());
        }
        let mut text = asked.scenario(&names);
        if kinds {
            // Others come beside them, which wait for most of their time.
            let other = "]), (name: \"other\", count: 40, steps: [Io(\"30ms\"), Cpu(\"200us\")])],\n";
            text = text.replace("])],\n", other);
        }
        let scenario = Scenario::parse(&text, &[]).unwrap();
        prop_assert_eq!(scenario.workload.classes.len(), 1 + usize::from(kinds));
        let profiles = profiles_of(&scenario);
        let ask = Ask {
            scenario: &scenario,
            profiles: &profiles,
            constraints: asked.constraints.clone(),
            depth: Depth::Answer,
            threads: Some(2),
        };
        let advice = advise(&ask, &|_| {}).unwrap();
        prop_assert!(advice.baseline.is_some());
        let Some(r) = &advice.recommendation else {
            prop_assert!(advice.binding.is_some());
            return Ok(());
        };
        let c: &Constraints = &asked.constraints;
        prop_assert!(c.excludes(r.family).is_none(), "{:?}", r.family);
        prop_assert!(names.contains(&r.interpreter));
        // Each kind of task has a place, or none has; and what tells them apart is better than whatever does not.
        prop_assert!(r.placement.is_empty() || kinds && r.placement.len() == 2);
        prop_assert_eq!(!r.placement.is_empty(), advice.split.as_ref().is_some_and(|s| s.better));
        prop_assert!(r.requirements.iter().all(|o| o.verdict != Verdict::Missed));
        // What is said to do best has no better beside it: else it is said that it is no more than a tie, or that the other is less sure.
        let others = || advice.alternatives.iter().map(|a| &a.approach).filter(|a| a.meets);
        let better: Vec<&str> = others()
            .filter(|a| figure(a, &advice) < figure(r, &advice))
            .map(|a| a.strategy.as_str())
            .collect();
        let why = &r.reasons[0];
        prop_assert!(better.is_empty() || !why.contains("Of all that may be taken"), "{better:?} {why}");
        prop_assert!(better.is_empty() || why.contains("As good as the best") || why.contains("surely") || why.contains("at most twice") || why.contains("No concurrency"), "{better:?} {why}");
        if let (Some(budget), Some(memory)) = (c.memory, r.memory_bytes) {
            prop_assert!(memory.mean <= budget as f64);
        }
        let base = advice.baseline.as_ref().unwrap();
        let speed = c.priority == Some(Priority::Throughput) && r.makespan_s.is_some();
        if let (true, true, Some(s)) = (speed && base.meets, r.family != Family::SingleThread, r.speedup) {
            let worth = match SpeedupVerdict::of(s.mean) {
                SpeedupVerdict::Slower | SpeedupVerdict::NotWorthIt => false,
                SpeedupVerdict::Consider | SpeedupVerdict::Clear => true,
            };
            prop_assert!(worth, "{s:?}");
        }
    }
}

/// What decides, of which less is better.
fn figure(a: &pchsim::advise::Approach, advice: &Advice) -> f64 {
    let value = match (advice.priority, a.capacity_per_s) {
        (Priority::Throughput, Some(c)) if a.makespan_s.is_none() => 1.0 / c.mean,
        _ => a.value.map_or(f64::INFINITY, |v| v.mean),
    };
    if value.is_nan() { f64::INFINITY } else { value }
}

/// Agents of two kinds under one GIL, who come all at once.
fn agents(thinker: &str, scout: &str) -> Scenario {
    let text = format!(
        "(schema: 1, name: \"agents\", machine: (cores: 2), interpreters: [\"cpython-3.14\"],
          workload: (arrivals: Batch, tasks: [
            (name: \"thinker\", count: 40, steps: [{thinker}]),
            (name: \"scout\", count: 400, steps: [{scout}]),
          ]))"
    );
    Scenario::parse(&text, &[]).unwrap()
}

pub(crate) fn advised(scenario: &Scenario, constraints: Constraints, depth: Depth) -> Advice {
    let profiles = profiles_of(scenario);
    let ask = Ask {
        scenario,
        profiles: &profiles,
        constraints,
        depth,
        threads: Some(2),
    };
    advise(&ask, &|_| {}).unwrap()
}

/// Some agents compute and some wait, with a little to compute in between: processes for those that compute, and the loop for the others, is
/// what neither processes for all (a copy of everything that is handed over), nor a loop alone does.
#[test]
fn to_each_kind_of_task_its_own() {
    let scenario = agents(
        "Cpu(\"50ms\")",
        "Cpu(\"200us\"), Io(\"900ms\"), Cpu(\"200us\"), Io(\"100ms\"), Cpu(\"200us\")",
    );
    let advice = advised(&scenario, Constraints::default(), Depth::Whole);
    let groups: Vec<&str> = advice.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(groups, ["thinker", "scout"]);
    let split = advice.split.as_ref().unwrap();
    let r = advice.recommendation.as_ref().unwrap();
    assert!(split.better, "{}", split.text);
    assert_eq!(
        (format!("{} on {}", r.strategy, r.interpreter), &r.placement),
        (split.strategy.clone(), &split.placement)
    );
    let places: Vec<(&str, PlaceName, Option<&str>)> = r
        .placement
        .iter()
        .map(|p| (p.name.as_str(), p.place, p.pool.as_deref()))
        .collect();
    assert_eq!(
        places,
        [
            ("thinker", PlaceName::Pool, Some("work")),
            ("scout", PlaceName::Loop, None)
        ]
    );
    // It is better than whatever treats all alike by more than a tie, and those are the alternatives.
    let value = r.value.unwrap().mean;
    let alike = advice.alternatives.iter().map(|a| &a.approach);
    let alike: Vec<f64> = alike
        .filter(|a| a.placement.is_empty() && a.meets)
        .map(|a| a.value.unwrap().mean)
        .collect();
    assert!(
        alike.len() >= 3 && alike.iter().all(|v| *v > 1.03 * value),
        "{alike:?}"
    );
    assert!(
        r.calls.iter().any(|c| c.contains("run_in_executor(work")),
        "{:?}",
        r.calls
    );
    let after = &advice.migration.as_ref().unwrap().after;
    assert!(
        after.contains("IN_WORK = [\"thinker\"]") && after.contains("if task.kind in IN_WORK"),
        "{after}"
    );
    // Where simplicity matters most it is not worth it, and where the state is shared there are no workers apart.
    let simple = Constraints {
        priority: Some(Priority::Simplicity),
        ..Constraints::default()
    };
    let simple = advised(&scenario, simple, Depth::Answer)
        .recommendation
        .unwrap();
    assert!(simple.placement.is_empty(), "{}", simple.title);
    let shared = Constraints {
        shared: Some(true),
        ..Constraints::default()
    };
    let shared = advised(&scenario, shared, Depth::Answer)
        .recommendation
        .unwrap();
    assert!(!shared.family.apart(), "{}", shared.title);
}

/// Where those that wait do nothing else, one pool for all is as good, and simpler: they have nothing to hand over.
#[test]
fn one_for_all_where_it_is_as_good() {
    let advice = advised(
        &agents("Cpu(\"50ms\")", "Io(\"500ms\")"),
        Constraints::default(),
        Depth::Answer,
    );
    let r = advice.recommendation.unwrap();
    assert!(r.placement.is_empty(), "{}", r.title);
    let split = advice.split.unwrap();
    assert!(
        !split.better && split.value.unwrap().mean > 0.97 * r.value.unwrap().mean,
        "{}",
        split.text
    );
    // Kinds that are alike have nothing to tell apart.
    let alike = advised(
        &agents("Cpu(\"9ms\")", "Cpu(\"1ms\")"),
        Constraints::default(),
        Depth::Answer,
    );
    assert!(alike.split.is_none() && alike.recommendation.unwrap().placement.is_empty());
}

/// Of what takes as little memory, nothing is taken that takes many times as long, however simple.
#[test]
fn memory_that_is_the_same_is_no_reason_to_wait() {
    let dir = nowhere();
    let args = [
        "--workload",
        "io",
        "--arrivals",
        "100",
        "--priority",
        "memory",
        "--cores",
        "2",
        "--quick",
        "--format",
        "json",
    ];
    let (code, out, err) = said(dir.path(), &args, "");
    assert_eq!(code, 0, "{err}");
    let advice: Advice = serde_json::from_str(&out).unwrap();
    let r = advice.recommendation.unwrap();
    let single = advice.baseline.unwrap();
    let ratio = single.makespan_s.unwrap().mean / r.makespan_s.unwrap().mean;
    assert!(ratio > 10.0, "{} {ratio}", r.title);
    let memory = |m: Option<pchsim::measure::Estimate>| m.unwrap().mean;
    assert!(memory(r.memory_bytes) <= 1.05 * memory(single.memory_bytes));
}

/// What is recommended is a program: kept, it is a scenario of its own that leads to the same figures, and its benchmark has the places.
#[test]
fn places_are_kept_and_measured() {
    let dir = nowhere();
    let text = "(schema: 1, name: \"agents\", machine: (cores: 2), interpreters: [\"cpython-3.14\"], strategies: [\"asyncio\", \"sequential\"],
          workload: (arrivals: Batch, tasks: [
            (name: \"think \\\"er\", count: 40, steps: [Cpu(\"50ms\")]),
            (name: \"scout\", count: 400, steps: [Cpu(\"200us\"), Io(\"900ms\"), Cpu(\"200us\"), Io(\"100ms\"), Cpu(\"200us\")]),
          ]))";
    fs::write(dir.path().join("a.ron"), text).unwrap();
    let args = [
        "a.ron",
        "--quick",
        "--format",
        "json",
        "--set",
        "machine.cores=3",
        "--save",
        "kept.ron",
        "--benchmark",
        "bench",
        "--diagram",
        "p.svg",
        "-o",
        "advice.json",
    ];
    let (code, _, err) = said(dir.path(), &args, "");
    assert_eq!(code, 0, "{err}");
    let json = fs::read_to_string(dir.path().join("advice.json")).unwrap();
    let advice: Advice = serde_json::from_str(&json).unwrap();
    let r = advice.recommendation.as_ref().unwrap();
    assert_eq!(r.placement.len(), 2, "{}", r.title);
    let kept = fs::read_to_string(dir.path().join("kept.ron")).unwrap();
    assert!(
        kept.contains("Offload(to: \"work\", steps: [Cpu(\"50ms\")])"),
        "{kept}"
    );
    let scenario = Scenario::parse(&kept, &[]).unwrap();
    assert_eq!(scenario.machine.visible_cpus, 3);
    let options = pchsim::study::Options::default();
    let study = pchsim::study::run_study(
        &scenario,
        &profiles_of(&scenario),
        &options,
        pchsim::strategy::simulate,
        &|_| {},
    )
    .unwrap();
    let own = study
        .forecasts
        .iter()
        .find(|f| f.strategy == r.strategy)
        .unwrap();
    let makespan = own.get(pchsim::quantity::Quantity::Makespan).unwrap().mean;
    let said = r.makespan_s.unwrap().mean;
    assert!((makespan - said).abs() < 0.02 * said, "{makespan} {said}");
    let picture = fs::read_to_string(dir.path().join("p.svg")).unwrap();
    assert!(
        picture.contains("one call of a worker") && picture.contains("executes itself: scout"),
        "{picture}"
    );
    let programs: Vec<String> = fs::read_dir(dir.path().join("bench"))
        .unwrap()
        .map(|f| fs::read_to_string(f.unwrap().path()).unwrap_or_default())
        .collect();
    assert!(
        programs.iter().any(|p| p.contains("\"work\": cf.")),
        "{}",
        programs.len()
    );
}

/// Advice that is asked for within somebody else's pool of threads: a thread that waits for its advice takes up no other question on the same
/// stack, however many there are.
#[test]
fn advice_within_another_pool_is_given_one_at_a_time() {
    use rayon::prelude::*;
    thread_local! {
        static DEPTH: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    let scenario = agents("Cpu(\"1ms\")", "Cpu(\"1ms\")");
    let profiles = profiles_of(&scenario);
    let one = |_: usize| {
        let depth = DEPTH.with(|d| d.replace(d.get() + 1));
        let ask = Ask {
            scenario: &scenario,
            profiles: &profiles,
            constraints: Constraints::default(),
            depth: Depth::Answer,
            threads: Some(1),
        };
        let advice = advise(&ask, &|_| {}).unwrap();
        DEPTH.with(|d| d.set(depth));
        (depth, advice.recommendation.map(|r| r.title.clone()))
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    let all: Vec<_> = pool.install(|| (0..8).into_par_iter().map(one).collect());
    assert!(all.iter().all(|a| *a == (0, all[0].1.clone())), "{all:?}");
}

/// A horizon cuts runs while slow approaches have done little: what counts as cost is the CPU time of a task, not of what was done by then.
#[test]
fn what_does_little_is_not_cheap() {
    let text = "(schema: 1, name: \"cut\", machine: (cores: 4), interpreters: [\"cpython-3.14\"], horizon: \"2s\",
          workload: (arrivals: Batch, tasks: [(name: \"t\", count: 400, steps: [Io(\"40ms\"), Cpu(\"1ms\")])]))";
    let scenario = Scenario::parse(text, &[]).unwrap();
    let cheap = Constraints {
        priority: Some(Priority::Cost),
        ..Constraints::default()
    };
    let advice = advised(&scenario, cheap, Depth::Answer);
    let r = advice.recommendation.as_ref().unwrap();
    let base = advice.baseline.as_ref().unwrap();
    // The single thread does one task at a time, and so uses less CPU in two seconds than any other; a task takes it 1 ms and little more.
    let of_a_task = |a: &pchsim::advise::Approach| a.cpu_per_task_s.unwrap().mean;
    assert!(
        base.cpu_s.is_none() && (0.001..0.0015).contains(&of_a_task(base)),
        "{}",
        of_a_task(base)
    );
    for a in advice
        .alternatives
        .iter()
        .map(|a| &a.approach)
        .chain([&r.approach])
    {
        if a.status.is_none() {
            assert!(
                (0.001..0.01).contains(&of_a_task(a)),
                "{}: {}",
                a.strategy,
                of_a_task(a)
            );
        }
    }
    let others = advice.alternatives.iter().filter(|a| a.approach.meets);
    assert!(
        others
            .map(|a| of_a_task(&a.approach))
            .all(|c| c > 0.97 * of_a_task(r))
    );
}
