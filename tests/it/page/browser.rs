//! The page in a real browser: it renders at desk and phone width, in light and dark, without script errors, and its buttons and
//! keys do what they should.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::world::tool;

/// Installed before all else: what goes wrong in a page's own script.
const COMPLAINTS: &str = "<script>window.complaints = [];
addEventListener('error', (e) => complaints.push('error: ' + e.message + ' at line ' + e.lineno));
addEventListener('unhandledrejection', (e) => complaints.push('rejection: ' + e.reason));
console.error = (...all) => complaints.push('console: ' + all.join(' '));
if (window.name.endsWith('dark')) document.documentElement.dataset.theme = 'dark';
</script>";

/// Collects what the frames report.
const COLLECT: &str = "<pre id=\"verdict\"></pre><script>
const seen = [];
addEventListener('message', (e) => {
  seen.push('[' + e.data.name + ' ' + (e.data.failed.length ? 'failed' : 'passed') + ']', ...e.data.failed);
  document.getElementById('verdict').textContent = seen.join('\\n');
});
</script>";

/// A browser of this machine.
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|dir| names.map(|n| dir.join(n)))
        .find(|p| p.is_file())
}

/// Loads a page made of frames, each a page at a width, and returns what they report.
fn verdict(browser: &Path, pages: &[(&str, String)]) -> String {
    let dir = tempfile::tempdir().expect("a directory for temporary files");
    let mut frames = String::from("<!DOCTYPE html><meta charset=\"utf-8\"/><body>");
    for (name, page) in pages {
        let page = page
            .replacen("<head>", &format!("<head>{COMPLAINTS}"), 1)
            .replacen(
                "</body>",
                &format!("<script>{}</script></body>", include_str!("check.js")),
                1,
            );
        std::fs::write(dir.path().join(format!("{name}.html")), page).expect("a temporary file");
    }
    frames += COLLECT;
    for (name, _) in pages {
        for (width, look) in [
            (1280, "light"),
            (1280, "dark"),
            (375, "light"),
            (375, "dark"),
            (700, "light"),
        ] {
            let _ = write!(
                frames,
                "<iframe name=\"{name}-{width}-{look}\" src=\"{name}.html\" width=\"{width}\" height=\"900\"></iframe>"
            );
        }
    }
    let start = dir.path().join("frames.html");
    std::fs::write(&start, frames).expect("a temporary file");
    let run = assert_cmd::Command::from_std(tool(browser, dir.path()))
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args([
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
            "--hide-scrollbars",
        ])
        .args([
            "--window-size=1400,1000",
            "--virtual-time-budget=20000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            dir.path().join("profile").display()
        ))
        .arg(format!("file://{}", start.display()))
        .timeout(Duration::from_secs(90))
        .output()
        .expect("the browser runs");
    let dom = String::from_utf8_lossy(&run.stdout).into_owned();
    let from = dom
        .find("<pre id=\"verdict\">")
        .map(|i| i + "<pre id=\"verdict\">".len());
    match from.and_then(|i| dom[i..].split("</pre>").next()) {
        Some(text) => text.to_owned(),
        None => panic!(
            "no verdict: {} {}",
            dom,
            String::from_utf8_lossy(&run.stderr)
        ),
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn pages_work_in_a_browser() {
    let Some(browser) = browser() else {
        eprintln!("skipped: there is no Chromium here (Debian: apt-get install chromium)");
        return;
    };
    let pages = super::pages();
    let said = verdict(&browser, &pages);
    assert!(!said.contains("failed]"), "{said}");
    assert_eq!(said.matches("passed]").count(), pages.len() * 5, "{said}");
}
