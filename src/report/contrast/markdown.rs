//! A comparison as Markdown for pull requests and issues: what changed is open, how the results were made is folded.

use super::super::summary::markdown::{code, escaped, prose, table, words as marked};
use super::text::made;
use super::{GatedBy, alone, differing, gate_words, how, tables, words};
use crate::contrast::Contrast;

/// The comparison as Markdown.
#[must_use]
pub fn markdown(all: &Contrast, gates: &[GatedBy]) -> String {
    let mut lines = Vec::new();
    let mut add = |text: String| lines.extend([text, String::new()]);
    add(format!(
        "# {} against {}",
        escaped(&all.b.name),
        escaped(&all.a.name)
    ));
    for (i, sentence) in words(all, false).iter().enumerate() {
        let sentence = marked(sentence);
        add(if i == 0 {
            format!("**{sentence}**")
        } else {
            sentence
        });
    }
    if !gates.is_empty() {
        let gates = gates
            .iter()
            .map(|g| format!("- {}", marked(&gate_words(all, g))));
        add(gates.collect::<Vec<_>>().join("\n"));
    }
    for part in [tables::decisive(all, false), tables::others(all, false)] {
        if !part.rows.is_empty() {
            add(table(&part));
        }
    }
    for w in &all.warnings {
        add(format!("> **Warning:** {}", prose(w)));
    }
    if !all.command.is_empty() {
        add(code(&all.command));
    }
    let mut facts = vec![
        format!("- **A**: {}", escaped(&made(&all.a))),
        format!("- **B**: {}", escaped(&made(&all.b))),
    ];
    facts.extend(how(all).iter().map(|f| format!("- {}", prose(f))));
    facts.extend(alone(all).iter().map(|f| format!("- {}", escaped(f))));
    facts.extend(
        all.differs
            .iter()
            .map(|d| format!("- {}", marked(&differing(d)))),
    );
    add(format!(
        "<details><summary>What was compared, and what else differs</summary>\n\n{}\n\n</details>",
        facts.join("\n")
    ));
    lines.join("\n")
}
