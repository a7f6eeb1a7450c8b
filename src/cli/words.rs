//! Texts of commands that a user can repeat, and of times as one says them.

use crate::quantity::digits;
pub(super) use crate::scenario::literal::shell as quoted;

/// A time as one says it.
pub(super) fn rough(seconds: f64) -> String {
    // To two digits: more nobody can promise.
    if seconds < 0.995 {
        format!("{} ms", digits((seconds * 1e3).max(1.0), 2))
    } else if seconds < 99.5 {
        format!("{} s", digits(seconds, 2))
    } else if seconds < 3.0 * 3600.0 {
        format!("{} min", digits(seconds / 60.0, 2))
    } else {
        format!("{} h", digits(seconds / 3600.0, 2))
    }
}
