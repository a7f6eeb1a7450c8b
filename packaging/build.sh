#!/usr/bin/env bash
# Compiles the program as it is packaged, and prints its path. The wheel and the archive hold this very file.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_target
reproducible "$root"
compile "$root"
