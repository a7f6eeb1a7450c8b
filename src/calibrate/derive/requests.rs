//! What servers' own handling of a request costs.

use super::figures::Figures;
use crate::cpython::profile::{Params, Profile, Tag};
use crate::scenario::RequestHandling;

/// Fills in what nobody has measured with this interpreter: the table's values, which are those of the baseline interpreter, times its
/// `cpu_factor`, as other Python code has it.
///
/// The table's were measured with CPython 3.13.0, 15 000 requests one after another, median of five rounds: uvicorn 393 us, without its log
/// 300, hypercorn 443, sync 113, gthread 270 (rounds within 17 %), over that interpreter's `cpu_factor` on that machine, 1.166. What a request
/// takes besides where they are 0.1 s apart, middle of five rounds: uvicorn (with uvloop) 560 us, `UvicornWorker` 390, hypercorn 715, sync 470,
/// gthread 600; a tick: uvicorn 161 us, `UvicornWorker` 200, hypercorn 192; both on another machine, with a `cpu_factor` of 1.41.
pub(crate) fn unmeasured_requests(profile: &mut Profile) {
    let baseline = Params::default();
    for i in parameters().filter_map(Profile::index) {
        if matches!(profile.tags[i], Tag::Default | Tag::Derived(_)) {
            let usual = baseline.get(i);
            *profile.params.get_mut(i) = usual * profile.params.cpu_factor;
            let us = usual / 1e3;
            profile.tags[i] = Tag::Derived(format!(
                "{us} us, measured once with CPython 3.13, for the baseline interpreter, times cpu_factor"
            ));
        }
    }
}

/// The parameters about servers.
fn parameters() -> impl Iterator<Item = &'static str> {
    let handling = RequestHandling::ALL.into_iter();
    handling.map(RequestHandling::parameter).chain([
        "request_cold",
        "server_tick",
        "message_celery",
    ])
}

/// What was measured with this interpreter.
pub(super) fn requests(d: &mut super::Draft, f: &Figures<'_>) {
    for name in parameters() {
        let figure = format!("{name}_us");
        d.measured(name, f.raw(&figure).map(|us| us * 1e3), &figure);
    }
}
