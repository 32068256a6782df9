"""What people do with the docker command line, by the docker command line."""

from __future__ import annotations

import json
import re
import time
import urllib.request
import uuid

import pytest

pytestmark = pytest.mark.usefixtures("loaded")


def name() -> str:
    return "t" + uuid.uuid4().hex[:10]


def test_version_and_info(docker):
    version = json.loads(docker("version", "--format", "json").stdout)
    assert version["Server"]["ApiVersion"] == "1.51"
    assert version["Server"]["MinAPIVersion"] == "1.24"
    assert version["Server"]["GitCommit"][:12] in version["Server"]["Version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[0-9:]{8}(Z|[+-]\d\d:\d\d)", version["Server"]["BuildTime"])
    info = json.loads(docker("info", "--format", "json").stdout)
    assert info["OperatingSystem"].startswith("Diatom OS")
    assert info["CgroupVersion"] == "2"


@pytest.mark.parametrize("api", ["1.24", "1.40", "1.51"])
def test_api_versions_are_negotiated(docker, api):
    assert "busybox" in docker("images", env={"DOCKER_API_VERSION": api}).stdout


def test_foreground_run_passes_streams_and_exit_code(docker):
    done = docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2; exit 7", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_command_not_found_is_127_and_not_executable_is_126(docker):
    missing = docker("run", "--rm", "busybox", "nonesuch", check=False)
    assert missing.returncode == 127
    assert "executable file not found in $PATH" in missing.stderr
    refused = docker("run", "--rm", "busybox", "/etc/notexec", check=False)
    assert refused.returncode == 126
    assert "permission denied" in refused.stderr
    assert docker("ps", "-aq").stdout == ""


def test_environment_directory_user_entrypoint_hostname(docker):
    script = 'echo "$A $(pwd) $(id -u):$(id -g) $(hostname)"'
    done = docker("run", "--rm", "-e", "A=b c", "-w", "/made/for/it", "-u", "guest", "-h", "box", "--entrypoint", "sh", "busybox", "-c", script)
    assert done.stdout == "b c /made/for/it 1000:1000 box\n"


def test_stdin_reaches_the_container_and_ends(docker):
    assert docker("run", "--rm", "-i", "busybox", "wc", "-c", input="x" * 300_000).stdout.strip() == "300000"


def test_large_output_arrives_whole(docker):
    done = docker("run", "--rm", "busybox", "sh", "-c", "yes 0123456789abcdef | head -c 3000000")
    assert len(done.stdout) == 3_000_000


def test_detached_logs_wait_inspect_rm(docker):
    box = name()
    docker("run", "-d", "--name", box, "busybox", "sh", "-c", "echo one; sleep 1; echo two; exit 3")
    assert docker("wait", box).stdout == "3\n"
    assert docker("logs", box).stdout == "one\ntwo\n"
    assert docker("logs", "--tail", "1", box).stdout == "two\n"
    stamped = docker("logs", "-t", box).stdout.splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z one", stamped[0])
    state = json.loads(docker("inspect", box).stdout)[0]["State"]
    assert (state["Status"], state["ExitCode"], state["Running"]) == ("exited", 3, False)
    assert "Exited (3)" in docker("ps", "-a", "--filter", f"name={box}").stdout
    docker("rm", box)
    assert docker("inspect", box, check=False).returncode == 1


def test_logs_follow_until_the_end(docker):
    box = name()
    docker("run", "-d", "--name", box, "busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.3; done")
    assert docker("logs", "-f", box).stdout == "1\n2\n3\n"
    docker("rm", "-f", box)


def test_exec_streams_exit_code_and_user(docker):
    box = name()
    docker("run", "-d", "--name", box, "busybox", "sleep", "1000")
    done = docker("exec", "-u", "guest", "-e", "X=y", "-w", "/tmp", box, "sh", "-c", "echo $X $(pwd) $(id -u); exit 9", check=False)
    assert (done.returncode, done.stdout) == (9, "y /tmp 1000\n")
    assert docker("exec", "-i", box, "cat", input="through\n").stdout == "through\n"
    assert docker("exec", box, "nonesuch", check=False).returncode == 127
    docker("rm", "-f", box)


def test_stop_sends_the_signal_and_kill_ends(docker):
    box = name()
    docker("run", "-d", "--name", box, "busybox", "sh", "-c", "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.1; done")
    wait_for(lambda: "ready" in docker("logs", box).stdout)
    docker("stop", box)
    assert docker("logs", box).stdout == "ready\nbye\n"
    assert docker("inspect", "-f", "{{.State.ExitCode}}", box).stdout == "5\n"
    docker("start", box)
    docker("kill", box)
    assert docker("wait", box).stdout == "137\n"
    assert docker("kill", box, check=False).returncode == 1
    docker("rm", box)


