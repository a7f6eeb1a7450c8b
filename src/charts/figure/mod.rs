//! Figures as data: what is drawn, independent of how. `charts::drawing` lays them out, for files and for the page.

pub(crate) mod alike;
mod make;
pub mod palette;
pub(crate) mod stripes;
pub(crate) mod ticks;

pub use make::{figures, plan_figures};

use crate::result::Status;

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Short name, unique within a report: the stem of its file and its anchor in the page (`latency-percentiles`).
    pub name: String,
    /// Headline: a sentence that the figure's own numbers support.
    pub title: String,
    /// What it shows, and what a reader has to know beside it (scenario, interval, replications); may be empty.
    pub subtitle: String,
    /// The picture.
    pub body: Body,
}

/// Kinds of pictures.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Curves over an axis, with bands.
    Lines(LinePlot),
    /// Bars, each of which is a stack of layers.
    Stack(Stack),
    /// Cells over two swept axes.
    Heat(Heat),
    /// Rows of spans over time.
    Gantt(Gantt),
}

/// What the numbers of an axis count, which determines the text of its ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Seconds; shown in the unit that fits the axis.
    Seconds,
    /// Bytes; shown in binary units.
    Bytes,
    /// Per second.
    PerSecond,
    /// A share, 0 to 1; shown as a percentage.
    Share,
    /// A factor (a speed-up).
    Factor,
    /// A plain number.
    Number,
}

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Linear, from the least to the largest value.
    Linear,
    /// Linear, with zero included.
    FromZero,
    /// Logarithmic, by powers of ten.
    Log,
    /// Logarithmic, by powers of two (for doubled cores or workers).
    Log2,
    /// Shares by the number of their nines: 50 %, 90 %, 99 %, 99.9 %, ... (as HDR histograms are plotted).
    Nines,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows, without the unit.
    pub label: String,
    /// What its numbers count.
    pub measure: Measure,
    /// How they are laid out.
    pub scale: Scale,
    /// Names of the positions 0, 1, 2, ... if the axis has texts rather than numbers.
    pub categories: Vec<String>,
}

/// Curves over an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePlot {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The curves, in the order of the legend.
    pub series: Vec<Series>,
    /// Bounds on the vertical axis that objectives set.
    pub limits: Vec<ReferenceLine>,
}

/// A bound that an objective sets, drawn as a line across the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceLine {
    /// The value.
    pub value: f64,
    /// Text of the objective (`p95 < 600ms`).
    pub name: String,
}

impl ReferenceLine {
    /// Whether the bound is near enough to the values to be part of their picture; one that is far off would press them together.
    pub(crate) fn is_near(&self, scale: Scale, values: impl IntoIterator<Item = f64>) -> bool {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
        let v = self.value;
        low <= high
            && match scale {
                Scale::Log | Scale::Log2 => v > low / 10.0 && v < high * 10.0,
                _ => v >= 0.0 && v <= high * 2.0,
            }
    }

    /// Text in the legend: `objective p95 < 600ms`; `near` tells that it is in the picture.
    pub(crate) fn legend(&self, near: bool) -> String {
        let off = if near { "" } else { ": beyond this axis" };
        format!("objective {}{off}", self.name)
    }
}

impl LinePlot {
    /// All values that the vertical axis has to show, without objectives.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> {
        let dots = self.series.iter().flat_map(|s| &s.dots);
        dots.flat_map(|d| [d.y, d.band.map(|b| b.0), d.band.map(|b| b.1)])
            .flatten()
    }

    /// The objectives, with whether each is near enough to be shown.
    pub(crate) fn reference_lines(&self) -> Vec<(&ReferenceLine, bool)> {
        let near = |l: &ReferenceLine| l.is_near(self.y.scale, self.values());
        self.limits.iter().map(|l| (l, near(l))).collect()
    }

    /// What points lack, each kind once.
    pub(crate) fn flaws(&self) -> Vec<PointFlaw> {
        let dots = self.series.iter().flat_map(|s| &s.dots);
        let mut all: Vec<PointFlaw> = dots.filter_map(|d| d.flaw).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The text about a point: its value, the interval, and what is wrong with it.
    pub(crate) fn reading(&self, dot: &CurvePoint) -> String {
        let flaw = dot.flaw.map(PointFlaw::words);
        let Some(y) = dot.y else {
            return flaw.map_or("–".into(), |flaw| format!("– ({flaw})"));
        };
        let remark = flaw.map_or_else(|| missing(dot.misses), |flaw| format!("; {flaw}"));
        self.y.text(y) + &ticks::interval_text(self.y.measure, dot.band) + &remark
    }

    /// Whether any point misses an objective.
    pub(crate) fn misses(&self) -> bool {
        self.series.iter().flat_map(|s| &s.dots).any(|d| d.misses)
    }

    /// Whether points without value would lie above all values, as the latency of a saturated case does.
    pub(crate) fn flaws_above(&self) -> bool {
        self.y.measure == Measure::Seconds
    }
}

