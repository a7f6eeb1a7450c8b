//! `pchsim init NAME`: writes a commented scenario to start from.
#![expect(clippy::print_stderr, reason = "the terminal is what this room is for")]

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::candidates;
use super::files::{Files, is_stdout};
use super::format::FileKind;
use super::printer::Printer;
use super::words::quoted;
use crate::syntax::{embedded, load};

/// Writes a commented copy of a shipped scenario.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Args {
    /// Which scenario (`pchsim scenarios` lists them)
    #[arg(value_name = "NAME", add = candidates::shipped_scenario())]
    pub name: String,
    /// Write the copy to this file, or to standard output (-) [default: NAME.ron in this directory]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the output file if it exists
    #[arg(long)]
    pub force: bool,
}

/// Writes the copy; 0 when done, 2 when there is no such scenario.
///
/// # Errors
/// The file is there already, or cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let Some(shipped) = embedded::find(&args.name) else {
        // The same words as everywhere else, candidates included.
        let problem = load(&args.name, &[])
            .err()
            .and_then(|d| d.into_iter().next());
        eprintln!("error: there is no shipped scenario \"{}\"", args.name);
        match problem.and_then(|d| d.help) {
            Some(help) => eprintln!("help: {help}"),
            None => eprintln!(
                "help: shipped with pchsim: {}",
                embedded::names().join(", ")
            ),
        }
        return Ok(2);
    };
    let output = args
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.ron", shipped.name)));
    if is_stdout(&output) {
        printer.result(shipped.text)?;
        return Ok(0);
    }
    let file = Files::new(args.force).output_of(FileKind::SCENARIO, &output)?;
    file.put(|w| Ok(w.write_all(shipped.text.as_bytes())?))?;
    printer.result(&format!("{}\n", output.display()))?;
    let name = quoted(&output.to_string_lossy());
    printer.hint(&format!("next: pchsim run {name}"));
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::Terminal;
    use std::fs;
    use std::path::Path;

    fn printer() -> Printer {
        Printer {
            quiet: 2,
            verbose: 0,
            progress: false,
            terminal: Terminal::default(),
        }
    }

    fn args(output: &Path, force: bool) -> Args {
        Args {
            name: "scraper".into(),
            output: Some(output.to_path_buf()),
            force,
        }
    }

    #[test]
    fn a_copy_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mine.ron");
        assert_eq!(run(&args(&file, false), &printer()).unwrap(), 0);
        assert!(load(&file.to_string_lossy(), &[]).is_ok());
        fs::write(&file, "mine").unwrap();
        let refused = run(&args(&file, false), &printer()).unwrap_err();
        assert!(refused.to_string().contains("--force"), "{refused}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        assert_eq!(run(&args(&file, true), &printer()).unwrap(), 0);
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            embedded::find("scraper").unwrap().text
        );
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        let unknown = Args {
            name: "scrapper".into(),
            output: None,
            force: false,
        };
        assert_eq!(run(&unknown, &printer()).unwrap(), 2);
    }
}
