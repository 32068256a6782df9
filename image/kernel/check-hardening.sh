#!/usr/bin/env bash
# usage (inside the build root): check-hardening.sh CONFIG
# Runs kernel-hardening-checker over a built kernel's CONFIG, cmdline and sysctl.conf. Fails on each failure that
# HARDENING.md does not list, and on each one listed there that no longer fails.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config=${1:?usage: check-hardening.sh CONFIG}
version=0.6.17.1-3
sha256=d35697b44665a35be844cbe003ad37bab0a35503d165a0c61725cc8e225421e7
deb=kernel-hardening-checker_${version}_all.deb
checker=/cache/hardening-checker/$version

# Debian has it in sid only; it is one architecture-independent package, so it is unpacked beside, not installed.
fetch_checker() {
    local mirror partial
    mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' /etc/apt/sources.list)
    mkdir -p "$(dirname "$checker")"
    partial=$(mktemp -d "$checker.XXXXXX")
    if ! curl -fsSL --retry 3 -o "$partial/$deb" "${mirror%/}/pool/main/k/kernel-hardening-checker/$deb"; then
        rm -rf --one-file-system "$partial"
        echo "check-hardening: $deb is not on the mirror (sid has a newer one?): set version and sha256 in $0" >&2
        exit 1
    fi
    if ! echo "$sha256  $partial/$deb" | sha256sum --check --quiet >&2; then
        rm -rf --one-file-system "$partial"
        echo "check-hardening: $deb is not the file whose digest stands in $0: refusing to run it" >&2
        exit 1
    fi
    dpkg-deb -x "$partial/$deb" "$partial/root"
    mv -T "$partial/root" "$checker" 2>/dev/null || [ -d "$checker" ]
    rm -rf --one-file-system "$partial"
}

[ -s "$config" ] || { echo "check-hardening: $config is missing or empty" >&2; exit 1; }
[ -d "$checker" ] || fetch_checker
PYTHONPATH=$checker/usr/lib/python3/dist-packages exec python3 "$here/check_hardening.py" \
    "$config" "$here/cmdline" "$here/sysctl.conf" "$here/HARDENING.md"
