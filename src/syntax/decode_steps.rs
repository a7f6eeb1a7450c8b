//! Reads task classes and their steps.

use std::collections::HashMap;

use super::decode::{Cx, Fields, both, or, suggest};
use super::decode_cpu::{cpu, too_many_releases};
use super::decode_devices::{DeviceTable, ppm};
use super::decode_dist::{dist, dist_of};
use super::decode_pools;
use super::decode_retry;
use super::diagnostic::Code;
use super::tree::{Ident, SourceSpan, SyntaxNode};
use super::variants;
use super::variants::StepName;
use crate::engine::Nanos;
use crate::scenario::{
    Bytes, Carried, Locking, ResourceKind, ResourceSpec, Sizes, Step, WaitsFor, WorkingMemory,
    limits,
};

/// Names that steps refer to: locks, queues or objects.
pub(super) struct SymbolTable {
    what: &'static str,
    /// Whether the declarations could be read; if not, no name is reported as unknown.
    known: bool,
    declared: Vec<(String, SourceSpan, bool)>,
    index: HashMap<String, usize>,
}

impl SymbolTable {
    /// The names that are declared. `None` means that the declarations could not be read, which has been noted already.
    pub(super) fn new<'a>(
        what: &'static str,
        names: Option<impl IntoIterator<Item = &'a Ident>>,
    ) -> Self {
        let known = names.is_some();
        let declared: Vec<_> = names
            .into_iter()
            .flatten()
            .map(|k| (k.text.clone(), k.span, false))
            .collect();
        let index = declared
            .iter()
            .enumerate()
            .rev()
            .map(|(i, (n, ..))| (n.clone(), i))
            .collect();
        Self {
            what,
            known,
            declared,
            index,
        }
    }

    pub(super) fn resolve(&mut self, cx: &mut Cx, node: &SyntaxNode) -> Option<usize> {
        let name = cx.string(node, &format!("the {}'s name", self.what))?;
        if let Some(&i) = self.index.get(name) {
            self.declared[i].2 = true;
            return Some(i);
        }
        if !self.known {
            return None;
        }
        let what = self.what;
        let candidates = self.declared.iter().map(|(n, ..)| n.as_str());
        let declared = if self.declared.is_empty() {
            format!("no {what} is declared: declare it")
        } else {
            format!("{}; or declare it", suggest(name, "declared", candidates))
        };
        // Resources and devices are nothing without their kind.
        let form = match what {
            "resource" => format!("{{\"{name}\": Semaphore(10)}}"),
            "device" => format!("{{\"{name}\": (rate: \"200MB/s\")}}"),
            _ => format!("[\"{name}\"]"),
        };
        let help = format!("{declared} under workload: (.. {what}s: {form})");
        cx.error(
            Code::UnknownName,
            node.span,
            format!("there is no {what} \"{name}\""),
        )
        .help(help);
        None
    }

    /// Warns about names that no step uses.
    pub(super) fn warn_unused(&self, cx: &mut Cx) {
        for (name, span, used) in &self.declared {
            if !used {
                cx.warn(
                    Code::Unused,
                    *span,
                    format!("no step uses the {} \"{name}\"", self.what),
                );
            }
        }
    }
}

/// What steps that use a resource have to be held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeclaredResource {
    /// How much of it one task can have at once: of a rate limit any, whose tokens come again, and of a breaker.
    pub(super) at_once: u64,
    /// Whether it says when to come again to whom it refuses (HTTP 429 with `Retry-After`).
    pub(super) says_when: bool,
}

impl From<&ResourceSpec> for DeclaredResource {
    fn from(r: &ResourceSpec) -> Self {
        let at_once = match r.kind {
            ResourceKind::Semaphore { .. } | ResourceKind::Connections { .. } => r.kind.capacity(),
            ResourceKind::RateLimit { .. } | ResourceKind::Breaker { .. } => u64::MAX,
        };
        let says_when = r.says_when();
        Self { at_once, says_when }
    }
}

/// The state of reading steps: the names that they may refer to, and what has been found in them so far.
pub(super) struct StepReader {
    pub(super) locks: SymbolTable,
    pub(super) queues: SymbolTable,
    pub(super) objects: SymbolTable,
    pub(super) resources: SymbolTable,
    pub(super) devices: DeviceTable,
    /// What is known of each resource.
    declared: Vec<DeclaredResource>,
    /// Resources that the steps around use.
    used: Vec<usize>,
    /// The number of steps read so far, as written.
    count: usize,
    /// Where each queue is first read (the queue, the place in the text and the path), and which queues anything is ever put into.
    gets: Vec<(usize, SourceSpan, String)>,
    puts: Vec<usize>,
    /// The locks held by the steps around the current one.
    held: Vec<usize>,
    too_many: bool,
}

