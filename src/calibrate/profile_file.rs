//! An interpreter profile as a RON file: one schema for shipped, derived and users' own profiles.
//!
//! Every parameter stands on a line of its own with its value, its unit and where it comes from, so that a profile can be
//! read, compared and edited by hand. All costs are those of the machine at its best speed.

use std::fmt::{self, Write as _};
use std::path::Path;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};

use crate::cpython::profile::{
    Build, Curve, MachineFacts, PARAMS, Params, Profile, Provenance, Tag,
};
use crate::engine::Nanos;

/// The version of the file format that this program reads and writes.
pub const SCHEMA: u32 = 1;

/// Why a profile could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file could not be read.
    #[error("cannot read the profile {path}: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a profile.
    #[error("{path}:{line}:{column}: {message}")]
    Malformed {
        /// Which file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// There is no such profile.
    #[error(
        "no interpreter profile is called `{name}`{hint}; shipped profiles: {shipped}; a file must end in .ron"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// `, did you mean ...?` or nothing.
        hint: String,
        /// All shipped names.
        shipped: String,
    },
}

/// Writes a profile. Its overheads must be those of the machine's best speed: `slowness` is not part of the file.
pub fn to_ron(profile: &Profile) -> String {
    let mut out = String::new();
    let text = |s: &str| format!("{s:?}");
    let curve = |c: &Curve| {
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
        // What an interpreter cannot do has no cost, not even zero.
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
    out.push_str(")\n");
    out
}

fn write_provenance(out: &mut String, p: &Provenance) {
    let optional = |known: Option<bool>| known.map_or("None".to_owned(), |k| format!("Some({k})"));
    let (b, m) = (&p.build, &p.machine);
    let latency: Vec<String> = (m.wake_latency.iter())
        .map(|(idle, late)| format!("({}, {})", idle.0, late.0))
        .collect();
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
        "            base_slice_ns: {},\n            // (idle time of the core, latency of a wake-up), in ns.\n            wake_latency_ns: [{}],\n            pipe_ns_per_byte: {:?},\n            syscall_ns: {},\n        ),\n    ),",
        m.base_slice.0,
        latency.join(", "),
        m.pipe_ns_per_byte,
        m.syscall.0
    );
}

/// Reads a profile from a file's text; `path` is used in messages.
pub fn from_ron(text: &str, path: &str) -> Result<Profile, ProfileError> {
    let malformed = |line: usize, column: usize, message: String| ProfileError::Malformed {
        path: path.to_owned(),
        line,
        column,
        message,
    };
    let options = ron::Options::default()
        .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
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
    Ok(Profile {
        name: file.name,
        version: file.version,
        minor: file.minor,
        gil: file.gil,
        origin: file.origin,
        params: file.params.values,
        tags: file.params.tags,
        spreads: file.params.spreads,
        provenance: file.measured.map(Into::into),
        dumps: file.dumps.0,
        loads: file.loads.0,
        slowness: 1.0,
    })
}

/// Reads a profile file.
pub fn read(path: &Path) -> Result<Profile, ProfileError> {
    let shown = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => from_ron(&text, &shown),
        Err(source) => Err(ProfileError::Unreadable {
            path: shown,
            source,
        }),
    }
}

