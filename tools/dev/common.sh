# Sourced by the verbs of ./dev that run inside the build root.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$PWD/tools"

fail() {
    echo "dev: $*" >&2
    exit 1
}
