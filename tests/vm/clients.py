"""Clients that are not ours, in the versions of two Debian suites, and a record of what the tests asked of them.

The record, one run of a command a line, is what docs/COMPATIBILITY.md is checked against (tools/compat). Each file of
tests has a file of its own in it, made anew when the first of them runs: workers side by side have different files of
tests, and a run of some leaves what the others recorded.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RECORD = Path(__file__).resolve().parents[2] / "build/compat"


@dataclass(frozen=True)
class Suite:
    """Where a suite's docker command line and its compose plugin are."""

    name: str
    root: Path

    @property
    def docker(self) -> str:
        return str(self.root / "bin/docker")

    @property
    def plugins(self) -> Path:
        return self.root / "libexec/docker/cli-plugins"

    def config(self, folder: Path) -> Path:
        """A configuration that has docker take its plugins from the same suite."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(self.plugins)]}))
        return folder


TRIXIE = Suite("trixie", Path("/usr"))
SID = Suite("sid", Path("/opt/sid"))
SUITES = (TRIXIE, SID)


recorded: set[Path] = set()  # by this process


def record(suite: Suite, arguments: Sequence[str], code: int, said: str) -> None:
    test = Path(os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[0]).stem
    file = RECORD / f"{test}.jsonl"
    if file not in recorded:
        RECORD.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        recorded.add(file)
    line = {"test": test, "suite": suite.name, "arguments": list(arguments), "code": code, "said": said[-500:]}
    with file.open("a") as lines:
        lines.write(json.dumps(line) + "\n")


def lines(done: subprocess.CompletedProcess) -> list[str]:
    return done.stdout.splitlines()
