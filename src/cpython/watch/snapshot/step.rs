//! Describes which step a task is in, in the scenario's words.

use super::{SnapshotIndex, StepState};
use crate::cpython::index::{LockNumber, ObjectIndex, QueueIndex};
use crate::cpython::program::{Demand, Instr};
use crate::cpython::work::Task;
use crate::engine::{Nanos, whole};
use crate::scenario::units::{format_duration, format_size};
use crate::scenario::{Bytes, DeviceSpec};

/// The size that takes so long at a rate of so many bytes a second, to six digits: a time is a whole number of nanoseconds.
fn transferred(time: Nanos, rate: Bytes) -> Bytes {
    let bytes = whole(time.as_secs_f64() * rate as f64);
    let unit = 10_u64.pow(bytes.max(1).ilog10().saturating_sub(5));
    bytes.saturating_add(unit / 2) / unit * unit
}

impl SnapshotIndex<'_, '_> {
    /// The step of a task: the one before its next instruction if that has `begun` (with what is `left` of it), else the next instruction
    /// that takes time. A step to which the task comes again with each child's end is both.
    pub(crate) fn step(&self, task: &Task, begun: bool, left: Option<Nanos>) -> Option<StepState> {
        let code = &self.work.kernel.program.classes[task.class].code;
        let next = task.pc as usize;
        let at = if begun && task.need.is_none() {
            next.checked_sub(1)?
        } else {
            next + code.get(next..)?.iter().position(|i| i.takes_time())?
        };
        let steps = |part: &[Instr]| {
            u32::try_from(part.iter().filter(|i| i.is_step()).count()).unwrap_or(u32::MAX)
        };
        let instr = code.get(at)?;
        // A server's own handling of a request is shown as well, though it is no step of the scenario's.
        if !instr.is_step() && instr.work().is_none() {
            return None;
        }
        Some(StepState {
            number: steps(code.get(..=at)?),
            of: steps(code),
            text: self.words(instr),
            begun,
            left,
        })
    }

    fn words(&self, instr: &Instr) -> String {
        let program = self.work.kernel.program;
        let demand = |d: &Demand| match d {
            Demand::Constant(t) => format!("\"{}\"", format_duration(*t)),
            Demand::Drawn(dist) => program.dists[*dist].to_string(),
        };
        let lock = |l: LockNumber| &program.locks[l].name;
        let object = |o: ObjectIndex| &program.objects[o].name;
        let queue = |q: QueueIndex| &program.queues[q].name;
        let size = |n: u64| format!("\"{}\"", format_size(n));
        match instr {
            Instr::Cpu(d) => format!("Cpu({})", demand(d)),
            Instr::Releasing(d, _, r) => format!(
                "Cpu(time: {}, releases: {}, released: \"{}\")",
                demand(d),
                r.count,
                format_duration(r.released)
            ),
            Instr::Handle(_) => "handling of the request".into(),
            Instr::Native(d) => format!("Native({})", demand(d)),
            Instr::Team(d, threads) => {
                format!("Native(time: {}, threads: {threads})", demand(d))
            }
            Instr::Io(d) => format!("Io({})", demand(d)),
            Instr::Block(d) => format!("Block({})", demand(d)),
            Instr::Transfer(device, d) => {
                let DeviceSpec { name, kind, .. } = &program.devices[*device];
                let sizes = |rate: Bytes| match d {
                    Demand::Constant(t) => size(transferred(*t, rate)),
                    Demand::Drawn(dist) => {
                        let dist = &program.dists[*dist];
                        dist.written_as(&|t| format_size(transferred(t, rate)))
                    }
                };
                match kind.rate_alone() {
                    Some(rate) => format!("Transfer(\"{name}\", {})", sizes(rate)),
                    None => format!("Transfer(device: \"{name}\", time: {})", demand(d)),
                }
            }
            Instr::Acquire(l) | Instr::Release(l) => format!("Lock(\"{}\")", lock(*l)),
            Instr::Shared {
                object: o,
                count,
                write,
            } => {
                let write = if *write { ", write: true" } else { "" };
                format!("Shared(\"{}\", count: {count}{write})", object(*o))
            }
            Instr::EnterUse(r) | Instr::LeaveUse(r) => {
                format!("Use(\"{}\")", program.resources[*r].name)
            }
            Instr::Put(q) => format!("Put(\"{}\")", queue(*q)),
            Instr::Get(q) => format!("Get(\"{}\")", queue(*q)),
            Instr::FanOut {
                count, need: None, ..
            } => format!("FanOut({count})"),
            Instr::FanOut {
                count,
                need: Some(need),
                ..
            } => format!("FanOut(count: {count}, need: {need})"),
            Instr::PayloadIn(n) => format!("PayloadIn({})", size(*n)),
            Instr::PayloadOut(n) => format!("PayloadOut({})", size(*n)),
            Instr::Allocate(n) => format!("Allocate({n})"),
            Instr::Leak(n) => format!("Leak({})", size(*n)),
            Instr::EnterHold(n, _) => format!("Hold({})", size(*n)),
            Instr::EnterHoldDrawn(dist, _) => {
                let sizes = program.dists[*dist].written_as(&|n| format_size(n.0));
                format!("Hold({sizes})")
            }
            Instr::EnterTimeout(t) => format!("Timeout({})", demand(t)),
            Instr::Fail(p) => format!("Fail({p})"),
            Instr::EnterRetry { attempts, .. } => format!("Retry(attempts: {attempts})"),
            Instr::EnterRepeat(n) => format!("Repeat({n})"),
            Instr::EnterCall(call, _) => match program.executor_name(program.calls[*call].to) {
                Some(name) => format!("Offload(to: \"{name}\")"),
                None => "Offload".into(),
            },
            Instr::EnterInline => "Inline".into(),
            Instr::LeaveHold
            | Instr::LeaveTimeout
            | Instr::LeaveRetry
            | Instr::LeaveRepeat
            | Instr::LeaveCall
            | Instr::LeaveInline
            | Instr::End => "end".into(),
        }
    }
}
