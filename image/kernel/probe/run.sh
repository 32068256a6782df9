#!/usr/bin/env bash
# usage (inside the build root): probe/run.sh VMLINUZ [MACHINE...]     machines: q35 pc microvm uefi (default: all)
# Boots the kernel with a small static /init that looks for what a container host needs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernel=${1:?usage: probe/run.sh VMLINUZ [MACHINE...]}
shift
[ $# -gt 0 ] || set -- q35 pc microvm uefi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

mkdir "$scratch/root"
g++ -std=c++23 -Os -static -Wall -Wextra -Werror -o "$scratch/root/init" "$here/probe.cpp"
strip "$scratch/root/init"
cp "$here/../sysctl.conf" "$scratch/root/"
(cd "$scratch/root" && mkdir dev proc sys && find . | cpio --quiet -o -H newc --reproducible >"$scratch/initramfs")

# Emulation by default: it runs everywhere and its times compare. PROBE_ACCELERATOR=kvm for the other.
accelerator=${PROBE_ACCELERATOR:-tcg}

for machine in "$@"; do
    log=$scratch/$machine.log started=$(date +%s%N)
    options=(-M "$machine" -m 256)
    if [ "$machine" = uefi ]; then
        options=(-M q35 -m 512 -drive "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd")
    fi
    extra=${PROBE_CMDLINE:-}
    # Under emulation a microvm has no clock to measure the processor's against, and a busy host upsets the one try.
    if [ "$machine$accelerator" = microvmtcg ]; then
        extra+=" tsc_early_khz=$(awk -F: '/^cpu MHz/ { printf "%d", $2 * 1000; exit }' /proc/cpuinfo)"
    fi
    # ${PROBE_CMDLINE}: to compare what a parameter costs
    timeout 120 qemu-system-x86_64 "${options[@]}" -accel "$accelerator" -nodefaults -display none -no-reboot \
        -serial stdio -kernel "$kernel" -initrd "$scratch/initramfs" \
        -append "console=ttyS0 $(cat "$here/../cmdline") $extra" </dev/null >"$log" 2>&1 || true
    elapsed=$((($(date +%s%N) - started) / 1000000))
    if [ -n "${PROBE_VERBOSE:-}" ]; then cat "$log"; fi
    if ! grep -q '^probe: ok' "$log"; then
        tail -40 "$log" >&2
        echo "probe: $machine ($accelerator): FAILED after $elapsed ms" >&2
        exit 1
    fi
    echo "probe: $machine ($accelerator): ok, machine started to powered off in $elapsed ms;" \
        "$(sed -n 's/.*probe: \(user space.*\)/\1/p' "$log" | tr -d '\r')"
done
