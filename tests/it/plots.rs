//! Figures drawn as files: every kind of figure in both themes as golden files, pictures that are none of blank, cut off or broken,
//! whatever stands in them, and the command that writes them.

mod figures;

use std::path::Path;

use insta::assert_snapshot;
use pchsim::charts::figure::palette::Theme;
use pchsim::charts::figure::{
    Bar, Body, Figure, Gantt, GanttRow, GanttSpan, Heat, Layer, Measure, ReferenceLine, Scale,
    Series, SpanKind, Stack, Stroke,
};
use pchsim::charts::plot::{PlotStyle, png, svg};

use crate::world::pchsim;
use figures::{
    axis, every_kind, figure, gantt, heat, layers, lines, percentiles, series, tail, told_apart,
    words,
};

/// The picture without the bytes of its fonts, which tests of their own are about.
fn without_fonts(svg: &str) -> String {
    let mut parts = svg.split("base64,");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(')').expect("the address ends");
        out.push_str("base64,...");
        out.push_str(&part[end..]);
    }
    out
}

#[test]
fn golden_pictures_in_both_themes() {
    for f in every_kind() {
        let drawn = |theme| without_fonts(&svg(&f, theme).unwrap());
        assert_snapshot!(format!("{}", f.name), drawn(Theme::Light));
        assert_snapshot!(format!("{}-dark", f.name), drawn(Theme::Dark));
    }
}

#[test]
fn a_picture_needs_no_font_of_the_machine() {
    for f in every_kind() {
        let text = svg(&f, Theme::Light).unwrap();
        let xml = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(text.matches("@font-face").count(), 2, "{}", f.name);
        assert!(text.len() < 60_000, "{}: {} bytes", f.name, text.len());
        // Texts stay texts, and keep their room in another font.
        let texts = xml.descendants().filter(|n| n.has_tag_name("text"));
        assert!(texts.clone().count() > 3, "{}", f.name);
        for t in texts {
            assert!(t.attribute("textLength").is_some(), "{:?}", t.text());
        }
    }
}

#[test]
fn pictures_have_no_edge() {
    for theme in [Theme::Light, Theme::Dark] {
        for size in [None, Some((320, 320)), Some((801, 433))] {
            let bytes = png(&percentiles(), PlotStyle { theme, size }).unwrap();
            let mut reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size()];
            let info = reader.next_frame(&mut pixels).unwrap();
            let (w, h) = (info.width as usize, info.height as usize);
            let at = |x: usize, y: usize| &pixels[(y * w + x) * 3..][..3];
            let background = theme.background();
            let background = [background.0, background.1, background.2];
            let across = (0..w).flat_map(|x| [(x, 0), (x, h - 1)]);
            let up = (0..h).flat_map(|y| [(0, y), (w - 1, y)]);
            for (x, y) in across.chain(up) {
                assert_eq!(at(x, y), background, "{theme:?} {size:?}: {x}, {y}");
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(60))]

    /// Whatever a scenario calls things: the picture is whole, and says what it was given.
    #[test]
    fn names_are_quoted(name in "\\PC{0,40}|[<>&\"'\\]\\[!-]{1,12}|[\\x00-\\x1f\u{202a}-\u{202e}a]{1,8}") {
        let mut f = told_apart();
        f.title = format!("{name} is best");
        f.subtitle.clone_from(&name);
        if let Body::Lines(l) = &mut f.body {
            l.series[2].name.clone_from(&name);
            l.limits[0].name.clone_from(&name);
            l.x.label.clone_from(&name);
        }
        let text = svg(&f, Theme::Light).unwrap();
        let xml = roxmltree::Document::parse(&text).unwrap();
        let title = xml.descendants().find(|n| n.has_tag_name("title")).unwrap();
        let shown = |t: &str| -> String {
            t.chars()
                .map(|c| match c {
                    '\u{202a}'..='\u{202e}'
                    | '\u{2066}'..='\u{2069}'
                    | '\u{fffe}'
                    | '\u{ffff}' => '\u{fffd}',
                    '\t' | '\n' => c,
                    c if c.is_control() => '\u{fffd}',
                    c => c,
                })
                .collect()
        };
        proptest::prop_assert_eq!(title.text().unwrap_or_default(), shown(&f.title));
        let turned = text.contains(['\u{202a}', '\u{202e}']);
        proptest::prop_assert!(!turned);
    }
}

