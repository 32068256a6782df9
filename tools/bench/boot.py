"""From power-on to a usable machine, beside this same kernel with an init that does nothing but print."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from vm.config import REPO, Disk, MachineConfig, make_overlay
from vm.errors import MachineError
from vm.machine import Machine

from .busybox import ARCHIVE_NAME, make_archive
from .initramfs import pack_initramfs
from .phases import phases_of

BOOT_SECONDS = 300
MEMORY = 512  # MiB, of every machine here
PRINTED = "container-has-printed"


def _config(folder: Path, **options) -> MachineConfig:
    return MachineConfig(directory=folder, memory=MEMORY, **options)


def fresh_config(folder: Path, memory: int) -> MachineConfig:
    """A machine with an empty disk and a shell on its console."""
    return MachineConfig(
        directory=folder, memory=memory, disks=[Disk(folder / "state.img", 1 << 30)],
        kernel_args=["diatom.state.autoformat=/dev/vda", "diatom.autologin"],
    )  # fmt: skip


def bare_initramfs(folder: Path) -> Path:
    """A static init that prints one line, alone in an initramfs."""
    root = folder / "bare"
    (root / "proc").mkdir(parents=True)
    subprocess.run(["g++-14", "-std=c++23", "-Os", "-static", "-s", "-o", root / "init", REPO / "tools/bench/bare_init.cpp"], check=True)
    return pack_initramfs(root)


def bare_boot(folder: Path, initramfs: Path) -> float:
    machine = Machine(_config(folder, initramfs=initramfs, api=False))
    with machine:
        machine.start()
        machine.wait_for_line("bare: init reached", BOOT_SECONDS)
        return time.monotonic() - machine.started_at


def prepared_disk(folder: Path) -> Path:
    """A state partition with an image and a container that prints at every boot."""
    archive = make_archive(folder)
    disk = Disk(folder / "prepared.img", 1 << 30)
    machine = Machine(_config(folder, disks=[disk], kernel_args=["diatom.state.autoformat=/dev/vda"]))
    with machine:
        machine.start()
        api = machine.wait_api(BOOT_SECONDS)
        for arguments in (
            ["load", "-i", str(archive)],
            ["run", "-d", "--name", "printer", "--restart", "always", "--privileged", "-v", "/dev/ttyS0:/line", ARCHIVE_NAME,
             "sh", "-c", f"echo {PRINTED} > /line; sleep 1000000"],
        ):  # fmt: skip
            api.docker(*arguments, check=True)
        machine.powerdown(120)
    return disk.path


def diatom_boot(folder: Path, disk: Path) -> tuple[float, float]:
    """Seconds to the API's first answer, and to the container's line."""
    machine = Machine(_config(folder, disks=[make_overlay(disk, folder / "overlay.qcow2")]))
    printed: list[float] = []

    def await_line() -> None:
        machine.wait_for_line(PRINTED, BOOT_SECONDS)
        printed.append(time.monotonic())

    with machine:
        machine.start()
        line = threading.Thread(target=await_line)
        line.start()
        machine.wait_api(BOOT_SECONDS)
        answered = time.monotonic()
        line.join()
        if not printed:
            raise MachineError("the container printed nothing")
        return answered - machine.started_at, printed[0] - machine.started_at


def configuration(folder: Path, disk: Path) -> float:
    """Milliseconds that a boot waits for the configuration of a machine that nobody describes, as it says itself."""
    overlay = [make_overlay(disk, folder / "described.qcow2")]
    with Machine(_config(folder, disks=overlay, kernel_args=["diatom.autologin"])) as machine:
        machine.start()
        machine.wait_api(BOOT_SECONDS)
        [phase] = [phase for phase in phases_of(machine) if phase.name == "configuration"]
        machine.powerdown(120)
    return phase.end - phase.begin


def measure(arguments) -> dict:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        initramfs = bare_initramfs(folder)
        disk = prepared_disk(folder)
        bare, api, container, configured = [], [], [], []
        for _ in range(arguments.boots):  # interleaved: a busy spell of this machine hits both
            bare.append(bare_boot(folder, initramfs))
            answered, printed = diatom_boot(folder, disk)
            api.append(answered)
            container.append(printed)
            configured.append(configuration(folder, disk))
    medians = {key: statistics.median(values) for key, values in (("bare", bare), ("api", api), ("container", container))}
    return {
        "boots": arguments.boots,
        "seconds": {key: [round(value, 2) for value in values] for key, values in (("bare", bare), ("api", api), ("container", container))},
        "median_seconds": {key: round(value, 2) for key, value in medians.items()},
        "api_to_bare": round(medians["api"] / medians["bare"], 2),
        "container_to_bare": round(medians["container"] / medians["bare"], 2),
        "configuration_ms": {"boots": [round(value, 1) for value in configured], "median": round(statistics.median(configured), 1)},
        "aim": {"api_to_bare": 1.5, "container_to_bare": 1.6, "configuration_ms": 50},
    }
