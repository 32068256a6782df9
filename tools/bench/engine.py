"""The engine beside docker and podman: one machine with a Debian userland, one run, the same image."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from vm.config import REPO, Disk, MachineConfig, make_overlay
from vm.errors import MachineError
from vm.machine import Machine

from .busybox import make_archive
from .initramfs import pack_initramfs

HERE = Path(__file__).parent
MEMORY = 2048  # MiB
SECONDS = 3600
TIMED = ("run_none", "run_bridge", "exec", "list")
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /dev /root
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount -t ext4 -o ro /dev/vdb /root/bench
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /bench/init
"""


def debian_root() -> Path:
    done = subprocess.run([HERE / "debian_root.sh"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise MachineError("the Debian userland could not be made (see above)")
    return Path(done.stdout.strip())


def start_initramfs(folder: Path) -> Path:
    """Busybox, which mounts the disks and goes over to them."""
    root = folder / "start"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    return pack_initramfs(root)


def bench_disk(folder: Path, rounds: int) -> Path:
    """What the machine finds in /bench: the programs of guest/, ours, and the image."""
    tree = folder / "bench"
    shutil.copytree(HERE / "guest", tree, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "init").chmod(0o755)
    (tree / "settings.json").write_text(json.dumps({"rounds": rounds, "listed": 100}))
    shutil.copy(make_archive(folder), tree / "busybox.tar")
    subprocess.run(["strip", "--strip-all", "-o", tree / "diatom", REPO / "build/release/diatom"], check=True)
    disk = folder / "bench.ext4"
    with disk.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, disk], check=True)
    return disk


def ratios(results: dict) -> dict:
    """How many times more a peer takes than we do."""
    medians = {name: {engine: statistics.median(values) for engine, values in results[name].items()} for name in TIMED}
    compared = {
        name: {engine: round(value / by_engine["diatom"], 2) for engine, value in by_engine.items() if engine != "diatom"}
        for name, by_engine in (medians | {key: results[key] for key in ("idle_kib", "used_kib")}).items()
        if by_engine["diatom"]
    }
    return {"median_seconds": {name: {engine: round(value, 4) for engine, value in by_engine.items()} for name, by_engine in medians.items()}, "times_ours": compared}


def measure(arguments) -> dict:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        config = MachineConfig(
            directory=folder, memory=MEMORY, api=False, network=False, initramfs=start_initramfs(folder),
            disks=[make_overlay(debian_root(), folder / "root.qcow2"), Disk(bench_disk(folder, arguments.rounds))],
        )  # fmt: skip
        with Machine(config) as machine:
            machine.start()
            line = machine.wait_for_line("bench-result ", SECONDS)
            results = json.loads(line[line.index("{") :])
            if not results:
                raise MachineError(f"the comparison failed in the machine:\n{machine.log[-3000:]}")
    return {"rounds": arguments.rounds, **results, **ratios(results)}
