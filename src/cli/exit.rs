//! The exit codes of the program.

use std::process::ExitCode;

use super::terminal::Terminal;
use crate::layout::Style;
use crate::layout::words;
use crate::syntax::{Diagnostic, render, render_within};

/// Every exit code of the program. Codes from 100 on are avoided: schedulers and shells use them, but for the two below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Something unexpected: a bug, or a file system that refuses.
    Unexpected = 1,
    /// Bad usage, or an invalid scenario.
    Usage = 2,
    /// No compared strategy meets what `--assert` asks for, something got worse by more than it may, no plan holds what is asked for, or no approach does what is required.
    ObjectiveMissed = 3,
    /// The result is not trustworthy (with `--strict`): saturated, not converged, or another warning.
    Untrusted = 4,
    /// A sweep ended before its last point; what is finished is kept.
    Incomplete = 5,
    /// Something was busy; try again.
    TryAgain = 75,
    /// Interrupted.
    Interrupted = 130,
}

impl Exit {
    /// All of them, with what each means: the one table that help and documents show.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Done, "done"),
        (
            Self::Unexpected,
            "something unexpected (a full disk); `verify`, `validate`: nothing could be measured or forecast; `record`: the program failed",
        ),
        (
            Self::Usage,
            "bad usage, an invalid scenario, or a file that cannot be read or written",
        ),
        (
            Self::ObjectiveMissed,
            "`run`: no strategy meets every `--assert`; `compare`: something got worse by more than a `--max-regression`; `plan`: nothing bears the load at the objectives, or within the budget; `advise`: nothing does what is required",
        ),
        (
            Self::Untrusted,
            "`--strict`, and the result comes with a warning that is no note, exceeds an accuracy limit, or was measured on a busy machine; of `compare`, whether a `--max-regression` is exceeded cannot be told",
        ),
        (
            Self::Incomplete,
            "`sweep`: something unexpected ended it; the finished points are kept, and `--resume` goes on",
        ),
        (
            Self::TryAgain,
            "`sweep`: another sweep writes the same file; try again later",
        ),
        (
            Self::Interrupted,
            "interrupted (Ctrl-C); a sweep with `-o` goes on with `--resume`",
        ),
    ];

    /// The table of exit codes as text for a terminal.
    #[must_use]
    pub(crate) fn help() -> String {
        let style = Style {
            width: 92,
            ..Style::default()
        };
        let mut lines = vec!["Exit codes:".to_owned()];
        for (exit, meaning) in Self::ALL {
            let first = format!("  {:>3}  ", exit as u8);
            let next = " ".repeat(first.len());
            lines.extend(words(&meaning.replace('`', ""), &first, &next, style));
        }
        lines.join("\n")
    }
}

impl From<Exit> for ExitCode {
    fn from(e: Exit) -> Self {
        Self::from(e as u8)
    }
}

/// A mistake of the user's, which ends the program with exit code 2 and no text but this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// A sentence, printed after `error: `.
    #[error("{0}")]
    Message(String),
    /// What is wrong with a scenario, and what was to be done with it, where that is not plain.
    #[error("{}", render(.all, false))]
    Diagnostics {
        /// `error: cores=4 (point 2 of 8) cannot be simulated`, without the `error: `.
        context: Option<String>,
        /// All that was found.
        all: Vec<Diagnostic>,
    },
}

impl UserError {
    /// A sentence.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }
}

/// The exit code of an error, and what is to be printed of it (nothing, when the reader has gone away).
pub(super) fn of_error(error: &anyhow::Error, terminal: Terminal) -> (Exit, Option<String>) {
    let broken = |e: &(dyn std::error::Error + 'static)| {
        e.downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(broken) {
        return (Exit::Done, None);
    }
    let sentence = |text: &str| terminal.sentences(&format!("error: {text}"));
    match error.downcast_ref::<UserError>() {
        Some(UserError::Diagnostics { context, all }) => {
            let context = context.as_ref().map(|c| sentence(c) + "\n");
            let text = context.unwrap_or_default()
                + &render_within(all, terminal.styled, terminal.messages);
            (Exit::Usage, Some(text))
        }
        Some(UserError::Message(text)) => (Exit::Usage, Some(sentence(text))),
        None => (Exit::Unexpected, Some(sentence(&format!("{error:#}")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_their_codes() {
        let gone = anyhow::Error::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
            .context("cannot write");
        assert_eq!(of_error(&gone, Terminal::default()), (Exit::Done, None));
        let user = anyhow::Error::new(UserError::new("no such scenario"));
        assert_eq!(
            of_error(&user, Terminal::default()),
            (Exit::Usage, Some("error: no such scenario".into()))
        );
        let bug = anyhow::anyhow!("inner").context("outer");
        assert_eq!(
            of_error(&bug, Terminal::default()),
            (Exit::Unexpected, Some("error: outer: inner".into()))
        );
    }
}
