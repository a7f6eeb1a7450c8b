//! What comes first among things that happen at the same instant.
//!
//! The order is part of the model, not an accident of the calendar: whoever gives something back at time t has given it
//! back before anyone asks for it at t, a timer that ends at t wins against work that would start at t, and somebody who
//! arrives at t finds the world as everything that was already under way has left it.

/// Tie-break class of an event. At one instant classes happen in this order; within a class, in order of insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EventClass {
    /// Something that was under way ends: an operation, a service, a switch.
    Completion = 0,
    /// Something that was held becomes free for others.
    Release = 1,
    /// A time-out or a sleep ends.
    Timer = 2,
    /// Somebody who waited is told to go on.
    Wake = 3,
    /// A free place is given to somebody who is ready; a time slice ends.
    Dispatch = 4,
    /// Something new comes from outside.
    Arrival = 5,
    /// The run ends: after everything else that happens at that instant.
    End = 6,
}

impl EventClass {
    /// All classes, in their order.
    pub const ALL: [Self; 7] = [
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
