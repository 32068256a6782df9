#!/usr/bin/env bash
# usage (inside the build root): probe/run.sh VMLINUZ [MACHINE...]     machines: q35 pc microvm (default: all three)
# Boots the kernel with a small static /init that looks for what a container host needs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernel=${1:?usage: probe/run.sh VMLINUZ [MACHINE...]}
shift
[ $# -gt 0 ] || set -- q35 pc microvm
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir "$scratch/root"
g++ -std=c++23 -Os -static -Wall -Wextra -Werror -o "$scratch/root/init" "$here/probe.cpp"
strip "$scratch/root/init"
(cd "$scratch/root" && mkdir dev proc sys && find . | cpio --quiet -o -H newc --reproducible >"$scratch/initramfs")

# Emulation by default: it runs everywhere and its times compare. PROBE_ACCELERATOR=kvm for the other.
accelerator=${PROBE_ACCELERATOR:-tcg}

for machine in "$@"; do
    log=$scratch/$machine.log started=$(date +%s%N)
    # ${PROBE_CMDLINE}: to compare what a parameter costs
    timeout 120 qemu-system-x86_64 -M "$machine" -accel "$accelerator" -m 256 -nodefaults -display none -no-reboot \
        -serial stdio -kernel "$kernel" -initrd "$scratch/initramfs" \
        -append "console=ttyS0 $(cat "$here/../cmdline") ${PROBE_CMDLINE:-}" </dev/null >"$log" 2>&1 || true
    elapsed=$((($(date +%s%N) - started) / 1000000))
    if [ -n "${PROBE_VERBOSE:-}" ]; then cat "$log"; fi
    if ! grep -q '^probe: ok' "$log"; then
        tail -40 "$log" >&2
        echo "probe: $machine ($accelerator): FAILED after $elapsed ms" >&2
        exit 1
    fi
    echo "probe: $machine ($accelerator): ok, machine started to powered off in $elapsed ms;" \
        "$(sed -n 's/^probe: \(user space.*\)/\1/p' "$log" | tr -d '\r')"
done
