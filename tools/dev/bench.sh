#!/usr/bin/env bash
# Measures; results as JSON in build/bench/.  ./dev bench [boot|bytes|engine|memory|timeline]... [--boots N] [--rounds N] [--scale F] [--only MEASURE...]
set -euo pipefail
# shellcheck source=tools/dev/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tools/dev/image.sh >/dev/null
exec python3 -m bench "$@"
