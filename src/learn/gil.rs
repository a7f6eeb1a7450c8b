//! Turns what was seen of the GIL while a class's tasks ran into properties of its steps.

use super::dist::significant;
use super::fit::Fit;
use super::structure::ShapeClass;
use super::table::time;
use super::trace::{GilGlances, GilObservation, Trace};
use crate::engine::Nanos;
use crate::scenario::{Releases, limits};

/// Code that runs without the GIL for this share of its time is taken for native code.
const FREE: f64 = 0.95;
/// Fewer releases than this may be those of other threads (the main thread's, or a garbage collection's) or of a core that was taken away.
const FEWEST: u64 = 50;
/// Long stretches without the GIL are told from single ones of other threads by their share of the time, and by their number.
const LEAST_SHARE: f64 = 0.2;
const FEW: u64 = 5;
/// Long stretches have to have been watched for this time: where a core is taken away within a release, that looks like one.
const LEAST_PARTLY_NS: u64 = 50_000_000;
/// The least time for which the GIL has to have been watched, in nanoseconds. It is watched for a millisecond at a time, and a few of these
/// tell nothing.
const LEAST_NS: u64 = 5_000_000;

/// What is seen in passing counts if it was seen for this time, or for the shorter one where nearly all of the time was without the GIL: of code that
/// is so for half of its time, one in a thousand recordings shows that in ten looks. Fewer releases a millisecond than this are no cost, and may be
/// the recorder's own, and from this ratio of looks at several threads to looks at one on, recorded times hold what fighting for the GIL costs.
const LEAST_GLANCES_NS: u64 = 20_000_000;
const LEAST_CLEAR_NS: u64 = 8_000_000;
const CLEAR: f64 = 0.85;
const OFTEN: f64 = 20.0;
const CONTENDED: f64 = 0.25;

/// How code handles the GIL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GilUse {
    /// The code holds the GIL as any bytecode does, or it was not watched.
    Keeps,
    /// The code runs without the GIL.
    Free,
    /// The code is without the GIL for this share of its time, in stretches so long that they are few.
    Partly {
        /// The share, above 0 and below 1.
        share: f64,
    },
    /// The code gives the GIL up from time to time.
    Releases {
        /// Releases in a nanosecond.
        rate: f64,
        /// The duration of one release, in nanoseconds.
        each: f64,
    },
}

impl GilUse {
    /// What was seen as a habit; `None` if it was watched for too short a time to tell.
    pub(crate) fn seen(seen: GilObservation) -> Option<Self> {
        if seen.time < LEAST_NS {
            return None;
        }
        Some(if seen.share() >= FREE {
            Self::Free
        } else if (FEW..FEWEST).contains(&seen.releases)
            && seen.share() >= LEAST_SHARE
            && seen.time >= LEAST_PARTLY_NS
        {
            Self::Partly {
                share: seen.share(),
            }
        } else if seen.releases < FEWEST {
            Self::Keeps
        } else {
            Self::Releases {
                rate: seen.releases as f64 / seen.time as f64,
                each: seen.released as f64 / seen.releases as f64,
            }
        })
    }

    /// The habit of a class, which is also reported in `notes`.
    pub(super) fn of(group: &ShapeClass, trace: &Trace, notes: &mut Vec<String>) -> Self {
        let name = &group.name;
        let Some(seen) = trace.gil.get(group.class).copied().filter(|w| w.time > 0) else {
            let glances = trace.glances.get(group.class).copied();
            return glances.map_or(Self::Keeps, |g| Self::in_passing(g, name, notes));
        };
        let gil_use = Self::seen(seen);
        Self::say(gil_use, seen, name, notes);
        gil_use.unwrap_or(Self::Keeps)
    }

