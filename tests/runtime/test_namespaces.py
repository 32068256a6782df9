"""Namespaces: new ones, those that are there already, the host's."""

from __future__ import annotations

import os

import pytest
from harness import Bundle


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
