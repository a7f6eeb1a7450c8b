//! Figures as data: what is drawn, without how. `charts::drawing` lays them out, for files and for the page.

pub mod alike;
mod make;
pub mod palette;
pub mod stripes;
pub mod ticks;

pub use make::figures;

use crate::result::Status;

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Short name, unique within a report: the stem of its file and its anchor in the page (`latency-percentiles`).
    pub name: String,
    /// What it says, as a headline: a sentence that its own numbers bear out.
    pub title: String,
    /// What it shows, and what a reader must know beside it (scenario, interval, replications); may be empty.
    pub subtitle: String,
    /// The picture.
    pub body: Body,
}

/// The kinds of pictures.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Curves over an axis, with bands.
    Lines(LinePlot),
    /// Bars, one a category, each a stack of layers.
    Stack(Stack),
    /// Cells over two swept axes.
    Heat(Heat),
    /// Rows of spans over time.
    Gantt(Gantt),
}

/// What the numbers of an axis count: decides the text of its ticks.
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

/// How values are laid along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from the least to the largest value.
    Linear,
    /// Evenly, and zero belongs to it.
    FromZero,
    /// By powers of ten.
    Log,
    /// By powers of two (doubled cores or workers).
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
    /// Names of the positions 0, 1, 2, ... where the axis holds words rather than numbers.
    pub categories: Vec<String>,
}

/// Curves over an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct LinePlot {
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// The curves, in the order of the legend.
    pub series: Vec<Series>,
    /// Values of the axis up that are wanted.
    pub limits: Vec<ReferenceLine>,
}

/// A value that an objective asks for: a line across the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceLine {
    /// The value.
    pub value: f64,
    /// As the objective was written (`p95 < 600ms`).
    pub name: String,
}

impl ReferenceLine {
    /// Whether it is near enough to the values to be part of a picture that shows these: what is far off would press them together.
    pub fn is_near(&self, scale: Scale, values: impl IntoIterator<Item = f64>) -> bool {
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

    /// In the legend: `objective p95 < 600ms`; `near`: it is in the picture.
    pub fn legend(&self, near: bool) -> String {
        let off = if near { "" } else { ": beyond this axis" };
        format!("objective {}{off}", self.name)
    }
}

impl LinePlot {
    /// Everything that the axis up has to show, but for objectives.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        let dots = self.series.iter().flat_map(|s| &s.dots);
        dots.flat_map(|d| [d.y, d.band.map(|b| b.0), d.band.map(|b| b.1)])
            .flatten()
    }

    /// The objectives, and whether each is near enough to be shown.
    pub fn reference_lines(&self) -> Vec<(&ReferenceLine, bool)> {
        let near = |l: &ReferenceLine| l.is_near(self.y.scale, self.values());
        self.limits.iter().map(|l| (l, near(l))).collect()
    }

    /// What points lack, each once.
    pub fn flaws(&self) -> Vec<PointFlaw> {
        let dots = self.series.iter().flat_map(|s| &s.dots);
        let mut all: Vec<PointFlaw> = dots.filter_map(|d| d.flaw).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What is said of a point: its value, the interval, and what is wrong with it.
    pub fn reading(&self, dot: &CurvePoint) -> String {
        let flaw = dot.flaw.map(PointFlaw::words);
        let Some(y) = dot.y else {
            return flaw.map_or("–".into(), |flaw| format!("– ({flaw})"));
        };
        let remark = flaw.map_or_else(|| missing(dot.misses), |flaw| format!("; {flaw}"));
        self.y.text(y) + &ticks::interval_text(self.y.measure, dot.band) + &remark
    }

    /// Whether any point misses an objective.
    pub fn misses(&self) -> bool {
        self.series.iter().flat_map(|s| &s.dots).any(|d| d.misses)
    }

    /// Whether what has no number would lie above all numbers: the latency of what saturates does.
    pub fn flaws_above(&self) -> bool {
        self.y.measure == Measure::Seconds
    }
}

/// `× saturated or out of memory`, for legends.
pub fn flaws_in_words(all: &[PointFlaw]) -> String {
    let words: Vec<&str> = all.iter().map(|l| l.words()).collect();
    words.join(" or ")
}

/// What is said in legends of points and bars that miss an objective.
pub const MISSES: &str = "misses an objective";

/// The same behind a value: empty where it does not.
pub fn missing(misses: bool) -> String {
    if misses {
        format!("; {MISSES}")
    } else {
        String::new()
    }
}

impl Stack {
    /// The length of a bar.
    pub fn length(&self, bar: usize) -> f64 {
        let of = self.layers.iter().filter_map(|l| l.values.get(bar));
        of.filter(|v| v.is_finite()).sum()
    }

