//! Measures the memory of a run's processes from time to time.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// The shortest time between two samples, because sampling is not cheap; on macOS every sample starts a `ps`.
const LEAST_INTERVAL: Duration =
    Duration::from_millis(if cfg!(target_os = "linux") { 2 } else { 200 });

/// Samples the memory of a process and its descendants until it is stopped.
pub(super) struct Sampler {
    stop: Sender<()>,
    thread: JoinHandle<Option<u64>>,
}

impl Sampler {
    /// Starts to sample the processes once every `interval` on average: the times between are spread from half of it to one and a half, so that
    /// programs that do something at regular times are not always seen in the same state.
    pub(super) fn start(leader: u32, interval: Duration) -> Self {
        let (stop, stopped) = channel();
        let interval = interval.max(LEAST_INTERVAL);
        let thread = std::thread::spawn(move || {
            let mut peak = None;
            let mut spread = 0.5;
            loop {
                peak = peak.max(together(leader));
                // Multiples of the golden ratio fill the range evenly.
                spread = (spread + 0.618_033_988_75) % 1.0;
                let pause = interval.mul_f64(0.5 + spread);
                if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    return peak;
                }
            }
        });
        Self { stop, thread }
    }

    /// Stops sampling. Returns the most memory that was seen at any one time, in bytes, if anything was seen.
    pub(super) fn stop(self) -> Option<u64> {
        drop(self.stop);
        self.thread.join().ok().flatten()
    }
}

/// The memory of a process and its descendants together, in bytes.
#[cfg(target_os = "linux")]
fn together(leader: u32) -> Option<u64> {
    let mut all = vec![leader];
    let mut next = 0;
    let mut listed = false;
    while next < all.len() {
        match children(all[next]) {
            Some(more) => all.extend(more),
            // A kernel without these lists of children: all processes of the machine are looked at instead.
            None if next == 0 => {
                listed = true;
                break;
            }
            None => {}
        }
        next += 1;
    }
    if listed {
        all = super::tree::family(leader).iter().map(|p| p.pid).collect();
    }
    let sum: u64 = all.into_iter().filter_map(proportional).sum();
    (sum > 0).then_some(sum)
}

#[cfg(target_os = "linux")]
fn children(pid: u32) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let list = std::fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
        all.extend(
            list.split_whitespace()
                .filter_map(|c| c.parse::<u32>().ok()),
        );
    }
    Some(all)
}

/// The memory of a process in bytes: its proportional set size, in which a page shared by n processes counts as 1/n, or its resident set
/// where the kernel does not report that.
#[cfg(target_os = "linux")]
fn proportional(pid: u32) -> Option<u64> {
    let pss = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))
        .ok()
        .and_then(|text| from_rollup(&text));
    pss.or_else(|| {
        let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    })
}

#[cfg(target_os = "linux")]
fn from_rollup(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix("Pss:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(not(target_os = "linux"))]
fn together(leader: u32) -> Option<u64> {
    let sum: u64 = super::tree::family(leader).iter().map(|p| p.resident).sum();
    (sum > 0).then_some(sum)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_size_is_read() {
        let text = "5580-7fff ---p 00000000 00:00 0 [rollup]\nRss:  900 kB\nPss:      12 kB\nPss_Dirty: 3 kB\n";
        assert_eq!(from_rollup(text), Some(12 * 1024));
        assert_eq!(from_rollup(""), None);
    }

    #[test]
    fn this_process_has_memory() {
        let bytes = together(std::process::id()).expect("readable");
        assert!(bytes > 500_000, "{bytes}");
    }
}
