//! What went wrong in a run.

use serde::{Deserialize, Serialize};

use crate::engine::{Nanos, Total, seconds};

/// What a forecast says went wrong (or nearly did). As JSON it has a `kind`, times in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// Nothing can ever happen again, yet tasks are unfinished: who waits for what.
    Deadlock {
        /// When the last thing happened.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// A line for each of the first few that wait.
        waiting: Vec<String>,
        /// What all of them wait for.
        #[serde(skip)]
        on: Vec<WaitReason>,
    },
    /// Memory passed the machine's limit.
    OutOfMemory {
        /// When.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// How much was in use.
        #[serde(rename = "memory_bytes")]
        bytes: u64,
    },
    /// One callback kept an event loop busy for so long.
    BlockedLoop {
        /// When it began.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// How long the loop could do nothing else.
        #[serde(rename = "lasted_s", with = "seconds")]
        lasted: Nanos,
    },
    /// Threads that came back from outside (I/O, a park, native code) for less than a switch interval waited for the GIL until its
    /// holder was made to leave, often, and for a good part of their tasks' time. Of the class of tasks that lost most.
    Convoy {
        /// The class.
        task: String,
        /// How often.
        times: u64,
        /// For how long, in all.
        #[serde(rename = "waited_s", with = "seconds")]
        waited: Total,
        /// Time of all tasks of the class from arrival to end.
        #[serde(rename = "of_s", with = "seconds")]
        of: Total,
    },
    /// Tasks spent a good part of their time on waiting, on a core, for the cache line or lock of an object that others accessed as well
    /// (free-threaded builds). Of the object, and the class of tasks, where most was lost.
    ContendedObject {
        /// The object.
        object: String,
        /// The class.
        task: String,
        /// For how long its tasks waited for the object, in all.
        #[serde(rename = "waited_s", with = "seconds")]
        waited: Total,
        /// Time of all tasks of the class from arrival to end; of a batch without what they waited for their turn, which grows with its
        /// size.
        #[serde(rename = "of_s", with = "seconds")]
        of: Total,
    },
    /// Threads were woken because another gave the GIL up for a moment, and found it taken again, often. Of the class of tasks whose
    /// releases woke most in vain.
    FutileWakeups {
        /// The class of the tasks that gave it up.
        task: String,
        /// How often.
        times: u64,
    },
    /// The run was stopped at [`crate::strategy::SimInput::max_events`].
    EventLimit {
        /// When.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
    },
    /// What comes next comes after the last instant that the clock can tell.
    ClockEnd {
        /// When.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
    },
    /// The interpreter cannot do what the strategy asks (for example sub-interpreters before 3.14).
    Unsupported {
        /// Why.
        reason: String,
    },
}

/// What a task waits for that can never come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitReason {
    /// A lock.
    Lock,
    /// An item of this queue.
    Item(String),
    /// Room in this queue.
    Room(String),
    /// Its children.
    Children,
    /// A worker.
    Worker,
    /// A permit of an event loop's limit.
    Limit,
}

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// [`Finding::Deadlock`]
    Deadlock,
    /// [`Finding::OutOfMemory`]
    OutOfMemory,
    /// [`Finding::BlockedLoop`]
    BlockedLoop,
    /// [`Finding::Convoy`]
    Convoy,
    /// [`Finding::ContendedObject`]
    ContendedObject,
    /// [`Finding::FutileWakeups`]
    FutileWakeups,
    /// [`Finding::EventLimit`]
    EventLimit,
    /// [`Finding::ClockEnd`]
    ClockEnd,
    /// [`Finding::Unsupported`]
    Unsupported,
}

/// What a finding means for its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The run went on to its own end: its numbers hold.
    Told,
    /// It ended the run.
    Ended,
    /// There was no run.
    Refused,
}

