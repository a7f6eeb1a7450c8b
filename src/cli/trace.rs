//! `pchsim run --trace`: records one replication for the Perfetto viewer.

use std::path::{Path, PathBuf};

use clap::Args;
use flate2::{Compression, write::GzEncoder};

use super::candidates;
use super::exit::UserError;
use super::files::OutputFile;
use super::printer::Printer;
use super::selection::rendered;
use super::values::{integer, window};
use super::words::quoted;
use crate::cpython::profile::Profile;
use crate::cpython::recording::{RecordOptions, Recording};
use crate::engine::Nanos;
use crate::result::{Forecast, Status, Study};
use crate::scenario::{Scenario, Strategy, StrategyCase, strategy_label, units};
use crate::strategy::{Finding, SimInput, record, supported};
use crate::study::{Case, compared};
use crate::syntax::parse_strategy;
use crate::traces::timeline::ended;
use crate::traces::{TraceCase, TraceMeta, trace};

/// Most spans that a trace keeps: about 150 MB of JSON, 10 MB gzipped.
const MOST_SPANS: usize = 500_000;

/// What is traced.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Write one simulation as a Chrome trace for ui.perfetto.dev to this file (gzipped if it ends in .gz)
    #[arg(long, value_name = "FILE", help_heading = "Trace")]
    pub trace: Option<PathBuf>,
    /// Keep only what happens in this window of simulated time [default: all, until the trace is as large as it may be]
    #[arg(long, value_name = "FROM..TO", value_parser = window, requires = "trace", help_heading = "Trace")]
    pub trace_window: Option<Window>,
    /// Trace this strategy of those compared (repeatable) [default: the best]
    #[arg(
        long,
        value_name = "STRATEGY",
        add = candidates::strategy(),
        requires = "trace",
        help_heading = "Trace"
    )]
    pub trace_strategy: Vec<String>,
    /// Trace this replication: 0, 1, 2, ...
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = integer::<u32>(0..=u32::MAX.into(), "0"),
        requires = "trace",
        help_heading = "Trace"
    )]
    pub trace_replication: u32,
}

/// From when to when.
type Window = (Nanos, Nanos);

/// To four digits, rounded down.
fn readable(t: Nanos) -> Nanos {
    let digits = t.0.checked_ilog10().unwrap_or(0);
    let unit = 10_u64.pow(digits.saturating_sub(3));
    Nanos(t.0 / unit * unit)
}

/// An instant soon after this one that is easily written: three digits.
pub(super) fn just_after(t: Nanos) -> Nanos {
    let digits = t.0.checked_ilog10().unwrap_or(0);
    let unit = 10_u64.pow(digits.saturating_sub(2));
    Nanos((t.0 / unit + 1).saturating_mul(unit))
}

/// What has been compared, and how.
pub(super) struct Traced<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) profiles: &'a [Profile],
    pub(super) study: &'a Study,
    pub(super) max_events: u64,
    /// The command that repeats the comparison.
    pub(super) command: String,
}

/// A recorded case.
struct RecordedCase {
    name: String,
    gil: bool,
    recording: Recording,
    findings: Vec<Finding>,
}

/// A strategy as `--trace-strategy` takes it.
fn parsed(text: &str) -> anyhow::Result<StrategyCase> {
    parse_strategy(text).map_err(|d| rendered(&[d]))
}

/// Whether a strategy that runs on an interpreter of these names is the wanted one.
fn same(wanted: &StrategyCase, strategy: &Strategy, on: &[&str]) -> bool {
    let named = |n: &String| on.contains(&n.as_str());
    strategy_label(strategy) == strategy_label(&wanted.strategy)
        && wanted.interpreter.as_ref().is_none_or(named)
}

