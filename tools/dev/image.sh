#!/usr/bin/env bash
# Builds the release into build/image/ and prints what it consists of.
set -euo pipefail
# shellcheck source=tools/dev/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tools/dev/build.sh
image/kernel/build.sh build/kernel
image/build.py --program build/image/parts/diatom --kernel build/kernel --out build/image "$@"
