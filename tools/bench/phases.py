"""What a machine says of its own boot: `diatom boot --json`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from vm.machine import Machine

SECONDS = 300  # for an answer on the console of a machine that has much to do


@dataclass(frozen=True)
class Phase:
    name: str
    begin: float  # milliseconds since the kernel started
    end: float

    @property
    def kind(self) -> str:
        if self.name == "kernel":
            return "kernel"
        if self.name.startswith("container user-engine") or self.name.startswith("user engine"):
            return "user engine"
        if self.name.startswith("container "):
            return "system containers"
        return "system engine" if self.name.startswith("system engine") else "PID 1"


def phases_of(machine: Machine) -> list[Phase]:
    _, output = machine.shell("diatom boot --json", SECONDS)
    phases = [Phase(mark["name"], mark["begin_us"] / 1000, mark["at_us"] / 1000) for mark in json.loads(output[output.index("[") :])]
    return sorted(phases, key=lambda phase: phase.begin)