impl TraceArgs {
    /// Looks before the work whether the strategies to trace are among those that will be compared.
    pub(super) fn check(&self, scenario: &Scenario, profiles: &[Profile]) -> anyhow::Result<()> {
        if self.trace_strategy.is_empty() {
            return Ok(());
        }
        let all = compared(scenario, profiles).map_err(|e| UserError::new(e.to_string()))?;
        let several = profiles.len() > 1;
        let name = |c: &Case| {
            let label = strategy_label(&c.strategy);
            let on = &scenario.interpreters[c.profile];
            if several {
                format!("{label}@{on}")
            } else {
                label
            }
        };
        for text in &self.trace_strategy {
            let wanted = parsed(text)?;
            let found = all.iter().find(|c| {
                let on = [&scenario.interpreters[c.profile], &profiles[c.profile].name];
                same(&wanted, &c.strategy, &on.map(String::as_str))
            });
            let Some(found) = found else {
                let names: Vec<String> = all.iter().map(name).collect();
                return Err(UserError::new(format!(
                    "--trace-strategy {text}: not among what is compared, which is {}",
                    names.join(", ")
                ))
                .into());
            };
            let profile = &profiles[found.profile];
            supported(
                &profile.machine(&scenario.machine),
                profile,
                &scenario.workload,
                &found.strategy,
            )
            .map_err(|e| UserError::new(format!("--trace-strategy {text}: {e}")))?;
        }
        Ok(())
    }

    /// Records the chosen cases and writes the trace.
    pub(super) fn write(
        &self,
        file: &OutputFile,
        run: &Traced<'_>,
        printer: &Printer,
    ) -> anyhow::Result<()> {
        let path = file.path();
        let chosen = self.chosen(run, printer)?;
        let each = MOST_SPANS / chosen.len().max(1);
        let recorded = chosen
            .into_iter()
            .map(|f| self.record(f, each, run, printer))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let cases: Vec<TraceCase<'_>> = recorded
            .iter()
            .map(|r| TraceCase {
                name: &r.name,
                gil: r.gil,
                recording: &r.recording,
                findings: &r.findings,
            })
            .collect();
        let meta = TraceMeta {
            scenario: run.study.scenario.name.clone(),
            cases: recorded.iter().map(|r| r.name.clone()).collect(),
            seed: run.study.seed,
            replication: self.trace_replication,
            version: env!("CARGO_PKG_VERSION").into(),
            command: self.command(path, run),
        };
        let gzip = path.extension().is_some_and(|e| e == "gz");
        let mut events = 0;
        file.write_with(printer, |out| {
            if gzip {
                let mut zip = GzEncoder::new(out, Compression::default());
                events = trace(&cases, &meta, &mut zip)?;
                zip.finish()?;
            } else {
                events = trace(&cases, &meta, out)?;
            }
            Ok(())
        })?;
        printer.hint(&format!(
            "note: {events} events in the trace; open it at https://ui.perfetto.dev (docs/trace.md says what is what)"
        ));
        Ok(())
    }

