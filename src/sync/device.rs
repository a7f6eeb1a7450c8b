//! A device that many use at once: they share its rate (processor sharing), or a few are served and the others stand in line. It knows
//! instants and work in whole nanoseconds, as it is handed them, and no clock.
//!
//! Work is the time that it takes a user who is alone. While several are served, each gets the same share of that speed, so that one virtual
//! clock, which runs at that speed, serves them all: who comes ends when the clock has gone on by his work, whoever comes and goes meanwhile
//! (the virtual time of processor sharing and of weighted fair queueing: Demers, Keshav and Shenker 1989).

use std::collections::{BTreeMap, BTreeSet};

/// A nanosecond on the virtual clock: the speed of a user who is alone. A speed is that of a real device to 18 digits.
const FULL: u128 = 1 << 60;

/// What is left of work that counts as done: a millionth of a nanosecond. A speed such as a third is rounded, and a sum that comes to a
/// whole nanosecond has to end there, not at the next.
const DONE: u128 = 1 << 40;

/// A share of a millionth.
const MILLION: u128 = 1_000_000;

/// How fast each user is served while several are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sharing {
    /// As if alone; so many at a time, the others first come, first served.
    Servers(u64),
    /// All at once.
    Rate {
        /// What the device gives to all its users together, per unit of time; at least 1.
        all: u64,
        /// What it gives to one user at most; at least 1, at most `all`.
        each: u64,
        /// By how many millionths each further user makes the device slower.
        penalty: u32,
    },
}

impl Sharing {
    /// Most users that are served at once.
    fn servers(self) -> u64 {
        match self {
            Self::Servers(n) => n.max(1),
            Self::Rate { .. } => u64::MAX,
        }
    }

    /// What `users` at once would take, and what the device has for them, in the same unit.
    fn asked(self, users: u64) -> (u128, u128) {
        match self {
            Self::Servers(n) => (u128::from(users.min(n)), u128::from(n.max(1))),
            Self::Rate { all, each, penalty } => {
                let slower = MILLION + u128::from(penalty) * u128::from(users.saturating_sub(1));
                let wanted = u128::from(users).saturating_mul(u128::from(each.max(1)));
                (
                    wanted.saturating_mul(slower),
                    u128::from(all.max(1)).saturating_mul(MILLION),
                )
            }
        }
    }

    /// The speed at which each of so many users is served, of [`FULL`].
    fn speed(self, users: u64) -> u128 {
        let (asked, has) = self.asked(users);
        if asked <= has {
            return FULL;
        }
        // As many digits as there is room for: a device that gives more than 2^48 a second has fewer.
        let room = has.leading_zeros().saturating_sub(1).min(60);
        let share = ((has << room) + asked / 2) / asked;
        (share << (60 - room)).max(1)
    }

    /// The share of the device that is in use with so many users, from 0 to 1.
    fn in_use(self, users: u64) -> f64 {
        let (asked, has) = self.asked(users);
        if asked >= has {
            1.0
        } else {
            asked as f64 / has as f64
        }
    }
}

/// A use of a device.
#[derive(Clone, Copy, Debug)]
struct Use {
    /// Its number, by which those that come together are told apart.
    number: u64,
    asked: u64,
    /// Whether it is served, rather than in line.
    served: bool,
    work: u64,
    /// When it ends on the virtual clock, once it is served.
    finish: u128,
}

/// A use that is over, or what there has been of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used<W> {
    /// Who used the device.
    pub who: W,
    /// When he asked for it.
    pub asked: u64,
    /// How much of his work has been done: what that takes who is alone. At most the time since he asked.
    pub done: u64,
}

/// What a device has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeviceTotals {
    /// Uses that were served to their end.
    pub completed: u64,
    /// Uses that were given up.
    pub cut: u64,
    /// Work that was done, of both.
    pub done: u128,
    /// Time of all users, from asking to their end.
    pub present: u128,
    /// Time for which the device was in use, each instant weighed by the share that was.
    pub busy: f64,
}

impl DeviceTotals {
    /// What two devices have done together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            completed: self.completed + other.completed,
            cut: self.cut + other.cut,
            done: self.done + other.done,
            present: self.present + other.present,
            busy: self.busy + other.busy,
        }
    }
}

/// A device.
#[derive(Clone, Debug)]
pub(crate) struct Device<W> {
    sharing: Sharing,
    /// The speed of a user who is alone, of [`FULL`].
    pace: u128,
    /// The instant up to which everything is worked out, and the virtual clock then.
    now: u64,
    clock: u128,
    uses: BTreeMap<W, Use>,
    /// Who is served, by the virtual end of his use.
    served: BTreeSet<(u128, u64, W)>,
    /// Who stands in line, in the order of asking.
    line: BTreeSet<(u64, W)>,
    /// Number of uses so far.
    asked: u64,
    totals: DeviceTotals,
    /// Time of all users by the device's own reckoning, to which the sum over them has to come.
    users_time: u128,
}

impl<W: Copy + Ord> Device<W> {
    /// A device that nobody uses.
    pub(crate) fn new(sharing: Sharing) -> Self {
        Self {
            sharing,
            pace: FULL,
            now: 0,
            clock: 0,
            uses: BTreeMap::new(),
            served: BTreeSet::new(),
            line: BTreeSet::new(),
            asked: 0,
            totals: DeviceTotals::default(),
            users_time: 0,
        }
    }

