"""Bytes of the image, and memory of an idle machine."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from vm.config import REPO
from vm.machine import Machine

from .boot import fresh_config

IDLE_MEMORY = 256  # MiB of the machine
SETTLE_SECONDS = 10


def image_bytes(_arguments) -> dict:
    image = REPO / "build/image"
    return {
        "bytes": {name: (image / name).stat().st_size for name in ("diatom.efi", "vmlinuz", "initramfs", "root.erofs")},
        "limit": {"diatom.efi": 14 << 20},
        "aim": {"diatom.efi": 10 << 20},
    }


def idle_memory(_arguments) -> dict:
    """MemTotal minus MemAvailable with both engines up and no container of the user's."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        with Machine(fresh_config(Path(name), IDLE_MEMORY)) as machine:
            machine.start()
            machine.wait_api(300)
            time.sleep(SETTLE_SECONDS)
            _, text = machine.shell("cat /proc/meminfo", 120)
    fields = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines() if line.endswith("kB")}
    used = fields["MemTotal"] - fields["MemAvailable"]
    return {"machine_mib": IDLE_MEMORY, "used_mib": round(used / 1024, 1), "total_mib": round(fields["MemTotal"] / 1024, 1), "aim": {"used_mib": 48}}
