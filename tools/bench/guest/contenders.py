"""The engines: how each is started, and what belongs to it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from api import Api

READY_SECONDS = 600


@dataclass
class Contender:
    name: str
    socket: str
    commands: list[list[str]]
    engine: set[str]  # as in /proc/PID/comm: those that stay while nothing is asked
    helpers: set[str]  # those that stay beside each container
    before: Callable[[], None] = lambda: None
    api: Api = field(init=False)

    def start(self) -> None:
        self.before()
        for number, command in enumerate(self.commands):
            log = open(f"/run/{self.name}-{number}.log", "wb")
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.api = Api(self.socket)
        deadline = time.monotonic() + READY_SECONDS
        while not self.api.answers():
            if time.monotonic() > deadline:
                logs = "".join(Path(f"/run/{self.name}-{n}.log").read_text(errors="replace")[-2000:] for n in range(len(self.commands)))
                raise RuntimeError(f"{self.name} does not answer:\n{logs}")
            time.sleep(0.2)

    def memory_kib(self) -> int:
        """What its processes use by themselves, and their share of what they share (PSS)."""
        return sum(_pss_kib(process) for process in _processes(self.engine | self.helpers))

    def helper_count(self) -> int:
        return len(_processes(self.helpers))


def _processes(names: set[str]) -> list[Path]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "comm").read_text().strip() in names:
                found.append(process)
        except OSError:
            pass  # it has ended
    return found


def _pss_kib(process: Path) -> int:
    try:
        rollup = (process / "smaps_rollup").read_text()
    except OSError:
        return 0  # it has ended
    return next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)


def _docker_bridge() -> None:
    # diatom makes docker0, as it does on its own machine.
    subprocess.run("ip link add dbr0 type bridge && ip addr add 172.27.0.1/16 dev dbr0 && ip link set dbr0 up", shell=True, check=True)


def _podman_config() -> None:
    Path("/etc/containers").mkdir(parents=True, exist_ok=True)
    # No systemd here; the local registry has no certificate.
    Path("/etc/containers/containers.conf").write_text('[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    Path("/etc/containers/policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')
    Path("/etc/containers/registries.conf").write_text('[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n')


def _diatom_folders() -> None:
    os.makedirs("/run/diatom", exist_ok=True)


def contenders() -> list[Contender]:
    return [
        Contender("diatom", "/run/docker.sock", [["/bench/diatom", "engine", "--scope", "user"]], {"diatom"}, set(), _diatom_folders),
        Contender(
            "docker", "/run/dockerd.sock",
            # By itself dockerd gives its containerd fifteen seconds, which a busy host may not have.
            [
                ["containerd"],
                ["dockerd", "-H", "unix:///run/dockerd.sock", "--containerd", "/run/containerd/containerd.sock", "--bridge", "dbr0", "--data-root", "/var/lib/docker"],
            ],
            {"dockerd", "containerd"}, {"containerd-shim", "docker-proxy"}, _docker_bridge,
        ),
        Contender("podman", "/run/podman.sock", [["podman", "system", "service", "-t", "0", "unix:///run/podman.sock"]], {"podman"}, {"conmon"}, _podman_config),
    ]  # fmt: skip