/// Width, height and how many colours a PNG has.
fn decoded(bytes: &[u8]) -> (u32, u32, usize) {
    let mut reader = png::Decoder::new(bytes).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(
        (info.color_type, info.bit_depth),
        (png::ColorType::Rgb, png::BitDepth::Eight)
    );
    let mut colors: Vec<&[u8]> = pixels.chunks_exact(3).collect();
    colors.sort_unstable();
    colors.dedup();
    (info.width, info.height, colors.len())
}

#[test]
fn pngs_are_two_pixels_a_point_and_show_something() {
    for f in every_kind() {
        for theme in [Theme::Light, Theme::Dark] {
            let look = PlotStyle {
                theme,
                size: Some((480, 360)),
            };
            let (width, height, colors) = decoded(&png(&f, look).unwrap());
            assert_eq!((width, height), (960, 720), "{}", f.name);
            assert!(colors > 20, "{} {theme:?}: {colors} colours", f.name);
        }
    }
    let natural = decoded(&png(&heat(), Theme::Light).unwrap());
    assert_eq!((natural.0, natural.1), (1800, 676));
}

/// The shares of pixels that differ from the corner's, in the picture's middle third.
fn drawn(bytes: &[u8]) -> f64 {
    let mut reader = png::Decoder::new(bytes).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let (w, h) = (info.width as usize, info.height as usize);
    let background = pixels[..3].to_vec();
    let middle = (h / 3..h * 2 / 3).flat_map(|y| (w / 3..w * 2 / 3).map(move |x| (y * w + x) * 3));
    let (all, other) = middle.fold((0, 0), |(n, other), at| {
        (
            n + 1,
            other + usize::from(pixels[at..at + 3] != background[..]),
        )
    });
    other as f64 / f64::from(all)
}

#[test]
fn bars_and_maps_are_filled() {
    let of = |f: &Figure| drawn(&png(f, Theme::Light).unwrap());
    assert!(of(&layers()) > 0.3, "{}", of(&layers()));
    assert!(of(&heat()) > 0.3, "{}", of(&heat()));
    assert!(of(&gantt()) > 0.05, "{}", of(&gantt()));
    assert!(of(&tail()) > 0.005, "{}", of(&tail()));
}

/// Draws it in every way; the SVG must be whole and hold no number that is none.
fn draws(f: &Figure) {
    let text = svg(f, Theme::Dark).unwrap();
    assert!(
        text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"),
        "{}",
        f.name
    );
    for wrong in ["NaN", "inf", "\"-inf"] {
        let in_attribute = text
            .lines()
            .filter(|l| l.starts_with('<'))
            .any(|l| l.contains(wrong));
        assert!(!in_attribute, "{}: {wrong}", f.name);
    }
    let look = PlotStyle {
        theme: Theme::Light,
        size: Some((320, 320)),
    };
    let (width, height, colors) = decoded(&png(f, look).unwrap());
    assert_eq!((width, height), (640, 640), "{}", f.name);
    assert!(colors > 1, "{} is blank", f.name);
}

const SCALES: [Scale; 5] = [
    Scale::Linear,
    Scale::FromZero,
    Scale::Log,
    Scale::Log2,
    Scale::Nines,
];

#[test]
fn strange_curves() {
    let nan = f64::NAN;
    let odd: [&[(f64, f64)]; 9] = [
        &[],
        &[(1.0, 1.0)],
        &[(1.0, nan), (2.0, nan)],
        &[(nan, 1.0), (f64::INFINITY, 2.0), (1.0, f64::NEG_INFINITY)],
        &[(0.0, 0.0), (1.0, 0.0)],
        &[(-2.0, -5.0), (3.0, -5.0)],
        &[(1e-310, 1e308), (1e308, -1e308)],
        &[(1.0, 1e-9), (1.0, 1e9), (2.0, 0.0)],
        &[(5.0, 1.0), (4.0, 2.0), (4.5, 1.5)],
    ];
    for (i, points) in odd.iter().enumerate() {
        for scale in SCALES {
            let f = lines(
                &format!("strange-{i}-{scale:?}"),
                axis("x", Measure::Seconds, scale),
                axis("y", Measure::Bytes, scale),
                vec![
                    series("a", 0, Stroke::Marked, points),
                    series("b", 9, Stroke::Steps, points),
                    series("c", 3, Stroke::Plain, points),
                    series("d", 3, Stroke::Reference, points),
                ],
            );
            let text = without_fonts(&svg(&f, Theme::Light).unwrap());
            assert!(!text.contains("NaN") && !text.contains("inf"), "{}", f.name);
        }
        draws(&lines(
            &format!("strange-{i}"),
            axis("x", Measure::Number, Scale::Linear),
            axis("y", Measure::Seconds, Scale::Log),
            vec![series("a", 0, Stroke::Marked, points)],
        ));
    }
}

