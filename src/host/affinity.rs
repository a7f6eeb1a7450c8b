//! On which cores threads of this process run (Linux).

/// The cores that this process may use, in their order; empty where the system does not tell.
pub(crate) fn own_cores() -> Vec<usize> {
    #[cfg(target_os = "linux")]
    if let Ok(set) = rustix::thread::sched_getaffinity(None) {
        return (0..rustix::thread::CpuSet::MAX_CPU)
            .filter(|core| set.is_set(*core))
            .collect();
    }
    Vec::new()
}

/// Confines the calling thread, and threads and processes that it starts later, to these cores; whether the system does so.
pub(crate) fn pin(cores: &[usize]) -> bool {
    #[cfg(target_os = "linux")]
    {
        let mut set = rustix::thread::CpuSet::new();
        cores.iter().for_each(|core| set.set(*core));
        !cores.is_empty() && rustix::thread::sched_setaffinity(None, &set).is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = cores;
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_confined_and_its_process_is_not() {
        let all = own_cores();
        let last = *all.last().expect("some");
        let seen = std::thread::spawn(move || (pin(&[last]), own_cores()))
            .join()
            .expect("no panic");
        assert_eq!(seen, (true, vec![last]));
        assert_eq!(own_cores(), all);
        assert!(!pin(&[]));
    }
}
