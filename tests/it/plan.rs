//! `pchsim plan`: what it says of good and bad input, that it is the same whatever the threads, and that names stay within their quotes.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::world::pchsim_in;

/// A service that waits for a database, and a strategy for it.
const SERVICE: &str = r#"(
    schema: 1,
    name: "service",
    machine: (cores: 1),
    interpreters: ["cpython-3.14"],
    workload: (
        arrivals: Poisson(rate: 100, count: 1000),
        tasks: [(name: "get", steps: [Cpu(Exponential("5ms")), Io(Exponential("20ms"))])],
    ),
    strategies: [Asyncio()],
    objectives: ["p95 < 200ms"],
)"#;

fn written(text: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("service.ron"), text).unwrap();
    dir
}

/// Exit code, standard output and standard error of a plan for the service.
fn planned(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = pchsim_in(dir);
    command
        .args(["plan", "service.ron", "--no-progress"])
        .args(args);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

const SMALL: [&str; 5] = [
    "--own-strategies",
    "--machines",
    "1cpu/2GiB,2cpu/4GiB",
    "--load",
    "150/s",
];

#[test]
fn a_plan_holds_what_it_says_and_is_the_same_with_any_threads() {
    let dir = written(SERVICE);
    let with = |threads: &str| {
        let args = [
            &SMALL[..],
            &["--format", "json", "--survive", "1", "--threads", threads],
        ]
        .concat();
        planned(dir.path(), &args)
    };
    let (code, one, _) = with("1");
    assert_eq!(code, 0);
    assert_eq!(with("3").1, one);
    let plan: Value = serde_json::from_str(&one).unwrap();
    let number = |path: &str| {
        plan.pointer(path)
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN)
    };
    // 150 a second with headroom are one busy core by the CPU time of tasks alone.
    let machines = number("/plan/machines");
    assert!(machines >= 2.0, "{machines}");
    let price = number("/plan/machine/price_per_month");
    assert_eq!(number("/cost/per_month"), machines * price);
    let per_million = machines * price / (150.0 * 730.0 * 3600.0) * 1e6;
    assert!((number("/cost/per_million_tasks") / per_million - 1.0).abs() < 1e-9);
    assert!(number("/maximum_load/held") >= 150.0 * 1.3);
    assert!(number("/maximum_load/broken") > number("/maximum_load/held"));
    for list in ["/plan/objectives", "/plan/after_loss"] {
        let judged = plan.pointer(list).unwrap().as_array().unwrap();
        assert!(
            judged.len() == 2 && judged.iter().all(|j| j["verdict"] == "met"),
            "{judged:?}"
        );
    }
    // Nothing that was tried and holds is cheaper, and more load never costs less.
    let cost = number("/cost/per_month");
    let tried = plan["tried"].as_array().unwrap();
    assert!(tried.len() > 1);
    assert!(
        tried
            .iter()
            .all(|t| t["per_month"].as_f64().is_none_or(|c| c >= cost))
    );
    assert_eq!(tried.iter().filter(|t| t["why"] == "taken").count(), 1);
    let mut before = cost;
    for grown in plan["growth"].as_array().unwrap() {
        let cost = grown["per_month"].as_f64().unwrap();
        assert!(cost >= before, "{grown}");
        before = cost;
    }
    for key in ["bottleneck", "runner_up", "sensitivity", "curves"] {
        assert!(!plan[key].is_null(), "{key}");
    }
    assert_eq!(plan["bottleneck"]["kind"], "cores");
}

#[test]
fn what_nothing_bears_is_code_3_with_what_is_in_the_way() {
    let dir = written(SERVICE);
    let few = ["--own-strategies", "--machines", "1cpu/2GiB"];
    for (more, says) in [
        (
            &["--objective", "p95 < 1ms", "--load", "50/s"][..],
            "even under next to no load",
        ),
        (
            &["--load", "5000/s", "--most-machines", "3"],
            "more than 3 machines",
        ),
        (&["--load", "300/s", "--budget", "20 EUR/month"], "budget"),
    ] {
        let (code, out, err) = planned(dir.path(), &[&few[..], more].concat());
        assert_eq!(code, 3, "{more:?}: {err}");
        assert!(
            err.contains(says) && out.contains("No plan"),
            "{more:?}: {out}{err}"
        );
    }
}

#[test]
fn bad_input_is_code_2_and_says_what_to_write() {
    let dir = written(SERVICE);
    fs::write(dir.path().join("prices.ron"), "(currency: \"EUR\", date: \"d\", source: \"s\", machines: [(name: \"m\", cpus: 1, memory: \"1GiB\", price: \"30\")])").unwrap();
    for (args, says) in [
        (&["--load", "500"][..], "no unit: write 500/s"),
        (&["--load", "0/s"], "above 0"),
        (&["--load", "20 users"], "a rate"),
        (&["--headroom", "-5%"], "30%"),
        (&["--growth", "none"], "2x"),
        (&["--budget", "300"], "300 EUR/month"),
        (&["--budget", "300 USD/month"], "nothing is converted"),
        (&["--machines", "0cpu/4GiB"], "0 CPUs"),
        (&["--machines", "many"], "4cpu/8GiB"),
        (&["--most-machines", "0"], "1"),
        (&["--survive", "1 cat"], "'1 worker'"),
        (&["--survive", "-1"], "'1 machine'"),
        (&["--prices", "prices.ron"], "prices.ron:1:"),
        (&["--prices", "nowhere.ron"], "cannot read"),
        (&["--survive", "5", "--most-machines", "5"], "leaves none"),
        (&["--objective", "p99 > 200ms"], "p99 < 200ms"),
        (&["--objective", "speed < 3"], "speed"),
        (&["--objective", "throughput > 3/s"], "goes on"),
        (&["-o", "plan.ods"], ".json"),
        (&["--kubernetes", "plan.json"], ".yaml"),
    ] {
        let (code, out, err) = planned(dir.path(), args);
        assert_eq!((code, &*out), (2, ""), "{args:?}: {err}");
        assert!(err.contains(says), "{args:?}: {err}");
    }
    let batch = SERVICE
        .replace("Poisson(rate: 100, count: 1000)", "Batch")
        .replace("name: \"get\",", "name: \"get\", count: 10,");
    let dir = written(&batch);
    let (code, _, err) = planned(dir.path(), &[]);
    assert!(code == 2 && err.contains("--load 500/s"), "{err}");
    let dir = written(&SERVICE.replace("objectives: [\"p95 < 200ms\"],", ""));
    let (code, _, err) = planned(dir.path(), &[]);
    assert!(code == 2 && err.contains("--objective"), "{err}");
}

