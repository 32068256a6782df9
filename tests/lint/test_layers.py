"""layers.py finds a seeded violation of each kind and passes a clean tree."""

from pathlib import Path

import layers
import pytest


@pytest.fixture
def tree(tmp_path: Path):
    (tmp_path / "CMakeLists.txt").write_text("foreach(folder base sys image runtime net engine)\nendforeach()\n")
    for folder in ("base", "sys", "image", "runtime", "net", "engine"):
        (tmp_path / "src" / folder).mkdir(parents=True)
        (tmp_path / "src" / folder / f"{folder}.h").write_text("#pragma once\n")

    def write(name: str, text: str):
        (tmp_path / "src" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "src" / name).write_text(text)
        return layers.check(tmp_path)

    return write


def test_downward_and_own_includes_pass(tree):
    assert tree("engine/a.cpp", '#include "engine/engine.h"\n#include "net/net.h"\n#include <sys/mount.h>\n') == []


def test_upward_include_fails(tree):
    errors = tree("base/a.cpp", '#include "base/base.h"\n\n#include "sys/sys.h"\n')
    assert errors == ["src/base/a.cpp:3: may not include sys/sys.h: sys stands above base"]


@pytest.mark.parametrize("user,used", [("net", "image"), ("runtime", "net"), ("image", "runtime"), ("runtime", "image")])
def test_domains_do_not_meet(tree, user, used):
    (error,) = tree(f"{user}/a.h", f'#include "{used}/{used}.h"\n')
    assert "domains" in error


def test_include_without_folder_fails(tree):
    (error,) = tree("base/a.cpp", '#include "base.h"\n')
    assert "does not exist" in error


def test_test_support_is_for_tests(tree, tmp_path):
    assert tree("base/a_test.cpp", '#include "tests/support/fd_leak.h"\n') == []
    assert tree("base/testing/a.h", '#include "tests/support/fd_leak.h"\n') == []
    (error,) = tree("base/a.cpp", '#include "tests/support/fd_leak.h"\n')
    assert "only tests" in error


def test_main_may_include_everything(tree):
    assert tree("main.cpp", '#include "engine/engine.h"\n') == []


def test_unknown_folder_fails(tree, tmp_path):
    (tmp_path / "src" / "utils").mkdir()
    assert tree("utils/a.h", "") == ["src/utils: not in the list of layers in CMakeLists.txt"]


def test_standalone_program_includes_nothing_of_ours(tree, tmp_path):
    (tmp_path / "src" / "boot").mkdir()
    assert tree("boot/a.cpp", "#include <unistd.h>\n") == []
    (error,) = tree("boot/a.cpp", '#include "base/base.h"\n')
    assert "program of its own" in error


def test_library_dependencies_are_checked(tree):
    assert tree("sys/CMakeLists.txt", "diatom_library(sys DEPS diatom_base dep_zstd)\n") == []
    (error,) = tree("sys/CMakeLists.txt", "diatom_library(sys DEPS\n  diatom_net)\n")
    assert "net stands above sys" in error


def test_repository_order_is_read():
    order = layers.folder_order(Path(__file__).parents[2])
    assert order.index("base") < order.index("sys") < order.index("engine") < order.index("cli")