impl StepReader {
    pub(super) fn new(
        locks: SymbolTable,
        queues: SymbolTable,
        objects: SymbolTable,
        resources: SymbolTable,
        devices: DeviceTable,
        declared: Vec<DeclaredResource>,
    ) -> Self {
        Self {
            locks,
            queues,
            objects,
            resources,
            devices,
            declared,
            used: Vec::new(),
            count: 0,
            gets: Vec::new(),
            puts: Vec::new(),
            held: Vec::new(),
            too_many: false,
        }
    }

    /// Notes queues from which tasks take what nobody puts. To be called after all classes have been read.
    pub(super) fn check_queues(&self, cx: &mut Cx) {
        for (queue, span, path) in &self.gets {
            if !self.puts.contains(queue) {
                let name = self.queues.declared[*queue].0.clone();
                cx.at(path, |cx| {
                    cx.error(Code::NeverPut, *span, format!("nothing is ever put into the queue \"{name}\": this step would wait for ever"))
                        .help(format!("add Put(\"{name}\") to the steps of some task"));
                });
            }
        }
    }

    pub(super) fn steps(
        &mut self,
        cx: &mut Cx,
        node: &SyntaxNode,
        path: &str,
        depth: usize,
    ) -> Option<Vec<Step>> {
        let items = cx.list(node, "steps")?;
        if items.is_empty() {
            cx.error(Code::Empty, node.span, "there are no steps here")
                .help("write at least one, like Cpu(\"5ms\") or Io(\"100ms\")");
            return None;
        }
        if depth > limits::MAX_STEP_DEPTH {
            let message = format!(
                "steps are nested deeper than {}",
                limits::named("MAX_STEP_DEPTH", limits::MAX_STEP_DEPTH)
            );
            cx.error(Code::Limit, node.span, message)
                .help(limits::instead("MAX_STEP_DEPTH"));
            return None;
        }
        let mut out = Vec::with_capacity(items.len());
        // What is acquired in a list of steps has to be released in the same list.
        let mut acquired: Vec<(usize, usize)> = Vec::new();
        let held_around = self.held.len();
        for (i, item) in items.iter().enumerate() {
            self.count += 1;
            if self.count > limits::MAX_STEPS {
                if !self.too_many {
                    cx.error(
                        Code::Limit,
                        item.span,
                        format!(
                            "there are more steps than {}",
                            limits::named("MAX_STEPS", limits::MAX_STEPS)
                        ),
                    )
                    .help(limits::instead("MAX_STEPS"));
                }
                self.too_many = true;
                break;
            }
            let step_path = format!("{path}[{i}]");
            let step = cx.at_index(i, |cx| {
                let step = self.step(cx, item, &step_path, depth)?;
                too_many_releases(cx, &step, item);
                match step.locking() {
                    None => {}
                    Some(Locking::Takes(lock)) => {
                        self.warn_if_held(cx, lock, item);
                        acquired.push((lock, i));
                        self.held.push(lock);
                    }
                    Some(Locking::Gives(lock)) => {
                        if let Some(at) = acquired.iter().rposition(|(l, _)| *l == lock) {
                        acquired.remove(at);
                        if let Some(at) = self.held.iter().rposition(|l| *l == lock) {
                            self.held.remove(at);
                        }
                    } else {
                        let name = &self.locks.declared[lock].0;
                        cx.error(Code::Unbalanced, item.span, format!("the lock \"{name}\" is released, but this list of steps has not acquired it"))
                            .help(format!("Acquire(\"{name}\") must stand earlier in the same list; Lock(\"{name}\", [..]) does both"));
                    }
                    }
                }
                Some(step)
            });
            out.extend(step);
        }
        self.held.truncate(held_around);
        for (lock, i) in acquired {
            let name = &self.locks.declared[lock].0;
            cx.at_index(i, |cx| {
                cx.error(Code::Unbalanced, items[i].span, format!("the lock \"{name}\" is acquired, but never released in this list of steps"))
                    .help(format!("add Release(\"{name}\") after the steps that need it, or write Lock(\"{name}\", [..])"));
            });
        }
        Some(out)
    }

    fn warn_if_held(&self, cx: &mut Cx, lock: usize, node: &SyntaxNode) {
        if self.held.contains(&lock) {
            let name = &self.locks.declared[lock].0;
            cx.warn(
                Code::SelfDeadlock,
                node.span,
                format!(
                    "the task already holds the lock \"{name}\" here and waits for itself for ever"
                ),
            )
            .help("locks are not re-entrant; take it once");
        }
    }

