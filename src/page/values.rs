//! The table of a figure: every number that it draws, as text.

use serde::Serialize;

use crate::charts::figure::ticks::{interval_text, value_text};
use crate::charts::figure::{Body, Figure, Gantt, Heat, LinePlot, Stack};

/// The numbers of a figure, as a table.
#[derive(Serialize)]
pub(super) struct PageValues {
    /// Headings of the columns.
    pub head: Vec<String>,
    /// Rows; the first cell names the row.
    pub rows: Vec<Vec<String>>,
}

/// Makes the table of a figure.
pub(super) fn values(figure: &Figure) -> PageValues {
    match &figure.body {
        Body::Lines(f) => lines(f),
        Body::Stack(f) => stack(f),
        Body::Heat(f) => heat(f),
        Body::Gantt(f) => gantt(f),
    }
}

fn lines(f: &LinePlot) -> PageValues {
    let xs = |i: usize| f.series[i].dots.iter().map(|d| d.x);
    let shared = (1..f.series.len()).all(|i| xs(i).eq(xs(0)));
    if shared && !f.series.is_empty() {
        let head =
            std::iter::once(f.x.label.clone()).chain(f.series.iter().map(|s| s.role.name(&s.name)));
        let rows = f.series[0].dots.iter().enumerate().map(|(i, d)| {
            let cells = f.series.iter().map(|s| f.reading(&s.dots[i]));
            std::iter::once(f.x.text(d.x)).chain(cells).collect()
        });
        return PageValues {
            head: head.collect(),
            rows: rows.collect(),
        };
    }
    let rows = f.series.iter().flat_map(|s| {
        s.dots
            .iter()
            .map(|d| vec![s.name.clone(), f.x.text(d.x), f.reading(d)])
    });
    PageValues {
        head: vec!["curve".into(), f.x.label.clone(), f.y.label.clone()],
        rows: rows.collect(),
    }
}

fn stack(f: &Stack) -> PageValues {
    let single = f.layers.len() == 1;
    let mut head = vec![String::from("bar")];
    head.extend(f.layers.iter().map(|l| l.name.clone()));
    let rows = f.bars.iter().enumerate().map(|(i, bar)| {
        let band = f.bands.get(i).copied().flatten().filter(|_| single);
        let cell = |v: &Vec<f64>| {
            let text = v
                .get(i)
                .map_or("–".into(), |v| value_text(f.value.measure, *v));
            text + &interval_text(f.value.measure, band)
        };
        std::iter::once(bar.label())
            .chain(f.layers.iter().map(|l| cell(&l.values)))
            .collect()
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    if let Some((value, name)) = &f.reference {
        let mut row = vec![
            format!("to compare with: {name}"),
            value_text(f.value.measure, *value),
        ];
        row.resize(head.len(), String::new());
        rows.push(row);
    }
    PageValues { head, rows }
}

fn heat(f: &Heat) -> PageValues {
    let columns = f.cells.iter().map(Vec::len).max().unwrap_or(0);
    let head = std::iter::once(format!("{} \\ {}", f.y.label, f.x.label))
        .chain((0..columns).map(|c| f.x.word(c)));
    let rows = f.cells.iter().enumerate().map(|(r, cells)| {
        let cell = |v: &Option<f64>| v.map_or("–".into(), |v| value_text(f.value.measure, v));
        std::iter::once(f.y.word(r))
            .chain(cells.iter().map(cell))
            .collect()
    });
    PageValues {
        head: head.collect(),
        rows: rows.collect(),
    }
}

fn gantt(f: &Gantt) -> PageValues {
    let rows = f.rows.iter().flat_map(|r| {
        r.spans.iter().map(|s| {
            let kind = f.kinds.get(s.kind).map_or("", |k| k.name.as_str());
            let name = if r.group.is_empty() {
                r.label.clone()
            } else {
                format!("{}, {}", r.group, r.label)
            };
            vec![
                name,
                f.instant(s.from),
                f.instant(s.to),
                kind.to_owned(),
                s.text.clone(),
            ]
        })
    });
    let head = ["row", "from", "to", "what", "task"].map(String::from);
    PageValues {
        head: head.into(),
        rows: rows.collect(),
    }
}
