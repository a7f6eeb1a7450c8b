//! Short names of contents: equal names, equal contents.

use std::fmt::{Debug, Write};

/// Hashes what is written to it (FNV-1a), so that a long trace never stands in memory as text.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = text.bytes().fold(self.0, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Ok(())
    }
}

/// Names a parsed scenario, or what else is to be told apart: comments and layout do not change it, every value does.
pub fn fingerprint(content: &impl Debug) -> String {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    write!(hash, "{content:?}").expect("hashing takes any text");
    format!("{:016x}", hash.0)
}

/// Names a text.
pub(super) fn of_text(text: &str) -> String {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.write_str(text).expect("hashing takes any text");
    format!("{:016x}", hash.0)
}