    fn block(
        &mut self,
        cx: &mut Cx,
        f: &Fields<'_>,
        path: &str,
        depth: usize,
    ) -> Option<Vec<Step>> {
        cx.required(f, "steps", |cx, n| {
            self.steps(cx, n, &format!("{path}.steps"), depth + 1)
        })
    }

    fn step(&mut self, cx: &mut Cx, node: &SyntaxNode, path: &str, depth: usize) -> Option<Step> {
        let name = cx.variant(node, "a step", variants::STEPS)?;
        let which = StepName::named(name)?;
        let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
        Some(match which {
            StepName::Cpu => cpu(cx, &f, node)?,
            StepName::Native => {
                let time = cx.required(&f, "time", dist);
                let threads = or(cx, &f, "threads", 1, |cx, n| {
                    let most = limits::MAX_WORKERS;
                    cx.int32(n, "the number of threads", 1..=most, "MAX_WORKERS")
                });
                match (time?, threads) {
                    (time, 1) => Step::Native(time),
                    (time, threads) => Step::Team(time, threads),
                }
            }
            StepName::Io => Step::Io(cx.required(&f, "time", dist)?),
            StepName::Block => Step::Block(cx.required(&f, "time", dist)?),
            StepName::Transfer => self.devices.transfer(cx, &f, node)?,
            StepName::Use => self.use_of(cx, &f, node, path, depth)?,
            StepName::Lock => {
                let lock = cx.required(&f, "lock", |cx, n| self.locks.resolve(cx, n));
                if let Some(lock) = lock {
                    self.warn_if_held(cx, lock, node);
                    self.held.push(lock);
                }
                let steps = self.block(cx, &f, path, depth);
                if lock.is_some() {
                    self.held.pop();
                }
                let (lock, steps) = both(lock, steps)?;
                Step::Lock(lock, steps)
            }
            StepName::Acquire => {
                Step::Acquire(cx.required(&f, "lock", |cx, n| self.locks.resolve(cx, n))?)
            }
            StepName::Release => {
                Step::Release(cx.required(&f, "lock", |cx, n| self.locks.resolve(cx, n))?)
            }
            StepName::Shared => {
                let object = cx.required(&f, "object", |cx, n| self.objects.resolve(cx, n));
                let count = match f.get("count") {
                    Some(_) => cx.optional(&f, "count", |cx, n| {
                        let most = limits::MAX_ACCESSES;
                        cx.int(n, "the number of accesses", 1..=most, "MAX_ACCESSES")
                    }),
                    None => Some(1),
                };
                let write = cx.optional(&f, "write", Cx::boolean).unwrap_or(false);
                let (object, count) = both(object, count)?;
                Step::Shared {
                    object,
                    count,
                    write,
                }
            }
            StepName::Put => {
                let queue = cx.required(&f, "queue", |cx, n| self.queues.resolve(cx, n))?;
                self.puts.push(queue);
                Step::Put(queue)
            }
            StepName::Get => {
                let queue = cx.required(&f, "queue", |cx, n| self.queues.resolve(cx, n))?;
                if !self.gets.iter().any(|(q, ..)| *q == queue) {
                    self.gets.push((queue, node.span, path.to_string()));
                }
                Step::Get(queue)
            }
            StepName::FanOut => self.fan_out(cx, &f, path, depth)?,
            StepName::PayloadIn => Step::PayloadIn(cx.required(&f, "size", payload)?),
            StepName::PayloadOut => Step::PayloadOut(cx.required(&f, "size", payload)?),
            StepName::ObjectsIn => Step::ObjectsIn(cx.required(&f, "count", objects)?),
            StepName::ObjectsOut => Step::ObjectsOut(cx.required(&f, "count", objects)?),
            StepName::Allocate => Step::Allocate(cx.required(&f, "count", objects)?),
            StepName::Leak => Step::Leak(cx.required(&f, "size", payload)?),
            StepName::Hold => {
                let size = cx.required(&f, "size", sizes);
                let churn = match f.get("churn") {
                    Some(_) => cx.optional(&f, "churn", |cx, n| {
                        let what = "the part that is kept when the rest is given back";
                        cx.share(n, what, "write 0.3 or \"30%\"")
                    }),
                    None => Some(0.0),
                };
                let memory = both(size, churn);
                let ((size, churn), steps) = both(memory, self.block(cx, &f, path, depth))?;
                let churn = ppm(churn);
                Step::Hold(WorkingMemory { size, churn }, steps)
            }
            StepName::Timeout => {
                let after = cx.required(&f, "after", decode_retry::timeout);
                let (after, steps) = both(after, self.block(cx, &f, path, depth))?;
                Step::Timeout(after, steps)
            }
            StepName::Fail => Step::Fail(cx.required(&f, "probability", Cx::probability)?),
            StepName::Retry => {
                let attempts = cx.required(&f, "attempts", |cx, n| {
                    let allowed = 1..=limits::MAX_ATTEMPTS;
                    cx.int32(n, "the number of attempts", allowed, "MAX_ATTEMPTS")
                });
                let backoff = decode_retry::backoff(cx, &f);
                let steps = self.block(cx, &f, path, depth);
                let ((attempts, backoff), steps) = both(both(attempts, backoff), steps)?;
                let told = steps.iter().any(|s| self.may_be_told(s));
                decode_retry::check_pauses(cx, &f, attempts, told, "attempts");
                Step::Retry {
                    attempts,
                    backoff,
                    steps,
                }
            }
            StepName::Repeat => {
                let times = cx.required(&f, "times", |cx, n| {
                    cx.int(
                        n,
                        "the number of repeats",
                        1..=limits::MAX_STEPS_PER_TASK,
                        "MAX_STEPS_PER_TASK",
                    )
                });
                let (times, steps) = both(times, self.block(cx, &f, path, depth))?;
                Step::Repeat(times, steps)
            }
            StepName::Offload => {
                let to = match f.get("to") {
                    Some(_) => cx.optional(&f, "to", pool).map(Some),
                    None => Some(None),
                };
                let (steps, to) = both(self.block(cx, &f, path, depth), to)?;
                Step::Offload { to, steps }
            }
            StepName::Inline => Step::Inline(self.block(cx, &f, path, depth)?),
        })
    }

