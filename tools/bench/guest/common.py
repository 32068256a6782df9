"""What the measures share: settings, rounds over all contenders in turn, words on the console."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

IMAGE = "busybox:latest"
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


def rounds(names: Iterable[str], action: Callable[[str], object], number: int | None = None) -> dict[str, list[float]]:
    """After one round that only warms up; all in turn, so that a busy spell of the host hits each."""
    names = list(names)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range((number or settings["rounds"]) + 1):
        for name in names:
            spent = timed(lambda: action(name))
            if turn > 0:
                seconds[name].append(spent)
    return seconds