    /// The habit of a class by what an ordinary recording saw, which concludes nothing from little.
    fn in_passing(glances: GilGlances, name: &str, notes: &mut Vec<String>) -> Self {
        let GilGlances { alone, together } = glances;
        let is_contended = together.time as f64 > CONTENDED * alone.time as f64;
        let seen = if alone.time >= together.time {
            alone
        } else {
            together
        };
        if seen.time < LEAST_CLEAR_NS || (seen.time < LEAST_GLANCES_NS && seen.share() < CLEAR) {
            if seen.share() >= LEAST_SHARE {
                notes.push(format!(
                    "class {name}: nobody held the GIL in {:.0}% of {} of its code, too short to tell whether it is native: it is taken for \
                     Python code. Record more tasks",
                    100.0 * seen.share(),
                    time(seen.time as f64)
                ));
            }
            return Self::Keeps;
        }
        let gil_use = Self::glanced(seen);
        if let Self::Releases { rate, .. } = gil_use
            && is_contended
        {
            notes.push(format!(
                "class {name}: its code gives the GIL up often (some {} times a millisecond were seen), which costs CPU time where several \
                 threads want it. That cost is in the recorded times, so they are right for about as many threads as were recorded; for \
                 other numbers record once more with --releases",
                significant(rate * 1e6, 2)
            ));
            return Self::Keeps;
        }
        Self::say(Some(gil_use), seen, name, notes);
        gil_use
    }

    /// What was seen in passing as a habit. Where releases are rare, only the share of the time without the GIL matters, and forecasts change little
    /// from one share to the next: a class just below the limit of native code is not taken for one that keeps the GIL.
    fn glanced(seen: GilObservation) -> Self {
        let (share, rate) = (seen.share(), seen.releases as f64 / seen.time.max(1) as f64);
        if share >= FREE {
            Self::Free
        } else if seen.releases >= FEWEST && rate * 1e6 >= OFTEN {
            Self::Releases {
                rate,
                each: seen.released as f64 / seen.releases as f64,
            }
        } else if share >= LEAST_SHARE {
            Self::Partly { share }
        } else {
            Self::Keeps
        }
    }

    fn say(gil_use: Option<Self>, seen: GilObservation, name: &str, notes: &mut Vec<String>) {
        let looked = time(seen.time as f64);
        match gil_use {
            None => notes.push(format!(
                "class {name}: the GIL was looked at for {looked} only, too short to tell how often its code gives it up; record \
                 more or longer tasks"
            )),
            Some(Self::Keeps) => {}
            Some(Self::Partly { share }) => notes.push(format!(
                "class {name}: nobody held the GIL in {:.0}% of {looked} of its code, in long stretches: that share of Cpu is native",
                100.0 * share
            )),
            Some(Self::Free) => notes.push(format!(
                "class {name}: nobody held the GIL in {:.0}% of {looked} of its code, which is Native therefore",
                100.0 * seen.share()
            )),
            Some(Self::Releases { rate, each }) => notes.push(format!(
                "class {name}: its code gives the GIL up {} times a millisecond, for {} each time ({} releases seen in {looked})",
                significant(rate * 1e6, 3),
                time(each),
                seen.releases
            )),
        }
    }

    /// The share of a step that is native, where releases do not say it better.
    pub(super) fn native(&self) -> Option<f64> {
        match self {
            Self::Partly { share } => Some(significant(*share, 2)),
            Self::Keeps | Self::Free | Self::Releases { .. } => None,
        }
    }

