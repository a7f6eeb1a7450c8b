//! `pchsim scenarios`: what is shipped.

use std::io::Write as _;

use clap::{Args as ClapArgs, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};

use crate::scenario::embedded;

/// Lists the scenarios shipped with the program.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// How the list is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// The formats of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table
    Text,
    /// JSON
    Json,
}

/// Prints the list.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Text => {
            let mut table = Table::new();
            table
                .load_style(presets::NOTHING)
                .set_content_arrangement(ContentArrangement::Disabled);
            table.set_header(["NAME", "WHAT IT IS ABOUT"]);
            for e in embedded::ALL {
                table.add_row([e.name, e.summary]);
            }
            for line in table.lines() {
                writeln!(out, "{}", line.trim())?;
            }
            writeln!(
                out,
                "\npchsim run NAME simulates one; pchsim init NAME writes its commented text to a file of your own"
            )?;
        }
        Format::Json => {
            let list: Vec<_> = embedded::ALL
                .iter()
                .map(|e| serde_json::json!({"name": e.name, "summary": e.summary}))
                .collect();
            writeln!(
                out,
                "{}",
                serde_json::to_string_pretty(&serde_json::json!({"schema": 1, "scenarios": list}))?
            )?;
        }
    }
    Ok(0)
}
