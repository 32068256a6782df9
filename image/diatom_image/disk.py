"""diatom.raw: a GPT disk with an EFI system partition (systemd-boot and one UKI) and an empty state partition.

Sparse: only what is written takes room. The state partition carries the empty marker (image/README.md), which lets the
first boot format it.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .run import run
from .version import Version

MIB = 1 << 20
ESP_SIZE = 256 * MIB  # some twenty versions
STATE_SIZE = 2048 * MIB
ALIGNMENT = 1 * MIB
EMPTY_MARKER = b"diatom-empty-state-v1\n"
MARKER_SIZE = 4096
STATE_LABEL = "DIATOM_STATE"
BOOT_LOADER = Path("/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
BOOT_TRIES = 3

ESP_TYPE = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
STATE_TYPE = "0fc63daf-8483-4772-8e79-3d69d8477de4"  # Linux file system data

LOADER_CONF = "timeout 0\nconsole-mode keep\neditor no\n"


@dataclass(frozen=True)
class Layout:
    esp: int = ALIGNMENT
    state: int = ALIGNMENT + ESP_SIZE
    end: int = ALIGNMENT + ESP_SIZE + STATE_SIZE + ALIGNMENT


def write_disk(output: Path, uki: Path, version: Version) -> None:
    with tempfile.TemporaryDirectory() as folder:  # in memory: a hole there costs nothing either
        esp = Path(folder) / "esp.img"
        _write_esp(esp, uki, version)
        _join(output, esp, version)


def _join(output: Path, esp: Path, version: Version) -> None:
    layout = Layout()
    output.unlink(missing_ok=True)
    with output.open("xb") as disk:
        disk.truncate(layout.end)
    _partition(output, layout, version)
    with output.open("r+b") as disk:
        _copy_sparse(esp, disk, layout.esp)
        disk.seek(layout.state)
        disk.write(EMPTY_MARKER.ljust(MARKER_SIZE, b"\0"))


def _write_esp(image: Path, uki: Path, version: Version) -> None:
    with image.open("xb") as file:
        file.truncate(ESP_SIZE)
    serial = version.guid("esp")[:8]
    run("mkfs.fat", "--invariant", "-F", 32, "-s", 1, "-i", serial, "-n", "DIATOM_ESP", image)
    run("mmd", "-i", image, "::EFI", "::EFI/BOOT", "::EFI/Linux", "::EFI/systemd", "::loader")
    conf = image.with_name("loader.conf")
    conf.write_text(LOADER_CONF)
    files = {
        BOOT_LOADER: "::EFI/BOOT/BOOTX64.EFI",
        conf: "::loader/loader.conf",
        uki: f"::EFI/Linux/diatom_{version.text}+{BOOT_TRIES}.efi",
    }
    for source, target in files.items():
        run("mcopy", "-i", image, source, target)


def _partition(disk: Path, layout: Layout, version: Version) -> None:
    sector = 512
    script = f"""label: gpt
label-id: {version.guid("disk")}
unit: sectors
sector-size: {sector}
start={layout.esp // sector}, size={ESP_SIZE // sector}, type={ESP_TYPE}, uuid={version.guid("esp")}, name="DIATOM_ESP"
start={layout.state // sector}, size={STATE_SIZE // sector}, type={STATE_TYPE}, uuid={version.guid("state")}, name="{STATE_LABEL}"
"""
    run("sfdisk", "--quiet", disk, stdin=script.encode())


def _copy_sparse(source: Path, target, offset: int) -> None:
    """Copies only what is data in the source, so that holes stay holes."""
    with source.open("rb") as file:
        end, at = os.fstat(file.fileno()).st_size, 0
        while at < end:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break  # only a hole remains
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            file.seek(start)
            target.seek(offset + start)
            target.write(file.read(at - start))
