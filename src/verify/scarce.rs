//! The parts of a generated program for resources: who uses them, and who shares them.

use super::calls;
use super::error::ProgramError;
use super::pieces::ExecutorKind;
use super::program::ProgramPlan;
use super::steps::{Flavour, quoted, shortest};
use super::tree::{DurationUnit, ProgramStep};
use crate::engine::Nanos;
use crate::scenario::{ResourceKind, ResourceSpec, Scope, WhenFull};

/// Most permits of a POSIX semaphore.
const SEM_VALUE_MAX: u64 = 0x7fff_ffff;
/// Most grants of a sliding window that processes keep in the memory that they share: 8 bytes each.
const MOST_GRANTS: u64 = 10_000_000;

/// Has a process use the resources that it has been given.
pub(super) const TAKE: &str = "    take(resources)\n";

/// The resources that this process shares with others already.
pub(super) const MADE_BEFORE: &str =
    "    resources = {name: RESOURCES[name].of_all for name in (NAMES,)}\n";

/// The line that makes what all processes share of these resources.
pub(super) fn made(names: &[String], context: &str) -> String {
    format!(
        "    resources = {{name: for_all({context}, name) for name in ({},)}}\n",
        names.join(", ")
    )
}

fn uses(node: &ProgramStep) -> bool {
    matches!(node, ProgramStep::Use(..))
}

/// Whether several processes or interpreters share this resource.
fn is_of_all(plan: &ProgramPlan<'_>, index: usize, resource: &ResourceSpec) -> bool {
    let this = |n: &ProgramStep| matches!(n, ProgramStep::Use(used, _) if *used == index);
    let elsewhere = |n: &ProgramStep| match n {
        ProgramStep::Call(call) => call.pool.apart() && n.any(&this),
        _ => false,
    };
    let several = plan.copies.is_some()
        || match plan.kind {
            // What is offloaded step by step uses nothing: the loop does.
            ExecutorKind::Loop => plan.any(elsewhere),
            ExecutorKind::Sequential
            | ExecutorKind::PerTask
            | ExecutorKind::Pool
            | ExecutorKind::Chunks(_)
            | ExecutorKind::MpPool(_) => plan.each.execution().pool.apart(),
        };
    several && resource.scope == Scope::Everywhere && plan.any(this)
}

/// How much of a resource processes can share.
fn most(kind: &ResourceKind) -> u64 {
    match kind {
        ResourceKind::Semaphore { .. } | ResourceKind::Connections { .. } => SEM_VALUE_MAX,
        ResourceKind::RateLimit { window, .. } => match window {
            Some(_) => MOST_GRANTS,
            None => u64::MAX,
        },
        ResourceKind::Breaker { .. } => u64::MAX,
    }
}

/// Whether there is more of a resource than processes can share.
fn too_many(kind: &ResourceKind) -> bool {
    let count = match kind {
        ResourceKind::Semaphore { .. } | ResourceKind::Connections { .. } => kind.capacity(),
        ResourceKind::RateLimit { burst, .. } => *burst,
        ResourceKind::Breaker { .. } => return false,
    };
    count > most(kind)
}

/// The resources that several processes or interpreters share.
fn shared<'a>(plan: &'a ProgramPlan<'_>) -> impl Iterator<Item = &'a ResourceSpec> {
    let resources = plan.source.workload.resources.iter().enumerate();
    resources
        .filter(|(i, r)| is_of_all(plan, *i, r))
        .map(|(_, r)| r)
}

/// The resources that processes share, as names in Python.
pub(super) fn of_all(plan: &ProgramPlan<'_>) -> Vec<String> {
    shared(plan).map(|r| quoted(&r.name)).collect()
}

