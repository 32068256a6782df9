#!/usr/bin/env bash
# Builds a library of the program from Debian's sources, unless the cache has it, and prints its directory, which has lib/,
# include/ and version.   build.sh NAME   (inside the build root; NAME.sh beside this file is its recipe)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/dev/common.sh
. "$here/../../tools/dev/common.sh"
name=${1:?usage: build.sh NAME}
[ -e "$here/$name.sh" ] || fail "libraries: no recipe for '$name'"
jobs=${DIATOM_JOBS:-$(nproc)}

# What decides the bytes: the recipe, its source, and the compiler.
key() {
    {
        uname -m
        cat "$here/build.sh" "$here/common.sh" "$here/$name.sh" "$here/../packages/common.sh"
        grep "^$name " "$here/sources.lock"
        if [ -d "$here/$name" ]; then (cd "$here/$name" && find . -type f | sort | xargs cat); fi
        dpkg-query -W gcc-14 binutils linux-libc-dev libc6-dev
    } | sha256sum | cut -c1-16
}

build() {
    echo "libraries: building $name"
    work=$1 out=$1/result
    mkdir "$out"
    export here work out jobs
    bash -euc '. "$here/../packages/common.sh"; . "$here/common.sh"; cd "$work"; . "$here/$1.sh"' recipe "$name"
    mv "$out.version" "$out/version"
}

dir=/cache/libraries/$name-$(key)
build_once "$dir" version build
echo "$dir"
