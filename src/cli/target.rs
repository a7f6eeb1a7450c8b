//! The choice of a single run of a scenario to look into: which strategy on which interpreter, and which replication.

use clap::Args;

use super::candidates;
use super::exit::UserError;
use super::files::Files;
use super::printer::Printer;
use super::selection::{ScenarioSource, Selection, find_profile};
use super::values::{integer, limited, seed};
use super::words::quoted;
use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::profiles::of_scenario;
use crate::scenario::limits::MAX_CORES;
use crate::scenario::units::format_duration;
use crate::scenario::{MachineSpec, Scenario, Strategy, strategy_label};
use crate::strategy::SimInput;
use crate::study::{Options, cases};

/// Which run is looked into.
#[derive(Clone, Debug, Args)]
pub struct TargetArgs {
    /// Name of a shipped scenario, a file, or - for standard input
    #[arg(add = candidates::scenario())]
    pub scenario: String,
    /// What to compare: of several the first is looked at.
    #[command(flatten)]
    pub selection: Selection,
    /// Simulate this many cores
    #[arg(long, value_name = "N", value_parser = limited("MAX_CORES", MAX_CORES, "8"), help_heading = "What to compare")]
    pub cores: Option<u32>,
    /// Master seed [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = seed, help_heading = "How much to simulate")]
    pub seed: Option<u64>,
    /// Which replication to look at: `pchsim run` simulates number 0, 1, 2, ...
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = integer::<u32>(0..=u32::MAX.into(), "0"),
        help_heading = "How much to simulate"
    )]
    pub replication: u32,
    /// Stop the simulation after this many events
    #[arg(long, value_name = "N", value_parser = integer::<u64>(1..=u64::MAX, "10000000"), help_heading = "How much to simulate")]
    pub max_events: Option<u64>,
}

/// A run of a scenario.
pub(super) struct Target {
    pub(super) scenario: Scenario,
    /// The interpreter's name, as the scenario or the command line writes it.
    pub(super) interpreter: String,
    /// The strategy in its short form.
    pub(super) label: String,
    pub(super) replication: u32,
    profile: Profile,
    strategy: Strategy,
    machine: MachineSpec,
    max_events: u64,
}

impl TargetArgs {
    /// The run that is meant; which one is said where the scenario has several.
    pub(super) fn resolve(&self, files: &mut Files, printer: &Printer) -> anyhow::Result<Target> {
        let mut changes = self.selection.changes(self.seed);
        changes.cores = self.cores;
        if let Some(cores) = self.cores {
            self.selection.refuse_cores(&format!("--cores {cores}"))?;
        }
        let (scenario, note) = ScenarioSource::read(&self.scenario)?.scenario(&changes, files)?;
        let profiles = of_scenario(&scenario, find_profile)?;
        let all = cases(&scenario, &profiles).map_err(|e| UserError::new(e.to_string()))?;
        let first = all
            .first()
            .ok_or_else(|| UserError::new("the scenario has no strategy to look at"))?;
        note.iter().for_each(|note| printer.hint(note));
        let profile = profiles[first.profile].clone();
        let interpreter = scenario.interpreters[first.profile].clone();
        let label = strategy_label(&first.strategy);
        if all.len() > 1 {
            printer.hint(&format!(
                "note: this is {label} on {interpreter}, the first of {}; choose with --strategy and --interpreter",
                all.len()
            ));
        }
        Ok(Target {
            machine: profile.machine(&scenario.machine),
            strategy: first.strategy.clone(),
            replication: self.replication,
            max_events: self.max_events.unwrap_or(Options::default().max_events),
            scenario,
            profile,
            interpreter,
            label,
        })
    }
}

impl TargetArgs {
    /// The command that shows the same run at an instant.
    pub(super) fn ps(&self, at: Nanos) -> String {
        let mut words = vec!["pchsim ps".to_owned(), quoted(&self.scenario)];
        let mut add = |name: &str, value: String| words.extend([name.to_owned(), quoted(&value)]);
        self.selection.words(&mut add);
        let cores = self.cores.map(|n| n.to_string());
        let seed = self.seed.map(|n| n.to_string());
        let replication = (self.replication > 0).then(|| self.replication.to_string());
        let events = self.max_events.map(|n| n.to_string());
        for (name, value) in [
            ("--cores", cores),
            ("--seed", seed),
            ("--replication", replication),
            ("--max-events", events),
            ("--at", Some(format_duration(at))),
        ] {
            value.into_iter().for_each(|v| add(name, v));
        }
        words.join(" ")
    }
}

impl Target {
    /// The run, as the simulator takes it.
    pub(super) fn input(&self) -> SimInput<'_> {
        SimInput {
            machine: &self.machine,
            profile: &self.profile,
            workload: &self.scenario.workload,
            strategy: &self.strategy,
            compiled: None,
            seed: self.scenario.seed,
            replication: self.replication,
            warmup: Nanos::ZERO,
            horizon: self.scenario.horizon,
            keep_latencies: false,
            windows: None,
            max_events: self.max_events,
        }
    }
}
