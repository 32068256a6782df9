#!/usr/bin/env bash
# Builds the kernel inside the build root, or takes it from the cache:  ./dev shell /src/image/kernel/build.sh OUTDIR
#   --config OUTDIR   only merge the fragments, check them and write OUTDIR/config
#   --key             only print the cache key: the options, this script, the versions of the source and of the tools
# OUTDIR gets vmlinuz, config, System.map.zst and build.json.
#
# The same inputs give the same bytes: time stamp, user, host, version and path are fixed, structure layout is not
# randomised (RANDSTRUCT would take a new seed at each build), there are no modules and so no signing key.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=linux-source-6.12
tarball=/usr/src/$package.tar.xz
cache=${DIATOM_KERNEL_CACHE:-/cache/kernel}
jobs=${DIATOM_JOBS:-$(nproc)}
machine=$(uname -m)
export PATH=/usr/lib/ccache:$PATH

die() {
    echo "kernel: $*" >&2
    exit 1
}

case $machine in
x86_64) arch=x86 image=arch/x86/boot/bzImage ;;
*) die "no configuration for $machine yet: add image/kernel/$machine.config and a line to image/kernel/build.sh" ;;
esac

fragments=("$here"/{base,containers,network,storage,platforms,hardening}.config "$here/$machine.config")

version() { dpkg-query -W -f '${Version}' "$package"; }

key() {
    {
        echo "$machine $(version)"
        gcc --version | head -1
        ld --version | head -1
        zstd --version
        cat "$here/build.sh"
        grep -hv '^#' "${fragments[@]}"
    } | sha256sum | cut -c1-16
}

# tinyconfig plus the fragments: allnoconfig, so that an option that nobody asked for is off, whatever its default.
configure() {
    local tree=$1 all=$1/.fragments
    cat "$tree/kernel/configs/tiny-base.config" "$tree/kernel/configs/tiny.config" \
        "$tree/arch/$arch/configs/tiny.config" "${fragments[@]}" >"$all"
    KCONFIG_ALLCONFIG=$all make -s -C "$tree" allnoconfig >"$tree/.configure.log" 2>&1 ||
        { cat "$tree/.configure.log" >&2; die "the fragments could not be merged"; }
    (cd "$here" && bash ./check-fragments.sh "$tree/.config" "${fragments[@]##*/}") ||
        die "correct the fragments named above (a dependency is missing, or the option has another name)"
}

unpack() {
    rm -rf --one-file-system "$1"
    mkdir -p "$1"
    echo "kernel: unpacking $package $(version)"
    tar -C "$1" --strip-components=1 -xJf "$tarball"
}

# One line about every 15 seconds, with what an earlier build needed to compare with.
report_progress() {
    local log=$1 known total
    known=$(find "$cache" -mindepth 2 -maxdepth 2 -name build.json -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2-)
    total=$([ -z "$known" ] || sed -n 's/.*"objects": *\([0-9]*\).*/ of about \1/p' "$known")
    while sleep 15; do
        echo "kernel: $(grep -c '^  \(CC\|AS\) ' "$log" || true)$total objects"
    done
}

build() {
    local key=$1 tree=$cache/$1.work done=$cache/$1.done log=$cache/$1.log started=$SECONDS reporter
    unpack "$tree"
    configure "$tree"
    echo "kernel: building $key with $jobs jobs (log: $log)"
    : >"$log"
    # No inherited descriptors: the reporter must not hold the lock after us.
    report_progress "$log" 9>&- &
    reporter=$!
    trap 'kill '"$reporter"' 2>/dev/null || true' EXIT
    if ! env CCACHE_BASEDIR="$tree" CCACHE_NOHASHDIR=1 KBUILD_BUILD_USER=diatom KBUILD_BUILD_HOST=diatom \
        KBUILD_BUILD_VERSION=1 KBUILD_BUILD_TIMESTAMP="$(date -u -d "@$(stat -c %Y "$tree/Makefile")")" \
        nice -n 10 make -C "$tree" -j"$jobs" bzImage >"$log" 2>&1 9>&-; then
        grep -n -m5 -B2 -A8 -E 'error:|Error |undefined reference' "$log" >&2 || tail -30 "$log" >&2
        die "the build failed (whole log: $log)"
    fi
    kill "$reporter" 2>/dev/null || true
    trap - EXIT

    rm -rf --one-file-system "$done"
    mkdir -p "$done"
    cp "$tree/$image" "$done/vmlinuz"
    cp "$tree/.config" "$done/config"
    zstd -q -19 "$tree/System.map" -o "$done/System.map.zst"
    printf '{"version": "%s", "package": "%s", "key": "%s", "bytes": %d, "seconds": %d, "objects": %d, "warnings": %d}\n' \
        "$(make -s -C "$tree" kernelrelease)" "$(version)" "$key" "$(stat -c %s "$done/vmlinuz")" \
        $((SECONDS - started)) "$(grep -c '^  \(CC\|AS\) ' "$log")" "$(grep -c 'warning:' "$log" || true)" \
        >"$done/build.json"
    rm -rf --one-file-system "${cache:?}/$key"
    sync -f "$done"
    mv -T "$done" "$cache/$key"
}

complete() {
    local f
    for f in vmlinuz config System.map.zst build.json; do [ -s "$cache/$1/$f" ] || return 1; done
}

publish() {
    local out=$2 f
    mkdir -p "$out"
    for f in vmlinuz config System.map.zst build.json; do
        cp "$cache/$1/$f" "$out/.$f.new"
        mv "$out/.$f.new" "$out/$f"
    done
}

[ -r "$tarball" ] || die "$tarball is missing: run this inside the build root (./dev shell image/kernel/build.sh OUTDIR)"
mkdir -p "$cache"
case ${1:-} in
--key)
    key
    exit 0
    ;;
--config)
    [ $# = 2 ] || die "usage: build.sh --config OUTDIR"
    tree=$(mktemp -d "$cache/config.XXXXXX")
    trap 'rm -rf --one-file-system "$tree"' EXIT
    unpack "$tree"
    configure "$tree"
    mkdir -p "$2"
    cp "$tree/.config" "$2/config"
    exit 0
    ;;
'' | -*) die "usage: build.sh [--config] OUTDIR | --key" ;;
esac

key=$(key)
exec 9>"$cache/$key.lock"
flock 9
if ! complete "$key"; then build "$key"; fi
publish "$key" "$1"
[ -n "${DIATOM_KEEP_TREE:-}" ] || rm -rf --one-file-system "$cache/$key.work"
echo "kernel: $(cat "$1/build.json")"
