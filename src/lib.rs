//! `pchsim` forecasts how a Python workload behaves under every concurrency strategy, by simulating cores, the operating
//! system and CPython's own mechanisms (GIL, pools, pipes, event loop) event by event.
//!
//! To embed it: load or write a [`Scenario`], [`simulate`] it, read the [`Study`].
//!
//! ```
//! let scenario = pchsim::Scenario::load("scraper")?;
//! let study = pchsim::simulate(&scenario, &pchsim::Options::default().with_replications(2))?;
//! print!("{}", pchsim::report::text(&study, Default::default()));
//! # Ok::<(), pchsim::Error>(())
//! ```
//!
//! Rooms, lower ones never import higher ones:
//! [`engine`] (clock, calendar, random streams), [`sync`] (what is waited for, by itself), [`measure`] (statistics), [`scenario`] (what is
//! simulated), [`syntax`] (how that is written), [`machine`] (cores, scheduler, timers, cache lines), [`cpython`] (the runtime), [`strategy`]
//! (a strategy tree compiled to simulated threads), [`quantity`] (what is counted, and its words), [`result`] (what comes out, as one
//! type), [`study`] (many simulations), [`layout`] (text for a terminal), [`insight`] (what results mean), [`contrast`] (what two results have between them), [`plan`] (capacity planning), [`advise`] (which
//! approach to take), [`charts`] (figures), [`report`]
//! (results as text), [`traces`] (recorded runs), [`page`] (results as a page), [`live`] (what everybody does at an instant), [`host`] (the
//! real machine: its interpreters, and programs run on them), [`learn`] (a scenario from a trace of a real program), [`profiles`] (of
//! interpreters: shipped, found, read), [`calibrate`] (real interpreters measured into profiles), [`verify`] (forecasts held against
//! generated programs that run here), [`validate`] (against what was measured elsewhere), [`cli`] (the terminal).

pub mod advise;
pub mod calibrate;
pub mod charts;
pub mod cli;
pub mod contrast;
pub mod cpython;
pub mod engine;
pub mod host;
pub mod insight;
pub mod layout;
pub mod learn;
pub mod live;
pub mod machine;
pub mod measure;
pub mod page;
pub mod plan;
pub mod profiles;
pub mod quantity;
pub mod report;
pub mod result;
pub mod scenario;
pub mod strategy;
pub mod study;
pub mod sync;
pub mod syntax;
pub mod traces;
pub mod validate;
pub mod verify;

mod facade;

pub use cpython::profile::Profile;
pub use facade::{Error, simulate};
pub use quantity::Quantity;
pub use result::{Forecast, Study, Sweep};
pub use scenario::Scenario;
pub use study::Options;
