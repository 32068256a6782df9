#!/usr/bin/env bash
# Builds moby's own API integration tests: build/moby/PACKAGE.test, and the source that they read beside them. Version and
# checksum stand in tests/moby/go.mod and go.sum; the modules come through the Go module proxy (GOPROXY). Runs inside the
# build root; what is built once is kept in the cache.
set -euo pipefail

module=github.com/docker/docker
packages=(image network system volume container)
script=$(realpath "${BASH_SOURCE[0]}")
# shellcheck source=tools/dev/common.sh
. "$(dirname "$script")/common.sh"
# shellcheck source=tools/dev/go_module.sh
. tools/dev/go_module.sh
repo=$PWD
cd tests/moby
dir=/cache/moby/$(module_key "$script")

build() {
    local source=$1/source name
    echo "moby: building the integration tests of $module"
    download_module moby "$module" "$1"
    cp -r "$(module_dir "$module")" "$source"
    chmod -R u+w "$source"
    # This release is no module yet: what it needs stands in a file of another name.
    cp "$source/vendor.mod" "$source/go.mod"
    cp "$source/vendor.sum" "$source/go.sum"
    rm -rf "$source/vendor"
    mkdir "$1/result"
    for name in "${packages[@]}"; do
        (cd "$source" && go test -c -trimpath -p "${DIATOM_JOBS:-$(nproc)}" -o "$1/result/$name.test" "./integration/$name")
        # Where a test runs, it reads files of its package, and of the one beside it.
        cp -r "$source/integration/$name" "$1/result/$name"
    done
}

build_once "$dir" container.test build
mkdir -p "$repo/build"
ln -sfn "$dir" "$repo/build/moby"
