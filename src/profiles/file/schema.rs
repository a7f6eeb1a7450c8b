//! The schema of a profile file. Values are checked while the reader is still at their place in the text, so that a mistake is reported
//! where it is.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};

use super::similar;
use crate::cpython::profile::{
    Build, CostCurve, MachineFacts, PARAMS, Params, Profile, Provenance, Tag,
};
use crate::engine::Nanos;

/// Parameters that were added after profiles were first written; a file may lack them.
const LATER: [&str; 19] = [
    "thread_fresh",
    "object_rss",
    "container_rss",
    "cow_collect",
    "cow_walk",
    "cow_fresh",
    "cow_fault",
    "forkserver_bare_boot",
    "forkserver_bare_private",
    "forkserver_bare_child_boot",
    "forkserver_bare_child_private",
    "request_uvicorn",
    "request_uvicorn_worker",
    "request_hypercorn",
    "request_gunicorn_sync",
    "request_gunicorn_gthread",
    "request_cold",
    "server_tick",
    "message_celery",
];

/// A profile file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) schema: u32,
    name: String,
    version: String,
    minor: u32,
    gil: bool,
    origin: String,
    #[serde(default)]
    measured: Option<Measured>,
    params: ParamTable,
    dumps: CurvePoints,
    loads: CurvePoints,
    #[serde(default)]
    receives: Option<CurvePoints>,
}

impl From<File> for Profile {
    fn from(file: File) -> Self {
        Self {
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
            receives: file.receives.map(|p| p.0).unwrap_or_default(),
            slowness: 1.0,
        }
    }
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
    #[serde(default)]
    wake_send_ns: Option<Latencies>,
    #[serde(default)]
    wake_cpu_ns: Option<Latencies>,
    #[serde(default)]
    halted_after_ns: Option<u64>,
    #[serde(default)]
    new_idle: Option<Share>,
    #[serde(default)]
    interference: Option<AtLeastZero>,
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
            Err(de::Error::custom(format!(
                "must be a number above zero, not {x}"
            )))
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
            Err(de::Error::custom(format!(
                "must be a number of at least zero, not {x}"
            )))
        }
    }
}

/// A share, from 0 to 1.
struct Share(f64);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let x = f64::deserialize(deserializer)?;
        if (0.0..=1.0).contains(&x) {
            Ok(Self(x))
        } else {
            Err(de::Error::custom(format!(
                "must be a share from 0 to 1, not {x}"
            )))
        }
    }
}

/// Latencies by idle time, as pairs of nanoseconds; the idle times increase.
struct Latencies(Vec<(u64, u64)>);

impl<'de> Deserialize<'de> for Latencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let points = Vec::<(u64, u64)>::deserialize(deserializer)?;
        if points.windows(2).any(|w| w[1].0 <= w[0].0) {
            return Err(de::Error::custom("idle times must rise"));
        }
        Ok(Self(points))
    }
}

impl From<Measured> for Provenance {
    fn from(m: Measured) -> Self {
        let points = |l: Option<Latencies>| {
            let points = l.into_iter().flat_map(|l| l.0);
            points.map(|(idle, ns)| (Nanos(idle), Nanos(ns))).collect()
        };
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
                wake_latency: points(Some(m.machine.wake_latency_ns)),
                wake_send: points(m.machine.wake_send_ns),
                wake_cpu: points(m.machine.wake_cpu_ns),
                halted_after: m.machine.halted_after_ns.map(Nanos),
                new_idle: m.machine.new_idle.map(|x| x.0),
                interference: m.machine.interference.map_or(0.0, |x| x.0),
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

/// Reads the entry of the parameter with this index, and checks it while the reader is still on its line.
struct Of(usize);

impl<'de> DeserializeSeed<'de> for Of {
    type Value = Entry;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Entry, D::Error> {
        let entry = Entry::deserialize(deserializer)?;
        check(self.0, &entry).map_err(de::Error::custom)?;
        Ok(entry)
    }
}

/// The parameters of a file. They are read by hand, so that a mistake is reported where it stands.
struct ParamTable {
    values: Params,
    tags: Vec<Tag>,
    spreads: Vec<Option<(f64, f64)>>,
}

impl<'de> Deserialize<'de> for ParamTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = ParamTable;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from a parameter's name to (value: ..., unit: ..., tag: ...)")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ParamTable, A::Error> {
                let mut table = ParamTable {
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
                    // An absent cost is never charged, because a strategy that would need it is refused.
                    *table.values.get_mut(i) = entry.value.unwrap_or_default();
                    table.tags[i] = entry.tag.into();
                    table.spreads[i] = entry.spread;
                }
                let missing: Vec<_> = PARAMS
                    .iter()
                    .zip(&seen)
                    .filter(|(_, seen)| !**seen)
                    .map(|(p, _)| p.name)
                    // A parameter that profiles of earlier versions lack keeps its default, and is tagged as such.
                    .filter(|name| !LATER.contains(name))
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
        format!("; did you mean `{}`?", near.join("` or `"))
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

/// A curve as it stands in a file.
struct CurvePoints(CostCurve);

impl<'de> Deserialize<'de> for CurvePoints {
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
        Ok(Self(CostCurve(points)))
    }
}
