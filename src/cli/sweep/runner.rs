//! The points of a sweep as the command line describes them: loaded, simulated, kept and shown.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Printer, SweepSetup, UserError};
use crate::cli::printer::SweepProgress;
use crate::cli::selection::find_profile;
use crate::cpython::profile::Profile;
use crate::host;
use crate::insight::{Best, best_of_point};
use crate::profiles::file::to_ron;
use crate::profiles::of_scenario;
use crate::result::{Study, row_lines};
use crate::scenario::Scenario;
use crate::strategy::{self, Outcome, SimError, SimInput};
use crate::study::sweep::Store;
use crate::study::sweep::{Advance, SweepBackend, rows};
use crate::study::{set_workers, text_fingerprint};

/// The points of a sweep.
pub(super) struct PointRunner<'a> {
    setting: &'a SweepSetup,
    profiles: Mutex<BTreeMap<String, Profile>>,
    progress: SweepProgress,
    kept: Mutex<Kept>,
}

struct Kept {
    store: Store,
    best: Option<Best>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> PointRunner<'a> {
    pub(super) fn new(setting: &'a SweepSetup, printer: &Printer) -> Self {
        Self {
            setting,
            profiles: Mutex::default(),
            progress: printer.sweep_progress(setting.plan.len()),
            kept: Mutex::new(Kept {
                store: Store::memory(),
                best: None,
            }),
        }
    }

    /// Finished points go to this store, which holds so many already.
    pub(super) fn keeping(self, store: Store, points: usize) -> Self {
        self.progress.start(points as u64);
        Self {
            kept: Mutex::new(Kept { store, best: None }),
            ..self
        }
    }

    /// Takes the display away, and gives back what is kept.
    pub(super) fn end(self) -> Store {
        self.progress.finish();
        let kept = self.kept.into_inner();
        kept.unwrap_or_else(PoisonError::into_inner).store
    }

    /// Names the contents of all profiles that were loaded, as their files would say them.
    pub(super) fn profiles_hash(&self) -> String {
        let profiles = lock(&self.profiles);
        let texts: Vec<String> = profiles
            .iter()
            .map(|(name, profile)| format!("{name}\n{}", to_ron(profile)))
            .collect();
        text_fingerprint(&texts.concat())
    }

    /// The same of each profile by itself.
    pub(super) fn profile_hashes(&self) -> Vec<(String, String)> {
        let profiles = lock(&self.profiles);
        let hash = |p: &Profile| text_fingerprint(&to_ron(p));
        profiles
            .iter()
            .map(|(name, profile)| (name.clone(), hash(profile)))
            .collect()
    }

    fn profile(&self, name: &str) -> anyhow::Result<Profile> {
        if let Some(found) = lock(&self.profiles).get(name) {
            return Ok(found.clone());
        }
        let found = find_profile(name)?;
        lock(&self.profiles).insert(name.to_owned(), found.clone());
        Ok(found)
    }

    fn load_point(&self, number: u64) -> anyhow::Result<(Scenario, Vec<Profile>)> {
        let s = self.setting;
        let point = s.plan.point(number);
        let (changes, workers) = s.axes.changes(&point, &s.base);
        let mut scenario = s.source.changed(&changes)?.scenario;
        let profiles = of_scenario(&scenario, |name| self.profile(name))?;
        if let Some(n) = workers {
            set_workers(&mut scenario, &profiles, n);
        }
        Ok((scenario, profiles))
    }
}

impl SweepBackend for PointRunner<'_> {
    type Error = anyhow::Error;

    fn load(&self, number: u64) -> anyhow::Result<(Scenario, Vec<Profile>)> {
        self.load_point(number).map_err(|e| {
            let s = self.setting;
            let place = s.axes.place(&s.plan.point(number));
            let which = format!(
                "{place} (point {} of {}) cannot be simulated",
                number + 1,
                s.plan.len()
            );
            match e.downcast_ref::<UserError>() {
                Some(UserError::Message(text)) => UserError::new(format!("{which}: {text}")).into(),
                Some(UserError::Diagnostics { all, .. }) => UserError::Diagnostics {
                    context: Some(which),
                    all: all.clone(),
                }
                .into(),
                None => e.context(which),
            }
        })
    }

    fn simulate(&self, input: &SimInput<'_>) -> Result<Outcome, SimError> {
        strategy::simulate(input)
    }

    fn finished(&self, number: u64, study: &Study) -> anyhow::Result<()> {
        let s = self.setting;
        let rows = rows(&s.header, &s.plan.point(number), study);
        let best = best_of_point(&s.header, &rows);
        let mut kept = lock(&self.kept);
        kept.store.keep(number, row_lines(&rows))?;
        let better = best.filter(|b| kept.best.as_ref().is_none_or(|k| b.is_better_than(k)));
        if let Some(best) = better {
            self.progress.best(best.text());
            kept.best = Some(best);
        }
        Ok(())
    }

    fn advanced(&self, advance: Advance) {
        self.progress.show(advance);
    }

    fn stopped(&self) -> bool {
        host::interrupted()
    }
}
