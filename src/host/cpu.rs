//! What processes have used of the cores, as the system counts it (Linux; elsewhere nobody is asked).

/// CPU seconds of a process and all that has come of it: of those that live, and of those that have ended and been waited for. In hundredths of
/// a second for each process.
pub(super) fn of_tree(leader: u32) -> Option<f64> {
    let ticks = super::tree::family(leader)
        .iter()
        .filter_map(|p| of_process(p.pid))
        .reduce(|a, b| a + b)?;
    Some(seconds(ticks))
}

/// CPU seconds of this process, all its threads included.
pub(crate) fn own_cpu() -> Option<f64> {
    of_process(std::process::id()).map(seconds)
}

/// CPU seconds that these cores have worked for anybody; all cores where none are named.
pub(crate) fn busy(cores: &[usize]) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    busy_in(&text, cores).map(seconds)
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// User and system time of a process and of the children that it has waited for, in ticks.
fn of_process(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    ticks_of(&stat)
}

/// Reads a line of the form `PID (NAME) STATE PARENT ...`, in which the name may contain anything.
fn ticks_of(stat: &str) -> Option<u64> {
    let fields = stat.rsplit_once(')')?.1.split_whitespace();
    let times = fields.skip(11).take(4);
    let mut sum = 0u64;
    let mut read = 0;
    for time in times {
        sum = sum.saturating_add(time.parse().ok()?);
        read += 1;
    }
    (read == 4).then_some(sum)
}

/// All times but idle ones, and those of guests, which are counted as user time as well.
fn busy_in(text: &str, cores: &[usize]) -> Option<u64> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let core: usize = words.next()?.strip_prefix("cpu")?.parse().ok()?;
        if !cores.is_empty() && !cores.contains(&core) {
            return None;
        }
        let times: Vec<u64> = words.map_while(|w| w.parse().ok()).collect();
        let busy = [0, 1, 2, 5, 6, 7].map(|i| times.get(i).copied().unwrap_or(0));
        Some(busy.iter().sum::<u64>())
    };
    text.lines().filter_map(line).reduce(|a, b| a + b)
}

/// How often a process has waited, and how often it was taken off its core: voluntary and involuntary context switches of its first thread.
pub(super) fn switches(pid: u32) -> Option<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let of = |key: &str| -> Option<f64> {
        let line = status.lines().find_map(|l| l.strip_prefix(key))?;
        line.trim().parse().ok()
    };
    Some((
        of("voluntary_ctxt_switches:")?,
        of("nonvoluntary_ctxt_switches:")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_whatever_the_name_is() {
        let stat = "7 (a) b (c) S 3 5 5 0 -1 4194560 1 2 3 4 10 20 300 4000 20 0 1";
        assert_eq!(ticks_of(stat), Some(4330));
        assert_eq!(ticks_of("7 (gone) Z 3 5"), None);
        assert_eq!(ticks_of(""), None);
    }

    #[test]
    fn only_what_cores_work_counts() {
        let text = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 1000 500 10 20 30 7 7\ncpu1 100 0 0 5 0 0 0 0\nintr 5\n";
        assert_eq!(busy_in(text, &[]), Some(166));
        assert_eq!(busy_in(text, &[0]), Some(66));
        assert_eq!(busy_in(text, &[4]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_time() {
        let own = own_cpu().expect("readable");
        assert!(of_tree(std::process::id()).expect("readable") >= own);
        assert!(busy(&[]).expect("readable") >= own);
        assert!(switches(std::process::id()).is_some());
    }
}