/// Why a program cannot share its resources, if it cannot.
pub(super) fn refused(plan: &ProgramPlan<'_>) -> Result<(), ProgramError> {
    let opens_there = |r: &&ResourceSpec| match r.kind {
        ResourceKind::Connections { to, .. } => to.is_some(),
        ResourceKind::Semaphore { .. }
        | ResourceKind::RateLimit { .. }
        | ResourceKind::Breaker { .. } => false,
    };
    let mut resources = plan.source.workload.resources.iter();
    if let Some(r) = resources.find(opens_there) {
        return Err(ProgramError::OpensAtDevice(r.name.clone()));
    }
    // Workers of a server have nothing that was made before all of them.
    let apart = plan.interpreters() || plan.server().is_some();
    match shared(plan).find(|r| apart || too_many(&r.kind)) {
        Some(r) if apart => Err(ProgramError::ResourceOfAll(r.name.clone())),
        Some(r) => Err(ProgramError::ResourceTooLarge(
            r.name.clone(),
            most(&r.kind),
        )),
        None => Ok(()),
    }
}

/// Whether coroutines share resources with threads, or with other processes.
pub(super) fn awaited_beside_others(plan: &ProgramPlan<'_>) -> bool {
    let looped = matches!(plan.flavour, Flavour::Loop | Flavour::Offload);
    looped && (calls::within(plan, uses) || shared(plan).next().is_some())
}

/// The code that uses resources.
pub(super) fn users(plan: &ProgramPlan<'_>) -> String {
    let threads = include_str!("template/resources.py");
    let coroutines = include_str!("template/loop_resources.py");
    let mut out = if awaited_beside_others(plan) {
        // Coroutines have these names.
        let threads = threads
            .replace("class Scarce(", "class Blocking(")
            .replace("def using(", "def call_using(");
        threads + coroutines + include_str!("template/loop_shared.py")
    } else {
        match plan.flavour {
            Flavour::Plain { .. } | Flavour::Call => threads.to_owned(),
            Flavour::Loop | Flavour::Offload => {
                coroutines.to_owned() + include_str!("template/loop_own.py")
            }
        }
    };
    if plan.source.workload.resources.iter().any(is_breaker) {
        out.push_str(include_str!("template/breaker.py"));
    }
    if shared(plan).next().is_some() {
        out.push_str(include_str!("template/everywhere.py"));
    }
    out
}

fn is_breaker(r: &ResourceSpec) -> bool {
    match r.kind {
        ResourceKind::Breaker { .. } => true,
        ResourceKind::Semaphore { .. }
        | ResourceKind::Connections { .. }
        | ResourceKind::RateLimit { .. } => false,
    }
}

/// A resource as an object of the program.
pub(super) fn object(r: &ResourceSpec) -> String {
    let seconds = |t: Nanos| shortest(DurationUnit::Seconds.of(t));
    let mut of = match &r.kind {
        ResourceKind::Semaphore { count } => vec![format!("count={count}")],
        ResourceKind::Connections {
            size,
            connect,
            lifetime,
            ..
        } => {
            let mut of = vec![
                format!("count={}", r.kind.capacity()),
                format!("kept={size}"),
            ];
            if *connect > Nanos::ZERO {
                of.push(format!("connect={}", seconds(*connect)));
            }
            of.extend(lifetime.map(|l| format!("lifetime={}", seconds(l))));
            of
        }
        ResourceKind::RateLimit {
            interval,
            burst,
            window,
        } => {
            let mut of = vec![
                format!("interval={}", seconds(*interval)),
                format!("burst={burst}"),
            ];
            of.extend(window.map(|w| format!("window={}", seconds(w))));
            of
        }
        ResourceKind::Breaker {
            failures,
            reset,
            half_open,
        } => {
            let reset = seconds(*reset);
            return format!("Breaker(failures={failures}, reset={reset}, half_open={half_open})");
        }
    };
    match r.full {
        WhenFull::Wait => {}
        WhenFull::Reject => of.push("reject=True".into()),
        WhenFull::GiveUp(wait) => of.push(format!("wait={}", seconds(wait))),
    }
    format!("Scarce({})", of.join(", "))
}
