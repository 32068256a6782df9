#!/usr/bin/env bash
# What the last run of all the machine tests shows of docker's commands and flags, beside what docs/COMPATIBILITY.md says.
#   ./dev compat [--write]
set -euo pipefail
# shellcheck source=tools/dev/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

PYTHONPATH=tools:tests/vm exec python3 -m compat "$@"
