#!/usr/bin/env bash
# Every test, inside the build root. Stages in the order in which they find mistakes soonest; all of them run, and the
# whole fails when one does.
set -euo pipefail

# shellcheck source=tools/dev/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

stages=()
pytest_args=()
selected=
while [ $# -gt 0 ]; do
    case $1 in
    --long) pytest_args+=(--long); shift ;;
    --only) stages+=("${2:?--only needs a stage}"); shift 2 ;;
    --) shift; selected=$*; pytest_args+=("$@"); break ;;
    *) fail "test: unknown argument '$1' (--only STAGE, --long, or -- and what pytest takes)" ;;
    esac
done
[ ${#stages[@]} -gt 0 ] || stages=(lint unit runtime image vm)

banner() { printf '\n==== %s\n' "$*"; }

in_own_network() { unshare --net --mount --propagation private sh -c 'ip link set lo up && exec "$@"' sh "$@"; }

# configured FOLDER BUILD_TYPE: build/FOLDER is ready for ninja
configured() {
    [ ! -e "build/$1/build.ninja" ] || return 0
    cmake -S . -B "build/$1" -G Ninja -DCMAKE_BUILD_TYPE="$2" -DDIATOM_TESTS=ON \
        -DCMAKE_CXX_COMPILER=g++-14 -DCMAKE_C_COMPILER=gcc-14 >"build/$1.log" 2>&1 || { cat "build/$1.log" >&2; fail "cmake refused the source (see above)"; }
}

stage_lint() {
    tools/dev/lint.sh
    python3 -m pytest -q -p no:cacheprovider tests/lint tests/compat
}

# GoogleTest under AddressSanitizer and UndefinedBehaviorSanitizer, with the fuzzers' corpora replayed. A network and a
# mount namespace of their own: the tests make bridges, veths and mounts. Then what the program says and does of others'
# documents, with Debian's docker compose, cloud-init and ignition as oracles.
stage_unit() {
    configured asan Asan
    ninja -C build/asan -j"${DIATOM_JOBS:-$(nproc)}"
    in_own_network ctest --test-dir build/asan --output-on-failure --no-tests=error -j "${DIATOM_JOBS:-$(nproc)}"
    tools/dev/ignition.sh
    python3 -m pytest -q -p no:cacheprovider tests/compose tests/cloud tests/ignition
}

# The folders that have threads, under ThreadSanitizer: the engine with what it is made of, and its API. Not in the default.
stage_tsan() {
    configured tsan Tsan
    ninja -C build/tsan -j"${DIATOM_JOBS:-$(nproc)}" image_test net_test engine_test api_test
    for name in image net engine api; do
        in_own_network "build/tsan/src/$name/${name}_test" --gtest_brief=1
    done
}

# The machine with engines, runtime and commands built with AddressSanitizer and UndefinedBehaviorSanitizer, driven by
# Docker's clients: tests/vm but what measures, what needs a release, and what has a stage of its own. Not in the default.
stage_sanitize() {
    tools/dev/build.sh
    image/kernel/build.sh build/kernel
    configured asan Asan
    ninja -C build/asan -j"${DIATOM_JOBS:-$(nproc)}" diatom
    mkdir -p build/image-asan
    objcopy --strip-debug build/asan/diatom build/image-asan/diatom
    image/build.py --program build/image/parts/diatom --sanitized build/image-asan/diatom --out build/image-asan
    DIATOM_IMAGE=$PWD/build/image-asan DIATOM_SANITIZED=1 python3 -m pytest -p no:cacheprovider -n "${DIATOM_JOBS:-$(nproc)}" \
        --dist loadfile --durations=10 tests/vm --ignore tests/vm/test_boot.py --ignore tests/vm/test_pid1.py \
        --ignore tests/vm/test_runtime.py --ignore tests/vm/test_cycles.py --ignore tests/vm/test_power_cut.py "${pytest_args[@]}"
}

# The OCI runtime by its command line, with Debian's runtimes as oracles. What needs cgroups of version 2 runs in stage vm.
stage_runtime() {
    tools/dev/build.sh
    tools/dev/validation.sh
    DIATOM_PROGRAM=$PWD/build/image/parts/diatom in_own_network python3 -m pytest -q -p no:cacheprovider tests/runtime
}

stage_image() {
    tools/dev/image.sh
    python3 -m pytest -q -p no:cacheprovider tests/image
}

# A machine waits more than it works: as many side by side as there are processors, a file's tests on one of them. All of
# the tests together must show what docs/COMPATIBILITY.md says; a selection replaces the record of its own files only.
stage_vm() {
    tools/dev/image.sh
    [ -n "$selected" ] || rm -rf build/compat
    python3 -m pytest -p no:cacheprovider -n "${DIATOM_JOBS:-$(nproc)}" --dist loadfile --durations=10 tests/vm "${pytest_args[@]}"
    [ -n "$selected" ] || tools/dev/compat.sh
}

failed=()
for stage in "${stages[@]}"; do
    declare -F "stage_$stage" >/dev/null || fail "test: no stage '$stage': lint, unit, tsan, sanitize, runtime, image, vm"
    banner "test: $stage"
    # A subshell, so that set -e works inside it and a failure does not end the other stages.
    set +e
    (
        set -e
        "stage_$stage"
    )
    status=$?
    set -e
    [ $status -eq 0 ] || failed+=("$stage")
done

if [ ${#failed[@]} -gt 0 ]; then
    echo "test: failed: ${failed[*]}" >&2
    exit 1
fi
echo "test: all stages passed: ${stages[*]}"