    /// The releases within one step. `mean` is the step's recorded mean time in nanoseconds, `steps` the number of steps of its class, and
    /// `factor` the CPU time on the recorded interpreter relative to the baseline.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates"
    )]
    pub(super) fn within(
        &self,
        mean: f64,
        steps: usize,
        fit: &Fit,
        factor: f64,
    ) -> Option<Releases> {
        let Self::Releases { rate, each } = *self else {
            return None;
        };
        let most = limits::MAX_RELEASES_PER_TASK / steps.max(1) as u64;
        let count = (libm::round(rate * mean) as u64).min(most);
        let fitted = fit.fitted_mean();
        if count == 0 || !fitted.is_finite() {
            return None;
        }
        // The mean of the fit may lie below that of the values, and so below the time released within it.
        let most = fitted * FREE / count as f64;
        let released = Nanos::from_f64((each / factor).min(most));
        (released > Nanos::ZERO).then_some(Releases { count, released })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, TraceOptions, learn};
    use super::*;

    fn scenario(gil: &str) -> String {
        let mut csv = String::from("task,class,kind,start,end,releases,released\n");
        for i in 0..20 {
            csv += &format!("{i},page,cpu,{i},{i}.015,,\n");
        }
        csv += gil;
        let trace = Trace::parse(csv.as_bytes(), "t.csv", &TraceOptions::default()).unwrap();
        learn(&trace, Options::default()).unwrap().to_ron()
    }

    /// Observations add up. A class that was not watched, or not for long, is taken to hold the GIL.
    #[test]
    fn what_was_seen_of_the_gil_stands_in_the_steps() {
        let often = "gil,page,gil,0,0.010,3200,0.000512\n";
        let text = scenario(&often.repeat(2));
        let step = "Cpu(time: \"15ms\", releases: 4800, released: \"160ns\"),";
        assert!(text.contains(step), "{text}");
        assert!(text.contains("320 times a millisecond"), "{text}");
        assert!(scenario("gil,page,gil,0,0.010,1,0.0099\n").contains("Native(\"15ms\")"));
        let partly = scenario("gil,page,gil,0,0.060,12,0.024\n");
        assert!(
            partly.contains("Cpu(time: \"15ms\", native: \"40%\")"),
            "{partly}"
        );
        for keeps in [
            "",
            "gil,page,gil,0,0.010,9,0.001\n",
            "gil,page,gil,0,0.001,320,0.0001\n",
        ] {
            assert!(scenario(keeps).contains("Cpu(\"15ms\")"), "{keeps}");
        }
    }

    /// What is seen in passing: 8 ms at least, 20 where it is not clear; of several threads each is without the GIL as often as the others; and where they fight for
    /// it, how often it is given up is said and not written.
    #[test]
    fn glances_conclude_nothing_from_little() {
        let glance = |rows: &str| {
            let mut csv = String::from("task,class,kind,start,end,releases,released,size\n");
            for i in 0..20 {
                csv += &format!("{i},page,cpu,{i},{i}.015,,,\n");
            }
            csv += rows;
            let trace = Trace::parse(csv.as_bytes(), "t.csv", &TraceOptions::default()).unwrap();
            learn(&trace, Options::default()).unwrap().to_ron()
        };
        let free = "gil,page,gil,0,0.015,3,0.0148,1\n";
        assert!(glance(free).contains("Native(\"15ms\")"));
        let brief = glance("gil,page,gil,0,0.006,1,0.0059,1\n");
        assert!(brief.contains("Cpu(\"15ms\")"), "{brief}");
        assert!(brief.contains("too short to tell whether"), "{brief}");
        // Half of 15 ms tells nothing yet, of 30 ms it does; and a little less than all of the time is no Python code.
        let half = "gil,page,gil,0,0.015,3,0.0075,1\n";
        assert!(glance(half).contains("Cpu(\"15ms\")"));
        let part = |share: u64| format!("Cpu(time: \"15ms\", native: \"{share}%\")");
        assert!(glance(&half.repeat(2)).contains(&part(50)));
        let nearly = "gil,page,gil,0,0.045,210,0.0419,1\n";
        assert!(glance(nearly).contains(&part(93)), "{}", glance(nearly));
        // Two threads without the GIL for 95% each leave it free for 90% of the time.
        let two = "gil,page,gil,0,0.030,1,0.0271,2\n";
        assert!(glance(two).contains("Native(\"15ms\")"), "{}", glance(two));
        let often = "gil,page,gil,0,0.030,4200,0.0009,1\n";
        assert!(glance(often).contains("releases: 2100"));
        let fought = glance(&format!("{often}gil,page,gil,0,0.010,300,0.0009,2\n"));
        assert!(fought.contains("gives the GIL up often"), "{fought}");
        assert!(fought.contains("Cpu(\"15ms\")"), "{fought}");
    }

    #[test]
    fn what_was_seen_of_the_gil_is_checked() {
        for (row, said) in [
            ("gil,page,gil,0,0.010,,0.001", "the releases are missing"),
            (
                "gil,page,gil,0,0.010,x,0.001",
                "\"x\" is not a whole number",
            ),
            ("gil,page,gil,0,0.010,5,", "the released is missing"),
            (
                "gil,page,gil,0,0.010,5,0.011",
                "for longer than it was looked at",
            ),
        ] {
            let csv = format!("task,class,kind,start,end,releases,released\n{row}\n");
            let e = Trace::parse(csv.as_bytes(), "t.csv", &TraceOptions::default()).unwrap_err();
            assert!(e.to_string().contains(said), "{e}");
        }
    }
}
