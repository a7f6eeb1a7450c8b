//! Rows of spans over simulated time.

use super::axis::Laid;
use super::svg::{Svg, fitted, width};
use super::{FONT, Key, LAYERS, Room, square};
use crate::report::figure::{Gantt, Row};

/// What stands above one another: heads of groups, and rows.
enum Item<'a> {
    Group(&'a str),
    Row(usize, &'a Row),
}

fn items(f: &Gantt) -> Vec<Item<'_>> {
    let mut all = Vec::new();
    let mut group = None;
    for (i, row) in f.rows.iter().enumerate() {
        if group != Some(row.group.as_str()) && !row.group.is_empty() {
            all.push(Item::Group(&row.group));
        }
        group = Some(row.group.as_str());
        all.push(Item::Row(i, row));
    }
    all
}

pub(super) fn draw(f: &Gantt, room: Room) -> (Svg, [f64; 4]) {
    let wide = room == Room::Wide;
    let longest = f
        .rows
        .iter()
        .map(|r| width(&r.label, FONT))
        .fold(0.0, f64::max);
    let left = if wide {
        (longest + 14.0).min(210.0)
    } else {
        (longest + 10.0).min(104.0)
    };
    let (head, row) = (24.0, 20.0);
    let items = items(f);
    let height: f64 = items
        .iter()
        .map(|i| {
            if matches!(i, Item::Group(_)) {
                head
            } else {
                row
            }
        })
        .sum();
    let plot = [left, 6.0, room.width() - left - 18.0, height];
    let mut svg = Svg::new(room.width(), plot[1] + height + 46.0);
    let time = Laid::new(
        &f.time,
        [f.window.0, f.window.1].into_iter(),
        if wide { 8 } else { 4 },
        true,
    );
    let bottom = plot[1] + height;
    svg.open("axes", "");
    for t in time.ticks() {
        let x = left + t.at * plot[2];
        svg.line("grid", (x, plot[1]), (x, bottom));
        svg.centred("tick", (x, bottom + 18.0), &t.text);
    }
    svg.text(
        "axis-name",
        (left + plot[2], svg.size.1 - 5.0),
        "end",
        &time.heading(),
    );
    svg.close();
    let mut top = plot[1];
    for item in items {
        match item {
            Item::Group(name) => {
                svg.text(
                    "group",
                    (2.0, top + head - 8.0),
                    "start",
                    &fitted(name, FONT, room.width() - 20.0),
                );
                top += head;
            }
            Item::Row(i, r) => {
                svg.text(
                    "label",
                    (left - 8.0, top + row / 2.0 + 4.4),
                    "end",
                    &fitted(&r.label, FONT, left - 12.0),
                );
                spans(&mut svg, f, (i, r), &time, [plot[0], top, plot[2], row]);
                top += row;
            }
        }
    }
    svg.raw("<g class=\"hover\"></g>");
    (svg, plot)
}

fn spans(
    svg: &mut Svg,
    f: &Gantt,
    (index, r): (usize, &Row),
    time: &Laid<'_>,
    [left, top, room, height]: [f64; 4],
) {
    svg.line(
        "lane",
        (left, top + height / 2.0),
        (left + room, top + height / 2.0),
    );
    for (k, s) in r.spans.iter().enumerate() {
        let x = |t: f64| left + time.at(t).clamp(0.0, 1.0) * room;
        let (a, b) = (x(s.from), x(s.to));
        let Some(kind) = f.kinds.get(s.kind) else {
            continue;
        };
        let text = if s.text.is_empty() {
            String::new()
        } else {
            format!(" ({})", s.text)
        };
        let title = format!(
            "{}: {}{text}, {} to {}, for {}",
            r.label,
            kind.name,
            time.text(s.from),
            time.text(s.to),
            time.text(s.to - s.from)
        );
        // The class stands on the span itself: there are hundreds of them.
        let class = format!(
            "fill mark-value series s{} l{}",
            s.kind,
            kind.number % LAYERS
        );
        let more = format!(" data-row=\"{index}\" data-column=\"{k}\"");
        svg.rect(&class, (a, top + 3.0), (b - a, height - 6.0), &more, &title);
    }
}

pub(super) fn legend(f: &Gantt) -> Vec<Key> {
    let used = |i: &usize| f.rows.iter().flat_map(|r| &r.spans).any(|s| s.kind == *i);
    (0..f.kinds.len())
        .filter(used)
        .map(|i| Key {
            name: f.kinds[i].name.clone(),
            bold: false,
            series: vec![i],
            sample: square(f.kinds[i].number),
        })
        .collect()
}
