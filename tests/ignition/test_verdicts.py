"""Debian's ignition-validate on the corpus that src/ignition/ignition_test.cpp holds our own reader to.

accepted, refused: both agree. stricter: ours alone refuses, on purpose. newer: of versions that Debian's does not know.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ORACLE = os.environ.get("IGNITION_VALIDATE") or shutil.which("ignition-validate")
CORPUS = Path(__file__).parent / "corpus"

pytestmark = pytest.mark.skipif(ORACLE is None, reason="ignition-validate is not installed: Debian's package ignition")


def documents(*folders: str) -> list:
    found = [path for folder in folders for path in sorted((CORPUS / folder).iterdir())]
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in found]


def accepted(path: Path) -> subprocess.CompletedProcess:
    return subprocess.run([ORACLE, str(path)], capture_output=True, text=True, timeout=60)


def test_corpus_is_large() -> None:
    assert len(documents("accepted", "refused")) >= 40


@pytest.mark.parametrize("path", documents("accepted", "stricter"))
def test_accepts(path: Path) -> None:
    verdict = accepted(path)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.parametrize("path", documents("refused"))
def test_refuses(path: Path) -> None:
    assert accepted(path).returncode != 0


@pytest.mark.parametrize("path", documents("newer"))
def test_does_not_know(path: Path) -> None:
    """When Debian's knows these versions, they belong to `accepted`."""
    assert accepted(path).returncode != 0
