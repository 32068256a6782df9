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
repo=$PWD
cd tests/moby
key=$({ cat "$script" go.mod go.sum; go version; } | sha256sum | cut -c1-16)
dir=/cache/moby/$key

# The host's certificate authorities (tools/dev/buildroot.sh): its way out may have one of its own.
if [ -s /etc/ssl/host.crt ]; then export SSL_CERT_FILE=/etc/ssl/host.crt; fi
export GOMODCACHE=/cache/go/mod GOCACHE=/cache/go/build GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0

build() {
    local source=$1/source name
    echo "moby: building the integration tests of $module"
    if ! go mod download "$module" >"$1/download.log" 2>&1; then
        tail -5 "$1/download.log"
        echo "moby: $module could not be downloaded: set GOPROXY to a Go module proxy that this machine reaches"
        return 1
    fi
    cp -r "$(go list -m -f '{{.Dir}}' "$module")" "$source"
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
