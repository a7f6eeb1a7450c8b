//! What a program that embeds pchsim needs, in four names: a [`Scenario`], [`Options`], [`simulate`], a [`Study`].

use std::path::Path;

use crate::profiles::{self, FindError};
use crate::result::Study;
use crate::scenario::Scenario;
use crate::strategy;
use crate::study::{Options, StudyError, run_study};
use crate::syntax::{self, Diagnostic, render};

/// Why there is no forecast.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The scenario cannot be read, or makes no sense: each problem with its place in the text.
    #[error("{}", render(.0, false).trim_end())]
    Scenario(Vec<Diagnostic>),
    /// There is no such interpreter profile, or it cannot be read.
    #[error(transparent)]
    Profile(#[from] FindError),
    /// The study cannot be made.
    #[error(transparent)]
    Study(#[from] StudyError),
}

impl Scenario {
    /// A shipped scenario by its name, or the scenario in a file.
    ///
    /// ```
    /// let scenario = pchsim::Scenario::load("scraper")?;
    /// assert_eq!(scenario.machine.cores.len(), 4);
    /// # Ok::<(), pchsim::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Scenario`] with all that is wrong with it.
    pub fn load(name_or_file: &str) -> Result<Self, Error> {
        syntax::load(name_or_file, &[]).map_err(Error::Scenario)
    }

    /// A scenario from its text, with fields set by their paths as `--set` does.
    ///
    /// ```
    /// let text = r#"(
    ///     schema: 1,
    ///     name: "pages",
    ///     workload: (
    ///         arrivals: Batch,
    ///         tasks: [(name: "page", count: 100, steps: [Io("100ms"), Cpu("10ms")])],
    ///     ),
    /// )"#;
    /// let scenario = pchsim::Scenario::parse(text, &[("machine.cores", "8")])?;
    /// assert_eq!(scenario.machine.cores.len(), 8);
    /// # Ok::<(), pchsim::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Scenario`] with all that is wrong with it.
    pub fn parse(text: &str, set: &[(&str, &str)]) -> Result<Self, Error> {
        let owned = |(path, value): &(&str, &str)| ((*path).to_owned(), (*value).to_owned());
        let set: Vec<(String, String)> = set.iter().map(owned).collect();
        syntax::parse(text, Path::new("scenario"), &set).map_err(Error::Scenario)
    }
}

/// Simulates a scenario under every strategy that it names (or a full set of them) on its interpreters, and compares them. The same scenario,
/// options and version give the same [`Study`] everywhere.
///
/// ```
/// use pchsim::{Options, Quantity, Scenario, simulate};
///
/// let scenario = Scenario::load("scraper")?;
/// let study = simulate(&scenario, &Options::default().with_replications(2))?;
/// let take = &study.forecasts[study.answer().expect("some strategy works").take];
/// assert!(take.get(Quantity::Makespan).is_some());
/// # Ok::<(), pchsim::Error>(())
/// ```
///
/// # Errors
/// When an interpreter's profile is not found, or the scenario is beyond the program's limits.
pub fn simulate(scenario: &Scenario, options: &Options) -> Result<Study, Error> {
    let profiles = profiles::of_scenario(scenario, profiles::find)?;
    let study = run_study(scenario, &profiles, options, strategy::simulate, &|_| {})?;
    Ok(study)
}
