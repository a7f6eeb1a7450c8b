//! The page and the Markdown report: what they say, that they are well-formed, that nothing in a result can break them, and that they
//! work in a browser.

mod browser;
mod fixtures;

use fixtures::{figures, hostile, run, saturated, sweep, tied};
use pchsim::charts::figure::{Body, Figure};
use pchsim::page::{PageInput, page};
use pchsim::report::markdown;
use pchsim::result::{Saved, read};

fn document(source: &str) -> Saved {
    read(source, "a test's result").expect("a result")
}

fn page_of(sources: &[&str], figures: &[Figure]) -> String {
    let documents: Vec<Saved> = sources.iter().map(|s| document(s)).collect();
    let shown: Vec<PageInput<'_>> = documents
        .iter()
        .zip(sources)
        .map(|(document, source)| PageInput {
            result: document.into(),
            source,
            figures: figures.to_vec(),
        })
        .collect();
    page(&shown, None).expect("a page")
}

/// Pages of every kind, for the browser.
fn pages() -> Vec<(&'static str, String)> {
    let (run, sweep, hostile) = (run(), sweep(), hostile());
    // A figure may be called what a part of the page is.
    let mut called = figures("plain");
    for (f, name) in called.iter_mut().zip(["comparison", "charts", "data"]) {
        f.name = name.into();
    }
    vec![
        ("run", page_of(&[&run], &called)),
        ("several", page_of(&[&run, &sweep], &figures("plain"))),
        ("hostile", page_of(&[&hostile], &figures(fixtures::EVIL))),
    ]
}

/// The page as strict XML, which its markup is as well.
fn parsed(page: &str) -> roxmltree::Document<'_> {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    roxmltree::Document::parse_with_options(page, options).unwrap_or_else(|e| {
        let line = page
            .lines()
            .nth(e.pos().row as usize - 1)
            .unwrap_or_default();
        panic!("{e}: {line}")
    })
}

fn elements<'a>(root: roxmltree::Node<'a, 'a>, name: &'static str) -> Vec<roxmltree::Node<'a, 'a>> {
    let named = move |n: &roxmltree::Node<'_, '_>| n.has_tag_name(name);
    root.descendants().filter(named).collect()
}

#[test]
fn a_small_page() {
    let page = page_of(&[&run()], &[]);
    let between = |from: &str, to: &str, text: String| {
        let start = text.find(from).expect(from) + from.len();
        let end = start + text[start..].find(to).expect(to);
        format!("{}...{}", &text[..start], &text[end..])
    };
    let page = between("<style>", "</style>", page);
    let page = between("//<![CDATA[", "//]]>", page);
    let page = between("class=\"data\" id=\"result-1-data\">", "</script>", page);
    insta::assert_snapshot!(page);
}

#[test]
fn markdown_of_a_run_and_a_sweep() {
    let (run, sweep) = (document(&run()), document(&sweep()));
    insta::assert_snapshot!("markdown_of_a_run", markdown(&[(&run).into()], None));
    insta::assert_snapshot!(
        "markdown_of_both",
        markdown(&[(&run).into(), (&sweep).into()], Some("Before | after"))
    );
}

#[test]
fn pages_are_well_formed_and_need_no_network() {
    for (name, page) in pages() {
        let xml = parsed(&page);
        for node in xml.descendants().filter(roxmltree::Node::is_element) {
            for attribute in node.attributes() {
                let loads = matches!(
                    attribute.name(),
                    "src" | "href" | "srcset" | "action" | "data"
                );
                let own = attribute.value().starts_with('#') || attribute.value() == "data:,";
                assert!(!loads || own, "{name}: {attribute:?}");
            }
        }
        // The charts' font is within the page.
        let page = page.replace("url(data:font/woff;base64,", "");
        for loading in [
            "url(",
            "@import",
            "fetch(",
            "import(",
            "XMLHttpRequest",
            "http://",
            "https://",
        ] {
            assert!(!page.contains(loading), "{name} has {loading}");
        }
        assert!(page.len() < 1_000_000, "{name}: {} bytes", page.len());
    }
}

