//! The `pchsim` program: parse, call, map an error to an exit code.

fn main() -> std::process::ExitCode {
    pchsim::cli::main()
}
