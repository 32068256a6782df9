#!/usr/bin/env bash
# Builds the programs of the system containers from Debian's sources:  build.sh OUTDIR   (inside the build root)
# OUTDIR/NAME is the tree that package NAME adds to the root file system, OUTDIR/NAME.version its Debian version.
#   --key   only print the cache key
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages=(busybox e2fsprogs dhcpcd chrony udev)
cache=/cache/packages
jobs=${DIATOM_JOBS:-$(nproc)}

# What decides the bytes: the recipe, the tools and headers of the build root, the versions that its mirror had.
key() {
    {
        uname -m
        cat "$here/common.sh" "$here/$1.sh"
        if [ -d "$here/$1" ]; then (cd "$here/$1" && find . -type f | sort | xargs cat); fi
        cat /var/lib/apt/lists/*_InRelease
        sha256sum /var/lib/dpkg/status
    } | sha256sum | cut -c1-16
}

build() {
    local name=$1 key=$2 final=$cache/$1-$2
    echo "packages: building $name (log: $cache/$name-$key.log)"
    work=$cache/$name-$key.work out=$cache/$name-$key.work/out
    rm -rf --one-file-system "$work"
    mkdir -p "$out"
    export here work out jobs
    if ! bash -euc '. "$here/common.sh"; cd "$work"; . "$here/'"$name"'.sh"' >"$cache/$name-$key.log" 2>&1; then
        tail -40 "$cache/$name-$key.log" >&2
        echo "packages: $name could not be built (whole log: $cache/$name-$key.log)" >&2
        return 1
    fi
    rm -rf --one-file-system "$final.new"
    mkdir -p "$final.new"
    mv "$out" "$final.new/root"
    mv "$out.version" "$final.new/version"
    mv -T "$final.new" "$final"
    [ -n "${DIATOM_KEEP_TREE:-}" ] || rm -rf --one-file-system "$work"
}

ensure() {
    local key
    key=$(key "$1")
    if [ -d "$cache/$1-$key" ]; then return; fi
    exec 9>"$cache/$1-$key.lock"
    flock 9
    if [ ! -d "$cache/$1-$key" ]; then build "$1" "$key"; fi
    exec 9>&-
}

mkdir -p "$cache"
case ${1:-} in
--key)
    for p in "${packages[@]}"; do echo "$p-$(key "$p")"; done
    ;;
'' | -*)
    echo "usage: build.sh OUTDIR | --key" >&2
    exit 2
    ;;
*)
    shift 0
    outdir=$1
    shift
    [ $# -eq 0 ] || packages=("$@")
    for p in "${packages[@]}"; do
        ensure "$p"
        mkdir -p "$outdir"
        rm -rf --one-file-system "${outdir:?}/$p"
        cp -a "$cache/$p-$(key "$p")/root" "$outdir/$p"
        cp "$cache/$p-$(key "$p")/version" "$outdir/$p.version"
    done
    ;;
esac
