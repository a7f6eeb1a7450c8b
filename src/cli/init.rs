//! `pchsim init NAME`: a commented scenario to start from.
#![expect(clippy::print_stderr, reason = "the terminal is what this room is for")]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args as ClapArgs;

use crate::scenario::{embedded, load};

/// Writes a commented copy of a shipped scenario.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// Which scenario (`pchsim scenarios` lists them)
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Write the copy to this file, or to standard output (-) [default: NAME.ron in this directory]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
}

/// Writes the copy; 0 when done, 2 when there is no such scenario or the file exists.
pub fn run(args: &Args) -> anyhow::Result<u8> {
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
    if output == Path::new("-") {
        io::stdout().write_all(shipped.text.as_bytes())?;
        return Ok(0);
    }
    if !args.force && output.symlink_metadata().is_ok() {
        eprintln!("error: {} exists already", output.display());
        eprintln!("help: name another file with -o, or overwrite it with --force");
        return Ok(2);
    }
    write_whole(&output, shipped.text, args.force)
        .with_context(|| format!("cannot write {}", output.display()))?;
    writeln!(io::stdout(), "{}", output.display())?;
    eprintln!("next: pchsim run {}", output.display());
    Ok(0)
}

/// Writes beside the file and renames: whoever looks sees the old text or the new one, never half.
fn write_whole(path: &Path, text: &str, overwrite: bool) -> anyhow::Result<()> {
    let Some(name) = path.file_name() else {
        bail!("it is not the name of a file")
    };
    if path.is_dir() {
        bail!("it is a directory");
    }
    let mut beside = name.to_os_string();
    beside.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(beside);
    let written = (|| -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if overwrite {
            fs::rename(&temporary, path)
        } else {
            // A link fails where a rename would replace what someone else has just put there.
            match fs::hard_link(&temporary, path) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
                    fs::rename(&temporary, path)
                }
                done => done,
            }
        }
    })();
    // After a rename there is nothing left to remove.
    let _ = fs::remove_file(&temporary);
    Ok(written?)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(run(&args(&file, false)).unwrap(), 0);
        assert!(load(&file.to_string_lossy(), &[]).is_ok());
        fs::write(&file, "mine").unwrap();
        assert_eq!(run(&args(&file, false)).unwrap(), 2);
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        assert_eq!(run(&args(&file, true)).unwrap(), 0);
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            embedded::find("scraper").unwrap().text
        );
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(run(&args(&dir.path().join("no/such/dir.ron"), false)).is_err());
        assert!(run(&args(dir.path(), true)).is_err());
        assert_eq!(
            run(&Args {
                name: "scrapper".into(),
                output: None,
                force: false
            })
            .unwrap(),
            2
        );
    }
}