impl Finding {
    /// The description, one arm a kind of finding: the kind, what it means for the run, when it was (`None`: at no instant), and how much
    /// of it there was, to compare with others of the kind (times or nanoseconds; 0 where there is no more and less).
    fn about(&self) -> (FindingKind, Effect, Option<Nanos>, u128) {
        use FindingKind as Kind;
        match self {
            Self::Deadlock {
                at,
                waiting: _,
                on: _,
            } => (Kind::Deadlock, Effect::Ended, Some(*at), 0),
            Self::OutOfMemory { at, bytes: _ } => (Kind::OutOfMemory, Effect::Ended, Some(*at), 0),
            Self::BlockedLoop { at, lasted } => {
                let much = u128::from(lasted.0);
                (Kind::BlockedLoop, Effect::Told, Some(*at), much)
            }
            Self::Convoy {
                times: _,
                waited,
                of: _,
                task: _,
            } => (Kind::Convoy, Effect::Told, None, waited.0),
            Self::ContendedObject {
                object: _,
                task: _,
                waited,
                of: _,
            } => (Kind::ContendedObject, Effect::Told, None, waited.0),
            Self::FutileWakeups { times, task: _ } => {
                (Kind::FutileWakeups, Effect::Told, None, u128::from(*times))
            }
            Self::EventLimit { at } => (Kind::EventLimit, Effect::Ended, Some(*at), 0),
            Self::ClockEnd { at } => (Kind::ClockEnd, Effect::Ended, Some(*at), 0),
            Self::Unsupported { reason: _ } => (Kind::Unsupported, Effect::Refused, None, 0),
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> FindingKind {
        self.about().0
    }

    /// What it means for its run.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.about().1
    }

    /// When it was; `None` where it is of the whole run, or there was none.
    #[must_use]
    pub fn at(&self) -> Option<Nanos> {
        self.about().2
    }

    /// What is waited for in a deadlock; nothing where it is none.
    #[must_use]
    pub fn wait_reasons(&self) -> &[WaitReason] {
        match self {
            Self::Deadlock { on, .. } => on,
            Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::Convoy { .. }
            | Self::ContendedObject { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => &[],
        }
    }

    /// How long a callback kept the loop busy, where it is that.
    #[must_use]
    pub fn blocked(&self) -> Option<Nanos> {
        match self {
            Self::BlockedLoop { at: _, lasted } => Some(*lasted),
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::Convoy { .. }
            | Self::ContendedObject { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => None,
        }
    }

    /// How often threads were woken in vain, and the class of tasks, where it is that.
    #[must_use]
    pub fn woken_in_vain(&self) -> Option<(u64, &str)> {
        match self {
            Self::FutileWakeups { times, task } => Some((*times, task)),
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::Convoy { .. }
            | Self::ContendedObject { .. }
            | Self::EventLimit { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => None,
        }
    }

    /// How often the tasks of which class waited for the GIL in a convoy, and for how long in the mean, where it is that.
    #[must_use]
    pub fn convoy(&self) -> Option<(u64, &str, Nanos)> {
        match self {
            Self::Convoy {
                times,
                waited,
                of: _,
                task,
            } => Some((*times, task, waited.mean_of(*times))),
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::ContendedObject { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => None,
        }
    }

    /// The object that was contended, the class of tasks, and the share of their time that it took, where it is that.
    #[must_use]
    pub fn contended(&self) -> Option<(&str, &str, f64)> {
        let (object, task, waited, of) = self.at_object()?;
        Some((object, task, waited.as_secs_f64() / of.as_secs_f64()))
    }

    /// The object that was contended, the class of tasks, what these waited, and of which time.
    fn at_object(&self) -> Option<(&str, &str, Total, Total)> {
        match self {
            Self::ContendedObject {
                object,
                task,
                waited,
                of,
            } => Some((object, task, *waited, *of)),
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::Convoy { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => None,
        }
    }

    /// A time that is told beside shares by cause, which are means of the replications, becomes the mean share of the mean time as well: over
    /// those of these findings, one a replication, that are about the same. A single replication, the worst, would say another number, and
    /// so would times added up where long replications lose more.
    pub fn average<'a>(&mut self, all: impl Iterator<Item = &'a Self>) {
        match self {
            Self::ContendedObject {
                object,
                task,
                waited,
                of,
            } => {
                let same = all.filter_map(Self::at_object);
                let same = same.filter(|(o, t, ..)| (o, t) == (&object.as_str(), &task.as_str()));
                let (count, shares, times) = same.fold((0, 0.0, 0), |(n, s, t), (.., w, of)| {
                    let share = w.as_f64() / of.as_f64().max(1.0);
                    (n + 1_u32, s + share, of.0.saturating_add(t))
                });
                if count > 0 {
                    let mean = times / u128::from(count);
                    *of = Total(mean);
                    *waited = Total(share_of(mean, shares / f64::from(count)));
                }
            }
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::Convoy { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => {}
        }
    }

    /// Whether it is of the same kind, and there is more of it.
    #[must_use]
    pub fn is_worse_than(&self, other: &Self) -> bool {
        let ((kind, _, _, much), (others, _, _, less)) = (self.about(), other.about());
        kind == others && much > less
    }
}

/// A share, 0 to 1, of so many nanoseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates"
)]
fn share_of(whole: u128, share: f64) -> u128 {
    libm::round(Total(whole).as_f64() * share) as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [Finding; 9] {
        let (at, task) = (Nanos(5), String::from("page"));
        [
            Finding::Deadlock {
                at,
                waiting: Vec::new(),
                on: Vec::new(),
            },
            Finding::OutOfMemory { at, bytes: 1 },
            Finding::BlockedLoop {
                at,
                lasted: Nanos(7),
            },
            Finding::Convoy {
                times: 2,
                waited: Nanos(9).into(),
                of: Nanos(20).into(),
                task: task.clone(),
            },
            Finding::ContendedObject {
                object: "cache".into(),
                task: task.clone(),
                waited: Nanos(9).into(),
                of: Nanos(20).into(),
            },
            Finding::FutileWakeups { times: 3, task },
            Finding::EventLimit { at },
            Finding::ClockEnd { at },
            Finding::Unsupported {
                reason: "why".into(),
            },
        ]
    }

    #[test]
    fn every_finding_is_described() {
        use FindingKind as Kind;
        let (at, none) = (Some(Nanos(5)), None);
        let expected = [
            (Kind::Deadlock, Effect::Ended, at),
            (Kind::OutOfMemory, Effect::Ended, at),
            (Kind::BlockedLoop, Effect::Told, at),
            (Kind::Convoy, Effect::Told, none),
            (Kind::ContendedObject, Effect::Told, none),
            (Kind::FutileWakeups, Effect::Told, none),
            (Kind::EventLimit, Effect::Ended, at),
            (Kind::ClockEnd, Effect::Ended, at),
            (Kind::Unsupported, Effect::Refused, none),
        ];
        let found = all().map(|f| (f.kind(), f.effect(), f.at()));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_told_of_an_object_is_the_mean_of_the_replications() {
        let at = |object: &str, waited, of| Finding::ContendedObject {
            object: object.into(),
            task: "page".into(),
            waited: Nanos(waited).into(),
            of: Nanos(of).into(),
        };
        // 60% and 20%, whichever takes longer.
        let seen = [
            at("cache", 180, 300),
            at("other", 90, 90),
            at("cache", 20, 100),
        ];
        let mut worst = seen[0].clone();
        worst.average(seen.iter());
        assert_eq!(worst, at("cache", 80, 200));
        for mut other in all() {
            let before = other.clone();
            other.average([].iter());
            assert_eq!(other, before);
        }
    }

    #[test]
    fn the_worse_of_a_kind_is_the_one_with_more_of_it() {
        for a in &all() {
            for b in &all() {
                assert!(!a.is_worse_than(b), "{a:?} {b:?}");
            }
        }
        let blocked = |ns| Finding::BlockedLoop {
            at: Nanos::ZERO,
            lasted: Nanos(ns),
        };
        assert!(blocked(8).is_worse_than(&blocked(7)));
        assert!(!blocked(8).is_worse_than(&all()[4]));
        let woken = |times| Finding::FutileWakeups {
            times,
            task: String::new(),
        };
        assert!(woken(4).is_worse_than(&woken(3)));
    }
}
