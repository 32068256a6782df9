#!/usr/bin/env python3
"""Runs clang-tidy over the sources whose content changed since they last passed.

A pass is remembered by a key over all that can change the outcome: the source, every header of ours that it reaches,
its compile command, .clang-tidy, and the versions of the packages that bring clang or headers.

usage: tidy.py COMPILE_COMMANDS CACHE_DIRECTORY JOBS [FILE...]
"""

import hashlib
import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TIDY = "clang-tidy-19"
PACKAGES = re.compile(r"-dev(:\w+)?$|clang|llvm")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def reached(source: Path, roots: list[Path]) -> list[Path]:
    """The source and every header of ours that it includes, directly or not, whatever the preprocessor would skip."""
    seen, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in INCLUDE.findall(path.read_text(errors="replace")):
            for base in [path.parent, *roots]:
                if (base / name).is_file():
                    waiting.append((base / name).resolve())
                    break
    return sorted(seen)


def key_of(source: Path, command: str, roots: list[Path], fixed: bytes) -> str:
    digest = hashlib.sha256(fixed + command.encode())
    for path in reached(source, roots):
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def tool_state(root: Path) -> bytes:
    listed = subprocess.run(["dpkg-query", "-W"], capture_output=True, check=True, text=True).stdout.splitlines()
    packages = [line for line in listed if PACKAGES.search(line.split("\t")[0])]
    return "\n".join(packages).encode() + (root / ".clang-tidy").read_bytes()


def run_one(source: Path, build: Path) -> str:
    """What clang-tidy says, without its counts of suppressed warnings; empty when the source passes."""
    done = subprocess.run([TIDY, "-p", str(build), "--quiet", str(source)], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return done.stdout.strip() or done.stderr.strip() or f"{TIDY} ended with {done.returncode}"


def changed_sources(root: Path, database: Path, cache: Path, only: list[str]) -> tuple[list[tuple[Path, str]], int]:
    """Sources to check with their keys, and how many are known to pass."""
    fixed, roots = tool_state(root), [root / "src", root]
    wanted = {(root / name).resolve() for name in only}
    todo, passed = [], 0
    for entry in json.loads(database.read_text()):
        source = Path(entry["directory"], entry["file"]).resolve()
        ours = source.is_relative_to(root / "src") and not source.stem.endswith(("_test", "_fuzz"))
        if not ours or not source.is_file() or (wanted and source not in wanted):
            continue
        key = key_of(source, entry["command"], roots, fixed)
        if (cache / key).exists():
            passed += 1
        else:
            todo.append((source, key))
    return todo, passed


def main() -> int:
    database, cache, jobs = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    root = Path(__file__).resolve().parents[2]
    cache.mkdir(parents=True, exist_ok=True)
    todo, passed = changed_sources(root, database, cache, sys.argv[4:])
    failed = 0
    with ThreadPoolExecutor(jobs) as pool:
        results = pool.map(lambda item: run_one(item[0], database.parent), todo)
        for number, ((source, key), said) in enumerate(zip(todo, results), 1):
            if said:
                failed += 1
                print(said)
            else:
                (cache / key).touch()
            print(f"clang-tidy {number}/{len(todo)} {source.relative_to(root)}{': FAILED' if said else ''}", flush=True)
    print(f"clang-tidy: {len(todo)} checked, {passed} unchanged, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
