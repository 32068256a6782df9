"""A machine for tests: the release, but whatever is not PID 1 runs from a program that was built with a sanitizer.

PID 1 has one thread, and starts before /proc is there, which the runtimes of the sanitizers read. They take places in the
address space that must be free: without randomization these are. Such a program is dynamic, so its libraries come along.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from .rootfs import program_names
from .run import BuildError, run

KERNEL_ARGUMENTS = "norandmaps"
RANDOMIZATION = ("kernel.randomize_va_space", "vm.mmap_rnd_bits")


def libraries(program: Path) -> dict[str, Path]:
    """By the names that the dynamic linker asks for, itself included."""
    found = {}
    for line in run("ldd", program).splitlines():
        if "not found" in line:
            raise BuildError(f"{program}: {line.strip()}")
        if match := re.match(r"\s*(?:\S+ => )?(/\S+) \(", line):
            found[Path(match[1]).name] = Path(match[1]).resolve()
    if not found:
        raise BuildError(f"{program} is static: no sanitizer is in it")
    return found


def exchange_program(tree: Path, program: Path) -> None:
    """In a tree that rootfs.stage() has made of the release."""
    binaries = tree / "usr/bin"
    (binaries / "init").unlink()
    shutil.move(binaries / "diatom", binaries / "init")
    shutil.copyfile(program, binaries / "diatom")
    if missing := [name for name in program_names(program) if not (binaries / name).exists()]:
        raise BuildError(f"{program} has names that the release lacks: {missing}")
    for name, path in libraries(program).items():
        shutil.copyfile(path, tree / "usr/lib" / name)
        (tree / "usr/lib" / name).chmod(0o755)
    (binaries / "diatom").chmod(0o755)
    settings = tree / "usr/share/diatom/sysctl.conf"
    kept = [line for line in settings.read_text().splitlines() if not line.startswith(RANDOMIZATION)]
    settings.write_text("\n".join(kept) + "\n")
