//! A world without overheads: what is left of a run is its steps.

use pchsim::cpython::profile::{CostCurve, PARAMS, ParamKind, Profile};
use pchsim::engine::Nanos;
use pchsim::scenario::MachineSpec;

/// An interpreter that costs nothing: only the constants of CPython's source are left.
pub(crate) fn profile(gil: bool) -> Profile {
    let mut profile = Profile {
        gil,
        dumps: CostCurve(Vec::new()),
        loads: CostCurve(Vec::new()),
        receives: CostCurve(Vec::new()),
        ..Profile::default()
    };
    for (index, info) in PARAMS.iter().enumerate() {
        if info.kind == ParamKind::Overhead {
            *profile.params.get_mut(index) = 0.0;
        }
    }
    profile
}

/// An operating system that costs nothing, and looks at time slices as they end.
pub(crate) fn machine(cores: u32) -> MachineSpec {
    MachineSpec {
        context_switch: Nanos::ZERO,
        timer_slack: Nanos::ZERO,
        wake_latency: Vec::new(),
        wake_send: Vec::new(),
        wake_cpu: Vec::new(),
        halted_after: None,
        interference: 0.0,
        syscall: Nanos::ZERO,
        pipe_ns_per_byte: 0.0,
        hz: 0,
        ..MachineSpec::with_cores(cores)
    }
}
