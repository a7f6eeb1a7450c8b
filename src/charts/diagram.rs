//! The picture of an approach: who sends tasks, the processes with their loops, threads and pools, and what stands behind them, with their numbers.

use super::drawing::font;
use super::drawing::sheet::{Anchor, Label, Paint, Position, Sheet, fit, wrap};
use super::figure::palette::Theme;
use super::plot;
use crate::advise::{Advice, Approach, Family, PlaceName, PlacedTasks};
use crate::quantity::{bytes, counted, digits, percent, time};
use crate::scenario::{
    Arrivals, DeviceKind, Pool, ResourceKind, Scenario, Strategy, TaskClass, Workers, visible,
};

/// A box with a heading and lines of text.
struct Block {
    title: String,
    lines: Vec<String>,
    /// Number of small squares within: workers.
    cells: u64,
    paint: Paint,
}

impl Block {
    fn new(title: impl Into<String>, paint: Paint) -> Self {
        Self {
            title: title.into(),
            lines: Vec::new(),
            cells: 0,
            paint,
        }
    }

    fn line(mut self, text: impl Into<String>) -> Self {
        self.lines.push(text.into());
        self
    }

    fn height(&self, width: f64) -> f64 {
        let lines: usize = self.lines.iter().map(|l| wrapped(l, width).len()).sum();
        let cells = if self.cells > 0 { CELL + 8.0 } else { 0.0 };
        34.0 + lines as f64 * LINE + cells + 6.0
    }
}

const WIDTH: f64 = 980.0;
const LINE: f64 = 15.0;
const CELL: f64 = 14.0;
const GAP: f64 = 18.0;
const SMALL: f64 = 11.0;
/// Most small squares that are drawn; beyond them a number says how many there are.
const CELLS: u64 = 16;

fn wrapped(text: &str, width: f64) -> Vec<String> {
    wrap(text, SMALL, false, width - 20.0, 4)
}

/// The picture of what is recommended (or comes nearest) as SVG.
#[must_use]
pub fn architecture(advice: &Advice, scenario: &Scenario) -> String {
    font::register();
    let taken = advice
        .recommendation
        .as_ref()
        .map(|r| &r.approach)
        .or(advice.nearest.as_ref());
    let title = taken.map_or_else(
        || "Nothing does what is required".to_owned(),
        |a| format!("{} ({} on {})", a.called(), a.strategy, a.interpreter),
    );
    let strategy = taken
        .and_then(|a| crate::syntax::parse_strategy(&a.strategy).ok())
        .map(|s| s.strategy);
    let strategy = strategy.unwrap_or(Strategy::Sequential);
    let sources = sources(advice, scenario);
    let inside = inside(&strategy, taken);
    let behind = behind(scenario);
    let mut sheet = Sheet::new((WIDTH, 0.0));
    let room = WIDTH - 48.0;
    let heading = Label::new(
        (24.0, 34.0),
        fit(&title, 17.0, true, room),
        Anchor::Start,
        Paint::Ink,
    );
    sheet.label(heading.sized(17.0).bold(true));
    let about = format!("{}: {}", scenario.name, figures(taken));
    for (i, line) in wrap(&about, 12.0, false, room, 2).into_iter().enumerate() {
        sheet.label(
            Label::new(
                (24.0, 54.0 + 16.0 * i as f64),
                line,
                Anchor::Start,
                Paint::Quiet,
            )
            .sized(12.0),
        );
    }
    let top = 96.0;
    let widths = [230.0, 400.0, 210.0];
    let lefts = [
        24.0,
        24.0 + widths[0] + 46.0,
        24.0 + widths[0] + widths[1] + 92.0,
    ];
    let tall = |blocks: &[Block], width: f64| {
        blocks.iter().map(|b| b.height(width) + GAP).sum::<f64>() - GAP
    };
    let frame = 46.0;
    let heights = [
        tall(&sources, widths[0]),
        tall(&inside.blocks, widths[1] - 28.0) + frame + 14.0,
        if behind.is_empty() {
            0.0
        } else {
            tall(&behind, widths[2])
        },
    ];
    let most = heights.iter().copied().fold(0.0, f64::max);
    let middle = top + most / 2.0;
    // Who sends, on the left.
    let from = column(
        &mut sheet,
        &sources,
        (lefts[0], middle - heights[0] / 2.0),
        widths[0],
    );
    // The process, or each of several.
    let (x, y) = (lefts[1], middle - heights[1] / 2.0);
    for shift in (1..=inside.copies.min(4).saturating_sub(1)).rev() {
        let by = 5.0 * shift as f64;
        let corners = ((x + by, y - by), (x + widths[1] + by, y - by + heights[1]));
        sheet.rect(corners, Paint::Ground);
        sheet.frame(corners, 1.0, Paint::Frame);
    }
    let corners = ((x, y), (x + widths[1], y + heights[1]));
    sheet.rect(corners, Paint::Ground);
    sheet.frame(corners, 1.5, Paint::Ink);
    let title = fit(&inside.title, 13.0, true, widths[1] - 24.0);
    sheet.label(
        Label::new((x + 12.0, y + 22.0), title, Anchor::Start, Paint::Ink)
            .sized(13.0)
            .bold(true),
    );
    let places = column(
        &mut sheet,
        &inside.blocks,
        (x + 14.0, y + frame),
        widths[1] - 28.0,
    );
    for at in from {
        arrow(&mut sheet, (lefts[0] + widths[0], at), (x, middle));
    }
    // What the first hands over to the pools below it.
    if let (Some(first), true) = (places.first(), places.len() > 1) {
        let (x, foot) = (x + widths[1] / 2.0, first + inside.halves(0, widths[1]));
        arrow(&mut sheet, (x, foot), (x, foot + GAP));
    }
    if !behind.is_empty() {
        let to = column(
            &mut sheet,
            &behind,
            (lefts[2], middle - heights[2] / 2.0),
            widths[2],
        );
        for at in to {
            arrow(&mut sheet, (x + widths[1], middle), (lefts[2], at));
        }
    }
    sheet.size.1 = top + most + 28.0;
    let size = sheet.size;
    plot::document(
        &sheet,
        size,
        Theme::Light,
        (
            "architecture",
            &format!("Architecture of {}", scenario.name),
            &about,
        ),
    )
}

