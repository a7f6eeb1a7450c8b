//! A timeline together with what a reader has to know beside it.

use super::chart::{ChartLayout, chart};
use crate::charts::figure::{Body, Figure, Gantt};
use crate::cpython::recording::Recording;
use crate::engine::Nanos;
use crate::layout::{command, entries, words};
use crate::quantity::{bytes, seconds};
use crate::strategy::Finding;

/// The run from which a chart was made.
#[derive(Clone, Copy, Debug)]
pub struct TimelineHeader<'a> {
    /// Name of the scenario.
    pub scenario: &'a str,
    /// The strategy in its short form.
    pub strategy: &'a str,
    /// Name of the interpreter.
    pub interpreter: &'a str,
    /// Number of the replication.
    pub replication: u32,
    /// Master seed.
    pub seed: u64,
    /// Whether the window was chosen by the program: the busiest part, as much of it as can be taken in.
    pub chosen: bool,
    /// What ended the run early ([`ended`]), and the command that shows the state in which it ended.
    pub ended: Option<(&'a str, &'a str)>,
}

/// Most tasks of a deadlock that are named.
const NAMED: usize = 3;

/// What ended a run early, if anything did, as a sentence without its end.
pub fn ended(findings: &[Finding]) -> Option<String> {
    findings.iter().find_map(|f| match f {
        Finding::Deadlock { at, waiting, .. } => {
            let who: Vec<&str> = waiting.iter().take(NAMED).map(String::as_str).collect();
            Some(format!(
                "the run stands still from {} on, in a deadlock: {}",
                seconds(*at),
                who.join("; ")
            ))
        }
        Finding::OutOfMemory { at, bytes: used } => Some(format!(
            "the run ends at {}, out of memory: {} are in use",
            seconds(*at),
            bytes(approximately(*used))
        )),
        Finding::EventLimit { at } => Some(format!(
            "the run was stopped at {}, at its limit of events (--max-events)",
            seconds(*at)
        )),
        Finding::ClockEnd { at } => Some(format!(
            "the run ends at {}, the last instant that the clock can tell",
            seconds(*at)
        )),
        Finding::ProgramCrashed { at } => Some(format!(
            "the program crashes at {}, and nobody starts it again",
            seconds(*at)
        )),
        Finding::BlockedLoop { .. }
        | Finding::Convoy { .. }
        | Finding::ContendedObject { .. }
        | Finding::ScarceResource { .. }
        | Finding::BusyDevice { .. }
        | Finding::FutileWakeups { .. }
        | Finding::Rejections { .. }
        | Finding::FullBacklog { .. }
        | Finding::KilledWorkers { .. }
        | Finding::CrashedWorkers { .. }
        | Finding::BrokenPool { .. }
        | Finding::LostTasks { .. }
        | Finding::LostMachines { .. }
        | Finding::Restarts { .. }
        | Finding::MissedFault { .. }
        | Finding::MemoryKills { .. }
        | Finding::Unsupported { .. } => None,
    })
}

fn approximately(bytes: u64) -> f64 {
    bytes as f64
}

impl TimelineHeader<'_> {
    fn facts(&self) -> [String; 3] {
        [
            self.scenario.to_owned(),
            format!("{} on {}", self.strategy, self.interpreter),
            format!("replication {}, seed {}", self.replication, self.seed),
        ]
    }

    /// The window in words, and why it is this one.
    fn window(&self, recording: &Recording, gantt: &Gantt, hidden: usize) -> String {
        let at = |s: f64| seconds(Nanos::from_secs_f64(s));
        let (from, to) = gantt.window;
        let mut text = format!(
            "{} to {} of a run of {}",
            at(from),
            at(to),
            seconds(recording.end)
        );
        let all = from <= 0.0 && to >= recording.end.as_secs_f64();
        match (self.chosen, recording.stopped) {
            (true, None) if all => {}
            (true, stopped) => {
                text += ": where most runs and waits for others";
                if let Some(stopped) = stopped {
                    text += &format!(" in its first {}", seconds(stopped));
                }
                text += "; --window 10ms..60ms shows another part";
            }
            (false, Some(_)) => {
                text += ": as much of the window as can be recorded; ask for a shorter one";
            }
            (false, None) => {}
        }
        text += &faults(recording);
        if hidden > 0 {
            let rows = if hidden == 1 { "row" } else { "rows" };
            text += &format!("; {hidden} {rows} in which less happens left out (--rows)");
        }
        text
    }
}

/// What goes wrong in the window, the first of it.
fn faults(recording: &Recording) -> String {
    const MOST: usize = 4;
    let all = &recording.faults;
    let mut text = String::new();
    for f in all.iter().take(MOST) {
        let from = seconds(f.from);
        text += &match f.until {
            None => format!("; fault: {} from {from} on", f.what),
            Some(until) if until > f.from => {
                format!("; fault: {} from {from} to {}", f.what, seconds(until))
            }
            Some(_) => format!("; fault: {} at {from}", f.what),
        };
    }
    if all.len() > MOST {
        text += &format!("; and {} more faults", all.len() - MOST);
    }
    text
}

/// The chart as text for a terminal.
pub fn page(
    head: &TimelineHeader<'_>,
    recording: &Recording,
    gantt: &Gantt,
    hidden: usize,
    layout: ChartLayout,
) -> String {
    let style = layout.style();
    let mut lines = entries(&head.facts(), " · ", "", "  ", style);
    lines.extend(words(
        &style.fit(head.window(recording, gantt, hidden)),
        "",
        "  ",
        style,
    ));
    if let Some((how, state)) = head.ended {
        lines.extend(words(&style.fit(how.to_owned()), "", "  ", style));
        lines.extend(command("who waits for what: ", state, style));
    }
    lines.push(String::new());
    lines.extend(chart(gantt, layout));
    let mut out = lines.join("\n");
    out.push('\n');
    out
}

/// The chart as a figure.
pub fn drawn(
    head: &TimelineHeader<'_>,
    recording: &Recording,
    gantt: Gantt,
    hidden: usize,
) -> Figure {
    Figure {
        name: "timeline".into(),
        title: format!(
            "{}: {} on {}",
            head.scenario, head.strategy, head.interpreter
        ),
        subtitle: format!(
            "{} · replication {}, seed {}{}",
            head.window(recording, &gantt, hidden),
            head.replication,
            head.seed,
            head.ended
                .map_or(String::new(), |(how, _)| format!(" · {how}"))
        ),
        body: Body::Gantt(gantt),
    }
}
