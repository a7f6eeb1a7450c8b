//! An interpreter profile as a RON file: one schema for shipped, derived and users' own profiles.
//!
//! Every parameter stands on a line of its own with its value, its unit and where it comes from, so that a profile can be
//! read, compared and edited by hand. All costs are those of the machine at its best speed.

use std::fmt::{self, Write as _};
use std::path::Path;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};

use crate::cpython::profile::{Curve, PARAMS, Params, Profile, Tag};

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
    out.push_str("    params: {\n");
    for (i, info) in PARAMS.iter().enumerate() {
        let tag = match &profile.tags[i] {
            Tag::Measured(metric) => format!("Measured({metric:?})"),
            Tag::Derived(how) => format!("Derived({how:?})"),
            Tag::Default => "Default".to_owned(),
        };
        let (name, unit, value) = (info.name, info.unit, profile.params.get(i));
        let _ = writeln!(
            out,
            "        {name:?}: (value: {value:?}, unit: {unit:?}, tag: {tag}),"
        );
    }
    out.push_str("    },\n");
    out.push_str("    // Pickling and unpickling of a payload: (bytes, ns).\n");
    let _ = writeln!(out, "    dumps: [{}],", curve(&profile.dumps));
    let _ = writeln!(out, "    loads: [{}],", curve(&profile.loads));
    out.push_str(")\n");
    out
}

/// Reads a profile from a file's text; `path` is used in messages.
pub fn from_ron(text: &str, path: &str) -> Result<Profile, ProfileError> {
    let malformed = |line: usize, column: usize, message: String| ProfileError::Malformed {
        path: path.to_owned(),
        line,
        column,
        message,
    };
    let file: File = ron::from_str(text)
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
    params: Table,
    dumps: Points,
    loads: Points,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    value: f64,
    unit: String,
    tag: Origin,
}

#[derive(Deserialize)]
enum Origin {
    Measured(String),
    Derived(String),
    Default,
}

impl From<Origin> for Tag {
    fn from(o: Origin) -> Self {
        match o {
            Origin::Measured(metric) => Self::Measured(metric),
            Origin::Derived(how) => Self::Derived(how),
            Origin::Default => Self::Default,
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
                    *table.values.get_mut(i) = entry.value;
                    table.tags[i] = entry.tag.into();
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
    if !entry.value.is_finite() || entry.value < 0.0 {
        return Err(format!(
            "parameter `{name}` must be a number of at least zero, not {}",
            entry.value
        ));
    }
    if unit == "p" && entry.value > 1.0 {
        return Err(format!(
            "parameter `{name}` is a probability and cannot be {}",
            entry.value
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
