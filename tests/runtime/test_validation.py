"""The validation programs of opencontainers/runtime-tools, which tools/dev/validation.sh builds. validation.list says which of
their cases fail with which runtime, and why: a case that fails and is not there, and one that is there and passes, fail here.

DIATOM_VALIDATION: where the programs are; DIATOM_VALIDATION_ORACLES: try crun and runc, too."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import SECONDS, reap, wait_until
from tap import failed_cases

PROGRAMS = Path(os.environ.get("DIATOM_VALIDATION", "/src/build/validation"))
LIST = Path(__file__).with_name("validation.list")
RUNTIMES = {"diatom", "crun", "runc"}
HELPERS = ("runtimetest", "rootfs-amd64.tar.gz")
# They ask for limits, or for capabilities that whoever runs this on a host need not have.
OF_THE_MACHINE = re.compile("linux_cgroups_.*|delete_.*resources|process_capabilities")
EVERY_CAPABILITY = (1 << 41) - 1

# What the list says of the others is said of them in the machine, and takes three times as long.
pytestmark = [] if "DIATOM_VALIDATION_ORACLES" in os.environ else [pytest.mark.ours]


def names() -> list:
    found = sorted(path.name for path in PROGRAMS.iterdir() if path.name not in HELPERS) if PROGRAMS.exists() else []
    return [pytest.param(name, marks=pytest.mark.cgroups if OF_THE_MACHINE.fullmatch(name) else ()) for name in found]


@dataclass
class Entry:
    program: str
    case: str
    fails: set[str]  # the runtimes with which it does
    may_fail: set[str]  # where it is a race
    why: str


def entries() -> list[Entry]:
    listed = []
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            program, case, runtimes, why = (field.strip() for field in line.split(" | "))
            words = runtimes.split()
            listed.append(Entry(program, case, {word for word in words if word[-1] != "?"}, {word[:-1] for word in words if word[-1] == "?"}, why))
    return listed


def capabilities() -> int:
    return int(re.search(r"^CapBnd:\s*(\w+)$", Path("/proc/self/status").read_text(), re.MULTILINE)[1], 16)


def test_the_programs_are_there():
    built = {param.values[0] for param in names()}
    assert built, f"no programs in {PROGRAMS}: ./dev shell tools/dev/validation.sh builds them"
    listed = entries()
    assert {entry.program for entry in listed} <= built, "the list names programs that are not there"
    assert len({(entry.program, entry.case) for entry in listed}) == len(listed), "a case is there twice"
    for entry in listed:
        assert entry.fails | entry.may_fail and entry.fails | entry.may_fail <= RUNTIMES, entry
        assert entry.why, entry


@pytest.mark.parametrize("program", names())
def test_program(runtime, program, tmp_path):
    if program == "process_capabilities" and capabilities() & EVERY_CAPABILITY != EVERY_CAPABILITY:
        pytest.skip("this host does not have every capability to give")
    wrapper = tmp_path / "runtime"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(runtime.argv())} "$@"\n')
    wrapper.chmod(0o755)
    said, complained = tmp_path / "said", tmp_path / "complained"
    environment = os.environ | {"RUNTIME": str(wrapper), "TMPDIR": str(tmp_path)}
    with said.open("wb") as out, complained.open("wb") as err:
        process = subprocess.Popen([PROGRAMS / program], cwd=PROGRAMS, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        try:
            wait_until(lambda: reap(process.pid) or process.poll() is not None, program, 5 * SECONDS)
        finally:
            process.kill()
            process.wait()
            leftover(runtime)
    failed = failed_cases(said.read_text(), process.returncode)
    about = [entry for entry in entries() if entry.program == program]
    known = {entry.case for entry in about if runtime.name in entry.fails}
    allowed = known | {entry.case for entry in about if runtime.name in entry.may_fail}
    told = f"{said.read_text()[-6000:]}\n{complained.read_text()[-2000:]}"
    assert not failed - allowed, f"{sorted(failed - allowed)}\n{told}"
    assert not known - failed, f"these pass: take them out of {LIST.name}: {sorted(known - failed)}\n{told}"


def leftover(runtime) -> None:
    """Several programs end without deleting what they made."""
    runtime.ids += runtime.call("list", "--quiet", check=False).stdout.split()
