//! The program on a terminal: lines as wide as its window, colours only where they are wanted, and no progress left behind. A real
//! pseudo-terminal of the kernel's stands for the terminal; what its user would see is what a terminal emulator makes of the bytes.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use unicode_width::UnicodeWidthStr as _;

use crate::world::{root, started_in};

const ROWS: u16 = 400;

fn whole(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

/// What a program wrote to a terminal.
struct Seen {
    bytes: Vec<u8>,
    width: u16,
    code: i32,
}

impl Seen {
    /// The screen at the end, without the empty lines below.
    fn lines(&self) -> Vec<String> {
        let mut screen = vt100::Parser::new(whole(ROWS), whole(self.width), 0);
        screen.process(&self.bytes);
        let text = screen.screen().contents();
        text.lines().map(|l| l.trim_end().to_owned()).collect()
    }

    fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Lines as they were written, without colours: a line that is too long for the window is still one.
    fn written(&self) -> Vec<String> {
        let plain = anstream::adapter::strip_bytes(&self.bytes).into_vec();
        let text = String::from_utf8(plain).unwrap();
        text.lines().map(|l| l.trim_end().to_owned()).collect()
    }

    fn is_coloured(&self) -> bool {
        self.bytes.windows(2).any(|w| w == b"\x1b[")
    }
}

/// Runs the program in a terminal of this width; `env` is all that differs from the environment of a usual one.
fn see(width: u16, line: &str, env: &[(&str, &str)]) -> Seen {
    see_in((width, ROWS), line, env)
}

fn see_in(window: (u16, u16), line: &str, env: &[(&str, &str)]) -> Seen {
    talk(window, line, env, &[])
}

/// The same where the program asks: whenever its last line ends like a prompt, the next of these answers is typed. When there are none left,
/// the terminal is hung up.
fn talk((width, rows): (u16, u16), line: &str, env: &[(&str, &str)], answers: &[&str]) -> Seen {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let window = Winsize {
        ws_row: rows,
        ws_col: width,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&master, window).unwrap();
    // Prompts write what is typed themselves; the terminal would too, as long as none of them reads.
    let mut modes = tcgetattr(&master).unwrap();
    modes.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&master, OptionalActions::Now, &modes).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let path = OsStr::from_bytes(name.to_bytes()).to_owned();
    let slave = || Stdio::from(File::options().read(true).write(true).open(&path).unwrap());
    let mut command = started_in(root());
    command
        .env("TERM", "xterm-256color")
        .args(line.split_whitespace())
        .envs(env.iter().copied())
        .stdin(slave())
        .stdout(slave())
        .stderr(slave());
    let mut child = command.spawn().unwrap();
    // What it holds of the terminal must be closed, for the reader to see the end.
    drop(command);
    let mut master = File::from(master);
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    // The end of a terminal that nobody writes to any more is an error (EIO) on Linux.
    let mut answers = answers.iter();
    while let Ok(n @ 1..) = master.read(&mut part) {
        bytes.extend_from_slice(&part[..n]);
        if bytes.ends_with(b"]: ")
            && let Some(answer) = answers.next()
        {
            master.write_all(answer.as_bytes()).unwrap();
            master.write_all(b"\r").unwrap();
        }
    }
    Seen {
        bytes,
        width,
        code: child.wait().unwrap().code().unwrap(),
    }
}

fn fits(seen: &Seen) {
    for line in seen.written() {
        let wide = line.rsplit('\r').next().unwrap_or_default().width();
        assert!(wide <= usize::from(seen.width), "{wide} columns: {line}");
    }
}

#[test]
fn lines_are_as_wide_as_the_window() {
    for width in [60, 80, 132] {
        let run = see(width, "run scraper --replications 2 --no-progress", &[]);
        assert_eq!(run.code, 0, "{}", run.text());
        fits(&run);
        let widest = run.written().iter().map(|l| l.width()).max().unwrap();
        assert!(
            widest + 20 >= usize::from(width).min(120),
            "{widest} of {width}"
        );
        let bad = see(width, "check tests/data/bad/distributions.ron", &[]);
        assert_eq!(bad.code, 2);
        fits(&bad);
        let unknown = see(width, "run scraper --interpreter cpython-2.7", &[]);
        assert_eq!(unknown.code, 2);
        fits(&unknown);
    }
    // A recording of a session may have columns and no rows.
    fits(&see_in(
        (70, 0),
        "run scraper --replications 2 --no-progress",
        &[],
    ));
    // Who says how wide lines are is believed.
    let told = see(132, "run scraper --replications 2 --width 70", &[]);
    assert!(
        told.written().iter().all(|l| l.width() <= 70),
        "{}",
        told.text()
    );
    let told = see(
        132,
        "run scraper --replications 2 --no-progress",
        &[("COLUMNS", "70")],
    );
    assert!(
        told.written().iter().all(|l| l.width() <= 70),
        "{}",
        told.text()
    );
}

