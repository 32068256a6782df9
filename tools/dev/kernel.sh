#!/usr/bin/env bash
# Inside the build root: the kernel, from the cache or built.   kernel.sh [OUTDIR]   (default /src/build/kernel)
#   kernel.sh check    every check of the kernel: options, hardening, boot on each virtual machine type
set -euo pipefail

kernel=/src/image/kernel

if [ "${1:-}" = check ]; then
    out=/src/build/kernel
    "$kernel/check-fragments_test.sh"
    "$kernel/build.sh" "$out"
    "$kernel/check-hardening.sh" "$out/config"
    exec "$kernel/probe/run.sh" "$out/vmlinuz"
fi
exec "$kernel/build.sh" "${1:-/src/build/kernel}"
