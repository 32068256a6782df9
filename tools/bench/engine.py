"""The engine beside docker and podman, its runtime beside crun and runc: one machine with a Debian userland, one run, the same image."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from vm.config import REPO, Disk, MachineConfig, make_overlay
from vm.errors import MachineError
from vm.machine import Machine

from . import engine_table
from .big_image import registry_storage
from .busybox import busybox_tar, make_archive
from .initramfs import pack_initramfs

HERE = Path(__file__).parent
MEMORY = 6144  # MiB: a hundred containers of docker and of podman with their helpers, and the registry in the page cache
SILENCE = 1500  # seconds without a word of the machine, after which it is given up
PEER_SECONDS = 150  # of a measure with many containers, for each peer: what it gets done in them is told with its figure
DOCUMENT = REPO / "docs/PERFORMANCE.md"
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /dev /root
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox mount -t erofs -o ro /dev/vdb /root/bench
/bin/busybox mount -t ext4 -o ro /dev/vdc /root/registry
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


def tree_disk(tree: Path, disk: Path, spare: int) -> Disk:
    """An ext4 file system with the tree in it, and `spare` bytes more."""
    used = sum(path.stat().st_size + 4096 for path in tree.rglob("*"))
    with disk.open("wb") as file:
        file.truncate(used + spare)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, disk], check=True)
    return Disk(disk)


def bench_disk(folder: Path, settings: dict) -> Disk:
    """What the machine finds in /bench: the programs of guest/, ours, and the image. An EROFS, from which our program runs on
    our own machine too: there it may not need to be protected from its containers, nor started twice for it."""
    tree = folder / "bench"
    shutil.copytree(HERE / "guest", tree, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "init").chmod(0o755)
    (tree / "settings.json").write_text(json.dumps(settings))
    shutil.copy(make_archive(folder), tree / "busybox.tar")
    (tree / "layer.tar").write_bytes(busybox_tar())
    subprocess.run(["strip", "--strip-all", "-o", tree / "diatom", REPO / "build/release/diatom"], check=True)
    subprocess.run(["g++-14", "-std=c++23", "-Os", "-static", "-s", "-o", tree / "floor", HERE / "floor.cpp"], check=True)
    disk = folder / "bench.erofs"
    subprocess.run(["mkfs.erofs", "--quiet", disk, tree], check=True)
    return Disk(disk)


def read_measures(machine: Machine) -> dict:
    """Until the machine says that it is through; each measure as soon as it is there, and what there is if it falls silent."""
    results: dict = {}
    try:
        while "bench-end" not in (line := machine.wait_for_line("bench: |bench-measure |bench-end", SILENCE)):
            print(line, flush=True)
            if "bench-measure " in line:
                results |= json.loads(line[line.index("{") :])
    except MachineError as error:
        print(f"bench: the machine was given up: {error}", flush=True)
    if len(results) < 2:
        raise MachineError(f"the comparison failed in the machine:\n{machine.log[-3000:]}")
    return results


def described(settings: dict, versions: dict[str, str], minutes: float) -> str:
    """What the figures were taken with."""
    peers = ", ".join(f"{name} {version}" for name, version in versions.items() if name != engine_table.OURS)
    return (
        f"Taken on {time.strftime('%Y-%m-%d')} in {minutes:.0f} minutes: one machine of two emulated processors and {MEMORY} MiB, medians of "
        f"{settings['rounds']} rounds, beside {peers}. Peers have {PEER_SECONDS} s for what is done hundreds of times.\n\n"
    )


def measure(arguments) -> dict:
    settings = {"rounds": arguments.rounds, "scale": arguments.scale, "only": arguments.only, "peer_seconds": PEER_SECONDS}
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        storage = registry_storage(max(10, round(1000 * arguments.scale)))
        disks = [make_overlay(debian_root(), folder / "root.qcow2"), bench_disk(folder, settings), tree_disk(storage, folder / "registry.ext4", 64 << 20)]
        config = MachineConfig(directory=folder, memory=MEMORY, api=False, network=False, initramfs=start_initramfs(folder), disks=disks)
        with Machine(config) as machine:
            machine.start()
            results = read_measures(machine)
    versions = results.pop("versions", {})
    compared = engine_table.compare(results)
    table = engine_table.markdown(compared)
    if arguments.scale == 1 and not arguments.only:
        engine_table.write_into(DOCUMENT, described(settings, versions, (time.monotonic() - begin) / 60) + table)
    print(table)
    return {**settings, "versions": versions, "measures": results, "compared": compared}
