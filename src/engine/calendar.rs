//! The calendar: the events that are scheduled, in the order in which they happen.
//!
//! One ordering rule, packed into one number: time, then tie-break [`EventClass`], then insertion. Three places hold the
//! events, and the rule alone decides between them:
//! - the *front*: one event that is earlier than the whole heap. What is pushed now and happens next (the usual case in
//!   a simulation with little overlap) never touches the heap;
//! - the *lane*: one event of a stream whose events are known in order (arrivals). Such a stream keeps one event here
//!   and sets the next one when that is taken, so that ten million arrivals to come cost no memory. Setting it again
//!   replaces what it holds;
//! - the *heap*: everything else, four children to a node.
//!
//! Nothing can be cancelled: whoever schedules keeps a generation beside the event, and ignores it when it comes up stale.

use super::{EventClass, Nanos};

/// Position of an event in the calendar's order: time, class, and order of insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey(u128);

impl EventKey {
    /// Later than every event; the next key of an empty calendar.
    pub(crate) const NEVER: Self = Self(u128::MAX);

    const SEQUENCE_BITS: u32 = 56;

    #[inline]
    const fn new(at: Nanos, class: EventClass, sequence: u64) -> Self {
        Self(((at.0 as u128) << 64) | ((class as u128) << Self::SEQUENCE_BITS) | sequence as u128)
    }

    /// The first key of a class at an instant: before every event of that class and time, after every event of an earlier class or time.
    /// `calendar.next_key() < EventKey::at(t, class)` asks whether an event comes before it.
    #[cfg(test)]
    #[inline]
    pub(crate) const fn at(at: Nanos, class: EventClass) -> Self {
        Self::new(at, class, 0)
    }

    /// The time of the key.
    #[inline]
    pub(crate) const fn time(self) -> Nanos {
        Nanos((self.0 >> 64) as u64)
    }

    /// The time and the number of the class (`EventClass as u8`), without the order of insertion.
    #[cfg(test)]
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "eight bits above the sequence are the class"
    )]
    pub(crate) const fn parts(self) -> (Nanos, u8) {
        (self.time(), (self.0 >> Self::SEQUENCE_BITS) as u8)
    }
}

#[derive(Clone, Copy, Debug)]
struct HeapEntry<E> {
    key: EventKey,
    event: E,
}

/// Number of children of a node of the heap.
const ARITY: usize = 4;

/// Events in order of (time, class, insertion).
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    /// The smallest key of all three places: asked for far more often than it changes.
    next: EventKey,
    /// Key of the front event, which is earlier than the whole heap; `NEVER` if there is none.
    front_key: EventKey,
    front: Option<E>,
    lane_key: EventKey,
    lane: Option<E>,
    heap: Vec<HeapEntry<E>>,
    /// The smallest key in the heap.
    heap_key: EventKey,
    /// Whether the root has been taken and its place not been filled yet. The next scheduled event usually fills it, which saves one walk
    /// through the heap.
    vacant: bool,
    sequence: u64,
    peak: usize,
}

