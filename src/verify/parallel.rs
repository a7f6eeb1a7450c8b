//! What a task does with children, or with threads, of its own.

use super::pieces::ExecutorKind;
use super::program::ProgramPlan;
use super::tree::ProgramStep;
use crate::scenario::Pool;

/// How children are started and waited for: all, and as many as are needed.
pub(super) fn fan_out(plan: &ProgramPlan<'_>) -> String {
    let (all, some) = if plan.kind == ExecutorKind::Loop {
        (
            include_str!("template/fan_out_loop.py"),
            include_str!("template/some_of_loop.py"),
        )
    } else {
        match plan.each.execution().pool {
            Pool::ThreadEach => (
                include_str!("template/fan_out_threads.py"),
                include_str!("template/some_of_threads.py"),
            ),
            Pool::Threads(_) => (
                include_str!("template/fan_out_pool.py"),
                include_str!("template/some_of_pool.py"),
            ),
            Pool::Nobody | Pool::Processes { .. } | Pool::Interpreters(_) => (
                include_str!("template/fan_out_inline.py"),
                include_str!("template/some_of_inline.py"),
            ),
        }
    };
    let mut out = String::new();
    if plan.any(|n| n.offspring().is_some_and(|c| c.need.is_none())) {
        out.push_str(all);
    }
    if plan.needs_some() {
        out.push_str(some);
    }
    out
}

/// Native code with threads of its own, if there is any.
pub(super) fn team(plan: &ProgramPlan<'_>) -> String {
    let has_team = |n: &ProgramStep| matches!(n, ProgramStep::Team(_, threads) if *threads > 1);
    if plan.any(has_team) {
        include_str!("template/team.py").into()
    } else {
        String::new()
    }
}