#[test]
fn colours_are_for_who_wants_them() {
    let bad = "check tests/data/bad/distributions.ron";
    assert!(see(80, bad, &[]).is_coloured());
    assert!(!see(80, bad, &[("NO_COLOR", "1")]).is_coloured());
    assert!(!see(80, bad, &[("TERM", "dumb")]).is_coloured());
    let never = see(
        80,
        "--color never check tests/data/bad/distributions.ron",
        &[],
    );
    assert!(!never.is_coloured(), "{}", never.text());
    // The same words in either case.
    assert_eq!(
        see(80, bad, &[]).text(),
        see(80, bad, &[("NO_COLOR", "1")]).text()
    );
}

#[test]
fn signs_are_those_of_the_locale() {
    let ascii = see(
        80,
        "run scraper --replications 2 --no-progress",
        &[("LANG", "C")],
    );
    assert!(ascii.text().is_ascii(), "{}", ascii.text());
    assert!(
        !see(80, "run scraper --replications 2 --no-progress", &[])
            .text()
            .is_ascii()
    );
}

#[test]
fn progress_leaves_nothing_behind() {
    let line = "sweep api --cores 1..3 --replications 4 --threads 1";
    let (shown, hidden) = (
        see(100, line, &[]),
        see(100, &format!("{line} --no-progress"), &[]),
    );
    assert_eq!((shown.code, hidden.code), (0, 0), "{}", shown.text());
    assert!(
        shown.bytes.len() > hidden.bytes.len(),
        "no progress was shown"
    );
    // What repeats it names the option; all else is the same.
    let report = |seen: &Seen| -> Vec<String> {
        let lines = seen.lines().into_iter();
        lines.filter(|l| !l.starts_with("repeat:")).collect()
    };
    assert_eq!(report(&shown), report(&hidden));
}

/// The example of the decision framework, through prompts: hybrid, 100 ms, 256 MB, 4 cores, no expensive start-up.
#[test]
fn the_advisor_asks_and_answers() {
    let line = "advise --no-progress --quick --width 100";
    let answers = [
        "hybrid", "", "", "", "", "", "", "100", "", "256", "4", "n", "", "", "", "", "",
    ];
    let dialog = talk((120, ROWS), line, &[], &answers);
    assert_eq!(dialog.code, 0, "{}", dialog.text());
    insta::assert_snapshot!("advise_session", dialog.text());
    // A terminal that can but write lines is asked line by line, and comes to the same.
    let plain = talk((120, ROWS), line, &[("TERM", "dumb")], &answers);
    let advice = |seen: &Seen| seen.text().split_once("Advice for").unwrap().1.to_owned();
    assert_eq!(advice(&plain), advice(&dialog));
    assert!(!plain.is_coloured(), "{}", plain.text());
}

/// What is no answer is asked again, and says what is.
#[test]
fn bad_answers_are_asked_again() {
    let line = "advise --no-progress --quick --workload cpu --order parallel --state isolated --arrivals 10 --cpu 5ms --payload 0B --memory-mb none --latency-ms none --no-expensive-startup --python 3.14 --free-threading no --no-isolation --priority throughput --current sequential";
    for env in [&[][..], &[("TERM", "dumb")]] {
        let seen = talk((120, ROWS), line, env, &["four", "0", "-2", "2"]);
        assert_eq!(seen.code, 0, "{}", seen.text());
        let text = String::from_utf8_lossy(&seen.bytes).into_owned();
        for wrong in ["four", "0", "-2"] {
            assert!(
                text.contains(&format!("`{wrong}` is no number of cores")),
                "{wrong}: {text}"
            );
        }
    }
    // Nothing at all is no answer either (Ctrl-D), thrice is enough.
    let seen = talk((120, ROWS), line, &[("TERM", "dumb")], &["\u{4}", "3"]);
    assert_eq!(seen.code, 0, "{}", seen.text());
}
