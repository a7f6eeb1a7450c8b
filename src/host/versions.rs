//! The versions of CPython that can be used.

/// The oldest version that can be used: 3.9.
pub(crate) const OLDEST_MINOR: u32 = 9;
/// The newest version that is known: 3.15.
pub(crate) const NEWEST_MINOR: u32 = 15;
