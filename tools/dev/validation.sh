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
repo=$PWD
cd tests/validation
key=$({ cat "$script" go.mod go.sum; go version; } | sha256sum | cut -c1-16)
dir=/cache/validation/$key

# The host's certificate authorities (tools/dev/buildroot.sh): its way out may have one of its own.
if [ -s /etc/ssl/host.crt ]; then export SSL_CERT_FILE=/etc/ssl/host.crt; fi
export GOMODCACHE=/cache/go/mod GOCACHE=/cache/go/build GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0

build() {
    local packages
    echo "validation: building the programs of $module"
    if ! go mod download -x "$module" >"$1/download.log" 2>&1; then
        tail -5 "$1/download.log"
        echo "validation: $module could not be downloaded: set GOPROXY to a Go module proxy that this machine reaches"
        return 1
    fi
    mapfile -t packages < <(go list -f '{{if eq .Name "main"}}{{.ImportPath}}{{end}}' "$module/validation/...")
    mkdir "$1/result"
    go build -p "${DIATOM_JOBS:-$(nproc)}" -trimpath -ldflags='-s -w' -o "$1/result/" "$module/cmd/runtimetest" "${packages[@]}"
    install -m 644 "$(go list -m -f '{{.Dir}}' "$module")/rootfs-amd64.tar.gz" "$1/result/"
}

build_once "$dir" rootfs-amd64.tar.gz build
mkdir -p "$repo/build"
ln -sfn "$dir" "$repo/build/validation"
