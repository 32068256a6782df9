"""What a machine is made of."""

from __future__ import annotations

import enum
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .errors import MachineError

REPO = Path(__file__).resolve().parents[2]


class Boot(enum.Enum):
    DIRECT = "direct"  # kernel and initramfs, as Firecracker and PXE boot
    UEFI = "uefi"  # firmware, systemd-boot, UKI on a copy of diatom.raw


@dataclass(frozen=True)
class Image:
    """A release as image/build.py leaves it; DIATOM_IMAGE names another than build/image."""

    directory: Path = Path(os.environ.get("DIATOM_IMAGE") or REPO / "build/image")

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def initramfs(self) -> Path:
        return self.directory / "initramfs"

    @property
    def uki(self) -> Path:
        return self.directory / "diatom.efi"

    @property
    def disk(self) -> Path:
        return self.directory / "diatom.raw"

    @property
    def command_line(self) -> str:
        return (self.directory / "parts/cmdline").read_text().strip()


@dataclass(frozen=True)
class Disk:
    """A virtio disk: an existing file, or one that is made sparse with `size` bytes when it is not there."""

    path: Path
    size: int = 4 << 30
    format: str = "raw"

    def ensure(self) -> None:
        if self.path.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("xb") as file:
            file.truncate(self.size)


@dataclass(frozen=True)
class Forward:
    """A port of this machine (loopback unless said otherwise) that leads to a port of the guest."""

    host: int
    guest: int
    address: str = "127.0.0.1"
    protocol: str = "tcp"

    def __str__(self) -> str:
        return f"{self.protocol}:{self.address}:{self.host}-:{self.guest}"


@dataclass
class MachineConfig:
    directory: Path  # sockets, logs and copies of disks; sockets need a path under 100 characters
    image: Image = field(default_factory=Image)
    boot: Boot = Boot.DIRECT
    memory: int = 1024  # MiB
    cpus: int = 2
    disks: list[Disk] = field(default_factory=list)
    kernel_args: list[str] = field(default_factory=list)
    publish: list[Forward] = field(default_factory=list)
    network: bool = True
    api: bool = True  # certificates by fw_cfg and a port for the Docker API over TLS
    certificates: Path | None = None  # where the certificates stand, default: in `directory`
    kernel: Path | None = None  # instead of the image's
    initramfs: Path | None = None
    qemu_args: list[str] = field(default_factory=list)
    accelerator: str | None = None  # "tcg", "kvm"; None: kvm where a probe boot shows that it works


UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int | None:
    """`4G`, `512M`, `1048576` in bytes; nothing for what is not a size."""
    match = re.fullmatch(r"(\d+)([KMGT]?)(i?B)?", text, re.IGNORECASE)
    return int(match[1]) * UNITS[match[2].upper()] if match else None


def parse_disk(text: str, directory: Path) -> Disk:
    """The --disk argument: a size makes (or keeps) a disk in `directory`, anything else is a file."""
    size = parse_size(text)
    if size is not None and not Path(text).exists():
        return Disk(directory / f"state-{text.upper()}.img", size)
    path = Path(text)
    if not path.exists():
        raise MachineError(f"the disk {text} does not exist: name an existing image, or a size such as 4G")
    with path.open("rb") as file:
        format_ = "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
    return Disk(path, format=format_)


def parse_forward(text: str) -> Forward:
    """The --publish argument HOST:GUEST, ADDRESS:HOST:GUEST, either with /udp."""
    match = re.fullmatch(r"(?:(\d+\.\d+\.\d+\.\d+):)?(\d+):(\d+)(?:/(tcp|udp))?", text)
    if not match or not all(0 < int(port) < 65536 for port in (match[2], match[3])):
        raise MachineError(f"{text} is not a port to publish: write HOST:GUEST, such as 8080:80")
    return Forward(int(match[2]), int(match[3]), match[1] or "127.0.0.1", match[4] or "tcp")


def make_overlay(base: Path, overlay: Path) -> Disk:
    """A disk that starts as `base` and never writes to it."""
    overlay.unlink(missing_ok=True)
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(base.resolve()), str(overlay)], check=True
    )
    return Disk(overlay, format="qcow2")
