//! Prints how fast the simulator is, as a Markdown table:
//!
//! ```text
//! cargo run --release --example speed
//! ```

#![expect(clippy::print_stdout, reason = "its output is the table")]

#[path = "../../benches/common/queue.rs"]
mod queue;

use std::hint::black_box;
use std::time::Instant;

use queue::{Queue, Seen, by_hand, engine};

/// Customers of a kernel run, and runs of each kind.
const CUSTOMERS: u64 = 5_000_000;
const RUNS: usize = 9;

fn main() {
    kernel();
}

/// Seconds that a loop takes.
fn time(run: fn(&Queue) -> Seen, queue: &Queue) -> (f64, Seen) {
    let start = Instant::now();
    let seen = run(black_box(queue));
    (start.elapsed().as_secs_f64(), seen)
}

/// The kernel's rows. The two loops take turns, so that a machine that slows down slows both.
#[expect(clippy::cast_precision_loss, reason = "millions of customers")]
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
