"""Compares engines in this machine. Each measure is a line for the host, so that a later one that fails takes nothing away."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import containers
import crowd
import runtimes
import transfers
from common import say, settings
from contenders import Contender, contenders

MEASURES = {
    "idle": containers.idle,
    "runtime_run": runtimes.runtime_run,
    "run_none": containers.run_none,
    "run_bridge": containers.run_bridge,
    "exec": containers.exec_true,
    "port": transfers.port_throughput,
    "bridge": transfers.bridge_throughput,
    "many_ports": transfers.many_ports,
    "pull": transfers.pull,
    "cycles": containers.cycles,
    "crowd": crowd.crowd,
}


ALONE = {"runtime_run"}  # those that need no engine


def tell(name: str, result: dict) -> None:
    print(f"bench-measure {json.dumps({name: result})}", flush=True)


def start_engines() -> dict[str, Contender]:
    """Those that come up. What does not is told as a version, and missing from every row."""
    started: dict[str, Contender] = {}
    versions = runtimes.versions()
    if settings["only"] and ALONE.issuperset(settings["only"]):
        tell("versions", versions)
        return started
    archive = Path("/bench/busybox.tar").read_bytes()
    for engine in contenders():
        say(f"starting {engine.name}")
        try:
            engine.start()
            engine.api.load(archive)
            versions[engine.name] = engine.api.call("GET", "/version")["Version"]
            started[engine.name] = engine
        except Exception as error:  # noqa: BLE001 - the others are compared all the same
            traceback.print_exc()
            versions[engine.name] = f"did not start ({error})"
    tell("versions", versions)
    return started


def main() -> None:
    engines = start_engines()
    for name, measure in MEASURES.items():
        if settings["only"] and name not in settings["only"]:
            continue
        say(name)
        try:
            result = measure(engines)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this measure's result
            traceback.print_exc()
            result = {"failed": str(error)}
        tell(name, result)


try:
    main()
except Exception:  # noqa: BLE001 - the host sees it on the console
    traceback.print_exc()
print("bench-end", flush=True)
