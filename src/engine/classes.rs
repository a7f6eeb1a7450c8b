//! Tie-break classes: the order of events that happen at the same instant.
//!
//! This order is part of the model, not an accident of the calendar. What is given back at time t is back before anyone asks for it at t; a
//! timer that ends at t wins against work that would start at t; and an arrival at t finds the state that everything under way has left.

/// Tie-break class of an event. At one instant classes happen in this order; within a class, in order of insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EventClass {
    /// Something under way ends: an operation, a service, a switch.
    Completion = 0,
    /// A resource that was held becomes free for others.
    Release = 1,
    /// A time-out or a sleep ends.
    Timer = 2,
    /// A waiter is told to go on.
    Wake = 3,
    /// A free resource is given to a ready thread; a time slice ends.
    Dispatch = 4,
    /// Something new arrives from outside.
    Arrival = 5,
    /// The run ends, after everything else that happens at that instant.
    End = 6,
}

impl EventClass {
    /// All classes, in their order.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] = [
        Self::Completion,
        Self::Release,
        Self::Timer,
        Self::Wake,
        Self::Dispatch,
        Self::Arrival,
        Self::End,
    ];
}

#[cfg(test)]
mod tests {
    use super::EventClass;

    #[test]
    fn the_list_is_in_order_and_complete() {
        for (number, class) in EventClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, number);
        }
    }
}
