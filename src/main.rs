//! The `pchsim` program: parse, call, map an error to an exit code.

/// musl's own allocator takes two to three times as long.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> std::process::ExitCode {
    pchsim::cli::main()
}
