//! Results as Markdown for pull requests and issues: the answer and the comparison are open, what they rest on is folded.

use super::{Summary, summary};
use crate::layout::table::{Table, TableCell};
use crate::layout::words::{Word, Words};
use crate::result::ResultRef;
use crate::scenario::{is_hidden, visible};

/// Most rows of a table, since a pull request is no place for more.
const ROWS: usize = 40;

/// The results one after another, preceded by their short answers if there are several. `title` replaces the question of a single result,
/// or stands above all of them.
pub fn markdown(results: &[ResultRef<'_>], title: Option<&str>) -> String {
    let all: Vec<Summary> = results.iter().map(|&r| summary(r)).collect();
    let mut lines = Vec::new();
    let several = all.len() > 1;
    if several {
        lines.push(format!(
            "# {}",
            escaped(title.unwrap_or("Forecasts of Python concurrency"))
        ));
        lines.push(String::new());
        for s in &all {
            let answer = s.answer.first().map(words).unwrap_or_default();
            lines.push(format!("- **{}**: {answer}", escaped(&s.name)));
        }
        lines.push(String::new());
    }
    for s in &all {
        let title = title.filter(|_| !several);
        section(&mut lines, s, title, if several { "##" } else { "#" });
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.push(String::new());
    lines.join("\n")
}

fn section(lines: &mut Vec<String>, s: &Summary, title: Option<&str>, level: &str) {
    let own = if s.question.is_empty() {
        &s.name
    } else {
        &s.question
    };
    let mut add = |text: String| lines.extend([text, String::new()]);
    add(format!("{level} {}", escaped(title.unwrap_or(own))));
    if let Some(first) = s.answer.first() {
        add(format!("**{}**", words(first)));
    }
    for more in s.answer.iter().skip(1) {
        add(words(more));
    }
    let because: Vec<String> = s
        .because
        .iter()
        .map(|w| format!("- {}", words(w)))
        .collect();
    if !because.is_empty() {
        add(because.join("\n"));
    }
    let insights: Vec<String> = s
        .insights
        .iter()
        .map(|t| format!("- {}", prose(t)))
        .collect();
    if !insights.is_empty() {
        add(format!("What stands out:\n\n{}", insights.join("\n")));
    }
    add(table(&s.table));
    if !s.objectives.is_empty() {
        let all = s.objectives.iter().map(|o| {
            let sign = o.verdict.sign();
            format!(
                "- {sign} {} {}: {}",
                o.verdict.name(),
                code(&o.text),
                words(&o.by)
            )
        });
        add(all.collect::<Vec<_>>().join("\n"));
    }
    for n in s.notices.iter().filter(|n| !n.note) {
        add(format!("> **Warning:** {}", prose(&n.text)));
    }
    let fence = "`".repeat(longest_run(&s.command).max(2) + 1);
    add(format!(
        "{fence}sh\n{}\n{fence}",
        s.command.replace('\n', " ")
    ));
    add(format!(
        "<details><summary>What this rests on</summary>\n\n{}\n\n</details>",
        rests_on(s)
    ));
}

fn rests_on(s: &Summary) -> String {
    let notes = s.notices.iter().filter(|n| n.note);
    let notes = notes.map(|n| format!("- Note: {}", prose(&n.text)));
    let facts = s.assumptions.iter().map(|(name, values)| {
        let values: Vec<String> = values.iter().map(|v| prose(v)).collect();
        format!("- **{}**: {}", escaped(name), values.join("; "))
    });
    facts.chain(notes).collect::<Vec<_>>().join("\n")
}

pub(in crate::report) fn table(t: &Table) -> String {
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![
        row(t.columns.iter().map(|c| cell_text(&c.heading())).collect()),
        row(t
            .columns
            .iter()
            .map(|c| if c.number { "--:".into() } else { ":--".into() })
            .collect()),
    ];
    for r in t.rows.iter().take(ROWS) {
        let head = r.cells.iter().position(|c| c.name);
        let cell = |(i, c): (usize, &TableCell)| {
            let text = match (c.name, r.best && head == Some(i)) {
                (true, true) => format!("**{}**", code(&c.text).replace('|', "\\|")),
                (true, false) => code(&c.text).replace('|', "\\|"),
                _ => cell_text(&c.with_interval()),
            };
            if c.tied { text + " =" } else { text }
        };
        lines.push(row(r.cells.iter().enumerate().map(cell).collect()));
    }
    let left_out = t.left_out + t.rows.len().saturating_sub(ROWS);
    if left_out > 0 {
        lines.push(String::new());
        lines.push(format!("{left_out} more points are not shown here."));
    }
    lines.push(String::new());
    lines.push(format!("{}.", prose(&t.caption)));
    lines.join("\n")
}

/// Text of a cell, which must not end its row.
fn cell_text(text: &str) -> String {
    prose(text).replace('|', "\\|")
}

/// Names as code spans, texts as they are, since they are the program's own.
pub(in crate::report) fn words(w: &Words) -> String {
    w.0.iter()
        .map(|w| match w {
            Word::Text(t) => prose(t),
            Word::Name(n) => code(n),
        })
        .collect()
}

/// A code span that ends where it should.
pub(in crate::report) fn code(text: &str) -> String {
    let text = visible(&text.replace(['\n', '\r'], " "));
    let fence = "`".repeat(longest_run(&text) + 1);
    if text.contains('`') {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A sentence of the program: its code spans are kept, other markup is escaped.
pub(in crate::report) fn prose(text: &str) -> String {
    let mut within = false;
    // A backquote that opens a span which is never closed is no markup, and what follows it is no code.
    let mut left = text.matches('`').count();
    marked_off(text, |c, next| {
        if c == '`' {
            left -= 1;
            if within || left > 0 {
                within = !within;
                return false;
            }
            return true;
        }
        !within && ("[]*_".contains(c) || c == '<' && begins_tag(next))
    })
}

/// A text of the user, without any markup.
pub(in crate::report) fn escaped(text: &str) -> String {
    marked_off(text, |c, next| {
        "\\`*_[]|#~&!".contains(c) || c == '<' && begins_tag(next)
    })
}

/// The text on one line, with a backslash before the characters that `pick` selects.
fn marked_off(text: &str, mut pick: impl FnMut(char, Option<char>) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = if c == '\n' || c == '\r' { ' ' } else { c };
        if is_hidden(c) {
            // Its escape, of which the backslash is none of Markdown's.
            out.push_str("\\\\");
            out.push_str(visible(c.encode_utf8(&mut [0; 4])).trim_start_matches('\\'));
            continue;
        }
        if pick(c, chars.peek().copied()) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether a `<` before this character begins a tag.
fn begins_tag(next: Option<char>) -> bool {
    next.is_some_and(|c| c.is_ascii_alphabetic() || "/!?".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out() {
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code("threads:8"), "`threads:8`");
        assert_eq!(escaped("<b>|x|\n# y < 1"), "\\<b>\\|x\\| \\# y < 1");
        assert_eq!(prose("a `<i>"), "a \\`\\<i>");
        assert_eq!(prose("`a <b`, <i>, _x_"), "`a <b`, \\<i>, \\_x\\_");
    }
}
