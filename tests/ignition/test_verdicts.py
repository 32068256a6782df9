"""Ignition's own judgement of the corpus that src/ignition/ignition_test.cpp holds our reader to, and that of
`diatom config validate`, which also says what this machine would not do.

accepted, refused: both agree. stricter: ours alone refuses, on purpose. newer: of versions that Debian's
ignition-validate does not know; one built from Ignition's source does (tools/dev/ignition.sh).
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
BUILD = HERE.parents[1] / "build"
DIATOM = os.environ.get("DIATOM", str(BUILD / "asan/diatom"))
TREE = os.environ.get("IGNITION_TREE", str(BUILD / "asan/ignition_tree"))
DEBIAN = os.environ.get("IGNITION_VALIDATE") or shutil.which("ignition-validate")
NEWER = str(BUILD / "ignition-validate")
DIFFERENCES = yaml.safe_load((HERE / "differences.yml").read_text())
MEANT = {name: entry["why"] for entry in DIFFERENCES for name in entry["documents"]}

pytestmark = pytest.mark.skipif(DEBIAN is None, reason="ignition-validate is not installed: Debian's package ignition")


def documents(*folders: str) -> list:
    found = [path for folder in folders for path in sorted((CORPUS / folder).iterdir())]
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in found]


def run(*command: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_corpus_is_large() -> None:
    assert len(documents("accepted", "refused")) >= 140


@pytest.mark.parametrize("path", documents("accepted", "stricter"))
def test_accepts(path: Path) -> None:
    verdict = run(DEBIAN, path)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.parametrize("path", documents("refused"))
def test_refuses(path: Path) -> None:
    assert run(DEBIAN, path).returncode != 0


@pytest.mark.parametrize("path", documents("newer"))
def test_does_not_know(path: Path) -> None:
    """When Debian's knows these versions, they belong to `accepted`."""
    assert run(DEBIAN, path).returncode != 0


@pytest.mark.parametrize("path", documents("accepted", "refused", "newer"))
def test_newer_agrees(path: Path) -> None:
    verdict = run(NEWER, path)
    refused = path.parent.name == "refused"
    assert (verdict.returncode != 0) == refused, verdict.stdout + verdict.stderr


@pytest.mark.parametrize("path", documents("accepted", "refused", "newer", "stricter"))
def test_ours_agrees(path: Path) -> None:
    ours = run(DIATOM, "config", "validate", path)
    said = ours.stdout + ours.stderr
    # What is no document at all has a code of its own.
    assert ours.returncode in (0, 1, 2), said
    name = f"{path.parent.name}/{path.stem}"
    accepted = path.parent.name != "refused"
    if name in MEANT:
        assert (ours.returncode == 0) != accepted, f"listed in differences.yml, and no difference any more: {said}"
    else:
        assert (ours.returncode == 0) == accepted, said


def test_listed_documents_are_there() -> None:
    assert MEANT.keys() <= {f"{path.parent.name}/{path.stem}" for path in CORPUS.glob("*/*.ign")}


@pytest.mark.parametrize("path", sorted((HERE / "butane/accepted").iterdir()), ids=lambda path: path.stem)
def test_butane_becomes_ignition(path: Path, tmp_path: Path) -> None:
    """There is no Butane in Debian: its rules are ours to know, but what it becomes is Ignition's to judge."""
    made = run(TREE, "--butane", path)
    assert made.returncode == 0, made.stdout + made.stderr
    document = tmp_path / "made.ign"
    document.write_text(made.stdout)
    verdict = run(NEWER, document)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr + made.stdout


@pytest.mark.parametrize("path", sorted((HERE / "butane/refused").iterdir()), ids=lambda path: path.stem)
def test_butane_is_refused(path: Path) -> None:
    made = run(TREE, "--butane", path)
    assert made.returncode == 1, made.stdout
    assert f"{path.name}:" in made.stdout
