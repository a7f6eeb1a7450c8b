//! A plan as text for a terminal, and as Markdown.

use std::cmp::Ordering;

use super::accuracy::p99_errors;
use super::text::TextWriter;
use crate::layout::{self, Column, Style};
use crate::plan::{
    Deployment, LoadUnit, Plan, RunnerUp, load_text, money, short, with_connections,
};
use crate::quantity::{
    IntervalDisplay, bytes, counted, estimate, metric_text, metric_title, percent, time_unit,
};
use crate::result::Judgement;

impl Plan {
    /// In what its loads are counted.
    #[must_use]
    pub fn unit(&self) -> LoadUnit {
        if self.asked.load_unit == "users" {
            LoadUnit::Users
        } else {
            LoadUnit::PerSecond
        }
    }

    fn load(&self, load: f64) -> String {
        load_text(load, self.unit())
    }

    fn money(&self, amount: f64) -> String {
        money(amount, &self.prices.currency)
    }
}

/// A line of a part: a label, where it has one, and what is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// What it is about; may be empty.
    pub label: String,
    /// What is said.
    pub says: String,
    /// Whether it belongs to the line before.
    pub below: bool,
}

impl Line {
    fn new(label: &str, says: String) -> Self {
        Self {
            label: label.to_owned(),
            says,
            below: false,
        }
    }

    /// The line as one text.
    pub(crate) fn text(&self) -> String {
        if self.label.is_empty() {
            self.says.clone()
        } else {
            format!("{}: {}", self.label, self.says)
        }
    }
}

/// A part of what is said about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// `deploy`, `holds`, `else` or `inputs`.
    pub key: &'static str,
    /// Its heading.
    pub title: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// The plan as text.
#[must_use]
pub fn text(plan: &Plan, explain: bool, style: Style) -> String {
    let mut out = TextWriter {
        out: String::new(),
        style,
    };
    let objectives = plan.asked.objectives.join(", ");
    out.prose(
        "",
        &format!("Plan for {}: {objectives}", plan.scenario.name),
    );
    out.entries(&facts(plan), " · ", "", "  ");
    out.line("");
    out.prose("", &answer(plan));
    out.line("");
    for part in parts(plan) {
        out.line(&part.title);
        let wide = part.lines.iter().map(|l| layout::width(&l.label)).max();
        let wide = wide.unwrap_or(0);
        for line in &part.lines {
            let indent = if line.below { "      " } else { "  " };
            let label = if wide == 0 {
                String::new()
            } else {
                format!("{:<wide$}  ", line.label)
            };
            let next = " ".repeat(indent.len() + layout::width(&label) + 2);
            out.prose(&next, &format!("{indent}{label}{}", line.says));
        }
        out.line("");
    }
    curve(&mut out, plan);
    if explain {
        tried(&mut out, plan);
    }
    for note in remarks(plan) {
        out.prose("  ", &note);
    }
    out.line("");
    out.repeat(&plan.command);
    out.out
}

/// What was asked for, in short.
pub(crate) fn facts(plan: &Plan) -> Vec<String> {
    let a = &plan.asked;
    let peak = if a.at_peak { " at the peak" } else { "" };
    let mut facts = vec![format!("load {}{peak}", plan.load(a.load))];
    if a.headroom_share > 0.0 {
        let more = plan.load(a.load * (1.0 + a.headroom_share));
        facts.push(format!("headroom {} ({more})", percent(a.headroom_share)));
    }
    if let Some(lost) = lost(plan) {
        facts.push(format!("{lost} may be lost"));
    }
    if let Some(b) = a.budget_per_month {
        facts.push(format!("budget {} a month", plan.money(b)));
    }
    if a.with_faults {
        facts.push("with the scenario's faults".into());
    }
    facts.push(format!("seed {}", plan.seed));
    facts.push(format!("± at {} confidence", percent(plan.confidence)));
    facts
}

/// What may be lost; `None`: nothing.
fn lost(plan: &Plan) -> Option<String> {
    let a = &plan.asked;
    if a.survive_workers > 0 {
        let n = counted(u64::from(a.survive_workers), "worker");
        Some(format!("{n} of a machine"))
    } else {
        (a.survive_machines > 0).then(|| counted(u64::from(a.survive_machines), "machine"))
    }
}

/// The answer in a sentence or two.
pub(crate) fn answer(plan: &Plan) -> String {
    let why = plan.binding.as_deref().unwrap_or("nothing bears the load");
    let Some(d) = &plan.plan else {
        return format!("No plan: {why}.");
    };
    let cost = plan.cost.map_or(0.0, |c| c.per_month);
    let what = format!(
        "{} of {} with {} on {}",
        counted(u64::from(d.machines), "machine"),
        d.machine.name,
        with_connections(&d.each, d.pool_factor),
        d.interpreter
    );
    if plan.feasible {
        format!("Best: {what}: {} a month.", plan.money(cost))
    } else {
        format!(
            "No plan holds it. In the way: {why}. Nearest: {what}, {} a month.",
            plan.money(cost)
        )
    }
}

