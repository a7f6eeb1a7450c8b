//! A plan as text for a terminal, and as Markdown.

use super::text::TextWriter;
use crate::layout::{self, Column, Style};
use crate::plan::{Deployment, LoadUnit, Plan, RunnerUp, load_text, money, short};
use crate::quantity::{IntervalDisplay, bytes, counted, estimate, metric_text, metric_title, percent, time_unit};
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

/// The plan as text.
#[must_use]
pub fn text(plan: &Plan, explain: bool, style: Style) -> String {
    let mut out = TextWriter {
        out: String::new(),
        style,
    };
    heading(&mut out, plan);
    out.line("");
    out.prose("", &first(plan));
    out.line("");
    if let Some(d) = &plan.plan {
        deployed(&mut out, plan, d);
    }
    holds(&mut out, plan);
    others(&mut out, plan);
    inputs(&mut out, plan);
    curve(&mut out, plan);
    if explain {
        tried(&mut out, plan);
    }
    for note in notes(plan) {
        out.prose("  ", &note);
    }
    out.line("");
    out.repeat(&plan.command);
    out.out
}

fn heading(out: &mut TextWriter, plan: &Plan) {
    let a = &plan.asked;
    out.prose("", &format!("Plan for {}: {}", plan.scenario.name, a.objectives.join(", ")));
    let mut facts = vec![format!("load {}", plan.load(a.load))];
    if a.headroom_share > 0.0 {
        let more = plan.load(a.load * (1.0 + a.headroom_share));
        facts.push(format!("headroom {} ({more})", percent(a.headroom_share)));
    }
    if a.survive_machines > 0 {
        facts.push(format!("{} may be lost", counted(u64::from(a.survive_machines), "machine")));
    }
    if let Some(b) = a.budget_per_month {
        facts.push(format!("budget {} a month", plan.money(b)));
    }
    facts.push(format!("seed {}", plan.seed));
    facts.push(format!("± at {} confidence", percent(plan.confidence)));
    out.entries(&facts, " · ", "", "  ");
}

/// The answer in a sentence or two.
fn first(plan: &Plan) -> String {
    let Some(d) = &plan.plan else {
        let why = plan.binding.clone().unwrap_or_default();
        return format!("No plan: {why}.");
    };
    let cost = plan.cost.map_or(0.0, |c| c.per_month);
    let what = format!(
        "{} {} with {} on {}",
        counted(u64::from(d.machines), "machine"),
        format_args!("of {}", d.machine.name),
        d.each,
        d.interpreter
    );
    if plan.feasible {
        format!("Best: {what}: {} a month.", plan.money(cost))
    } else {
        let why = plan.binding.clone().unwrap_or_default();
        format!("No plan bears it. In the way: {why}. Nearest: {what}, {} a month.", plan.money(cost))
    }
}

fn judged(j: &Judgement) -> String {
    let value = match (j.metric(), j.value) {
        (Some(m), Some(v)) => format!("{} {}", metric_title(m), metric_text(m, v)),
        _ => "no value".into(),
    };
    format!("{} {} ({value})", j.verdict.sign(), j.text)
}

fn deployed(out: &mut TextWriter, plan: &Plan, d: &Deployment) {
    out.line("Deploy");
    let mut line = |label: &str, text: &str| {
        let first = format!("  {label:<12}");
        out.prose(&" ".repeat(14), &format!("{first}{text}"));
    };
    line(
        "machines",
        &format!(
            "{} x {} ({} CPUs, {})",
            d.machines,
            d.machine.name,
            d.machine.cpus,
            bytes(d.machine.memory_bytes as f64)
        ),
    );
    match &d.command {
        Some(command) => line("each runs", command),
        None => line("each runs", &d.each),
    }
    line("on", &d.interpreter);
    for r in &d.resources {
        let whose = match &*r.per {
            "process" => "in each process",
            "machine" => "on each machine",
            _ => "for all",
        };
        if let Some(needs) = r.needs {
            let has = r.has;
            let text = if needs < has {
                format!("{needs} {whose} are enough (the scenario has {has})")
            } else {
                format!("{has} {whose}, as the scenario has: fewer do not hold")
            };
            line(&format!("`{}`", r.name), &text);
        }
    }
    let replicas = format!(
        "replicas: {}, cpu: {}, memory: {}",
        d.machines,
        d.machine.cpus,
        bytes(d.machine.memory_bytes as f64)
    );
    line("Kubernetes", &format!("{replicas} (--kubernetes FILE writes a Deployment)"));
    if let Some(c) = &plan.cost {
        let each = c.per_million_tasks.map_or(String::new(), |m| {
            format!(", {} for a million tasks at {}", plan.money(m), plan.load(plan.asked.load))
        });
        line("costs", &format!("{} a month{each}", plan.money(c.per_month)));
    }
    if let Some(u) = d.utilization_share {
        let memory = d.memory_bytes.map_or(String::new(), |m| {
            format!("; most memory of a machine {}", bytes(m))
        });
        line(
            "busy",
            &format!("cores {} at {}{memory}", percent(u), plan.load(plan.asked.load)),
        );
    }
    out.line("");
}

