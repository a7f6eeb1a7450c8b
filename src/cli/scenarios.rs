//! `pchsim scenarios`: lists the shipped scenarios.

use clap::{Args as ClapArgs, ValueEnum};

use super::Printer;
use crate::layout;
use crate::layout::Column;
use crate::syntax::embedded;

/// Lists the scenarios shipped with the program.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Args {
    /// How the list is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// The formats of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table
    Text,
    /// JSON
    Json,
}

/// Prints the list.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let text = match args.format {
        Format::Text => {
            let column = |title: &str, key| Column {
                title: title.into(),
                key,
                name: key,
                prose: !key,
                ..Column::default()
            };
            let columns = [column("NAME", true), column("WHAT IT IS ABOUT", false)];
            let rows = embedded::ALL.iter();
            let rows: Vec<Vec<String>> = rows
                .map(|e| vec![e.name.to_owned(), e.summary.to_owned()])
                .collect();
            let style = printer.style(false, false);
            let mut lines = layout::table(&columns, &rows, style, true).lines;
            lines.push(String::new());
            let more = "pchsim run NAME simulates one; pchsim init NAME writes its commented text to a file of your own";
            lines.extend(layout::words(more, "", "", style));
            lines.join("\n") + "\n"
        }
        Format::Json => {
            let list: Vec<_> = embedded::ALL
                .iter()
                .map(|e| serde_json::json!({"name": e.name, "summary": e.summary}))
                .collect();
            let all = serde_json::json!({"schema": 1, "scenarios": list});
            serde_json::to_string_pretty(&all)? + "\n"
        }
    };
    printer.result(&text)?;
    Ok(0)
}
