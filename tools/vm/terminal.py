"""This terminal on the machine's serial line, until ^] or the machine's end."""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
import tty
from pathlib import Path

ESCAPE = b"\x1d"  # ^]


def attach(serial: Path) -> str:
    """Returns why it ended: "detached" or "ended"."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(serial))
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    saved = termios.tcgetattr(keyboard) if os.isatty(keyboard) else None
    try:
        if saved is not None:
            tty.setraw(keyboard)
        line.sendall(b"\r")  # the shell prints its prompt again: the first one went to nobody
        return _copy(line, keyboard, screen)
    finally:
        if saved is not None:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, saved)
        line.close()


def _copy(line: socket.socket, keyboard: int, screen: int) -> str:
    sources: list[object] = [line, keyboard]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if line in ready:
            data = line.recv(65536)
            if not data:
                return "ended"
            _write_all(screen, data)
        if keyboard in ready:
            data = os.read(keyboard, 4096)
            if not data:
                return "detached"
            before, escape, _ = data.partition(ESCAPE)
            line.sendall(before)
            if escape:
                return "detached"


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
