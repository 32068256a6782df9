#!/usr/bin/env bash
# Makes the Debian userland that the engines are compared in:  debian_root.sh   (inside the build root)
# Prints the path of an ext4 image, cached by what it is made of.
set -euo pipefail

packages=(docker.io docker-cli containerd podman crun runc conmon netavark iptables nftables iproute2 procps python3 ca-certificates docker-registry)
image_size=12G
cache=/cache/bench-root

image=$cache/$(sha256sum <"${BASH_SOURCE[0]}" | cut -c1-16).ext4
if [ -e "$image" ]; then
    echo "$image"
    exit
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
echo "bench: making the Debian userland (once; log: $cache/log)" >&2
mmdebstrap --quiet --mode=root --variant=minbase --format=directory \
    --include="$(IFS=,; echo "${packages[*]}")" \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    trixie "$work/root" /etc/apt/sources.list >"$cache/log" 2>&1 || {
    tail -20 "$cache/log" >&2
    echo "bench: the Debian userland could not be made" >&2
    exit 1
}
rm -rf "$work"/root/var/lib/apt/lists/* "$work"/root/var/cache/apt/*
mkdir -p "$work/root/bench" "$work/root/registry"
truncate -s "$image_size" "$work/image"
mke2fs -q -t ext4 -d "$work/root" "$work/image"
mv "$work/image" "$image"
echo "$image"