def test_attach_and_restart(docker):
    box = name()
    docker("run", "-d", "--name", box, "busybox", "sh", "-c", "sleep 2; echo attached; exit 4")
    done = docker("attach", box, check=False)
    assert (done.returncode, done.stdout) == (4, "attached\n")
    docker("restart", "-t", "1", box)
    assert docker("inspect", "-f", "{{.State.Running}}", box).stdout == "true\n"
    docker("rm", "-f", box)


def test_volumes_and_binds(docker):
    box = name()
    docker("run", "--rm", "-v", f"{box}:/data", "busybox", "sh", "-c", "echo kept > /data/file")
    assert docker("run", "--rm", "-v", f"{box}:/data:ro", "busybox", "cat", "/data/file").stdout == "kept\n"
    refused = docker("run", "--rm", "-v", f"{box}:/data:ro", "busybox", "touch", "/data/other", check=False)
    assert "Read-only file system" in refused.stderr
    docker("volume", "rm", box)
    docker("run", "--rm", "-v", f"/var/lib/diatom/{box}:/x", "busybox", "touch", "/x/y")
    assert docker("run", "--rm", "-v", f"/var/lib/diatom/{box}:/x", "busybox", "ls", "/x").stdout == "y\n"


def test_name_conflict_and_missing_things(docker):
    box = name()
    docker("create", "--name", box, "busybox", "true")
    conflict = docker("create", "--name", box, "busybox", "true", check=False)
    assert conflict.returncode == 1
    assert f'The container name "/{box}" is already in use by container' in conflict.stderr
    docker("rm", box)
    assert "No such container" in docker("start", "nonesuch", check=False).stderr
    assert "No such image" in docker("inspect", "--type", "image", "nonesuch", check=False).stderr


def test_rm_refuses_a_running_container(docker):
    box = name()
    docker("run", "-d", "--name", box, "busybox", "sleep", "1000")
    refused = docker("rm", box, check=False)
    assert refused.returncode == 1 and "stop the container before removing or force remove" in refused.stderr
    docker("rm", "-f", box)


def test_tag_images_rmi(docker):
    tag = f"example.org/{name()}:v1"
    docker("tag", "busybox", tag)
    assert tag.rsplit(":", 1)[0] in docker("images").stdout
    assert "Untagged: " + tag in docker("rmi", tag).stdout
    assert "busybox" in docker("images").stdout


def test_terminal_size_and_interrupt(docker_tty):
    with docker_tty("run", "--rm", "-it", "busybox", "sh", rows=33, columns=101) as terminal:
        terminal.expect("#")
        terminal.send("stty size\n")
        terminal.expect("33 101")
        terminal.resize(40, 120)
        terminal.send("sleep 1; stty size\n")
        terminal.expect("40 120")
        terminal.send("sleep 1000\n")
        time.sleep(1)
        terminal.send("\x03")
        terminal.send("echo still $((40+2))\n")
        terminal.expect("still 42")
        terminal.send("exit 6\n")
        assert terminal.wait() == 6


def test_exec_with_a_terminal(docker, docker_tty):
    box = name()
    docker("run", "-d", "--name", box, "busybox", "sleep", "1000")
    with docker_tty("exec", "-it", box, "sh") as terminal:
        terminal.expect("#")
        terminal.send("tty && echo has-$((1+1))\n")
        terminal.expect("has-2")
        terminal.send("exit 3\n")
        assert terminal.wait() == 3
    docker("rm", "-f", box)


def test_detach_keys_leave_the_container_running(docker, docker_tty):
    box = name()
    with docker_tty("run", "-it", "--name", box, "busybox", "sh") as terminal:
        terminal.expect("#")
        terminal.send("\x10\x11")
        terminal.wait()
    assert docker("inspect", "-f", "{{.State.Running}}", box).stdout == "true\n"
    docker("rm", "-f", box)


def test_published_port_answers_from_outside(docker, published):
    box = name()
    docker("run", "-d", "--name", box, "-p", f"{published.guest}:80", "busybox", "httpd", "-f", "-h", "/www")
    wait_for(lambda: fetch(published.host) == b"hello from a container\n")
    taken = docker("run", "-d", "-p", f"{published.guest}:80", "busybox", "true", check=False)
    assert taken.returncode == 125 and "port is already allocated" in taken.stderr
    docker("rm", "-f", box)
    docker("rm", "-f", *docker("ps", "-aq").stdout.split(), check=False)


