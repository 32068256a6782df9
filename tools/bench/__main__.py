"""./dev bench: each figure against a peer in the same run, as medians and ratios, written to build/bench/NAME.json."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time

from vm.config import REPO
from vm.errors import MachineError

from . import boot, engine, footprint, timeline

MEASURES = {
    "bytes": footprint.image_bytes,
    "boot": boot.measure,
    "memory": footprint.idle_memory,
    "timeline": timeline.measure,
    "engine": engine.measure,
}
RESULTS = REPO / "build/bench"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("measure", nargs="*", choices=[*MEASURES, []], help="default: all")
    parser.add_argument("--boots", type=int, default=5, help="boots of each kind (default 5)")
    parser.add_argument("--rounds", type=int, default=10, help="rounds over all engines (default 10)")
    parser.add_argument("--scale", type=float, default=1.0, help="engine: how large the measures with many containers or bytes are (default 1)")
    parser.add_argument("--only", nargs="*", default=[], help="engine: these of its measures alone")
    arguments = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in arguments.measure or MEASURES:
        result = MEASURES[name](arguments)
        result |= {"command": "./dev bench " + " ".join(sys.argv[1:] or [name]), "machine": platform.machine(), "taken": time.strftime("%Y-%m-%d")}
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        print(f"{name}: {json.dumps(result, indent=2)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MachineError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
