"""Clients that are not ours, in the versions of two Debian suites, and a record of what the tests asked of them.

The record (build/compat/used.jsonl, one run of a command a line) is what docs/compatibility.yml is checked against.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RECORD = Path(__file__).resolve().parents[2] / "build/compat/used.jsonl"


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


def forget() -> None:
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text("")


def record(suite: Suite, arguments: Sequence[str], code: int, said: str) -> None:
    test = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[0]
    line = {"test": Path(test).stem, "suite": suite.name, "arguments": list(arguments), "code": code, "said": said[-500:]}
    with RECORD.open("a") as file:
        file.write(json.dumps(line) + "\n")