def test_containers_reach_each_other_and_the_outside(docker, registry):
    box = name()
    docker("run", "-d", "--name", box, "busybox", "httpd", "-f", "-h", "/www")
    address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", box).stdout.strip()
    wait_for(lambda: "hello" in docker("run", "--rm", "busybox", "wget", "-q", "-O", "-", f"http://{address}/", check=False).stdout)
    docker("rm", "-f", box)
    outside = docker("run", "--rm", "busybox", "wget", "-q", "-O", "-", f"http://10.0.2.2:{registry.port}/v2/")
    assert outside.stdout.strip() == "{}"


def test_network_modes(docker):
    assert docker("run", "--rm", "--network", "none", "busybox", "ls", "/sys/class/net").stdout.split() == ["bonding_masters", "lo"]
    assert docker("run", "--rm", "busybox", "ls", "/sys/class/net").stdout.split() == ["bonding_masters", "eth0", "lo"]
    assert "docker0" in docker("run", "--rm", "--network", "host", "busybox", "ls", "/sys/class/net").stdout


def test_restart_policy(docker):
    box = name()
    docker("run", "-d", "--name", box, "--restart", "on-failure:2", "busybox", "sh", "-c", "echo run; exit 1")
    wait_for(lambda: docker("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", box).stdout == "exited 2\n")
    assert docker("logs", box).stdout == "run\n" * 3
    docker("rm", box)


def test_isolation_is_dockers_default(docker):
    status = docker("run", "--rm", "busybox", "cat", "/proc/self/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["CapEff"] == "00000000a80425fb"
    assert fields["Seccomp"] == "2"
    processes = docker("run", "--rm", "busybox", "ps").stdout.splitlines()
    assert len(processes) == 2 and processes[1].split()[0] == "1"
    refused = docker("run", "--rm", "busybox", "sh", "-c", "echo x > /proc/sysrq-trigger", check=False)
    assert refused.returncode != 0
    assert docker("run", "--rm", "--privileged", "busybox", "sh", "-c", "grep CapEff /proc/self/status").stdout.strip().endswith("1ffffffffff")


def test_memory_limit_is_enforced(docker):
    done = docker("run", "--name", "hungry", "-m", "32m", "--memory-swap", "32m", "busybox", "sh", "-c", "head -c 100000000 /dev/zero | tail", check=False)
    assert done.returncode == 137
    assert docker("inspect", "-f", "{{.State.OOMKilled}}", "hungry").stdout == "true\n"
    docker("rm", "hungry")


def test_limits_are_the_cgroups(docker):
    files = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory.swap.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu.weight"
    limits = ["-m", "64m", "--memory-swap", "96m", "--pids-limit", "50", "--cpus", "0.5", "--cpu-shares", "1024"]
    output = docker("run", "--rm", *limits, "busybox", "sh", "-c", f"cat {files}").stdout
    assert output.split("\n")[:5] == [str(64 << 20), str(32 << 20), "50", "50000 100000", "39"]


def test_what_is_not_there_says_so(docker):
    refused = docker("run", "--rm", "--link", "x", "busybox", "true", check=False)
    assert refused.returncode == 125 and "could not get container for x" in refused.stderr
    assert 'plugin "weave" not found' in docker("network", "create", "-d", "weave", "n", check=False).stderr
    assert "not a swarm manager" in docker("node", "ls", check=False).stderr


def python_client(machine):
    """A second client that we did not write."""
    import docker as docker_py
    from docker.tls import TLSConfig

    certs = machine.cert_path
    tls = TLSConfig(client_cert=(f"{certs}/cert.pem", f"{certs}/key.pem"), ca_cert=f"{certs}/ca.pem", verify=True)
    return docker_py.DockerClient(base_url=machine.docker_host.replace("tcp://", "https://"), tls=tls)


def test_docker_py(machine):
    client = python_client(machine)
    try:
        assert client.ping()
        assert client.containers.run("busybox", ["echo", "from python"], remove=True) == b"from python\n"
        box = client.containers.run("busybox", ["sh", "-c", "echo a; echo b >&2; sleep 1000"], detach=True)
        code, output = box.exec_run(["sh", "-c", "echo out; echo err >&2; exit 2"], demux=True)
        assert (code, output) == (2, (b"out\n", b"err\n"))
        assert box.logs(stdout=True, stderr=False) == b"a\n"
        box.remove(force=True)
    finally:
        client.close()


def fetch(port: int) -> bytes | None:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
    except OSError:
        return None


def wait_for(condition, attempts: int = 120) -> None:
    for _ in range(attempts):
        if condition():
            return
        time.sleep(0.5)
    pytest.fail("the expected state did not come")
