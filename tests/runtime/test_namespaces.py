"""Namespaces: new ones, those that are there already, the host's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from harness import Bundle, wait_until


def namespace(pid: int | str, name: str) -> str:
    return os.readlink(f"/proc/{pid}/ns/{name}")


FILES = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup", "user": "user", "time": "time"}


def test_namespaces_are_new_or_the_hosts(runtime, bundle):
    bundle.drop_namespace("ipc")
    pid = runtime.state(runtime.start(bundle.shell("exec sleep 1000")))["pid"]
    for kind in ("pid", "network", "uts", "mount"):
        assert namespace(pid, FILES[kind]) != namespace("self", FILES[kind]), kind
    assert namespace(pid, "ipc") == namespace("self", "ipc")


@pytest.mark.parametrize("kind", ["network", "ipc", "uts", "pid"])
def test_namespaces_are_joined_by_path(runtime, bundle, tmp_path, kind):
    first = runtime.state(runtime.start(bundle.shell("exec sleep 1000")))["pid"]
    other = Bundle(tmp_path / "other").shell("exec sleep 1000")
    del other.config["hostname"]
    other.add_namespace(kind, path=f"/proc/{first}/ns/{FILES[kind]}")
    second = runtime.state(runtime.start(other))["pid"]
    assert namespace(second, FILES[kind]) == namespace(first, FILES[kind])


def test_a_namespace_path_of_another_kind_is_refused(runtime, bundle):
    bundle.add_namespace("ipc", path="/proc/self/ns/net")
    assert runtime.run(bundle, check=False).returncode != 0
    bundle.add_namespace("ipc", path="/absent")
    assert runtime.run(bundle, check=False).returncode != 0


@pytest.fixture
def other_mounts(tmp_path):
    """A process with a mount namespace of its own, and a folder with a file system that is mounted there only."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    script = f"busybox mount -t tmpfs tmpfs {folder} && echo theirs > {folder}/file && echo ready && exec sleep 1000"
    holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "ready\n"
    yield holder.pid, folder
    holder.kill()
    holder.wait()


def mount_points(pid: int | str) -> list[str]:
    return [line.split()[4] for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]


def test_a_mount_namespace_is_joined_by_path(runtime, bundle, other_mounts):
    holder, folder = other_mounts
    before = mount_points("self")
    bundle.add_namespace("mount", path=f"/proc/{holder}/ns/mnt")
    bundle.mount("/theirs", "bind", str(folder), "rbind")
    identity = runtime.start(bundle.shell("cat /theirs/file > /tmp/seen; exec sleep 1000"))
    pid = runtime.state(identity)["pid"]
    seen = bundle.root / "tmp/seen"
    wait_until(lambda: seen.exists() and seen.read_text() == "theirs\n", "what is mounted there only")
    assert namespace(pid, "mnt") == namespace(holder, "mnt") != namespace("self", "mnt")
    assert all(path == "/" or path.startswith(("/proc", "/dev", "/theirs")) for path in mount_points(pid)), "its root is the container's"
    assert runtime.call("exec", identity, "cat", "/theirs/file").stdout == "theirs\n"
    assert mount_points("self") == before
    runtime.call("delete", "--force", identity)
    assert "/theirs" in mount_points(holder), "the namespace was not made by the container"


@pytest.mark.ours  # the others leave the container's root where they mounted it
@pytest.mark.parametrize("failing", ["hook", "mount"])
def test_a_joined_mount_namespace_keeps_nothing_of_what_failed(runtime, bundle, other_mounts, failing):
    holder, _ = other_mounts
    before = mount_points(holder)
    bundle.add_namespace("mount", path=f"/proc/{holder}/ns/mnt")
    if failing == "hook":
        bundle.config["hooks"] = {"createContainer": [{"path": "/bin/false"}]}
    else:
        bundle.mount("/x", "tmpfs", "tmpfs", "colour=blue")
    assert runtime.call("create", "--bundle", bundle.write().path, runtime.fresh_id(), check=False).returncode == 1
    assert mount_points(holder) == before


@pytest.mark.ours  # the others would change the root of everything
def test_the_runtimes_own_mount_namespace_is_refused(runtime, bundle):
    bundle.add_namespace("mount", path="/proc/self/ns/mnt")
    done = runtime.call("create", "--bundle", bundle.write().path, runtime.fresh_id(), check=False)
    assert done.returncode == 1
    assert "the runtime's own mount namespace" in done.stderr


def test_a_new_user_namespace_cannot_mount_in_a_mount_namespace_that_is_there(runtime, bundle, other_mounts):
    holder, _ = other_mounts
    bundle.add_namespace("mount", path=f"/proc/{holder}/ns/mnt")
    bundle.add_namespace("user")
    bundle.linux["uidMappings"] = bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    done = runtime.run(bundle, check=False)
    assert done.returncode != 0
    if runtime.is_ours:
        assert "a new user namespace cannot use a mount namespace" in done.stderr


@pytest.mark.differs("runc")  # Debian's 1.1 has none
def test_time_namespace(runtime, bundle):
    bundle.add_namespace("time")
    bundle.linux["timeOffsets"] = {"boottime": {"secs": 1_000_000, "nanosecs": 5}, "monotonic": {"secs": 7}}
    before = float(open("/proc/uptime").read().split()[0])
    text = runtime.output(bundle, "cat /proc/uptime; tr -s ' ' < /proc/self/timens_offsets")
    inside = float(text.split()[0])
    assert 1_000_000 <= inside - before < 1_000_000 + 600
    assert text.split()[-6:] == ["monotonic", "7", "0", "boottime", "1000000", "5"]


@pytest.mark.ours
def test_time_offsets_need_a_namespace(runtime, bundle):
    bundle.linux["timeOffsets"] = {"boottime": {"secs": 1}}
    assert "time offsets need a new time namespace" in runtime.run(bundle, check=False).stderr
