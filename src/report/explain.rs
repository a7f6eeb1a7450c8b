//! Explanations of codes: the program's messages at length, laid out for a terminal.
//!
//! An explanation is a piece of Markdown in the room of what it explains. It has paragraphs; lists of one level; fenced blocks, which are
//! kept as they are; and `<!-- file: NAME -->` above a block that is the file of that name. tests/it/explain.rs runs every command in them,
//! as it is done for the documents.

use crate::insight::InsightCode;
use crate::layout;
use crate::layout::Column;
use crate::layout::Style;
use crate::study::WarningCode;
use crate::syntax::capital;
use crate::syntax::{Code, Severity, unquoted_words};

/// Kind of message, which determines where it appears and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// An error in a scenario.
    Error,
    /// A warning about a scenario.
    Warning,
    /// A warning about the numbers of a run or a sweep.
    Doubt,
    /// A note about something that a run has found.
    Note,
    /// An insight about a sweep.
    Insight,
}

impl CodeKind {
    /// All kinds of messages.
    pub(crate) const ALL: [Self; 5] = [
        Self::Error,
        Self::Warning,
        Self::Doubt,
        Self::Note,
        Self::Insight,
    ];

    /// The word that precedes the code in a message.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning | Self::Doubt => "warning",
            Self::Note => "note",
            Self::Insight => "insight",
        }
    }

    /// Description of all messages of the kind: where they appear, and their effect on the exit code.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Error => {
                "errors of `pchsim check`, and of every command that reads a scenario (exit code 2)"
            }
            Self::Warning => {
                "warnings of `pchsim check`: the scenario can be simulated, but may not mean what its author thinks"
            }
            Self::Doubt => {
                "warnings of `pchsim run` and `pchsim sweep`: reasons to doubt a number (`run --strict` fails, exit code 4)"
            }
            Self::Note => {
                "notes of `pchsim run`: facts about the workload or the profile (`run --strict` lets them pass)"
            }
            Self::Insight => "insights of `pchsim sweep`: what stands out above its table",
        }
    }
}

/// A code with its explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeEntry {
    /// The stable text, as in `error[unknown-field]`.
    pub code: &'static str,
    /// The kind of message.
    pub said: CodeKind,
    /// Its meaning, in one sentence.
    pub meaning: &'static str,
    /// The explanation, as Markdown.
    pub explanation: &'static str,
}

/// Every code that the program prints, by kind of message.
pub fn codes() -> Vec<CodeEntry> {
    let problems = Code::ALL.iter().map(|c| CodeEntry {
        code: c.as_str(),
        said: match c.severity() {
            Severity::Error => CodeKind::Error,
            Severity::Warning => CodeKind::Warning,
        },
        meaning: c.meaning(),
        explanation: c.explanation(),
    });
    let warnings = WarningCode::ALL.iter().map(|c| CodeEntry {
        code: c.as_str(),
        said: if c.is_note() {
            CodeKind::Note
        } else {
            CodeKind::Doubt
        },
        meaning: c.meaning(),
        explanation: c.explanation(),
    });
    let insights = InsightCode::ALL.iter().map(|c| CodeEntry {
        code: c.as_str(),
        said: CodeKind::Insight,
        meaning: c.meaning(),
        explanation: c.explanation(),
    });
    let mut all: Vec<CodeEntry> = problems.chain(warnings).chain(insights).collect();
    all.sort_by_key(|e| e.said as u8);
    all
}

/// The list of all codes, a line for each where there is room.
pub fn code_list(style: Style) -> String {
    let all = codes();
    let mut lines = Vec::new();
    for said in CodeKind::ALL {
        lines.extend(sentences(&capital(said.kind()), "", "  ", style));
        let of = all.iter().filter(|e| e.said == said);
        let rows: Vec<Vec<String>> = of
            .map(|e| vec![format!("  {}", e.code), e.meaning.to_owned()])
            .collect();
        // Codes stay whole, however narrow the lines are: the list exists for them.
        let column = |key| Column {
            key,
            prose: !key,
            ..Column::default()
        };
        // The table has no headings, so their line is dropped.
        let table = layout::table(&[column(true), column(false)], &rows, style, true).lines;
        lines.extend(table.into_iter().skip_while(String::is_empty));
        lines.push(String::new());
    }
    if style.notes {
        lines.extend(sentences("`pchsim explain CODE` says more", "", "", style));
    }
    lines.join("\n") + "\n"
}

/// The explanation of a code at length: its kind, its meaning, an example, and what to do.
pub fn explanation(entry: &CodeEntry, style: Style) -> String {
    let title = format!("{}[{}]: {}", entry.said.word(), entry.code, entry.meaning);
    let mut lines = sentences(&title, "", "  ", style);
    let from = format!("One of the {}.", entry.said.kind());
    lines.push(String::new());
    lines.extend(sentences(&from, "", "", style));
    lines.push(String::new());
    lines.extend(markdown(entry.explanation, style));
    lines.join("\n") + "\n"
}