impl<E: Copy> Default for Calendar<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Copy> Calendar<E> {
    /// An empty calendar.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            next: EventKey::NEVER,
            front_key: EventKey::NEVER,
            front: None,
            lane_key: EventKey::NEVER,
            lane: None,
            heap: Vec::new(),
            heap_key: EventKey::NEVER,
            vacant: false,
            sequence: 0,
            peak: 0,
        }
    }

    /// Schedules an event.
    #[inline]
    pub fn push(&mut self, at: Nanos, class: EventClass, event: E) {
        let key = self.new_key(at, class);
        if key < self.next {
            self.next = key;
        }
        if key < self.front_key.min(self.heap_key) {
            let earlier = std::mem::replace(&mut self.front_key, key);
            if let Some(event) = self.front.replace(event) {
                self.push_heap(earlier, event);
            }
        } else {
            self.push_heap(key, event);
        }
    }

    /// Schedules the next event of a stream whose events are known in order, replacing the one that the lane holds, if any. Ordered exactly
    /// as by [`Calendar::push`], only cheaper.
    #[inline]
    pub fn set_lane(&mut self, at: Nanos, class: EventClass, event: E) {
        self.lane_key = self.new_key(at, class);
        self.lane = Some(event);
        self.next = self.first_key();
    }

    /// Takes back what the lane holds, if anything.
    pub(crate) fn clear_lane(&mut self) {
        self.lane_key = EventKey::NEVER;
        self.lane = None;
        self.next = self.first_key();
    }

    /// Removes the first event; returns it with its time.
    #[inline]
    pub fn pop(&mut self) -> Option<(Nanos, E)> {
        let key = self.next;
        // Keys are unique, so equality tells which place the smallest one is in.
        let event = if key == self.lane_key {
            self.lane_key = EventKey::NEVER;
            self.lane.take()?
        } else if key == self.front_key {
            self.front_key = EventKey::NEVER;
            self.front.take()?
        } else {
            self.pop_heap()?
        };
        self.next = self.first_key();
        Some((key.time(), event))
    }

    /// Time of the first event; `None` if there is none.
    #[cfg(test)]
    #[inline]
    pub(crate) fn peek_time(&self) -> Option<Nanos> {
        if self.next == EventKey::NEVER {
            None
        } else {
            Some(self.next.time())
        }
    }

    /// Time of the first event, [`Nanos::MAX`] if there is none; costs a single load.
    #[inline]
    pub(crate) fn next_time(&self) -> Nanos {
        self.next.time()
    }

    /// Key of the first event, [`EventKey::NEVER`] if there is none. By comparing it with [`EventKey::at`], a caller can decide a tie exactly as
    /// [`Calendar::pop`] would.
    #[cfg(test)]
    #[inline]
    pub(crate) fn next_key(&self) -> EventKey {
        self.next
    }

    /// Number of scheduled events.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.heap.len() - usize::from(self.vacant)
            + usize::from(self.front.is_some())
            + usize::from(self.lane.is_some())
    }

    /// Whether no event is scheduled.
    #[cfg(test)]
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.next == EventKey::NEVER
    }

    /// Greatest number of events in the heap at once since the start or the last [`Calendar::clear`]; the front and the lane (one event
    /// each) are left out.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    /// Number of events scheduled since the start or the last [`Calendar::clear`].
    #[cfg(test)]
    pub(crate) fn pushed(&self) -> u64 {
        self.sequence
    }

    /// Empties the calendar and starts counting afresh; memory is kept.
    #[cfg(test)]
    pub(crate) fn clear(&mut self) {
        let mut heap = std::mem::take(&mut self.heap);
        heap.clear();
        *self = Self {
            heap,
            ..Self::new()
        };
    }

    #[inline]
    fn new_key(&mut self, at: Nanos, class: EventClass) -> EventKey {
        debug_assert!(self.sequence < 1 << EventKey::SEQUENCE_BITS);
        let key = EventKey::new(at, class, self.sequence);
        self.sequence += 1;
        key
    }

    #[inline]
    fn first_key(&self) -> EventKey {
        self.front_key.min(self.heap_key).min(self.lane_key)
    }

    #[inline]
    fn push_heap(&mut self, key: EventKey, event: E) {
        let entry = HeapEntry { key, event };
        if self.vacant {
            self.vacant = false;
            sift_down(&mut self.heap, entry);
        } else {
            let hole = self.heap.len();
            self.heap.push(entry);
            sift_up(&mut self.heap, hole, entry);
            self.peak = self.peak.max(self.heap.len());
        }
        self.heap_key = self.heap_key.min(key);
    }

    #[inline]
    fn pop_heap(&mut self) -> Option<E> {
        if self.vacant {
            self.vacant = false;
            if let Some(last) = self.heap.pop() {
                sift_down(&mut self.heap, last);
            }
        }
        let event = self.heap.first()?.event;
        if self.heap.len() == 1 {
            self.heap.clear(); // A vacant root always has a child.
            self.heap_key = EventKey::NEVER;
        } else {
            self.vacant = true;
            self.heap_key = match four_from(&self.heap, 1) {
                Some([a, b, c, d]) => a.key.min(b.key).min(c.key.min(d.key)),
                None => self.heap[1..]
                    .iter()
                    .fold(EventKey::NEVER, |least, entry| least.min(entry.key)),
            };
        }
        Some(event)
    }
}