/// Up to three candidates that look like `word`, best first.
pub(crate) fn similar<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut scored: Vec<_> = candidates
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .filter(|(score, _)| *score > 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, c)| c).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    name: String,
    version: String,
    minor: u32,
    gil: bool,
    origin: String,
    #[serde(default)]
    measured: Option<Measured>,
    params: Table,
    dumps: Points,
    loads: Points,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    value: Option<f64>,
    unit: String,
    #[serde(default)]
    spread: Option<(f64, f64)>,
    tag: Origin,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Measured {
    date: String,
    rounds: u32,
    slowness: f64,
    build: BuildEntry,
    machine: MachineEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildEntry {
    compiler: String,
    #[serde(default)]
    pgo: Option<bool>,
    #[serde(default)]
    lto: Option<bool>,
    #[serde(default)]
    debug: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MachineEntry {
    system: String,
    cpu: String,
    cores: u32,
    loop_ns: AboveZero,
    base_slice_ns: u64,
    wake_latency_ns: Latencies,
    pipe_ns_per_byte: AtLeastZero,
    syscall_ns: u64,
}

/// A number above zero.
struct AboveZero(f64);

impl<'de> Deserialize<'de> for AboveZero {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let x = f64::deserialize(deserializer)?;
        if x.is_finite() && x > 0.0 {
            Ok(Self(x))
        } else {
            Err(de::Error::custom(format!("must be a number above zero, not {x}")))
        }
    }
}

/// A number of at least zero.
struct AtLeastZero(f64);

impl<'de> Deserialize<'de> for AtLeastZero {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let x = f64::deserialize(deserializer)?;
        if x.is_finite() && x >= 0.0 {
            Ok(Self(x))
        } else {
            Err(de::Error::custom(format!("must be a number of at least zero, not {x}")))
        }
    }
}

/// Idle times that rise, each with a latency.
struct Latencies(Vec<(u64, u64)>);

impl<'de> Deserialize<'de> for Latencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let points = Vec::<(u64, u64)>::deserialize(deserializer)?;
        if points.is_empty() || points.windows(2).any(|w| w[1].0 <= w[0].0) {
            return Err(de::Error::custom("idle times must rise, and there must be one at least"));
        }
        Ok(Self(points))
    }
}

impl From<Measured> for Provenance {
    fn from(m: Measured) -> Self {
        Self {
            date: m.date,
            rounds: m.rounds,
            slowness: m.slowness,
            build: Build {
                compiler: m.build.compiler,
                pgo: m.build.pgo,
                lto: m.build.lto,
                debug: m.build.debug,
            },
            machine: MachineFacts {
                system: m.machine.system,
                cpu: m.machine.cpu,
                cores: m.machine.cores,
                loop_ns: m.machine.loop_ns.0,
                base_slice: Nanos(m.machine.base_slice_ns),
                wake_latency: (m.machine.wake_latency_ns.0.into_iter())
                    .map(|(idle, late)| (Nanos(idle), Nanos(late)))
                    .collect(),
                pipe_ns_per_byte: m.machine.pipe_ns_per_byte.0,
                syscall: Nanos(m.machine.syscall_ns),
            },
        }
    }
}

#[derive(Deserialize)]
enum Origin {
    Measured(String),
    Derived(String),
    Default,
    Absent(String),
}

impl From<Origin> for Tag {
    fn from(o: Origin) -> Self {
        match o {
            Origin::Measured(metric) => Self::Measured(metric),
            Origin::Derived(how) => Self::Derived(how),
            Origin::Default => Self::Default,
            Origin::Absent(why) => Self::Absent(why),
        }
    }
}

/// Reads the entry of the parameter with this number and checks it while the reader still stands on its line.
struct Of(usize);

impl<'de> DeserializeSeed<'de> for Of {
    type Value = Entry;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entry, D::Error> {
        let entry = Entry::deserialize(deserializer)?;
        check(self.0, &entry).map_err(de::Error::custom)?;
        Ok(entry)
    }
}

