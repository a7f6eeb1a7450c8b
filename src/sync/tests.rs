//! Property tests of the objects against naive models: no waiter is lost, order is kept, and what is guarded is neither created nor lost.

use std::collections::VecDeque;

use proptest::prelude::{
    Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use super::{
    Acquisition, Breaker, BreakerRules, Device, Lock, LockHandoff, Passage, Queue, QueueResult,
    RetryBudget, Semaphore, Sharing, StandingQueue, Ticket, Tokens, WaitQueue,
};

/// A waiter in these tests.
type Who = u8;

#[derive(Clone, Copy, Debug)]
enum LockOp {
    Ask(Who),
    Give(bool),
    Forget(prop::sample::Index),
}

fn acts() -> impl Strategy<Value = Vec<LockOp>> {
    let act = prop_oneof![
        3 => any::<Who>().prop_map(LockOp::Ask),
        3 => any::<bool>().prop_map(LockOp::Give),
        1 => any::<prop::sample::Index>().prop_map(LockOp::Forget),
    ];
    prop::collection::vec(act, 0..60)
}

/// The naive model of a line.
#[derive(Default)]
struct Waiting(VecDeque<(Who, Ticket)>);

impl Waiting {
    fn joined(&mut self, who: Who, ticket: Ticket) {
        assert!(
            self.0.iter().all(|(_, t)| *t != ticket),
            "two with one ticket"
        );
        self.0.push_back((who, ticket));
    }

    fn take(&mut self, which: prop::sample::Index) -> Option<(Who, Ticket)> {
        let at = (!self.0.is_empty()).then(|| which.index(self.0.len()))?;
        self.0.remove(at)
    }

    fn next(&mut self) -> Option<Who> {
        self.0.pop_front().map(|(who, _)| who)
    }

    fn who(&self) -> Vec<Who> {
        self.0.iter().map(|(who, _)| *who).collect()
    }
}

proptest! {
    #[test]
    fn a_line_keeps_its_order_whoever_leaves_it(acts in acts()) {
        let (mut line, mut model) = (WaitQueue::default(), Waiting::default());
        for act in acts {
            match act {
                LockOp::Ask(who) => model.joined(who, line.join(who)),
                LockOp::Give(_) => prop_assert_eq!(line.call_next(), model.next()),
                LockOp::Forget(which) => if let Some((who, ticket)) = model.take(which) {
                    prop_assert_eq!(line.forget(ticket), who);
                },
            }
            prop_assert_eq!(line.iter().collect::<Vec<_>>(), model.who());
            prop_assert_eq!(line.len(), model.0.len());
            prop_assert_eq!(line.is_empty(), model.0.is_empty());
            prop_assert_eq!(line.first(), model.0.front().map(|(who, _)| *who));
            // A line in which the same waiters wait is equal, however they came there.
            let mut other = WaitQueue::default();
            for (who, _) in &model.0 {
                other.join(*who);
            }
            prop_assert!(line == other);
        }
    }

    #[test]
    fn a_lock_has_one_owner_and_loses_nobody(acts in acts()) {
        let (mut lock, mut owner, mut model) = (Lock::default(), None, Waiting::default());
        for act in acts {
            match act {
                LockOp::Ask(who) => match lock.ask(who) {
                    Acquisition::Granted => {
                        prop_assert_eq!(owner, None);
                        owner = Some(who);
                    }
                    Acquisition::Waits(ticket) => {
                        prop_assert!(owner.is_some());
                        model.joined(who, ticket);
                    }
                },
                LockOp::Give(hand_over) => {
                    let passing = if hand_over { LockHandoff::HandOver } else { LockHandoff::Barging };
                    let next = model.next();
                    prop_assert_eq!(lock.give(passing), next);
                    owner = next.filter(|_| hand_over);
                }
                LockOp::Forget(which) => if let Some((_, ticket)) = model.take(which) {
                    lock.forget(ticket);
                },
            }
            prop_assert_eq!(lock.owner(), owner);
            prop_assert_eq!(lock.line().iter().collect::<Vec<_>>(), model.who());
        }
    }

    #[test]
    fn a_semaphore_neither_makes_nor_loses_permits(permits in 0_u64..4, acts in acts()) {
        let (mut s, mut held, mut model) = (Semaphore::new(permits), 0, Waiting::default());
        for act in acts {
            match act {
                LockOp::Ask(who) => match s.ask(who) {
                    Acquisition::Granted => held += 1,
                    Acquisition::Waits(ticket) => model.joined(who, ticket),
                },
                LockOp::Give(_) if held > 0 => {
                    // The named waiter has the permit now.
                    let next = model.next();
                    prop_assert_eq!(s.give(), next);
                    held -= u64::from(next.is_none());
                }
                LockOp::Give(_) => {}
                LockOp::Forget(which) => if let Some((_, ticket)) = model.take(which) {
                    s.forget(ticket);
                },
            }
            prop_assert_eq!(s.permits() + held, permits);
            prop_assert!(s.permits() == 0 || s.line().is_empty(), "somebody waits for what is there");
            prop_assert_eq!(s.line().iter().collect::<Vec<_>>(), model.who());
        }
    }

    /// Producers and consumers ask again when they are woken, as all clients do: no item is lost, items come out in order, and no waiter
    /// sleeps while there is something for it.
    #[test]
    fn a_queue_passes_all_items_in_order_and_wakes_those_it_can_serve(
        capacity in prop_oneof![Just(None), (0_u64..3).prop_map(Some)],
        acts in prop::collection::vec((any::<bool>(), any::<bool>(), any::<prop::sample::Index>()), 0..80),
    ) {
        let mut queue: Queue<u32, Who> = Queue::new(capacity);
        let (mut put, mut got) = (0_u32, 0_u32);
        // The sleepers of each side, and those who have been woken and have not asked again yet.
        let (mut getting, mut putting) = (Waiting::default(), Waiting::default());
        let (mut getters, mut putters): (Vec<Who>, Vec<Who>) = (Vec::new(), Vec::new());
        let mut next_who: Who = 0;
        for (side, again, which) in acts {
            // A new one, one who was woken, or one who gives up.
            let woken = if side { &mut getters } else { &mut putters };
            let who = if again && !woken.is_empty() {
                woken.remove(which.index(woken.len()))
            } else {
                next_who = next_who.wrapping_add(1);
                next_who
            };
            let gives_up = again && who % 5 == 0;
            if gives_up {
                let instead = if side { queue.give_up_getting(None) } else { queue.give_up_putting(None) };
                let (asleep, woken) = if side { (&mut getting, &mut getters) } else { (&mut putting, &mut putters) };
                if let Some(instead) = instead {
                    prop_assert_eq!(asleep.next(), Some(instead));
                    woken.push(instead);
                }
            } else if side {
                match queue.get(who) {
                    QueueResult::Done(item, putter) => {
                        prop_assert_eq!(item, got);
                        got += 1;
                        prop_assert_eq!(putter, putting.next());
                        putters.extend(putter);
                    }
                    QueueResult::Waits(ticket) => {
                        prop_assert_eq!(put, got);
                        getting.joined(who, ticket);
                    }
                }
            } else {
                match queue.put(who, put) {
                    QueueResult::Done((), getter) => {
                        put += 1;
                        prop_assert_eq!(getter, getting.next());
                        getters.extend(getter);
                    }
                    QueueResult::Waits(ticket) => {
                        prop_assert!(capacity.is_some_and(|c| u64::from(put - got) >= c));
                        putting.joined(who, ticket);
                    }
                }
            }
            let items = u64::from(put - got);
            prop_assert!(capacity.is_none_or(|c| items <= c));
            // There is a wake-up under way for each item that a sleeper could have, as far as there are both.
            prop_assert!(getting.0.is_empty() || items <= getters.len() as u64, "a getter was not woken");
            let room = capacity.map_or(0, |c| c - items);
            prop_assert!(putting.0.is_empty() || room <= putters.len() as u64, "a putter was not woken");
        }
    }
}

#[test]
fn who_gives_up_in_the_middle_is_passed_over() {
    let mut lock = Lock::default();
    assert_eq!(lock.ask('a'), Acquisition::Granted);
    let Acquisition::Waits(b) = lock.ask('b') else {
        panic!("it is taken");
    };
    assert!(matches!(lock.ask('c'), Acquisition::Waits(_)));
    lock.forget(b);
    assert_eq!(lock.give(LockHandoff::HandOver), Some('c'));
    assert_eq!(lock.owner(), Some('c'));
    assert_eq!(lock.give(LockHandoff::Barging), None);
    assert_eq!(lock.owner(), None);
}

#[test]
fn a_queue_without_room_takes_nothing() {
    let mut queue: Queue<&str, char> = Queue::new(Some(0));
    assert!(matches!(queue.put('a', "x"), QueueResult::Waits(_)));
    assert!(queue.is_empty() && queue.is_full());
}

/// What a limit grants to askers who come at these instants, each of whom uses it.
fn grants(tokens: &mut Tokens, asked: &[u64]) -> Vec<u64> {
    asked.iter().map(|&now| tokens.reserve(now)).collect()
}

#[test]
fn a_bucket_grants_its_burst_then_its_rate() {
    let mut bucket = Tokens::bucket(10, 3);
    assert_eq!(grants(&mut bucket, &[0; 6]), [0, 0, 0, 10, 20, 30]);
    // Full again once all that was reserved is refilled.
    assert_eq!(grants(&mut bucket, &[100; 5]), [100, 100, 100, 110, 120]);
    // A token that nobody used is the next one's.
    bucket.give_back(110);
    assert_eq!((bucket.peek(105), bucket.reserve(105)), (110, 110));
    assert_eq!(bucket.reserve(105), 130);
    bucket.give_back(130);
    assert_eq!(bucket.reserve(1_000), 1_000);
}

#[test]
fn a_window_never_holds_more_than_its_count() {
    let mut window = Tokens::window(2, 10);
    assert_eq!(grants(&mut window, &[0, 4, 5, 5, 6]), [0, 4, 10, 14, 20]);
    assert_eq!((window.peek(40), window.reserve(40)), (40, 40));
}

proptest! {
    /// Whatever is asked and given back: order is kept, nobody is early, and no stretch grants more than the rule allows.
    #[test]
    fn limits_hold(
        gaps in prop::collection::vec((0..30_u64, any::<bool>()), 1..60),
        interval in 1..20_u64,
        burst in 1..5_u64,
        sliding in any::<bool>(),
    ) {
        let mut tokens = if sliding {
            Tokens::window(usize::try_from(burst).unwrap(), interval * burst)
        } else {
            Tokens::bucket(interval, burst)
        };
        let (mut now, mut used) = (0, Vec::new());
        for (gap, gives_back) in gaps {
            now += gap;
            let at = tokens.reserve(now);
            prop_assert!(at >= now);
            if gives_back && at > now {
                tokens.give_back(at);
            } else {
                used.push(at);
            }
        }
        used.sort_unstable();
        for (i, &from) in used.iter().enumerate() {
            for (n, &to) in (1..).zip(&used[i..]) {
                let length = to - from;
                let most = if sliding {
                    burst * (length / (interval * burst) + 1)
                } else {
                    burst + length / interval
                };
                prop_assert!(n <= most, "{n} within {length}");
            }
        }
    }
}

proptest! {
    /// Tokens as hundredths, each deposit and withdrawal by itself.
    #[test]
    fn a_retry_budget_is_never_overdrawn(
        acts in prop::collection::vec(any::<bool>(), 0..200),
        percent in 1..=100_u32,
        most in 0..12_u64,
    ) {
        let mut budget = RetryBudget::full(most);
        let (mut hundredths, mut retries, mut first) = (most * 100, 0, 0);
        for deposits in acts {
            if deposits {
                budget.deposit(percent * 10_000, most);
                hundredths = (hundredths + u64::from(percent)).min(most * 100);
                first += 1;
            } else {
                let allowed = hundredths >= 100;
                prop_assert_eq!(budget.withdraw(), allowed);
                hundredths -= if allowed { 100 } else { 0 };
                retries += u64::from(allowed);
            }
            prop_assert!(retries * 100 <= most * 100 + first * u64::from(percent));
        }
    }
}

/// What happens to a breaker.
#[derive(Clone, Copy, Debug)]
enum BreakerOp {
    Ask,
    /// One of the calls under way ends: well, badly, or unheard of.
    End(prop::sample::Index, Option<bool>),
}

/// A breaker as its whole history: what it does follows from reading that from the beginning.
struct BreakerHistory(Vec<(u64, BreakerEvent)>);

#[derive(Clone, Copy)]
enum BreakerEvent {
    Came(Option<Passage>),
    Ended(Passage, Option<bool>),
}

impl BreakerHistory {
    /// Failures since the last success.
    fn in_a_row(&self) -> u64 {
        let mut ends = self.0.iter().rev().filter_map(|(_, e)| match e {
            BreakerEvent::Ended(_, how) => *how,
            BreakerEvent::Came(_) => None,
        });
        ends.by_ref().take_while(|ok| !ok).count() as u64
    }

    fn trials_under_way(&self) -> i64 {
        let of = |(_, e): &(u64, BreakerEvent)| match e {
            BreakerEvent::Came(Some(Passage::Trial)) => 1,
            BreakerEvent::Ended(Passage::Trial, _) => -1,
            BreakerEvent::Came(_) | BreakerEvent::Ended(..) => 0,
        };
        self.0.iter().map(of).sum()
    }

    /// When it opened last, unless enough trials have succeeded since somebody came through.
    fn opened(&self, rules: BreakerRules) -> Option<u64> {
        let (at, opened) = (0..self.0.len()).rev().find_map(|i| {
            let before = Self(self.0[..=i].to_vec());
            let (when, event) = self.0[i];
            let opens = match event {
                BreakerEvent::Ended(passage, Some(false)) => {
                    passage == Passage::Trial || before.in_a_row() >= rules.failures
                }
                BreakerEvent::Came(_) | BreakerEvent::Ended(..) => false,
            };
            opens.then_some((i, when))
        })?;
        let since = &self.0[at..];
        let tried = |e: &BreakerEvent| matches!(e, BreakerEvent::Came(Some(Passage::Trial)));
        let first = since.iter().position(|(_, e)| tried(e));
        let well = |(_, e): &&(u64, BreakerEvent)| {
            matches!(e, BreakerEvent::Ended(Passage::Trial, Some(true)))
        };
        let succeeded = first.map_or(0, |f| since[f..].iter().filter(well).count() as u64);
        (succeeded < rules.half_open).then_some(opened)
    }

    fn answer(&self, now: u64, rules: BreakerRules) -> Option<Passage> {
        let Some(opened) = self.opened(rules) else {
            return Some(Passage::Usual);
        };
        let due = now >= opened + rules.reset;
        let free = self.trials_under_way() < i64::try_from(rules.half_open).unwrap();
        (due && free).then_some(Passage::Trial)
    }
}

proptest! {
    #[test]
    fn a_breaker_does_what_its_history_says(
        ops in prop::collection::vec((0..8_u64, prop_oneof![
            3 => Just(BreakerOp::Ask),
            3 => (any::<prop::sample::Index>(), prop_oneof![
                3 => any::<bool>().prop_map(Some),
                1 => Just(None),
            ]).prop_map(|(which, how)| BreakerOp::End(which, how)),
        ]), 0..60),
        failures in 1..4_u64,
        reset in 1..20_u64,
        half_open in 1..3_u64,
    ) {
        let rules = BreakerRules { failures, reset, half_open };
        let (mut breaker, mut model) = (Breaker::new(rules), BreakerHistory(Vec::new()));
        let (mut now, mut under_way) = (0, Vec::new());
        for (gap, op) in ops {
            now += gap;
            match op {
                BreakerOp::Ask => {
                    let passage = breaker.ask(now);
                    prop_assert_eq!(passage, model.answer(now, rules));
                    model.0.push((now, BreakerEvent::Came(passage)));
                    under_way.extend(passage);
                }
                BreakerOp::End(..) if under_way.is_empty() => {}
                BreakerOp::End(which, how) => {
                    let passage = under_way.swap_remove(which.index(under_way.len()));
                    match how {
                        Some(true) => breaker.succeed(passage),
                        Some(false) => breaker.fail(passage, now),
                        None => breaker.forget(passage),
                    }
                    model.0.push((now, BreakerEvent::Ended(passage, how)));
                }
            }
            prop_assert_eq!(i64::try_from(breaker.trials()).unwrap(), model.trials_under_way());
        }
    }
}

/// What happens to a device: so long after what happened before somebody comes with so much work, or one of its users gives up.
#[derive(Clone, Debug)]
struct DeviceOp {
    after: u64,
    work: Option<u64>,
    who: prop::sample::Index,
}

fn device_ops() -> impl Strategy<Value = Vec<DeviceOp>> {
    let op = (
        0_u64..60,
        prop::option::weighted(0.8, 0_u64..100),
        any::<prop::sample::Index>(),
    );
    let op = op.prop_map(|(after, work, who)| DeviceOp { after, work, who });
    prop::collection::vec(op, 0..40)
}

fn sharing() -> impl Strategy<Value = Sharing> {
    prop_oneof![
        (1_u64..4).prop_map(Sharing::Servers),
        (
            1_u64..4,
            0_u64..3,
            prop_oneof![Just(0), Just(100_000), Just(333_333)]
        )
            .prop_map(|(each, more, penalty)| Sharing::Rate {
                all: each + more,
                each,
                penalty
            }),
    ]
}

/// What is left of a work that counts as done, as for the device itself; rounding errors of the model are far below.
const DONE: f64 = 1.0 / (1 << 20) as f64;

/// The naive model of a device: what is left of each user's work, worked off from one event to the next.
struct Sharers {
    sharing: Sharing,
    now: u64,
    /// Who, and what is left of his work, in the order of asking.
    users: Vec<(u64, f64)>,
}

impl Sharers {
    /// How many of the first are served, and how fast.
    fn served(&self) -> (usize, f64) {
        match self.sharing {
            Sharing::Servers(n) => (self.users.len().min(usize::try_from(n).unwrap()), 1.0),
            Sharing::Rate { all, each, penalty } => {
                let n = self.users.len() as f64;
                let slower = 1.0 + f64::from(penalty) / 1e6 * (n - 1.0);
                let speed = all as f64 / (n * slower) / each as f64;
                (self.users.len(), speed.min(1.0))
            }
        }
    }

    fn go_to(&mut self, at: u64) {
        let (served, speed) = self.served();
        for (_, left) in self.users.iter_mut().take(served) {
            *left -= (at - self.now) as f64 * speed;
        }
        self.now = at;
    }

    /// When the next one ends.
    fn next_end(&self) -> Option<u64> {
        let (served, speed) = self.served();
        let left = self.users.iter().take(served).map(|(_, left)| *left);
        let least = left.min_by(f64::total_cmp)?;
        let takes = ((least - DONE) / speed).ceil().max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "short and not negative"
        )]
        let takes = takes as u64;
        Some(self.now + takes)
    }

    fn ended(&mut self) -> Vec<u64> {
        let (served, _) = self.served();
        let done = |(i, (_, left)): &(usize, &(u64, f64))| *i < served && *left < DONE;
        let ended: Vec<u64> = self
            .users
            .iter()
            .enumerate()
            .filter(done)
            .map(|(_, (who, _))| *who)
            .collect();
        self.users.retain(|(who, _)| !ended.contains(who));
        ended
    }
}

