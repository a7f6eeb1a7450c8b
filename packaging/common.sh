# Sourced by the scripts beside it: how the program is compiled that is passed on.
#
# TARGET can be set from outside. The default is static: it needs no C library, so one program runs on every Linux of its kind of processor.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TARGET=${TARGET:-$(uname -m)-unknown-linux-musl}

die() { # why [exit code]
    printf 'error: %s\n' "$1" >&2
    exit "${2:-1}"
}

# Says why, and what the comment at the script's top says of its options.
usage() { # why
    printf '%s\n' "$1" >&2
    sed -n 's/^#   //p' "$0" >&2
    exit 2
}

# The target's standard library, which rustup has for every toolchain of its own. Exit code 69: it cannot be had.
need_target() {
    [[ -d $(rustc --print target-libdir --target "$TARGET" 2>/dev/null) ]] || rustup target add "$TARGET" >/dev/null 2>&1 ||
        die "Rust's standard library for $TARGET is not installed and cannot be; \`rustup target add $TARGET\` does it where there is a network" 69
}

# No path of this machine gets into the program, and no time into the archives but the commit's: the same sources give the same bytes.
reproducible() { # folder of the sources
    local remap=(
        "--remap-path-prefix=$1=."
        "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
        "--remap-path-prefix=$(rustc --print sysroot)=/rust"
    )
    CARGO_ENCODED_RUSTFLAGS=$(printf '%s\x1f' "${remap[@]}")
    export CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%$'\x1f'}
    # Without a repository: a day that zip can write.
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$1" log -1 --format=%ct 2>/dev/null || date -u -d 1980-01-02 +%s)}
    export SOURCE_DATE_EPOCH
    export LC_ALL=C TZ=UTC
    umask 022
}

# The program compiled from the sources in a folder; prints its path.
compile() { # folder of the sources
    cargo build --locked --quiet --profile dist --target "$TARGET" --bin pchsim --manifest-path "$1/Cargo.toml" >&2
    printf '%s\n' "${CARGO_TARGET_DIR:-$1/target}/$TARGET/dist/pchsim"
}
