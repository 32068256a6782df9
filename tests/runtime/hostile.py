"""What hostile images and containers do, and a directory of the host that they must not reach."""

from __future__ import annotations

import ctypes
import os
import stat
import threading
from pathlib import Path

ROUNDS = 25
AT_FDCWD = -100
RENAME_EXCHANGE = 2
SECRET = "the host's\n"


class Swapper:
    """Exchanges two names as fast as it can, as a process of another container does that shares a volume."""

    def __init__(self, one: Path, other: Path):
        self.names = (os.fsencode(one), os.fsencode(other))
        self.renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
        self.done = 0
        self.ending = False
        self.thread = threading.Thread(target=self.exchange)

    def exchange(self) -> None:
        while not self.ending:
            self.done += self.renameat2(AT_FDCWD, self.names[0], AT_FDCWD, self.names[1], RENAME_EXCHANGE) == 0

    def __enter__(self) -> "Swapper":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ending = True
        self.thread.join()
        assert self.done > 2 * ROUNDS, f"exchanged only {self.done} times"


class Outside:
    """A directory of the host that no container may reach."""

    def __init__(self, path: Path):
        self.path = path
        path.mkdir()
        self.file = path / "file"
        self.file.write_text(SECRET)
        self.file.chmod(0o600)

    def assert_untouched(self) -> None:
        assert sorted(entry.name for entry in self.path.iterdir()) == ["file"]
        assert self.file.read_text() == SECRET
        assert stat.S_IMODE(self.file.stat().st_mode) == 0o600
        assert str(self.path) not in Path("/proc/self/mountinfo").read_text()


def bind(bundle, source: Path, destination: str, *options: str) -> None:
    bundle.config["mounts"].append({"destination": destination, "type": "bind", "source": str(source), "options": ["rbind", *options]})


def drop_mount(bundle, *destinations: str) -> None:
    bundle.config["mounts"] = [entry for entry in bundle.config["mounts"] if entry["destination"] not in destinations]


def error_of(runtime, bundle) -> str:
    done = runtime.run(bundle, check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr
