//! About how long a calibration takes: counted pieces of work times what they take on this interpreter, which is tried before it begins.

use std::path::Path;
use std::time::{Duration, Instant};

use super::imports::{LONGEST, SHARE};
use super::{BenchError, PATIENCE, servers};
use crate::host::{self, ExitReason, Invocation};
use crate::scenario::RequestHandling;

/// What every program of a calibration imports.
const USUAL: [&str; 3] = ["asyncio", "concurrent.futures", "multiprocessing"];
/// The interpreter is started so often to see how long that takes; the first time it is read from disk.
const STARTS: usize = 3;
/// A round of all microbenchmarks takes as long as so many starts of the interpreter, and so much.
const ROUND_STARTS: f64 = 22.0;
const ROUND: Duration = Duration::from_millis(2_700);
/// What is measured when all else is done (memory, mostly of processes) takes as long as so many starts, and so much.
const LATER_STARTS: f64 = 20.0;
const LATER: Duration = Duration::from_millis(700);
/// Deriving the parameters from the samples, and how far they may be off.
const DERIVATION: Duration = Duration::from_millis(700);
/// The watch over the GIL sees so much of an import: a millisecond in some, and it needs some tens.
const WATCHED_IMPORT: Duration = Duration::from_millis(800);
/// So many imports at least.
const FEWEST: f64 = 4.0;

/// What pieces of a calibration take on an interpreter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BenchCosts {
    /// Starting it with the usual imports, and ending it.
    pub start: Duration,
    /// Starting it with each of the user's modules.
    pub imports: Vec<Duration>,
    /// Starting it with what each server is made of.
    pub servers: Vec<Duration>,
}

/// About how long the parts of a calibration take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The microbenchmarks.
    pub bench: Duration,
    /// What is measured when these are done.
    pub later: Duration,
    /// Requests to servers.
    pub servers: Duration,
    /// The watch over the GIL in the user's imports.
    pub imports: Duration,
    /// Making the profile of it.
    pub derivation: Duration,
}

impl Expected {
    /// In all.
    #[must_use]
    pub(crate) fn all(&self) -> Duration {
        self.bench + self.later + self.servers + self.imports + self.derivation
    }

    /// The share of the whole that is over when `share` of a part is, which comes after others that took `before`.
    pub(super) fn share(&self, before: Duration, part: Duration, share: f64) -> f64 {
        let all = self.all().as_secs_f64();
        if all == 0.0 {
            // Nobody has asked how long it takes: only the microbenchmarks count.
            return if before.is_zero() { share } else { 1.0 };
        }
        ((before.as_secs_f64() + part.as_secs_f64() * share.clamp(0.0, 1.0)) / all).min(1.0)
    }
}

/// An interpreter cannot import a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotImport {
    /// The module, or the modules of a server.
    pub module: String,
    /// The server that needs it; `None` for a module of the user's own.
    pub server: Option<RequestHandling>,
    /// What the interpreter says.
    pub why: String,
}

/// Starts an interpreter with these modules; how long that took, or why it failed.
fn start(
    python: &Path,
    modules: &[&str],
    folder: &Path,
) -> Result<Result<Duration, String>, BenchError> {
    const PROGRAM: &str = "import sys\nfor module in sys.argv[1:]: __import__(module)";
    let mut program = Invocation::new(python);
    program.args = ["-W", "ignore", "-c", PROGRAM]
        .iter()
        .chain(modules)
        .map(Into::into)
        .collect();
    program.dir = Some(folder);
    program.limit = PATIENCE;
    let begun = Instant::now();
    let finished = host::run(&program, &mut |_| {})?;
    if finished.end == ExitReason::Interrupted {
        return Err(BenchError::Interrupted);
    }
    if finished.succeeded() {
        return Ok(Ok(begun.elapsed()));
    }
    Ok(Err(match (finished.end, finished.last_line()) {
        (ExitReason::Exited, last) if !last.is_empty() => last.to_owned(),
        _ => finished.how(),
    }))
}

