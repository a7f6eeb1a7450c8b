//! The sweep for a terminal.

use super::best::best;
use super::metric::{Ranking, value, written};
use crate::report::document::SweepDocument;
use crate::report::{Meta, Style};

/// The sweep as a text for people: what was swept, the points, the best of them, and the command that repeats it.
pub fn text(sweep: &SweepDocument, meta: &Meta, style: Style) -> String {
    let header = &sweep.header;
    let ranking = Ranking::new(&header.ranked_by);
    let mut lines = vec![format!(
        "{}: {}",
        header.scenario.name, header.scenario.question
    )];
    for row in &sweep.rows {
        let at: Vec<String> = header
            .axes
            .iter()
            .filter_map(|a| Some(format!("{} {}", a.label, written(row.at.get(&a.path)?))))
            .collect();
        let result = value(row).map_or(row.case.status.clone(), |v| ranking.text(v));
        lines.push(format!("{}  {}  {result}", at.join(", "), row.case.name()));
    }
    lines.extend(best(sweep).map(|b| format!("Best: {}", b.text())));
    lines.push(format!("repeat: {}", meta.command));
    lines.push(String::new());
    style.fit(lines.join("\n"))
}
