//! `pchsim guard`, a hidden command: watches over a run from outside, so that none of its processes outlives this program.

use clap::Args as ClapArgs;

use super::Exit;

/// Ends what a killed pchsim leaves behind. Started by pchsim itself; of no use otherwise.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The mark in the environment of the run's processes.
    mark: String,
}

/// Runs the subcommand; the exit code.
pub fn run(args: &Args) -> u8 {
    crate::host::guard(&args.mark, std::io::stdin().lock());
    Exit::Done as u8
}