    /// The objectives, and whether each is near enough to be shown.
    pub fn reference_lines(&self) -> Vec<(&ReferenceLine, bool)> {
        let near = |l: &ReferenceLine| {
            let lengths = (0..self.bars.len()).map(|i| self.length(i));
            l.is_near(self.value.scale, lengths)
        };
        self.limits.iter().map(|l| (l, near(l))).collect()
    }

    /// Which kinds of bars there are, in the order of the legend; of a single kind nothing need be said.
    pub fn kinds(&self) -> Vec<BarKind> {
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
pub struct BarKind {
    /// What the answer does not name.
    pub other: bool,
    /// Its outline, and stripes instead of a filling.
    pub misses: bool,
}

impl BarKind {
    /// In words; `nearest`: nothing meets every objective.
    pub fn words(self, nearest: bool) -> String {
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
    /// How it is drawn.
    pub fn kind(&self) -> BarKind {
        BarKind {
            other: !self.role.leads(),
            misses: self.misses,
        }
    }

    /// Its name, and whether it is what the others are compared with.
    pub fn label(&self) -> String {
        Emphasis {
            baseline: self.role.baseline,
            ..Emphasis::default()
        }
        .name(&self.name)
    }
}

/// What a strategy is to the answer: told by strokes, marks and words, so that it can be seen without colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emphasis {
    /// It is the one to take, or as good.
    pub best: bool,
    /// Nothing meets every objective, and it is nearest to that.
    pub nearest: bool,
    /// The others are compared with it.
    pub baseline: bool,
}

impl Emphasis {
    /// The name with what it is: `sequential (baseline)`.
    pub fn name(self, name: &str) -> String {
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

    /// Whether it is what the answer names.
    pub fn leads(self) -> bool {
        self.best || self.nearest
    }
}

/// Why a point has no number, or one that is not to be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PointFlaw {
    /// The arrivals are more than can be borne.
    Saturated,
    /// Memory ran out.
    Memory,
    /// Everything waits for something else.
    Deadlock,
    /// The run was stopped before its end.
    Stopped,
    /// No task was completed.
    Nothing,
    /// The interpreter cannot do it.
    Unsupported,
}

impl PointFlaw {
    /// Of a case by its status; `None` where its numbers can be taken as they are.
    pub fn of_status(status: Status) -> Option<Self> {
        Some(match status {
            Status::Fine => return None,
            Status::Saturated => Self::Saturated,
            Status::OutOfMemory => Self::Memory,
            Status::Deadlock => Self::Deadlock,
            Status::EventLimit | Status::ClockEnd => Self::Stopped,
            Status::NothingCompleted => Self::Nothing,
            Status::Unsupported => Self::Unsupported,
        })
    }

    /// In words, for a legend.
    pub fn words(self) -> &'static str {
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
    /// Its number: decides colour, dash and marker, so that one strategy looks alike in all figures of a report.
    pub number: usize,
    /// What it is to the answer.
    pub role: Emphasis,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Its points by rising x; a gap where a value is missing.
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
    /// Across (the position, where the axis has categories).
    pub x: f64,
    /// Up; `None` is a gap (a saturated point has no latency).
    pub y: Option<f64>,
    /// Confidence interval.
    pub band: Option<(f64, f64)>,
    /// What is wrong with the point, if anything.
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
    /// Confidence interval of each bar's whole length; empty where none has one.
    pub bands: Vec<Option<(f64, f64)>>,
    /// A value to compare all bars with, and what it is.
    pub reference: Option<(f64, String)>,
    /// Values that are wanted.
    pub limits: Vec<ReferenceLine>,
}

/// A bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// What it is to the answer.
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
    /// Its number: decides the colour.
    pub number: usize,
    /// Its size in each bar.
    pub values: Vec<f64>,
}

/// A heat map.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// Across; its categories name the columns.
    pub x: Axis,
    /// Up; its categories name the rows.
    pub y: Axis,
    /// What the colour shows.
    pub value: Axis,
    /// Whether small values are the good ones.
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
    /// Its group (the cores, a process): rows of one group stand together.
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
    /// Number of its colour, as of layers.
    pub number: usize,
}
