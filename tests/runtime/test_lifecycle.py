"""create, start, state, kill, delete, list, and what goes wrong with them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from harness import reap, wait_until

pytestmark = pytest.mark.both_starts


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_life_of_a_container(runtime, bundle):
    bundle.shell("touch /tmp/ran; exec sleep 1000")
    identity = runtime.create(bundle)
    created = runtime.state(identity)
    assert created["status"] == "created"
    assert created["id"] == identity
    assert created["bundle"] == str(bundle.path)
    assert alive(created["pid"])
    assert not (bundle.root / "tmp/ran").exists(), "it ran before it was started"

    runtime.call("start", identity)
    running = runtime.state(identity)
    assert (running["status"], running["pid"]) == ("running", created["pid"])
    wait_until((bundle.root / "tmp/ran").exists, "the program")

    runtime.call("kill", identity, "KILL")
    assert runtime.wait_status(identity, "stopped").get("pid", 0) == 0
    runtime.call("delete", identity)
    assert runtime.call("state", identity, check=False).returncode != 0
    assert not alive(created["pid"])


def test_ids_are_unique_and_plain(runtime, bundle):
    identity = runtime.create(bundle.shell("exit 0"))
    again = runtime.call("create", "--bundle", bundle.path, identity, check=False)
    assert again.returncode != 0
    assert "exist" in again.stderr
    assert runtime.state(identity)["status"] == "created", "the second create harmed the first container"
    for bad in ("a/b", "..", "x y"):
        assert runtime.call("create", "--bundle", bundle.path, bad, check=False).returncode != 0


def test_what_does_not_exist(runtime):
    for command in ("state", "start", "delete"):
        done = runtime.call(command, "nobody", check=False)
        assert done.returncode != 0
        assert "does not exist" in done.stderr or "No such file" in done.stderr, done.stderr
    assert runtime.call("kill", "nobody", "TERM", check=False).returncode != 0
    runtime.call("delete", "--force", "nobody")


def test_start_only_what_is_created(runtime, bundle):
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    assert runtime.call("start", identity, check=False).returncode != 0
    assert runtime.state(identity)["status"] == "running"
    runtime.call("kill", identity, "KILL")
    runtime.wait_status(identity, "stopped")
    assert runtime.call("start", identity, check=False).returncode != 0


def test_a_running_container_is_not_deleted(runtime, bundle):
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    pid = runtime.state(identity)["pid"]
    assert runtime.call("delete", identity, check=False).returncode != 0
    assert alive(pid)
    runtime.call("delete", "--force", identity)
    assert runtime.call("state", identity, check=False).returncode != 0
    assert not alive(pid)


@pytest.mark.ours  # crun and runc kill it instead, against the specification
def test_a_created_container_is_not_deleted(runtime, bundle):
    identity = runtime.create(bundle)
    done = runtime.call("delete", identity, check=False)
    assert done.returncode != 0
    assert "is created" in done.stderr
    runtime.call("kill", identity, "KILL")
    runtime.wait_status(identity, "stopped")
    runtime.call("delete", identity)


def test_kill_needs_a_process(runtime, bundle):
    identity = runtime.start(bundle.shell("exit 0"))
    before = runtime.wait_status(identity, "stopped")
    assert runtime.call("kill", identity, "TERM", check=False).returncode != 0
    assert runtime.state(identity) == before


def test_signals_reach_the_program(runtime, bundle):
    bundle.shell("trap 'echo usr1 > /tmp/got; exit 0' USR1; touch /tmp/ready; while :; do sleep 0.1; done")
    identity = runtime.start(bundle)
    wait_until((bundle.root / "tmp/ready").exists, "the trap")
    runtime.call("kill", identity, "USR1")
    runtime.wait_status(identity, "stopped")
    assert (bundle.root / "tmp/got").read_text() == "usr1\n"
    assert runtime.call("kill", identity, "SOUP", check=False).returncode != 0


def test_run_gives_output_and_exit_code(runtime, bundle):
    done = runtime.run(bundle.shell("cat; echo err >&2; exit 7"), check=False, stdin=open("/etc/hostname"))
    assert done.returncode == 7
    assert done.stdout == Path("/etc/hostname").read_text()
    assert "err" in done.stderr
    assert runtime.call("list", "-q").stdout == "", "run left its container"


def test_run_in_the_background(runtime, bundle, tmp_path):
    identity = runtime.fresh_id()
    pid_file = tmp_path / "pid"
    runtime.call("run", "--detach", "--pid-file", pid_file, "--bundle", bundle.shell("exec sleep 1000").write().path, identity)
    state = runtime.state(identity)
    assert state["status"] == "running"
    assert int(pid_file.read_text()) == state["pid"]


def test_create_writes_the_pid_file(runtime, bundle, tmp_path):
    identity = runtime.create(bundle, "--pid-file", tmp_path / "pid")
    assert int((tmp_path / "pid").read_text()) == runtime.state(identity)["pid"]


def test_list(runtime, bundle):
    assert json.loads(runtime.call("list", "--format", "json").stdout or "null") in (None, [])
    one = runtime.create(bundle)
    two = runtime.start(bundle.shell("exec sleep 1000"))
    assert sorted(runtime.call("list", "--quiet").stdout.split()) == sorted([one, two])
    listed = {entry["id"]: entry for entry in json.loads(runtime.call("list", "--format", "json").stdout)}
    assert listed[one]["status"] == "created"
    assert listed[two]["status"] == "running"
    assert listed[two]["pid"] == runtime.state(two)["pid"]
    table = runtime.call("list").stdout
    assert one in table and "running" in table


def test_changes_of_the_configuration_come_too_late(runtime, bundle):
    identity = runtime.create(bundle.shell("echo first > /tmp/out"))
    bundle.shell("echo second > /tmp/out").write()
    runtime.call("start", identity)
    runtime.wait_status(identity, "stopped")
    assert (bundle.root / "tmp/out").read_text() == "first\n"


def test_a_program_that_is_not_there(runtime, bundle):
    bundle.process["args"] = ["nope"]
    identity = runtime.fresh_id()
    done = runtime.call("create", "--bundle", bundle.write().path, identity, check=False)
    assert done.returncode != 0
    assert "executable file" in done.stderr and "nope" in done.stderr
    assert runtime.call("state", identity, check=False).returncode != 0, "create left something behind"


def test_a_program_that_may_not_be_executed(runtime, bundle):
    (bundle.root / "bin/text").write_text("no program\n")
    bundle.process["args"] = ["/bin/text"]
    done = runtime.run(bundle, check=False)
    assert done.returncode != 0
    assert "ermission denied" in done.stderr


@pytest.mark.differs("runc")  # it does not create it
def test_a_bundle_without_a_process_is_created_and_not_started(runtime, bundle):
    del bundle.config["process"]
    bundle.config["hooks"] = {"startContainer": [{"path": "/bin/touch", "args": ["touch", "/tmp/hook"]}]}
    identity = runtime.create(bundle)
    assert runtime.state(identity)["status"] == "created"
    started = runtime.call("start", identity, check=False)
    assert "process" in started.stderr
    if runtime.is_ours:  # crun says so, too, and gives 0
        assert started.returncode == 1
    runtime.wait_status(identity, "stopped")
    assert not (bundle.root / "tmp/hook").exists()
    runtime.call("delete", identity)


@pytest.mark.ours
def test_other_processes_enter_a_container_without_one(runtime, bundle):
    del bundle.config["process"]
    identity = runtime.create(bundle)
    assert runtime.call("exec", identity, "/bin/echo", "inside").stdout == "inside\n"
    done = runtime.run(bundle, check=False)
    assert done.returncode == 1 and "no process to start" in done.stderr
    assert runtime.call("list", "--quiet").stdout.split() == [identity]


@pytest.mark.ours
def test_a_process_needs_a_program(runtime, bundle):
    del bundle.process["args"]
    done = runtime.call("create", "--bundle", bundle.write().path, runtime.fresh_id(), check=False)
    assert done.returncode == 1
    assert "process.args is missing" in done.stderr


def test_malformed_configurations(runtime, bundle):
    identity = runtime.fresh_id()
    (bundle.path / "config.json").write_text("{")
    assert runtime.call("create", "--bundle", bundle.path, identity, check=False).returncode != 0
    (bundle.path / "config.json").unlink()
    assert runtime.call("create", "--bundle", bundle.path, identity, check=False).returncode != 0
    bundle.config["root"]["path"] = "absent"
    assert runtime.call("create", "--bundle", bundle.write().path, identity, check=False).returncode != 0
    assert runtime.call("list", "-q").stdout == ""


def test_the_log_has_the_error(runtime, bundle, tmp_path):
    log = tmp_path / "log"
    command = [*runtime.command, "--log", str(log), "--log-format", "json", "--root", str(runtime.root), "create", "--bundle", "/absent", "x"]
    assert subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0
    entry = json.loads(log.read_text().splitlines()[-1])
    assert entry["level"] == "error" and "absent" in entry["msg"]
    assert entry["time"]


@pytest.mark.ours
def test_a_killed_create_leaves_no_process(runtime, bundle):
    script = f"cat > {bundle.path}/state; echo $$ > {bundle.path}/hook; exec sleep 1000"
    bundle.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}
    identity = runtime.fresh_id()
    create = subprocess.Popen(runtime.argv("create", "--bundle", bundle.write().path, identity))
    hook = bundle.path / "hook"
    wait_until(lambda: hook.exists() and hook.read_text().endswith("\n"), "the hook")
    pid = json.loads((bundle.path / "state").read_text())["pid"]
    assert alive(pid)
    assert runtime.state(identity)["status"] == "creating"
    create.kill()
    create.wait()
    os.kill(int(hook.read_text()), signal.SIGKILL)
    wait_until(lambda: (reap(), not alive(pid))[1], "the init to end with its create")
    assert runtime.state(identity)["status"] == "stopped"
    assert runtime.call("create", "--bundle", bundle.path, identity, check=False).returncode != 0
    runtime.call("delete", identity)


@pytest.mark.ours
def test_a_killed_start_leaves_a_created_container(runtime, bundle, monkeypatch):
    """Whoever connects and goes again has not started it."""
    identity = runtime.create(bundle.shell("exec sleep 1000"))
    monkeypatch.chdir(runtime.root / identity)  # the path would be too long for an address
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect("start.sock")
    assert runtime.state(identity)["status"] == "created"
    runtime.call("start", identity)
    assert runtime.state(identity)["status"] == "running"


@pytest.mark.ours
def test_many_states_at_once_harm_nothing(runtime, bundle):
    identity = runtime.create(bundle.shell("exec sleep 1000"))
    watchers = [subprocess.Popen(runtime.argv("state", identity), stdout=subprocess.PIPE, text=True) for _ in range(8)]
    runtime.call("start", identity)
    for watcher in watchers:
        out, _ = watcher.communicate()
        assert watcher.returncode == 0
        assert json.loads(out)["status"] in ("created", "running")


@pytest.mark.ours
@pytest.mark.parametrize("arguments, words", [
    (["--cgroup-manager", "systemd", "list"], "systemd is not supported"),
    (["--systemd-cgroup", "list"], "systemd is not supported"),
    (["--rootless", "true", "list"], "needs root"),
    (["checkpoint", "x"], "checkpoint is not supported"),
    (["creat", "x"], 'did you mean "create"?'),
    (["create", "--no-pivot", "x"], "--no-pivot is refused"),
    (["create", "--bundel", "x", "y"], "did you mean --bundle?"),
    (["exec", "--process-label", "x", "y", "true"], "--process-label is not supported"),
    (["kill"], "ID of a container is missing"),
])
def test_what_is_not_supported_is_refused_by_name(runtime, arguments, words):
    done = runtime.call(*arguments, check=False)
    assert done.returncode == 1
    assert words in done.stderr
