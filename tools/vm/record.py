"""The machine that ./dev run started, as ./dev stop and ./dev docker find it: build/run/machine.json."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .api import Api
from .config import REPO
from .errors import MachineError
from .process import ProcessId

RUN = REPO / "build/run"
FILE = RUN / "machine.json"


@dataclass(frozen=True)
class Record:
    pid: int
    start_time: int
    port: int
    certificates: str
    version: str

    @property
    def process(self) -> ProcessId:
        return ProcessId(self.pid, self.start_time)

    @property
    def api(self) -> Api:
        return Api(self.port, Path(self.certificates))

    def save(self) -> None:
        partial = FILE.with_suffix(".new")
        partial.write_text(json.dumps(asdict(self)) + "\n")
        partial.replace(FILE)


def running() -> Record | None:
    """The recorded machine if its process still is the one that was recorded."""
    try:
        record = Record(**json.loads(FILE.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return record if record.process.runs else None


def forget() -> None:
    FILE.unlink(missing_ok=True)


@contextmanager
def lock() -> Iterator[None]:
    """One ./dev run or stop at a time."""
    RUN.mkdir(parents=True, exist_ok=True)
    with (RUN / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MachineError("another ./dev run or ./dev stop is at work: wait for it") from None
        yield
