"""Single containers and many of them."""

from __future__ import annotations

import threading

from common import IMAGE, rounds, say, scaled, timed
from contenders import Contender

Engines = dict[str, Contender]


def run_none(engines: Engines) -> dict:
    return {"seconds": rounds(engines, lambda name: engines[name].api.run_and_remove(IMAGE, ["true"], "none"))}


def run_bridge(engines: Engines) -> dict:
    return {"seconds": rounds(engines, lambda name: engines[name].api.run_and_remove(IMAGE, ["true"], "bridge"))}


def exec_true(engines: Engines) -> dict:
    sleepers = {name: engine.api.create(IMAGE, ["sleep", "1000000"], "none") for name, engine in engines.items()}
    for name, engine in engines.items():
        engine.api.start(sleepers[name])

    def act(name: str) -> None:
        if code := engines[name].api.execute(sleepers[name], ["true"]):
            raise RuntimeError(f"true ended with {code}")

    seconds = rounds(engines, act)
    for name, engine in engines.items():
        engine.api.remove(sleepers[name])
    return {"seconds": seconds}


def idle(engines: Engines) -> dict:
    return {"kib": {name: engine.memory_kib() for name, engine in engines.items()}}


def cycles(engines: Engines) -> dict:
    """Creates and deletes; the peers fewer, for they take minutes."""
    counts = {name: scaled(5000 if name == "diatom" else 250) for name in engines}
    growth = {}
    for name, engine in engines.items():
        say(f"{counts[name]} create/delete of {name}")
        for _ in range(20):
            engine.api.remove(engine.api.create(IMAGE, ["true"], "none"))
        before = engine.memory_kib()
        for _ in range(counts[name]):
            engine.api.remove(engine.api.create(IMAGE, ["true"], "none"))
        growth[name] = engine.memory_kib() - before
    return {"cycles": counts, "kib_more": growth, "kib": {name: engine.memory_kib() for name, engine in engines.items()}}


def many(engines: Engines) -> dict:
    """Containers that lie there, the list of them, and starts at once; the last of all measures, for they stay."""
    listed, at_once = scaled(500), scaled(100)
    made = {}
    for name, engine in engines.items():
        say(f"creating {listed} containers of {name}")
        made[name] = [engine.api.create(IMAGE, ["sleep", "1000000"], "none") for _ in range(listed)]
    say("listing")
    lists = rounds(engines, lambda name: engines[name].api.call("GET", "/containers/json?all=true"))
    burst, kib, helpers, running = {}, {}, {}, {}
    for name, engine in engines.items():
        say(f"starting {at_once} containers of {name} at once")
        before = engine.memory_kib()
        burst[name] = [_start_all(engine, made[name][:at_once])]
        if name == "diatom":
            _start_all(engine, made[name][at_once:])
        running[name] = sum(1 for each in engine.api.call("GET", "/containers/json") if each["State"] == "running")
        kib[name] = round((engine.memory_kib() - before) / running[name], 1)
        helpers[name] = engine.helper_count()
    return {"listed": listed, "list_seconds": lists, "at_once": at_once, "burst_seconds": burst, "running": running, "kib_each": kib, "helpers": helpers}


def _start_all(engine: Contender, containers: list[str]) -> float:
    errors: list[Exception] = []

    def start(container: str) -> None:
        try:
            engine.api.again().start(container)
        except Exception as error:  # noqa: BLE001 - told below, from the main thread
            errors.append(error)

    threads = [threading.Thread(target=start, args=(container,)) for container in containers]

    def all_of_them() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    seconds = timed(all_of_them)
    if errors:
        raise RuntimeError(f"{len(errors)} of {len(containers)} starts failed: {errors[0]}")
    return seconds
