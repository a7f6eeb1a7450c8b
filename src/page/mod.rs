//! Results as a page: one HTML file that needs nothing else, to be opened from disk, printed, and sent around. The question and its answer
//! come first, then the comparison, charts with their values, what the numbers rest on, and the command that repeats the work.

mod colors;
mod draw;
mod plan;
mod values;

use std::collections::BTreeSet;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, escape_formatter};
use serde::Serialize;

use self::values::{PageValues, values};
use crate::charts::drawing::svg::escaped;
use crate::charts::drawing::webfont::Signs;
use crate::charts::figure::{Body, Figure};
use crate::layout::table::{Table, TableCell};
use crate::layout::words::{Word, Words};
use crate::plan::Plan;
use crate::report::summary::{Summary, summary};
use crate::result::ResultRef;
use crate::traces::timeline::gantt_of;

/// Size in bytes above which a result is not embedded in the page.
const LARGE: usize = 2 << 20;

/// Most insights that are shown beside the answer.
const INSIGHTS: usize = 2;

/// A result to be shown.
#[derive(Clone, Debug)]
pub struct PageInput<'a> {
    /// The result.
    pub result: ResultRef<'a>,
    /// Text of its file, which is embedded in the page for programs to read.
    pub source: &'a str,
    /// Figures of the result.
    pub figures: Vec<Figure>,
}

/// Makes the page. `title` replaces the question of a single result, or the default title of several.
///
/// # Errors
///
/// If the built-in template is broken, which no input can cause.
pub fn page(results: &[PageInput<'_>], title: Option<&str>) -> Result<String, minijinja::Error> {
    let mut signs = Signs::default();
    let sections: Vec<Section> = (1..)
        .zip(results)
        .map(|(n, r)| Section::new(n, r, title.filter(|_| results.len() == 1), &mut signs))
        .collect();
    page_of(sections, title, &signs)
}

/// Makes the page of a plan; `source` is its text as JSON.
///
/// # Errors
///
/// As of [`page`].
pub fn plan_page(
    plan: &Plan,
    figures: &[Figure],
    source: &str,
) -> Result<String, minijinja::Error> {
    let mut signs = Signs::default();
    let section = plan::section(plan, figures, source, &mut signs);
    page_of(vec![section], None, &signs)
}

fn page_of(
    mut sections: Vec<Section>,
    title: Option<&str>,
    signs: &Signs,
) -> Result<String, minijinja::Error> {
    tell_apart(&mut sections);
    let title = title.map_or_else(
        || match sections.as_slice() {
            [one] => one.title.clone(),
            _ => "Forecasts of Python concurrency".into(),
        },
        str::to_owned,
    );
    let parts = Page {
        title,
        version: env!("CARGO_PKG_VERSION"),
        style: signs.faces() + &colors::rules() + include_str!("style.css"),
        script: include_str!("script.js"),
        several: sections.len() > 1,
        sections,
    };
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    // Escapes as the template engine does, and more: characters that XML forbids, and those that reverse text.
    env.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => Ok(out.write_str(&escaped(text))?),
        _ => escape_formatter(out, state, value),
    });
    env.add_template("page.html", include_str!("page.html"))?;
    let mut page = env.get_template("page.html")?.render(Serde(parts))?;
    page.push('\n');
    Ok(page)
}

#[derive(Serialize)]
struct Page {
    title: String,
    version: &'static str,
    style: String,
    script: &'static str,
    several: bool,
    sections: Vec<Section>,
}

#[derive(Serialize)]
struct Section {
    id: String,
    title: String,
    /// Suffix of the headings of its parts if there are several results.
    label: String,
    subtitle: String,
    plain: String,
    answer: Vec<Vec<TextPart>>,
    /// Reasons that are shown beside the answer.
    reasons: Vec<Vec<TextPart>>,
    /// Further reasons, below the table.
    because: Vec<Vec<TextPart>>,
    insights: Vec<Vec<TextPart>>,
    table: TableParts,
    objectives: Vec<PageObjective>,
    notices: Vec<PageNotice>,
    warned: bool,
    figures: Vec<PageFigure>,
    assumptions: Vec<(String, Vec<String>)>,
    command: String,
    data: String,
}

#[derive(Serialize)]
struct TextPart {
    name: bool,
    code: bool,
    text: String,
    /// The text in parts, between which a line may end.
    breaks: Vec<String>,
}

#[derive(Serialize)]
struct TableParts {
    caption: String,
    columns: Vec<ColumnParts>,
    rows: Vec<RowParts>,
    left_out: usize,
    /// Index of the column that names the row.
    head: usize,
}

#[derive(Serialize)]
struct ColumnParts {
    title: String,
    unit: &'static str,
    number: bool,
}

