"""Containers that lie there, the list of them, starts at once, and what an idle one costs; the last of all measures, for they stay."""

from __future__ import annotations

import threading

from common import IMAGE, OURS, Turns, repeat, say, scaled, timed
from contenders import Contender

Engines = dict[str, Contender]


def crowd(engines: Engines) -> dict:
    turns = Turns(engines)
    made: dict[str, list[str]] = {name: [] for name in engines}

    def create(name: str) -> int:
        say(f"creating containers of {name}")
        return repeat(name, scaled(500), lambda: made[name].append(engines[name].api.create(IMAGE, ["sleep", "1000000"], "none")))

    listed = turns.each(create)
    say("listing")
    lists = turns.seconds(lambda name: engines[name].api.list_all())
    started = turns.each(lambda name: _start(engines[name], made[name]))
    return turns.result(
        listed=listed, list_seconds=lists,
        **{what: {name: each[what] for name, each in started.items()} for what in ("burst_seconds", "burst", "running", "kib_each", "helpers")},
    )  # fmt: skip


def _start(engine: Contender, containers: list[str]) -> dict:
    """A hundred at once; ours then starts the rest, which would take the peers' helpers more memory than there is."""
    at_once = scaled(100)
    say(f"starting containers of {engine.name} at once")
    before = engine.memory_kib()
    seconds = _start_all(engine, containers[:at_once])
    if engine.name == OURS:
        for begin in range(at_once, len(containers), at_once):
            _start_all(engine, containers[begin : begin + at_once])
    running = sum(1 for each in engine.api.call("GET", "/containers/json") if each["State"] == "running")
    return {
        "burst_seconds": [seconds], "burst": min(at_once, len(containers)), "running": running,
        "kib_each": round((engine.memory_kib() - before) / running, 1), "helpers": engine.helper_count(),
    }  # fmt: skip


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
