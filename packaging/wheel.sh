#!/usr/bin/env bash
# Builds the wheel and the source archive that pip installs (docs/packaging.md says what is in them).
#
#   packaging/wheel.sh [-o DIR] [-s]
#
#   -o DIR   they go here [default: dist]
#   -s       the wheel alone, without the source archive
#
# Needs cargo, a Python with venv, and maturin: the one on PATH, or one that pip can install. Exit code 69: there is none.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

out=$root/dist
sdist=1
while getopts o:s option; do
    case $option in
        o) out=$OPTARG ;;
        s) sdist= ;;
        *) usage "unknown option" ;;
    esac
done
shift $((OPTIND - 1))
(($# == 0)) || usage "what is $1?"
mkdir -p "$out"
out=$(cd "$out" && pwd)

maturin=$(command -v maturin || true)
if [[ -z $maturin ]]; then
    venv=$root/target/maturin
    maturin=$venv/bin/maturin
    [[ -x $maturin ]] || { python3 -m venv --clear "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.9,<2'; } ||
        die "there is no maturin, and pip cannot install it; \`pip install maturin\` does where there is a network" 69
fi
need_target
reproducible "$root"
# A wheel of another version would be as good for pip.
rm -f "$out"/pchsim-*.whl

# maturin says much, of which only what goes wrong matters.
said=$(mktemp)
notice=$root/packaging/python/licenses/THIRD-PARTY.txt
trap 'rm -f "$notice" "$said"' EXIT
cd "$root/packaging/python"
if [[ -n $sdist ]]; then
    "$maturin" sdist --out "$out" >"$said" 2>&1 || {
        cat "$said" >&2
        die "maturin makes no source archive"
    }
fi
# Whoever gets the program gets what its crates ask for; the source archive has their names only, in Cargo.lock.
python3 "$root/packaging/third-party.py" "$TARGET" >"$notice"
compatibility=()
case $TARGET in
    # Static: no C library is too old for it.
    *-musl) compatibility=(--compatibility manylinux_2_17 musllinux_1_1) ;;
esac
"$maturin" build --target "$TARGET" --out "$out" ${compatibility[@]+"${compatibility[@]}"} >"$said" 2>&1 || {
    cat "$said" >&2
    die "maturin makes no wheel"
}
ls -l "$out"/pchsim-*