#[derive(Serialize)]
struct RowParts {
    best: bool,
    class: &'static str,
    cells: Vec<CellParts>,
}

#[derive(Serialize)]
struct CellParts {
    text: String,
    half: String,
    key: Option<f64>,
    name: bool,
    /// For a name: the text in parts, between which a line may end.
    breaks: Vec<String>,
    tied: bool,
}

#[derive(Serialize)]
struct PageObjective {
    text: String,
    verdict: &'static str,
    by: Vec<TextPart>,
}

#[derive(Serialize)]
struct PageNotice {
    note: bool,
    text: Vec<TextPart>,
}

#[derive(Serialize)]
struct PageFigure {
    id: String,
    kind: &'static str,
    title: String,
    subtitle: String,
    legend: Vec<PageLegendEntry>,
    /// The two pictures, wide and narrow.
    pictures: String,
    points: String,
    values: PageValues,
}

#[derive(Serialize)]
struct PageLegendEntry {
    name: String,
    bold: bool,
    /// Numbers of the series that the entry hides and shows, separated by blanks; empty if it only explains a sign.
    series: String,
    sample: String,
}

impl Section {
    fn new(number: usize, shown: &PageInput<'_>, title: Option<&str>, signs: &mut Signs) -> Self {
        let s = summary(shown.result);
        let id = format!("result-{number}");
        let own = if s.question.is_empty() {
            &s.name
        } else {
            &s.question
        };
        let title = title.unwrap_or(own).to_owned();
        let subtitle = subtitle(&s, &title);
        let timeline = timeline(shown.result);
        let figures = shown.figures.iter().chain(&timeline);
        let figures = figures.map(|f| PageFigure::new(f, &id, signs)).collect();
        // The answer is followed by its reason, for a run in one sentence; the table has to be visible without scrolling.
        let mut because: Vec<Vec<TextPart>> = s.because.iter().map(parts).collect();
        let mut insights: Vec<Vec<TextPart>> = s.insights.iter().map(|t| spans(t)).collect();
        let mut reasons: Vec<Vec<TextPart>> = because.drain(..because.len().min(1)).collect();
        reasons.extend(insights.drain(..insights.len().min(INSIGHTS)));
        Self {
            subtitle,
            title,
            label: s.name.clone(),
            reasons,
            plain: s.answer.first().map(Words::plain).unwrap_or_default(),
            answer: s.answer.iter().map(parts).collect(),
            because,
            insights,
            table: table(&s.table),
            objectives: s
                .objectives
                .iter()
                .map(|o| PageObjective {
                    text: o.text.clone(),
                    verdict: o.verdict.name(),
                    by: parts(&o.by),
                })
                .collect(),
            warned: s.notices.iter().any(|n| !n.note),
            notices: s
                .notices
                .into_iter()
                .map(|n| PageNotice {
                    note: n.note,
                    text: spans(&n.text),
                })
                .collect(),
            figures,
            assumptions: s.assumptions,
            command: s.command,
            data: if shown.source.len() > LARGE {
                String::new()
            } else {
                data(shown.result, shown.source)
            },
            id,
        }
    }
}

/// Makes all headings of the page distinct, because a list of equal ones would be useless.
fn tell_apart(sections: &mut [Section]) {
    let mut labels = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for s in sections.iter_mut() {
        s.label = once(&mut labels, &s.label);
        s.title = once(&mut titles, &s.title);
    }
    for chart in sections.iter_mut().flat_map(|s| &mut s.figures) {
        chart.title = once(&mut titles, &chart.title);
    }
}

