//! Shows what a calibration found, as text.

use std::fmt::Write as _;

use serde_json::json;

use super::bench::{Calibrated, ImportCost, ImportGil, Parameter, Quality, server_bench};
use crate::cpython::profile::{PARAMS, Profile, Tag};
use crate::layout;
use crate::layout::Style;
use crate::layout::{Column, entries, words};
use crate::learn::GilUse;
use crate::scenario::RequestHandling;

/// The number of unreliable parameters that are named; further ones are only counted.
const NAMED: usize = 12;

/// The columns of a line's label; a text that takes several lines continues beside the label.
const LABEL: usize = 13;

/// A summary for people; every parameter is listed where the style is verbose.
pub fn text(c: &Calibrated, style: Style) -> String {
    let mut out = String::new();
    let p = &c.profile;
    let gil = if p.gil { "with GIL" } else { "free-threaded" };
    let _ = writeln!(out, "{}: CPython {}, {gil}", p.name, p.version);
    if let Some(m) = &p.provenance {
        let yes = |known: Option<bool>| match known {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let debug = if m.build.debug { ", debug build" } else { "" };
        let _ = writeln!(
            out,
            "  build      {}, PGO {}, LTO {}{debug}",
            m.build.compiler,
            yes(m.build.pgo),
            yes(m.build.lto)
        );
        let _ = writeln!(
            out,
            "  machine    {}, {} core{}, {}",
            m.machine.cpu,
            m.machine.cores,
            if m.machine.cores == 1 { "" } else { "s" },
            m.machine.system
        );
        let _ = writeln!(
            out,
            "  noise      ran {:.2} times slower than at its best in the mean ({} round{})",
            m.slowness,
            m.rounds,
            if m.rounds == 1 { "" } else { "s" }
        );
    }
    let _ = writeln!(out, "  parameters {}", counts(c));
    unreliable(&mut out, c);
    absent(&mut out, p);
    for (what, why) in &c.failed {
        let _ = writeln!(out, "  failed     {what}: {why}");
    }
    servers(&mut out, c);
    imports(&mut out, c);
    let lines = out
        .lines()
        .flat_map(|line| match line.split_at_checked(LABEL) {
            Some((label, rest)) if line.starts_with("  ") => {
                let next = " ".repeat(LABEL);
                if label.trim() == "unreliable" {
                    // A parameter and its possible error stand in the same line.
                    let all: Vec<String> = rest.split(", ").map(str::to_owned).collect();
                    entries(&all, ", ", label, &next, style)
                } else {
                    words(rest, label, &next, style)
                }
            }
            _ => words(line, "", "  ", style),
        });
    let mut lines: Vec<String> = lines.collect();
    if style.verbose {
        lines.push(String::new());
        lines.extend(table(c, style));
    }
    style.fit_lines(lines)
}

fn counts(c: &Calibrated) -> String {
    let count = |q: Quality| c.parameters.iter().filter(|p| p.quality == q).count();
    let defaults = c
        .profile
        .tags
        .iter()
        .filter(|t| **t == Tag::Default)
        .count();
    format!(
        "{} repeat within 5 %, {} within 15 %, {} unreliable; {} measured once or constant, {defaults} left at their defaults",
        count(Quality::Good),
        count(Quality::Fair),
        count(Quality::Unreliable),
        count(Quality::Single),
    )
}

fn unreliable(out: &mut String, c: &Calibrated) {
    let mut all: Vec<&Parameter> = (c.parameters.iter())
        .filter(|p| p.quality == Quality::Unreliable)
        .collect();
    if all.is_empty() {
        return;
    }
    let within = |p: &Parameter| p.repeats_within.unwrap_or(f64::INFINITY);
    all.sort_by(|a, b| within(b).total_cmp(&within(a)));
    let named: Vec<String> = (all.iter().take(NAMED))
        .map(|p| format!("{} {}", p.name(), share(within(p), 0)))
        .collect();
    let more = match all.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more (-v lists them)"),
    };
    let _ = writeln!(out, "  unreliable {}{more}", named.join(", "));
}

fn absent(out: &mut String, p: &Profile) {
    let mut said: Vec<&str> = Vec::new();
    for tag in &p.tags {
        if let Tag::Absent(why) = tag
            && !said.contains(&why.as_str())
        {
            said.push(why);
            let _ = writeln!(out, "  absent     {why}");
        }
    }
}

