#!/usr/bin/env bash
# Builds the programs of the system containers from Debian's sources:  build.sh OUTDIR [NAME...]   (inside the build root)
# OUTDIR/NAME is the tree that package NAME adds to the root file system, OUTDIR/NAME.version its Debian version.
#   NAME...   only these      --key   only print the cache keys
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages=(busybox e2fsprogs dhcpcd chrony dropbear udev)
cache=/cache/packages
jobs=${DIATOM_JOBS:-$(nproc)}

# What decides the bytes: the recipe, its source, and the compilers, headers and libraries that it is built with.
key() {
    {
        uname -m
        cat "$here/common.sh" "$here/$1.sh"
        grep "^$(sed -n 's/^fetch_source //p' "$here/$1.sh") " "$here/sources.lock"
        if [ -d "$here/$1" ]; then (cd "$here/$1" && find . -type f | sort | xargs cat); fi
        dpkg-query -W gcc-14 binutils linux-libc-dev musl-dev libc6-dev libblkid-dev libcap-dev meson
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

# Builds a package unless the cache has it, and copies it:  deliver NAME OUTDIR
deliver() {
    local name=$1 key built
    key=$(key "$name")
    built=$cache/$name-$key
    if [ ! -d "$built" ]; then
        exec 9>"$built.lock"
        flock 9
        [ -d "$built" ] || build "$name" "$key"
        exec 9>&-
    fi
    mkdir -p "$2"
    rm -rf --one-file-system "${2:?}/$name"
    cp -a "$built/root" "$2/$name"
    cp "$built/version" "$2/$name.version"
}

mkdir -p "$cache"
case ${1:-} in
--key)
    for name in "${packages[@]}"; do echo "$name-$(key "$name")"; done
    ;;
'' | -*)
    echo "usage: build.sh OUTDIR [NAME...] | --key" >&2
    exit 2
    ;;
*)
    outdir=$1
    shift
    [ $# -eq 0 ] || packages=("$@")
    for name in "${packages[@]}"; do deliver "$name" "$outdir"; done
    ;;
esac
