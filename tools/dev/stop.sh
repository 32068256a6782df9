#!/usr/bin/env bash
# ./dev stop: see tools/vm/stop.py
set -euo pipefail
# shellcheck source=tools/dev/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

exec python3 -m vm.stop "$@"
