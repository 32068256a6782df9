"""Which accelerator works here. /dev/kvm may exist and still not run a guest (nested, restricted): only a boot tells."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from .config import REPO

ANSWER = REPO / "build/run/accelerator.json"
PROBE_SECONDS = 10


def accelerator(kernel: Path) -> str:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    host = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    try:
        known = json.loads(ANSWER.read_text())
        if known["host"] == host:
            return known["accelerator"]
    except (OSError, ValueError, KeyError):
        pass
    answer = "kvm" if _boots_with_kvm(kernel) else "tcg"
    ANSWER.parent.mkdir(parents=True, exist_ok=True)
    ANSWER.write_text(json.dumps({"host": host, "accelerator": answer}) + "\n")
    return answer


def _boots_with_kvm(kernel: Path) -> bool:
    """A kernel without a root panics and, with panic=-1 and -no-reboot, ends QEMU: then its log is complete."""
    argv = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35",
        "-accel", "kvm", "-cpu", "host", "-m", "256", "-serial", "stdio", "-kernel", str(kernel),
        "-append", "console=ttyS0 panic=-1",
    ]  # fmt: skip
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and b"Kernel panic" in done.stdout
