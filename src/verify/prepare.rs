//! Prepares a verification: from a scenario and an interpreter to the strategies that can be verified, each with its program.

use super::error::ProgramError;
use super::fit::fit;
use super::forecast::Forecaster;
use super::program::{GeneratedProgram, ProgramSpec, generate};
use super::serve;
use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::host::Interpreter;
use crate::scenario::{
    Arrivals, Lifecycle, MachineSpec, Pool, ProcessApi, Scenario, StartMethod, Strategy,
    StrategyCase, Workload, strategy_label,
};
use crate::strategy::{SimInput, compile};
use crate::study::default_cases;

/// What is to be verified, and on which interpreter.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The interpreter that runs the programs; `None` if they are only written.
    pub interpreter: Option<&'a Interpreter>,
    /// The profile of the interpreter.
    pub profile: &'a Profile,
    /// The machine, with as many cores as the programs may use.
    pub machine: &'a MachineSpec,
    /// The number of cores that the programs confine themselves to.
    pub cores: Option<u32>,
    /// The factor that the workload's times are multiplied by.
    pub scale: f64,
    /// The command that makes the programs again.
    pub command: &'a str,
}

/// A strategy and its program.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The strategy's short form.
    pub label: String,
    /// The strategy.
    pub strategy: Strategy,
    /// Its program.
    pub program: GeneratedProgram,
}

/// A strategy that is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The strategy's short form.
    pub label: String,
    /// The reason why it is not verified.
    pub why: String,
}

/// Everything that is known before anything runs.
#[derive(Clone, Debug)]
pub struct Plans {
    /// The workload that the programs execute.
    pub workload: Workload,
    /// Notes about the workload.
    pub notes: Vec<String>,
    /// The strategies that have a program.
    pub planned: Vec<Planned>,
    /// The strategies that have no program.
    pub left_out: Vec<LeftOut>,
}

/// Makes a program for each strategy of the scenario that this interpreter can run.
///
/// # Errors
/// Returns an error when the workload as a whole cannot be turned into a program.
pub fn prepare(
    request: &Request<'_>,
    simulate: &super::SimulateSameDemands<'_>,
) -> Result<Plans, ProgramError> {
    let scenario = request.scenario;
    let (mut workload, mut notes) = fit(scenario, request.scale)?;
    let strategies = strategies(scenario, request.profile);
    give_an_end(request, &mut workload, &strategies, &mut notes, simulate)?;
    let mut plans = Plans {
        workload,
        notes,
        planned: Vec::new(),
        left_out: Vec::new(),
    };
    for strategy in strategies {
        let label = strategy_label(&strategy);
        let made = serve::can_be_asked(&strategy, &plans.workload)
            .and_then(|()| can(request, &strategy))
            .and_then(|()| one(request, &plans, &strategy));
        match made {
            Ok(program) => plans.planned.push(Planned {
                label,
                strategy,
                program,
            }),
            Err(why) => plans.left_out.push(LeftOut {
                label,
                why: why.to_string(),
            }),
        }
    }
    Ok(plans)
}

fn one(
    request: &Request<'_>,
    plans: &Plans,
    strategy: &Strategy,
) -> Result<GeneratedProgram, ProgramError> {
    // What a kept connection adds to a request happens to the real one by itself.
    let workload = plans.workload.under(&serve::with_new_connections(strategy));
    let compiled = compile(request.machine, request.profile, &plans.workload, strategy);
    // Without an interpreter the program is meant for any interpreter that can run it.
    let across = compiled.map_or_else(
        |e| match request.interpreter {
            Some(_) => Err(e),
            None => Ok(vec![true; workload.locks.len()]),
        },
        |program| Ok(program.lock_across_wait.into()),
    )?;
    let mut program = generate(&ProgramSpec {
        name: &request.scenario.name,
        question: &request.scenario.question,
        workload: &workload,
        strategy,
        cpu_factor: request.profile.params.cpu_factor,
        cores: request.cores,
        seed: request.scenario.seed,
        across: &across,
        command: request.command,
        notes: &plans.notes,
    })?;
    let recorded = matches!(request.scenario.workload.arrivals, Arrivals::Trace(_));
    let kills = workload.faults.iter().any(|f| f.kind.kills());
    if program.served.is_some() && recorded && kills {
        return Err(ProgramError::CrashOfCopies);
    }
    if program.served.is_some() && recorded && strategy.execution().copies > Some(1) {
        program.notes.push(RECORDED.into());
    }
    Ok(program)
}

