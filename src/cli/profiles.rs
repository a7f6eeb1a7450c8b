//! `pchsim profiles`: shows which interpreter profiles there are, what is in one of them, and how two differ.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{Exit, Printer, UserError, candidates};
use crate::cpython::profile::{PARAMS, Profile, Tag};
use crate::layout;
use crate::layout::Style;
use crate::layout::{Column, clipped, entries, padded, width, words};
use crate::profiles;
use crate::profiles::diff::{ParamDifference, differences};
use crate::profiles::found::found;

/// The version of the output of `profiles diff --format json`.
const DIFF_SCHEMA: u32 = 1;

/// Lists the interpreter profiles, shows one, or compares two.
///
/// Shipped profiles are part of the program. Profile files (*.ron) are found in the current directory, in ./profiles and
/// in the directories that PCHSIM_PROFILES lists (separated as in PATH); they go by the name that stands in them. A shipped
/// name always means the shipped profile.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<ProfilesCommand>,
}

#[derive(Debug, Subcommand)]
enum ProfilesCommand {
    /// List the shipped profiles, and those found in files.
    List,
    /// Show every parameter of a profile: value, unit, where it comes from, meaning.
    Show {
        /// A profile's name, or a file that ends in `.ron`.
        #[arg(add = candidates::profile())]
        name: String,
    },
    /// Compare two profiles, cost by cost; what differs most comes first.
    Diff(DiffArgs),
}

#[derive(Debug, ClapArgs)]
struct DiffArgs {
    /// A profile's name, or a file that ends in `.ron`.
    #[arg(add = candidates::profile())]
    first: String,
    /// The profile to compare it with.
    #[arg(add = candidates::profile())]
    second: String,
    /// Show equal costs as well.
    #[arg(long, conflicts_with = "threshold")]
    all: bool,
    /// Show only costs that differ by more than this share of the smaller value.
    #[arg(long, value_name = "PERCENT", default_value = "0%", value_parser = share)]
    threshold: f64,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table.
    Text,
    /// One JSON object.
    Json,
}

fn share(text: &str) -> Result<f64, String> {
    let value = match text.trim().strip_suffix('%') {
        Some(p) => p.trim().parse::<f64>().map(|p| p / 100.0),
        None => text.trim().parse(),
    };
    match value {
        Ok(p) if p >= 0.0 && p.is_finite() => Ok(p),
        _ => Err("write a share of at least zero: 15%, or 0.15".into()),
    }
}

fn find(name: &str) -> anyhow::Result<Profile> {
    profiles::find(name).map_err(|e| UserError::new(e.to_string()).into())
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// There is no such profile, its file is damaged, or standard output cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let text = match &args.command {
        None | Some(ProfilesCommand::List) => list(printer),
        Some(ProfilesCommand::Show { name }) => show(&find(name)?, printer.style(false, false)),
        Some(ProfilesCommand::Diff(args)) => diff(args, printer.style(false, false))?,
    };
    printer.result(&text)?;
    Ok(Exit::Done as u8)
}

fn list(printer: &Printer) -> String {
    let shipped = profiles::shipped();
    let style = printer.style(false, false);
    let mut out: String = shipped.iter().map(|p| entry(p, "", style)).collect();
    let (found, broken) = found();
    // A copy of a shipped profile is nothing new.
    for f in found.iter().filter(|f| !shipped.contains(&f.profile)) {
        let name = &f.profile.name;
        let file = f.path.display();
        let twins = found
            .iter()
            .filter(|g| g.profile.name == *name && g.profile != f.profile);
        let note = if shipped.iter().any(|p| p.name == *name) {
            "; this name means the shipped profile: use the file's"
        } else if twins.count() > 0 {
            "; not the only one of this name: use the file's"
        } else {
            ""
        };
        out.push_str(&entry(&f.profile, &format!("in {file}{note}"), style));
    }
    for b in broken {
        printer.warn(&format!("warning: not a usable profile: {}", b.error));
    }
    out
}

fn gil(p: &Profile) -> &'static str {
    if p.gil { "with GIL" } else { "free-threaded" }
}

fn entry(p: &Profile, place: &str, style: Style) -> String {
    let count = |which: fn(&Tag) -> bool| p.tags.iter().filter(|t| which(t)).count();
    let head = format!(
        "{} CPython {} {}",
        padded(&p.name, 15, false),
        padded(&p.version, 8, false),
        padded(gil(p), 13, false)
    );
    let counts = [
        format!("{} measured", count(|t| matches!(t, Tag::Measured(_)))),
        format!("{} derived", count(|t| matches!(t, Tag::Derived(_)))),
        format!(
            "{} default parameters",
            count(|t| matches!(t, Tag::Default))
        ),
    ];
    let indent = " ".repeat(16);
    let mut lines = if width(&head) + 24 > style.width {
        let mut lines = words(head.trim_end(), "", &indent, style);
        lines.extend(entries(&counts, ", ", &indent, &indent, style));
        lines
    } else {
        entries(&counts, ", ", &format!("{head} "), &indent, style)
    };
    for line in [place, &p.origin].into_iter().filter(|l| !l.is_empty()) {
        lines.extend(words(line, &indent, &indent, style));
    }
    lines.join("\n") + "\n"
}

