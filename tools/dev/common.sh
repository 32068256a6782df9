# Sourced by the verbs of ./dev that run inside the build root.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$PWD/tools"

fail() {
    echo "dev: $*" >&2
    exit 1
}

# build_once DIR FILE BUILD: DIR with FILE in it, made by the first who wants it, while others wait. BUILD is a function
# that gets an empty directory and makes "result" in it; what it prints goes to standard error.
build_once() {
    local dir=$1 file=$2 build=$3 base
    [ ! -e "$dir/$file" ] || return 0
    base=$(dirname "$dir")
    mkdir -p "$base"
    (
        flock 9
        [ ! -e "$dir/$file" ] || exit 0
        work=$(mktemp -d "$base/build.XXXXXX")
        trap 'rm -rf --one-file-system "$work"' EXIT
        "$build" "$work" >&2
        [ -e "$work/result/$file" ] || fail "$build: it made no $file"
        rm -rf --one-file-system "$dir"
        mv "$work/result" "$dir"
    ) 9>"$base/.lock"
}