/// What differs where a server is asked as a trace says.
const RECORDED: &str =
    "the forecast deals recorded requests to the workers in turn, and not to whoever accepts first";

/// The scenario's own strategies, as far as they are meant for this kind of interpreter; all kinds of strategies where the scenario names
/// none.
fn strategies(scenario: &Scenario, profile: &Profile) -> Vec<Strategy> {
    let mut all: Vec<Strategy> = Vec::new();
    if scenario.strategies.is_empty() {
        all = default_cases(scenario, std::slice::from_ref(profile))
            .into_iter()
            .map(|c| c.strategy)
            .collect();
    }
    // `On(cpython-3.14t, ..)` means any free-threaded build, whichever is available.
    let meant = |case: &&StrategyCase| {
        case.interpreter.as_deref().is_none_or(|name| {
            let gil = crate::profiles::find(name).map_or(!name.ends_with('t'), |p| p.gil);
            gil == profile.gil
        })
    };
    for case in scenario.strategies.iter().filter(meant) {
        if !all.contains(&case.strategy) {
            all.push(case.strategy.clone());
        }
    }
    all
}

/// Whether the interpreter can do what a strategy needs.
fn can(request: &Request<'_>, strategy: &Strategy) -> Result<(), ProgramError> {
    let Some(python) = request.interpreter else {
        return Ok(());
    };
    let processes = |start: StartMethod| {
        if !python.process_pools {
            Err(ProgramError::ProcessPools)
        } else if !python.start_methods.contains(&start) {
            Err(ProgramError::Start(start))
        } else {
            Ok(())
        }
    };
    let interpreters = || {
        if python.interpreters {
            Ok(())
        } else {
            Err(ProgramError::InterpreterPool(python.version.clone()))
        }
    };
    let life = strategy.lifecycle().unwrap_or_default();
    if strategy.execution().copies.is_some() {
        processes(life.start)?;
    }
    if strategy.server().is_none() && life != Lifecycle::default() {
        return Err(ProgramError::Lifecycle(strategy_label(strategy)));
    }
    let executor = matches!(
        strategy.execution().pool,
        Pool::Processes {
            api: ProcessApi::Executor { .. },
            ..
        }
    );
    let replaces = strategy.pool_life().max_tasks_per_child.is_some();
    if executor && replaces && python.minor < 11 {
        return Err(ProgramError::MaxTasks(python.version.clone()));
    }
    strategy.every_pool().try_for_each(|pool| match pool {
        Pool::Nobody | Pool::ThreadEach | Pool::Threads(_) => Ok(()),
        Pool::Processes { start, .. } => processes(start),
        Pool::Interpreters(_) => interpreters(),
    })
}

/// Closed users who make requests without end are given as many requests as they make within the horizon.
fn give_an_end(
    request: &Request<'_>,
    w: &mut Workload,
    strategies: &[Strategy],
    notes: &mut Vec<String>,
    simulate: &super::SimulateSameDemands<'_>,
) -> Result<(), ProgramError> {
    let Arrivals::Closed {
        users,
        think,
        count: None,
    } = &w.arrivals
    else {
        return Ok(());
    };
    let (users, think) = (*users, think.clone());
    let horizon = request
        .scenario
        .horizon
        .map(|h| h.scale(request.scale))
        .ok_or(ProgramError::Endless)?;
    let mut most = 0;
    for strategy in strategies {
        let input = SimInput {
            machine: request.machine,
            profile: request.profile,
            workload: w,
            strategy,
            compiled: None,
            seed: request.scenario.seed,
            replication: 0,
            warmup: Nanos::ZERO,
            horizon: Some(horizon),
            keep_latencies: false,
            windows: None,
            max_events: 50_000_000,
        };
        if let Ok(outcome) = simulate(&input) {
            most = most.max(outcome.arrived);
        }
    }
    if most == 0 {
        return Err(ProgramError::NoRequest);
    }
    notes.push(format!(
        "the run ends after {most} requests, as many as come within the scenario's horizon"
    ));
    w.arrivals = Arrivals::Closed {
        users,
        think,
        count: Some(most),
    };
    Ok(())
}

impl Planned {
    /// The forecast of this program on a machine of the measured speed.
    pub(crate) fn forecaster(
        &self,
        request: &Request<'_>,
        plans: &Plans,
        conditions: super::forecast::Conditions,
    ) -> Forecaster {
        let (workload, profile) = serve::forecast::of(request, plans, self);
        Forecaster::new(
            &workload,
            &self.strategy,
            &self.program,
            (request.machine, &profile),
            conditions,
            request.scenario.seed,
        )
    }
}
