//! pchsim within another program: how many workers does a batch of requests need to be done within two seconds?
//!
//! ```text
//! cargo run --release --example embed
//! ```
#![expect(clippy::print_stdout, reason = "the answer is the result")]

use pchsim::{Error, Options, Quantity, Scenario, simulate};

/// Requests that wait for a service and then compute.
const REQUESTS: &str = r#"(
    schema: 1,
    name: "requests",
    workload: (
        arrivals: Batch,
        tasks: [(name: "request", count: 200, steps: [Io("80ms"), Cpu("5ms")])],
    ),
    strategies: [Threads(workers: 4), Threads(workers: 8), Threads(workers: 16), Threads(workers: 32)],
)"#;

/// What is asked for, in seconds.
const GOAL: f64 = 2.0;

fn main() -> Result<(), Error> {
    let scenario = Scenario::parse(REQUESTS, &[("machine.cores", "4")])?;
    let study = simulate(&scenario, &Options::default())?;
    for workers in [4, 8, 16, 32] {
        let name = format!("threads:{workers}");
        let forecast = study.forecasts.iter().find(|f| f.strategy == name);
        let makespan = forecast.and_then(|f| f.get(Quantity::Makespan));
        let Some(makespan) = makespan.map(|e| e.mean) else {
            println!("{name}: no forecast");
            continue;
        };
        println!("{name}: {makespan:.2} s");
        if makespan < GOAL {
            println!("{workers} workers are enough for {GOAL} s");
            return Ok(());
        }
    }
    println!("more workers than that are needed for {GOAL} s");
    Ok(())
}
