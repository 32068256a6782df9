"""What the tests of the image share: the release in build/image, made by `./dev image`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tools"), str(REPO / "image")]


@pytest.fixture(scope="session")
def release() -> Path:
    folder = Path(os.environ.get("DIATOM_IMAGE", REPO / "build/image"))
    if not (folder / "manifest.json").exists():
        pytest.fail("build/image holds no release: run ./dev image first")
    return folder
