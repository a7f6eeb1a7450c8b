#!/usr/bin/env python3
"""Writes the licences of all crates that are compiled into the program, which whoever passes the program on has to pass on too.

    third-party.py TARGET >THIRD-PARTY.txt

Each text stands once, below the crates that have it. Crates without such a file are listed with the licence that their manifest names.
Needs cargo, and the crates' sources (`cargo fetch`).
"""

import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# How files are called that have to go along.
NAMES = ("license", "licence", "copying", "copyright", "notice", "unlicense")
RULE = "=" * 100


def metadata(target):
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def compiled_in(meta):
    """The packages whose code ends up in the program: neither what builds it nor what tests it."""
    packages = {p["id"]: p for p in meta["packages"]}
    nodes = {n["id"]: n for n in meta["resolve"]["nodes"]}
    root = meta["resolve"]["root"]
    found, left = set(), [root]
    while left:
        here = left.pop()
        kinds = {kind for target in packages[here]["targets"] for kind in target["kind"]}
        if here in found or "proc-macro" in kinds:
            continue
        found.add(here)
        left += [d["pkg"] for d in nodes[here]["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
    return sorted((packages[i] for i in found - {root}), key=lambda p: (p["name"], p["version"]))


def texts(package):
    """The texts of a package, without the differences that are none: trailing blanks and a final empty line."""
    folder = pathlib.Path(package["manifest_path"]).parent
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name.lower().startswith(NAMES):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            yield "\n".join(line.rstrip() for line in lines).strip("\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    users, without = collections.defaultdict(list), []
    for package in compiled_in(metadata(sys.argv[1])):
        title = "%s %s (%s)" % (package["name"], package["version"], package["license"] or "see its text")
        found = list(texts(package))
        for text in found:
            users[text].append(title)
        if not found:
            authors = ", ".join(package["authors"])
            without.append(title + (", by " + authors if authors else ""))
    out = ["pchsim contains these crates, under these licences. Rust's standard library is MIT or Apache-2.0."]
    if without:
        out += ["", "Without a text of their own:", *("  " + title for title in without)]
    for text, titles in sorted(users.items(), key=lambda item: item[1]):
        out += ["", RULE, *titles, RULE, "", text]
    sys.stdout.reconfigure(encoding="utf-8")
    print("\n".join(out))


if __name__ == "__main__":
    main()
