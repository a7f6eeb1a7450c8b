#!/usr/bin/env bash
# Makes the archive of a release: the program, its manual pages and completions, and all licences, with SHA256SUMS beside it.
#
#   packaging/release.sh [-o DIR] [--verify]
#
#   -o DIR     they go here [default: dist/release]
#   --verify   build twice from the committed sources, in two folders, and compare: the same bytes, or exit code 1
#
# The archive depends on the sources, the version of Rust and the target alone: not on the folder, the machine, the time or the user.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

out=$root/dist/release
verify=
while (($#)); do
    case $1 in
        -o)
            (($# > 1)) || usage "-o: the directory is missing"
            out=$2
            shift
            ;;
        --verify) verify=1 ;;
        *) usage "what is $1?" ;;
    esac
    shift
done
need_target

# The archive made from the sources in a folder.
release() ( # folder of the sources, directory for the archive
    reproducible "$1"
    mkdir -p "$2"
    program=$(compile "$1")
    work=$(mktemp -d -t pchsim-release.XXXXXX)
    trap 'rm -rf "$work"' EXIT
    name=pchsim-$("$program" -V | awk '{print $2}')-$TARGET
    folder=$work/$name
    mkdir -p "$folder/licenses" "$folder/completions"
    install -m 755 "$program" "$folder/pchsim"
    "$program" --quiet man "$folder/man/man1"
    "$program" completions bash >"$folder/completions/pchsim.bash"
    "$program" completions zsh >"$folder/completions/_pchsim"
    "$program" completions fish >"$folder/completions/pchsim.fish"
    "$program" completions powershell >"$folder/completions/pchsim.ps1"
    "$program" completions elvish >"$folder/completions/pchsim.elv"
    cp "$1"/{README,CHANGELOG}.md "$folder"
    cp "$1"/LICENSE* "$folder"
    cp "$1/src/charts/drawing/fonts/LICENSE.txt" "$folder/licenses/Inter-OFL.txt"
    python3 "$1/packaging/third-party.py" "$TARGET" >"$folder/licenses/THIRD-PARTY.txt"
    chmod -R u=rwX,go=rX "$folder"
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --format=gnu -C "$work" -c "$name" |
        gzip -9n >"$2/$name.tar.gz"
    cd "$2"
    sha256sum -- pchsim-*"$TARGET".tar.gz >SHA256SUMS
    printf '%s\n' "$2/$name.tar.gz"
)

if [[ -z $verify ]]; then
    mkdir -p "$out"
    out=$(cd "$out" && pwd)
    release "$root" "$out"
    exit
fi

# Folders of different lengths: a path that got in would move everything behind it. Clones, since git knows the commit; the second one of
# the first, should there be a new commit meanwhile.
both=$(mktemp -d -t pchsim-verify.XXXXXX)
trap 'rm -rf "$both"' EXIT
unset CARGO_TARGET_DIR
from=$root
for folder in "$both/one" "$both/another/one/elsewhere"; do
    git clone --quiet --no-hardlinks "$from" "$folder"
    (release "$folder" "$folder/dist")
    from=$folder
done
if diff -r "$both/one/dist" "$both/another/one/elsewhere/dist"; then
    printf 'Both builds gave the same bytes: %s\n' "$(cat "$both/one/dist/SHA256SUMS")"
else
    die "the two builds differ"
fi
