"""What the measures share: settings, turns over all contenders, counts that are cut short, words on the console."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

IMAGE = "busybox:latest"
OURS = "diatom"
settings = json.loads(Path("/bench/settings.json").read_text())


def scaled(number: int) -> int:
    """A count of the issue's table, smaller for a quick run."""
    return max(2, round(number * settings["scale"]))


def say(text: str) -> None:
    print(f"bench: {time.monotonic():.0f} s: {text}", flush=True)


def timed(action: Callable[[], object]) -> float:
    begin = time.monotonic()
    action()
    return round(time.monotonic() - begin, 4)


class Turns:
    """Contenders, each after the other. One that fails is out from then on, with its reason; the others go on."""

    def __init__(self, names: Iterable[str]) -> None:
        self.left = list(names)
        self.failed: dict[str, str] = {}

    def each(self, action: Callable[[str], Any]) -> dict[str, Any]:
        results = {}
        for name in list(self.left):
            try:
                results[name] = action(name)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this contender's result
                say(f"{name} failed: {error}")
                self.failed[name] = str(error)
                self.left.remove(name)
        return results

    def seconds(self, action: Callable[[str], object], number: int | None = None) -> dict[str, list[float]]:
        """After one round that only warms up; all in turn, so that a busy spell of the host hits each."""
        self.each(action)
        seconds: dict[str, list[float]] = {name: [] for name in self.left}
        for _ in range(number or settings["rounds"]):
            for name, spent in self.each(lambda name: timed(lambda: action(name))).items():
                seconds[name].append(spent)
        return {name: values for name, values in seconds.items() if name in self.left}

    def result(self, **values: Any) -> dict:
        return {**values, "fell": self.failed} if self.failed else values


def repeat(name: str, count: int, action: Callable[[], object]) -> int:
    """So many times; a peer only as often as its share of the run allows. Gives how often it was."""
    end = time.monotonic() + settings["peer_seconds"]
    for done in range(count):
        if name != OURS and time.monotonic() > end:
            return done
        action()
    return count
