#!/usr/bin/env bash
# ./dev docker: see tools/vm/docker.py
set -euo pipefail
# shellcheck source=tools/dev/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

exec python3 -m vm.docker "$@"