    /// Children: how many, and how many of them are needed.
    fn fan_out(&mut self, cx: &mut Cx, f: &Fields<'_>, path: &str, depth: usize) -> Option<Step> {
        let count = cx.required(f, "count", |cx, n| {
            cx.int(
                n,
                "the number of children",
                1..=limits::MAX_CHILDREN,
                "MAX_CHILDREN",
            )
        });
        let need = match f.get("need") {
            Some(_) => Some(cx.optional(f, "need", |cx, n| needed(cx, n, count))?),
            None => None,
        };
        // A child task does not hold what its parent holds: a lock taken by both is an ordinary wait of one task for another, not a
        // task's wait for itself.
        let (held, used) = (
            std::mem::take(&mut self.held),
            std::mem::take(&mut self.used),
        );
        let steps = self.block(cx, f, path, depth);
        (self.held, self.used) = (held, used);
        let (count, steps) = both(count, steps)?;
        Some(Step::FanOut { count, need, steps })
    }

    /// Steps that use a resource: not more of it, one within the other, than there is.
    fn use_of(
        &mut self,
        cx: &mut Cx,
        f: &Fields<'_>,
        node: &SyntaxNode,
        path: &str,
        depth: usize,
    ) -> Option<Step> {
        let resource = cx.required(f, "resource", |cx, n| self.resources.resolve(cx, n));
        if let Some(resource) = resource {
            self.used.push(resource);
            let nested = self.used.iter().filter(|r| **r == resource).count() as u64;
            let capacity = self.declared.get(resource).map_or(u64::MAX, |r| r.at_once);
            if nested > capacity {
                let name = &self.resources.declared[resource].0;
                cx.error(
                    Code::Conflict,
                    node.span,
                    format!(
                        "this `Use` stands within others of the resource \"{name}\", which has {capacity}: the task would wait for itself for ever"
                    ),
                )
                .help("use it once, round all that needs it; or say that there is more of it");
            }
        }
        let steps = self.block(cx, f, path, depth);
        if resource.is_some() {
            self.used.pop();
        }
        let (resource, steps) = both(resource, steps)?;
        Some(Step::Use(resource, steps))
    }

    /// Whether something in a step may refuse, and say when to come again.
    fn may_be_told(&self, step: &Step) -> bool {
        let mut told = false;
        step.each(&mut |s| {
            if let WaitsFor::Resource(r) = s.waits() {
                told |= self.declared.get(r).is_some_and(|r| r.says_when);
            }
        });
        told
    }

