//! Real servers, which are started, asked, and watched for what a request costs them.

use std::path::Path;
use std::time::Duration;

use super::samples::Samples;
use super::{BenchError, BenchPlan, BenchProgress, QUICK, later};
use crate::scenario::RequestHandling;

/// What such a measurement takes beside starting the interpreter: five rounds of requests, the client's part in them, as much time with few
/// requests and with none, and a warm-up.
const ROUNDS: Duration = Duration::from_secs(20);
const QUICK_ROUNDS: Duration = Duration::from_secs(7);

/// A server as calibration names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerBench {
    /// `gunicorn-sync`, say.
    pub(crate) name: &'static str,
    /// Modules that the interpreter has to have.
    pub(crate) modules: &'static [&'static str],
    /// What `pip` installs for them.
    pub(crate) packages: &'static str,
}

/// How the handling of requests is measured.
pub(crate) fn of(handling: RequestHandling) -> ServerBench {
    let (name, modules, packages): (_, &'static [&'static str], _) = match handling {
        RequestHandling::Uvicorn => ("uvicorn", &["uvicorn"], "uvicorn"),
        RequestHandling::UvicornWorker => (
            "gunicorn-uvicorn",
            &["gunicorn", "uvicorn_worker"],
            "gunicorn uvicorn-worker",
        ),
        RequestHandling::Hypercorn => ("hypercorn", &["hypercorn"], "hypercorn"),
        RequestHandling::GunicornSync => ("gunicorn-sync", &["gunicorn"], "gunicorn"),
        RequestHandling::GunicornGthread => ("gunicorn-gthread", &["gunicorn"], "gunicorn"),
    };
    ServerBench {
        name,
        modules,
        packages,
    }
}

/// About how long one server takes in a calibration of this length.
pub(super) fn length(time: Duration) -> Duration {
    if time <= QUICK { QUICK_ROUNDS } else { ROUNDS }
}

/// Measures each of the plan's servers. One that fails is among what failed, and its parameter is what it would have been.
pub(super) fn ask(
    python: &Path,
    folder: &Path,
    plan: &BenchPlan,
    samples: &mut Samples,
    progress: &mut dyn FnMut(&BenchProgress<'_>),
) -> Result<(), BenchError> {
    let e = plan.expected;
    for (i, handling) in plan.servers.iter().enumerate() {
        let server = of(*handling).name;
        let share = i as f64 / plan.servers.len() as f64;
        progress(&BenchProgress {
            what: &format!("requests to {server}"),
            share: e.share(e.bench + e.later, e.servers, share),
            round: samples.rounds,
        });
        let mut words = ["servers.py", "requests", server]
            .map(str::to_owned)
            .to_vec();
        if plan.time <= QUICK {
            words.push("quick".into());
        }
        later(python, folder, &words, samples)?;
    }
    Ok(())
}
