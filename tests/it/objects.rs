//! What `run` and `check` say about shared objects.

use serde_json::Value;

use crate::world::{World, told};

fn run(text: &str, more: &[&str]) -> String {
    let world = World::with("s.ron", text);
    let mut command = world.command("run s.ron --width 200");
    told(command.args(more), 0).out
}

/// Threads at one object, of which each task has a part that varies.
fn pages(count: u32) -> String {
    format!(
        r#"(
            schema: 1, name: "t", machine: (cores: 4), interpreters: ["cpython-3.14t"],
            workload: (arrivals: Batch, objects: ["config"], tasks: [(name: "page", count: {count},
                steps: [Repeat(100, [Cpu(Exponential("20us")), Shared(object: "config", count: 300)])])]),
            strategies: [Threads(workers: 4)],
        )"#
    )
}

/// The percentage before these words.
fn percent_before(text: &str, words: &str) -> u32 {
    let before = &text[..text
        .find(words)
        .unwrap_or_else(|| panic!("no {words}: {text}"))];
    let digits = before
        .trim_end_matches('%')
        .rsplit(|c: char| !c.is_ascii_digit());
    digits.into_iter().next().unwrap().parse().unwrap()
}

/// Note, finding and "Why" say one share, which does not depend on how many tasks wait for a worker.
#[test]
fn one_share_of_time_whatever_the_size_of_the_batch() {
    let mut shares = Vec::new();
    for count in [8, 400] {
        let text = run(&pages(count), &["--replications", "3"]);
        assert!(text.contains("note[contended-object]"), "{text}");
        let noted = percent_before(&text, " of its time)");
        assert_eq!(percent_before(&text, " contention"), noted, "{text}");
        let json: Value = serde_json::from_str(&run(
            &pages(count),
            &["--replications", "3", "--format", "json"],
        ))
        .unwrap();
        let finding = &json["cases"][0]["findings"][0];
        assert_eq!(finding["kind"], "contended-object");
        let [waited, of] = ["waited_s", "of_s"].map(|k| finding[k].as_f64().unwrap());
        assert_eq!(format!("{:.0}", 100.0 * waited / of), noted.to_string());
        shares.push(noted);
    }
    assert!(
        shares[0].abs_diff(shares[1]) <= 5 && shares[1] > 30,
        "{shares:?}"
    );
}

#[test]
fn what_never_changes_is_not_missed_where_each_worker_has_a_copy() {
    let with = |kinds: &str, steps: &str| {
        run(
            &format!(
                r#"(
                    schema: 1, name: "t", machine: (cores: 2), interpreters: ["cpython-3.14"],
                    workload: (arrivals: Batch, objects: {kinds},
                        tasks: [(name: "t", count: 4, steps: [Cpu("1ms"), {steps}])]),
                    strategies: [Processes(workers: 2, start: Fork)],
                )"#
            ),
            &["--replications", "2"],
        )
    };
    let kinds = r#"{"small": (kind: Immortal), "class": (kind: PerThread), "cache": ()}"#;
    let read = r#"Shared("small"), Repeat(2, [Shared("class")])"#;
    let text = with(kinds, &format!(r#"{read}, Shared("cache")"#));
    assert!(text.contains("the tasks share `cache`, but"), "{text}");
    let text = with(
        kinds,
        &format!(r#"{read}, Shared("cache"), Repeat(2, [Shared(object: "class", write: true)])"#),
    );
    assert!(
        text.contains("the tasks share `cache` and `class`, but"),
        "{text}"
    );
    let text = with(
        r#"{"small": (kind: Immortal), "class": (kind: PerThread)}"#,
        read,
    );
    assert!(!text.contains("unshared"), "{text}");
}

/// What `check` says of objects, imports and a task like these.
fn said(objects: &str, imports: &str, task: &str, workload: &str) -> String {
    let text = format!(
        r#"(
            schema: 1, name: "t",
            workload: (arrivals: Batch, objects: {objects}, imports: ({imports}), {workload}
                tasks: [(name: "t", {task} steps: [Cpu("1ms"), Shared("value")])]),
            strategies: [Threads(workers: 2)],
        )"#
    );
    let said = World::with("s.ron", text).told("check s.ron --width 200", 2);
    said.err + &said.out
}

#[test]
fn slips_are_answered() {
    let text = said(r#"["value", ""]"#, "", "", "");
    assert!(text.contains("an object needs a name"), "{text}");
    let text = said(r#"{"value": Immortal}"#, "", "", "");
    assert!(text.contains("write (kind: Immortal)"), "{text}");
    let text = said(r#"["value"]"#, "freeze: true", "", "");
    assert!(text.contains("did you mean `frozen`?"), "{text}");
    let text = said(r#"["value"]"#, r#"touches: "40%""#, "", "");
    assert!(
        text.contains("`touches` belongs into a task class"),
        "{text}"
    );
    let text = said(r#"["value"]"#, "", "frozen: true,", "");
    assert!(text.contains("`frozen` belongs into `imports`"), "{text}");
    let text = said(r#"["value"]"#, "", "", "frozen: true,");
    assert!(text.contains("`frozen` belongs into `imports`"), "{text}");
    // Said once: what is declared is not known.
    let text = said("3", "", "", "");
    assert!(text.contains("expected objects by name"), "{text}");
    assert!(!text.contains("there is no object"), "{text}");
    let text = said(r#"["other"]"#, "", "", "");
    assert!(text.contains("there is no object \"value\""), "{text}");
}