    /// Reads what the main program does by itself between rounds.
    pub(super) fn serial(&mut self, cx: &mut Cx, node: &SyntaxNode) -> Option<Vec<Step>> {
        let steps = self.steps(cx, node, "arrivals.serial", 1)?;
        let mut why = None;
        for step in &steps {
            step.each(&mut |s| why = why.or(not_serial(s)));
        }
        if let Some(why) = why {
            cx.error(
                Code::Conflict,
                node.span,
                format!("the main program by itself {why}"),
            )
            .help(
                "leave that to the tasks; what is serial computes, waits, and uses what is there",
            );
            return None;
        }
        Some(steps)
    }
}

/// Reads how many of so many children are needed.
fn needed(cx: &mut Cx, node: &SyntaxNode, count: Option<u64>) -> Option<u64> {
    let most = limits::MAX_CHILDREN;
    let what = "the number of children that have to succeed";
    let need = cx.int(node, what, 1..=most, "MAX_CHILDREN")?;
    if let Some(count) = count.filter(|count| need > *count) {
        cx.error(
            Code::OutOfRange,
            node.span,
            format!("{need} of {count} children cannot succeed"),
        )
        .help(format!(
            "`need` is at most `count`, which is {count}; without `need` all children are waited for"
        ));
        return None;
    }
    Some(need)
}

/// Why the main program cannot execute this step between rounds, in which no task runs; `None` if it can.
fn not_serial(step: &Step) -> Option<&'static str> {
    if step.waits() == WaitsFor::Children {
        return Some("has no children");
    }
    if step.may_fail() {
        return Some("cannot fail or be retried: it would end");
    }
    if step.carries() != Carried::default() {
        return Some("sends nothing to a worker and gets nothing back");
    }
    match step.waits() {
        WaitsFor::Item(_) | WaitsFor::Room(_) => {
            Some("has no queue to read or fill: no task runs beside it")
        }
        WaitsFor::Children => Some("has no children"),
        WaitsFor::Never
        | WaitsFor::Outside
        | WaitsFor::Lock(_)
        | WaitsFor::Resource(_)
        | WaitsFor::Device(_)
        | WaitsFor::Pause => None,
    }
}

/// The greatest number of steps that one execution of the list can take: repeats, children and retries multiplied out.
pub(super) fn unrolled(steps: &[Step]) -> u64 {
    tally(steps, &|_| true)
}

/// How often one execution of the list gives the GIL up, if steps take their mean time and every retry is needed.
pub(super) fn given_up(steps: &[Step]) -> u64 {
    weigh(steps, &Step::releases)
}

/// How often steps that `pick` chooses are executed in one run of the list, if every retry is needed.
pub(super) fn tally(steps: &[Step], pick: &impl Fn(&Step) -> bool) -> u64 {
    weigh(steps, &|step| u64::from(pick(step)))
}

/// The sum of the weights of all steps, each counted as often as it is executed in one run of the list, if every retry is needed.
fn weigh(steps: &[Step], weight: &impl Fn(&Step) -> u64) -> u64 {
    steps.iter().fold(0, |sum, step| {
        let inside = step.inside().map_or(0, |inside| {
            weigh(inside.steps, weight).saturating_mul(inside.runs.at_most())
        });
        sum.saturating_add(inside).saturating_add(weight(step))
    })
}

/// The name of a pool; which strategies have it is checked once all are read.
fn pool(cx: &mut Cx, node: &SyntaxNode) -> Option<String> {
    let name = cx.string(node, "the pool's name")?;
    if let Err(message) = decode_pools::pool_name(name) {
        cx.error(Code::BadStrategy, node.span, message).help(
            "name one of a strategy's `pools`, as in Asyncio(pools: {\"cpu\": Processes(4)})",
        );
        return None;
    }
    Some(name.to_owned())
}

/// Reads a number of Python objects.
fn objects(cx: &mut Cx, node: &SyntaxNode) -> Option<u64> {
    cx.int(
        node,
        "the number of objects",
        0..=limits::MAX_OBJECTS,
        "MAX_OBJECTS",
    )
}

/// Reads a size, or a distribution of sizes.
fn sizes(cx: &mut Cx, node: &SyntaxNode) -> Option<Sizes> {
    let one = |cx: &mut Cx, n: &SyntaxNode| cx.size(n).map(Nanos);
    dist_of(cx, node, "a size", &one).map(Sizes)
}

/// Reads the size of data that is handed over between processes.
fn payload(cx: &mut Cx, node: &SyntaxNode) -> Option<Bytes> {
    let size = cx.size(node)?;
    if size > limits::MAX_PAYLOAD {
        cx.error(
            Code::Limit,
            node.span,
            "this payload is more than the limit MAX_PAYLOAD (64 GiB)",
        )
        .help("data that stays where it is belongs into `Hold(size, [..])`");
        return None;
    }
    Some(size)
}
