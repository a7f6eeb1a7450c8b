//! The terminal: one file a subcommand. The only room that prints.

/// Parses the command line, runs the subcommand, and maps its result to an exit code.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
