//! The machine that programs run on, as far as the operating system reports it.

use crate::scenario::MachineSpec;

/// The number of cores that this program may use.
pub(crate) fn cores() -> u32 {
    let n = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The real machine with `cores` of its cores, as Python 3.`minor` sees it.
pub fn machine(cores: u32, minor: u32) -> MachineSpec {
    let mut m = MachineSpec::with_cores(cores);
    // Before Python 3.13 the libraries ask for all CPUs of the machine, whichever of them may be used.
    m.visible_cpus = if minor >= 13 {
        cores
    } else {
        online().max(cores)
    };
    // The programs read their thread's CPU clock every few microseconds, and each time the kernel checks the deadline, so no slice lasts
    // until a tick.
    m.hz = 0;
    m.memory_limit = available_memory();
    m
}

fn online() -> u32 {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let n = text.lines().filter(|l| l.starts_with("processor")).count();
    u32::try_from(n).unwrap_or(u32::MAX).max(1)
}

/// The machine's memory in bytes, or what this program's control group may use of it; `None` where the system does not report it.
pub(crate) fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let all = meminfo(&text, "MemTotal:")?;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").unwrap_or_default();
    Some(
        limit
            .trim()
            .parse()
            .map_or(all, |limit: u64| limit.min(all)),
    )
}

/// The memory that can be used without swapping, in bytes; `None` where the system does not report it.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    meminfo(&text, "MemAvailable:")
}

/// A figure of `/proc/meminfo` in bytes.
fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|l| l.starts_with(name))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kib.checked_mul(1024)
}
