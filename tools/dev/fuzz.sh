#!/usr/bin/env bash
# One fuzzer for a while: ./dev fuzz TARGET [SECONDS]. What it finds goes to build/fuzz/TARGET; inputs worth keeping are
# copied by hand into tests/fuzz/corpus/TARGET, which ./dev test replays.
set -euo pipefail

# shellcheck source=tools/dev/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

target=${1:-}
seconds=${2:-60}
known=$(cd /src/src && find . -name '*_fuzz.cpp' -printf '%f\n' | sed 's/\.cpp$//' | sort | xargs)
case " $known " in
*" $target "*) ;;
*) fail "fuzz: which one? $known" ;;
esac

cmake -S /src -B /src/build/fuzz/cmake -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
    -DCMAKE_BUILD_TYPE=Fuzz -DDIATOM_FUZZ=ON >/dev/null
ninja -C /src/build/fuzz/cmake "$target"
program=$(find /src/build/fuzz/cmake -name "$target" -type f -perm -u+x | head -1)
mkdir -p "/src/build/fuzz/$target/corpus"
cd "/src/build/fuzz/$target"
exec "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 corpus "/src/tests/fuzz/corpus/$target"
