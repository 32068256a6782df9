# Sourced by the scripts that build tests of other projects from Go modules, whose versions and checksums stand in a
# folder's go.mod and go.sum. They come through the Go module proxy (GOPROXY). Runs inside the build root, in that folder.

# The host's certificate authorities (tools/dev/buildroot.sh): its way out may have one of its own.
if [ -s /etc/ssl/host.crt ]; then export SSL_CERT_FILE=/etc/ssl/host.crt; fi
export GOMODCACHE=/cache/go/mod GOCACHE=/cache/go/build GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0

# module_key SCRIPT: what a script makes of this folder's modules has another name when any of them changes
module_key() { { cat "$1" go.mod go.sum; go version; } | sha256sum | cut -c1-16; }

# download_module NAME MODULE DIR: NAME is for messages, DIR for the log
download_module() {
    if ! go mod download -x "$2" >"$3/download.log" 2>&1; then
        tail -5 "$3/download.log"
        echo "$1: $2 could not be downloaded: set GOPROXY to a Go module proxy that this machine reaches"
        return 1
    fi
}

module_dir() { go list -m -f '{{.Dir}}' "$1"; }
