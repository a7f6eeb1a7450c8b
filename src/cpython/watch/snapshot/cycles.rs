//! Cycles of tasks that wait for each other.

use super::{Link, Snapshot, SnapshotIndex, TaskLocation, ThreadActivity};
use crate::cpython::index::TaskKey;
use crate::cpython::role::ThreadRole;

/// Most cycles that are named; more would not help to understand.
const MOST: usize = 3;

/// An edge of the wait-for graph: the task that is waited for, and for what.
struct WaitEdge {
    to: usize,
    waits_for: String,
}

impl SnapshotIndex<'_, '_> {
    /// Finds cycles of tasks that wait for each other, no two of which share a task: a second one with the same task would say little more
    /// (children that all wait for their parent's lock, a pool whose workers all wait). A task that waits for *some* worker or permit waits
    /// for all that have one, but only if no event is left (`stuck`).
    pub(crate) fn cycles(&self, snapshot: &Snapshot, stuck: bool) -> Vec<Vec<Link>> {
        let mut children = vec![Vec::new(); snapshot.tasks.len()];
        for (i, t) in snapshot.tasks.iter().enumerate() {
            if let Some(parent) = t.parent {
                children[parent].push(i);
            }
        }
        let edges: Vec<Vec<WaitEdge>> = (0..snapshot.tasks.len())
            .map(|task| self.edges(snapshot, task, &children[task], stuck))
            .collect();
        let mut search = Search {
            edges: &edges,
            seen: vec![Visit::No; edges.len()],
            path: Vec::new(),
            told: vec![false; edges.len()],
            found: Vec::new(),
        };
        for task in 0..edges.len() {
            search.from(task);
        }
        search.found
    }

    fn edges(
        &self,
        snapshot: &Snapshot,
        task: usize,
        children: &[usize],
        stuck: bool,
    ) -> Vec<WaitEdge> {
        let state = &snapshot.tasks[task];
        if state.deadline.is_some() && !stuck {
            return Vec::new(); // The wait ends by itself, at the deadline.
        }
        let to = |task: Option<usize>, waits_for: String| {
            task.map(|to| WaitEdge { to, waits_for })
                .into_iter()
                .collect()
        };
        // Who needs some of them only may go on without this one.
        let needs_all = stuck || self.work.tasks[self.tasks[task]].need.is_none();
        let for_children = || {
            let children = children.iter().filter(|_| needs_all);
            let edge = |&to: &usize| WaitEdge {
                to,
                waits_for: format!("its child {}", snapshot.tasks[to].name),
            };
            children.map(edge).collect()
        };
        match &state.place {
            TaskLocation::Thread(thread) => match &snapshot.threads[*thread].doing {
                ThreadActivity::WaitsForLock(lock, holder) => {
                    let holder = holder.and_then(|h| snapshot.threads[h].task);
                    to(holder, format!("lock '{lock}'"))
                }
                ThreadActivity::WaitsForChildren(..) => for_children(),
                _ => Vec::new(),
            },
            TaskLocation::LoopLock(lock, holder, _) => to(*holder, format!("lock '{lock}'")),
            TaskLocation::Children(..) => for_children(),
            TaskLocation::Worker(_) if stuck => self.workers(snapshot, task),
            TaskLocation::Limit(_) if stuck => self.permitted(task),
            _ => Vec::new(),
        }
    }

    /// Edges to the tasks that occupy the workers of the pool that a task waits for.
    fn workers(&self, snapshot: &Snapshot, task: usize) -> Vec<WaitEdge> {
        let key = self.tasks[task];
        let (copy, number) = (self.work.tasks[key].copy, self.work.executor_of(key));
        let in_pool = |role: ThreadRole| match role {
            ThreadRole::PoolWorker(p, _) | ThreadRole::InterpWorker(p, ..) => {
                let client = &self.executors.pools[p].client;
                client.copy == copy && client.number == number
            }
            _ => false,
        };
        let occupied = self
            .threads
            .iter()
            .zip(&snapshot.threads)
            .filter(|(t, _)| in_pool(self.work.kernel.thread(**t).role));
        occupied
            .filter_map(|(_, state)| {
                Some(WaitEdge {
                    to: state.task?,
                    waits_for: format!("a free worker: {} has", state.name),
                })
            })
            .collect()
    }

    /// Edges to the tasks that hold a permit of the loop that a task waits on.
    fn permitted(&self, task: usize) -> Vec<WaitEdge> {
        let copy = self.work.tasks[self.tasks[task]].copy;
        let has = |key: &TaskKey| {
            let t = &self.work.tasks[*key];
            t.permitted && t.copy == copy
        };
        (0..)
            .zip(&self.tasks)
            .filter(|(_, key)| has(key))
            .map(|(to, _)| WaitEdge {
                to,
                waits_for: "the loop's limit".into(),
            })
            .collect()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    No,
    OnPath,
    Done,
}

/// A depth-first search for back edges.
struct Search<'e> {
    edges: &'e [Vec<WaitEdge>],
    seen: Vec<Visit>,
    /// The path from the start to here: each task, and the index of the edge by which it is left.
    path: Vec<(usize, usize)>,
    /// For each task, whether it is in a cycle that was found.
    told: Vec<bool>,
    found: Vec<Vec<Link>>,
}

impl Search<'_> {
    fn from(&mut self, start: usize) {
        if self.seen[start] != Visit::No {
            return;
        }
        self.path.push((start, 0));
        self.seen[start] = Visit::OnPath;
        while let Some(&(task, next)) = self.path.last() {
            let Some(edge) = self.edges[task].get(next) else {
                self.seen[task] = Visit::Done;
                self.path.pop();
                continue;
            };
            let to = edge.to;
            if self.seen[to] == Visit::OnPath {
                self.note(to);
            }
            self.path.last_mut().expect("not empty").1 += 1;
            if self.seen[to] == Visit::No {
                self.seen[to] = Visit::OnPath;
                self.path.push((to, 0));
            }
        }
    }

    fn note(&mut self, first: usize) {
        if self.found.len() >= MOST {
            return;
        }
        let from = self.path.iter().position(|&(t, _)| t == first);
        let circle = &self.path[from.unwrap_or(0)..];
        if circle.iter().any(|&(task, _)| self.told[task]) {
            return;
        }
        for &(task, _) in circle {
            self.told[task] = true;
        }
        // The edge that a task is at leads on; those before it on the path have moved one ahead.
        let last = circle.len() - 1;
        let links = circle.iter().enumerate().map(|(i, &(task, next))| {
            let at = if i == last { next } else { next - 1 };
            Link {
                task,
                waits_for: self.edges[task][at].waits_for.clone(),
            }
        });
        self.found.push(links.collect());
    }
}
