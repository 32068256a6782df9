#!/usr/bin/env bash
# Makes the image of an optional service of Debian packages:  ./dev service-image NAME [FILE.tar]
# Push the archive to a registry of yours, or put it into /var/lib/diatom/preload/system.
set -euo pipefail
# shellcheck source=tools/dev/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

name=${1:-}
[ -n "$name" ] || fail "service-image: which? $(sed -n 's/^\([a-z][^ ]*\) .*/\1/p' image/services/packages | tr '\n' ' ')"
packages=$(sed -n "s/^$name //p" image/services/packages)
[ -n "$packages" ] || fail "service-image: no image is called '$name' in image/services/packages"
out=${2:-build/services/$name.tar}
mkdir -p "$(dirname "$out")"

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --mode=root --variant=minbase --include="${packages// /,}" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
    trixie "$work/layer.tar" /etc/apt/sources.list
image/services/archive.py "$work/layer.tar" "diatom/$name:latest" "$out"
echo "service-image: $out  diatom/$name:latest  $(stat -c %s "$out") bytes"
