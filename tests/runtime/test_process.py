"""What the program finds: user, rights, limits, environment, descriptors; and exec."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from harness import ConsoleSocket, read_terminal, wait_until


def status_field(text: str, name: str) -> str:
    return next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(name + ":"))


def test_user_and_groups(runtime, bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 1001, "additionalGids": [5, 6], "umask": 0o027}
    assert runtime.output(bundle, "id -u; id -g; id -G; umask").split() == ["1000", "1001", "1001", "5", "6", "0027"]


def test_environment_and_directory(runtime, bundle):
    bundle.process["env"] = ["PATH=/bin", "WORD=two words"]
    bundle.process["cwd"] = "/tmp"
    assert runtime.output(bundle, 'echo "$WORD"; pwd').splitlines() == ["two words", "/tmp"]


def test_a_missing_directory_is_made(runtime, bundle):
    bundle.process["cwd"] = "/made/for/it"
    assert runtime.output(bundle, "pwd; stat -c %a /made") == "/made/for/it\n755\n"


def test_capabilities(runtime, bundle):
    text = runtime.output(bundle, "cat /proc/self/status")
    given = f"{(1 << 29) | (1 << 5) | (1 << 10):016x}"
    assert [status_field(text, name) for name in ("CapPrm", "CapEff", "CapBnd")] == [given] * 3
    assert status_field(text, "CapAmb") == "0" * 16
    assert status_field(text, "NoNewPrivs") == "1"


def test_ambient_capabilities_survive_a_user(runtime, bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.process["capabilities"] = {name: ["CAP_NET_BIND_SERVICE"] for name in ("bounding", "effective", "permitted", "inheritable", "ambient")}
    text = runtime.output(bundle, "cat /proc/self/status")
    assert [status_field(text, name) for name in ("CapEff", "CapAmb")] == [f"{1 << 10:016x}"] * 2


def test_ambient_capabilities_that_are_not_inheritable_are_left_out(runtime, bundle):
    """What `runc spec` writes."""
    bundle.process["capabilities"] = {name: ["CAP_KILL"] for name in ("bounding", "effective", "permitted", "ambient")}
    text = runtime.output(bundle, "cat /proc/self/status")
    assert [status_field(text, name) for name in ("CapPrm", "CapAmb")] == [f"{1 << 5:016x}", f"{0:016x}"]


def test_no_capabilities_means_none(runtime, bundle):
    del bundle.process["capabilities"]
    bundle.process["noNewPrivileges"] = False
    text = runtime.output(bundle, "cat /proc/self/status")
    assert status_field(text, "CapEff") == "0" * 16
    assert status_field(text, "NoNewPrivs") == "0"


def test_limits_and_score(runtime, bundle):
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]
    bundle.process["oomScoreAdj"] = 321
    assert runtime.output(bundle, "ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj").split() == ["100", "200", "0", "321"]
    bundle.process["rlimits"] = [{"type": "RLIMIT_SOUP", "soft": 1, "hard": 1}]
    assert runtime.run(bundle, check=False).returncode != 0


def test_passed_descriptors(runtime, bundle):
    given, taken = bundle.path / "given", bundle.path / "taken"
    given.write_text("given\n")
    script = "cat <&3 >&4; ls /proc/self/fd | tr '\\n' ' ' >&4"
    identity = runtime.start(bundle.shell(script), "--preserve-fds", "2", shell=f"exec 3<{given} 4>{taken}")
    runtime.wait_status(identity, "stopped")
    assert taken.read_text() == "given\n0 1 2 3 4 5 ", "5 is ls's own"


@pytest.mark.ours  # runc passes on what happens to be there
def test_descriptors_that_are_not_there(runtime, bundle):
    done = runtime.run(bundle, "--preserve-fds", "2", check=False, shell="exec 3</dev/null")
    assert done.returncode != 0


def test_no_other_descriptors(runtime, bundle):
    assert runtime.output(bundle, "ls /proc/self/fd").split() == ["0", "1", "2", "3"], "3 is ls's own"


def test_exec(runtime, bundle):
    bundle.process["env"] = ["PATH=/bin", "OF=container"]
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    done = runtime.call("exec", "--cwd", "/tmp", "--env", "ADDED=yes", "--user", "7:8", identity, "sh", "-c", "pwd; id -u; id -g; echo $OF $ADDED; exit 9", check=False)
    assert done.returncode == 9, done.stderr
    assert done.stdout.split() == ["/tmp", "7", "8", "container", "yes"]
    seen = runtime.call("exec", identity, "ps", "-o", "pid,args").stdout
    assert "sleep 1000" in seen, "exec has another PID namespace"
    own = runtime.call("exec", identity, "cat", "/proc/self/status").stdout
    init = runtime.call("exec", identity, "cat", "/proc/1/status").stdout
    for name in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp"):
        assert status_field(own, name) == status_field(init, name), name


def test_exec_of_a_process_file(runtime, bundle, tmp_path):
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    file = tmp_path / "process.json"
    file.write_text(json.dumps(bundle.process | {"args": ["sh", "-c", "echo $FROM; id -u"], "env": ["PATH=/bin", "FROM=file"], "user": {"uid": 3, "gid": 4}}))
    assert runtime.call("exec", "--process", file, identity).stdout.split() == ["file", "3"]


def test_exec_in_the_background(runtime, bundle, tmp_path):
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    pid_file = tmp_path / "pid"
    runtime.call("exec", "--detach", "--pid-file", pid_file, identity, "sh", "-c", "touch /tmp/there; exec sleep 1000")
    wait_until((bundle.root / "tmp/there").exists, "the process")
    assert os.readlink(f"/proc/{pid_file.read_text()}/ns/pid") == os.readlink(f"/proc/{runtime.state(identity)['pid']}/ns/pid")


def test_exec_needs_a_container_and_a_program(runtime, bundle):
    assert runtime.call("exec", "nobody", "true", check=False).returncode != 0
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    done = runtime.call("exec", identity, "nope", check=False)
    assert done.returncode != 0
    assert "executable file" in done.stderr
    assert runtime.call("exec", identity, check=False).returncode != 0
    runtime.call("kill", identity, "KILL")
    runtime.wait_status(identity, "stopped")
    assert runtime.call("exec", identity, "true", check=False).returncode != 0


def test_a_terminal_for_who_waits_at_the_socket(runtime, bundle, console: ConsoleSocket):
    bundle.process["terminal"] = True
    bundle.process["consoleSize"] = {"height": 31, "width": 77}
    identity = runtime.create(bundle.shell("test -t 0 && stty size; tty; test -c /dev/console && echo console"), "--console-socket", console.path)
    master = console.receive()
    runtime.call("start", identity)
    lines = read_terminal(master).split("\r\n")
    assert lines[0] == "31 77"
    assert lines[1].startswith("/dev/")
    assert lines[2] == "console"
    os.close(master)


def test_a_terminal_for_exec(runtime, bundle, console: ConsoleSocket):
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    runtime.call("exec", "--tty", "--detach", "--console-socket", console.path, identity, "sh", "-c", "test -t 0 && test -t 1 && echo terminal")
    master = console.receive()
    assert read_terminal(master) == "terminal\r\n"
    os.close(master)


def test_a_terminal_needs_a_taker(runtime, bundle, console: ConsoleSocket):
    bundle.process["terminal"] = True
    identity = runtime.fresh_id()
    assert runtime.call("create", "--bundle", bundle.write().path, identity, check=False).returncode != 0


def test_run_relays_its_terminal(runtime, bundle):
    bundle.process["terminal"] = True
    bundle.shell("stty -echo; echo ready; read line; echo got $line; exit 5").write()
    master, slave = os.openpty()
    run = subprocess.Popen(runtime.argv("run", "--bundle", bundle.path, runtime.fresh_id()), stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    seen = ""
    while "ready" not in seen:
        seen += os.read(master, 100).decode()
    os.write(master, b"hello\n")
    seen += read_terminal(master)
    assert run.wait() == 5
    assert "got hello" in seen
    os.close(master)


def test_listen_fds(runtime, bundle):
    """systemd's socket activation: what is passed is counted and the program's pid is named."""
    given = bundle.path / "given"
    given.write_text("given\n")
    bundle.shell("echo $LISTEN_FDS $LISTEN_PID > /tmp/out; cat <&3 >> /tmp/out")
    identity = runtime.create(bundle, shell=f"exec 3<{given}; export LISTEN_FDS=1 LISTEN_PID=$$")
    runtime.call("start", identity)
    runtime.wait_status(identity, "stopped")
    assert (bundle.root / "tmp/out").read_text() == "1 1\ngiven\n"


@pytest.mark.differs("runc")  # Debian's 1.1 has neither
def test_priorities(runtime, bundle):
    bundle.process["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
    bundle.process["scheduler"] = {"policy": "SCHED_BATCH", "nice": 3}
    fields = runtime.output(bundle, "ionice -p $$; cat /proc/$$/stat").splitlines()
    assert fields[0] == "best-effort: prio 6"
    stat = fields[1].rsplit(")", 1)[1].split()
    assert (stat[16], stat[38]) == ("3", "3"), "nice, and SCHED_BATCH"


@pytest.mark.differs("runc")
def test_personality(runtime, bundle):
    bundle.linux["personality"] = {"domain": "LINUX32"}
    assert runtime.output(bundle, "uname -m") == "i686\n"