/// The most important figures.
fn figures(taken: Option<&Approach>) -> String {
    let Some(a) = taken else {
        return "no approach".into();
    };
    let mut all = Vec::new();
    if let Some(m) = a.makespan_s {
        all.push(format!("all done in {}", time(m.mean)));
    }
    if let Some(p) = a.latency_p95_s {
        all.push(format!("p95 {}", time(p.mean)));
    }
    if let Some(s) = a.speedup {
        all.push(format!("{} times a single thread", digits(s.mean, 3)));
    }
    if let Some(m) = a.memory_bytes {
        all.push(format!("{} of memory", bytes(m.mean)));
    }
    if let Some(u) = a.utilization_share {
        all.push(format!("cores busy {}", percent(u.mean)));
    }
    all.join(", ")
}

/// Who sends tasks: one block for each kind, with how they come.
fn sources(advice: &Advice, scenario: &Scenario) -> Vec<Block> {
    let w = &scenario.workload;
    let weights: f64 = w.classes.iter().map(|c| c.weight).sum();
    let part = |c: &TaskClass| c.weight / weights.max(f64::MIN_POSITIVE);
    let how = |c: &TaskClass| match &w.arrivals {
        Arrivals::Batch => format!("{} at once", counted(c.count, "task")),
        Arrivals::Closed { users, .. } => counted(u64::from(*users), "user"),
        Arrivals::Open { interval, .. } => {
            let rate = part(c) * 1e9 / interval.mean().max(1.0);
            format!("{}/s at random", digits(rate, 3))
        }
        Arrivals::Varying { load, .. } => {
            format!("up to {}/s", digits(part(c) * load.peak_rate(), 3))
        }
        Arrivals::Sessions { .. } => "visitors in sessions".into(),
        Arrivals::Trace(_) => "as recorded".into(),
    };
    let mut all: Vec<Block> = w
        .classes
        .iter()
        .take(6)
        .enumerate()
        .map(|(i, c)| {
            let mut block = Block::new(c.name.clone(), Paint::Curve(i)).line(how(c));
            if let Some(g) = advice.groups.iter().find(|g| g.name == c.name) {
                let waits = format!("waits {} of its own time", percent(g.waiting_share));
                block = block.line(waits);
                if let Some(family) = g.family {
                    block = block.line(format!("by itself: {}", family.name()));
                }
                if let Some(p) = g.latency_p95_s {
                    block = block.line(format!("p95 {}", time(p.mean)));
                }
            }
            block
        })
        .collect();
    if w.classes.len() > all.len() {
        all.push(Block::new(
            format!("{} more kinds", w.classes.len() - all.len()),
            Paint::Frame,
        ));
    }
    all
}

