"""What is done again and again leaves nothing: neither in the engine (descriptors, threads, memory) nor in the kernel
(mounts, links, control groups), whether it goes well, is refused, or is left by its client. `--long`: 200 rounds."""

from __future__ import annotations

import io
import json
import os
import tarfile
from urllib.parse import quote

from churn import Client, EngineGone
from conftest import SANITIZED, assert_invariants, shell

WARM = 3  # rounds after which the engine has what it needs
RESIDENT_KIB = 4096  # what is kept for minutes, events and execs that have ended, among it: a leak shows in a long run
COUNTS = {
    "descriptors": "ls /proc/$p/fd | wc -l",
    "threads": "ls /proc/$p/task | wc -l",
    "resident": "grep VmRSS /proc/$p/status | tr -dc 0-9; echo",
    "descriptors of PID 1": "ls /proc/1/fd | wc -l",
    "mounts": "cat /proc/$p/mountinfo /proc/1/mountinfo | wc -l",
    "links": "ls /sys/class/net | wc -l",
    "control groups": "find /sys/fs/cgroup -type d | wc -l",
}


def numbers(machine) -> dict[str, int]:
    lines = shell(machine, "p=$(pgrep -o -f 'engine --scope user'); " + "; ".join(COUNTS.values())).split()
    return dict(zip(COUNTS, map(int, lines), strict=True))


def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("copied")
        entry.size = 5
        tar.addfile(entry, io.BytesIO(b"hello"))
    return buffer.getvalue()


class Rounds:
    def __init__(self, machine, image: str) -> None:
        self.machine, self.image, self.client, self.number = machine, image, Client(machine.api), 0

    def ask(self, method: str, path: str, body=None, wanted: range = range(200, 300)) -> dict:
        status, text = self.client.call(method, path, body)
        assert status in wanted, f"{method} {path}: {status} {text[-500:]}"
        lines = text.splitlines()
        return json.loads(text) if len(lines) == 1 and text.startswith("{") else {}  # several: what a pull tells

    def leave(self, method: str, path: str, body=None) -> None:
        """Asks, and goes away without waiting for the end of the answer."""
        client = Client(self.machine.api)
        client.connection.request(method, path, body=None if body is None else json.dumps(body), headers={"Content-Type": "application/json"})
        client.connection.getresponse().read1(1)
        client.close()

    def once(self) -> None:
        self.number += 1
        net, box = f"net{self.number}", f"box{self.number}"
        self.ask("POST", "/networks/create", {"Name": net})
        check = {"Test": ["CMD", "true"], "Interval": 1_000_000_000}
        host = {"NetworkMode": net, "PortBindings": {"80/tcp": [{"HostPort": ""}]}, "Tmpfs": {"/scratch": ""}}
        command = ["sh", "-c", "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.2; done"]
        self.ask("POST", f"/containers/create?name={box}", {"Image": "busybox", "Cmd": command, "Volumes": {"/v": {}}, "Healthcheck": check, "HostConfig": host})
        path = f"/containers/{box}"
        self.ask("POST", f"{path}/start")
        self.inside(path)
        self.ask("POST", "/networks/bridge/connect", {"Container": box})
        self.ask("POST", "/networks/bridge/disconnect", {"Container": box})
        for kind in ("logs?stdout=1&follow=1", "stats?stream=1"):
            self.leave("GET", f"{path}/{kind}")
        self.leave("POST", f"{path}/attach?stream=1&stdout=1&logs=1")
        self.ask("POST", f"{path}/restart?t=0")
        self.ask("POST", f"/commit?container={box}&repo=made")
        self.ask("DELETE", f"{path}?force=1&v=1")
        self.ask("DELETE", "/images/made:latest", wanted=range(200, 201))
        self.refused(net)
        self.ask("DELETE", f"/networks/{net}")
        self.ask("POST", f"/images/create?fromImage={quote(self.image, safe='')}&tag=latest")
        self.leave("GET", f"/images/{quote(self.image, safe='')}/get")
        self.ask("DELETE", f"/images/{self.image}:latest")

    def inside(self, path: str) -> None:
        made = self.ask("POST", f"{path}/exec", {"Cmd": ["echo", "in it"], "AttachStdout": True})["Id"]
        try:
            self.ask("POST", f"/exec/{made}/start", {"Detach": False})
        finally:
            self.client.close()  # the stream took the connection
        assert self.ask("GET", f"/exec/{made}/json")["ExitCode"] == 0
        left = self.ask("POST", f"{path}/exec", {"Cmd": ["sleep", "100000"], "AttachStdout": True})["Id"]
        self.ask("POST", f"/exec/{left}/start", {"Detach": True})
        self.client.connection.request("PUT", f"{path}/archive?path=/root", body=archive())
        assert self.client.connection.getresponse().read() in (b"", b"{}")
        self.ask("GET", f"{path}/archive?path=/root/copied")
        self.ask("GET", f"{path}/archive?path=/nonesuch", wanted=range(404, 405))
        for kind in ("logs?stdout=1", "top", "changes", "stats?stream=0&one-shot=1", "json?size=1", "export"):
            self.client.call("GET", f"{path}/{kind}")

    def refused(self, net: str) -> None:
        failing = self.ask("POST", "/containers/create", {"Image": "busybox", "Cmd": ["nonesuch"], "HostConfig": {"NetworkMode": net}})["Id"]
        self.ask("POST", f"/containers/{failing}/start", wanted=range(400, 600))
        self.ask("DELETE", f"/containers/{failing}")
        self.ask("POST", "/containers/create", {"Image": "nonesuch"}, wanted=range(404, 405))
        self.ask("POST", "/images/create?fromImage=127.0.0.1:1/x&tag=latest", wanted=range(200, 600))
        try:
            self.client.call("POST", "/images/load", {"no": "archive"})
        except EngineGone:
            pass  # it may say no before it has read all


def test_nothing_grows(loaded, registry, layouts, request):
    rounds = int(os.environ.get("DIATOM_ROUNDS") or (200 if request.config.getoption("--long") else 12))
    work = Rounds(loaded, registry.push(layouts["web"], "leaks"))
    for _ in range(WARM):
        work.once()
    assert_invariants(loaded)
    before = numbers(loaded)
    for _ in range(rounds):
        work.once()
    assert_invariants(loaded)
    after = numbers(loaded)
    print(f"{rounds} rounds: before {before}, after {after}")
    # A sanitizer keeps what is freed for a while, to find who uses it.
    assert SANITIZED or after["resident"] <= before["resident"] + RESIDENT_KIB, (before, after)
    assert {**after, "resident": 0} == {**before, "resident": 0}
