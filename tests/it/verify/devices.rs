//! Programs of scenarios whose tasks transfer by devices: whoever waits is woken, and nobody is served faster than the device serves.

use super::{completed, plans, said, scenario};

/// Both kinds of devices, from coroutines, threads and calls; some give up in the middle of a transfer, or in line.
const EVERY_DEVICE: &str = r#"(
    schema: 1,
    name: "every device",
    machine: (cores: 2),
    workload: (
        arrivals: Batch,
        devices: {
            "disk": (rate: "200MB/s", per_stream: "120MB/s", penalty: "10%"),
            "db": Station(servers: 2),
            "a \"quoted\" name": (rate: "1Gbit/s"),
        },
        tasks: [(name: "page", count: 8, steps: [
            Transfer("disk", Exponential("300kB")),
            Cpu("200us"),
            Retry(attempts: 20, steps: [Timeout("15ms", [Transfer(device: "db", time: Exponential("3ms"))])]),
            Offload([Transfer("disk", "100kB"), Timeout("5s", [Transfer("a \"quoted\" name", "10kB")])]),
            Inline([Transfer(device: "db", time: "1ms")]),
            Repeat(2, [Transfer("disk", "50kB")]),
        ])],
    ),
)"#;

#[test]
fn every_transfer_ends() {
    let strategies = [
        "sequential",
        "threads:3",
        "threads:per-task",
        "asyncio",
        "asyncio+threads:3",
        "processes:2:fork",
        "prefork:2(asyncio)",
    ];
    let plans = plans(&scenario(EVERY_DEVICE), &strategies);
    // One device is not imitated for several processes.
    let refused: Vec<&str> = plans.left_out.iter().map(|l| l.label.as_str()).collect();
    assert_eq!(refused, ["processes:2:fork", "prefork:2(asyncio)"]);
    for left_out in &plans.left_out {
        assert!(
            left_out.why.contains("share the device"),
            "{}",
            left_out.why
        );
    }
    for (label, said) in said(&plans) {
        let (tasks, ended) = completed(&said);
        let lost = said["failed"].as_u64().unwrap() + said["timed_out"].as_u64().unwrap();
        assert_eq!((tasks, ended as u64 + lost), (8, 8), "{label}: {said}");
    }
}

/// Four transfers of 40 ms take 160 ms of a device with room for one, and 80 of a station with two servers; however slow the machine is, never less.
#[test]
fn nobody_is_served_faster_than_the_device_serves() {
    for (device, least) in [
        ("(rate: \"1MB/s\")", 0.160),
        ("Station(servers: 1)", 0.160),
        ("Station(servers: 2)", 0.080),
        // Four streams make it slower by 3 * 50 %, for as long as all four are there.
        ("(rate: \"1MB/s\", penalty: \"50%\")", 0.400),
    ] {
        let text = format!(
            r#"(
            schema: 1,
            name: "four",
            workload: (
                arrivals: Batch,
                devices: {{"d": {device}}},
                tasks: [(name: "one", count: 4, steps: [Transfer(device: "d", time: "40ms")])],
            ),
        )"#
        );
        let strategies = ["threads:4", "asyncio", "asyncio+threads:2"];
        for (label, said) in said(&plans(&scenario(&text), &strategies)) {
            assert_eq!(completed(&said), (4, 4), "{label}: {said}");
            let makespan = said["makespan_s"].as_f64().unwrap();
            // On a busy machine threads start one after another, so that fewer are there at once; coroutines start together.
            let together = label == "asyncio" || !device.contains("penalty");
            let least = if together { least * 0.95 } else { 0.160 };
            assert!(makespan >= least, "{label}, {device}: {makespan}");
        }
    }
}
