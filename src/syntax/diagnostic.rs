//! A diagnostic: something that is wrong with a scenario, with a code, a place in the text, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstream::adapter::strip_str;
use unicode_width::UnicodeWidthStr as _;

use super::codes::codes;
use crate::scenario::{is_hidden, visible, visible_lines};

/// A text that diagnostics point into: a file, an embedded scenario, or an override from the command line.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceText {
    /// The name of the text in messages: a path, or `--set machine.cores`.
    pub name: String,
    /// The text itself.
    pub text: String,
}

impl SourceText {
    /// Makes a source that can be shared between diagnostics.
    pub(crate) fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }
}

codes! {
    /// The kinds of problem. The text of each is stable: tools may match on it.
    pub enum Code {
        /// The file cannot be read, or there is no shipped scenario of that name.
        CannotRead = "cannot-read",
        /// The file is not UTF-8 text.
        NotUtf8 = "not-utf8",
        /// The file holds nothing but white space and comments.
        EmptyFile = "empty-file",
        /// The text is not RON.
        Syntax = "syntax",
        /// The file does not say which version of the format it is written in, or another than this program reads.
        Schema = "schema",
        /// A field that does not exist here.
        UnknownField = "unknown-field",
        /// A variant (`Io`, `Threads`, `Poisson`...) that does not exist here.
        UnknownVariant = "unknown-variant",
        /// A field that must be given is absent.
        MissingField = "missing-field",
        /// Something is named or given twice.
        Duplicate = "duplicate",
        /// A value of another kind is needed here: a string, a number, a list...
        WrongType = "wrong-type",
        /// A duration, size, rate or share without a unit, or with one that does not exist.
        BadUnit = "bad-unit",
        /// A value outside what makes sense: negative, not finite, zero workers, an attempt count of zero.
        OutOfRange = "out-of-range",
        /// A value past one of the program's named limits.
        Limit = "limit",
        /// A lock, queue, object, class or interpreter that is not declared.
        UnknownName = "unknown-name",
        /// An `Acquire` without its `Release` in the same list of steps, or the other way round.
        Unbalanced = "unbalanced",
        /// A `Get` from a queue into which nothing is ever put.
        NeverPut = "never-put",
        /// A list that needs at least one entry has none.
        Empty = "empty",
        /// Two parts of the scenario that do not go together.
        Conflict = "conflict",
        /// A trace file that cannot be understood.
        BadTrace = "bad-trace",
        /// An objective that cannot be understood.
        BadObjective = "bad-objective",
        /// A strategy that cannot be understood, or cannot be nested like this.
        BadStrategy = "bad-strategy",
        /// An override whose path leads nowhere.
        BadOverride = "bad-override",
        /// Declared, but never used.
        Unused = "unused",
        /// Given, but without effect: something else decides, or what it is about is absent.
        NoEffect = "no-effect",
        /// A batch that takes more from a queue than it puts, or puts more than fits: some task waits for ever.
        QueueBalance = "queue-balance",
        /// A task that takes a lock it already holds waits for itself for ever.
        SelfDeadlock = "self-deadlock",
        /// An event loop would run a blocking call itself: nothing else of the loop goes on meanwhile.
        BlocksLoop = "blocks-loop",
    }
}

