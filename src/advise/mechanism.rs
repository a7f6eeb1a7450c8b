//! Where time goes, and which mechanism makes one approach slower than another.

use super::family::Family;
use super::survey::Fared;
use super::words::{MATTERS, Words};
use crate::quantity::{self, Means, Quantity, list, percent, time};
use crate::strategy::{CAUSES, Cause};

impl Words {
    /// Which mechanism makes one slower than another: that its code runs longer, where this is most of the difference, else where the time of
    /// its tasks goes.
    pub(super) fn mechanism(&self, slow: &Fared, fast: &Fared) -> String {
        let gap = self
            .number(slow)
            .zip(self.number(fast))
            .map_or(0.0, |(a, b)| a / b - 1.0);
        let cpu = slow.get(Quantity::Cpu).zip(fast.get(Quantity::Cpu));
        let length = |f: &Fared| f.get(Quantity::LatencyMean).unwrap_or(0.0);
        if let Some((a, b)) = cpu.filter(|(a, b)| gap > 0.0 && a / b - 1.0 >= MOST * gap) {
            let running = |f: &Fared| f.forecast.causes[Cause::Running as usize] * length(f);
            // What the tasks' own steps take is no more than a part of the CPU time: the rest is spent on handing them over, and on workers.
            if running(slow) / running(fast).max(f64::MIN_POSITIVE) - 1.0 < MOST * (a / b - 1.0) {
                let more = |c: Cause| {
                    let time = |f: &Fared| f.forecast.causes[c as usize] * length(f);
                    time(slow) - time(fast)
                };
                let what = if more(Cause::Startup) > more(Cause::Ipc) {
                    "starting workers, pickling and hand-over take"
                } else {
                    "pickling, pipes and hand-over take"
                };
                return format!(
                    "{what} CPU time beside the tasks' own code ({} of CPU time in all against {})",
                    time(a),
                    time(b)
                );
            }
            return format!(
                "its code runs longer ({} of CPU time against {}){}",
                time(a),
                time(b),
                if slow.candidate.family.free_threaded() && !fast.candidate.family.free_threaded() {
                    ": the free-threaded build's own price, and contention for shared objects"
                } else {
                    ""
                }
            );
        }
        let time_of = |f: &Fared, c: usize| f.forecast.causes[c] * length(f);
        let more = |c: usize| time_of(slow, c) - time_of(fast, c);
        let causes =
            (0..CAUSES).filter(|c| *c != Cause::Io as usize && *c != Cause::Running as usize);
        let worst = causes.max_by(|a, b| more(*a).total_cmp(&more(*b)));
        match worst.filter(|c| more(*c) > 0.0) {
            Some(c) => format!(
                "{}: {} a task against {}",
                quantity::participle(Cause::ALL[c], means(slow)),
                time(time_of(slow, c)),
                time(time_of(fast, c))
            ),
            None => match cpu {
                Some((a, b)) => format!("{} of CPU time against {}", time(a), time(b)),
                None => "no single cause stands out".into(),
            },
        }
    }
}

/// Share of a difference from which one mechanism is most of it.
const MOST: f64 = 0.5;

fn means(f: &Fared) -> Means {
    Means {
        gil: Some(!f.candidate.family.free_threaded()),
        workers: Some(f.candidate.family != Family::SingleThread),
    }
}

/// The two or three causes that a task's time goes to.
pub(super) fn spent(f: &Fared) -> Option<String> {
    let mut all: Vec<(usize, f64)> = f.forecast.causes.iter().copied().enumerate().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    let parts: Vec<String> = all
        .iter()
        .take(3)
        .filter(|(_, share)| *share >= MATTERS)
        .map(|(c, share)| {
            format!(
                "{} is {}",
                percent(*share),
                quantity::waiting(Cause::ALL[*c], means(f))
            )
        })
        .collect();
    (!parts.is_empty()).then(|| list(&parts))
}
