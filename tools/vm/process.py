"""A process that another program started, told from one that merely has its number now."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessId:
    pid: int
    start_time: int  # clock ticks since boot

    @staticmethod
    def of(pid: int) -> ProcessId | None:
        start = _start_time(pid)
        return None if start is None else ProcessId(pid, start)

    @property
    def runs(self) -> bool:
        return _start_time(self.pid) == self.start_time

    def kill(self) -> None:
        if self.runs:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while self.runs:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def _start_time(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])