#[test]
fn too_much_of_everything() {
    let long = "a very long name ".repeat(60) + "\u{1F40D}\u{7} λ <tag attr=\"x\">";
    let many: Vec<Series> = (0..40)
        .map(|i| {
            let points = [(0.0, f64::from(i)), (1.0, f64::from(40 - i))];
            series(&format!("{i} {long}"), i as usize, Stroke::Marked, &points)
        })
        .collect();
    let names: Vec<String> = (0..300).map(|i| format!("category {i} {long}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut f = lines(
        "many",
        words(&long, &names),
        axis(&long, Measure::PerSecond, Scale::FromZero),
        many,
    );
    f.title.clone_from(&long);
    f.subtitle.clone_from(&long);
    draws(&f);
    draws(&figure(
        "many-bars",
        Body::Stack(Stack {
            bars: names.iter().map(|n| Bar::from(*n)).collect(),
            value: axis(&long, Measure::Seconds, Scale::FromZero),
            layers: (0..30)
                .map(|i| Layer {
                    name: format!("{i} {long}"),
                    number: i,
                    values: (0..300).map(|b| f64::from(b % 7)).collect(),
                })
                .collect(),
            bands: vec![Some((f64::NAN, 1.0)); 5],
            reference: Some((f64::INFINITY, long.clone())),
            limits: vec![ReferenceLine {
                value: 1.0,
                name: long.clone(),
            }],
        }),
    ));
    draws(&figure(
        "many-cells",
        Body::Heat(Heat {
            x: words(&long, &names),
            y: words(&long, &names),
            value: axis(&long, Measure::Bytes, Scale::Log),
            less_is_better: false,
            best: Some((299, 299)),
            misses: Vec::new(),
            cells: (0..300)
                .map(|i| (0..300).map(|j| Some(f64::from(i * j))).collect())
                .collect(),
        }),
    ));
    draws(&figure(
        "many-rows",
        Body::Gantt(Gantt {
            time: axis("t", Measure::Seconds, Scale::Linear),
            window: (0.0, 1.0),
            rows: (0..900)
                .map(|i| GanttRow {
                    group: format!("group {} {long}", i / 9),
                    label: format!("row {i} {long}"),
                    spans: (0..9)
                        .map(|s| GanttSpan {
                            from: f64::from(s) * 0.1,
                            to: f64::from(s) * 0.1 + 1e-9,
                            kind: s as usize,
                            text: long.clone(),
                        })
                        .collect(),
                })
                .collect(),
            kinds: vec![SpanKind {
                name: long.clone(),
                number: 77,
            }],
        }),
    ));
}

#[test]
fn nothing_at_all() {
    let x = || axis("", Measure::Number, Scale::Linear);
    draws(&lines("no-lines", x(), x(), Vec::new()));
    let stack = |bars: &[&str], values: &[f64]| {
        let layer = Layer {
            name: String::new(),
            number: 0,
            values: values.into(),
        };
        Body::Stack(Stack {
            bars: bars.iter().map(|b| Bar::from(*b)).collect(),
            value: x(),
            layers: vec![layer],
            bands: Vec::new(),
            reference: None,
            limits: Vec::new(),
        })
    };
    draws(&figure("no-bars", stack(&[], &[])));
    draws(&figure(
        "odd-bars",
        stack(&["a", "b", "c", "d"], &[-1.0, f64::NAN, 1e300]),
    ));
    for cells in [
        vec![],
        vec![vec![]],
        vec![vec![None, Some(f64::NAN)], vec![Some(-1.0)]],
    ] {
        draws(&figure(
            "odd-cells",
            Body::Heat(Heat {
                x: x(),
                y: x(),
                value: axis("", Measure::Seconds, Scale::Log),
                less_is_better: true,
                best: Some((1, 0)),
                misses: Vec::new(),
                cells,
            }),
        ));
    }
    for window in [(0.0, 0.0), (1.0, -1.0), (f64::NAN, f64::INFINITY)] {
        draws(&figure(
            "odd-rows",
            Body::Gantt(Gantt {
                time: x(),
                window,
                rows: vec![GanttRow {
                    group: String::new(),
                    label: String::new(),
                    spans: vec![GanttSpan {
                        from: 0.5,
                        to: 0.1,
                        kind: 5,
                        text: String::new(),
                    }],
                }],
                kinds: Vec::new(),
            }),
        ));
    }
}

fn files(directory: &Path) -> Vec<String> {
    let mut all: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    all.sort();
    all
}

/// A small result of a run in the directory.
fn result(directory: &Path) -> String {
    let path = directory.join("result.json").display().to_string();
    pchsim()
        .args([
            "run",
            "sum_of_squares",
            "--replications",
            "2",
            "--strategy",
            "threads:2",
            "--strategy",
            "sequential",
        ])
        .args(["--format", "json", "-o", &path, "-q"])
        .assert()
        .success();
    path
}

#[test]
fn the_command_draws_results() {
    let dir = tempfile::tempdir().unwrap();
    let result = result(dir.path());
    let list = pchsim()
        .args(["plot", &result, "--list"])
        .assert()
        .success();
    let list = String::from_utf8(list.get_output().stdout.clone()).unwrap();
    let names: Vec<&str> = list
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    for name in [
        "comparison",
        "speedup",
        "time-by-cause",
        "latency-percentiles",
        "latency-cdf",
        "latency-tail",
        "memory",
        "utilization-over-time",
        "memory-over-time",
    ] {
        assert!(names.contains(&name), "no {name} in {names:?}");
    }
    let out = dir.path().join("new/figures");
    let to = out.display().to_string();
    pchsim()
        .args(["plot", &result, "-o", &to])
        .assert()
        .success();
    assert_eq!(files(&out).len(), names.len() * 2);
    assert!(
        files(&out).contains(&"sum_of_squares-latency-cdf.png".to_owned()),
        "{:?}",
        files(&out)
    );
    // Drawn again: the same bytes, but only if asked for.
    let path = out.join("sum_of_squares-comparison.svg");
    let before = std::fs::read(&path).unwrap();
    let again = pchsim().args(["plot", &result, "-o", &to]).assert().code(2);
    let said = String::from_utf8(again.get_output().stderr.clone()).unwrap();
    assert!(said.contains("--force"), "{said}");
    pchsim()
        .args(["plot", &result, "-o", &to, "--force"])
        .assert()
        .success();
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let one = [
        "--only",
        "comparison",
        "--format",
        "svg",
        "--theme",
        "both",
        "--size",
        "700x400",
        "--force",
    ];
    let some = dir.path().join("some").display().to_string();
    pchsim()
        .args(["plot", &result, "-o", &some])
        .args(one)
        .assert()
        .success();
    assert_eq!(
        files(Path::new(&some)),
        [
            "sum_of_squares-comparison-dark.svg",
            "sum_of_squares-comparison.svg"
        ]
    );
}

#[test]
fn the_command_says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let result = result(dir.path());
    let says = |args: &[&str], what: &str| {
        let done = pchsim().arg("plot").args(args).assert().code(2);
        let said = String::from_utf8(done.get_output().stderr.clone()).unwrap();
        assert!(said.contains(what), "{args:?}: {said}");
    };
    says(
        &[&result, "--only", "speed"],
        "there is no figure `speed`; did you mean `speedup`? There are: `comparison`, ",
    );
    says(&["no/such.json"], "cannot read no/such.json");
    says(&[&result, &result, "--only", "memory"], "both be drawn as");
    says(&[&result, "-o", &result], "is no directory");
    says(&[&result, "--size", "10x10"], "900x560");
    let other = dir.path().join("other.json");
    std::fs::write(&other, "{\"schema\": 1}").unwrap();
    says(&[&other.display().to_string()], "is not a result");
    assert_eq!(files(dir.path()), ["other.json", "result.json"]);
}

#[test]
fn runs_and_sweeps_draw_beside_their_result() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("plots").display().to_string();
    let few = [
        "--replications",
        "2",
        "--strategy",
        "threads:2",
        "--strategy",
        "sequential",
        "-q",
        "--plots",
        &to,
    ];
    pchsim()
        .args(["run", "sum_of_squares"])
        .args(few)
        .assert()
        .success();
    let run = files(Path::new(&to));
    assert!(
        run.contains(&"sum_of_squares-comparison.svg".to_owned()),
        "{run:?}"
    );
    // Not drawn over, and said before anything is simulated.
    let again = pchsim()
        .args(["run", "sum_of_squares"])
        .args(few)
        .assert()
        .code(2);
    assert!(again.get_output().stdout.is_empty());
    pchsim()
        .args(["sweep", "sum_of_squares", "--cores", "1,2"])
        .args(few)
        .assert()
        .success();
    let all = files(Path::new(&to));
    assert!(
        all.contains(&"sum_of_squares-sweep-speedup.png".to_owned()),
        "{all:?}"
    );
    assert!(all.len() > run.len());
}