/// All that is said about the plan, in parts.
pub(crate) fn parts(plan: &Plan) -> Vec<Part> {
    let mut all = Vec::new();
    let mut add = |key, title: &str, lines: Vec<Line>| {
        if !lines.is_empty() {
            all.push(Part {
                key,
                title: title.to_owned(),
                lines,
            });
        }
    };
    if let Some(d) = &plan.plan {
        add("deploy", "Deploy", deployed(plan, d));
        add("holds", "Holds", holds(plan, d));
    }
    add("else", "Else", others(plan));
    let changes = plan.sensitivity.iter().any(|s| s.changes);
    let title = if changes {
        "What changes the plan, if wrong by a fifth"
    } else {
        "No input changes the plan, if wrong by a fifth"
    };
    add("inputs", title, inputs(plan));
    all
}

fn judged(j: &Judgement) -> String {
    let value = match (j.metric(), j.value) {
        (Some(m), Some(v)) => format!("{} {}", metric_title(m), metric_text(m, v)),
        _ => "no value".into(),
    };
    format!("{} {} ({value})", j.verdict.sign(), j.text)
}

fn deployed(plan: &Plan, d: &Deployment) -> Vec<Line> {
    let size = bytes(d.machine.memory_bytes as f64);
    let cpus = counted(u64::from(d.machine.cpus), "CPU");
    let mut lines = vec![
        Line::new(
            "machines",
            format!("{} x {} ({cpus}, {size})", d.machines, d.machine.name),
        ),
        Line::new(
            "each runs",
            d.command.clone().unwrap_or_else(|| d.each.clone()),
        ),
        Line::new("on", d.interpreter.clone()),
    ];
    for r in &d.resources {
        let whose = match &*r.per {
            "process" => "in each process",
            "machine" => "on each machine",
            _ => "for all",
        };
        if let Some(needs) = r.needs {
            let has = r.has;
            let together = r.in_all.filter(|all| *all > needs);
            let together = together.map_or(String::new(), |all| format!("; {all} in all"));
            let says = match needs.cmp(&has) {
                Ordering::Less => {
                    format!(
                        "{needs} {whose} are enough for this load{together} (the scenario has {has}, and so has all else here)"
                    )
                }
                Ordering::Equal => {
                    format!("{has} {whose}, as the scenario has: fewer do not hold{together}")
                }
                Ordering::Greater => format!(
                    "{needs} {whose}, where the scenario has {has}: that saves machines{together}; see that the other side takes them"
                ),
            };
            lines.push(Line::new(&format!("`{}`", r.name), says));
        }
    }
    lines.push(Line::new(
        "Kubernetes",
        format!(
            "replicas {}, requests and limits cpu {}, limit memory {size} (--kubernetes FILE)",
            d.machines, d.machine.cpus
        ),
    ));
    if let Some(c) = &plan.cost {
        let each = c.per_million_tasks.map_or(String::new(), |m| {
            let at = plan.load(plan.asked.load);
            format!(", {} for a million tasks at {at}", plan.money(m))
        });
        lines.push(Line::new(
            "costs",
            format!("{} a month{each}", plan.money(c.per_month)),
        ));
    }
    if let Some(u) = d.utilization_share {
        let memory = d.memory_bytes.map_or(String::new(), |m| {
            format!("; most memory of a machine {}", bytes(m))
        });
        let at = plan.load(plan.asked.load);
        lines.push(Line::new(
            "busy",
            format!("cores {} at {at}{memory}", percent(u)),
        ));
    }
    lines
}

fn holds(plan: &Plan, d: &Deployment) -> Vec<Line> {
    let mut lines = Vec::new();
    let plain = |says: String| Line::new("", says);
    let below = |j: &Judgement| Line {
        below: true,
        ..plain(judged(j))
    };
    if plan.feasible || plan.maximum_load.is_none() {
        let at = plan.load(plan.asked.load * (1.0 + plan.asked.headroom_share));
        lines.push(plain(format!("at {at}:")));
        lines.extend(d.objectives.iter().map(below));
    }
    if !d.after_loss.is_empty() {
        let lost = lost(plan).unwrap_or_default();
        lines.push(plain(format!(
            "at {} with {lost} lost:",
            plan.load(plan.asked.load)
        )));
        lines.extend(d.after_loss.iter().map(below));
    }
    if let Some(m) = &plan.maximum_load {
        let held = plan.load(m.held);
        lines.push(plain(match (&m.broken, &m.by) {
            (Some(b), Some(by)) => {
                format!("maximum load {held}; at {} no longer: {by}", plan.load(*b))
            }
            _ => format!("holds up to {held}, and no more was tried"),
        }));
    }
    if let Some(k) = &plan.knee {
        let at = plan.load(k.load);
        lines.push(plain(format!(
            "knee at {at}: from there on latency rises fast"
        )));
    }
    if let Some(b) = &plan.bottleneck {
        lines.push(plain(format!("breaks first: {} ({})", b.kind, b.text)));
        lines.push(plain(format!("past it: {}", b.past.text)));
    }
    lines
}

