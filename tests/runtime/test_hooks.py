"""Hooks: when, where, in which order, with what on their standard input, and what their failure does."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

STAGES = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def hook(script: str, **more) -> dict:
    return {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"], **more}


def lines(path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.differs("runc")  # 1.1 runs poststart hooks with create
def test_order_and_state(runtime, bundle):
    log = bundle.path / "log"
    log.touch(mode=0o666)
    bundle.config["annotations"] = {"org.example.key": "value"}
    # The container's root is a directory of the host's, so what startContainer writes there is seen here.
    bundle.config["mounts"].append({"destination": "/log", "type": "bind", "source": str(log), "options": ["bind"]})
    bundle.config["hooks"] = {stage: [hook(f"echo {stage} $(cat) >> {log}"), hook(f"echo {stage}2 >> {log}")] for stage in STAGES if stage != "startContainer"}
    bundle.config["hooks"]["startContainer"] = [hook("echo startContainer $(cat) >> /log"), hook("echo startContainer2 >> /log")]
    identity = runtime.create(bundle.shell("exec sleep 1000"))
    assert [line.split()[0] for line in lines(log)] == ["prestart", "prestart2", "createRuntime", "createRuntime2", "createContainer", "createContainer2"]
    runtime.call("start", identity)
    pid = runtime.state(identity)["pid"]
    runtime.call("kill", identity, "KILL")
    runtime.wait_status(identity, "stopped")
    runtime.call("delete", identity)

    written = lines(log)
    assert [line.split()[0] for line in written] == [name + number for name in STAGES for number in ("", "2")]
    states = {line.split()[0]: json.loads(line.split(None, 1)[1]) for line in written if " " in line}
    for stage, state in states.items():
        assert state["id"] == identity, stage
        assert state["bundle"] == str(bundle.path), stage
        assert state["annotations"]["org.example.key"] == "value", stage
    assert states["prestart"]["pid"] == states["createRuntime"]["pid"] == states["poststart"]["pid"] == pid
    assert states["poststart"]["status"] == "running"
    assert states["poststop"]["status"] == "stopped"


@pytest.mark.ours  # crun and runc differ here from each other
def test_statuses(runtime, bundle):
    log = bundle.path / "log"
    bundle.config["hooks"] = {stage: [hook(f"cat >> {log}; echo >> {log}")] for stage in ("prestart", "createRuntime", "createContainer")}
    bundle.config["hooks"]["startContainer"] = [hook("cat > /tmp/state")]
    runtime.start(bundle.shell("exec sleep 1000"))
    states = [json.loads(line) for line in lines(log)]
    assert [state["status"] for state in states] == ["creating"] * 3
    assert states[2]["pid"] == 1, "as seen by the container"
    state = json.loads((bundle.root / "tmp/state").read_text())
    assert (state["status"], state["pid"]) == ("created", 1)


def test_namespaces_and_roots(runtime, bundle):
    seen = bundle.path / "seen"
    seen.touch()
    bundle.config["mounts"].append({"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"})
    bundle.config["hooks"] = {
        "createRuntime": [hook(f"echo $(readlink /proc/self/ns/uts) >> {seen}")],
        "createContainer": [hook(f"echo $(readlink /proc/self/ns/uts) >> {seen}")],
        "startContainer": [hook("readlink /proc/self/ns/uts > /tmp/uts")],
    }
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    pid = runtime.state(identity)["pid"]
    outside, inside = os.readlink("/proc/self/ns/uts"), os.readlink(f"/proc/{pid}/ns/uts")
    assert lines(seen) == [outside, inside]
    assert lines(bundle.root / "tmp/uts") == [inside]


@pytest.mark.parametrize("stage", ["prestart", "createRuntime", "createContainer"])
def test_a_failed_hook_fails_the_creation(runtime, bundle, stage):
    bundle.config["hooks"] = {stage: [hook("echo because >&2; exit 3")]}
    identity = runtime.fresh_id()
    done = runtime.call("create", "--bundle", bundle.shell("touch /tmp/ran").write().path, identity, check=False)
    assert done.returncode != 0
    if runtime.is_ours:
        assert f"{stage} hook: /bin/sh ended with status 3: because" in done.stderr
    assert runtime.call("state", identity, check=False).returncode != 0
    assert not (bundle.root / "tmp/ran").exists()


@pytest.mark.differs("runc")  # its start does not wait for the hook
def test_a_failed_start_hook_fails_the_start(runtime, bundle):
    bundle.config["hooks"] = {"startContainer": [hook("exit 3")]}
    identity = runtime.create(bundle.shell("touch /tmp/ran"))
    assert runtime.call("start", identity, check=False).returncode != 0
    runtime.wait_status(identity, "stopped")
    assert not (bundle.root / "tmp/ran").exists()


@pytest.mark.differs("runc")  # 1.1 stops at the first that fails
def test_a_failed_poststop_hook_is_a_warning(runtime, bundle):
    log = bundle.path / "log"
    bundle.config["hooks"] = {"poststop": [hook("exit 3"), hook(f"echo second > {log}")]}
    identity = runtime.start(bundle.shell("exit 0"))
    runtime.wait_status(identity, "stopped")
    runtime.call("delete", identity)
    assert lines(log) == ["second"]


@pytest.mark.differs("runc")  # it ends the container, as specification 1.3 has it
@pytest.mark.differs("crun")  # it stops at the first that fails
def test_a_failed_poststart_hook_is_a_warning(runtime, bundle):
    log = bundle.path / "log"
    bundle.config["hooks"] = {"poststart": [hook("exit 3"), hook(f"echo second > {log}")]}
    identity = runtime.create(bundle.shell("exec sleep 1000"))
    started = runtime.call("start", identity)
    assert "poststart hook: /bin/sh ended with status 3" in started.stderr
    assert lines(log) == ["second"]
    assert runtime.state(identity)["status"] == "running"


@pytest.mark.ours  # as above
def test_a_failed_poststart_hook_does_not_end_run(runtime, bundle):
    bundle.config["hooks"] = {"poststart": [hook("exit 3")]}
    done = runtime.run(bundle.shell("read line; exit 7"), check=False, stdin=subprocess.PIPE)
    assert done.returncode == 7
    assert "poststart hook: /bin/sh ended with status 3" in done.stderr


def test_a_hook_that_takes_too_long(runtime, bundle):
    bundle.config["hooks"] = {"createRuntime": [hook("exec sleep 1000", timeout=1)]}
    assert runtime.call("create", "--bundle", bundle.write().path, runtime.fresh_id(), check=False).returncode != 0


@pytest.mark.ours
def test_hooks_that_cannot_be(runtime, bundle):
    for bad, words in ((hook("true", timeout=0), "hooks.prestart[0].timeout must be greater than 0"), ({"path": "sh"}, "must be absolute")):
        bundle.config["hooks"] = {"prestart": [bad]}
        done = runtime.call("create", "--bundle", bundle.write().path, runtime.fresh_id(), check=False)
        assert done.returncode == 1
        assert words in done.stderr
