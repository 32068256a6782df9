"""Compares engines in this machine. Each measure is a line for the host, so that a later one that fails takes nothing away."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import containers
import runtimes
import transfers
from common import say, settings
from contenders import contenders

MEASURES = {
    "idle": containers.idle,
    "runtime_run": runtimes.runtime_run,
    "run_none": containers.run_none,
    "run_bridge": containers.run_bridge,
    "exec": containers.exec_true,
    "port": transfers.port_throughput,
    "bridge": transfers.bridge_throughput,
    "cycles": containers.cycles,
    "pull": transfers.pull,
    "many": containers.many,
}


def main() -> None:
    engines = {engine.name: engine for engine in contenders()}
    archive = Path("/bench/busybox.tar").read_bytes()
    for engine in engines.values():
        say(f"starting {engine.name}")
        engine.start()
        engine.api.load(archive)
    for name, measure in MEASURES.items():
        if settings["only"] and name not in settings["only"]:
            continue
        say(name)
        try:
            result = measure(engines)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this measure's result
            traceback.print_exc()
            result = {"failed": str(error)}
        print(f"bench-measure {json.dumps({name: result})}", flush=True)


try:
    main()
except Exception:  # noqa: BLE001 - the host sees it on the console
    traceback.print_exc()
print("bench-end", flush=True)
