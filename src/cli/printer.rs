//! Decides what is printed where: results on standard output, everything else on standard error. All printing is done here.

use std::io::{BufWriter, IsTerminal as _, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::Terminal;
use crate::layout::Style;
use crate::study::StudyProgress;

pub(super) use super::sweep_progress::SweepProgress;

/// A run that is shorter than this shows no progress.
const QUICK: Duration = Duration::from_millis(800);

/// How much is said, and in which colours.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// 0: all; 1: no progress, notes and hints; 2: errors only.
    pub quiet: u8,
    /// 0: the main things; 1 and more: details.
    pub verbose: u8,
    /// Whether progress may be shown.
    pub progress: bool,
    /// How wide lines are, and in which signs.
    pub terminal: Terminal,
}

impl Printer {
    /// Writes a result to standard output; colours are taken out where they are not wanted.
    ///
    /// # Errors
    /// Standard output cannot be written.
    #[expect(
        clippy::unused_self,
        reason = "who prints asks the printer, whatever it needs for that"
    )]
    pub(crate) fn result(&self, text: &str) -> anyhow::Result<()> {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .context("cannot write to standard output")
    }

    /// The look of a report for people, on standard output or in a file. `ascii`: the user asked for ASCII only.
    pub(super) fn style(&self, ascii: bool, to_file: bool) -> Style {
        Style {
            verbose: self.verbose > 0,
            notes: self.quiet == 0,
            ..self.terminal.style(ascii, to_file)
        }
    }

    /// Prints a helpful hint on standard error.
    pub(crate) fn hint(&self, text: &str) {
        if self.quiet == 0 {
            self.say(&self.terminal.sentences(text));
        }
    }

    /// Prints a warning on standard error.
    pub(crate) fn warn(&self, text: &str) {
        if self.quiet < 2 {
            self.say(&self.terminal.sentences(text));
        }
    }

    /// Prints what went wrong on standard error.
    pub(crate) fn error(&self, text: &str) {
        self.say(&self.terminal.sentences(text));
    }

    /// Prints an error that is already laid out.
    pub(super) fn excerpt(&self, text: &str) {
        self.say(text);
    }

    #[expect(
        clippy::unused_self,
        reason = "whatever is said goes through a printer"
    )]
    fn say(&self, text: &str) {
        // Nobody can be told that standard error is gone.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// Writes a result for programs, of whatever size, to standard output.
    ///
    /// # Errors
    /// The first error of `write`, or standard output cannot be written.
    #[expect(
        clippy::unused_self,
        reason = "who prints asks the printer, whatever it needs for that"
    )]
    pub(crate) fn result_with(
        &self,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        write(&mut out)?;
        out.flush().context("cannot write to standard output")
    }

    /// Shows the progress of a measurement that is known to take a while.
    pub(crate) fn measuring(&self, title: &str) -> Measuring {
        let wanted = self.progress && self.quiet == 0;
        let terminal = std::io::stderr().is_terminal();
        let bar = if wanted && terminal {
            let style = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3} % {msg}");
            ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_prefix(title.to_owned())
        } else {
            ProgressBar::hidden()
        };
        Measuring {
            bar,
            lines: (wanted && !terminal).then(|| (title.to_owned(), AtomicU64::new(0))),
        }
    }

    /// Shows the progress of a sweep of `points` points.
    pub(super) fn sweep_progress(&self, points: u64) -> SweepProgress {
        SweepProgress::new(
            points,
            self.progress && self.quiet == 0,
            self.terminal.messages,
        )
    }

    /// Makes a progress display, which appears on a terminal only, when a run turns out to be long.
    pub(crate) fn progress_bar(&self) -> RunProgress {
        RunProgress {
            bar: ProgressBar::hidden(),
            wanted: self.progress && self.quiet == 0,
            since: Instant::now(),
        }
    }
}

/// The progress of a measurement on standard error: a bar on a terminal, and elsewhere a line for every tenth.
#[derive(Debug)]
pub(crate) struct Measuring {
    bar: ProgressBar,
    lines: Option<(String, AtomicU64)>,
}

impl Measuring {
    /// Says what is being measured, and how much of the time is over (0 to 1).
    pub(crate) fn show(&self, what: &str, share: f64) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a thousand"
        )]
        let position = (share.clamp(0.0, 1.0) * 1000.0) as u64;
        self.bar.set_position(position);
        self.bar.set_message(what.to_owned());
        if let Some((title, shown)) = &self.lines
            && position / 100 > shown.fetch_max(position / 100, Ordering::Relaxed)
        {
            // Nobody can be told that standard error is gone.
            let _ = writeln!(
                anstream::stderr().lock(),
                "{title}: {} % ({what})",
                position / 10
            );
        }
    }

    /// Removes the display.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The progress of a study on standard error.
#[derive(Debug)]
pub(crate) struct RunProgress {
    bar: ProgressBar,
    wanted: bool,
    since: Instant,
}

impl RunProgress {
    /// Shows how far the study is.
    pub(crate) fn show(&self, p: StudyProgress) {
        if !self.wanted || self.since.elapsed() < QUICK {
            return;
        }
        if self.bar.is_hidden() {
            let style =
                ProgressStyle::with_template("{bar:30} {pos}/{len} simulations, {eta} left");
            self.bar
                .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_length(p.planned);
        // Threads may report what they finish out of order.
        self.bar.set_position(p.done.max(self.bar.position()));
    }

    /// Removes the display.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
