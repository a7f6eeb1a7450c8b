//! Finds and ends all processes of a run.
//!
//! A run's first process leads a process group. Children that leave the group (`setsid`) are found as its descendants. On Linux, those
//! whose parents are gone are found as well, by the mark that every process of the run has in its environment.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The environment variable whose value marks the processes of a run.
pub(super) const MARK: &str = "PCHSIM_RUN";
/// How long a process may take to end by itself after it was asked to (SIGTERM).
const GRACE: Duration = Duration::from_millis(300);
/// How long the processes are killed again and again (SIGKILL) until none is left.
const INSISTENCE: Duration = Duration::from_secs(5);
/// How often to look whether the processes are gone.
const LOOK: Duration = Duration::from_millis(10);

/// A process as the operating system lists it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) pid: u32,
    parent: u32,
    group: u32,
    zombie: bool,
    /// Resident memory in bytes. On Linux it is 0, because memory is read elsewhere.
    #[cfg_attr(
        target_os = "linux",
        expect(
            dead_code,
            reason = "Linux knows a better measure than resident memory"
        )
    )]
    pub(super) resident: u64,
}

/// The processes of one run.
#[derive(Clone, Debug)]
pub(super) struct ProcessTree {
    leader: Option<u32>,
    mark: String,
}

impl ProcessTree {
    /// The run with this mark, and with this first process if it is known.
    pub(super) fn new(leader: Option<u32>, mark: &str) -> Self {
        Self {
            leader,
            mark: format!("{MARK}={mark}"),
        }
    }

    /// Ends all processes of the run. It first asks them to end, so that Python's resource tracker can remove what they leave in the
    /// system, and then kills those that are left until there are none.
    pub(super) fn end(&self) {
        if self.alive().is_empty() {
            return;
        }
        self.signal(Signal::TERM);
        if self.gone_within(GRACE) {
            return;
        }
        let until = Instant::now() + INSISTENCE;
        while Instant::now() < until {
            self.signal(Signal::KILL);
            if self.gone_within(LOOK) {
                return;
            }
        }
    }

    fn gone_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            std::thread::sleep(LOOK);
            if self.alive().is_empty() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = |id: u32| i32::try_from(id).ok().and_then(Pid::from_raw);
        // A process that has ended between the look and the signal needs no signal.
        if let Some(leader) = self.leader.and_then(pid) {
            let _ = kill_process_group(leader, signal);
        }
        for member in self.alive().into_iter().filter_map(pid) {
            let _ = kill_process(member, signal);
        }
    }

    fn alive(&self) -> Vec<u32> {
        let listed = list();
        let mut members: HashSet<u32> = listed
            .iter()
            .filter(|p| Some(p.group) == self.leader || marked(p.pid, &self.mark))
            .map(|p| p.pid)
            .collect();
        members.extend(self.leader);
        add_descendants(&mut members, &listed);
        let alive = |p: &&Listed| members.contains(&p.pid) && !p.zombie;
        listed.iter().filter(alive).map(|p| p.pid).collect()
    }
}

fn add_descendants(members: &mut HashSet<u32>, listed: &[Listed]) {
    loop {
        let before = members.len();
        for p in listed {
            if members.contains(&p.parent) {
                members.insert(p.pid);
            }
        }
        if members.len() == before {
            return;
        }
    }
}

/// The children of a process that have not ended, in the order in which they were started, as far as the operating system lists them.
pub(super) fn children(parent: u32) -> Vec<u32> {
    let listed = list().into_iter();
    let mut all: Vec<u32> = listed
        .filter(|p| p.parent == parent && !p.zombie)
        .map(|p| p.pid)
        .collect();
    all.sort_unstable();
    all
}

/// Sends a signal to a process; nothing to one that has ended.
pub(crate) fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// A process and all its descendants, as far as the operating system lists them.
pub(super) fn family(leader: u32) -> Vec<Listed> {
    let listed = list();
    let mut members = HashSet::from([leader]);
    add_descendants(&mut members, &listed);
    listed
        .into_iter()
        .filter(|p| members.contains(&p.pid))
        .collect()
}

#[cfg(target_os = "linux")]
fn list() -> Vec<Listed> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            from_stat(pid, &stat)
        })
        .collect()
}

/// Reads a line of the form `PID (NAME) STATE PARENT GROUP ...`, in which the name may contain anything.
#[cfg(target_os = "linux")]
fn from_stat(pid: u32, stat: &str) -> Option<Listed> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    Some(Listed {
        pid,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        zombie: matches!(state, "Z" | "X"),
        resident: 0,
    })
}

#[cfg(target_os = "linux")]
fn marked(pid: u32, mark: &str) -> bool {
    // The environments of other users' processes cannot be read, but these are not part of the run.
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|all| all.split(|b| *b == 0).any(|one| one == mark.as_bytes()))
}

#[cfg(not(target_os = "linux"))]
fn list() -> Vec<Listed> {
    let ps = std::process::Command::new("ps")
        .args(["-axo", "pid=,ppid=,pgid=,rss=,stat="])
        .stdin(std::process::Stdio::null())
        .output();
    let Ok(ps) = ps else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&ps.stdout);
    text.lines().filter_map(from_ps).collect()
}

#[cfg(not(target_os = "linux"))]
fn from_ps(line: &str) -> Option<Listed> {
    let mut fields = line.split_whitespace();
    let mut number = || fields.next()?.parse::<u32>().ok();
    let (pid, parent, group, kib) = (number()?, number()?, number()?, number()?);
    Some(Listed {
        pid,
        parent,
        group,
        zombie: fields.next().is_some_and(|s| s.starts_with('Z')),
        resident: u64::from(kib) * 1024,
    })
}

#[cfg(not(target_os = "linux"))]
fn marked(_: u32, _: &str) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let p = from_stat(7, "7 (a) b (c) S 3 5 5 0 -1").expect("well formed");
        assert_eq!((p.parent, p.group, p.zombie), (3, 5, false));
        assert!(
            from_stat(7, "7 (gone) Z 3 5 5")
                .expect("well formed")
                .zombie
        );
        assert!(from_stat(7, "").is_none());
    }

    #[test]
    fn descendants_of_descendants_are_found() {
        let p = |pid, parent| Listed {
            pid,
            parent,
            group: 0,
            zombie: false,
            resident: 0,
        };
        let mut members = HashSet::from([1]);
        add_descendants(&mut members, &[p(4, 3), p(3, 2), p(2, 1), p(9, 8)]);
        assert_eq!(members, HashSet::from([1, 2, 3, 4]));
    }
}