fn other(plan: &Plan, label: &str, r: &RunnerUp) -> Line {
    let on = r.machines.map_or(String::new(), |n| {
        let cost = r.per_month;
        let cost = cost.map_or(String::new(), |c| format!(", {} a month", plan.money(c)));
        format!(", {n} x {}{cost}", r.machine)
    });
    let each = with_connections(&r.each, r.pool_factor);
    Line::new(
        label,
        format!("{each} on {}{on}: {}", r.interpreter, r.text),
    )
}

fn others(plan: &Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.extend(plan.runner_up.iter().map(|r| other(plan, "runner-up", r)));
    let formula = plan.formula.iter();
    lines.extend(formula.map(|r| other(plan, "2 x cores + 1", r)));
    for g in &plan.growth {
        let label = format!("{}x the load", short(g.factor));
        lines.push(Line::new(&label, g.text.clone()));
    }
    lines
}

fn inputs(plan: &Plan) -> Vec<Line> {
    let (changes, stays): (Vec<_>, Vec<_>) = plan.sensitivity.iter().partition(|s| s.changes);
    let mut lines: Vec<Line> = changes
        .iter()
        .map(|s| Line::new("", s.text.clone()))
        .collect();
    if !stays.is_empty() {
        let names: Vec<String> = stays
            .iter()
            .map(|s| {
                let sign = if s.factor > 1.0 { '+' } else { '-' };
                format!("{} {sign}{}", s.input, percent((s.factor - 1.0).abs()))
            })
            .collect();
        lines.push(Line::new(
            "",
            format!("the plan stays with {}", names.join(", ")),
        ));
    }
    lines
}

/// Load against latency, as a table.
fn curve(out: &mut TextWriter, plan: &Plan) {
    let Some(curve) = plan.curves.first() else {
        return;
    };
    let latencies = curve.points.iter().filter_map(|p| p.latency_s);
    let (scale, unit) = time_unit(
        latencies
            .map(|l| l.mean)
            .fold(f64::INFINITY, f64::min)
            .min(1e9),
    );
    let columns = vec![
        Column::new("load", "", true),
        Column::new(plan_latency(plan), unit, true),
        Column::new("completed", "/s", true),
        Column::new("fail", "", true),
        Column::new("cores busy", "", true),
        Column::new("holds", "", false),
    ];
    let share = |s: Option<f64>| s.map_or("—".into(), percent);
    let mut rows = Vec::new();
    for p in &curve.points {
        let latency = p.latency_s.map_or("—".into(), |l| {
            estimate(l.scaled(1.0 / scale), IntervalDisplay::Always)
        });
        rows.push(vec![
            plan.load(p.load),
            latency,
            p.throughput_per_s.map_or("—".into(), short),
            share(p.failure_share),
            share(p.utilization_share),
            if p.holds { "✓".into() } else { "✗".into() },
        ]);
    }
    out.line("Load and latency");
    let laid = layout::table(&columns, &rows, out.style, out.style.verbose);
    out.lines(laid.lines);
    out.line("");
}

/// Title of the latency that is planned by.
fn plan_latency(plan: &Plan) -> String {
    let judged = plan.plan.iter().flat_map(|d| &d.objectives);
    let timed = judged
        .filter_map(Judgement::metric)
        .find(|m| m.is_latency());
    timed.map_or("p95 latency".into(), metric_title)
}

fn tried(out: &mut TextWriter, plan: &Plan) {
    let rows = plan.tried.iter().map(|t| {
        let cost = t.per_month.map_or("—".to_owned(), |c| plan.money(c));
        vec![
            with_connections(&t.each, t.pool_factor),
            t.interpreter.clone(),
            t.machine.clone(),
            t.machines.map_or("—".to_owned(), |n| n.to_string()),
            cost,
            t.why.clone(),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let mut columns = vec![
        Column::new("each machine runs", "", false),
        Column::new("on", "", false),
        Column::new("machine", "", false),
        Column::new("machines", "", true),
        Column::new("a month", "", true),
        Column::new("why", "", false),
    ];
    columns[0].name = true;
    columns[5].prose = true;
    out.line("Tried");
    let laid = layout::table(&columns, &rows, out.style, true);
    out.lines(laid.lines);
    out.line("");
}

/// How it was found, and by which prices.
pub(crate) fn remarks(plan: &Plan) -> Vec<String> {
    let e = &plan.effort;
    let mut notes = vec![format!(
        "{}, {} of them simulated: {}, {}, {} million events.",
        counted(e.candidates, "candidate"),
        e.simulated,
        counted(e.looks, "look"),
        counted(e.simulations, "simulation"),
        e.events / 1_000_000
    )];
    if let Some([median, most, worst]) = p99_errors() {
        notes.push(format!(
            "How sure: intervals are of chance alone. Of measured programs the forecast p99 was off by {median} in the median, {most} at most in nine of ten, {worst} at worst; `pchsim verify --plan` holds this one against a real server."
        ));
    }
    if plan.prices.example {
        notes.push(format!(
            "Prices are an example of {} ({}): give yours with --prices FILE.",
            plan.prices.date, plan.prices.source
        ));
    } else {
        notes.push(format!(
            "Prices: {}, {}.",
            plan.prices.source, plan.prices.date
        ));
    }
    notes
}
