#!/usr/bin/env bash
# Checks the source without running it: shell scripts, Python, formatting, layers, banned calls, clang-tidy.
#   lint.sh [--fast] [FILE...]    --fast leaves clang-tidy out; FILEs limit clang-tidy to those
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fast=
while [ $# -gt 0 ]; do
    case $1 in
    --fast) fast=1; shift ;;
    -*) echo "lint: unknown option '$1' (--fast)" >&2; exit 2 ;;
    *) break ;;
    esac
done
files=("$@")
jobs=${DIATOM_JOBS:-$(nproc)}

# Files without a first line #! are sourced: they are checked where they are.
check_shell() { grep -lZ '^#!' dev tools/dev/*.sh | xargs -0 shellcheck -a -x -S warning; }
check_python() { find image tests tools -name '*.py' -print0 | xargs -0 python3 -m pyflakes; }
check_format() {
    tools/dev/fmt.sh --check || {
        echo "run ./dev fmt"
        return 1
    }
}
check_layers() { python3 tests/lint/layers.py; }
check_banned() { python3 tests/lint/banned.py; }

# clang-tidy reads the compile commands of a configuration for clang of its own; nothing is built there, precompiled
# headers neither.
check_tidy() {
    cmake -S . -B build/lint -G Ninja -DCMAKE_BUILD_TYPE=Lint -DCMAKE_CXX_COMPILER=clang++-19 \
        -DCMAKE_C_COMPILER=clang-19 -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DDIATOM_TESTS=OFF >build/lint.log 2>&1 || {
        cat build/lint.log
        return 1
    }
    python3 tests/lint/tidy.py build/lint/compile_commands.json /cache/tidy "$jobs" "${files[@]}"
}

checks=(shell python format layers banned)
[ -n "$fast" ] || checks+=(tidy)
failed=()
mkdir -p build
for check in "${checks[@]}"; do
    echo "-- lint: $check"
    "check_$check" || failed+=("$check")
done

if [ ${#failed[@]} -gt 0 ]; then
    echo "lint: ${#failed[@]} of ${#checks[@]} checks failed: ${failed[*]}" >&2
    exit 1
fi
echo "lint: ${#checks[@]} checks passed: ${checks[*]}"
