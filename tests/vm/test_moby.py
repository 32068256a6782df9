"""moby's own API integration tests, which tools/dev/moby.sh builds, on a machine of their own. moby.list says which of them
fail, and why: one that fails and is not there, and one that is there and passes, fail here. Tests that start a daemon of
their own skip themselves or are left out.

DIATOM_MOBY: other packages than the default ones ("container"); the list is not compared then.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import oci
import pytest
from vm.config import REPO

LIST = Path(__file__).with_name("moby.list")
HERE = REPO / "build/moby"
PACKAGES = ("image", "network", "system", "volume")
SECONDS = 400
RESULT = re.compile(r"^ *--- (PASS|FAIL|SKIP): (\S+) \(", re.MULTILINE)
STARTS = re.compile(r"daemon\.New\(|build\.Do\(|ImageBuild\(|setupTestImage\(")
USERS = b"root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n"
GROUPS = b"root:x:0:\nwheel:x:10:\naudio:x:29:\nstaff:x:50:\n"
# What the suite calls frozen: it wants to find these.
IMAGES = {
    "busybox": ("busybox:latest", "busybox:glibc", "debian:bookworm-slim"),
    "hello": ("hello-world:frozen", "hello-world:amd64"),
    "arm": ("hello-world:arm64", "arm32v7/hello-world:latest"),
}


@pytest.fixture(scope="module")
def box(make_box, tmp_path_factory):
    folder = tmp_path_factory.mktemp("moby")
    users = oci.Layer().add("etc/passwd", USERS).add("etc/group", GROUPS)
    small = [oci.busybox_layer(["echo"]).bytes()]
    layouts = {
        "busybox": oci.write_layout(folder / "busybox", [oci.busybox_layer(oci.every_applet()).bytes(), users.bytes()]),
        "hello": oci.write_layout(folder / "hello", small, config={"Cmd": ["echo", "hello"]}),
        "arm": oci.write_layout(folder / "arm", small, architecture="arm64"),
    }
    machine = make_box(memory=1024).boot()
    for layout, (name, *others) in IMAGES.items():
        machine.docker("load", "-i", str(oci.save_archive(layouts[layout], folder / f"{layout}.tar", name)))
        for other in others:
            machine.docker("tag", name, other)
    return machine


def own_daemons(package: str) -> str:
    """A pattern for the tests that start a daemon here, or build an image: neither is to be had."""
    names = set()
    for file in (HERE / package).glob("*_test.go"):
        for body in re.split(r"^func ", file.read_text(), flags=re.MULTILINE)[1:]:
            if body.startswith("Test") and STARTS.search(body):
                names.add(body.split("(")[0])
    return f"^({'|'.join(sorted(names))})$"


def run_package(box, package: str) -> str:
    done = subprocess.run(
        [HERE / f"{package}.test", "-test.v", f"-test.timeout={SECONDS}s", "-test.skip", own_daemons(package)],
        cwd=HERE / package, env=os.environ | box.api.environment | {"DOCKER_REMOTE_DAEMON": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS + 30,
    )  # fmt: skip
    return done.stdout


def listed() -> dict[str, str]:
    """The reasons, by PACKAGE.TEST."""
    lines = [line.split(" | ") for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    assert len({name for name, _ in lines}) == len(lines), "a test is there twice"
    return dict(lines)


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    subprocess.run([REPO / "tools/dev/moby.sh"], check=True)


@pytest.mark.parametrize("package", os.environ.get("DIATOM_MOBY", " ".join(PACKAGES)).split())
def test_package(box, package):
    said = run_package(box, package)
    results = {f"{package}.{name}": result for result, name in RESULT.findall(said)}
    # Of a test and its subtests the innermost that failed.
    failed = {name for name, result in results.items() if result == "FAIL" and not any(o.startswith(f"{name}/") and r == "FAIL" for o, r in results.items())}
    known = {name for name in listed() if name.startswith(f"{package}.")}
    assert not failed - known, f"{sorted(failed - known)}\n{said[-20000:]}"
    assert "panic: " not in said, said[-5000:]
    assert sum(result == "PASS" for result in results.values()) >= 5, said
    assert not known - failed, f"these pass, or are no more: take them out of {LIST.name}: {sorted(known - failed)}"
