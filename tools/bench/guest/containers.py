"""Single containers, what an engine needs when idle, and that it does not grow."""

from __future__ import annotations

from common import IMAGE, Turns, repeat, say, scaled
from contenders import Contender

Engines = dict[str, Contender]
SETTLED = 20  # create/delete cycles before memory is looked at


def run_none(engines: Engines) -> dict:
    return _run(engines, "none")


def run_bridge(engines: Engines) -> dict:
    return _run(engines, "bridge")


def _run(engines: Engines, network: str) -> dict:
    turns = Turns(engines)
    return turns.result(seconds=turns.seconds(lambda name: engines[name].api.run_and_remove(IMAGE, ["true"], network)))


def exec_true(engines: Engines) -> dict:
    turns = Turns(engines)

    def start(name: str) -> str:
        sleeper = engines[name].api.create(IMAGE, ["sleep", "1000000"], "none")
        engines[name].api.start(sleeper)
        return sleeper

    def act(name: str) -> None:
        if code := engines[name].api.execute(sleepers[name], ["true"]):
            raise RuntimeError(f"true ended with {code}")

    sleepers = turns.each(start)
    seconds = turns.seconds(act)
    turns.each(lambda name: engines[name].api.remove(sleepers[name]))
    return turns.result(seconds=seconds)


def idle(engines: Engines) -> dict:
    return {"kib": {name: engine.memory_kib() for name, engine in engines.items()}}


def cycles(engines: Engines) -> dict:
    """Creates and deletes, and what memory is more than after the first few."""
    turns = Turns(engines)

    def grow(name: str) -> dict:
        def cycle() -> None:
            engines[name].api.remove(engines[name].api.create(IMAGE, ["true"], "none"))

        repeat(name, SETTLED, cycle)
        before = engines[name].memory_kib()
        say(f"create/delete cycles of {name}")
        count = repeat(name, scaled(5000), cycle)
        return {"count": count, "kib_more": engines[name].memory_kib() - before}

    grown = turns.each(grow)
    return turns.result(counts={name: each["count"] for name, each in grown.items()}, kib_more={name: each["kib_more"] for name, each in grown.items()})
