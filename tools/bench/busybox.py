"""The image that benchmarks run: busybox-static of the build root in one layer."""

from __future__ import annotations

from pathlib import Path

import oci

ARCHIVE_NAME = "busybox:latest"


def busybox_tar() -> bytes:
    return oci.busybox_layer().bytes()


def make_archive(folder: Path) -> Path:
    archive = folder / "busybox.tar"
    if not archive.exists():
        oci.save_archive(oci.write_layout(folder / "busybox", [busybox_tar()]), archive, ARCHIVE_NAME)
    return archive
