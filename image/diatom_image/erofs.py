"""root.erofs out of the staged tree.

zstd, not LZMA: LZMA saves about 4 % of the file and costs several times the processor at each page read for the first
time, which is most of the boot. Measured figures: image/README.md.
"""

from __future__ import annotations

from pathlib import Path

from .run import EPOCH, run

LEVEL = 19
CLUSTER = 65536  # bytes compressed together: larger is smaller on disk, and reads more for one page


def write_erofs(output: Path, tree: Path, guid: str) -> None:
    output.unlink(missing_ok=True)
    run(
        "mkfs.erofs", "--quiet", f"-zzstd,level={LEVEL}", f"-C{CLUSTER}", "-Efragments,dedupe,ztailpacking",
        f"-T{EPOCH}", "--all-time", f"-U{guid}", "--all-root", "-Ldiatom-root", "-x-1", "--workers=1", output, tree,
    )  # fmt: skip
