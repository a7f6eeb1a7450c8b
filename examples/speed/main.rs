//! Prints how fast the simulator is, as a Markdown table:
//!
//! ```text
//! cargo run --release --example speed                 all of it, about a minute
//! cargo run --release --example speed -- kernel       the kernel beside the loop written by hand
//! cargo run --release --example speed -- models       the full model under every strategy
//! cargo run --release --example speed -- growth 7     growth up to 10^7 tasks, minutes
//! cargo run --release --example speed -- overload 5   tasks whose deadlines pass while they wait, up to 10^5
//! ```

#![expect(clippy::print_stdout, reason = "its output is the table")]

#[path = "../../benches/common/queue.rs"]
mod queue;

mod models;
mod overload;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use queue::{Queue, Seen, by_hand, engine};

/// Customers of a kernel run, and runs of each kind.
const CUSTOMERS: u64 = 5_000_000;
const RUNS: usize = 9;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        [] => {
            kernel();
            models::table();
            models::growth(6);
            overload::table(5);
            Ok(())
        }
        ["kernel"] => {
            kernel();
            Ok(())
        }
        ["models"] => {
            models::table();
            Ok(())
        }
        ["growth", power] => match power.parse() {
            Ok(power @ 3..=9) => {
                models::growth(power);
                Ok(())
            }
            _ => Err(format!("{power} is no power of ten from 3 to 9")),
        },
        ["overload", power] => match power.parse() {
            Ok(power @ 3..=6) => {
                overload::table(power);
                Ok(())
            }
            _ => Err(format!("{power} is no power of ten from 3 to 6")),
        },
        ["row", name, tasks] => models::child(name, tasks),
        _ => Err("expected one of: kernel, models, growth POWER, overload POWER".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            println!("failed: {text}");
            ExitCode::FAILURE
        }
    }
}

/// Seconds that a loop takes.
fn time(run: fn(&Queue) -> Seen, queue: &Queue) -> (f64, Seen) {
    let start = Instant::now();
    let seen = run(black_box(queue));
    (start.elapsed().as_secs_f64(), seen)
}

/// The kernel's rows. The two loops take turns, so that a machine that slows down slows both.
fn kernel() {
    println!(
        "Kernel, one core, {CUSTOMERS} customers (two events each), {RUNS} runs of each loop in turns.\n"
    );
    println!(
        "| queue | loop | best, M customers/s | median, M customers/s | engine over hand, best | median |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for (name, queue) in [
        ("M/M/1", Queue::mm1(CUSTOMERS)),
        ("M/M/8", Queue::mm8(CUSTOMERS)),
    ] {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            let (seconds, seen) = time(engine, &queue);
            times[0].push(seconds);
            let (seconds, same) = time(by_hand, &queue);
            times[1].push(seconds);
            assert_eq!(seen, same, "the two loops disagree");
        }
        let [engine, hand] = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            [times[0], times[times.len() / 2]].map(|t| CUSTOMERS as f64 / t / 1e6)
        });
        let [best, median] = [0, 1].map(|i| engine[i] / hand[i]);
        println!(
            "| {name} | engine | {:.1} | {:.1} | {best:.2} | {median:.2} |",
            engine[0], engine[1]
        );
        println!("| {name} | by hand | {:.1} | {:.1} | | |", hand[0], hand[1]);
    }
    println!();
}
