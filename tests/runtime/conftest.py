"""Which runtimes: DIATOM_RUNTIMES="diatom crun runc" (default: all that are there); DIATOM_PROGRAM: our program;
DIATOM_RUNTIME: our program under the name that makes it the runtime."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import BUSYBOX, Bundle, ConsoleSocket, Runtime, become_subreaper  # noqa: E402
from hostile import Outside  # noqa: E402

PROGRAM = os.environ.get("DIATOM_PROGRAM", "/src/build/asan/diatom")
KNOWN = ("diatom", "crun", "runc")
READ_ONLY = "diatom-read-only"  # our program from a file system that nobody can write to, as on the machine: there it does not start itself anew


def has_cgroups() -> bool:
    """Version 2: what our runtime speaks."""
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def command_of(name: str) -> list[str]:
    ours = [os.environ["DIATOM_RUNTIME"]] if "DIATOM_RUNTIME" in os.environ else [PROGRAM, "runtime"]
    program = ours if name == "diatom" else [name]
    # runc has no such option; it uses what cgroups of version 1 the host has.
    return program if has_cgroups() or name == "runc" else [*program, "--cgroup-manager", "disabled"]


@pytest.fixture(scope="session")
def read_only_program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("read-only")
    tree, mounted = folder / "tree", folder / "mounted"
    tree.mkdir()
    mounted.mkdir()
    shutil.copy(PROGRAM, tree / "diatom")
    subprocess.run(["mkfs.erofs", "--quiet", folder / "image", tree], check=True)
    subprocess.run([BUSYBOX, "mount", "-t", "erofs", "-o", "loop,ro", folder / "image", mounted], check=True)
    yield mounted / "diatom"
    subprocess.run([BUSYBOX, "umount", mounted], check=True)


def chosen() -> list[str]:
    asked = os.environ.get("DIATOM_RUNTIMES")
    if asked:
        return asked.split()
    # crun does not work beside cgroups of both versions.
    absent = {"crun"} if Path("/sys/fs/cgroup/unified").exists() or not has_cgroups() else set()
    return [name for name in KNOWN if name == "diatom" or (name not in absent and shutil.which(name))]


def pytest_configure(config):
    config.addinivalue_line("markers", "cgroups: needs cgroups of version 2")
    config.addinivalue_line("markers", "ours: about our runtime alone")
    config.addinivalue_line("markers", "both_starts: with the program on a file system that is read-only by nature too")
    config.addinivalue_line("markers", "differs(name): where this oracle does otherwise, said beside it")
    become_subreaper()


def pytest_generate_tests(metafunc):
    if "runtime" in metafunc.fixturenames:
        names = ["diatom"] if metafunc.definition.get_closest_marker("ours") else chosen()
        others = {mark.args[0] for mark in metafunc.definition.iter_markers("differs")}
        names = [name for name in names if name not in others]
        if metafunc.definition.get_closest_marker("both_starts") and "DIATOM_RUNTIME" not in os.environ:
            names.append(READ_ONLY)
        metafunc.parametrize("runtime", names, indirect=True)


def pytest_runtest_setup(item):
    if item.get_closest_marker("cgroups") and not has_cgroups():
        pytest.skip("no cgroups of version 2 here: this runs inside the machine")


@pytest.fixture
def runtime(request, tmp_path):
    root = tmp_path / "state"
    root.mkdir()
    if request.param == READ_ONLY:
        made = Runtime("diatom", [str(request.getfixturevalue("read_only_program")), *command_of("diatom")[1:]], root, tmp_path)
    else:
        made = Runtime(request.param, command_of(request.param), root, tmp_path)
    yield made
    made.clean()


@pytest.fixture
def bundle(tmp_path) -> Bundle:
    return Bundle(tmp_path / "bundle")


@pytest.fixture
def outside(tmp_path):
    made = Outside(tmp_path / "outside")
    yield made
    made.assert_untouched()


@pytest.fixture
def console(tmp_path):
    # A path of at most 107 bytes, whatever the test's name.
    folder = Path("/tmp") / f"console-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    path = folder / "socket"
    path.unlink(missing_ok=True)
    made = ConsoleSocket(path)
    yield made
    made.close()
    shutil.rmtree(folder)
