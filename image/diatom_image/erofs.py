"""root.erofs out of the staged tree.

zstd, not LZMA: LZMA's file is an eighth smaller, but each page read for the first time is most of the boot's work.
Level 9, not 19: mkfs.erofs tries many lengths for each cluster, so 19 takes twenty times as long for half a percent less.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .run import EPOCH, run

LEVEL = 9
CLUSTER = 65536  # bytes compressed together: larger is smaller on disk, and reads more for one page


def write_erofs(output: Path, tree: Path, guid: str) -> None:
    # In memory first: mkfs.erofs syncs its file, which on a busy disk takes longer than all its work.
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "root.erofs"
        _make(image, tree, guid)
        shutil.copyfile(image, output)


def _make(output: Path, tree: Path, guid: str) -> None:
    run(
        "mkfs.erofs", "--quiet", f"-zzstd,level={LEVEL}", f"-C{CLUSTER}", "-Efragments,dedupe,ztailpacking",
        f"-T{EPOCH}", "--all-time", f"-U{guid}", "--all-root", "-Ldiatom-root", "-x-1", "--workers=1", output, tree,
    )  # fmt: skip