/// The four entries from index `child` on, if there are as many.
#[inline]
fn four_from<E>(heap: &[HeapEntry<E>], child: usize) -> Option<&[HeapEntry<E>; ARITY]> {
    heap.get(child..).and_then(|rest| rest.first_chunk())
}

/// Puts an entry into a heap whose root is vacant.
///
/// The hole moves all the way down, and the entry up from there: it nearly always belongs near the bottom, so comparing with it on the way
/// down would be wasted. The least of four children is chosen without branches, because their outcome would be random to the processor.
fn sift_down<E: Copy>(heap: &mut [HeapEntry<E>], entry: HeapEntry<E>) {
    let mut hole = 0;
    let mut child = 1;
    while let Some(four) = four_from(heap, child) {
        let left = usize::from(four[1].key < four[0].key);
        let right = 2 + usize::from(four[3].key < four[2].key);
        let least = if four[right].key < four[left].key {
            right
        } else {
            left
        };
        heap[hole] = four[least];
        hole = child + least;
        child = hole * ARITY + 1;
    }
    let rest = heap.get(child..).unwrap_or_default();
    if let Some((least, &below)) = rest.iter().enumerate().min_by_key(|(_, below)| below.key) {
        heap[hole] = below;
        hole = child + least;
    }
    sift_up(heap, hole, entry);
}

