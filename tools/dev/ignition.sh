#!/usr/bin/env bash
# Builds ignition-validate of a version that knows Ignition 3.4 and 3.5, which Debian's does not: build/ignition-validate.
# Version and checksums stand in tests/ignition/go.mod and go.sum; the modules come through the Go module proxy (GOPROXY).
# Runs inside the build root; what is built once is kept in the cache.
set -euo pipefail

module=github.com/coreos/ignition/v2
script=$(realpath "${BASH_SOURCE[0]}")
# shellcheck source=tools/dev/common.sh
. "$(dirname "$script")/common.sh"
# shellcheck source=tools/dev/go_module.sh
. tools/dev/go_module.sh
repo=$PWD
cd tests/ignition
dir=/cache/ignition/$(module_key "$script")

build() {
    echo "ignition: building ignition-validate of $module"
    download_module ignition "$module" "$1"
    mkdir "$1/result"
    go build -p "${DIATOM_JOBS:-$(nproc)}" -trimpath -ldflags='-s -w' -o "$1/result/ignition-validate" "$module/validate"
}

build_once "$dir" ignition-validate build
mkdir -p "$repo/build"
ln -sfn "$dir/ignition-validate" "$repo/build/ignition-validate"
