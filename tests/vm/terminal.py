"""A program on a terminal of its own, as a person would use it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest


class Terminal:
    def __init__(self, argv: list[str], env: dict[str, str], rows: int, columns: int):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            argv, env=env | {"TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.seen = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGWINCH)

    def send(self, text: str) -> None:
        os.write(self.master, text.encode())

    def expect(self, pattern: str, timeout: float = 60) -> None:
        """Waits for the pattern in what came since the last match."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.seen)):
            if time.monotonic() > deadline or not self._read():
                pytest.fail(f"the terminal never showed {pattern!r}, but:\n{self.seen}")
        self.seen = self.seen[found.end() :]

    def wait(self, timeout: float = 60) -> int:
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                pytest.fail(f"the program on the terminal did not end:\n{self.seen}")
            self._read()
        return self.process.returncode

    def leave_shell(self) -> None:
        """Detaches by keys of one's own, ctrl-x d, from a shell that still gets Docker's usual ones."""
        self.expect("#")
        self.send("\x10\x11echo still-$((40+2))\n")
        self.expect("still-42")
        self.send("\x18d")
        self.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def _read(self) -> bool:
        """False at the end of the output."""
        ready, _, _ = select.select([self.master], [], [], 0.5)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)