/// What was measured of servers.
fn servers(out: &mut String, c: &Calibrated) {
    for handling in RequestHandling::ALL {
        let Some(index) = Profile::index(handling.parameter()) else {
            continue;
        };
        if matches!(c.profile.tags[index], Tag::Measured(_)) {
            let found = c.parameters.iter().find(|p| p.index == index);
            let within = found.and_then(|p| p.repeats_within);
            let _ = writeln!(
                out,
                "  server     {}: a request takes {:.0} us of CPU time{}, beside the application",
                server_bench(handling).name,
                c.profile.params.get(index) / 1e3,
                within.map_or(String::new(), |w| format!(" ({})", share(w, 0)))
            );
        }
    }
    for (name, what) in [
        (
            "request_cold",
            "a request after long without one takes more:",
        ),
        ("server_tick", "a tick, ten a second of an event loop:"),
    ] {
        let index = Profile::index(name);
        if let Some(i) = index.filter(|&i| matches!(c.profile.tags[i], Tag::Measured(_))) {
            let us = c.profile.params.get(i) / 1e3;
            let _ = writeln!(out, "  server     {what} {us:.0} us of CPU time");
        }
    }
}

fn imports(out: &mut String, c: &Calibrated) {
    if c.imports.is_empty() {
        return;
    }
    for i in &c.imports {
        let _ = writeln!(
            out,
            "  import     {}: {:.1} ms ({:.1} ms of CPU), {:.1} MiB, {:.0} objects, in every process that does not inherit it",
            i.module,
            i.wall_s * 1e3,
            i.cpu_s * 1e3,
            i.memory / (1024.0 * 1024.0),
            i.objects
        );
        if let Ok(gil) = &i.gil {
            let _ = writeln!(out, "             {}", gil_use(gil));
        }
    }
    let mut said: Vec<&str> = Vec::new();
    for why in c.imports.iter().filter_map(|i| i.gil.as_ref().err()) {
        if !said.contains(&why.as_str()) {
            said.push(why);
            let who = c
                .imports
                .iter()
                .filter(|i| i.gil.as_ref().err() == Some(why));
            let who: Vec<&str> = who.map(|i| i.module.as_str()).collect();
            let _ = writeln!(
                out,
                "  note       how often the import of {} gives the GIL up is not measured: {why}",
                who.join(", ")
            );
        }
    }
    let _ = writeln!(
        out,
        "  scenario   imports: {}",
        imports_field(&c.imports, c.profile.params.cpu_factor)
    );
}

/// How the code of an import handles the GIL.
fn gil_use(gil: &ImportGil) -> String {
    match gil.gil_use {
        GilUse::Keeps => "keeps the GIL".into(),
        GilUse::Partly { share } => format!(
            "is without the GIL for {:.0} % of its time, in long stretches",
            100.0 * share
        ),
        GilUse::Free => format!(
            "is without the GIL for {:.0} % of its time",
            gil.seen.share() * 100.0
        ),
        GilUse::Releases { rate, each } => format!(
            "gives the GIL up {:.1} times a millisecond, for {:.1} us each ({:.1} % of its time)",
            rate * 1e6,
            each / 1e3,
            gil.seen.share() * 100.0
        ),
    }
}

/// How the code of an import handles the GIL, as JSON for programs.
fn habit_json(gil: &ImportGil) -> serde_json::Value {
    let (name, per_ms, each) = match gil.gil_use {
        GilUse::Keeps | GilUse::Partly { .. } => ("keeps", None, None),
        GilUse::Free => ("free", None, None),
        GilUse::Releases { rate, each } => ("releases", Some(rate * 1e6), Some(each / 1e9)),
    };
    json!({
        "habit": name, "releases_per_ms": per_ms, "released_s": each, "share": gil.seen.share(), "looked_s": gil.seen.time as f64 / 1e9,
    })
}

/// The `imports` field of a scenario's workload that describes the same imports; its time is that on the baseline interpreter.
fn imports_field(imports: &[ImportCost], cpu_factor: f64) -> String {
    let sum = |f: fn(&ImportCost) -> f64| imports.iter().map(f).sum::<f64>();
    format!(
        "(time: \"{:.1}ms\", memory: \"{:.1}MiB\", objects: {:.0})",
        sum(|i| i.cpu_s) * 1e3 / cpu_factor.max(1e-6),
        sum(|i| i.memory) / (1024.0 * 1024.0),
        sum(|i| i.objects)
    )
}

