"""Compares engines in this machine: rounds over all of them in turn, so that a busy spell of the host hits each."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from contenders import Contender, contenders

IMAGE = "busybox:latest"
settings = json.loads(Path("/bench/settings.json").read_text())


def timed(action: Callable[[], object]) -> float:
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def run_true(engine: Contender, network: str) -> None:
    container = engine.api.create(IMAGE, ["true"], network)
    engine.api.start(container)
    if code := engine.api.wait(container):
        raise RuntimeError(f"true ended with {code}")
    engine.api.remove(container)


def exec_true(engine: Contender, container: str) -> None:
    if code := engine.api.execute(container, ["true"]):
        raise RuntimeError(f"true ended with {code}")


def rounds(engines: list[Contender], action: Callable[[Contender], object]) -> dict[str, list[float]]:
    """After one round that only warms up."""
    seconds: dict[str, list[float]] = {engine.name: [] for engine in engines}
    for number in range(settings["rounds"] + 1):
        for engine in engines:
            spent = timed(lambda: action(engine))
            if number > 0:
                seconds[engine.name].append(round(spent, 4))
    return seconds


def many_listed(engines: list[Contender]) -> dict[str, list[float]]:
    """GET /containers/json with many containers that do not run."""
    made = {engine.name: [engine.api.create(IMAGE, ["true"], "none") for _ in range(settings["listed"])] for engine in engines}
    seconds = rounds(engines, lambda engine: engine.api.call("GET", "/containers/json?all=true"))
    for engine in engines:
        for container in made[engine.name]:
            engine.api.remove(container)
    return seconds


def say(text: str) -> None:
    print(f"bench: {text}", flush=True)


def measure() -> dict:
    engines = contenders()
    archive = Path("/bench/busybox.tar").read_bytes()
    for engine in engines:
        say(f"starting {engine.name}")
        engine.start()
        engine.api.load(archive)
    results: dict = {"idle_kib": {engine.name: engine.memory_kib() for engine in engines}}
    for network in ("none", "bridge"):
        say(f"run, network {network}")
        results[f"run_{network}"] = rounds(engines, lambda engine: run_true(engine, network))
    sleepers = {engine.name: engine.api.create(IMAGE, ["sleep", "1000000"], "none") for engine in engines}
    for engine in engines:
        engine.api.start(sleepers[engine.name])
    say("exec")
    results["exec"] = rounds(engines, lambda engine: exec_true(engine, sleepers[engine.name]))
    for engine in engines:
        engine.api.remove(sleepers[engine.name])
    say(f"list {settings['listed']}")
    results["list"] = many_listed(engines)
    results["used_kib"] = {engine.name: engine.memory_kib() for engine in engines}
    return results


try:
    print("bench-result " + json.dumps(measure()), flush=True)
except Exception:  # noqa: BLE001 - whatever it is, it is what the bench says
    traceback.print_exc()
    print("bench-result {}", flush=True)
