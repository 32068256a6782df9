#!/usr/bin/env python3
"""Checks that includes point down: a folder of src/ may include only itself and the folders below it.

The order is the one of the foreach(folder ...) in CMakeLists.txt, lowest first. The domains never include each other.
The same holds for the DEPS of each folder's diatom_library().

usage: layers.py [REPOSITORY]
"""

import re
import sys
from pathlib import Path

STANDALONE = {"boot"}  # programs of their own: they include nothing of ours
DOMAINS = {"image", "runtime", "net", "dns"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
LIBRARY = re.compile(r"diatom_library\(\s*(\w+)([^)]*)\)")


def folder_order(root: Path) -> list[str]:
    text = (root / "CMakeLists.txt").read_text()
    found = re.search(r"foreach\(folder ([^)]*)\)", text)
    if not found:
        sys.exit("layers: CMakeLists.txt has no foreach(folder ...) that gives the order of the layers")
    return found.group(1).split()


def forbidden(order: list[str], user: str, used: str) -> str | None:
    """Why `user` may not use `used`, or None."""
    if used == user:
        return None
    if user in STANDALONE:
        return f"{user} is a program of its own, without our libraries"
    if used not in order:
        return f'"{used}" is no layer'
    if user in DOMAINS and used in DOMAINS:
        return f"domains meet through the engine, not each other ({user} -> {used})"
    if order.index(used) > order.index(user):
        return f"{used} stands above {user}"
    return None


def check_source(root: Path, order: list[str], path: Path) -> list[str]:
    parts = path.relative_to(root / "src").parts
    errors = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        target, where = found.group(1), f"{path.relative_to(root)}:{number}"
        if target.startswith("tests/support/"):
            if not path.stem.endswith(("_test", "_fuzz")) and path.parent.name != "testing":
                errors.append(f"{where}: only tests include {target}")
            continue
        if not (root / "src" / target).is_file() and not (root / target).is_file():
            errors.append(f'{where}: "{target}" does not exist below src/: name it "folder/file.h"')
            continue
        if len(parts) == 1:  # main.cpp stands above all layers
            continue
        reason = forbidden(order, parts[0], target.split("/")[0])
        if reason:
            errors.append(f"{where}: may not include {target}: {reason}")
    return errors


def check_libraries(root: Path, order: list[str]) -> list[str]:
    errors = []
    for path in sorted((root / "src").glob("*/CMakeLists.txt")):
        for name, arguments in LIBRARY.findall(path.read_text()):
            for used in re.findall(r"\bdiatom_(\w+)", arguments):
                reason = forbidden(order, name, used)
                if reason:
                    errors.append(f"{path.relative_to(root)}: {name} may not depend on {used}: {reason}")
    return errors


def check(root: Path) -> list[str]:
    order = folder_order(root)
    sources = sorted(p for p in (root / "src").rglob("*") if p.suffix in {".h", ".cpp"})
    errors = [error for path in sources for error in check_source(root, order, path)]
    for folder in sorted({p.relative_to(root / "src").parts[0] for p in sources if p.parent != root / "src"}):
        if folder not in order and folder not in STANDALONE:
            errors.append(f"src/{folder}: not in the list of layers in CMakeLists.txt")
    return errors + check_libraries(root, order)


def main() -> int:
    errors = check(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