/// Tries the pieces: what cannot be imported is noticed here, before minutes have gone by. `folder` is where the user's own modules are.
///
/// # Errors
/// When the interpreter cannot be run, or the user interrupts.
pub fn costs(
    python: &Path,
    imports: &[String],
    asked: &[RequestHandling],
    folder: &Path,
) -> Result<Result<BenchCosts, CannotImport>, BenchError> {
    let mut all = BenchCosts::default();
    for handling in asked {
        let bench = servers::of(*handling);
        match start(python, bench.modules, folder)? {
            Ok(time) => all.servers.push(time),
            Err(why) => {
                return Ok(Err(CannotImport {
                    module: bench.modules.join(" and "),
                    server: Some(*handling),
                    why,
                }));
            }
        }
    }
    for module in imports {
        match start(python, &[module], folder)? {
            Ok(time) => all.imports.push(time),
            Err(why) => {
                return Ok(Err(CannotImport {
                    module: module.clone(),
                    server: None,
                    why,
                }));
            }
        }
    }
    for _ in 0..STARTS {
        // What lacks one of these is measured as far as that goes.
        if let Ok(time) = start(python, &USUAL, folder)? {
            let best = all.start;
            all.start = if best.is_zero() { time } else { best.min(time) };
        }
    }
    Ok(Ok(all))
}

/// About how long measuring for `time` takes where the pieces take so long.
#[must_use]
pub fn expected(time: Duration, costs: &BenchCosts) -> Expected {
    let round = ROUND + costs.start.mul_f64(ROUND_STARTS);
    let watch = |import: &Duration| {
        let import = import.as_secs_f64();
        let own = (import - costs.start.as_secs_f64() / 2.0).max(0.001);
        let runs = (WATCHED_IMPORT.as_secs_f64() / own).max(FEWEST);
        let longest = (time.as_secs_f64() * SHARE).min(LONGEST.as_secs_f64());
        (runs * import).min(longest + import)
    };
    Expected {
        // Everything once, however little time there is.
        bench: time.max(round),
        later: LATER + costs.start.mul_f64(LATER_STARTS),
        servers: (costs.servers.iter())
            .map(|start| *start + servers::length(time))
            .sum(),
        imports: Duration::from_secs_f64(costs.imports.iter().map(watch).sum()),
        derivation: DERIVATION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pieces_count() {
        let second = Duration::from_secs(1);
        let costs = BenchCosts {
            start: second / 10,
            imports: Vec::new(),
            servers: Vec::new(),
        };
        let long = expected(second * 95, &costs);
        assert_eq!(long.bench, second * 95);
        assert_eq!(long.later, LATER + (second / 10).mul_f64(LATER_STARTS));
        assert_eq!(long.all(), long.bench + long.later + DERIVATION);
        // A slow interpreter needs more than the time for its first round.
        let slow = expected(
            second * 6,
            &BenchCosts {
                start: second,
                ..BenchCosts::default()
            },
        );
        assert_eq!(slow.bench, ROUND + second.mul_f64(ROUND_STARTS));
        // A module takes some imports, and no longer than its share.
        let with = |import: Duration| {
            let costs = BenchCosts {
                imports: vec![import; 2],
                ..costs.clone()
            };
            expected(second * 95, &costs).imports
        };
        assert_eq!(with(second), second * 8);
        assert!(with(second * 40) <= 2 * (LONGEST + second * 40));
        assert!(with(second / 10) > second);
        // So does a server.
        let served = BenchCosts {
            servers: vec![second; 2],
            ..costs.clone()
        };
        let asked = expected(second * 95, &served);
        assert_eq!(asked.servers, (second + servers::length(second * 95)) * 2);
        assert_eq!(asked.all(), long.all() + asked.servers);
    }

    #[test]
    fn shares_grow_through_all_parts() {
        let second = Duration::from_secs(1);
        let e = Expected {
            bench: second * 6,
            later: second * 3,
            servers: Duration::ZERO,
            imports: Duration::ZERO,
            derivation: second,
        };
        assert_eq!(e.share(Duration::ZERO, e.bench, 0.5), 0.3);
        assert_eq!(e.share(e.bench, e.later, 1.0), 0.9);
        assert_eq!(e.share(e.bench, e.later, 7.0), 0.9);
        let unknown = Expected::default();
        assert_eq!(unknown.share(Duration::ZERO, unknown.bench, 0.5), 0.5);
    }
}
