//! Shows the progress of a sweep on standard error.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::layout;
use crate::study::sweep::Advance;

/// A sweep that is shorter than this shows no progress on a terminal...
const QUICK: Duration = Duration::from_millis(800);

/// ...and one that is shorter than this says nothing elsewhere.
const SHORT: Duration = Duration::from_secs(5);

/// Columns of the bar and the percentage.
const BAR: usize = 28;

/// The display changes so often at most.
const PAUSE_MS: u64 = 100;

/// The progress of a sweep: a bar on a terminal, a line for every tenth of the work elsewhere. Points done, points a second, time
/// left (by the work that is left, not by the number of points), and the best point so far.
#[derive(Debug)]
pub(super) struct SweepProgress {
    bar: ProgressBar,
    wanted: bool,
    terminal: bool,
    /// Columns beside the bar; `None`: as many as it takes.
    room: Option<usize>,
    all: u64,
    /// Points that were finished before.
    before: AtomicU64,
    since: Mutex<Instant>,
    /// Milliseconds after which the display last changed.
    shown: AtomicU64,
    tenths: AtomicU64,
    best: Mutex<Option<String>>,
}

impl SweepProgress {
    /// `width`: columns of the terminal, if there is one.
    pub(super) fn new(all: u64, wanted: bool, width: Option<usize>) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            wanted,
            terminal: std::io::stderr().is_terminal(),
            room: width.map(|w| w.saturating_sub(BAR)),
            all,
            before: AtomicU64::new(0),
            since: Mutex::new(Instant::now()),
            shown: AtomicU64::new(0),
            tenths: AtomicU64::new(0),
            best: Mutex::new(None),
        }
    }

    /// The first point is about to be begun; so many are finished already.
    pub(super) fn start(&self, before: u64) {
        self.before.store(before, Ordering::Relaxed);
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// The best point so far.
    pub(super) fn best(&self, text: String) {
        if self.wanted {
            *self.best.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
    }

    /// Shows how far the sweep is.
    pub(super) fn show(&self, advance: Advance) {
        if !self.wanted {
            return;
        }
        let elapsed = self
            .since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed();
        if self.terminal {
            let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            let shown = self.shown.load(Ordering::Relaxed);
            if elapsed >= QUICK
                && ms >= shown + PAUSE_MS
                && self
                    .shown
                    .compare_exchange(shown, ms, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
            {
                self.draw(advance, elapsed);
            }
            return;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of ten"
        )]
        let tenth = (advance.share.clamp(0.0, 1.0) * 10.0) as u64;
        if elapsed >= SHORT && tenth < 10 && tenth > self.tenths.fetch_max(tenth, Ordering::Relaxed)
        {
            // Nobody can be told that standard error is gone.
            let _ = writeln!(
                anstream::stderr().lock(),
                "{}0 %: {}",
                tenth,
                self.words(advance, elapsed)
            );
        }
    }

    /// Takes the display away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn draw(&self, advance: Advance, elapsed: Duration) {
        if self.bar.is_hidden() {
            let style = ProgressStyle::with_template("{bar:20} {percent:>3} % {wide_msg}");
            self.bar
                .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.set_length(1000);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a thousand"
        )]
        self.bar
            .set_position((advance.share.clamp(0.0, 1.0) * 1000.0) as u64);
        self.bar.set_message(self.words(advance, elapsed));
    }

    /// `12 of 160 points, 3.1 points/s, 48s left; best: threads:8, cores 16: makespan 12.4 s`.
    fn words(&self, advance: Advance, elapsed: Duration) -> String {
        let done = self.before.load(Ordering::Relaxed) + advance.points;
        let seconds = elapsed.as_secs_f64().max(1e-3);
        let rate = advance.points as f64 / seconds;
        let mut words = format!("{done} of {} points", self.all);
        if advance.points > 0 {
            words += &format!(", {} points/s", crate::quantity::digits(rate, 2));
        }
        if advance.share > 0.005 {
            let left = seconds * (1.0 - advance.share).max(0.0) / advance.share;
            let left = Duration::from_secs_f64(libm::ceil(left.min(1e9)));
            words += &format!(", {} left", humantime::format_duration(left));
        }
        let best = self.best.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(best) = &*best {
            let with = format!("{words}; best: {best}");
            // Half of a name may be another's.
            if self.room.is_none_or(|room| layout::width(&with) <= room) {
                return with;
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_the_work_and_not_the_points() {
        let p = SweepProgress::new(10, true, None);
        p.start(2);
        p.best("threads:8".into());
        let advance = Advance {
            points: 1,
            share: 0.5,
            simulations: 9,
        };
        let words = p.words(advance, Duration::from_secs(30));
        assert_eq!(
            words,
            "3 of 10 points, 0.033 points/s, 30s left; best: threads:8"
        );
        // In less room no name stands rather than half of one.
        let p = SweepProgress::new(10, true, Some(80));
        p.start(2);
        p.best("threads:8".into());
        let words = p.words(advance, Duration::from_secs(30));
        assert_eq!(words, "3 of 10 points, 0.033 points/s, 30s left");
    }
}
