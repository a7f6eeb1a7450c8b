//! A rate limit: so many in so long, by a token bucket or by a sliding window. It knows instants, as it is handed them, and no clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A rate limit, and the instants that it has granted. Instants are whole numbers of one unit, whichever.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    rule: Rule,
    /// Instants that were granted and given back unused.
    returned: BinaryHeap<Reverse<u64>>,
}

#[derive(Clone, Debug)]
enum Rule {
    /// A bucket of `burst` tokens, refilled by one each `interval`: the generic cell rate algorithm (ITU-T I.371), with the instant at which the
    /// bucket would be full again.
    Bucket {
        interval: u64,
        burst: u64,
        full_at: u64,
    },
    /// At most `count` within any `window`: the grants that still matter, in their order.
    Window {
        count: usize,
        window: u64,
        granted: VecDeque<u64>,
    },
}

impl Tokens {
    /// A token bucket that is full at 0: one token each `interval`, at most `burst` (at least one) at once.
    #[must_use]
    pub(crate) fn bucket(interval: u64, burst: u64) -> Self {
        Self::of(Rule::Bucket {
            interval,
            burst: burst.max(1),
            full_at: 0,
        })
    }

    /// A sliding window: at most `count` (at least one) within any stretch of `window`.
    #[must_use]
    pub(crate) fn window(count: usize, window: u64) -> Self {
        Self::of(Rule::Window {
            count: count.max(1),
            window,
            granted: VecDeque::new(),
        })
    }

    fn of(rule: Rule) -> Self {
        Self {
            rule,
            returned: BinaryHeap::new(),
        }
    }

    /// Reserves the next token, in the order of asking: the instant at which it is the asker's, `now` or later.
    pub(crate) fn reserve(&mut self, now: u64) -> u64 {
        self.drop_missed(now);
        let next = self.next(now);
        if let Some(at) = self.first_returned()
            && at <= next
        {
            self.returned.pop();
            return at;
        }
        match &mut self.rule {
            Rule::Bucket {
                interval, full_at, ..
            } => *full_at = (*full_at).max(now).saturating_add(*interval),
            Rule::Window {
                window, granted, ..
            } => {
                while granted
                    .front()
                    .is_some_and(|at| at.saturating_add(*window) <= now)
                {
                    granted.pop_front();
                }
                granted.push_back(next);
            }
        }
        next
    }

    /// When a token would be there for who asks now, without taking it.
    pub(crate) fn peek(&mut self, now: u64) -> u64 {
        self.drop_missed(now);
        let next = self.next(now);
        self.first_returned().map_or(next, |at| at.min(next))
    }

    /// A token that was reserved for an instant still to come is not used. Who asks before that instant may have it; after it nobody, for
    /// those who have reserved later ones rely on it.
    pub(crate) fn give_back(&mut self, at: u64) {
        self.returned.push(Reverse(at));
        // As if the last ones had never been reserved.
        while let Some(last) = self.last_reserved()
            && self.returned.iter().any(|&Reverse(r)| r == last)
        {
            let mut once = true;
            self.returned.retain(|&Reverse(r)| {
                let this = r == last && once;
                once &= !this;
                !this
            });
            match &mut self.rule {
                Rule::Bucket {
                    interval, full_at, ..
                } => *full_at -= *interval,
                Rule::Window { granted, .. } => {
                    granted.pop_back();
                }
            }
        }
    }

    fn first_returned(&self) -> Option<u64> {
        self.returned.peek().map(|&Reverse(at)| at)
    }

    fn last_reserved(&self) -> Option<u64> {
        match &self.rule {
            Rule::Bucket {
                interval,
                burst,
                full_at,
            } => full_at.checked_sub(interval.saturating_mul(*burst)),
            Rule::Window { granted, .. } => granted.back().copied(),
        }
    }

    fn next(&self, now: u64) -> u64 {
        match &self.rule {
            Rule::Bucket {
                interval,
                burst,
                full_at,
            } => {
                let credit = interval.saturating_mul(*burst - 1);
                now.max(full_at.saturating_sub(credit))
            }
            Rule::Window {
                count,
                window,
                granted,
            } => {
                let before = granted.len().checked_sub(*count).map(|i| granted[i]);
                before.map_or(now, |at| now.max(at.saturating_add(*window)))
            }
        }
    }

    fn drop_missed(&mut self, now: u64) {
        while self.first_returned().is_some_and(|at| at < now) {
            self.returned.pop();
        }
    }
}
