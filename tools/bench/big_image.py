"""An image of real files, as the file system storage of Debian's docker-registry."""

from __future__ import annotations

import io
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import oci
import registry

CACHE = Path("/cache/bench-registry")
LAYERS = 10


def _files() -> Iterator[Path]:
    """The build root's own, in one order."""
    for folder, names, files in os.walk("/usr"):
        names.sort()
        for name in sorted(files):
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


def _layers(size: int) -> Iterator[bytes]:
    files = _files()
    for number in range(LAYERS):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            while buffer.tell() < size:
                path = next(files)
                entry = tarfile.TarInfo(f"layer{number}{path}")
                entry.size, entry.mode = path.stat().st_size, 0o644
                with path.open("rb") as file:
                    tar.addfile(entry, file)
        yield buffer.getvalue()


def registry_storage(megabytes: int) -> Path:
    """The folder that a registry serves `big:latest` from; made once."""
    made = CACHE / f"{megabytes}-{LAYERS}"
    if made.exists():
        return made
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        layout = oci.write_layout(folder / "layout", list(_layers(megabytes * 1_000_000 // LAYERS)))
        server = registry.Registry(folder)
        try:
            server.push(layout, "big")
        finally:
            server.stop()
        shutil.move(folder / "data", made)
    return made
