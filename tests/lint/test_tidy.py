"""tidy.py remembers a pass exactly as long as nothing that the outcome depends on has changed."""

from pathlib import Path

import pytest
import tidy


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    src = tmp_path / "src"
    (src / "base").mkdir(parents=True)
    (src / "base/a.cpp").write_text('#include <vector>\n#include "base/a.h"\n')
    (src / "base/a.h").write_text('#  include "base/b.h"\n')
    (src / "base/b.h").write_text('#include "base/a.h"\n')  # a circle ends too
    (src / "base/other.h").write_text("\n")
    return src


def key(src: Path, command: str = "c++ a.cpp", fixed: bytes = b"") -> str:
    return tidy.key_of(src / "base/a.cpp", command, [src], fixed)


def test_reached_follows_headers_of_ours(tree):
    assert [p.name for p in tidy.reached(tree / "base/a.cpp", [tree])] == ["a.cpp", "a.h", "b.h"]


def test_key_is_stable_and_ignores_other_files(tree):
    before = key(tree)
    (tree / "base/other.h").write_text("int x;\n")
    assert key(tree) == before


@pytest.mark.parametrize("name", ["a.cpp", "a.h", "b.h"])
def test_key_changes_with_every_reached_file(tree, name):
    before = key(tree)
    path = tree / "base" / name
    path.write_text(path.read_text() + "int x;\n")
    assert key(tree) != before


def test_key_changes_with_command_and_configuration(tree):
    assert len({key(tree), key(tree, command="c++ -DX a.cpp"), key(tree, fixed=b"checks")}) == 3
