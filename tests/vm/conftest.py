"""Fixtures: one machine with a disk for the whole run, a registry that it can reach, the docker command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from vm.config import Boot, Disk, Forward, MachineConfig  # noqa: E402
from vm.machine import Machine  # noqa: E402

import clients  # noqa: E402
import oci  # noqa: E402
from clients import TRIXIE, Suite  # noqa: E402
from playground import Playground  # noqa: E402
from registry import Registry, free_port  # noqa: E402
from terminal import Terminal  # noqa: E402

# As in a terminal: who runs the tests in the background has these ignored, and clients would inherit that.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

# Slow machines make a test slow, not red: these only end what hangs.
BOOT_SECONDS = 300
COMMAND_SECONDS = 300
PROMPT = r"root@diatom:~# "

# Of ./dev test --only sanitize: engines, runtime and commands are built with a sanitizer.
SANITIZED = "DIATOM_SANITIZED" in os.environ
SANITIZED_MEMORY = 3072  # MiB
# It must not be found in itself, for it stands on the console as the command that looks for it.
REPORT = r"==[0-9]+==(ERROR|WARNING): [A-Za-z]+Sanitizer|:[0-9]+:[0-9]+: runtime error: "


class Box(Machine):
    """A machine with what tests say to it."""

    @property
    def docker_host(self) -> str:
        return self.api.environment["DOCKER_HOST"]

    @property
    def cert_path(self) -> str:
        return self.api.environment["DOCKER_CERT_PATH"]

    def boot(self) -> "Box":
        self.start()
        self.wait_api(BOOT_SECONDS)
        return self

    def wait_console(self) -> None:
        self.expect(PROMPT, BOOT_SECONDS)

    def start_console(self) -> "Box":
        """Up to the shell on its console."""
        self.start()
        self.wait_console()
        return self

    def docker(
        self, *args: str, check: bool = True, env: dict[str, str] | None = None, binary: bool = False, suite: Suite = TRIXIE, **options
    ) -> subprocess.CompletedProcess:
        """Runs the docker command line of a suite; `binary`: its streams are bytes."""
        done = subprocess.run(
            [suite.docker, *args],
            env=os.environ | self.api.environment | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=not binary,
            timeout=COMMAND_SECONDS,
            **options,
        )
        clients.record(suite, args, done.returncode, done.stderr.decode(errors="replace") if binary else done.stderr)
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(args)}: exit code {done.returncode}\n{done.stdout}{done.stderr}\n--- machine\n{self.log[-3000:]}")
        return done


def shell(machine: Machine, command: str) -> str:
    """What a command on the machine's console prints; it must succeed."""
    code, output = machine.shell(command, timeout=120)
    assert code == 0, output
    return output


def machine_status(machine: Machine) -> dict:
    return json.loads(shell(machine, "diatom status --json"))


def assert_invariants(machine: Machine) -> None:
    """What `diatom system check` states of both engines; the machine's console must be at its prompt."""
    code, output = machine.shell("diatom system check", timeout=COMMAND_SECONDS)
    assert code == 0 and "all invariants hold" in output, f"{output}\n--- machine\n{machine.log[-3000:]}"
    assert "not checked" not in output, output


def assert_no_reports(machine: Machine) -> None:
    """Of sanitizers: what the system engine says goes to the console, what the user engine says to its log."""
    told = shell(machine, f"diatom logs | grep -E -A40 '{REPORT}' | head -200; true")
    console = re.search(rf"(?:{REPORT})[\s\S]{{0,4000}}", machine.log)
    assert not told.strip() and console is None, told or console.group()


def pytest_addoption(parser) -> None:
    parser.addoption("--long", action="store_true", help="as many cycles and power cuts as a release must stand")


@pytest.fixture(scope="session")
def make_box(tmp_path_factory):
    """Makes machines; each is ended with the session at the latest."""
    made: list[Box] = []

    def make(**options) -> Box:
        folder = tmp_path_factory.mktemp("vm")
        if "disks" not in options:
            options["disks"] = [Disk(folder / "state.img", 4 << 30)]
            options.setdefault("kernel_args", []).append("diatom.state.autoformat=/dev/vda")
        options.setdefault("kernel_args", []).append("diatom.autologin")
        options.setdefault("memory", 512)
        if SANITIZED:
            options["memory"] = max(options["memory"], SANITIZED_MEMORY)
        box = Box(MachineConfig(directory=folder, **options))
        made.append(box)
        return box

    yield make
    for box in made:
        box.kill()


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    server = Registry(tmp_path_factory.mktemp("registry"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def layouts(tmp_path_factory):
    """Image layouts by name, made from Debian packages."""
    folder = tmp_path_factory.mktemp("layouts")
    base = oci.busybox_layer().bytes()
    second = oci.Layer().directory("second").add("second/file", b"of the second layer\n").bytes()
    web = {"Cmd": ["httpd", "-f", "-h", "/www"], "ExposedPorts": {"80/tcp": {}}}
    return {
        "busybox": oci.write_layout(folder / "busybox", [base]),
        "web": oci.write_layout(folder / "web", [base, second], config=web),
        "zstd": oci.write_layout(folder / "zstd", [base, second], compression="zstd"),
        "arm64": oci.write_layout(folder / "arm64", [base], architecture="arm64"),
    }


@pytest.fixture(scope="session")
def busybox_archive(layouts, tmp_path_factory) -> Path:
    return oci.save_archive(layouts["busybox"], tmp_path_factory.mktemp("save") / "busybox.tar", "busybox:latest")


@dataclass(frozen=True)
class Published:
    host: int  # of this host
    guest: int  # of the machine


@pytest.fixture(scope="session")
def published() -> Published:
    return Published(free_port(), 8080)


@pytest.fixture(scope="session")
def machine(make_box, registry, published) -> Iterator[Box]:
    box = make_box(
        publish=[Forward(published.host, published.guest)],
        kernel_args=["diatom.registry.insecure=10.0.2.0/24"],
        memory=768,
    )
    yield box.boot()
    if SANITIZED:
        assert_no_reports(box)


@pytest.fixture(scope="module")
def suite() -> Suite:
    """Whose clients a module's tests run; those that try both override it."""
    return TRIXIE


@pytest.fixture(scope="module")
def docker(machine, suite):
    return partial(machine.docker, suite=suite)


@pytest.fixture(scope="session")
def loaded(machine, busybox_archive) -> Box:
    """The machine with the busybox image."""
    assert "Loaded image: busybox:latest" in machine.docker("load", "-i", str(busybox_archive)).stdout
    return machine


@pytest.fixture(scope="session")
def answering(loaded, tmp_path_factory) -> str:
    """An image that answers datagrams."""
    loaded.docker("load", "-i", str(oci.program(tmp_path_factory.mktemp("program"), "name_server")))
    return "name_server"


@pytest.fixture
def play(docker, loaded):
    playground = Playground(docker)
    yield playground
    playground.close()


@pytest.fixture
def project(machine, tmp_path, suite):
    from project import Project  # which needs what stands here

    made = Project(machine, tmp_path, suite)
    yield made
    made.close()


@pytest.fixture
def docker_tty(machine, suite):
    @contextmanager
    def run(*args: str, rows: int = 24, columns: int = 80):
        terminal = Terminal([suite.docker, *args], os.environ | machine.api.environment, rows, columns)
        try:
            yield terminal
        finally:
            terminal.close()
            clients.record(suite, args, terminal.process.returncode, "")

    return run


__all__ = ["Boot"]
