"""root.erofs out of the staged tree.

LZMA in clusters of 128 KiB: an eighth to a sixth smaller than zstd, and less memory in the running machine (figures:
image/README.md).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .run import EPOCH, run

LEVEL = 9
CLUSTER = 131072  # bytes compressed together: larger is smaller on disk, and reads more for one page
QUICK = "lz4"  # for what only tests boot


def write_erofs(output: Path, tree: Path, guid: str, compression: str = f"lzma,level={LEVEL}") -> None:
    # In memory first: mkfs.erofs syncs its file, which on a busy disk takes longer than all its work.
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "root.erofs"
        _make(image, tree, guid, compression)
        shutil.copyfile(image, output)


def _make(output: Path, tree: Path, guid: str, compression: str) -> None:
    run(
        "mkfs.erofs", "--quiet", f"-z{compression}", f"-C{CLUSTER}", "-Efragments,dedupe,ztailpacking",
        f"-T{EPOCH}", "--all-time", f"-U{guid}", "--all-root", "-Ldiatom-root", "-x-1", "--workers=1", output, tree,
    )  # fmt: skip
