"""root.erofs out of the staged tree.

Everything in clusters of 128 KiB: what is read at every boot (the program) as zstd, all else as LZMA, which is an eighth
smaller and took a boot under emulation a tenth more processor time (figures: image/README.md).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .run import EPOCH, run

COMPRESSORS = "lzma,level=9:zstd,level=19"
# mkfs.erofs(1), compress-hints: cluster size, index of the compressor, pattern; the first that matches.
HINTS = "131072 1 usr/bin/diatom$\n131072 0 .*\n"
CLUSTER = 131072  # bytes compressed together: larger is smaller on disk, and reads more for one page


def write_erofs(output: Path, tree: Path, guid: str) -> None:
    # In memory first: mkfs.erofs syncs its file, which on a busy disk takes longer than all its work.
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "root.erofs"
        hints = Path(folder) / "hints"
        hints.write_text(HINTS)
        _make(image, tree, guid, hints)
        shutil.copyfile(image, output)


def _make(output: Path, tree: Path, guid: str, hints: Path) -> None:
    run(
        "mkfs.erofs", "--quiet", f"-z{COMPRESSORS}", f"-C{CLUSTER}", f"--compress-hints={hints}", "-Efragments,dedupe,ztailpacking",
        f"-T{EPOCH}", "--all-time", f"-U{guid}", "--all-root", "-Ldiatom-root", "-x-1", "--workers=1", output, tree,
    )  # fmt: skip
