"""Whether the record bears out what is said: a command or flag works because a test ran it and it did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .offer import Offered
from .runs import Run
from .verdicts import AS_DOCKER, CLIENT, REFUSED, WORKS, Block, Subject, Verdict

PLAIN = Verdict(WORKS, "", "")


@dataclass
class Evidence:
    runs: list[Run]

    def of(self, command: Offered, subject: Subject | None) -> list[Run]:
        if subject is None:
            return [run for run in self.runs if run.command == command.name]
        return [run for run in self.runs if subject.among(run.flags.get((command.name, subject.flag), []))]

    def against(self, command: Offered, subject: Subject | None, verdict: Verdict) -> Iterator[str]:
        """What in the record does not bear out a verdict."""
        runs, what = self.of(command, subject), f"{command.name}{f' {subject}' if subject else ''}"
        if verdict.kind == CLIENT:
            return
        if verdict.kind == REFUSED:
            for run in (run for run in runs if run.succeeded):
                yield f"{what} is said to be refused, but worked in {run.test}: docker {' '.join(run.arguments)}"
            if not any(verdict.says in run.said for run in runs if not run.succeeded):
                yield f"{what} is said to be refused, but no test ran it with an error that says '{verdict.says}'"
        elif verdict.kind == AS_DOCKER:
            if not runs:
                yield f"{what}: no test ran it"
        elif not any(run.succeeded for run in runs):
            failed = ", ".join(sorted({run.test for run in runs}))
            yield f"{what}: " + (f"it only failed (in {failed}), and no verdict says so" if runs else "no test ran it, and no verdict covers it")


def problems(offered: dict[str, Offered], blocks: list[Block], runs: list[Run]) -> list[str]:
    evidence, found = Evidence(runs), []
    block_of = {command.name: block for block in blocks for command in block.commands}
    for command in offered.values():
        block = block_of.get(command.name, Block([command]))
        if block.whole and block.whole.kind in (REFUSED, CLIENT, AS_DOCKER):
            found += evidence.against(command, None, block.whole)
            continue
        if command.is_leaf:
            found += evidence.against(command, None, block.whole or PLAIN)
        verdicts = {subject: verdict for those, verdict in block.flags for subject in those if subject.flag in command.flags}
        for subject in [*map(Subject, command.flags), *(subject for subject in verdicts if subject.value)]:
            found += evidence.against(command, subject, verdicts.get(subject, PLAIN))
    return found
