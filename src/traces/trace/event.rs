//! Writes events one after another, as JSON.

use std::fmt::{self, Display};
use std::io::{self, Write};

use crate::engine::Nanos;

/// A value in an event's arguments.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg<'a> {
    Text(&'a str),
    Whole(u64),
}

/// An event; fields that are `None` or empty are left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceEvent<'a> {
    pub(super) phase: &'static str,
    pub(super) name: &'a str,
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) at: Nanos,
    pub(super) lasted: Option<Nanos>,
    pub(super) category: Option<&'static str>,
    pub(super) id: Option<u64>,
    /// Colour, by one of the names of the old viewer.
    pub(super) colour: Option<&'static str>,
    /// Scope of an instant.
    pub(super) scope: Option<&'static str>,
    pub(super) args: &'a [(&'a str, Arg<'a>)],
}

impl<'a> TraceEvent<'a> {
    pub(super) fn new(phase: &'static str, name: &'a str, pid: u32, tid: u32, at: Nanos) -> Self {
        Self {
            phase,
            name,
            pid,
            tid,
            at,
            lasted: None,
            category: None,
            id: None,
            colour: None,
            scope: None,
            args: &[],
        }
    }
}

/// A time in microseconds with three decimals, which is exact.
struct Micros(Nanos);

impl Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0.0 / 1_000, self.0.0 % 1_000)
    }
}

/// Writes the list of events.
pub(super) struct Events<'a> {
    out: &'a mut dyn Write,
    count: u64,
}

impl<'a> Events<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, count: 0 }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    fn begin(&mut self) -> io::Result<()> {
        self.out
            .write_all(if self.count == 0 { b"\n" } else { b",\n" })?;
        self.count += 1;
        Ok(())
    }

    pub(super) fn write(&mut self, e: &TraceEvent<'_>) -> io::Result<()> {
        self.begin()?;
        write!(
            self.out,
            "{{\"ph\":\"{}\",\"pid\":{},\"tid\":{},\"ts\":{}",
            e.phase,
            e.pid,
            e.tid,
            Micros(e.at)
        )?;
        if let Some(lasted) = e.lasted {
            write!(self.out, ",\"dur\":{}", Micros(lasted))?;
        }
        self.text("name", e.name)?;
        for (key, value) in [
            ("cat", e.category),
            ("cname", e.colour),
            ("s", e.scope),
            ("bp", matches!(e.phase, "s" | "t" | "f").then_some("e")),
        ] {
            if let Some(value) = value {
                self.text(key, value)?;
            }
        }
        if let Some(id) = e.id {
            write!(self.out, ",\"id\":{id}")?;
        }
        if !e.args.is_empty() {
            self.args(e.args)?;
        }
        self.out.write_all(b"}")
    }

    /// Writes an event that names or orders a track.
    pub(super) fn meta(
        &mut self,
        name: &str,
        pid: u32,
        tid: u32,
        value: Arg<'_>,
    ) -> io::Result<()> {
        self.begin()?;
        write!(self.out, "{{\"ph\":\"M\",\"pid\":{pid},\"tid\":{tid}")?;
        self.text("name", name)?;
        let key = if matches!(value, Arg::Text(_)) {
            "name"
        } else {
            "sort_index"
        };
        self.args(&[(key, value)])?;
        self.out.write_all(b"}")
    }

    fn text(&mut self, key: &str, value: &str) -> io::Result<()> {
        write!(self.out, ",\"{key}\":")?;
        Ok(serde_json::to_writer(&mut *self.out, value)?)
    }

    fn args(&mut self, args: &[(&str, Arg<'_>)]) -> io::Result<()> {
        self.out.write_all(b",\"args\":{")?;
        for (i, (key, value)) in args.iter().enumerate() {
            if i > 0 {
                self.out.write_all(b",")?;
            }
            serde_json::to_writer(&mut *self.out, key)?;
            self.out.write_all(b":")?;
            match value {
                Arg::Text(t) => serde_json::to_writer(&mut *self.out, t)?,
                Arg::Whole(n) => write!(self.out, "{n}")?,
            }
        }
        self.out.write_all(b"}")
    }
}