/// Lays Markdown out as lines for a terminal.
fn markdown(text: &str, style: Style) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut paragraph = String::new();
    let mut fenced: Option<&str> = None;
    let end = |paragraph: &mut String, lines: &mut Vec<String>| {
        let (next, text) = match paragraph.strip_prefix("- ") {
            Some(_) => ("  ", paragraph.as_str()),
            None => ("", paragraph.as_str()),
        };
        if !text.is_empty() {
            lines.extend(sentences(text, "", next, style));
        }
        paragraph.clear();
    };
    for line in text.trim().lines() {
        if let Some(kind) = line.strip_prefix("```") {
            end(&mut paragraph, &mut lines);
            fenced = fenced.is_none().then_some(kind);
        } else if let Some(kind) = fenced {
            match (kind, line.strip_prefix("$ ")) {
                (_, None) if line.is_empty() => lines.push(String::new()),
                ("console", Some(command)) => {
                    lines.extend(layout::command("    $ ", command, style));
                }
                ("sh", _) => lines.extend(layout::command("    ", line, style)),
                _ => lines.push(style.fit(format!("    {line}"))),
            }
        } else if let Some(name) = file_name(line) {
            lines.push(format!("{name}:"));
        } else if line.is_empty() {
            end(&mut paragraph, &mut lines);
            lines.push(String::new());
        } else {
            if line.starts_with("- ") {
                end(&mut paragraph, &mut lines);
            } else if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line.trim_start());
        }
    }
    end(&mut paragraph, &mut lines);
    lines
}

/// The name of the file that the next block contains.
fn file_name(line: &str) -> Option<&str> {
    line.strip_prefix("<!-- file: ")?.strip_suffix(" -->")
}

/// Lays sentences out as lines; text between backquotes is kept together as a word, to be copied.
fn sentences(text: &str, first: &str, next: &str, style: Style) -> Vec<String> {
    let words: Vec<String> = unquoted_words(text).map(str::to_owned).collect();
    layout::entries(&words, " ", first, next, style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_codes_are_the_same() {
        let mut names: Vec<&str> = codes().iter().map(|e| e.code).collect();
        assert!(names.len() >= 60, "{}", names.len());
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(all, names.len());
        let plain = |c: char| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit();
        assert!(names.iter().all(|n| n.chars().all(plain)), "{names:?}");
    }

    #[test]
    fn codes_stand_whole_in_narrow_lists() {
        let style = Style {
            width: 40,
            ..Style::default()
        };
        let list = code_list(style);
        for e in codes() {
            let mut words = list.lines().filter_map(|l| l.split_whitespace().next());
            assert!(words.any(|w| w == e.code), "{}\n{list}", e.code);
        }
        assert!(list.lines().all(|l| layout::width(l) <= 40), "{list}");
    }

    #[test]
    fn meanings_are_sentences() {
        for e in codes() {
            let capital = e.meaning.starts_with(|c: char| c.is_uppercase());
            assert!(capital && e.meaning.ends_with('.'), "{e:?}");
        }
    }

    #[test]
    fn markdown_becomes_lines() {
        let style = Style {
            width: 40,
            ..Style::default()
        };
        let text = "One sentence that is longer than forty\ncolumns, `a b c d` in it.\n\n- a list\n- of two\n\n<!-- file: a.ron -->\n```ron\n(\n\n  a: 1)\n```\n\n```console\n$ pchsim run a.ron --strategy threads:8\nfine\n```\n\nEnd.\n";
        let expected = [
            "One sentence that is longer than forty",
            "columns, `a b c d` in it.",
            "",
            "- a list",
            "- of two",
            "",
            "a.ron:",
            "    (",
            "",
            "      a: 1)",
            "",
            "    $ pchsim run a.ron --strategy \\",
            "    threads:8",
            "    fine",
            "",
            "End.",
        ];
        assert_eq!(markdown(text, style), expected);
    }

    #[test]
    fn explanations_fit_lines_of_eighty_columns() {
        for width in [40, 80] {
            let style = Style {
                width,
                ..Style::default()
            };
            for e in codes() {
                for line in explanation(&e, style).lines() {
                    // Files and outputs are kept as they are.
                    let most = if line.starts_with("    ") { 80 } else { width };
                    let quoted = line.contains('`');
                    assert!(
                        layout::width(line) <= most || quoted && width < 80,
                        "{}: {line}",
                        e.code
                    );
                }
            }
        }
    }
}