/// Puts an entry into the hole, or above it, where it belongs.
#[inline]
fn sift_up<E: Copy>(heap: &mut [HeapEntry<E>], mut hole: usize, entry: HeapEntry<E>) {
    while hole > 0 {
        let parent = (hole - 1) / ARITY;
        if heap[parent].key < entry.key {
            break;
        }
        heap[hole] = heap[parent];
        hole = parent;
    }
    heap[hole] = entry;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn events_come_in_order_of_time_class_and_insertion() {
        let mut calendar = Calendar::new();
        calendar.push(Nanos(5), EventClass::Arrival, 'e');
        calendar.push(Nanos(5), EventClass::Timer, 'c');
        calendar.push(Nanos(9), EventClass::Completion, 'g');
        calendar.push(Nanos(5), EventClass::Timer, 'd');
        calendar.push(Nanos(5), EventClass::Completion, 'b');
        calendar.set_lane(Nanos(5), EventClass::Arrival, 'f');
        calendar.push(Nanos(1), EventClass::End, 'a');
        assert_eq!(calendar.len(), 7);
        let order: String = std::iter::from_fn(|| calendar.pop().map(|(_, event)| event)).collect();
        assert_eq!(order, "abcdefg");
        assert!(calendar.is_empty());
        assert_eq!(calendar.pushed(), 7);
    }

    #[test]
    fn the_head_can_be_compared_as_pop_compares() {
        let mut calendar = Calendar::new();
        assert_eq!(calendar.peek_time(), None);
        assert_eq!(calendar.next_time(), Nanos::MAX);
        assert_eq!(calendar.next_key(), EventKey::NEVER);
        calendar.push(Nanos(7), EventClass::Timer, ());
        assert_eq!(calendar.peek_time(), Some(Nanos(7)));
        assert_eq!(
            calendar.next_key().parts(),
            (Nanos(7), EventClass::Timer as u8)
        );
        assert!(calendar.next_key() < EventKey::at(Nanos(7), EventClass::Arrival));
        assert!(calendar.next_key() > EventKey::at(Nanos(7), EventClass::Completion));
        assert!(calendar.next_key() > EventKey::at(Nanos(6), EventClass::End));
        assert!(calendar.next_key() < EventKey::at(Nanos(8), EventClass::Completion));
    }

    #[test]
    fn the_last_instant_is_before_never() {
        let mut calendar = Calendar::new();
        calendar.push(Nanos::MAX, EventClass::End, 1);
        assert!(!calendar.is_empty());
        assert_eq!(calendar.peek_time(), Some(Nanos::MAX));
        assert_eq!(calendar.pop(), Some((Nanos::MAX, 1)));
        assert_eq!(calendar.pop(), None);
    }

    #[test]
    fn a_cleared_calendar_is_as_new_but_keeps_its_memory() {
        let mut calendar = Calendar::new();
        for i in 0..100 {
            calendar.push(Nanos(100 - i), EventClass::Timer, i);
        }
        calendar.set_lane(Nanos(3), EventClass::Arrival, 3);
        let capacity = calendar.heap.capacity();
        assert!(calendar.peak() >= 99);
        calendar.clear();
        assert_eq!(
            (
                calendar.len(),
                calendar.pushed(),
                calendar.peak(),
                calendar.pop()
            ),
            (0, 0, 0, None)
        );
        assert_eq!(calendar.heap.capacity(), capacity);
    }

    #[test]
    fn a_deep_calendar_stays_in_order() {
        let mut rng = crate::engine::random::stream(1, 0, crate::engine::StreamRole::Timer);
        let mut at = || Nanos(rand::Rng::next_u64(&mut rng) % 5_000);
        let mut calendar = Calendar::new();
        let mut model = std::collections::BTreeSet::new();
        for event in 0..20_000_u64 {
            let at = at();
            calendar.push(at, EventClass::Timer, event);
            model.insert((at, event));
            if event % 3 == 0 {
                assert_eq!(calendar.pop(), model.pop_first());
            }
        }
        assert!(calendar.peak() > 10_000);
        while let Some(first) = model.pop_first() {
            assert_eq!(calendar.pop(), Some(first));
        }
        assert_eq!(calendar.pop(), None);
    }

    #[derive(Clone, Copy, Debug)]
    enum Action {
        Push(u64, EventClass),
        Lane(u64, EventClass),
        Pop,
        Clear,
    }

    fn action() -> impl Strategy<Value = Action> {
        // Few instants and all classes make ties common.
        let class = || prop::sample::select(&EventClass::ALL[..]);
        prop_oneof![
            8 => (0_u64..20, class()).prop_map(|(at, class)| Action::Push(at, class)),
            2 => (0_u64..20, class()).prop_map(|(at, class)| Action::Lane(at, class)),
            7 => Just(Action::Pop),
            1 => (0_u64..40).prop_map(|n| if n == 0 { Action::Clear } else { Action::Pop }),
        ]
    }

    proptest! {
        /// Compares the calendar with a sorted list, with the front slot, the lane and ties.
        #[test]
        fn a_calendar_is_a_sorted_list(actions in prop::collection::vec(action(), 0..400), rising in any::<bool>()) {
            let mut calendar = Calendar::new();
            let mut model: Vec<(Nanos, EventClass, u64)> = Vec::new();
            let mut lane = None;
            let mut pushed = 0;
            let mut now = 0;
            for action in actions {
                match action {
                    Action::Push(at, class) | Action::Lane(at, class) => {
                        let at = Nanos(if rising { now + at } else { at });
                        if matches!(action, Action::Push(..)) {
                            calendar.push(at, class, pushed);
                        } else {
                            calendar.set_lane(at, class, pushed);
                            if let Some(replaced) = lane.replace(pushed) {
                                model.retain(|&(_, _, event)| event != replaced);
                            }
                        }
                        let entry = (at, class, pushed);
                        model.insert(model.partition_point(|e| *e < entry), entry);
                        pushed += 1;
                    }
                    Action::Pop => {
                        let expected = (!model.is_empty()).then(|| model.remove(0));
                        prop_assert_eq!(calendar.pop(), expected.map(|(at, _, event)| (at, event)));
                        now = expected.map_or(now, |(at, ..)| at.0);
                        lane = lane.filter(|&waiting| expected.is_none_or(|(.., event)| event != waiting));
                    }
                    Action::Clear => {
                        calendar.clear();
                        model.clear();
                        lane = None;
                        pushed = 0;
                    }
                }
                prop_assert_eq!(calendar.len(), model.len());
                prop_assert_eq!(calendar.is_empty(), model.is_empty());
                prop_assert_eq!(calendar.peek_time(), model.first().map(|e| e.0));
                prop_assert_eq!(calendar.next_time(), model.first().map_or(Nanos::MAX, |e| e.0));
                prop_assert_eq!(calendar.pushed(), pushed);
                if let Some(&(at, class, _)) = model.first() {
                    prop_assert_eq!(calendar.next_key().parts(), (at, class as u8));
                }
            }
            for (at, _, event) in model {
                prop_assert_eq!(calendar.pop(), Some((at, event)));
            }
            prop_assert_eq!(calendar.pop(), None);
        }
    }
}
