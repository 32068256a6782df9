"""What cgroups of version 2 do for containers. Runs inside the machine (tests/vm/test_runtime.py)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from harness import Bundle, Runtime, wait_until

pytestmark = pytest.mark.cgroups
MOUNT = Path("/sys/fs/cgroup")
SLEEP = "exec sleep 1000"


@pytest.fixture
def group(bundle: Bundle, runtime: Runtime):
    """The container's cgroup; this process has moved out of the way of its parents."""
    name = f"suite-{runtime.name}-{os.getpid()}"
    bundle.linux["cgroupsPath"] = f"/{name}/box"
    yield MOUNT / name / "box"
    runtime.clean()
    # crun leaves its own behind when it refuses a container.
    for left in (MOUNT / name / "box", MOUNT / name):
        if left.exists():
            left.rmdir()


def read(group: Path, file: str) -> str:
    return (group / file).read_text().strip()


def test_limits(runtime, bundle, group):
    bundle.linux["resources"] = {
        "memory": {"limit": 64 << 20, "reservation": 16 << 20, "swap": 96 << 20},
        "cpu": {"quota": 50000, "period": 100000, "cpus": "0"},
        "pids": {"limit": 17},
        "unified": {"memory.high": str(48 << 20)},
    }
    identity = runtime.start(bundle.shell(SLEEP))
    pid = runtime.state(identity)["pid"]
    assert str(pid) in read(group, "cgroup.procs").split()
    assert read(group, "memory.max") == str(64 << 20)
    assert read(group, "memory.low") == str(16 << 20)
    assert read(group, "memory.high") == str(48 << 20)
    if (group / "memory.swap.max").exists():
        assert read(group, "memory.swap.max") == str(32 << 20)
    assert read(group, "cpu.max") == "50000 100000"
    assert read(group, "cpuset.cpus") == "0"
    assert read(group, "pids.max") == "17"
    runtime.call("delete", "--force", identity)
    assert not group.exists()


def test_a_file_that_is_none_is_refused(runtime, bundle, group):
    bundle.linux["resources"] = {"unified": {"memory.soup": "1"}}
    assert runtime.call("create", "--bundle", bundle.write().path, runtime.fresh_id(), check=False).returncode != 0
    bundle.linux["resources"] = {"unified": {"../escape": "1"}}
    assert runtime.call("create", "--bundle", bundle.write().path, runtime.fresh_id(), check=False).returncode != 0


def test_device_rules(runtime, bundle, group):
    bundle.process["capabilities"]["bounding"].append("CAP_MKNOD")
    bundle.process["capabilities"]["effective"].append("CAP_MKNOD")
    bundle.process["capabilities"]["permitted"].append("CAP_MKNOD")
    bundle.linux["resources"] = {"devices": [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "m"}]}
    script = "cat /dev/null && echo null; mknod /tmp/fuse c 10 229 && echo made; cat /tmp/fuse 2>&1 | grep -o 'not permitted'; mknod /tmp/kmsg c 1 11 2>&1 | grep -o 'not permitted'"
    lines = runtime.output(bundle, script).splitlines()
    if runtime.is_ours:
        assert lines[:3] == ["null", "made", "not permitted"], lines
    assert "null" in lines and "made" in lines and "not permitted" in lines


def test_pause_and_resume(runtime, bundle, group):
    identity = runtime.start(bundle.shell("while :; do echo >> /tmp/ticks; sleep 0.05; done"))
    runtime.call("pause", identity)
    assert runtime.state(identity)["status"] == "paused"
    assert read(group, "cgroup.freeze") == "1"
    ticks = (bundle.root / "tmp/ticks")
    before = ticks.stat().st_size if ticks.exists() else 0
    assert runtime.call("exec", identity, "true", check=False).returncode != 0
    assert (ticks.stat().st_size if ticks.exists() else 0) == before
    runtime.call("resume", identity)
    assert runtime.state(identity)["status"] == "running"
    wait_until(lambda: ticks.exists() and ticks.stat().st_size > before, "it to go on")
    runtime.call("pause", identity)
    runtime.call("delete", "--force", identity)
    assert not group.exists()