    /// Begins a use of so much work, or joins the line. Nobody uses a device twice at a time.
    pub(crate) fn ask(&mut self, now: u64, work: u64, who: W) {
        self.go_to(now);
        let number = self.asked;
        self.asked += 1;
        let new = Use {
            number,
            asked: self.now,
            served: false,
            work,
            finish: u128::MAX,
        };
        let before = self.uses.insert(who, new);
        debug_assert!(before.is_none(), "one who uses a device asks for it again");
        self.line.insert((number, who));
        self.admit();
    }

    /// The instant of the next end of a use, if nobody comes or goes before it; `None` if nobody is served.
    pub(crate) fn next_end(&self) -> Option<u64> {
        let &(finish, ..) = self.served.first()?;
        let left = finish.saturating_sub(self.clock.saturating_add(DONE));
        let speed = self.speed(self.served.len() as u64);
        if speed == 0 && left > 0 {
            return None;
        }
        let takes = left.div_ceil(speed.max(1));
        let takes = u64::try_from(takes).unwrap_or(u64::MAX);
        Some(self.now.saturating_add(takes))
    }

    /// From `now` on a user who is alone is served at this share (0 to 1) of his speed.
    pub(crate) fn set_pace(&mut self, now: u64, share: f64) {
        self.go_to(now);
        let full = FULL as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates"
        )]
        let pace = (share.clamp(0.0, 1.0) * full) as u128;
        self.pace = pace.min(FULL);
    }

    /// The speed at which each of so many users is served, of [`FULL`].
    fn speed(&self, users: u64) -> u128 {
        let speed = self.sharing.speed(users);
        if self.pace == FULL {
            speed
        } else {
            speed * self.pace / FULL
        }
    }

    /// Takes out one whose work is done by `now`; `None` if there is none. Who stands first in line is served in his place.
    pub(crate) fn end(&mut self, now: u64) -> Option<Used<W>> {
        self.go_to(now);
        let &(finish, _, who) = self.served.first()?;
        if finish > self.clock.saturating_add(DONE) {
            return None;
        }
        let done = self.uses.get(&who)?.work;
        self.totals.completed += 1;
        self.take_out(who, done)
    }

    /// Takes a user out whose work is not done, wherever he is; `None` if he does not use the device.
    pub(crate) fn give_up(&mut self, now: u64, who: W) -> Option<Used<W>> {
        let Used { done, .. } = self.so_far(now, who)?;
        self.totals.cut += 1;
        self.take_out(who, done)
    }

    /// What there has been of a use until now; `None` if `who` does not use the device.
    pub(crate) fn so_far(&mut self, now: u64, who: W) -> Option<Used<W>> {
        self.go_to(now);
        let u = self.uses.get(&who)?;
        let done = if u.served {
            let left = u.finish.saturating_sub(self.clock).div_ceil(FULL);
            let done = u
                .work
                .saturating_sub(u64::try_from(left).unwrap_or(u64::MAX));
            done.min(self.now - u.asked)
        } else {
            0
        };
        Some(Used {
            who,
            asked: u.asked,
            done,
        })
    }

    /// Whether a user is served, rather than in line.
    pub(crate) fn serves(&self, who: W) -> bool {
        self.uses.get(&who).is_some_and(|u| u.served)
    }

    /// Who is served or stands in line.
    pub(crate) fn users(&self) -> impl Iterator<Item = W> + '_ {
        self.uses.keys().copied()
    }

    /// How many are served, and how many stand in line.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.served.len(), self.line.len())
    }

    /// Whether some wait until others have been served, rather than all at once and slower.
    pub(crate) fn has_line(&self) -> bool {
        match self.sharing {
            Sharing::Servers(_) => true,
            Sharing::Rate { .. } => false,
        }
    }

    /// What the device has done until its last change.
    pub(crate) fn totals(&self) -> DeviceTotals {
        self.totals
    }

    fn take_out(&mut self, who: W, done: u64) -> Option<Used<W>> {
        let u = self.uses.remove(&who)?;
        self.served.remove(&(u.finish, u.number, who));
        self.line.remove(&(u.number, who));
        self.totals.done += u128::from(done);
        self.totals.present += u128::from(self.now - u.asked);
        debug_assert!(
            !self.uses.is_empty() || self.totals.present == self.users_time,
            "users were there for {} ns, the device had them for {} ns",
            self.totals.present,
            self.users_time
        );
        self.admit();
        Some(Used {
            who,
            asked: u.asked,
            done,
        })
    }

    /// Serves those who stand in line, as long as there is a server for them.
    fn admit(&mut self) {
        while (self.served.len() as u64) < self.sharing.servers()
            && let Some((_, who)) = self.line.pop_first()
        {
            if let Some(u) = self.uses.get_mut(&who) {
                u.served = true;
                let work = FULL.saturating_mul(u.work.into());
                u.finish = self.clock.saturating_add(work);
                self.served.insert((u.finish, u.number, who));
            }
        }
    }

    /// Works everything out up to `now`.
    fn go_to(&mut self, now: u64) {
        let passed = now.saturating_sub(self.now);
        if passed == 0 {
            return;
        }
        self.now = now;
        self.users_time += u128::from(passed) * self.uses.len() as u128;
        let served = self.served.len() as u64;
        if served > 0 {
            let speed = self.speed(served);
            let gone = speed.saturating_mul(passed.into());
            self.clock = self.clock.saturating_add(gone);
            self.totals.busy += self.sharing.in_use(served) * passed as f64;
        }
    }
}
