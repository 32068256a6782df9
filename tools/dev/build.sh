#!/usr/bin/env bash
# Compiles the release program: build/release/diatom, stripped in build/image/parts/diatom, its symbols in
# build/image/debug/. Runs inside the build root.
set -euo pipefail
# shellcheck source=tools/dev/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Two of these at once would write the same files.
mkdir -p build
exec 9>build/release.lock
flock 9

if [ ! -e build/release/build.ninja ]; then
    cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DDIATOM_STATIC=ON \
        -DDIATOM_ISAL_DIR="$(tools/dev/isal.sh)" -DCMAKE_CXX_COMPILER=g++-14 -DCMAKE_C_COMPILER=gcc-14 \
        >build/release.log 2>&1 || { cat build/release.log >&2; fail "cmake refused the source (see above)"; }
fi
ninja -C build/release -j"${DIATOM_JOBS:-$(nproc)}" diatom

program=build/release/diatom stripped=build/image/parts/diatom debug=build/image/debug/diatom.debug
if [ ! -e "$stripped" ] || [ "$program" -nt "$stripped" ]; then
    mkdir -p "$(dirname "$stripped")" "$(dirname "$debug")"
    objcopy --only-keep-debug "$program" "$debug"
    # The build id keeps program and symbols together. Written under another name: a failure leaves nothing half done.
    objcopy --strip-all "$program" "$stripped.new"
    mv "$stripped.new" "$stripped"
fi