#[test]
fn contents_lead_to_headings_that_differ() {
    for (name, page) in pages() {
        let xml = parsed(&page);
        let ids: Vec<&str> = (xml.descendants())
            .filter_map(|n| n.attribute("id"))
            .collect();
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), ids.len(), "{name}: an id twice in {ids:?}");
        let links: Vec<&str> = elements(xml.root(), "a")
            .into_iter()
            .filter_map(|a| a.attribute("href")?.strip_prefix('#'))
            .collect();
        assert!(links.len() > 6, "{name}: {links:?}");
        for link in &links {
            assert!(ids.contains(link), "{name}: nothing is called {link}");
        }
        let charts = elements(xml.root(), "figure");
        for chart in charts.iter().filter_map(|c| c.attribute("id")) {
            assert!(links.contains(&chart), "{name}: no link to {chart}");
        }
        let mut heads: Vec<String> = ["h1", "h2", "h3", "h4"]
            .into_iter()
            .flat_map(|h| elements(xml.root(), h))
            .map(|h| {
                let texts = h.descendants().filter(roxmltree::Node::is_text);
                texts.filter_map(|n| n.text()).collect()
            })
            .collect();
        let all = heads.len();
        heads.sort();
        heads.dedup();
        assert_eq!(heads.len(), all, "{name}: {heads:?}");
    }
}

#[test]
fn what_does_equally_well_is_marked() {
    let marks = |page: &str| {
        let xml = parsed(page);
        let marks = elements(xml.root(), "span").into_iter();
        marks
            .filter(|s| s.attribute("class") == Some("tie"))
            .count()
    };
    assert_eq!(marks(&page_of(&[&sweep()], &[])), 0);
    let tied = page_of(&[&fixtures::tied_sweep()], &[]);
    // Both cases of the last point.
    assert_eq!(marks(&tied), 2);
    assert!(tied.contains("= marks what does equally well"));
    let tied_run = page_of(&[&fixtures::tied()], &[]);
    assert!(tied_run.contains("1=</td>") && tied_run.contains("= marks a shared place"));
    let markdown = markdown(&[(&document(&fixtures::tied_sweep())).into()], None);
    assert!(
        markdown.contains("**`processes:4:fork`** =") && markdown.contains("`threads:32` ="),
        "{markdown}"
    );
}

#[test]
fn parameters_are_counted_as_what_they_are() {
    let page = page_of(&[&run()], &[]);
    assert!(page.contains("80 parameters measured or derived from measurements, 4 estimated"));
}

#[test]
fn every_chart_has_a_table_with_its_values() {
    let figures = figures("plain");
    let page = page_of(&[&run()], &figures);
    let xml = parsed(&page);
    let charts = elements(xml.root(), "figure");
    assert_eq!(charts.len(), figures.len());
    for (chart, figure) in charts.iter().zip(&figures) {
        let cells: usize = elements(*chart, "td").len();
        let values = match &figure.body {
            Body::Lines(f) => {
                let dots: Vec<usize> = f.series.iter().map(|s| s.dots.len()).collect();
                // One row an x where the curves share them, else one row a point.
                if f.series.iter().all(|s| {
                    s.dots
                        .iter()
                        .map(|d| d.x)
                        .eq(f.series[0].dots.iter().map(|d| d.x))
                }) {
                    dots.iter().sum()
                } else {
                    2 * dots.iter().sum::<usize>()
                }
            }
            Body::Stack(f) => {
                f.layers.iter().map(|l| l.values.len()).sum::<usize>()
                    + usize::from(f.reference.is_some())
            }
            Body::Heat(f) => f.cells.iter().map(Vec::len).sum(),
            Body::Gantt(f) => 4 * f.rows.iter().map(|r| r.spans.len()).sum::<usize>(),
        };
        assert_eq!(cells, values, "{}", figure.name);
        for svg in elements(*chart, "svg")
            .iter()
            .filter(|s| s.attribute("role").is_some())
        {
            let marks = svg.descendants().filter(|n| {
                n.attribute("class")
                    .is_some_and(|c| c.contains("mark-value") || c == "dot")
            });
            for mark in marks {
                assert_eq!(elements(mark, "title").len(), 1, "{}", figure.name);
            }
            let labels = svg.attribute("aria-labelledby").expect("a label");
            for id in labels.split(' ') {
                assert!(
                    xml.descendants().any(|n| n.attribute("id") == Some(id)),
                    "{id}"
                );
            }
        }
    }
}

