//! The queue M/M/c twice: on the engine's calendar, and as one would write it by hand over the standard library's heap.
//! The two see the same draws and compute the same numbers; a test holds them to that.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use pchsim::engine::{Calendar, EventClass, Nanos, StreamRole, random};
use rand_distr::{Distribution, Exp1};
use rand_pcg::Pcg64Dxsm;

/// A queue with Poisson arrivals and `servers` servers with exponential service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    /// Number of servers.
    pub(crate) servers: u32,
    /// Mean service time, in nanoseconds.
    pub(crate) service: f64,
    /// Offered load for each server, below 1.
    pub(crate) load: f64,
    /// How many customers arrive.
    pub(crate) customers: u64,
    /// Seed.
    pub(crate) seed: u64,
}

/// What a run observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Customers served.
    pub(crate) served: u64,
    /// Events: arrivals and departures.
    pub(crate) events: u64,
    /// Time spent waiting, over all customers.
    pub(crate) waited: u64,
    /// When the last customer left.
    pub(crate) end: u64,
}

impl Queue {
    /// One server at a load of 0.8.
    pub(crate) fn mm1(customers: u64) -> Self {
        Self {
            servers: 1,
            service: 1e6,
            load: 0.8,
            customers,
            seed: 1,
        }
    }

    /// Eight servers at a load of 0.8 each.
    pub(crate) fn mm8(customers: u64) -> Self {
        Self {
            servers: 8,
            ..Self::mm1(customers)
        }
    }

    fn draws(&self) -> Draws {
        Draws {
            interval: self.service / (self.load * f64::from(self.servers)),
            service: self.service,
            arrivals: random::stream(self.seed, 0, StreamRole::Arrivals),
            demands: random::stream(self.seed, 0, StreamRole::Demands),
        }
    }
}

/// The random part, the same for both loops.
struct Draws {
    interval: f64,
    service: f64,
    arrivals: Pcg64Dxsm,
    demands: Pcg64Dxsm,
}

impl Draws {
    #[inline]
    fn interval(&mut self) -> Nanos {
        let x: f64 = Exp1.sample(&mut self.arrivals);
        Nanos::from_f64(x * self.interval)
    }

    #[inline]
    fn service(&mut self) -> Nanos {
        let x: f64 = Exp1.sample(&mut self.demands);
        Nanos::from_f64(x * self.service)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Departure,
    Arrival,
}

/// On the engine.
pub(crate) fn engine(queue: &Queue) -> Seen {
    let mut calendar = Calendar::new();
    let mut draws = queue.draws();
    let mut waiting: VecDeque<(Nanos, Nanos)> = VecDeque::new();
    let mut free = queue.servers;
    let mut to_come = queue.customers;
    let mut seen = Seen::default();
    if to_come > 0 {
        calendar.set_lane(draws.interval(), EventClass::Arrival, Event::Arrival);
    }
    while let Some((now, event)) = calendar.pop() {
        seen.events += 1;
        match event {
            Event::Arrival => {
                to_come -= 1;
                if to_come > 0 {
                    calendar.set_lane(now + draws.interval(), EventClass::Arrival, Event::Arrival);
                }
                let service = draws.service();
                if free > 0 {
                    free -= 1;
                    calendar.push(now + service, EventClass::Completion, Event::Departure);
                } else {
                    waiting.push_back((now, service));
                }
            }
            Event::Departure => {
                seen.served += 1;
                seen.end = now.0;
                if let Some((arrived, service)) = waiting.pop_front() {
                    seen.waited += now.since(arrived).0;
                    calendar.push(now + service, EventClass::Completion, Event::Departure);
                } else {
                    free += 1;
                }
            }
        }
    }
    seen
}

/// By hand: the loop that anyone writes first, over `std::collections::BinaryHeap`.
pub(crate) fn by_hand(queue: &Queue) -> Seen {
    let mut heap: BinaryHeap<Reverse<(u64, u64, Event)>> = BinaryHeap::new();
    let mut sequence = 0_u64;
    let mut draws = queue.draws();
    let mut waiting: VecDeque<(u64, u64)> = VecDeque::new();
    let mut free = queue.servers;
    let mut to_come = queue.customers;
    let mut seen = Seen::default();
    if to_come > 0 {
        heap.push(Reverse((draws.interval().0, sequence, Event::Arrival)));
        sequence += 1;
    }
    while let Some(Reverse((now, _, event))) = heap.pop() {
        seen.events += 1;
        match event {
            Event::Arrival => {
                to_come -= 1;
                if to_come > 0 {
                    heap.push(Reverse((
                        now + draws.interval().0,
                        sequence,
                        Event::Arrival,
                    )));
                    sequence += 1;
                }
                let service = draws.service().0;
                if free > 0 {
                    free -= 1;
                    heap.push(Reverse((now + service, sequence, Event::Departure)));
                    sequence += 1;
                } else {
                    waiting.push_back((now, service));
                }
            }
            Event::Departure => {
                seen.served += 1;
                seen.end = now;
                if let Some((arrived, service)) = waiting.pop_front() {
                    seen.waited += now - arrived;
                    heap.push(Reverse((now + service, sequence, Event::Departure)));
                    sequence += 1;
                } else {
                    free += 1;
                }
            }
        }
    }
    seen
}
