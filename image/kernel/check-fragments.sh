#!/usr/bin/env bash
# usage: check-fragments.sh FINAL_CONFIG FRAGMENT...
# Fails, naming each one, if an option that a fragment asks for did not come out as asked (Kconfig drops without a
# word what a dependency forbids), if two fragments disagree, or if a fragment has a line that is not an option.
set -euo pipefail

final=$1
shift
[ $# -gt 0 ] || { echo "check-fragments: no fragments given" >&2; exit 2; }
[ -s "$final" ] || { echo "check-fragments: $final is missing or empty" >&2; exit 2; }

awk -v final="$final" '
    FILENAME == final {
        if (match($0, /^CONFIG_[A-Za-z0-9_]+=/)) got[substr($0, 1, RLENGTH - 1)] = substr($0, RLENGTH + 1)
        next
    }
    /^[[:space:]]*(#|$)/ { next }
    !/^CONFIG_[A-Za-z0-9_]+=[^[:space:]]/ {
        printf "%s:%d: not an option line: %s\n", FILENAME, FNR, $0
        bad++
        next
    }
    {
        name = $0; sub(/=.*/, "", name)
        want = substr($0, length(name) + 2)
        if (name in by) {
            printf "%s:%d: %s stands in %s already\n", FILENAME, FNR, name, by[name]
            bad++
        }
        by[name] = FILENAME
        asked++
        value = (name in got) ? got[name] : "n"
        if (value != want) {
            printf "%s:%d: %s: wanted %s, got %s\n", FILENAME, FNR, name, want, value
            bad++
        }
    }
    END {
        if (bad) { printf "check-fragments: %d of %d options did not come out as asked\n", bad, asked; exit 1 }
        printf "check-fragments: all %d options came out as asked\n", asked
    }
' "$final" "$@" >&2