/// What is inside the process, or each of several.
struct Inside {
    title: String,
    copies: u64,
    blocks: Vec<Block>,
}

impl Inside {
    /// Half the height of a block, from its middle to its foot.
    fn halves(&self, block: usize, width: f64) -> f64 {
        self.blocks[block].height(width - 28.0) / 2.0
    }
}

/// The names of the kinds of tasks that have such a place.
fn kinds(placement: &[PlacedTasks], such: &dyn Fn(&PlacedTasks) -> bool) -> String {
    let names = placement.iter().filter(|p| such(p));
    names
        .map(|p| visible(&p.name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn inside(strategy: &Strategy, taken: Option<&Approach>) -> Inside {
    let placement = taken.map_or(&[][..], |a| &a.placement);
    let execution = strategy.execution();
    let copies = u64::from(execution.copies.unwrap_or(1));
    let machines = strategy.nodes().map(|n| u64::from(n.count));
    let each = match (machines, copies) {
        (Some(m), 1) => format!("each of {m} machines"),
        (Some(m), n) => format!("each of {n} processes on each of {m} machines"),
        (None, 1) => "the process".to_owned(),
        (None, n) => format!("each of {n} processes"),
    };
    let mut blocks = Vec::new();
    blocks.push(if execution.event_loop {
        let limit = execution.limit.map_or("no limit of tasks".to_owned(), |n| {
            format!("at most {} at once", counted(u64::from(n), "task"))
        });
        let mut block = Block::new("event loop (one thread)", Paint::Curve(1))
            .line("every task is a coroutine")
            .line(limit);
        let own = kinds(placement, &|p| p.place == PlaceName::Loop);
        if !own.is_empty() {
            block = block.line(format!("executes itself: {own}"));
        }
        block
    } else if execution.pool == Pool::Nobody {
        Block::new("main thread", Paint::Curve(1)).line("one task after another")
    } else {
        Block::new("main thread", Paint::Curve(1))
            .line("submits tasks, and takes their results")
            .line("a queue before the pool")
    });
    let named = strategy.pools().iter();
    let named = named.map(|p| (p.workers.into(), Some(p.name.as_str())));
    for (pool, called) in std::iter::once((execution.pool, None)).chain(named) {
        let workers = match pool.workers() {
            Some(Workers::Exactly(n)) => u64::from(n),
            Some(Workers::Auto | Workers::PerTask) => 0,
            None if pool == Pool::ThreadEach => 0,
            None => continue,
        };
        let (name, paint) = match pool {
            Pool::Processes { start, .. } => {
                (format!("processes, {}", method(start)), Paint::Curve(2))
            }
            Pool::Interpreters(_) => ("sub-interpreters".to_owned(), Paint::Curve(3)),
            Pool::Threads(_) | Pool::ThreadEach => ("threads".to_owned(), Paint::Curve(2)),
            Pool::Nobody => continue,
        };
        let name = match workers {
            0 => name,
            n => format!("pool of {n} {name}"),
        };
        let title = called.map_or(name.clone(), |called| format!("{called}: {name}"));
        let mut block = Block::new(title, paint);
        block.cells = workers;
        let whole = |p: &PlacedTasks| p.place == PlaceName::Pool && p.pool.as_deref() == called;
        let whole = kinds(placement, &whole);
        if !whole.is_empty() {
            block = block.line(format!("each task is one call of a worker: {whole}"));
        }
        let parts = kinds(placement, &|p| {
            p.place == PlaceName::Parts && called.is_none()
        });
        if !parts.is_empty() {
            block = block.line(format!("executes what these compute: {parts}"));
        }
        if pool.apart() {
            block = block.line("each with its own GIL; what is handed over is pickled");
        }
        if let Some(m) = taken.and_then(|a| a.memory_per_worker_bytes) {
            block = block.line(format!("{} for each worker", bytes(m)));
        }
        blocks.push(block);
    }
    let gil = match taken {
        Some(a) if a.family.free_threaded() => ", no GIL",
        Some(a) if a.family == Family::Interpreters || a.family == Family::AsyncioInterpreters => {
            ", a GIL for each interpreter"
        }
        Some(_) => ", one GIL",
        None => "",
    };
    Inside {
        title: format!("{each}{gil}"),
        copies: machines.unwrap_or(1).max(copies),
        blocks,
    }
}

fn method(start: crate::scenario::StartMethod) -> &'static str {
    use crate::scenario::StartMethod;
    match start {
        StartMethod::Fork => "forked",
        StartMethod::Spawn => "spawned",
        StartMethod::Forkserver => "from a fork server",
    }
}

/// What stands behind the processes: resources, devices, queues, and what is waited for outside.
fn behind(scenario: &Scenario) -> Vec<Block> {
    let w = &scenario.workload;
    let mut all = Vec::new();
    for r in &w.resources {
        let line = match &r.kind {
            ResourceKind::Semaphore { count } => format!("{count} permits"),
            ResourceKind::Connections { size, overflow, .. } => {
                format!("{} connections", size.saturating_add(*overflow))
            }
            ResourceKind::RateLimit { .. } => "a rate limit".to_owned(),
            ResourceKind::Breaker { .. } => "a circuit breaker".to_owned(),
        };
        all.push(Block::new(r.name.clone(), Paint::Curve(4)).line(line));
    }
    for d in &w.devices {
        let line = match &d.kind {
            DeviceKind::Shared { .. } => "shared by all transfers",
            DeviceKind::Station { .. } => "servers with a queue",
        };
        all.push(Block::new(d.name.clone(), Paint::Curve(5)).line(line));
    }
    for q in &w.queues {
        all.push(Block::new(q.name.clone(), Paint::Curve(6)).line("a queue between tasks"));
    }
    let outside = w.any_step(|s| {
        s.takes().is_some_and(|(r, _)| match r {
            crate::scenario::StepResource::Outside | crate::scenario::StepResource::Blocked => true,
            crate::scenario::StepResource::Bytecode | crate::scenario::StepResource::Native => {
                false
            }
        })
    });
    if outside {
        all.push(Block::new("outside", Paint::Frame).line("what tasks wait for"));
    }
    all.truncate(8);
    all
}

/// Draws blocks below each other; the middles of their heights.
fn column(sheet: &mut Sheet, blocks: &[Block], (x, mut y): Position, width: f64) -> Vec<f64> {
    let mut middles = Vec::new();
    for block in blocks {
        let height = block.height(width);
        let corners = ((x, y), (x + width, y + height));
        sheet.rect(corners, Paint::Ground);
        sheet.rect(((x, y), (x + 5.0, y + height)), block.paint);
        sheet.frame(corners, 1.0, Paint::Frame);
        let title = fit(&block.title, 12.5, true, width - 24.0);
        sheet.label(
            Label::new((x + 14.0, y + 20.0), title, Anchor::Start, Paint::Ink)
                .sized(12.5)
                .bold(true),
        );
        let mut at = y + 38.0;
        for line in block.lines.iter().flat_map(|l| wrapped(l, width)) {
            sheet.label(Label::new((x + 14.0, at), line, Anchor::Start, Paint::Quiet).sized(SMALL));
            at += LINE;
        }
        for cell in 0..block.cells.min(CELLS) {
            let left = x + 14.0 + cell as f64 * (CELL + 5.0);
            sheet.rect(
                ((left, at - 8.0), (left + CELL, at - 8.0 + CELL)),
                block.paint,
            );
        }
        if block.cells > CELLS {
            let left = x + 14.0 + CELLS as f64 * (CELL + 5.0);
            let more = format!("+{}", block.cells - CELLS);
            sheet.label(
                Label::new((left, at + 3.0), more, Anchor::Start, Paint::Quiet).sized(SMALL),
            );
        }
        middles.push(y + height / 2.0);
        y += height + GAP;
    }
    middles
}

/// An arrow from one place to another.
fn arrow(sheet: &mut Sheet, from: Position, to: Position) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = libm::sqrt(dx * dx + dy * dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let head = 7.0;
    let foot = (to.0 - ux * head, to.1 - uy * head);
    sheet.line(vec![from, foot], 1.4, Paint::Quiet);
    let side = head * 0.5;
    sheet.area(
        vec![
            to,
            (foot.0 - uy * side, foot.1 + ux * side),
            (foot.0 + uy * side, foot.1 - ux * side),
        ],
        Paint::Quiet,
        1.0,
    );
}