/// What points lack, in words for legends: `saturated or out of memory`.
pub(crate) fn flaws_in_words(all: &[PointFlaw]) -> String {
    let words: Vec<&str> = all.iter().map(|l| l.words()).collect();
    words.join(" or ")
}

/// Text in legends about points and bars that miss an objective.
pub(crate) const MISSES: &str = "misses an objective";

/// Remark after a value that misses an objective; empty otherwise.
pub(crate) fn missing(misses: bool) -> String {
    if misses {
        format!("; {MISSES}")
    } else {
        String::new()
    }
}

impl Stack {
    /// The length of a bar.
    pub(crate) fn length(&self, bar: usize) -> f64 {
        let of = self.layers.iter().filter_map(|l| l.values.get(bar));
        of.filter(|v| v.is_finite()).sum()
    }

    /// The objectives, with whether each is near enough to be shown.
    pub(crate) fn reference_lines(&self) -> Vec<(&ReferenceLine, bool)> {
        let near = |l: &ReferenceLine| {
            let lengths = (0..self.bars.len()).map(|i| self.length(i));
            l.is_near(self.value.scale, lengths)
        };
        self.limits.iter().map(|l| (l, near(l))).collect()
    }

    /// The kinds of bars, in the order of the legend; empty if there is nothing to distinguish.
    pub(crate) fn kinds(&self) -> Vec<BarKind> {
        let mut all: Vec<BarKind> = self.bars.iter().map(Bar::kind).collect();
        all.sort_unstable();
        all.dedup();
        let plain = all.iter().all(|k| k.other && !k.misses);
        if self.layers.len() > 1 || plain {
            Vec::new()
        } else {
            all
        }
    }
}

/// How a bar of a single value is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BarKind {
    /// Whether it is a bar that the answer does not name.
    pub other: bool,
    /// Whether its case misses an objective: it is then drawn as an outline with stripes.
    pub misses: bool,
}

impl BarKind {
    /// The kind in words; `nearest` tells that no case meets every objective.
    pub(crate) fn words(self, nearest: bool) -> String {
        let what = match (self.other, nearest) {
            (false, false) => "best",
            (false, true) => "nearest to the objectives",
            (true, _) => "other",
        };
        if self.misses {
            format!("{what}, {MISSES}")
        } else {
            what.into()
        }
    }
}

impl Bar {
    /// How the bar is drawn.
    pub(crate) fn kind(&self) -> BarKind {
        BarKind {
            other: !self.role.leads(),
            misses: self.misses,
        }
    }

    /// The name, with a remark if it is the baseline.
    pub(crate) fn label(&self) -> String {
        Emphasis {
            baseline: self.role.baseline,
            ..Emphasis::default()
        }
        .name(&self.name)
    }
}

/// The role of a strategy in the answer: shown by strokes, marks and words, so that it is visible without colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emphasis {
    /// It is the case to take, or as good.
    pub best: bool,
    /// No case meets every objective, and this one comes nearest.
    pub nearest: bool,
    /// The others are compared with it.
    pub baseline: bool,
}

impl Emphasis {
    /// The name with its role: `sequential (baseline)`.
    pub(crate) fn name(self, name: &str) -> String {
        let words = [
            (self.best, "best"),
            (self.nearest, "nearest to the objectives"),
            (self.baseline, "baseline"),
        ];
        let words: Vec<&str> = words.iter().filter(|w| w.0).map(|w| w.1).collect();
        if words.is_empty() {
            name.to_owned()
        } else {
            format!("{name} ({})", words.join(", "))
        }
    }

    /// Whether the answer names it.
    pub(crate) fn leads(self) -> bool {
        self.best || self.nearest
    }
}

/// Why a point has no value, or one that is not reliable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PointFlaw {
    /// More tasks arrive than can be completed.
    Saturated,
    /// Memory ran out.
    Memory,
    /// The run deadlocked.
    Deadlock,
    /// The run was stopped before its end.
    Stopped,
    /// No task was completed.
    Nothing,
    /// The interpreter cannot do what the case needs.
    Unsupported,
}

