//! Figures as data: what is drawn, without how. `report::plot` draws them as SVG and PNG files, `report::html` into the
//! page; both show the same numbers with the same names, units and colours.

mod make;
pub mod palette;
pub mod ticks;

pub use make::figures;

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Short name, unique within a report: the stem of its file and its anchor in the page (`latency-percentiles`).
    pub name: String,
    /// What it shows, as a headline.
    pub title: String,
    /// What a reader must know beside it (scenario, interval, replications); may be empty.
    pub subtitle: String,
    /// The picture.
    pub body: Body,
}

/// The kinds of pictures.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Curves over an axis, with bands.
    Lines(Lines),
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
pub struct Lines {
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// The curves, in the order of the legend.
    pub series: Vec<Series>,
}

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its number: decides colour, dash and marker, so that one strategy looks alike in all figures of a report.
    pub number: usize,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Its points by rising x; a gap where a value is missing.
    pub dots: Vec<Dot>,
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
pub struct Dot {
    /// Across (the position, where the axis has categories).
    pub x: f64,
    /// Up; `None` is a gap (a saturated point has no latency).
    pub y: Option<f64>,
    /// Confidence interval.
    pub band: Option<(f64, f64)>,
}

/// Stacked bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// The bars' names.
    pub bars: Vec<String>,
    /// The axis along which the layers add up.
    pub value: Axis,
    /// The layers, from the axis outwards; layers that are zero everywhere are left out.
    pub layers: Vec<Layer>,
    /// Confidence interval of each bar's whole length; empty where none has one.
    pub bands: Vec<Option<(f64, f64)>>,
    /// A value to compare all bars with, and what it is.
    pub reference: Option<(f64, String)>,
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
}

/// Rows of spans over simulated time.
#[derive(Clone, Debug, PartialEq)]
pub struct Gantt {
    /// Time across, in seconds.
    pub time: Axis,
    /// Start and end of the window in seconds.
    pub window: (f64, f64),
    /// The rows, from the top.
    pub rows: Vec<Row>,
    /// What the spans' kinds mean, in the order of the legend.
    pub kinds: Vec<SpanKind>,
}

/// A row of a Gantt chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its group (the cores, a process): rows of one group stand together.
    pub group: String,
    /// Its name.
    pub label: String,
    /// Its spans by rising start, not overlapping.
    pub spans: Vec<Span>,
}

/// A span of a Gantt chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
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
