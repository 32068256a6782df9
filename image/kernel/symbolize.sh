#!/usr/bin/env bash
# usage: symbolize.sh System.map.zst < LOG      (a panic from a console or pstore)
# Puts names beside the addresses of a kernel trace: the kernel itself holds no symbol table (KALLSYMS costs 0.5 MB).
# The address layout is random at each boot; a panic prints its "Kernel Offset", which must be part of the log.
set -euo pipefail

map=${1:?usage: symbolize.sh System.map.zst < LOG}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cat >"$log"
offset=$(sed -n 's/.*Kernel Offset: 0x\([0-9a-f]*\) from.*/\1/p' "$log" | tail -1)
if [ -z "$offset" ] && ! grep -q 'Kernel Offset: disabled' "$log"; then
    echo "symbolize: the log has no line 'Kernel Offset: ...' (a panic prints it last): cannot tell where the kernel was" >&2
    exit 1
fi

zstd -dc "$map" | python3 -c '
import bisect, re, sys
offset = int(sys.argv[1] or "0", 16)
symbols = sorted((int(address, 16), name) for address, kind, name in map(str.split, sys.stdin) if kind in "tTwW")
starts = [address for address, _ in symbols]

def name_of(match):
    address = int(match[0], 16) - offset
    at = bisect.bisect_right(starts, address) - 1
    if at < 0 or address - starts[at] > 0x10000:
        return match[0]
    return f"{match[0]} <{symbols[at][1]}+{address - starts[at]:#x}>"

for line in open(sys.argv[2], errors="replace"):
    sys.stdout.write(line if "Kernel Offset" in line else re.sub(r"(?:0x)?ffffffff[89a-f][0-9a-f]{7}\b", name_of, line))
' "$offset" "$log"
