#!/usr/bin/env bash
# Formats the C++ sources: all, or the files and directories given. --check only says which would change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Run for some files at a time: format them in place, or name those that are not formatted.
# shellcheck disable=SC2016
in_place='clang-format-19 -i "$@"'
# shellcheck disable=SC2016
compare='for f; do clang-format-19 "$f" | cmp -s - "$f" || { echo "$f: not formatted"; bad=1; }; done; exit ${bad:-0}'
action=$in_place
if [ "${1:-}" = --check ]; then
    action=$compare
    shift
fi
[ $# -gt 0 ] || set -- src tests image
find "$@" \( -name corpus -o -name build \) -prune -o -type f \( -name '*.h' -o -name '*.cpp' \) -print0 |
    xargs -0 -r -P "${DIATOM_JOBS:-$(nproc)}" -n 8 sh -c "$action" sh
