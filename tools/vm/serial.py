"""The serial line: everything that the machine writes, searched as it comes."""

from __future__ import annotations

import re
import socket
import threading
import time
from pathlib import Path

from .errors import MachineError


class SerialLine:
    """Reads in a thread of its own, so that the machine never waits for a full socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._received = bytearray()
        self._consumed = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="serial line", daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """All that was received since this object connected."""
        with self._changed:
            return self._received.decode(errors="replace")

    def send(self, text: str | bytes) -> None:
        self._socket.sendall(text.encode() if isinstance(text, str) else text)

    def expect(self, pattern: str | re.Pattern[str], timeout: float = 60) -> re.Match[str]:
        """Waits for the pattern in what follows the last match, and consumes up to its end."""
        compiled = re.compile(pattern.encode() if isinstance(pattern, str) else pattern.pattern.encode(), re.MULTILINE)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = compiled.search(self._received, self._consumed)
                if found:
                    self._consumed = found.end()
                    text = found.group().decode(errors="replace")
                    return re.compile(compiled.pattern.decode(), re.MULTILINE).search(text) or _whole(text)
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    reason = "the machine ended" if self._closed else f"{timeout:g} seconds passed"
                    raise MachineError(f"{reason} without {compiled.pattern.decode()!r}; last lines:\n{self._tail()}")
                self._changed.wait(left)

    def shell(self, command: str, timeout: float = 60) -> tuple[int, str]:
        """Runs a command in the shell at the other end: its exit code and output."""
        mark = f"{time.monotonic_ns():x}"
        # The marks are split in what is typed, so that the terminal's echo of it does not match.
        self.send(f"echo be''gin-{mark}; {command}; echo e''nd-{mark} $?\n")
        self.expect(rf"begin-{mark}\r?\n", timeout)
        found = self.expect(rf"(?s).*?end-{mark} (\d+)\r?\n", timeout)
        output = found.group().rpartition(f"end-{mark}")[0]
        return int(found.group(1)), output.replace("\r\n", "\n")

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(timeout=5)
        self._socket.close()

    def _tail(self) -> str:
        return "\n".join(self._received.decode(errors="replace").splitlines()[-25:])

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            with self._changed:
                self._received += data
                self._closed = not data
                self._changed.notify_all()
            if not data:
                return


def _whole(text: str) -> re.Match[str]:
    """For a pattern whose look-around reaches beyond its match."""
    match = re.compile("(?s).*").match(text)
    assert match is not None
    return match
