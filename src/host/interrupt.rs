//! Notices Ctrl-C and SIGTERM, so that a run can be ended in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

static SEEN: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Whether Ctrl-C or SIGTERM has come since [`watch_interrupts`] was called.
#[must_use]
pub fn interrupted() -> bool {
    SEEN.get().is_some_and(|seen| seen.load(Ordering::SeqCst))
}

/// From now on the first Ctrl-C (or SIGTERM) is only remembered, for [`interrupted`] to report, so that a run can be ended in order. The
/// second one ends this program at once, with exit code 130 (143). Calling this again changes nothing.
///
/// It should be called only by commands that ask [`interrupted`] from time to time: others would no longer react to the first signal at
/// all.
pub fn watch_interrupts() {
    SEEN.get_or_init(|| {
        let seen = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The handlers are registered in this order, so that the first signal finds the flag still unset. A signal that cannot be
            // watched keeps its usual effect, and then the guard ends what runs, so there is nothing to report.
            let _ = flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&seen))
                .and_then(|_| flag::register(signal, Arc::clone(&seen)));
        }
        seen
    });
}
