"""The engine beside docker and podman, its runtime beside crun and runc: one machine with a Debian userland, one run, the same image."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from vm.config import REPO, Disk
from vm.errors import MachineError
from vm.machine import Machine

from . import engine_table
from .big_image import registry_storage
from .busybox import busybox_tar, make_archive
from .debian_machine import debian_machine, tree_disk

HERE = Path(__file__).parent
MEMORY = 6144  # MiB: a hundred containers of docker and of podman with their helpers, and the registry in the page cache
SILENCE = 1500  # seconds without a word of the machine, after which it is given up
PEER_SECONDS = 150  # of a measure with many containers, for each peer: what it gets done in them is told with its figure
DOCUMENT = REPO / "docs/PERFORMANCE.md"


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
        mounts = {"bench": bench_disk(folder, settings), "registry": tree_disk(storage, folder / "registry.ext4")}
        with Machine(debian_machine(folder, MEMORY, mounts)) as machine:
            machine.start()
            results = read_measures(machine)
    versions = results.pop("versions", {})
    compared = engine_table.compare(results)
    table = engine_table.markdown(compared)
    if arguments.scale == 1 and not arguments.only:
        engine_table.write_into(DOCUMENT, described(settings, versions, (time.monotonic() - begin) / 60) + table)
    print(table)
    return {**settings, "versions": versions, "measures": results, "compared": compared}
