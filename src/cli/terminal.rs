//! What is known of the terminal: how wide its lines are, and whether it shows more than ASCII. Reports are told; they never look.

use std::io::IsTerminal as _;

use crate::layout;
use crate::layout::Style;
use crate::layout::{LEAST, PIPE};
use crate::scenario::{visible, visible_lines};

/// How wide lines are, and which signs may stand in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Columns of results on standard output.
    pub width: usize,
    /// Columns of messages on standard error; `None`: they are not wrapped.
    pub messages: Option<usize>,
    /// Columns of results in files.
    pub file: usize,
    /// Whether the locale has no other signs than ASCII.
    pub ascii: bool,
    /// Whether messages on standard error may be coloured.
    pub styled: bool,
}

impl Default for Terminal {
    /// As in a pipe.
    fn default() -> Self {
        Self {
            width: PIPE,
            messages: None,
            file: PIPE,
            ascii: false,
            styled: false,
        }
    }
}

impl Terminal {
    /// What there is: `--width` (`asked`) before `COLUMNS`, that before what the terminal says; in a pipe or a file [`PIPE`].
    pub(super) fn look(asked: Option<u16>) -> Self {
        let (stdout, stderr) = (columns(std::io::stdout()), columns(std::io::stderr()));
        let env = |name: &str| std::env::var(name).ok();
        let shown = std::io::stdout().is_terminal();
        Self {
            // The same rules as for all else that is coloured.
            styled: anstream::stderr().current_choice() != anstream::ColorChoice::Never,
            ..Self::of(asked, stdout, stderr, shown, &env)
        }
    }

    fn of(
        asked: Option<u16>,
        stdout: Option<u16>,
        stderr: Option<u16>,
        shown: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let number = |text: String| text.trim().parse::<u16>().ok();
        let told = asked.or_else(|| env("COLUMNS").and_then(number).filter(|&n| n > 0));
        let wide = |w: u16| usize::from(w).max(LEAST);
        // A terminal that says it has no columns (a serial line) says nothing.
        let known = |w: Option<u16>| told.or(w.filter(|&w| w > 0)).map(wide);
        Self {
            width: known(stdout).unwrap_or(PIPE),
            messages: known(stderr),
            file: asked.map_or(PIPE, wide),
            ascii: shown && !speaks_unicode(env),
            styled: false,
        }
    }

    /// Wraps sentences to the lines of the terminal; in a pipe a message is a single line. What is already laid out (an excerpt, a list)
    /// stays as it is.
    pub(super) fn sentences(self, text: &str) -> String {
        let Some(width) = self.messages else {
            return visible_lines(text);
        };
        let style = Style {
            width,
            ..Style::default()
        };
        let lines = text.lines().flat_map(|line| {
            if line.starts_with(' ') {
                vec![visible(line)]
            } else {
                layout::words(line, "", "  ", style)
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The look of a report on standard output, or of one in a file. `ascii`: the user asked for ASCII only.
    pub(super) fn style(self, ascii: bool, to_file: bool) -> Style {
        Style {
            unicode: !ascii && (to_file || !self.ascii),
            width: if to_file { self.file } else { self.width },
            ..Style::default()
        }
    }
}

/// Columns of the terminal behind a stream, however many rows it has: serial lines and recordings of sessions say none.
#[cfg(unix)]
fn columns(stream: impl std::os::fd::AsFd) -> Option<u16> {
    rustix::termios::tcgetwinsize(stream)
        .ok()
        .map(|size| size.ws_col)
}

/// The columns of the terminal behind a stream.
#[cfg(windows)]
fn columns(stream: impl std::os::windows::io::AsHandle) -> Option<u16> {
    terminal_size::terminal_size_of(stream).map(|(terminal_size::Width(w), _)| w)
}

/// Whether the locale's character set is a Unicode one. Where no locale is set nothing is known against it: that is usual in
/// containers, and their terminals show what they are sent.
fn speaks_unicode(env: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let Some(locale) = set.filter_map(env).find(|l| !l.is_empty()) else {
        return true;
    };
    let lower = locale.to_lowercase();
    // A locale without a character set in its name has that of its language: `de_DE` is Latin-1, and `C` and `POSIX` are no more than that.
    lower
        .split_once('.')
        .is_some_and(|(_, set)| set.starts_with("utf-8") || set.starts_with("utf8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            let found = set.iter().find(|(n, _)| *n == name);
            found.map(|(_, v)| (*v).to_owned())
        }
    }

    #[test]
    fn the_width_is_the_terminals_unless_told() {
        let none = with(&[]);
        let columns = with(&[("COLUMNS", "90")]);
        let odd = with(&[("COLUMNS", "wide")]);
        let width = |asked, stdout, env: &dyn Fn(&str) -> Option<String>| {
            Terminal::of(asked, stdout, None, false, env).width
        };
        assert_eq!(width(None, None, &none), PIPE);
        assert_eq!(width(None, Some(80), &none), 80);
        assert_eq!(width(None, Some(0), &none), PIPE);
        assert_eq!(width(None, Some(10), &none), LEAST);
        assert_eq!(width(None, Some(80), &columns), 90);
        assert_eq!(width(None, None, &columns), 90);
        assert_eq!(width(None, None, &odd), PIPE);
        assert_eq!(width(Some(70), Some(80), &columns), 70);
        let t = Terminal::of(None, Some(80), Some(100), true, &none);
        assert_eq!((t.messages, t.file), (Some(100), PIPE));
        assert_eq!(Terminal::of(None, None, None, false, &none).messages, None);
    }

    #[test]
    fn the_locale_decides_about_signs() {
        let ascii =
            |set: &[(&str, &str)]| Terminal::of(None, Some(80), None, true, &with(set)).ascii;
        assert!(!ascii(&[]));
        assert!(!ascii(&[("LANG", "de_DE.UTF-8")]));
        assert!(!ascii(&[("LANG", "C.utf8")]));
        assert!(ascii(&[("LANG", "C")]));
        assert!(ascii(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "POSIX")]));
        assert!(ascii(&[("LC_CTYPE", "de_DE.ISO-8859-1")]));
        // A pipe gets the same signs everywhere.
        let latin = with(&[("LANG", "C")]);
        assert!(!Terminal::of(None, None, None, false, &latin).ascii);
    }
}
