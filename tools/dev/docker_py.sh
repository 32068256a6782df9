#!/usr/bin/env bash
# Fetches the integration tests of the Docker SDK for Python: build/docker-py/tests. Release and checksum stand in
# tests/docker_py/requirements.txt; they come from the package index that pip uses. Runs inside the build root; what is
# fetched once is kept in the cache. The tests run with Debian's python3-docker, so the library is left out.
set -euo pipefail

script=$(realpath "${BASH_SOURCE[0]}")
# shellcheck source=tools/dev/common.sh
. "$(dirname "$script")/common.sh"
requirements=$PWD/tests/docker_py/requirements.txt
dir=/cache/docker-py/$(cat "$script" "$requirements" | sha256sum | cut -c1-16)

# The host's certificate authorities (tools/dev/buildroot.sh): its way out may have one of its own.
if [ -s /etc/ssl/host.crt ]; then export PIP_CERT=/etc/ssl/host.crt; fi

fetch() {
    if ! pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps --no-build-isolation --no-binary :all: \
        --require-hashes --requirement "$requirements" --dest "$1" >"$1/download.log" 2>&1; then
        tail -5 "$1/download.log"
        echo "docker_py: the release could not be downloaded: does this machine reach a Python package index?"
        return 1
    fi
    mkdir "$1/result"
    tar -xzf "$1"/docker-*.tar.gz -C "$1/result" --strip-components=1 --wildcards '*/tests/*'
}

build_once "$dir" tests/integration/base.py fetch
mkdir -p build
ln -sfn "$dir" build/docker-py