impl PointFlaw {
    /// What a case lacks, by its status; `None` if its numbers can be taken as they are.
    pub(crate) fn of_status(status: Status) -> Option<Self> {
        Some(match status {
            Status::Fine => return None,
            Status::Saturated => Self::Saturated,
            Status::OutOfMemory => Self::Memory,
            Status::Deadlock => Self::Deadlock,
            Status::EventLimit | Status::ClockEnd | Status::Crashed => Self::Stopped,
            Status::NothingCompleted => Self::Nothing,
            Status::Unsupported => Self::Unsupported,
        })
    }

    /// The reason in words, for a legend.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Saturated => "saturated",
            Self::Memory => "out of memory",
            Self::Deadlock => "deadlocked",
            Self::Stopped => "stopped early",
            Self::Nothing => "nothing completed",
            Self::Unsupported => "not supported",
        }
    }
}

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Number that determines colour, dash and mark, so that a strategy looks the same in all figures of a report.
    pub number: usize,
    /// Role of the strategy in the answer.
    pub role: Emphasis,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Its points by rising x; a missing value is a gap.
    pub dots: Vec<CurvePoint>,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// A line through the points, each marked.
    Marked,
    /// A line without marks (many points).
    Plain,
    /// Steps: the value holds until the next point.
    Steps,
    /// A thin grey line to compare with (the ideal speed-up).
    Reference,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Horizontal value (the position, if the axis has categories).
    pub x: f64,
    /// Vertical value; `None` is a gap (a saturated point has no latency).
    pub y: Option<f64>,
    /// Confidence interval.
    pub band: Option<(f64, f64)>,
    /// What the point lacks, if anything.
    pub flaw: Option<PointFlaw>,
    /// Whether the case misses an objective there.
    pub misses: bool,
}

/// Stacked bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// The bars.
    pub bars: Vec<Bar>,
    /// The axis along which the layers add up.
    pub value: Axis,
    /// The layers, from the axis outwards; layers that are zero everywhere are left out.
    pub layers: Vec<Layer>,
    /// Confidence interval of each bar's whole length; empty if no bar has one.
    pub bands: Vec<Option<(f64, f64)>>,
    /// A value to compare all bars with, and its name.
    pub reference: Option<(f64, String)>,
    /// Bounds that objectives set.
    pub limits: Vec<ReferenceLine>,
}

/// A bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// Role of the case in the answer.
    pub role: Emphasis,
    /// Whether its case misses an objective.
    pub misses: bool,
}

impl From<&str> for Bar {
    fn from(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

impl From<String> for Bar {
    fn from(name: String) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }
}

/// A layer of stacked bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its name in the legend.
    pub name: String,
    /// Number that determines the colour.
    pub number: usize,
    /// Its size in each bar.
    pub values: Vec<f64>,
}

/// A heat map.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// The horizontal axis, whose categories name the columns.
    pub x: Axis,
    /// The vertical axis, whose categories name the rows.
    pub y: Axis,
    /// The axis of the values that colours show.
    pub value: Axis,
    /// Whether small values are good.
    pub less_is_better: bool,
    /// Rows of cells, `cells[row][column]`; `None` has no value.
    pub cells: Vec<Vec<Option<f64>>>,
    /// The cell to take, as (row, column); it is framed.
    pub best: Option<(usize, usize)>,
    /// The cells that miss an objective, as (row, column); they have a cross in a corner.
    pub misses: Vec<(usize, usize)>,
}

/// Rows of spans over simulated time.
#[derive(Clone, Debug, PartialEq)]
pub struct Gantt {
    /// Time across, in seconds.
    pub time: Axis,
    /// Start and end of the window in seconds.
    pub window: (f64, f64),
    /// The rows, from the top.
    pub rows: Vec<GanttRow>,
    /// What the spans' kinds mean, in the order of the legend.
    pub kinds: Vec<SpanKind>,
}

/// A row of a Gantt chart.
#[derive(Clone, Debug, PartialEq)]
pub struct GanttRow {
    /// Group of the row (the cores, a process); rows of a group stand together.
    pub group: String,
    /// Its name.
    pub label: String,
    /// Its spans by rising start, not overlapping.
    pub spans: Vec<GanttSpan>,
}

/// A span of a Gantt chart.
#[derive(Clone, Debug, PartialEq)]
pub struct GanttSpan {
    /// Start in seconds.
    pub from: f64,
    /// End in seconds.
    pub to: f64,
    /// Index into [`Gantt::kinds`].
    pub kind: usize,
    /// What it is, in a few words (the task); may be empty.
    pub text: String,
}

/// What a span's colour means.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanKind {
    /// In words.
    pub name: String,
    /// Number of its colour, as for layers.
    pub number: usize,
}