/// A table of every parameter. Where there is not enough room, the column on how far a second calibration may differ is dropped before the
/// one on where the value comes from.
fn table(c: &Calibrated, style: Style) -> Vec<String> {
    let column = |title: &str, number| Column {
        title: title.into(),
        number,
        ..Column::default()
    };
    let columns = [
        Column {
            key: true,
            name: true,
            ..column("  parameter", false)
        },
        column("value", true),
        column("unit", false),
        Column {
            dispensable: 1,
            ..column("repeats", true)
        },
        Column {
            prose: true,
            ..column("origin", false)
        },
    ];
    let rows = PARAMS.iter().enumerate().map(|(index, info)| {
        let value = c.profile.params.get(index);
        let repeats = c.parameters.iter().find(|p| p.index == index);
        let within = match repeats.map(|p| (p.quality, p.repeats_within)) {
            Some((_, Some(within))) => share(within, 1),
            _ => String::new(),
        };
        let (value, how) = match &c.profile.tags[index] {
            Tag::Measured(figure) => (formatted(value), format!("measured: {figure}")),
            Tag::Derived(how) => (formatted(value), format!("derived: {how}")),
            Tag::Default => (formatted(value), "default".into()),
            Tag::Absent(why) => ("-".into(), format!("absent: {why}")),
        };
        vec![
            format!("  {}", info.name),
            value,
            info.unit.to_owned(),
            within,
            how,
        ]
    });
    layout::table(&columns, &rows.collect::<Vec<_>>(), style, false).lines
}

/// By how much a second calibration may differ. Where that is more than the value itself, the exact figure tells nothing more.
fn share(within: f64, digits: usize) -> String {
    if within > 1.0 {
        "±>100 %".into()
    } else {
        format!("±{:.digits$} %", within * 100.0)
    }
}

fn formatted(value: f64) -> String {
    if value == 0.0 || value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.3}")
    }
}

/// Everything that was found, as JSON for programs.
pub fn json(c: &Calibrated) -> String {
    let p = &c.profile;
    let parameters: Vec<_> = (PARAMS.iter().enumerate())
        .map(|(i, info)| {
            let (tag, how) = match &p.tags[i] {
                Tag::Measured(how) => ("measured", Some(how)),
                Tag::Derived(how) => ("derived", Some(how)),
                Tag::Default => ("default", None),
                Tag::Absent(why) => ("absent", Some(why)),
            };
            let found = c.parameters.iter().find(|q| q.index == i);
            json!({
                "name": info.name,
                "unit": info.unit,
                "value": (tag != "absent").then(|| p.params.get(i)),
                "spread": p.spreads[i],
                "origin": tag,
                "how": how,
                "repeats_within": found.and_then(|q| q.repeats_within),
                "quality": found.map(|q| match q.quality {
                    Quality::Good => "good",
                    Quality::Fair => "fair",
                    Quality::Unreliable => "unreliable",
                    Quality::Single => "single",
                }),
            })
        })
        .collect();
    let machine = p.provenance.as_ref().map(|m| {
        json!({
            "date": m.date, "rounds": m.rounds, "slowness": m.slowness,
            "compiler": m.build.compiler, "pgo": m.build.pgo, "lto": m.build.lto, "debug": m.build.debug,
            "system": m.machine.system, "cpu": m.machine.cpu, "cores": m.machine.cores, "loop_ns": m.machine.loop_ns,
        })
    });
    let imports: Vec<_> = (c.imports.iter())
        .map(|i| {
            json!({
                "module": i.module, "wall_s": i.wall_s, "cpu_s": i.cpu_s, "memory_bytes": i.memory, "objects": i.objects,
                "gil": i.gil.as_ref().ok().map(habit_json), "gil_not_measured": i.gil.as_ref().err(),
            })
        })
        .collect();
    let value = json!({
        "schema": 1,
        "name": p.name,
        "version": p.version,
        "gil": p.gil,
        "measured": machine,
        "parameters": parameters,
        "imports": imports,
        "failed": c.failed,
        "doubts": c.doubts,
    });
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}
