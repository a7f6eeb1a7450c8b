//! A plan as a section of a page.

use super::{
    CellParts, ColumnParts, LARGE, PageFigure, PageNotice, PageObjective, RowParts, Section,
    TableParts, TextPart, breaks, inert, spans, squeezed,
};
use crate::charts::drawing::webfont::Signs;
use crate::charts::figure::Figure;
use crate::plan::{Plan, money, with_connections};
use crate::quantity::{metric_text, metric_title};
use crate::report::plan::{Part, answer, parts, remarks};

/// Most candidates that are listed.
const CANDIDATES: usize = 60;

pub(super) fn section(plan: &Plan, figures: &[Figure], source: &str, signs: &mut Signs) -> Section {
    let id = "plan".to_owned();
    let drawn = figures.iter().map(|f| PageFigure::new(f, &id, signs));
    let figures = drawn.collect();
    let said = answer(plan);
    let lines = |part: &Part| -> Vec<Vec<TextPart>> {
        part.lines.iter().map(|l| spans(&l.text())).collect()
    };
    let all = parts(plan);
    let of = |key: &str| all.iter().find(|p| p.key == key);
    let mut reasons = of("deploy").map(lines).unwrap_or_default();
    reasons.extend(of("holds").map(lines).unwrap_or_default());
    let mut insights = of("else").map(lines).unwrap_or_default();
    insights.extend(of("inputs").map(lines).unwrap_or_default());
    let mut assumptions = Vec::new();
    if let Some(d) = &plan.plan {
        // Blanks at the beginning of a line mean something in YAML, and nothing in a page.
        let kept = |line: &str| {
            let text = line.trim_start();
            "\u{a0}".repeat(line.len() - text.len()) + text
        };
        let lines = d.kubernetes.lines().map(kept);
        assumptions.push(("A Deployment of Kubernetes".to_owned(), lines.collect()));
    }
    assumptions.push(("How it was found".to_owned(), remarks(plan)));
    Section {
        title: format!("Plan for {}", plan.scenario.name),
        label: plan.scenario.name.clone(),
        subtitle: crate::report::plan::facts(plan).join(" · "),
        plain: said.clone(),
        answer: vec![spans(&said)],
        reasons,
        because: Vec::new(),
        insights,
        table: table(plan),
        objectives: objectives(plan),
        notices: plan
            .binding
            .iter()
            .map(|b| PageNotice {
                note: false,
                text: spans(b),
            })
            .collect(),
        warned: !plan.feasible,
        figures,
        assumptions,
        command: plan.command.clone(),
        data: if source.len() > LARGE {
            String::new()
        } else {
            inert(&squeezed(source))
        },
        id,
    }
}

fn objectives(plan: &Plan) -> Vec<PageObjective> {
    let judged = plan.plan.iter().flat_map(|d| &d.objectives);
    judged
        .map(|o| PageObjective {
            text: o.text.clone(),
            verdict: o.verdict.name(),
            by: match (o.metric(), o.value) {
                (Some(m), Some(v)) => spans(&format!("{} {}", metric_title(m), metric_text(m, v))),
                _ => spans("no value"),
            },
        })
        .collect()
}

/// The candidates, those first that bear the load.
fn table(plan: &Plan) -> TableParts {
    let column = |title: &str, number| ColumnParts {
        title: title.to_owned(),
        unit: "",
        number,
    };
    let cell = |text: String, key: Option<f64>, name: bool| CellParts {
        breaks: if name { breaks(&text) } else { Vec::new() },
        text,
        half: String::new(),
        key,
        name,
        tied: false,
    };
    let mut tried: Vec<_> = plan.tried.iter().collect();
    let cost = |t: &crate::plan::Tried| t.per_month.unwrap_or(f64::INFINITY);
    tried.sort_by(|a, b| {
        let taken = |t: &crate::plan::Tried| t.why != "taken";
        cost(a).total_cmp(&cost(b)).then(taken(a).cmp(&taken(b)))
    });
    let left_out = tried.len().saturating_sub(CANDIDATES);
    let rows = tried.iter().take(CANDIDATES).map(|t| {
        let machines = t.machines.map_or("—".into(), |n| n.to_string());
        let price = t
            .per_month
            .map_or("—".into(), |c| money(c, &plan.prices.currency));
        RowParts {
            best: t.why == "taken",
            class: match (&*t.why, t.machines) {
                ("taken", _) => "best",
                (_, None) => "unfit",
                _ => "",
            },
            cells: vec![
                cell(with_connections(&t.each, t.pool_factor), None, true),
                cell(t.interpreter.clone(), None, true),
                cell(t.machine.clone(), None, true),
                cell(machines, t.machines.map(f64::from), false),
                cell(price, t.per_month, false),
                cell(t.why.clone(), None, false),
            ],
        }
    });
    TableParts {
        caption: "What was tried".into(),
        columns: vec![
            column("each machine runs", false),
            column("on", false),
            column("machine", false),
            column("machines", true),
            column("a month", true),
            column("how it fared", false),
        ],
        rows: rows.collect(),
        left_out,
        head: 0,
    }
}