fn holds(out: &mut TextWriter, plan: &Plan) {
    let Some(d) = &plan.plan else {
        return;
    };
    out.line("Holds");
    let load = if plan.feasible {
        plan.asked.load * (1.0 + plan.asked.headroom_share)
    } else {
        plan.maximum_load.as_ref().map_or(plan.asked.load, |m| m.held)
    };
    let _ = load;
    let at = plan.load(plan.asked.load * (1.0 + plan.asked.headroom_share));
    if plan.feasible || plan.maximum_load.is_none() {
        out.line(&format!("  at {at}:"));
        for j in &d.objectives {
            out.prose("      ", &format!("    {}", judged(j)));
        }
    }
    if !d.after_loss.is_empty() {
        out.prose(
            "      ",
            &format!(
                "  at {} with {} lost:",
                plan.load(plan.asked.load),
                counted(u64::from(plan.asked.survive_machines), "machine")
            ),
        );
        for j in &d.after_loss {
            out.prose("      ", &format!("    {}", judged(j)));
        }
    }
    if let Some(m) = &plan.maximum_load {
        let text = match (&m.broken, &m.by) {
            (Some(b), Some(by)) => format!(
                "  maximum load {}; at {} it no longer holds: {by}",
                plan.load(m.held),
                plan.load(*b)
            ),
            _ => format!("  holds up to {}, and no more was tried", plan.load(m.held)),
        };
        out.prose("    ", &text);
    }
    if let Some(k) = &plan.knee {
        out.prose("    ", &format!("  knee at {}: from there on latency rises fast", plan.load(k.load)));
    }
    if let Some(b) = &plan.bottleneck {
        out.prose("    ", &format!("  breaks first: {} ({})", b.kind, b.text));
        out.prose("    ", &format!("  past it: {}", b.past.text));
    }
    out.line("");
}

fn other(plan: &Plan, label: &str, r: &RunnerUp) -> String {
    let on = r.machines.map_or(String::new(), |n| {
        let cost = r.per_month.map_or(String::new(), |c| format!(", {} a month", plan.money(c)));
        format!(", {n} x {}{cost}", r.machine)
    });
    format!("{label}: {} on {}{on}: {}", r.each, r.interpreter, r.text)
}

fn others(out: &mut TextWriter, plan: &Plan) {
    if plan.runner_up.is_none() && plan.formula.is_none() && plan.growth.is_empty() {
        return;
    }
    out.line("Else");
    if let Some(r) = &plan.runner_up {
        out.prose("    ", &format!("  {}", other(plan, "runner-up", r)));
    }
    if let Some(r) = &plan.formula {
        out.prose("    ", &format!("  {}", other(plan, "2 x cores + 1 workers", r)));
    }
    for g in &plan.growth {
        out.prose("    ", &format!("  {}x the load, {}", short(g.factor), g.text));
    }
    out.line("");
}

fn inputs(out: &mut TextWriter, plan: &Plan) {
    if plan.sensitivity.is_empty() {
        return;
    }
    let (changes, stays): (Vec<_>, Vec<_>) = plan.sensitivity.iter().partition(|s| s.changes);
    if changes.is_empty() {
        out.line("No input, wrong by a fifth, changes the plan");
    } else {
        out.line("What changes the plan, if wrong by a fifth");
    }
    for s in &changes {
        out.prose("    ", &format!("  {}", s.text));
    }
    if !changes.is_empty() && !stays.is_empty() {
        let names: Vec<String> = stays
            .iter()
            .map(|s| {
                let sign = if s.factor > 1.0 { '+' } else { '-' };
                format!("{} {sign}{}", s.input, percent((s.factor - 1.0).abs()))
            })
            .collect();
        out.entries(&names, ", ", "  unchanged: ", "    ");
    }
    out.line("");
}

/// Load against latency, as a table.
fn curve(out: &mut TextWriter, plan: &Plan) {
    let Some(curve) = plan.curves.first() else {
        return;
    };
    let latencies = curve.points.iter().filter_map(|p| p.latency_s);
    let (scale, unit) = time_unit(latencies.map(|l| l.mean).fold(f64::INFINITY, f64::min).min(1e9));
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
    let timed = judged.filter_map(Judgement::metric).find(|m| {
        use crate::scenario::Metric;
        match m {
            Metric::MeanLatency | Metric::Percentile(_) | Metric::Worst(_) => true,
            Metric::Makespan | Metric::Throughput | Metric::Memory | Metric::Cpu | Metric::FailureRate => false,
        }
    });
    timed.map_or("p95 latency".into(), metric_title)
}

fn tried(out: &mut TextWriter, plan: &Plan) {
    let rows = plan.tried.iter().map(|t| {
        let cost = t.per_month.map_or("—".to_owned(), |c| plan.money(c));
        vec![
            t.each.clone(),
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

fn notes(plan: &Plan) -> Vec<String> {
    let e = &plan.effort;
    let mut notes = vec![format!(
        "{} candidates, {} of them simulated: {} looks, {} simulations, {} million events.",
        e.candidates,
        e.simulated,
        e.looks,
        e.simulations,
        e.events / 1_000_000
    )];
    if plan.prices.example {
        notes.push(format!(
            "Prices are an example of {} ({}): give yours with --prices FILE.",
            plan.prices.date, plan.prices.source
        ));
    } else {
        notes.push(format!("Prices: {}, {}.", plan.prices.source, plan.prices.date));
    }
    notes
}
