//! One run of a scenario to look into: which strategy on which interpreter, which replication.

use clap::{Args, builder::RangedU64ValueParser};

use super::exit::UserError;
use super::printer::Printer;
use crate::calibrate::profiles;
use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::scenario::{
    MachineSpec, Scenario, Strategy, load, parse_strategy, render, strategy_label, units,
};
use crate::strategy::SimInput;
use crate::study::{Options, cases};

/// Which run is looked into.
#[derive(Clone, Debug, Args)]
pub struct TargetArgs {
    /// Name of a shipped scenario, a file, or - for standard input
    pub scenario: String,
    /// Look at this strategy (as `pchsim run` takes and names them) [default: the scenario's first]
    #[arg(long, value_name = "STRATEGY", help_heading = "What to look at")]
    pub strategy: Option<String>,
    /// Look at this interpreter [default: the scenario's first]
    #[arg(long, value_name = "NAME", help_heading = "What to look at")]
    pub interpreter: Option<String>,
    /// Simulate so many cores
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=4096), help_heading = "What to look at")]
    pub cores: Option<u32>,
    /// Override a field of the scenario (repeatable), for example machine.cores=8
    #[arg(long, value_name = "PATH=VALUE", value_parser = super::check::parse_set, help_heading = "What to look at")]
    pub set: Vec<(String, String)>,
    /// Master seed [default: the scenario's]
    #[arg(long, value_name = "N", help_heading = "What to look at")]
    pub seed: Option<u64>,
    /// Which replication: `pchsim run` simulates number 0, 1, 2, ...
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        help_heading = "What to look at"
    )]
    pub replication: u32,
    /// Stop the simulation after so many events
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u64>::new().range(1..), help_heading = "What to look at")]
    pub max_events: Option<u64>,
}

/// A run of a scenario.
pub(super) struct Target {
    pub(super) scenario: Scenario,
    pub(super) profile: Profile,
    /// The interpreter's name, as the scenario or the command line writes it.
    pub(super) interpreter: String,
    /// The strategy in its short form.
    pub(super) label: String,
    strategy: Strategy,
    machine: MachineSpec,
    replication: u32,
    max_events: u64,
}

impl TargetArgs {
    /// The run that is meant; which one is said where the scenario has several.
    pub(super) fn resolve(&self, printer: &Printer) -> anyhow::Result<Target> {
        let mut scenario = self.scenario()?;
        let profiles = scenario
            .interpreters
            .iter()
            .map(|n| profiles::find(n).map_err(|e| UserError::new(e.to_string()).into()))
            .collect::<anyhow::Result<Vec<Profile>>>()?;
        let all = cases(&scenario, &profiles).map_err(|e| UserError::new(e.to_string()))?;
        let first = all
            .first()
            .ok_or_else(|| UserError::new("the scenario has no strategy to look at"))?;
        let profile = profiles[first.profile].clone();
        let interpreter = scenario.interpreters[first.profile].clone();
        let label = strategy_label(&first.strategy);
        if all.len() > 1 {
            printer.hint(&format!(
                "note: this is {label} on {interpreter}, the first of {}; choose with --strategy and --interpreter",
                all.len()
            ));
        }
        if let Some(seed) = self.seed {
            scenario.seed = seed;
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

    fn scenario(&self) -> anyhow::Result<Scenario> {
        let styled = super::check::stderr_is_styled();
        let mut scenario =
            load(&self.scenario, &self.set).map_err(|d| UserError::Rendered(render(&d, styled)))?;
        if let Some(n) = self.cores {
            scenario.machine.cores = vec![1.0; n as usize];
            scenario.machine.visible_cpus = n;
        }
        if let Some(strategy) = &self.strategy {
            let case =
                parse_strategy(strategy).map_err(|d| UserError::Rendered(render(&[d], styled)))?;
            if let Some(name) = &case.interpreter
                && !scenario.interpreters.contains(name)
            {
                scenario.interpreters.push(name.clone());
            }
            scenario.strategies = vec![case];
        }
        if let Some(name) = &self.interpreter {
            scenario.interpreters = vec![name.clone()];
            scenario
                .strategies
                .retain(|c| c.interpreter.as_ref().is_none_or(|n| n == name));
        }
        Ok(scenario)
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
            seed: self.scenario.seed,
            replication: self.replication,
            warmup: Nanos::ZERO,
            horizon: self.scenario.horizon,
            keep_latencies: false,
            max_events: self.max_events,
        }
    }
}

/// A simulated instant, for clap.
pub(super) fn instant(text: &str) -> Result<Nanos, String> {
    units::duration(text).map_err(|_| "write a time with its unit, as 1.5s or 250ms".into())
}
