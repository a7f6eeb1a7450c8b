//! Recorded arrivals and draws: what `workloads.py` really did.

use std::path::Path;

use rand_mt::Mt;

use super::cell_step::CellStep;
use super::cells::{Config, positive};
use crate::syntax::input;

/// A recorded task.
#[derive(Clone, Debug)]
pub(super) struct RecordedTask {
    /// The arrival, in seconds after the start.
    pub(super) at: f64,
    /// The steps of the task, in order.
    pub(super) steps: Vec<CellStep>,
}

/// Reads a trace file: a list of `[arrival in seconds, [[kind, amount], ...]]`, amounts in seconds for `io`, in baseline
/// milliseconds for CPU and in bytes for payloads.
pub(super) fn read_trace(path: &Path) -> Result<Vec<RecordedTask>, String> {
    let text = input::read_to_string(path).map_err(|e| input::reason(&e))?;
    parse_trace(&text)
}

fn parse_trace(text: &str) -> Result<Vec<RecordedTask>, String> {
    let rows: Vec<(f64, Vec<(String, f64)>)> =
        serde_json::from_str(text).map_err(|e| e.to_string())?;
    let mut tasks = Vec::with_capacity(rows.len());
    for (i, (at, steps)) in rows.into_iter().enumerate() {
        let amounts = steps.iter().map(|(_, amount)| *amount);
        if amounts.chain([at]).any(|x| !x.is_finite() || x < 0.0) {
            return Err(format!(
                "task {i}: times and sizes must be numbers of at least zero"
            ));
        }
        let steps = steps
            .into_iter()
            .map(|(kind, amount)| CellStep::of(&kind, amount))
            .collect::<Result<_, _>>();
        tasks.push(RecordedTask {
            at,
            steps: steps.map_err(|e| format!("task {i}: {e}"))?,
        });
    }
    if tasks.is_empty() {
        return Err("it has no tasks".into());
    }
    if tasks.windows(2).any(|w| w[1].at < w[0].at) {
        return Err("arrivals must be in order of time".into());
    }
    Ok(tasks)
}

/// The seed that `workloads.py` uses where a cell's configuration names none.
const SEED: u64 = 7;
/// The greatest number of tasks that are drawn.
const MOST: u64 = 10_000_000;

/// The random number generator of Python's `random.Random(seed)`.
struct PythonRandom(Mt);

impl PythonRandom {
    /// Seeds the generator; the key of an integer seed is its words of 32 bits, the least significant first.
    fn new(seed: u64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "both are 32 bits long")]
        let [low, high] = [seed & 0xFFFF_FFFF, seed >> 32].map(|w| w as u32);
        Self(if high == 0 {
            Mt::new_with_key([low])
        } else {
            Mt::new_with_key([low, high])
        })
    }

    /// The generator's `random()`: 53 bits of two words.
    fn random(&mut self) -> f64 {
        let (a, b) = (self.0.next_u32() >> 5, self.0.next_u32() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    }

    /// The generator's `expovariate(rate)`.
    fn expovariate(&mut self, rate: f64) -> f64 {
        -libm::log(1.0 - self.random()) / rate
    }
}

/// Draws the tasks of an open workload as `workloads.py` does: what a trace of the run would contain.
pub(super) fn drawn(c: &Config) -> Result<Vec<RecordedTask>, String> {
    let needed = |key: &str| format!("workload `open` needs `{key}`");
    let n = c.n.ok_or_else(|| needed("n"))?;
    let rate = positive("rate", c.rate.ok_or_else(|| needed("rate"))?)?;
    if n > MOST {
        return Err(format!("`n` may be at most {MOST}, not {n}"));
    }
    let ms = |key: &str, value: Option<f64>| match value {
        Some(ms) if !ms.is_finite() || ms < 0.0 => Err(format!(
            "`{key}` must be a number of at least zero, not {ms}"
        )),
        other => Ok(other.filter(|ms| *ms > 0.0)),
    };
    let (io, cpu, io2) = (
        ms("io_ms", c.io_ms)?,
        ms("cpu_ms", c.cpu_ms)?,
        ms("io2_ms", c.io2_ms)?,
    );
    let mut random = PythonRandom::new(c.seed.unwrap_or(SEED));
    let mut at = 0.0;
    let tasks = (0..n).map(|_| {
        at += random.expovariate(rate);
        let mut sleep = |ms: f64| CellStep::Io(random.expovariate(1e3 / ms));
        let steps = [
            io.map(&mut sleep),
            cpu.map(CellStep::Cpu),
            io2.map(&mut sleep),
        ];
        RecordedTask {
            at,
            steps: steps.into_iter().flatten().collect(),
        }
    });
    Ok(tasks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[random.Random(seed).random() for _ in range(3)]` of CPython 3.11.
    #[test]
    fn numbers_are_those_that_python_draws() {
        for (seed, drawn) in [
            (
                7,
                [0.32383276483316237, 0.15084917392450192, 0.6509344730398537],
            ),
            (
                1 << 40,
                [0.1036394562812375, 0.6705558677439764, 0.4266543913526999],
            ),
        ] {
            let mut random = PythonRandom::new(seed);
            assert_eq!([(); 3].map(|()| random.random()), drawn);
        }
    }

    #[test]
    fn a_trace_is_read_or_refused_with_its_place() {
        let tasks = parse_trace(r#"[[0.5, [["io", 0.25], ["cpu", 5.0], ["bytes_in", 10]]]]"#)
            .expect("well formed");
        assert_eq!(
            tasks[0].steps,
            vec![
                CellStep::Io(0.25),
                CellStep::Cpu(5.0),
                CellStep::BytesIn(10)
            ]
        );
        for (text, why) in [
            ("[]", "no tasks"),
            (r#"[[0.5, [["nap", 1]]]]"#, "task 0: unknown step `nap`"),
            (r"[[1, []], [0, []]]", "in order"),
            (r#"[[0, [["io", -1]]]]"#, "at least zero"),
            ("{}", "expected"),
        ] {
            let e = parse_trace(text).expect_err("malformed");
            assert!(e.contains(why), "{text}: {e}");
        }
    }
}