    /// The forecasts of the cases to trace.
    fn chosen<'a>(&self, run: &Traced<'a>, printer: &Printer) -> anyhow::Result<Vec<&'a Forecast>> {
        let study = run.study;
        let can_run = |f: &&Forecast| !matches!(f.status, Status::Unsupported);
        if self.trace_strategy.is_empty() {
            let best = study.forecasts.iter().find(can_run).ok_or_else(|| {
                UserError::new("nothing to trace: no strategy can be simulated here")
            })?;
            if study.forecasts.len() > 1 {
                printer.hint(&format!(
                    "note: the trace is of the best, {}; choose with --trace-strategy",
                    best.name()
                ));
            }
            return Ok(vec![best]);
        }
        let mut chosen: Vec<&Forecast> = Vec::new();
        for text in &self.trace_strategy {
            let wanted = parsed(text)?;
            let found = run.study.forecasts.iter().filter(can_run).find(|f| {
                let place = run.profiles.iter().position(|p| p.name == f.interpreter);
                let written = place.and_then(|i| run.scenario.interpreters.get(i));
                let on = [f.interpreter.as_str(), written.map_or("", String::as_str)];
                f.is(|s| same(&wanted, s, &on))
            });
            // What is compared was looked at before the work.
            let found = found.ok_or_else(|| {
                UserError::new(format!("--trace-strategy {text}: nothing came of it"))
            })?;
            if !chosen.iter().any(|f| std::ptr::eq(*f, found)) {
                chosen.push(found);
            }
        }
        Ok(chosen)
    }

    fn record(
        &self,
        f: &Forecast,
        most_spans: usize,
        run: &Traced<'_>,
        printer: &Printer,
    ) -> anyhow::Result<RecordedCase> {
        let profile = run
            .profiles
            .iter()
            .find(|p| p.name == f.interpreter)
            .ok_or_else(|| UserError::new(format!("no interpreter {}", f.interpreter)))?;
        let strategy = f
            .known_strategy()
            .ok_or_else(|| UserError::new(format!("no strategy {}", f.strategy)))?;
        let input = SimInput {
            machine: &profile.machine(&run.scenario.machine),
            profile,
            workload: &run.scenario.workload,
            strategy: &strategy,
            compiled: None,
            seed: run.study.seed,
            replication: self.trace_replication,
            warmup: run.study.warmup,
            horizon: run.scenario.horizon,
            keep_latencies: false,
            windows: None,
            max_events: run.max_events,
        };
        let options = RecordOptions {
            window: self.trace_window.unwrap_or((Nanos::ZERO, Nanos::MAX)),
            most_spans,
        };
        let (outcome, recording) =
            record(&input, options).map_err(|e| UserError::new(e.to_string()))?;
        if let Some(how) = ended(&outcome.findings)
            && options.window.0 < recording.end
        {
            printer.hint(&format!(
                "note: {}: {how}; the trace marks it at its end, and `pchsim ps` and `pchsim pstree` show more (--at {})",
                f.name(),
                units::format_duration(just_after(recording.end))
            ));
        }
        let (from, end) = (options.window.0, recording.end);
        if from >= end && self.trace_window.is_none() {
            let how = ended(&outcome.findings).map_or(String::new(), |how| format!(" ({how})"));
            return Err(UserError::new(format!(
                "{} is over at once{how}: there is nothing to trace",
                f.name()
            ))
            .into());
        }
        if from >= end {
            return Err(UserError::new(format!(
                "--trace-window begins at {}, but {} is over at {}",
                units::format_duration(from),
                f.name(),
                units::format_duration(readable(end))
            ))
            .into());
        }
        if let Some(stopped) = recording.stopped {
            // Events are not spread evenly: three quarters of what fitted here should fit there.
            let fits = stopped.since(from);
            let next = readable(stopped + Nanos(fits.0 / 4 * 3)).min(end);
            printer.warn(&format!(
                "warning: the trace of {} stops at {} of {}: it holds {most_spans} spans at most, about {} of this run; for another part: --trace-window {}..{}",
                f.name(),
                units::format_duration(readable(stopped)),
                units::format_duration(readable(end)),
                units::format_duration(readable(fits)),
                units::format_duration(readable(stopped)),
                units::format_duration(next),
            ));
        }
        Ok(RecordedCase {
            name: f.name(),
            gil: profile.gil,
            recording,
            findings: outcome.findings,
        })
    }

    /// The command that writes the same trace again.
    fn command(&self, path: &Path, run: &Traced<'_>) -> String {
        let mut words = vec![
            run.command.clone(),
            "--trace".into(),
            quoted(&path.to_string_lossy()),
        ];
        if let Some((from, to)) = self.trace_window {
            let window = [from, to].map(units::format_duration).join("..");
            words.extend(["--trace-window".into(), quoted(&window)]);
        }
        for s in &self.trace_strategy {
            words.extend(["--trace-strategy".into(), quoted(s)]);
        }
        if self.trace_replication > 0 {
            let n = self.trace_replication.to_string();
            words.extend(["--trace-replication".into(), n]);
        }
        words.join(" ")
    }
}
