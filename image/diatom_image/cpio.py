"""The initramfs: a newc cpio archive, written here so that nothing but names and contents reaches its bytes.

Format: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


class Archive:
    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._inode = 0

    def directory(self, path: str, mode: int = 0o755) -> None:
        self._entry(path, stat.S_IFDIR | mode)

    def file(self, path: str, contents: bytes, mode: int) -> None:
        self._entry(path, stat.S_IFREG | mode, contents)

    def character_device(self, path: str, major: int, minor: int, mode: int) -> None:
        self._entry(path, stat.S_IFCHR | mode, device=(major, minor))

    def finish(self) -> bytes:
        self._inode = -1
        self._entry("TRAILER!!!", 0)
        return b"".join(self._parts)

    def _entry(self, path: str, mode: int, contents: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        self._inode += 1
        name = path.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(contents), 0, 0, *device, len(name), 0)
        self._append(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        self._append(contents)

    def _append(self, data: bytes) -> None:
        padding = -(self._size + len(data)) % 4
        self._parts += [data, b"\0" * padding]
        self._size += len(data) + padding


def write_initramfs(output: Path, stub: Path, root: Path) -> None:
    archive = Archive()
    archive.directory("dev")
    archive.character_device("dev/console", 5, 1, 0o600)
    archive.character_device("dev/kmsg", 1, 11, 0o600)
    archive.directory("sysroot")
    archive.file("init", stub.read_bytes(), 0o755)
    archive.file("root.erofs", root.read_bytes(), 0o400)
    output.write_bytes(archive.finish())
    os.chmod(output, 0o644)