fn diff(args: &DiffArgs, style: Style) -> anyhow::Result<String> {
    let (first, second) = (find(&args.first)?, find(&args.second)?);
    let all = differences(&first, &second);
    let compared = all.len();
    let differ = all.iter().filter(|d| d.share() > 0.0).count();
    let wanted = |d: &&ParamDifference| args.all || d.share() > args.threshold;
    let rows: Vec<&ParamDifference> = all.iter().filter(wanted).collect();
    Ok(match args.format {
        Format::Json => {
            let report = json!({
                "schema": DIFF_SCHEMA,
                "first": head_json(&first),
                "second": head_json(&second),
                "compared": compared,
                "differ": differ,
                "differences": rows.iter().map(|d| row_json(d)).collect::<Vec<_>>(),
            });
            format!("{report:#}\n")
        }
        Format::Text => {
            let heads = [("A: ", &first), ("B: ", &second)].into_iter();
            let heads = heads.flat_map(|(label, p)| words(&heading(p), label, "   ", style));
            let mut out = heads.collect::<Vec<_>>().join("\n") + "\n";
            out.push_str(&format!("{differ} of {compared} costs differ"));
            if args.threshold > 0.0 {
                let percent = args.threshold * 100.0;
                out.push_str(&format!(", {} of them by more than {percent}%", rows.len()));
            }
            out.push('\n');
            if !rows.is_empty() {
                out.push_str(&table(&rows, style));
            }
            if rows.iter().any(|d| d.beyond_spreads() == Some(true)) {
                out.push_str("* beyond the spreads of both measurements\n");
            }
            out
        }
    })
}

fn heading(p: &Profile) -> String {
    format!(
        "{} (CPython {}, {}): {}",
        p.name,
        p.version,
        gil(p),
        p.origin
    )
}

fn head_json(p: &Profile) -> Value {
    json!({ "name": p.name, "version": p.version, "gil": p.gil, "origin": p.origin })
}

/// A value is null where the interpreter cannot do what it is the cost of; `ratio` is null there and where the first value is
/// zero, `difference` there and where either is: there is no such number. A spread is null
/// where it was not measured, and `beyond_spreads` where either is.
fn row_json(d: &ParamDifference) -> Value {
    let finite = |x: f64| x.is_finite().then_some(x);
    json!({
        "parameter": d.name,
        "unit": d.unit,
        "first": d.first,
        "second": d.second,
        "ratio": d.ratio().and_then(finite),
        "difference": finite(d.share()),
        "first_spread": d.first_spread,
        "second_spread": d.second_spread,
        "beyond_spreads": d.beyond_spreads(),
    })
}

/// Where there is no room the ratio goes first.
fn table(rows: &[&ParamDifference], style: Style) -> String {
    let column = |title: &str, number, dispensable| Column {
        title: title.into(),
        number,
        dispensable,
        ..Column::default()
    };
    let columns = [
        Column {
            key: true,
            name: true,
            ..column("cost", false, 0)
        },
        column("unit", false, 2),
        column("A", true, 0),
        column("B", true, 0),
        column("B/A", true, 3),
        column("", false, 0),
    ];
    let cells = rows.iter().map(|d| {
        let ratio = match d.ratio() {
            Some(r) if r.is_finite() => format!("{r:.3}"),
            _ => "-".into(),
        };
        let mark = match d.beyond_spreads() {
            Some(true) => "*",
            _ => "",
        };
        let (a, b) = (formatted(d.first), formatted(d.second));
        let texts = [d.name.clone(), d.unit.to_string(), a, b, ratio];
        let mark = mark.to_owned();
        texts.into_iter().chain([mark]).collect()
    });
    let cells: Vec<Vec<String>> = cells.collect();
    let lines = layout::table(&columns, &cells, style, false).lines;
    format!("\n{}\n", lines.join("\n"))
}

/// A cost of something that the interpreter cannot do is no number.
fn formatted(value: Option<f64>) -> String {
    value.map_or_else(|| "absent".into(), number)
}

fn number(value: f64) -> String {
    if value == 0.0 || value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.4}")
    }
}

fn show(p: &Profile, style: Style) -> String {
    let mut lines = words(&heading(p), "", "  ", style);
    lines.push(String::new());
    // Beside the value, or below it where that would be a narrow column.
    let beside = style.width >= 100;
    let indent = " ".repeat(if beside { 46 } else { 4 });
    for (i, info) in PARAMS.iter().enumerate() {
        let source = match &p.tags[i] {
            Tag::Measured(metric) => format!("measured: {metric}"),
            Tag::Derived(how) => format!("derived: {how}"),
            Tag::Default => "default".into(),
            Tag::Absent(why) => format!("absent: {why}"),
        };
        let value = number(p.params.get(i));
        if beside {
            let first = format!("{:26} {value:>12} {:5} ", info.name, info.unit);
            lines.extend(words(&source, &first, &indent, style));
        } else {
            let first = format!("{:26} {value} {}", info.name, info.unit);
            lines.push(clipped(first.trim_end(), style));
            lines.extend(words(&source, &indent, &indent, style));
        }
        lines.extend(words(info.meaning.trim(), &indent, &indent, style));
    }
    for (what, curve) in [
        ("dumps", &p.dumps),
        ("loads", &p.loads),
        ("receives", &p.receives),
    ] {
        let points: Vec<String> = curve
            .0
            .iter()
            .map(|(bytes, ns)| format!("{bytes:.0} B {:.1} us", ns / 1e3))
            .collect();
        lines.extend(entries(&points, ", ", &format!("{what}: "), "  ", style));
    }
    lines.join("\n") + "\n"
}