impl Code {
    /// The worst severity that the code comes with.
    pub(crate) const fn severity(self) -> Severity {
        match self {
            Self::Unused
            | Self::NoEffect
            | Self::QueueBalance
            | Self::SelfDeadlock
            | Self::BlocksLoop => Severity::Warning,
            Self::CannotRead
            | Self::NotUtf8
            | Self::EmptyFile
            | Self::Syntax
            | Self::Schema
            | Self::UnknownField
            | Self::UnknownVariant
            | Self::MissingField
            | Self::Duplicate
            | Self::WrongType
            | Self::BadUnit
            | Self::OutOfRange
            | Self::Limit
            | Self::UnknownName
            | Self::Unbalanced
            | Self::NeverPut
            | Self::Empty
            | Self::Conflict
            | Self::BadTrace
            | Self::BadObjective
            | Self::BadStrategy
            | Self::BadOverride => Severity::Error,
        }
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The scenario cannot be simulated.
    Error,
    /// The scenario can be simulated, but it may not mean what its author thinks.
    Warning,
}

/// Cuts a text after 1,000 characters, because it may quote something absurdly long.
pub(super) fn shorten(text: Box<str>) -> Box<str> {
    match text.char_indices().nth(1_000) {
        Some((end, _)) => format!("{} [...]", &text[..end]).into(),
        None => text,
    }
}

/// One problem of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The kind of problem.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong: one sentence without a full stop.
    pub message: Box<str>,
    /// The place in the scenario, such as `workload.tasks[0].steps[2]`; empty for the file as a whole.
    pub path: Box<str>,
    /// The text that `span` points into.
    pub source: Arc<SourceText>,
    /// The range of bytes of `source` that the problem is about; empty, with an empty source text, when there is nothing to show.
    pub span: Range<usize>,
    /// What the user can do about it.
    pub help: Option<Box<str>>,
}

impl Diagnostic {
    /// An error about a part of a text.
    pub(crate) fn new(
        code: Code,
        source: &Arc<SourceText>,
        span: Range<usize>,
        message: impl Into<Box<str>>,
    ) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: shorten(message.into()),
            path: "".into(),
            source: Arc::clone(source),
            span,
            help: None,
        }
    }

    /// An error about something that has no text to show.
    pub(crate) fn without_text(code: Code, name: &str, message: impl Into<Box<str>>) -> Self {
        Self::new(code, &SourceText::new(name, ""), 0..0, message)
    }

    /// Sets the help: what the user can do about it.
    pub(crate) fn help(&mut self, text: impl Into<Box<str>>) -> &mut Self {
        self.help = Some(shorten(text.into()));
        self
    }

    /// Makes the diagnostic a warning.
    pub(crate) fn warning(&mut self) -> &mut Self {
        self.severity = Severity::Warning;
        self
    }

    /// The line and column where the span starts, both counted from 1 and columns in characters; `None` without a text.
    pub(crate) fn line_column(&self) -> Option<(usize, usize)> {
        let before = self.source.text.get(..self.span.start)?;
        if self.source.text.is_empty() {
            return None;
        }
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Some((
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        ))
    }

    /// The diagnostic as a person reads it: file, line and column, the text underlined, and what to do; each sentence on a line of its own.
    pub fn render(&self, styled: bool) -> String {
        self.render_within(styled, None)
    }

    /// As [`Self::render`], with sentences wrapped to `width` columns if a width is given.
    pub fn render_within(&self, styled: bool, width: Option<usize>) -> String {
        let text = self.laid_out(styled, width, false);
        let fits = |w| text.lines().all(|l| strip_str(l).to_string().width() <= w);
        match width {
            // The label beside the mark cannot be wrapped, so it is moved below the excerpt.
            Some(w) if !fits(w) => self.laid_out(styled, width, true),
            _ => text,
        }
    }

    /// Lays the diagnostic out. If `below`, the path within the scenario stands below the excerpt and not beside the mark.
    fn laid_out(&self, styled: bool, width: Option<usize>, below: bool) -> String {
        let (level, word) = match self.severity {
            Severity::Error => (Level::ERROR, "error"),
            Severity::Warning => (Level::WARNING, "warning"),
        };
        // What stands before a sentence takes up columns: the title, or the bar beside the line numbers, which are as wide as the last of
        // them.
        let label = word.len() + self.code.as_str().len() + 4;
        let (line, _) = self.line_column().unwrap_or_default();
        let beside = line.to_string().len() + "  = help: ".len();
        let message = folded(&visible(&self.message), label, width);
        let place = format!("in {}", visible(&self.path));
        let name = visible(&self.source.name);
        let note = |text: &str| Level::NOTE.message(folded(text, beside, width));
        let title = level.primary_title(message).id(self.code.as_str());
        let text = &self.source.text;
        let mut group = if text.is_empty() {
            Group::with_title(title)
        } else {
            let end = self.span.end.min(text.len());
            let start = self.span.start.min(end);
            let mut mark = AnnotationKind::Primary.span(start..end);
            if !self.path.is_empty() && !below {
                mark = mark.label(place.as_str());
            }
            title.element(
                Snippet::source(text.as_str())
                    .path(name.as_str())
                    .annotation(mark),
            )
        };
        if !self.path.is_empty() && !text.is_empty() && below {
            group = group.element(note(&place));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(folded(&visible_lines(help), beside, width)));
        }
        let renderer = if styled {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = match width {
            Some(width) => renderer.term_width(width),
            None => renderer,
        };
        let drawn = renderer.render(&[group]);
        // The excerpt is the text as it was written. Each sign keeps its column, so that the mark stays below what it marks; escapes are the
        // renderer's own styles.
        let seen = |c: char| match c {
            '\n' => c,
            '\u{1b}' if styled => c,
            c if is_hidden(c) => '\u{fffd}',
            c => c,
        };
        drawn.chars().map(seen).collect()
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:column: error[code]: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.severity == Severity::Error {
            "error"
        } else {
            "warning"
        };
        match self.line_column() {
            Some((line, column)) => write!(
                f,
                "{}:{line}:{column}: {kind}[{}]: {}",
                visible(&self.source.name),
                self.code,
                visible(&self.message)
            ),
            None => write!(
                f,
                "{}: {kind}[{}]: {}",
                visible(&self.source.name),
                self.code,
                visible(&self.message)
            ),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// Wraps a sentence to lines that leave `free` columns of `width`, if there is a width. Text between backquotes counts as one word, so that
/// it can be copied.
fn folded(text: &str, free: usize, width: Option<usize>) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    // In less room than this no sentence can be read.
    let most = width.saturating_sub(free).max(20);
    let mut out = String::new();
    let mut used = 0;
    for word in unquoted_words(text) {
        let wide = word.width();
        if used > 0 && used + 1 + wide > most {
            out.push('\n');
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += wide;
    }
    out
}

/// The words of a text, separated by blanks that no backquotes enclose.
pub(crate) fn unquoted_words(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '`';
        c == ' ' && !quoted
    })
}