/// The parameters of a file. Read by hand so that a mistake is reported where it stands.
struct Table {
    values: Params,
    tags: Vec<Tag>,
    spreads: Vec<Option<(f64, f64)>>,
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Table;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from a parameter's name to (value: ..., unit: ..., tag: ...)")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table, A::Error> {
                let mut table = Table {
                    values: Params::default(),
                    tags: vec![Tag::Default; PARAMS.len()],
                    spreads: vec![None; PARAMS.len()],
                };
                let mut seen = vec![false; PARAMS.len()];
                while let Some(name) = map.next_key::<String>()? {
                    let Some(i) = PARAMS.iter().position(|p| p.name == name) else {
                        return Err(de::Error::custom(unknown_parameter(&name)));
                    };
                    if std::mem::replace(&mut seen[i], true) {
                        return Err(de::Error::custom(format!(
                            "parameter `{name}` is given twice"
                        )));
                    }
                    let entry = map.next_value_seed(Of(i))?;
                    // An absent cost is never charged: the strategy that would need it is refused.
                    *table.values.get_mut(i) = entry.value.unwrap_or_default();
                    table.tags[i] = entry.tag.into();
                    table.spreads[i] = entry.spread;
                }
                let missing: Vec<_> = PARAMS
                    .iter()
                    .zip(&seen)
                    .filter(|(_, seen)| !**seen)
                    .map(|(p, _)| p.name)
                    .collect();
                if !missing.is_empty() {
                    return Err(de::Error::custom(format!(
                        "missing parameters: {}",
                        missing.join(", ")
                    )));
                }
                Ok(table)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

fn unknown_parameter(name: &str) -> String {
    let near = similar(name, PARAMS.iter().map(|p| p.name));
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", near.join(" or "))
    };
    format!("unknown parameter `{name}`{hint}")
}

fn check(index: usize, entry: &Entry) -> Result<(), String> {
    let (name, unit) = (PARAMS[index].name, PARAMS[index].unit);
    if entry.unit != unit {
        return Err(format!(
            "parameter `{name}` is in `{unit}`, not in `{}`",
            entry.unit
        ));
    }
    let value = match (&entry.tag, entry.value) {
        (Origin::Absent(_), None) => return Ok(()),
        (Origin::Absent(_), Some(v)) => {
            return Err(format!(
                "parameter `{name}` is absent and cannot have the value {v}"
            ));
        }
        (_, None) => return Err(format!("parameter `{name}` has no value")),
        (_, Some(v)) => v,
    };
    if !value.is_finite() || value < 0.0 {
        return Err(format!(
            "parameter `{name}` must be a number of at least zero, not {value}"
        ));
    }
    if unit == "p" && value > 1.0 {
        return Err(format!(
            "parameter `{name}` is a probability and cannot be {value}"
        ));
    }
    if let Some((least, greatest)) = entry.spread
        && !(least.is_finite() && greatest.is_finite() && least <= greatest)
    {
        return Err(format!(
            "the spread of parameter `{name}` must be two rising numbers"
        ));
    }
    Ok(())
}

/// A curve of a file.
struct Points(Curve);

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let points = Vec::<(f64, f64)>::deserialize(deserializer)?;
        if points
            .iter()
            .any(|(x, y)| !x.is_finite() || !y.is_finite() || *x < 0.0 || *y < 0.0)
        {
            return Err(de::Error::custom(
                "a curve's sizes and costs must be numbers of at least zero",
            ));
        }
        if points.windows(2).any(|w| w[1].0 <= w[0].0) {
            return Err(de::Error::custom("a curve's sizes must rise"));
        }
        Ok(Self(Curve(points)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            e.starts_with(&here) && e.contains("did you mean tpe_submit"),
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
        let whole: String = text
            .lines()
            .filter(|l| !l.contains("\"tpe_submit\""))
            .map(|l| format!("{l}\n"))
            .collect();
        assert!(error(&whole).contains("missing parameters: tpe_submit"));
        let twice = text.replace("\"tpe_item\"", "\"tpe_submit\"");
        assert!(error(&twice).contains("given twice"));
        assert!(error(&text.replace("value: 0.625", "value: 1.5")).contains("probability"));
        assert!(error(&text.replace("schema: 1", "schema: 9")).contains("schema 9"));
        assert!(error(&text.replace("    gil: true,\n", "")).contains("gil"));
        assert!(error(&text.replace("dumps: [", "dumps: [(9e9, 0.0), ")).contains("must rise"));
    }
}
