"""Same inputs, same bytes: the release made twice, in different folders."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPO
from diatom_image.manifest import sha256

ARTEFACTS = ["root.erofs", "initramfs", "diatom.efi", "diatom.raw", "manifest.json", "SHA256SUMS"]


def make(out: Path, program: Path) -> Path:
    command = [sys.executable, REPO / "image/build.py", "--program", program, "--out", out]
    done = subprocess.run(command, cwd=out.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def two_builds(release, tmp_path_factory):
    program = release / "parts/diatom"
    copy = tmp_path_factory.mktemp("copy") / "program"
    shutil.copy(program, copy)
    first = make(tmp_path_factory.mktemp("first") / "image", program)
    folder = tmp_path_factory.mktemp("second") / "a-longer"
    folder.mkdir()
    return first, make(folder / "path", copy)


@pytest.mark.parametrize("name", ARTEFACTS)
def test_same_bytes(two_builds, name):
    first, second = (folder / name for folder in two_builds)
    assert sha256(first) == sha256(second)


def test_sums_are_those_of_the_files(release):
    done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=release, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_package_is_the_same_when_built_again(tmp_path):
    """The recipe runs in a folder of another name and must give the bytes that the image has."""
    recipe = REPO / "image/packages"
    script = '. "$here/common.sh"; cd "$work"; . "$here/dhcpcd.sh"'
    work = tmp_path / "elsewhere"
    work.mkdir()
    environment = {"here": recipe, "work": work, "out": work / "out", "jobs": "2", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
    done = subprocess.run(
        ["bash", "-euc", script], env={key: str(value) for key, value in environment.items()}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    known = REPO / "build/image/parts/packages/dhcpcd/usr/bin/dhcpcd"
    assert sha256(work / "out/usr/bin/dhcpcd") == sha256(known)
