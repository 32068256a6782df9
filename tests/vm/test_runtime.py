"""The OCI runtime in a Debian userland on our kernel: its suite with cgroups of version 2, podman and containerd.

DIATOM_GUEST_PYTEST: arguments for the suite in the machine ("-k pause"), no engines then, and the validation programs with
crun and runc, too; DIATOM_PROGRAM: another program than the image's.
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
from bench.debian_machine import debian_machine, tree_disk
from vm.config import REPO, Disk
from vm.machine import Machine

HERE = Path(__file__).parent
PROGRAM = Path(os.environ.get("DIATOM_PROGRAM", REPO / "build/image/parts/diatom"))
SITE = Path("/usr/lib/python3/dist-packages")
MODULES = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging")  # what pytest is made of: all of it Python
SECONDS = 3600


def suite_disk(folder: Path) -> Disk:
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
    subprocess.run([REPO / "tools/dev/validation.sh"], check=True)
    shutil.copytree(REPO / "build/validation", tree / "validation")
    chosen = os.environ.get("DIATOM_GUEST_PYTEST")
    settings = {"runtimes": "diatom crun runc", "pytest": shlex.split(chosen or "-m cgroups"), "engines": chosen is None, "oracles": chosen is not None}
    (tree / "settings.json").write_text(json.dumps(settings))
    return tree_disk(tree, folder / "suite.ext4")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("runtime")
    with Machine(debian_machine(folder, 2048, {"bench": suite_disk(folder)})) as machine:
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
