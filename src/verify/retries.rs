//! How programs try again: the pauses between attempts, written as the scenario gives them.

use std::fmt::Write as _;

use super::steps::{quoted, shortest, timed_among};
use super::tree::{Amount, DurationUnit, ProgramStep};
use crate::engine::Nanos;
use crate::scenario::{Backoff, Dist, Jitter};

/// Steps that are tried again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Retry {
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    /// The first pause, which is drawn anew for each.
    pub(super) base: Amount,
    /// The place of the numbers that jitter takes, each uniform in [0, 1).
    pub(super) chance: Option<usize>,
    pub(super) steps: Vec<ProgramStep>,
}

/// The code of attempts, whose pauses are numbers that double, or a `Backoff`.
pub(super) fn attempts(text: &str, backoff: bool) -> String {
    if !backoff {
        return text.to_owned();
    }
    text.replace("self.pause)", "self.pause(error))")
        .replace(
            "(Failed, TimedOut)):",
            "(Failed, TimedOut)) or not self.pause.may():",
        )
        .replace("        pause *= 2\n", "")
        .replace("attempts(3, 0.1): ", "attempts(3, Backoff(0.1)): ")
        .replace("; the pause doubles each time.", ".")
}

/// The pauses as an argument, and a comment on what is drawn. `step` names the step, which has a budget of its own.
pub(super) fn pauses(retry: &Retry, backoff: bool, step: &str) -> (String, String) {
    let seconds = |t: Nanos| shortest(DurationUnit::Seconds.of(t));
    if !backoff {
        let plain = retry.backoff.doubles().map_or_else(String::new, seconds);
        return (plain, String::new());
    }
    let Backoff {
        base: _,
        factor,
        cap,
        jitter,
        retry_after,
        budget,
    } = &retry.backoff;
    let (mut base, comment) = seconds_of(&retry.base);
    if drawn(&retry.base.dist) {
        base.insert_str(0, "lambda: ");
    }
    let mut text = format!("Backoff({base}");
    if *factor != Backoff::FACTOR {
        let _ = write!(text, ", factor={factor}");
    }
    if let Some(cap) = cap {
        let _ = write!(text, ", cap={}", seconds(*cap));
    }
    let name = match jitter {
        Jitter::None => None,
        Jitter::Full => Some("Full"),
        Jitter::Equal => Some("Equal"),
        Jitter::Decorrelated => Some("Decorrelated"),
    };
    if let (Some(name), Some(place)) = (name, retry.chance) {
        let _ = write!(
            text,
            ", jitter=\"{name}\", chance=lambda: task.draw({place})"
        );
    }
    if *retry_after {
        text.push_str(", retry_after=True");
    }
    if let Some(millionths) = budget {
        let share = shortest(f64::from(*millionths) / 1e6);
        let _ = write!(text, ", budget={share}, step={}", quoted(step));
    }
    text.push(')');
    (text, comment)
}

/// A time-out or a pause in seconds, and a comment on what it is drawn from.
pub(super) fn seconds_of(amount: &Amount) -> (String, String) {
    let text = timed_among("", amount, DurationUnit::Seconds, "");
    match text.split_once(")  # ") {
        Some((draw, what)) => (draw.to_owned(), format!("  # {what}")),
        None => (text.trim_end_matches(')').to_owned(), String::new()),
    }
}

/// Whether the time is drawn.
pub(super) fn drawn(dist: &Dist) -> bool {
    !matches!(dist, Dist::Constant(_))
}