#[test]
fn nothing_in_a_result_breaks_out() {
    let page = page_of(&[&hostile()], &figures(fixtures::EVIL));
    let xml = parsed(&page);
    let lines = figures("x")
        .iter()
        .filter(|f| matches!(f.body, Body::Lines(_)))
        .count();
    assert_eq!(
        elements(xml.root(), "script").len(),
        2 + lines,
        "its own scripts and data, no other"
    );
    assert!(elements(xml.root(), "img").is_empty());
    let data = elements(xml.root(), "script")
        .into_iter()
        .find(|s| s.attribute("class") == Some("data"));
    let data: serde_json::Value =
        serde_json::from_str(data.and_then(|d| d.text()).expect("data")).expect("JSON");
    let source: serde_json::Value = serde_json::from_str(&hostile()).expect("JSON");
    assert_eq!(data, source);
    let markdown = markdown(&[(&document(&hostile())).into()], None);
    assert!(!markdown.contains("\n# injected"), "{markdown}");
    let prose = markdown
        .lines()
        .filter(|l| l.starts_with(['#', '>']) || l.starts_with("- **"));
    for line in prose {
        assert!(!line.replace("\\<", "").contains('<'), "{line}");
    }
}

#[test]
fn the_answer_is_said_with_care() {
    let answer = |source: &str| {
        let page = page_of(&[source], &[]);
        let xml = parsed(&page);
        let say: Vec<String> = elements(xml.root(), "p")
            .into_iter()
            .filter(|p| p.attribute("class") == Some("say"))
            .map(|p| {
                p.descendants()
                    .filter_map(|n| n.text().filter(|_| n.is_text()))
                    .collect()
            })
            .collect();
        say.join("\n")
    };
    insta::assert_snapshot!(
        "answers",
        format!(
            "{}\n\n{}\n\n{}\n\n{}",
            answer(&run()),
            answer(&tied()),
            answer(&saturated()),
            answer(&sweep())
        )
    );
}

mod command {
    use assert_cmd::Command;
    use predicates::str::{contains, starts_with};

    use crate::world::pchsim_in;

    fn report(dir: &tempfile::TempDir) -> Command {
        let mut command = pchsim_in(dir);
        command.arg("report");
        command
    }

    #[test]
    fn files_are_made_and_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let result = dir.path().join("run.json");
        std::fs::write(&result, super::run()).unwrap();
        let html = ["run.json", "--html", "output/report.html"];
        report(&dir)
            .args(html)
            .assert()
            .success()
            .stdout("")
            .stderr(contains("wrote output/report.html"));
        let page = std::fs::read_to_string(dir.path().join("output/report.html")).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        report(&dir)
            .args(html)
            .assert()
            .code(2)
            .stderr(contains("--force"));
        report(&dir).args(html).arg("--force").assert().success();
        report(&dir)
            .arg("run.json")
            .assert()
            .success()
            .stdout(starts_with("# How should"));
        report(&dir)
            .args(["run.json", "--markdown", "run.json", "--force"])
            .assert()
            .code(2)
            .stderr(contains("is read by this command"));
        assert_eq!(std::fs::read_to_string(&result).unwrap(), super::run());
        report(&dir)
            .args([
                "-",
                "--markdown",
                "-",
                "--title",
                "Mine",
                "--html",
                "x.html",
            ])
            .write_stdin(super::run())
            .assert()
            .success()
            .stdout(starts_with("# Mine\n"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn what_is_no_result_is_explained() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("x.json"), "{\"schema\": 99}").unwrap();
        std::fs::write(dir.path().join("y.json"), "not JSON").unwrap();
        report(&dir)
            .arg("x.json")
            .assert()
            .code(2)
            .stderr(contains("x.json has schema 99"));
        report(&dir)
            .arg("y.json")
            .assert()
            .code(2)
            .stderr(contains("y.json is not a result"));
        report(&dir)
            .arg("z.json")
            .assert()
            .code(2)
            .stderr(contains("cannot read z.json"));
        report(&dir).assert().code(2).stderr(contains("RESULT"));
    }
}