proptest! {
    /// Whoever comes and goes, each is served as fast as the device's rule says, and work is neither made nor lost.
    #[test]
    fn a_device_serves_by_its_rule(sharing in sharing(), ops in device_ops()) {
        let mut device = Device::new(sharing);
        let mut model = Sharers { sharing, now: 0, users: Vec::new() };
        let mut work: Vec<u64> = Vec::new();
        let (mut done, mut present, mut at) = (0_u128, 0_u128, 0);
        // At last everybody has all the time that he needs.
        let last = ops.last().map(|o| DeviceOp { after: 1_000_000, work: None, who: o.who });
        for op in ops.into_iter().chain(last) {
            at += op.after;
            loop {
                prop_assert_eq!(device.next_end(), model.next_end());
                let Some(end) = device.next_end().filter(|end| *end <= at) else {
                    break;
                };
                model.go_to(end);
                let mut expected = model.ended();
                // Who ends gives his server to the next, who may need it for no time.
                while let Some(used) = device.end(end) {
                    if expected.is_empty() {
                        expected = model.ended();
                    }
                    let place = expected.iter().position(|who| *who == used.who);
                    prop_assert!(place.is_some(), "{} ends too early", used.who);
                    expected.remove(place.unwrap());
                    let asked_for = work[usize::try_from(used.who).unwrap()];
                    prop_assert_eq!(used.done, asked_for);
                    prop_assert!(used.done <= end - used.asked);
                    done += u128::from(used.done);
                    present += u128::from(end - used.asked);
                }
                prop_assert!(expected.is_empty(), "{expected:?} do not end");
            }
            model.go_to(at);
            if let Some(new) = op.work {
                let who = work.len() as u64;
                work.push(new);
                device.ask(at, new, who);
                model.users.push((who, new as f64));
            } else if !model.users.is_empty() {
                let (who, left) = model.users.remove(op.who.index(model.users.len()));
                let asked_for = work[usize::try_from(who).unwrap()];
                let used = device.give_up(at, who).unwrap();
                prop_assert!((used.done as f64 - (asked_for as f64 - left)).abs() <= 1.001);
                done += u128::from(used.done);
                present += u128::from(at - used.asked);
            }
            let (served, line) = device.counts();
            prop_assert_eq!(served + line, model.users.len());
            prop_assert_eq!(served, model.served().0);
        }
        let totals = device.totals();
        prop_assert_eq!((totals.done, totals.present), (done, present));
        prop_assert_eq!(totals.completed + totals.cut, work.len() as u64 - model.users.len() as u64);
    }
}

/// The rule of `folly::Codel`, read once more from its text: the least wait of each interval, kept as a list.
#[test]
fn a_standing_queue_is_told_from_a_burst() {
    let (target, interval) = (5, 100);
    let mut queue = StandingQueue::default();
    let (mut until, mut waits, mut overloaded) = (0_u64, vec![0_u64], false);
    let mut now = 0;
    let mut rejected = 0;
    for n in 0..20_000_u64 {
        now += n * 7_919 % 13;
        // Long stretches in which all wait, and others in which some do not.
        let waited = match (n / 500) % 3 {
            0 => n * 104_729 % 8,
            1 => 6 + n * 104_729 % 30,
            _ => n * 104_729 % 40,
        };
        let expected = if now > until {
            overloaded = *waits.iter().min().expect("some") > target;
            (until, waits) = (now + interval, vec![waited]);
            false
        } else {
            waits.push(waited);
            overloaded && waited > 2 * target
        };
        assert_eq!(
            queue.rejects(now, waited, target, interval),
            expected,
            "{n}"
        );
        rejected += u64::from(expected);
    }
    assert!((1_000..15_000).contains(&rejected), "{rejected}");
}
