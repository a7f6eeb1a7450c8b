//! `pchsim man`: writes manual pages, which are made from the same texts as `--help`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::Printer;
use super::exit::UserError;
use super::files::Files;

/// What `pchsim man` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim man | man -l -                 the page of pchsim itself
  pchsim man ~/.local/share/man/man1    then man pchsim-run, ...")]
pub(crate) struct Args {
    /// Write a page for each command into this directory, which is made if it is missing [default: the page of pchsim itself, to standard
    /// output]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Replace pages that exist
    #[arg(long, requires = "dir")]
    pub force: bool,
}

/// Prints or writes the pages.
///
/// # Errors
/// The directory is the name of a subcommand, or pages are there already or cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer, command: Command) -> anyhow::Result<u8> {
    let named = |dir: &PathBuf| {
        command
            .get_subcommands()
            .any(|c| dir.as_os_str() == c.get_name())
    };
    if let Some(name) = args.dir.as_ref().filter(|d| named(d)) {
        // A directory of that name can still be meant: `./run`.
        let name = name.display();
        return Err(UserError::new(format!(
            "`{name}` is a command, and `pchsim man` takes a directory for the pages of all; read about it with `pchsim {name} --help`, or write \
             the pages into it with `pchsim man ./{name}`"
        ))
        .into());
    }
    let pages = pages(command)?;
    let Some(dir) = &args.dir else {
        let (_, own) = &pages[0];
        printer.result_with(|w| Ok(w.write_all(own)?))?;
        return Ok(0);
    };
    let mut files = Files::new(args.force);
    files.fill_folder(dir)?;
    let outputs = pages
        .iter()
        .map(|(name, _)| files.output(&dir.join(name)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    for (output, (_, page)) in outputs.iter().zip(&pages) {
        output.put(|w| Ok(w.write_all(page)?))?;
    }
    printer.hint(&format!(
        "wrote {} manual pages into {}",
        pages.len(),
        dir.display()
    ));
    Ok(0)
}

/// The name and text of every page: that of the program itself, then its commands in the order of `--help`.
fn pages(command: Command) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    // `pchsim help run` is `pchsim run --help`, and no page says more.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&command, &mut pages)?;
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let man = Man::new(command.clone())
        .source(concat!("pchsim ", env!("CARGO_PKG_VERSION")))
        .manual("pchsim");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let texts = [
        command.get_before_long_help(),
        command.get_after_long_help(),
    ];
    let texts: Vec<String> = texts
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    sections(&texts.join("\n\n")).to_writer(&mut page)?;
    pages.push((man.get_filename(), page));
    let shown = command.get_subcommands().filter(|c| !c.is_hide_set());
    shown.into_iter().try_for_each(|c| add(c, pages))
}

/// What stands around a command's options in its help, in sections. A paragraph whose first line ends in a colon is one of that name
/// (`Examples:`), others are notes. Indented lines stay as they are laid out.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    let mut within = None;
    for paragraph in text.split("\n\n").filter(|p| !p.trim().is_empty()) {
        let (title, body) = titled(paragraph).unwrap_or(("Notes", paragraph));
        if within == Some(title) {
            roff.control("PP", []);
        } else {
            roff.control("SH", [&*title.to_uppercase()]);
        }
        within = Some(title);
        let mut as_laid_out = false;
        for line in body.lines() {
            let indented = line.starts_with(' ');
            if indented != as_laid_out {
                roff.control(if indented { "nf" } else { "fi" }, []);
                as_laid_out = indented;
            }
            roff.text([roman(line)]);
        }
        if as_laid_out {
            roff.control("fi", []);
        }
    }
    roff
}

/// The title of a paragraph, and what follows it: a line that ends in a colon, or what exit codes begin with.
fn titled(paragraph: &str) -> Option<(&str, &str)> {
    let (title, body) = paragraph.split_once(':')?;
    let codes = "Exit codes";
    if title == codes {
        return Some((codes, body.trim_start()));
    }
    let body = body.strip_prefix('\n')?;
    (!title.contains('\n')).then_some((title, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_become_sections() {
        let text = "Examples:\n  a   1\n  b   2\n\nOne sentence: it goes on.\n\nAnother.\n\nExit codes: 0 done.";
        let text = sections(text).render();
        let (_, text) = text.split_once(".SH EXAMPLES\n").unwrap();
        assert_eq!(
            text,
            ".nf\n  a   1\n  b   2\n.fi\n.SH NOTES\nOne sentence: it goes on.\n.PP\nAnother.\n.SH \"EXIT CODES\"\n0 done.\n"
        );
    }
}