/// The text, with a number if it has been taken already.
fn once(taken: &mut BTreeSet<String>, text: &str) -> String {
    let numbered = (2..).map(|n| format!("{text} ({n})"));
    let mut all = std::iter::once(text.to_owned()).chain(numbered);
    let free = all.find(|t| !taken.contains(t)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

/// The timeline of one replication of the best case, if the result holds one.
pub fn timeline(result: ResultRef<'_>) -> Option<Figure> {
    let ResultRef::Study(run) = result else {
        return None;
    };
    let case = run.forecasts.iter().find(|c| c.detail.timeline.is_some())?;
    let timeline = case.detail.timeline.as_ref()?;
    let gantt = gantt_of(timeline);
    let hidden = match timeline.hidden_rows {
        0 => String::new(),
        1 => "; a row in which less happens is left out".into(),
        n => format!("; {n} rows in which less happens are left out"),
    };
    Some(Figure {
        name: "timeline".into(),
        title: format!("Timeline of {}", case.name()),
        subtitle: format!(
            "What cores, GILs and threads do in replication 0, {} to {}{hidden}",
            gantt.instant(timeline.from_s),
            gantt.instant(timeline.to_s)
        ),
        body: Body::Gantt(gantt),
    })
}

/// The name of the scenario, its question if the title is another, and the machine.
fn subtitle(s: &Summary, title: &str) -> String {
    let question = if title == s.question { "" } else { &s.question };
    let name = if title == s.name { "" } else { &s.name };
    let machine = s
        .assumptions
        .iter()
        .find(|(name, _)| name == "Simulated machine")
        .and_then(|(_, v)| v.first());
    let parts = [name, question, machine.map_or("", String::as_str)];
    let parts: Vec<&str> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    parts.join(" · ")
}

fn parts(words: &Words) -> Vec<TextPart> {
    let part = |w: &Word| match w {
        Word::Text(t) => spans(t),
        Word::Name(t) => vec![TextPart {
            name: true,
            code: false,
            text: t.clone(),
            breaks: breaks(t),
        }],
    };
    words.0.iter().flat_map(part).collect()
}

/// A name in parts, between which a line may end.
fn breaks(name: &str) -> Vec<String> {
    let parts = name.split_inclusive([':', '+', '(']);
    parts.map(str::to_owned).collect()
}

/// A sentence of the program, with text between backticks as code.
fn spans(text: &str) -> Vec<TextPart> {
    let all: Vec<&str> = text.split('`').collect();
    // A backtick without its counterpart is a plain character.
    let whole = all.len() % 2 == 1;
    let pieces = if whole { all } else { vec![text] };
    let part = |(i, t): (usize, &str)| TextPart {
        name: false,
        code: i % 2 == 1,
        text: t.to_owned(),
        breaks: Vec::new(),
    };
    let parts = pieces.into_iter().enumerate().map(part);
    parts.filter(|p| !p.text.is_empty()).collect()
}

fn table(t: &Table) -> TableParts {
    let cell = |c: &TableCell| CellParts {
        text: c.text.clone(),
        half: c.half.clone(),
        key: c.key.filter(|k| k.is_finite()),
        name: c.name,
        breaks: if c.name { breaks(&c.text) } else { Vec::new() },
        tied: c.tied,
    };
    TableParts {
        caption: t.caption.clone(),
        columns: t
            .columns
            .iter()
            .map(|c| ColumnParts {
                title: c.title.clone(),
                unit: c.unit,
                number: c.number,
            })
            .collect(),
        rows: t
            .rows
            .iter()
            .map(|r| RowParts {
                best: r.best,
                class: match (r.best, r.fine) {
                    (true, _) => "best",
                    (_, false) => "unfit",
                    _ => "",
                },
                cells: r.cells.iter().map(cell).collect(),
            })
            .collect(),
        left_out: t.left_out,
        head: t.columns.iter().position(|c| !c.number).unwrap_or(0),
    }
}

impl PageFigure {
    fn new(figure: &Figure, section: &str, signs: &mut Signs) -> Self {
        // Parts of the section have ids of their own, one of them `comparison`.
        let id = format!("{section}-chart-{}", anchor(&figure.name));
        let (pictures, points) = draw::pictures(figure, &id, signs);
        Self {
            kind: draw::kind(&figure.body),
            title: figure.title.clone(),
            subtitle: figure.subtitle.clone(),
            legend: draw::legend(&figure.body),
            pictures,
            points: points.map_or(String::new(), |p| inert(&p.to_string())),
            values: values(figure),
            id,
        }
    }
}

/// A name as it may appear in an anchor.
fn anchor(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(plain).collect()
}

/// The result as one JSON value: a run as it is, a sweep as a list of its lines.
fn data(result: ResultRef<'_>, source: &str) -> String {
    match result {
        ResultRef::Study(_) => inert(&squeezed(source)),
        ResultRef::Sweep(_) => {
            let lines: Vec<&str> = source.lines().filter(|l| !l.trim().is_empty()).collect();
            inert(&format!("[{}]", lines.join(",\n")))
        }
    }
}

/// JSON that ends no script and begins no markup, whatever its texts contain. In JSON, these characters only occur in texts.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// JSON without blanks between its parts.
fn squeezed(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut within, mut escaped) = (false, false);
    for c in json.chars() {
        if within {
            within = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            within = c == '"';
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning() {
        let json = "{\n  \"a b\": [1, 2.5],\n  \"c\\\\\": \"x \\\" y  </script>&\u{2028}\"\n}\n";
        let small = inert(&squeezed(json));
        assert!(
            !small.contains(['<', '>', '&', '\n', '\u{2028}']),
            "{small}"
        );
        let read = |t: &str| serde_json::from_str::<serde_json::Value>(t).unwrap();
        assert_eq!(read(&small), read(json));
    }
}
