"""The integration tests of the Docker SDK for Python, which tools/dev/docker_py.sh fetches, on a machine of their own.
docker_py.list says which of their cases fail, and why: one that fails and is not there, and one that is there and passes,
fail here, races apart. Left out are the modules about swarms, plugins and builds, all of which this version refuses by name.

DIATOM_DOCKER_PY: arguments for their pytest ("-k prune"); the list is not compared then.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path

import oci
import pytest
from conftest import SANITIZED
from vm.config import REPO

LIST = Path(__file__).with_name("docker_py.list")
HERE = REPO / "build/docker-py"
MODULES = (
    "api_client", "api_container", "api_exec", "api_healthcheck", "api_image", "api_network", "api_volume", "client", "errors",
    "models_containers", "models_images", "models_networks", "models_resources", "models_volumes", "regression",
)  # fmt: skip
# What the suite pulls, by its names; the first two it wants to find.
IMAGES = {"alpine:3.10": "whole", "alpine:latest": "whole", "busybox:latest": "whole", "hello-world:latest": "hello"}
PASSWD = b"root:x:0:0:root:/root:/bin/sh\npostgres:x:70:70::/var/lib/postgresql:/bin/sh\n"
SECONDS = 3600 if SANITIZED else 900
# With limits of their own that an engine with sanitizers does not keep on an emulated machine: a request's, and how long
# a state of health is waited for. The ordinary image runs them.
HURRIED = ("api_container_test.py::RestartContainerTest::test_restart_with_low_timeout", "api_healthcheck_test.py::HealthcheckTest")


@dataclass(frozen=True)
class Outcome:
    failed: dict[str, str]  # what each case that failed said, by MODULE.CLASS.CASE
    passed: set[str]


@pytest.fixture(scope="module")
def box(make_box, registry, tmp_path_factory):
    folder = tmp_path_factory.mktemp("docker-py")
    alpines = oci.Layer().directory("var").directory("var/opt").add("etc/passwd", PASSWD)
    layouts = {
        "whole": oci.write_layout(folder / "whole", [oci.busybox_layer(oci.every_applet()).bytes(), alpines.bytes()]),
        "hello": oci.write_layout(folder / "hello", [oci.busybox_layer(["echo"]).bytes()], config={"Cmd": ["echo", "hello"]}),
    }
    for name, layout in IMAGES.items():
        registry.push(layouts[layout], f"library/{name}")
    mirror = f"diatom.registry.mirror=docker.io={registry.address}"
    machine = make_box(kernel_args=["diatom.registry.insecure=10.0.2.0/24", mirror], memory=768).boot()
    for name in ("alpine:3.10", "alpine:latest"):
        machine.docker("pull", "-q", name)
    return machine


def run_suite(box, report: Path) -> str:
    subprocess.run([REPO / "tools/dev/docker_py.sh"], check=True)
    chosen = os.environ.get("DIATOM_DOCKER_PY")
    modules = [f"tests/integration/{name}_test.py" for name in MODULES]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=15", f"--junitxml={report}", *modules]
    if SANITIZED:
        command += ["-p", "no:timeout"]  # some of its tests give an engine five seconds
        command += [f"--deselect=tests/integration/{case}" for case in HURRIED]
    done = subprocess.run(
        [*command, *shlex.split(chosen or "")],
        cwd=HERE, env=os.environ | box.api.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
    )  # fmt: skip
    return done.stdout


def read_report(report: Path) -> Outcome:
    failed, passed = {}, set()
    for case in xml.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').removeprefix('tests.integration.')}.{case.get('name')}"
        wrong = [entry for entry in case if entry.tag in ("failure", "error")]
        if wrong:
            failed[name] = wrong[0].text or ""
        elif case.find("skipped") is None:
            passed.add(name)
    return Outcome(failed, passed)


def listed() -> dict[str, str]:
    """The reasons, by the names of the cases."""
    lines = [line.split(" | ") for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    assert len({name for name, _ in lines}) == len(lines), "a case is there twice"
    return dict(lines)


def test_suite(box, tmp_path):
    said = run_suite(box, tmp_path / "report.xml")
    outcome = read_report(tmp_path / "report.xml")
    unknown = {name: text for name, text in outcome.failed.items() if name not in listed()}
    assert not unknown, "\n".join(f"--- {name}\n{text[-3000:]}" for name, text in unknown.items()) + said[-3000:]
    if "DIATOM_DOCKER_PY" not in os.environ:
        assert len(outcome.passed) > 100, said
        better = sorted(name for name, why in listed().items() if name not in outcome.failed and not why.startswith("race:"))
        assert not better, f"these pass, or are no more: take them out of {LIST.name}: {better}"
