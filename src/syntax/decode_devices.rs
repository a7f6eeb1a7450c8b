//! Devices that tasks share, and transfers by them.

use super::decode::{Cx, Fields, both};
use super::decode_dist::{dist, dist_of};
use super::decode_steps::SymbolTable;
use super::diagnostic::Code;
use super::tree::{CallArgs, Ident, SyntaxKind, SyntaxNode};
use super::variants;
use super::variants::DeviceName;
use crate::engine::Nanos;
use crate::scenario::units::format_size;
use crate::scenario::{DeviceId, DeviceKind, DeviceSpec, Dist, Step, limits};

/// What a device is written as, for help.
const FORMS: &str = "write {\"disk\": (rate: \"200MB/s\")} or {\"db\": Station(servers: 4)}";

/// The devices that steps may name: their names, and what each is as far as it could be read.
pub(super) struct DeviceTable {
    pub(super) names: SymbolTable,
    kinds: Vec<Option<DeviceKind>>,
}

/// What is said of a device: how those who use it slow each other down, and whether each machine has one.
type Declared = (DeviceKind, bool);

/// What a table of devices declares, for the steps and for the workload.
pub(super) fn devices(
    cx: &mut Cx,
    table: Option<&[(Ident, Option<&SyntaxNode>)]>,
) -> (DeviceTable, Vec<DeviceSpec>) {
    let entries = table.unwrap_or_default();
    let declared: Vec<Option<Declared>> = cx.at("devices", |cx| {
        entries.iter().map(|entry| declared(cx, entry)).collect()
    });
    // One that could not be read stands as a station, so that steps that name it are read on.
    let unread = DeviceKind::Station {
        servers: 1,
        rate: None,
    };
    let spec = |((key, _), device): (&(Ident, _), &Option<Declared>)| DeviceSpec {
        name: key.text.clone(),
        kind: device.map_or(unread, |(kind, _)| kind),
        per_node: device.is_some_and(|(_, per_node)| per_node),
    };
    let specs = entries.iter().zip(&declared).map(spec).collect();
    let kinds = declared.iter().map(|d| d.map(|(kind, _)| kind)).collect();
    let names = SymbolTable::new("device", table.map(|t| t.iter().map(|(k, _)| k)));
    (DeviceTable { names, kinds }, specs)
}

fn declared(cx: &mut Cx, (key, node): &(Ident, Option<&SyntaxNode>)) -> Option<Declared> {
    cx.at(&key.text, |cx| {
        let Some(node) = node else {
            cx.error(
                Code::MissingField,
                key.span,
                format!("nothing says what the device \"{}\" is", key.text),
            )
            .help(FORMS);
            return None;
        };
        device(cx, node)
    })
}

/// Reads who has a device: all machines the same, or each one of its own.
fn per_node(cx: &mut Cx, f: &Fields<'_>) -> Option<bool> {
    if f.get("per").is_none() {
        return Some(false);
    }
    cx.optional(f, "per", |cx, n| {
        let name = cx.variant(n, "who has the device", &["Node", "Everywhere"])?;
        cx.params(n, &format!("`{name}`"), &[])?;
        Some(name == "Node")
    })
}

fn device(cx: &mut Cx, node: &SyntaxNode) -> Option<Declared> {
    if let SyntaxKind::Call {
        name: None,
        args: CallArgs::Fields(_) | CallArgs::Items(_) | CallArgs::Unit,
    } = node.kind
    {
        return shared(cx, node);
    }
    let name = cx.variant(
        node,
        "a device with a name (one whose rate is shared has none: `(rate: ..)`)",
        variants::DEVICES,
    )?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    match DeviceName::named(name)? {
        DeviceName::Station => {
            let servers = cx.required(&f, "servers", |cx, n| {
                let most = limits::MAX_TASKS;
                cx.int(n, "the number of servers", 1..=most, "MAX_TASKS")
            });
            let rate = match f.get("rate") {
                Some(_) => cx.optional(&f, "rate", Cx::data_rate).map(Some),
                None => Some(None),
            };
            let ((servers, rate), per_node) = both(both(servers, rate), per_node(cx, &f))?;
            Some((DeviceKind::Station { servers, rate }, per_node))
        }
    }
}

