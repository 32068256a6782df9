#!/usr/bin/env bash
# Builds the validation programs of opencontainers/runtime-tools: build/validation/PROGRAM, and beside them what they
# read where they run, runtimetest and rootfs-amd64.tar.gz. Version and checksums stand in tests/validation/go.mod and
# go.sum; the modules come through the Go module proxy (GOPROXY). Runs inside the build root; what is built once is kept
# in the cache.
set -euo pipefail

module=github.com/opencontainers/runtime-tools
script=$(realpath "${BASH_SOURCE[0]}")
# shellcheck source=tools/dev/common.sh
. "$(dirname "$script")/common.sh"
# shellcheck source=tools/dev/go_module.sh
. tools/dev/go_module.sh
repo=$PWD
cd tests/validation
dir=/cache/validation/$(module_key "$script")

build() {
    local packages
    echo "validation: building the programs of $module"
    download_module validation "$module" "$1"
    mapfile -t packages < <(go list -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' "$module/validation/...")
    mkdir "$1/result"
    go build -p "${DIATOM_JOBS:-$(nproc)}" -trimpath -ldflags='-s -w' -o "$1/result/" "$module/cmd/runtimetest" "${packages[@]}"
    install -m 644 "$(module_dir "$module")/rootfs-amd64.tar.gz" "$1/result/"
}

build_once "$dir" rootfs-amd64.tar.gz build
mkdir -p "$repo/build"
ln -sfn "$dir" "$repo/build/validation"
