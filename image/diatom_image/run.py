"""Running the tools that make the image."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# Newer than every epoch that a tool refuses (FAT starts in 1980), and the same for every build.
EPOCH = 1767225600  # 2026-01-01

REPO = Path(__file__).resolve().parents[2]


class BuildError(Exception):
    """Something outside this program failed; the message is for the user."""


def run(*argv: object, cwd: Path | None = None, stdin: bytes | None = None, **env: str) -> str:
    command = [str(word) for word in argv]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH), "TZ": "UTC", "LC_ALL": "C.UTF-8"} | env
    try:
        done = subprocess.run(command, cwd=cwd, input=stdin, env=environment, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise BuildError(f"{command[0]} is missing from the build root") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise BuildError(f"{' '.join(command)} failed with {done.returncode}:\n{output}")
    return done.stdout.decode(errors="replace")