/// A loop by itself has no worker to lose, so that what is taken has several, and holds with one fewer.
#[test]
fn a_worker_may_be_lost() {
    let dir = written(SERVICE);
    let few = [
        &SMALL[..],
        &["--survive", "1 worker", "--format", "json"],
        &["--strategy", "asyncio"],
    ];
    let (code, _, err) = planned(dir.path(), &few.concat());
    assert!(code == 3 && err.contains("more than 1 worker"), "{err}");
    let with = [&few.concat()[..], &["--strategy", "prefork:2(asyncio)"]].concat();
    let (code, out, err) = planned(dir.path(), &with);
    assert_eq!(code, 0, "{err}");
    let plan: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(plan["asked"]["survive_workers"], 1);
    assert!(plan["plan"]["processes"].as_u64().unwrap() >= 2);
    let after = plan["plan"]["after_loss"].as_array().unwrap();
    assert!(after.len() == 2 && after.iter().all(|j| j["verdict"] == "met"));
    let alone = plan["tried"].as_array().unwrap().iter();
    let alone: Vec<_> = alone.filter(|t| t["each"] == "asyncio").collect();
    assert!(!alone.is_empty());
    assert!(
        alone
            .iter()
            .all(|t| t["why"].as_str().unwrap().contains("no worker left"))
    );
}

/// Names are written into YAML, a page and a command; none ends its quotes.
#[test]
fn hostile_names_stay_within_their_quotes() {
    let name = r#"x\" <script>alert(1)</script>\n  evil: true $(touch evil)"#;
    let hostile = SERVICE.replace("name: \"service\"", &format!("name: \"{name}\""));
    let dir = written(&hostile);
    let args = [
        &SMALL[..],
        &["--html", "p.html", "--kubernetes", "d.yaml", "-o", "p.json"],
    ]
    .concat();
    let (code, _, err) = planned(dir.path(), &args);
    assert_eq!(code, 0, "{err}");
    let yaml = fs::read_to_string(dir.path().join("d.yaml")).unwrap();
    assert!(
        !yaml.lines().any(|l| l.trim_start().starts_with("evil")),
        "{yaml}"
    );
    let page = fs::read_to_string(dir.path().join("p.html")).unwrap();
    assert!(!page.contains("<script>alert"), "the page runs a name");
    assert!(page.contains("Load") && page.contains("Timeline") || page.contains("The plan at"));
    let plan: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join("p.json")).unwrap()).unwrap();
    assert!(
        plan["scenario"]["name"]
            .as_str()
            .unwrap()
            .contains("<script>")
    );
    assert!(!dir.path().join("evil").exists());
}

/// Where connections are what there is not enough of, larger pools are taken instead of more machines, and the plan says how many there are in all.
#[test]
fn larger_pools_are_taken_instead_of_more_machines() {
    let text = SERVICE
        .replace(
            r#"Io(Exponential("20ms"))"#,
            r#"Use(resource: "db", steps: [Io(Exponential("20ms"))])"#,
        )
        .replace(r#"Cpu(Exponential("5ms"))"#, r#"Cpu(Exponential("500us"))"#)
        .replace(
            "    workload: (",
            "    workload: (\n        resources: {\"db\": Connections(size: 4, overflow: 0, per: Process)},",
        );
    let dir = written(&text);
    let asked = [
        "--own-strategies",
        "--machines",
        "1cpu/2GiB",
        "--load",
        "400/s",
        "--format",
        "json",
    ];
    let (code, out, err) = planned(dir.path(), &asked);
    assert_eq!(code, 0, "{err}");
    // Four connections of 20 ms each bear 200 a second; the loop's CPU bears ten times as much.
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["plan"]["machines"], 1);
    assert_eq!(found["plan"]["pool_factor"], 4);
    let pool = &found["plan"]["resources"][0];
    assert_eq!(pool["has"], 4);
    let needs = pool["needs"].as_u64().unwrap();
    assert!((11..=16).contains(&needs), "{needs}");
    assert_eq!(pool["in_all"].as_u64(), Some(needs));
    // Where all share the connections they are somebody else's, and no number of machines bears it.
    let shared = ["--set", "workload.resources.db.per=Everywhere"];
    let (code, _, err) = planned(dir.path(), &[&asked[..], &shared].concat());
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("share `db` (4 that all share)"), "{err}");
}
