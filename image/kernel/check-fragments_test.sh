#!/usr/bin/env bash
# The check of the fragments must be able to fail: each way in which a fragment can be wrong.
set -euo pipefail

check=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check-fragments.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
printf 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_N=64\nCONFIG_S="a b"\n' >final

expect() {
    local status=$1 text=$2 got=0
    shift 2
    bash "$check" "$@" >out 2>&1 || got=$?
    if [ "$got" != "$status" ] || ! grep -qF -- "$text" out; then
        echo "check-fragments_test: wanted status $status and '$text', got status $got and:" >&2
        cat out >&2
        exit 1
    fi
}

printf '# words\n\nCONFIG_A=y\nCONFIG_B=n\nCONFIG_C=n\nCONFIG_N=64\nCONFIG_S="a b"\n' >good
printf 'CONFIG_B=y\n' >dropped
printf 'CONFIG_NO_SUCH=y\n' >unknown
printf 'CONFIG_A=n\n' >forced
printf 'CONFIG_N=32\n' >number
printf 'CONFIG_A y\n' >malformed
: >empty

expect 0 'all 5 options came out as asked' final good
expect 1 'dropped:1: CONFIG_B: wanted y, got n' final good dropped
expect 1 'unknown:1: CONFIG_NO_SUCH: wanted y, got n' final unknown
expect 1 'forced:1: CONFIG_A: wanted n, got y' final forced
expect 1 'number:1: CONFIG_N: wanted 32, got 64' final number
expect 1 'malformed:1: not an option line: CONFIG_A y' final malformed
expect 1 'good:3: CONFIG_A stands in good already' final good good
expect 2 'empty is missing or empty' empty good
expect 2 'no fragments given' final
echo 'check-fragments_test: ok'
