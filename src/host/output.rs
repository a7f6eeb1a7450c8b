//! Reads what a run prints, within bounds.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};

/// The longest line of output, in bytes.
const LINE_LIMIT: usize = 16 << 20;
/// The number of bytes that are kept of the start of standard error, and as many of its end.
const KEPT: usize = 16 << 10;

/// Reads lines until the stream ends, and passes each to `line`. Returns false if there were more than `limit` bytes, or a line longer than
/// the longest allowed. `count` is told the number of bytes of every read. Reading also stops when `line` returns false, because nobody
/// listens any more.
pub(super) fn lines(
    stream: impl Read,
    limit: u64,
    mut count: impl FnMut(u64),
    mut line: impl FnMut(String) -> bool,
) -> bool {
    let mut reader = BufReader::with_capacity(64 << 10, stream);
    let (mut total, mut current) = (0_u64, Vec::new());
    loop {
        let chunk = match reader.fill_buf() {
            Ok([]) => break,
            Ok(chunk) => chunk,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let end = chunk.iter().position(|b| *b == b'\n');
        let used = end.map_or(chunk.len(), |at| at + 1);
        current.extend_from_slice(&chunk[..used]);
        reader.consume(used);
        total += used as u64;
        count(used as u64);
        if total > limit || current.len() > LINE_LIMIT {
            return false;
        }
        if end.is_some() && !line(text(&mut current)) {
            return true;
        }
    }
    if !current.is_empty() {
        line(text(&mut current));
    }
    true
}

fn text(bytes: &mut Vec<u8>) -> String {
    let all = String::from_utf8_lossy(bytes);
    let line = all.trim_end_matches(['\n', '\r']).to_owned();
    bytes.clear();
    line
}

/// The start and the end of a stream.
#[derive(Debug, Default)]
pub(super) struct Ends {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    /// The number of bytes between the two, which were not kept.
    left_out: u64,
}

impl Ends {
    /// Appends bytes of the stream.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.tail.extend(&bytes[room..]);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
        self.left_out += surplus as u64;
    }

    /// The kept bytes as text, which says where something was left out.
    pub(super) fn text(&self) -> String {
        let (a, b) = self.tail.as_slices();
        let tail = [a, b].concat();
        if self.left_out == 0 {
            return String::from_utf8_lossy(&[&self.head[..], &tail].concat()).into_owned();
        }
        format!(
            "{}\n[... {} bytes left out ...]\n{}",
            String::from_utf8_lossy(&self.head),
            self.left_out,
            String::from_utf8_lossy(&tail)
        )
    }
}

/// Reads a stream to its end and passes every piece to `add`. Returns false if there were more than `limit` bytes.
pub(super) fn pieces(mut stream: impl Read, limit: u64, mut add: impl FnMut(&[u8])) -> bool {
    let (mut buffer, mut total) = (vec![0; 16 << 10], 0_u64);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(n) => {
                add(&buffer[..n]);
                total += n as u64;
                if total > limit {
                    return false;
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], limit: u64) -> (bool, Vec<String>) {
        let mut all = Vec::new();
        let whole = lines(
            input,
            limit,
            |_| (),
            |l| {
                all.push(l);
                true
            },
        );
        (whole, all)
    }

    #[test]
    fn lines_come_one_by_one() {
        let (whole, all) = read(b"one\r\n\n\xfftwo\nlast", 100);
        assert!(whole);
        assert_eq!(all, ["one", "", "\u{fffd}two", "last"]);
        assert!(!read(b"one\ntwo\n", 4).0);
        assert!(read(b"", 0).0);
    }

    #[test]
    fn a_line_without_end_is_too_much() {
        let endless = std::io::repeat(b'x');
        assert!(!lines(endless, u64::MAX, |_| (), |_| true));
    }

    #[test]
    fn both_ends_are_kept() {
        let mut ends = Ends::default();
        ends.add(b"start");
        assert_eq!(ends.text(), "start");
        for _ in 0..100 {
            ends.add(&[b'.'; 1000]);
        }
        ends.add(b"end");
        let text = ends.text();
        assert!(text.starts_with("start") && text.ends_with("end"));
        assert!(
            text.contains("[... 67240 bytes left out ...]"),
            "{}",
            &text[KEPT..KEPT + 60]
        );
        assert!(text.len() < 2 * KEPT + 100);
    }
}
