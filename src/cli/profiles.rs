//! `pchsim profiles`: the interpreter profiles that are shipped, and what is in one.

use clap::{Args as ClapArgs, Subcommand};

use super::{Exit, Printer, UserError};
use crate::calibrate::profiles;
use crate::cpython::profile::{PARAMS, Profile, Tag};

/// Lists the interpreter profiles, or shows one.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the shipped profiles.
    List,
    /// Shows every parameter of a profile: value, unit, where it comes from, meaning.
    Show {
        /// A shipped profile's name, or a file that ends in `.ron`.
        name: String,
    },
}

/// Runs the subcommand; the exit code.
pub fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let text = match &args.command {
        None | Some(Command::List) => list(),
        Some(Command::Show { name }) => {
            show(&profiles::find(name).map_err(|e| UserError::new(e.to_string()))?)
        }
    };
    printer.result(&text)?;
    Ok(Exit::Done as u8)
}

fn list() -> String {
    let mut out = String::new();
    for p in profiles::shipped() {
        let count = |which: fn(&Tag) -> bool| p.tags.iter().filter(|t| which(t)).count();
        out.push_str(&format!(
            "{:15} CPython {:8} {:13} {} measured, {} derived, {} default parameters\n                {}\n",
            p.name,
            p.version,
            if p.gil { "with GIL" } else { "free-threaded" },
            count(|t| matches!(t, Tag::Measured(_))),
            count(|t| matches!(t, Tag::Derived(_))),
            count(|t| matches!(t, Tag::Default)),
            p.origin,
        ));
    }
    out
}

fn show(p: &Profile) -> String {
    let mut out = format!(
        "{} (CPython {}, {}): {}\n\n",
        p.name,
        p.version,
        if p.gil { "with GIL" } else { "free-threaded" },
        p.origin
    );
    for (i, info) in PARAMS.iter().enumerate() {
        let source = match &p.tags[i] {
            Tag::Measured(metric) => format!("measured: {metric}"),
            Tag::Derived(how) => format!("derived: {how}"),
            Tag::Default => "default".into(),
            Tag::Absent(why) => format!("absent: {why}"),
        };
        let value = p.params.get(i);
        let value = if value == 0.0 || value >= 100.0 {
            format!("{value:.0}")
        } else {
            format!("{value:.4}")
        };
        out.push_str(&format!(
            "{:26} {value:>12} {:5} {source}\n{:46}{}\n",
            info.name,
            info.unit,
            "",
            info.meaning.trim()
        ));
    }
    for (what, curve) in [("dumps", &p.dumps), ("loads", &p.loads)] {
        let points: Vec<String> = curve
            .0
            .iter()
            .map(|(bytes, ns)| format!("{bytes:.0} B {:.1} us", ns / 1e3))
            .collect();
        out.push_str(&format!("{what}: {}\n", points.join(", ")));
    }
    out
}