def test_update(runtime, bundle, group):
    bundle.linux["resources"] = {"memory": {"limit": 64 << 20}}
    identity = runtime.start(bundle.shell(SLEEP))
    runtime.call("update", "--memory", str(80 << 20), "--pids-limit", "20", identity)
    assert read(group, "memory.max") == str(80 << 20)
    assert read(group, "pids.max") == "20"
    runtime.call("update", "--cpu-quota", "30000", "--cpu-period", "100000", identity)
    assert read(group, "cpu.max") == "30000 100000"
    assert read(group, "memory.max") == str(80 << 20), "what is not named stays"
    file = bundle.path / "resources.json"
    file.write_text(json.dumps({"cpu": {"shares": 2048}, "pids": {"limit": 30}}))
    runtime.call("update", "--resources", file, identity)
    assert read(group, "pids.max") == "30"
    assert int(read(group, "cpu.weight")) > 50


@pytest.mark.ours
def test_update_of_what_cannot_be(runtime, bundle, group):
    identity = runtime.start(bundle.shell(SLEEP))
    runtime.call("update", "--cpu-quota", "30000", identity)
    runtime.call("update", "--cpu-quota", "-1", identity)
    assert read(group, "cpu.max").startswith("max ")
    for arguments, words in ((["--kernel-memory", "1"], "--kernel-memory is not supported"), ([], "nothing to change"), (["--memory", "soup"], "no such quantity")):
        done = runtime.call("update", *arguments, identity, check=False)
        assert done.returncode == 1 and words in done.stderr


def test_events_and_processes(runtime, bundle, group):
    identity = runtime.start(bundle.shell("sleep 999 & sleep 999 & wait"))
    wait_until(lambda: len(read(group, "cgroup.procs").split()) == 3, "its processes")
    pids = sorted(json.loads(runtime.call("ps", "--format", "json", identity).stdout))
    assert pids == sorted(int(pid) for pid in read(group, "cgroup.procs").split())
    if runtime.name == "crun":
        return  # it has no events
    event = json.loads(runtime.call("events", "--stats", identity).stdout)
    assert (event["type"], event["id"]) == ("stats", identity)
    assert event["data"]["pids"]["current"] == 3
    assert event["data"]["memory"]["usage"]["usage"] > 0
    assert event["data"]["cpu"]["usage"]["total"] > 0


def test_kill_all(runtime, bundle, group):
    bundle.linux["namespaces"] = [entry for entry in bundle.linux["namespaces"] if entry["type"] != "pid"]
    identity = runtime.start(bundle.shell("sleep 999 & sleep 999 & wait"))
    wait_until(lambda: len(read(group, "cgroup.procs").split()) == 3, "its processes")
    runtime.call("kill", "--all", identity, "KILL")
    wait_until(lambda: read(group, "cgroup.procs") == "", "the end of all")
    runtime.wait_status(identity, "stopped")
    runtime.call("delete", identity)
    assert not group.exists()


def test_exec_joins_the_cgroup(runtime, bundle, group, tmp_path):
    identity = runtime.start(bundle.shell(SLEEP))
    runtime.call("exec", "--detach", "--pid-file", tmp_path / "pid", identity, "sleep", "999")
    assert (tmp_path / "pid").read_text().strip() in read(group, "cgroup.procs").split()


def test_a_cgroup_namespace(runtime, bundle, group):
    bundle.linux["namespaces"].append({"type": "cgroup"})
    bundle.config["mounts"].append({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]})
    bundle.config["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "noexec", "nodev"]})
    lines = runtime.output(bundle, "cat /proc/self/cgroup; ls /sys/fs/cgroup/cgroup.procs").splitlines()
    assert lines == ["0::/", "/sys/fs/cgroup/cgroup.procs"]


@pytest.mark.ours
def test_out_of_memory_is_an_event(runtime, bundle, group):
    bundle.linux["resources"] = {"memory": {"limit": 16 << 20}, "unified": {"memory.swap.max": "0"}}
    identity = runtime.create(bundle.shell("head -c 64m /dev/zero | tail; exec sleep 1000"))
    events = subprocess.Popen(runtime.argv("events", "--interval", "1h", identity), stdout=subprocess.PIPE, text=True)
    assert json.loads(events.stdout.readline())["type"] == "stats"
    runtime.call("start", identity)
    assert json.loads(events.stdout.readline()) == {"type": "oom", "id": identity}
    runtime.call("kill", identity, "KILL")
    assert events.wait() == 0
    events.stdout.close()
