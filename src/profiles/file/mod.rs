//! The file format of interpreter profiles: RON, with one schema for shipped, derived and users' own profiles.
//!
//! Every parameter stands on a line of its own with its value, its unit and its source, so that a profile can be read, compared and edited
//! by hand. All costs are those of the machine at its best speed.

mod schema;

use crate::engine::Nanos;
use std::fmt::Write as _;
use std::path::Path;

use crate::cpython::profile::{CostCurve, PARAMS, Profile, Provenance, Tag};
use crate::syntax::{input, likeness};
use schema::File;

/// The version of the file format that this program reads and writes.
pub(crate) const SCHEMA: u32 = 1;

/// Why a profile could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file could not be read.
    #[error(
        "cannot read the profile {path}: {}; `pchsim profiles` lists those that can be named, `pchsim calibrate -o FILE.ron` makes one",
        input::reason(source)
    )]
    Unreadable {
        /// The path of the file.
        path: String,
        /// Why the operating system refused.
        source: std::io::Error,
    },
    /// The file is not a profile.
    #[error("{path}:{line}:{column}: {message}")]
    Malformed {
        /// The path of the file.
        path: String,
        /// The line of the mistake, from 1.
        line: usize,
        /// The column of the mistake, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
}

/// Writes a profile as RON. Its overheads must be those of the machine's best speed, because `slowness` is not part of the file.
pub fn to_ron(profile: &Profile) -> String {
    let mut out = String::new();
    let text = |s: &str| format!("{s:?}");
    let curve = |c: &CostCurve| {
        c.0.iter()
            .map(|(x, y)| format!("({x:?}, {y:?})"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    out.push_str("// An interpreter profile: what the runtime's own work costs on one machine at its best speed.\n(\n");
    let head = [
        ("schema", SCHEMA.to_string()),
        ("name", text(&profile.name)),
        ("version", text(&profile.version)),
        ("minor", profile.minor.to_string()),
        ("gil", profile.gil.to_string()),
        ("origin", text(&profile.origin)),
    ];
    for (key, value) in head {
        let _ = writeln!(out, "    {key}: {value},");
    }
    if let Some(p) = &profile.provenance {
        write_provenance(&mut out, p);
    }
    out.push_str("    params: {\n");
    for (i, info) in PARAMS.iter().enumerate() {
        let tag = match &profile.tags[i] {
            Tag::Measured(metric) => format!("Measured({metric:?})"),
            Tag::Derived(how) => format!("Derived({how:?})"),
            Tag::Default => "Default".to_owned(),
            Tag::Absent(why) => format!("Absent({why:?})"),
        };
        let (name, unit, value) = (info.name, info.unit, profile.params.get(i));
        // An operation that an interpreter cannot do has no cost, not even zero.
        let value = match &profile.tags[i] {
            Tag::Absent(_) => String::new(),
            _ => format!("value: {value:?}, "),
        };
        let spread = match profile.spreads[i] {
            Some((least, greatest)) => format!("spread: ({least:?}, {greatest:?}), "),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "        {name:?}: ({value}unit: {unit:?}, {spread}tag: {tag}),"
        );
    }
    out.push_str("    },\n");
    out.push_str("    // Pickling and unpickling of a payload: (bytes, ns).\n");
    let _ = writeln!(out, "    dumps: [{}],", curve(&profile.dumps));
    let _ = writeln!(out, "    loads: [{}],", curve(&profile.loads));
    if !profile.receives.0.is_empty() {
        out.push_str("    // What receiving one in several reads costs besides: (bytes, ns).\n");
        let _ = writeln!(out, "    receives: [{}],", curve(&profile.receives));
    }
    out.push_str(")\n");
    out
}

fn write_provenance(out: &mut String, p: &Provenance) {
    let optional = |known: Option<bool>| known.map_or("None".to_owned(), |k| format!("Some({k})"));
    let (b, m) = (&p.build, &p.machine);
    let points = |points: &[(Nanos, Nanos)]| {
        let points: Vec<String> = (points.iter())
            .map(|(idle, what)| format!("({}, {})", idle.0, what.0))
            .collect();
        points.join(", ")
    };
    let _ = writeln!(
        out,
        "    measured: (\n        date: {:?},\n        rounds: {},\n        // How much slower than at its best the machine ran meanwhile, in the mean.\n        slowness: {:?},",
        p.date, p.rounds, p.slowness
    );
    let _ = writeln!(
        out,
        "        build: (compiler: {:?}, pgo: {}, lto: {}, debug: {}),",
        b.compiler,
        optional(b.pgo),
        optional(b.lto),
        b.debug
    );
    let _ = writeln!(
        out,
        "        machine: (\n            system: {:?},\n            cpu: {:?},\n            cores: {},\n            // One iteration of the reference loop at best speed, in ns.\n            loop_ns: {:?},",
        m.system, m.cpu, m.cores, m.loop_ns
    );
    let _ = writeln!(
        out,
        "            base_slice_ns: {},\n            // (idle time of the core, latency of a wake-up), in ns.\n            wake_latency_ns: [{}],\n            // (idle time of the core, CPU of whoever wakes a thread there), (idle time, extra CPU of the woken), in ns.\n            wake_send_ns: [{}],\n            wake_cpu_ns: [{}],\n            // After how long an idle core is not found by wake-ups any more.\n            halted_after_ns: {},\n            // How often a core that becomes idle looks at once for threads that wait on others.\n            new_idle: {},\n            // By which share a core is slower while all others are busy.\n            interference: {:?},\n            pipe_ns_per_byte: {:?},\n            syscall_ns: {},\n        ),\n    ),",
        m.base_slice.0,
        points(&m.wake_latency),
        points(&m.wake_send),
        points(&m.wake_cpu),
        m.halted_after
            .map_or_else(|| "None".to_owned(), |t| format!("Some({})", t.0)),
        m.new_idle
            .map_or_else(|| "None".to_owned(), |x| format!("Some({x:?})")),
        m.interference,
        m.pipe_ns_per_byte,
        m.syscall.0
    );
}

/// Reads a profile from the text of a file; `path` is used in messages only.
///
/// # Errors
/// Where in the text it is not a profile, and why.
pub(crate) fn from_ron(text: &str, path: &str) -> Result<Profile, ProfileError> {
    let malformed = |line: usize, column: usize, message: String| ProfileError::Malformed {
        path: path.to_owned(),
        line,
        column,
        message,
    };
    let options =
        ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    let file: File = options
        .from_str(text)
        .map_err(|e| malformed(e.span.end.line, e.span.end.col, e.code.to_string()))?;
    if file.schema != SCHEMA {
        return Err(malformed(
            1,
            1,
            format!(
                "schema {} is not known to this program, which reads schema {SCHEMA}",
                file.schema
            ),
        ));
    }
    Ok(file.into())
}

/// Reads a profile file.
///
/// # Errors
/// The file cannot be read, or is not a profile.
pub fn read(path: &Path) -> Result<Profile, ProfileError> {
    let shown = path.display().to_string();
    match input::read_to_string(path) {
        Ok(text) => from_ron(&text, &shown),
        Err(source) => Err(ProfileError::Unreadable {
            path: shown,
            source,
        }),
    }
}

/// Returns up to three candidates that are like `word`, the most similar first.
pub(crate) fn similar<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // Measuring likeness takes time proportional to the product of the lengths, and no real name is so long.
    const LONGEST: usize = 100;
    let mut scored: Vec<_> = candidates
        .filter(|c| c.len().max(word.len()) <= LONGEST)
        .map(|c| (likeness(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(score, _)| *score > 0.0)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, c)| c).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpython::profile::{Build, MachineFacts};
    use crate::engine::Nanos;

    fn sample() -> Profile {
        let mut p = Profile {
            name: "mine".into(),
            origin: "a \"quoted\" origin, with \\ and µ".into(),
            ..Profile::default()
        };
        p.params.tpe_submit = 7_461.898_499_968_811;
        p.params.gil_requester_wins = 0.625;
        p.tags[0] = Tag::Measured("burn_ns_per_iter".into());
        p.tags[1] = Tag::Derived("half of \"it\"".into());
        p.spreads[1] = Some((80.0, 120.5));
        let absent = Profile::index("interp_create").expect("a parameter");
        p.tags[absent] = Tag::Absent("no \"interpreters\" before 3.14".into());
        p.provenance = Some(Provenance {
            date: "2026-11-23".into(),
            build: Build {
                compiler: "GCC 12.2.0".into(),
                pgo: None,
                lto: Some(true),
                debug: false,
            },
            machine: MachineFacts {
                system: "Linux 6.18 x86_64".into(),
                cpu: "A \"fast\" one".into(),
                cores: 2,
                loop_ns: 51.25,
                base_slice: Nanos(700_000),
                wake_latency: vec![(Nanos(20_000), Nanos(6_000)), (Nanos(50_000), Nanos(9_000))],
                wake_send: vec![(Nanos(20_000), Nanos(0)), (Nanos(50_000), Nanos(4_000))],
                wake_cpu: vec![(Nanos(50_000), Nanos(3_000))],
                halted_after: Some(Nanos(30_000)),
                new_idle: Some(0.25),
                interference: 0.04,
                pipe_ns_per_byte: 0.125,
                syscall: Nanos(90),
            },
            rounds: 25,
            slowness: 1.25,
        });
        p
    }

    fn error(text: &str) -> String {
        from_ron(text, "p.ron").expect_err("malformed").to_string()
    }

    #[test]
    fn a_profile_survives_the_round_trip() {
        let p = sample();
        assert_eq!(from_ron(&to_ron(&p), "p.ron").expect("readable"), p);
    }

    #[test]
    fn mistakes_are_reported_with_their_line() {
        let text = to_ron(&sample());
        let line = text
            .lines()
            .position(|l| l.contains("\"tpe_submit\""))
            .expect("there")
            + 1;
        let here = format!("p.ron:{line}:");
        let e = error(&text.replace("\"tpe_submit\"", "\"tpe_sumbit\""));
        assert!(
            e.starts_with(&here) && e.contains("did you mean `tpe_submit`"),
            "{e}"
        );
        let e = error(&text.replace("value: 7461.898499968811", "value: NaN"));
        assert!(
            e.starts_with(&here) && e.contains("number of at least zero"),
            "{e}"
        );
        let e = error(&text.replace(
            "value: 7461.898499968811, unit: \"ns\"",
            "value: 7.4, unit: \"us\"",
        ));
        assert!(
            e.starts_with(&here) && e.contains("is in `ns`, not in `us`"),
            "{e}"
        );
        let without = |name: &str| -> String {
            let lines = text.lines().filter(|l| !l.contains(name));
            lines.flat_map(|l| [l, "\n"]).collect()
        };
        let earlier = from_ron(&without("\"thread_fresh\""), "p.ron").expect("a profile of before");
        let i = Profile::index("thread_fresh").expect("a parameter");
        assert_eq!(earlier.tags[i], Tag::Default);
        assert_eq!(
            earlier.params.thread_fresh,
            Profile::default().params.thread_fresh
        );
        assert!(error(&without("\"tpe_submit\"")).contains("missing parameters: tpe_submit"));
        let twice = text.replace("\"tpe_item\"", "\"tpe_submit\"");
        assert!(error(&twice).contains("given twice"));
        assert!(error(&text.replace("value: 0.625", "value: 1.5")).contains("probability"));
        let no_value = text.replace("value: 0.625, ", "");
        assert!(error(&no_value).contains("has no value"));
        let e = error(&text.replace("(80.0, 120.5)", "(120.5, 80.0)"));
        assert!(e.contains("two rising numbers"), "{e}");
        let e = error(&text.replace("loop_ns: 51.25", "loop_ns: 0.0"));
        assert!(e.contains("above zero"), "{e}");
        assert!(error(&text.replace("schema: 1", "schema: 9")).contains("schema 9"));
        assert!(error(&text.replace("    gil: true,\n", "")).contains("gil"));
        assert!(error(&text.replace("dumps: [", "dumps: [(9e9, 0.0), ")).contains("must rise"));
    }
}
