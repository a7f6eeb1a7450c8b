#!/usr/bin/env bash
# Installs the wheel into a fresh virtual environment of every Python that there is, as someone without a network would, and tries it there:
# `run` has to give the same bytes as another build of these sources, and `calibrate --quick` to measure that very Python.
#
#   packaging/try-wheel.sh -b PCHSIM [-w DIR] [PYTHON...]
#
#   -b PCHSIM  the other build, whose output is the right one
#   -w DIR     where the wheel is [default: dist]
#   PYTHON     paths of interpreters [default: all that `PCHSIM calibrate --list` finds: on PATH, of pyenv, uv, conda, ...]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

wheels=$root/dist
other=
while getopts b:w: option; do
    case $option in
        b) other=$OPTARG ;;
        w) wheels=$OPTARG ;;
        *) usage "unknown option" ;;
    esac
done
shift $((OPTIND - 1))
[[ -n $other ]] || usage "-b is missing: there is nothing to compare with"
[[ -x $other ]] || usage "-b: $other cannot be run"
other=$(realpath "$other")
wheels=$(realpath "$wheels")
compgen -G "$wheels/pchsim-*.whl" >/dev/null || usage "-w: there is no wheel in $wheels; packaging/wheel.sh builds one"

pythons=("$@")
if ((${#pythons[@]} == 0)); then
    mapfile -t pythons < <("$other" calibrate --list | awk '{print $2}')
fi
((${#pythons[@]})) || usage "no Python was found; name one"

work=$(mktemp -d -t pchsim-wheel.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$other" run scraper >right.txt

failed=0
# What a Python has to say of it; the reason is in the lines above.
judge() { # python verdict
    printf '%-12s %s\n' "$1" "$2"
    [[ $2 == good* || $2 == skipped* ]] || failed=$((failed + 1))
}

try() { # python
    local start=$SECONDS name venv=$work/venv
    name=$("$1" -c 'import platform, sys; print(platform.python_version() + getattr(sys, "abiflags", "").replace("d", "-debug"))') || {
        judge "$1" "failed: does not run"
        return
    }
    rm -rf "$venv" profile.ron
    if ! "$1" -m venv "$venv" >venv.txt 2>&1; then
        judge "$name" "skipped: it makes no virtual environment ($(tail -n 1 venv.txt))"
        return
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "$wheels" pchsim >&2 ||
        { judge "$name" "failed: is not installed"; return; }
    "$venv/bin/pchsim" run scraper >script.txt || { judge "$name" "failed: pchsim run"; return; }
    "$venv/bin/python" -m pchsim run scraper >module.txt || { judge "$name" "failed: python -m pchsim run"; return; }
    diff right.txt script.txt >&2 && diff right.txt module.txt >&2 || { judge "$name" "failed: other output"; return; }
    "$venv/bin/pchsim" calibrate --quick --python "$venv/bin/python" -o profile.ron >calibrate.txt 2>&1 ||
        { cat calibrate.txt >&2; judge "$name" "failed: pchsim calibrate"; return; }
    "$venv/bin/pchsim" run sum_of_squares --interpreter profile.ron >/dev/null || { judge "$name" "failed: run with its profile"; return; }
    judge "$name" "good, in $((SECONDS - start)) s"
}
for python in "${pythons[@]}"; do
    try "$python"
done
if ((failed)); then
    die "$failed of ${#pythons[@]} Pythons failed"
fi