/// A device whose rate those who use it at once share.
fn shared(cx: &mut Cx, node: &SyntaxNode) -> Option<Declared> {
    let f = cx.record(node, "a device", variants::DEVICE)?;
    let rate = cx.required(&f, "rate", Cx::data_rate);
    let per_stream = match f.get("per_stream") {
        Some(_) => cx.optional(&f, "per_stream", Cx::data_rate).map(Some),
        None => Some(None),
    };
    let penalty = match f.get("penalty") {
        Some(_) => cx.optional(&f, "penalty", |cx, n| {
            let what = "the penalty of a further stream";
            cx.share(n, what, "write 0.1 or \"10%\"")
        }),
        None => Some(0.0),
    };
    let ((rate, per_stream), (penalty, per_node)) =
        both(both(rate, per_stream), both(penalty, per_node(cx, &f)))?;
    if let Some(each) = per_stream.filter(|each| *each > rate)
        && let Some(n) = f.get("per_stream")
    {
        cx.at("per_stream", |cx| {
            cx.error(
                Code::OutOfRange,
                n.span,
                format!(
                    "one stream cannot get more ({}/s) than the device has for all ({}/s)",
                    format_size(each),
                    format_size(rate)
                ),
            )
            .help("`rate` is that of all streams together; leave `per_stream` out where one stream can have all of it");
        });
        return None;
    }
    let penalty = ppm(penalty);
    let kind = DeviceKind::Shared {
        rate,
        per_stream: per_stream.unwrap_or(rate),
        penalty,
    };
    Some((kind, per_node))
}

impl DeviceTable {
    /// Reads a transfer: by which device, and how much.
    pub(super) fn transfer(
        &mut self,
        cx: &mut Cx,
        f: &Fields<'_>,
        node: &SyntaxNode,
    ) -> Option<Step> {
        let device = cx.required(f, "device", |cx, n| self.names.resolve(cx, n));
        let alone = match (f.get("size"), f.get("time")) {
            (Some(_), None) => cx.optional(f, "size", |cx, n| {
                let sizes = dist_of(cx, n, "a size", &|cx, n| cx.size(n).map(Nanos))?;
                self.takes(cx, n, device?, &sizes)
            }),
            (None, Some(_)) => cx.optional(f, "time", |cx, n| {
                let time = dist(cx, n)?;
                positive(cx, n, &time, "the time of a transfer")?;
                Some(time)
            }),
            (None, None) => {
                cx.error(
                    Code::MissingField,
                    node.span,
                    "nothing says how much is transferred",
                )
                .help("add size: \"2MB\", or time: \"5ms\", which it takes alone");
                None
            }
            (Some(_), Some(n)) => {
                cx.error(
                    Code::Conflict,
                    n.span,
                    "`size` says how long a transfer takes, at the device's rate: it and `time` exclude each other",
                )
                .help("leave one of the two out");
                None
            }
        };
        let (device, alone) = both(device, alone)?;
        Some(Step::Transfer(device, alone))
    }

    /// How long transfers of such sizes take by a device if each is alone.
    fn takes(
        &self,
        cx: &mut Cx,
        node: &SyntaxNode,
        device: DeviceId,
        sizes: &Dist,
    ) -> Option<Dist> {
        // A device that could not be read has been reported.
        let kind = (*self.kinds.get(device)?)?;
        let Some(rate) = kind.rate_alone() else {
            cx.error(
                Code::Conflict,
                node.span,
                "this station has no rate: nothing says how long so many bytes take",
            )
            .help("give the time that a server needs, Transfer(device: .., time: \"5ms\"), or the station a rate, Station(servers: 4, rate: \"100MB/s\")");
            return None;
        };
        let time = match sizes {
            // Whole bytes at a rate: rounded once, and up.
            Dist::Constant(bytes) => Dist::Constant(kind.takes(bytes.0)?),
            Dist::Uniform(..)
            | Dist::Exponential(_)
            | Dist::Normal(..)
            | Dist::LogNormal { .. }
            | Dist::Gamma { .. }
            | Dist::Weibull { .. }
            | Dist::Pareto { .. }
            | Dist::Empirical(_) => sizes.scaled(1e9 / rate as f64),
        };
        if time.mean().is_finite() && time.mean() > limits::MAX_DURATION.as_f64() {
            cx.error(
                Code::Limit,
                node.span,
                "at this device's rate that takes longer than the limit MAX_DURATION (1000 days)",
            )
            .help(limits::instead("MAX_DURATION"));
            return None;
        }
        positive(cx, node, &time, "the size of a transfer")?;
        Some(time)
    }
}

/// Notes an error unless the mean of what is drawn is above zero.
fn positive(cx: &mut Cx, node: &SyntaxNode, drawn: &Dist, what: &str) -> Option<()> {
    if drawn.mean() > 0.0 {
        return Some(());
    }
    cx.error(
        Code::OutOfRange,
        node.span,
        format!("{what} must be above zero"),
    )
    .help("a transfer of nothing is no step: leave it out");
    None
}

/// A share, from 0 to 1, in parts per million.
pub(super) fn ppm(share: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share lies between 0 and 1"
    )]
    let ppm = libm::round(share * 1e6) as u32;
    ppm
}
