"""The OCI runtime in a Debian userland on our kernel: its suite with cgroups of version 2, podman and containerd.

DIATOM_GUEST_PYTEST: arguments for the suite in the machine ("-k pause"); DIATOM_PROGRAM: another program than the image's.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from bench.busybox import make_archive
from bench.engine import debian_root, start_initramfs
from vm.config import REPO, Disk, MachineConfig, make_overlay
from vm.machine import Machine

HERE = Path(__file__).parent
PROGRAM = Path(os.environ.get("DIATOM_PROGRAM", REPO / "build/image/parts/diatom"))
SITE = Path("/usr/lib/python3/dist-packages")
MODULES = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging")  # what pytest is made of: all of it Python
SECONDS = 3600


def suite_disk(folder: Path) -> Path:
    """What the machine finds in /bench."""
    tree = folder / "suite"
    shutil.copytree(HERE / "runtime_guest", tree, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPO / "tools/bench/guest/init", tree / "init")
    (tree / "init").chmod(0o755)
    shutil.copytree(REPO / "tests/runtime", tree / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
    for module in MODULES:
        shutil.copytree(SITE / module, tree / "site" / module, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SITE / "py.py", tree / "site/py.py")
    shutil.copy("/bin/busybox", tree / "busybox")
    shutil.copy(make_archive(folder), tree / "busybox.tar")
    subprocess.run(["strip", "--strip-all", "-o", tree / "diatom", PROGRAM], check=True)
    settings = {"runtimes": "diatom crun runc", "pytest": shlex.split(os.environ.get("DIATOM_GUEST_PYTEST", "-m cgroups")), "engines": True}
    (tree / "settings.json").write_text(json.dumps(settings))
    disk = folder / "suite.ext4"
    with disk.open("wb") as file:
        file.truncate(96 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, disk], check=True)
    return disk


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("runtime")
    config = MachineConfig(
        directory=folder, memory=2048, api=False, network=False, initramfs=start_initramfs(folder),
        disks=[make_overlay(debian_root(), folder / "root.qcow2"), Disk(suite_disk(folder))],
    )  # fmt: skip
    with Machine(config) as machine:
        machine.start()
        line = machine.wait_for_line("runtime-result ", SECONDS)
    return json.loads(line[line.index("{") :])


def failed(results: dict[str, str], prefix: str) -> str:
    return "\n".join(f"--- {name}\n{outcome}" for name, outcome in results.items() if name.startswith(prefix) and outcome != "passed")


def test_the_run_is_whole(results):
    assert "the run itself" not in results, results["the run itself"]
    assert sum(name.startswith("suite ") for name in results) > 0


def test_the_suite_with_cgroups(results):
    assert not failed(results, "suite "), failed(results, "suite ")


def test_podman(results):
    assert any(name.startswith("podman") for name in results)
    assert not failed(results, "podman"), failed(results, "podman")


def test_containerd(results):
    assert results["containerd"] == "passed", results["containerd"]
