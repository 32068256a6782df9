"""Bundles, and runtimes driven by their command line: ours, and Debian's crun and runc as oracles."""

from __future__ import annotations

import copy
import ctypes
import json
import os
import shutil
import socket
import subprocess
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
SECONDS = 120  # ends what hangs
PR_SET_CHILD_SUBREAPER = 36

CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
NAMESPACES = ("pid", "network", "ipc", "uts", "mount")
MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
]


def become_subreaper() -> None:
    """Containers whose `create` has ended become ours, so that somebody reaps them."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "become a subreaper")


def reap(but: int = 0) -> None:
    """Takes what has ended, up to the child `but`, which somebody else waits for."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == but:
            return
        os.waitpid(ended.si_pid, 0)


def wait_until(condition, what: str, seconds: int = SECONDS):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


class Bundle:
    """A directory with a busybox root and a config.json that tests change."""

    def __init__(self, path: Path):
        self.path = path
        self.root = path / "rootfs"
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "root", "mnt"):
            (self.root / name).mkdir(parents=True)
        shutil.copy(BUSYBOX, self.root / "bin/busybox")
        for applet in subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split():
            if applet != "busybox":
                (self.root / "bin" / applet).symlink_to("busybox")
        (self.root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        self.config: dict = {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False,
                "user": {"uid": 0, "gid": 0},
                "args": ["true"],
                "env": ["PATH=/bin"],
                "cwd": "/",
                "capabilities": {name: list(CAPABILITIES) for name in ("bounding", "effective", "permitted")},
                "noNewPrivileges": True,
            },
            "root": {"path": "rootfs", "readonly": False},
            "hostname": "box",
            "mounts": copy.deepcopy(MOUNTS),
            "linux": {"namespaces": [{"type": name} for name in NAMESPACES]},
        }

    @property
    def process(self) -> dict:
        return self.config["process"]

    @property
    def linux(self) -> dict:
        return self.config["linux"]

    def add_namespace(self, kind: str, **more) -> None:
        self.drop_namespace(kind)
        self.linux["namespaces"].append({"type": kind, **more})

    def drop_namespace(self, kind: str) -> None:
        self.linux["namespaces"] = [entry for entry in self.linux["namespaces"] if entry["type"] != kind]

    def mount(self, destination: str, kind: str, source: str, *options: str, **more) -> None:
        self.config["mounts"].append({"destination": destination, "type": kind, "source": source, "options": list(options), **more})

    def shell(self, script: str) -> "Bundle":
        self.process["args"] = ["sh", "-c", script]
        return self

    def write(self) -> "Bundle":
        (self.path / "config.json").write_text(json.dumps(self.config))
        return self


@dataclass
class Runtime:
    name: str
    command: list[str]
    root: Path
    folder: Path  # for what they print
    ids: list[str] = field(default_factory=list)
    next_id: int = 0

    @property
    def is_ours(self) -> bool:
        return self.name == "diatom"

    def argv(self, *args: str) -> list[str]:
        return [*self.command, "--root", str(self.root), *map(str, args)]

    def call(self, *args: str, check: bool = True, shell: str = "", **options) -> subprocess.CompletedProcess[str]:
        """`shell`: what a shell does first that then becomes the runtime."""
        argv = self.argv(*args)
        if shell:
            argv = ["sh", "-c", f'{shell}; exec "$@"', "sh", *argv]
        # Files, not pipes: a container in the background keeps what it inherits open.
        options.setdefault("stdin", subprocess.DEVNULL)
        with open(self.folder / "out", "w+") as out, open(self.folder / "err", "w+") as err:
            done = subprocess.run(argv, stdout=options.pop("stdout", out), stderr=options.pop("stderr", err), timeout=SECONDS, **options)
            out.seek(0)
            err.seek(0)
            done.stdout, done.stderr = out.read(), err.read()
        if check and done.returncode != 0:
            raise AssertionError(f"{self.name} {' '.join(map(str, args))}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def fresh_id(self) -> str:
        self.next_id += 1
        # Of this process too: runc's cgroups of version 1 are the host's.
        self.ids.append(f"test-{os.getpid()}-{self.next_id}")
        return self.ids[-1]

    def create(self, bundle: Bundle, *options: str, **more) -> str:
        identity = self.fresh_id()
        self.call("create", "--bundle", bundle.write().path, *options, identity, **more)
        return identity

    def start(self, bundle: Bundle, *options: str, **more) -> str:
        identity = self.create(bundle, *options, **more)
        self.call("start", identity)
        return identity

    def run(self, bundle: Bundle, *options: str, **more) -> subprocess.CompletedProcess[str]:
        return self.call("run", "--bundle", bundle.write().path, *options, self.fresh_id(), **more)

    def output(self, bundle: Bundle, script: str) -> str:
        """Of a script whose own exit code says nothing."""
        return self.run(bundle.shell(f"{script}\n:")).stdout

    def state(self, identity: str) -> dict:
        return json.loads(self.call("state", identity).stdout)

    def wait_status(self, identity: str, status: str) -> dict:
        def reached():
            reap()
            state = self.state(identity)
            return state if state["status"] == status else None

        return wait_until(reached, f"{identity} to be {status}")

    def clean(self) -> None:
        for identity in self.ids:
            # A pid namespace ends when all in it are reaped, and those who came by exec are our children.
            deletion = subprocess.Popen(self.argv("delete", "--force", identity), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_until(lambda: reap(deletion.pid) or deletion.poll() is not None, "the deletion of " + identity)
        reap()


class ConsoleSocket:
    """What waits at --console-socket."""

    def __init__(self, path: Path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(64)
        self.listener.settimeout(SECONDS)

    def receive(self) -> int:
        while True:
            connection, _ = self.listener.accept()
            with connection:
                connection.settimeout(SECONDS)
                name, ancillary, _, _ = connection.recvmsg(256, socket.CMSG_SPACE(4))
            if name or ancillary:
                break
            # Of a creation that failed once it had connected.
        numbers = array("i")
        for _, _, data in ancillary:
            numbers.frombytes(data)
        assert len(numbers) == 1, "one terminal"
        return numbers[0]

    def close(self) -> None:
        self.listener.close()


def read_terminal(master: int) -> str:
    """Until its other side is closed everywhere."""
    data = b""
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:
            break
        if not chunk:
            break
        data += chunk
    return data.decode()