/// Renders diagnostics one after another, with an empty line between them and a newline at the end.
pub fn render(diagnostics: &[Diagnostic], styled: bool) -> String {
    render_within(diagnostics, styled, None)
}

/// As [`render`], with sentences wrapped to `width` columns if a width is given.
pub fn render_within(diagnostics: &[Diagnostic], styled: bool, width: Option<usize>) -> String {
    let mut out = String::new();
    for (i, d) in diagnostics.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        out.push_str(&d.render_within(styled, width));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_fit_the_width_and_what_is_quoted_stays_whole() {
        let text = "scenario.ron";
        let mut d = Diagnostic::new(
            Code::Limit,
            &SourceText::new("a.ron", text),
            0..8,
            "more than can be simulated, by far more than anybody has ever asked of it",
        );
        d.help("write `--set workload.tasks[0].count=1000` or take a workload that is smaller than this one is");
        let said = d.render_within(false, Some(60));
        assert!(said.lines().all(|l| l.len() <= 60), "{said}");
        assert!(
            said.contains("`--set workload.tasks[0].count=1000`"),
            "{said}"
        );
        assert!(said.lines().count() > d.render(false).lines().count());
        // Quotes longer than a line, and a quote that is never closed.
        for odd in [
            "`a b c d e f g h i j k l m n o p q r s t u v w x y z`",
            "don`t stop now or ever",
        ] {
            assert_eq!(folded(odd, 0, Some(20)).replace('\n', " "), odd);
        }
        assert_eq!(folded("", 90, Some(10)), "");
    }
}
