"""Engines that are killed, and what they leave behind: containers are as they were, and so is all that is promised about
them. Networks, names and ports: test_networks.py and test_ports.py; health checks: test_run_health.py."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from churn import Client
from playground import name
from test_docker import wait_for
from test_faults import kill_engine

pytestmark = pytest.mark.usefixtures("loaded")

FLOOD = 30_000  # lines


@pytest.fixture
def killed(loaded):
    """Kills the user engine and waits for the next one; `meanwhile`, a command of the machine's shell, runs while there
    is none."""

    def kill(meanwhile: str = "") -> None:
        if meanwhile:
            # The system engine, which would start the next one, stands still.
            loaded.shell("s=$(pgrep -o -f 'engine --scope system'); kill -STOP $s; kill -KILL $(pgrep -o -f 'engine --scope user')", 120)
            code, output = loaded.shell(meanwhile, 120)
            loaded.shell("kill -CONT $(pgrep -o -f 'engine --scope system')", 120)
            assert code == 0, output
        else:
            kill_engine(loaded, "user")
        loaded.wait_api()

    return kill


@pytest.fixture
def client(machine, docker):
    """A docker command that goes on while the engine is killed; it must come to an end by itself."""
    begun = []

    def run(*args: str) -> subprocess.Popen:
        process = subprocess.Popen(
            ["docker", *args], env=os.environ | machine.api.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


def state(docker, box: str) -> dict:
    return json.loads(docker("inspect", box).stdout)[0]["State"]


def status(docker, box: str) -> tuple[str, int]:
    found = json.loads(docker("inspect", box).stdout)[0]
    return found["State"]["Status"], found["RestartCount"]


def pid(docker, box: str) -> int:
    return state(docker, box)["Pid"]


def test_what_ends_without_an_engine_is_known_afterwards(play, docker, killed):
    ending = play.box(command=("sh", "-c", "trap 'echo last words; exit 21' TERM; echo up; while :; do sleep 0.1; done"))
    # Only what eats the memory may be killed for it: the shell is to say how it ended.
    eat = "(echo 1000 >/proc/self/oom_score_adj; head -c 100000000 /dev/zero | tail)"
    hungry = play.box("-m", "24m", "--memory-swap", "24m", command=("sh", "-c", f"trap '{eat}; exit 22' TERM; echo up; while :; do sleep 0.1; done"))
    passing = name()
    docker("run", "-d", "--rm", "--name", passing, "-v", "/anonymous", "busybox", "sleep", "100000")
    volume = json.loads(docker("inspect", passing).stdout)[0]["Mounts"][0]["Name"]
    for box in (ending, hungry):
        wait_for(lambda: "up" in docker("logs", box).stdout)
    pids = [pid(docker, box) for box in (ending, hungry, passing)]
    waits = "; ".join(f"while kill -0 {one} 2>/dev/null; do sleep 0.1; done" for one in pids)
    killed(f"kill -TERM {pids[0]} {pids[1]}; kill -KILL {pids[2]}; {waits}")
    assert docker("wait", ending).stdout == "21\n"
    assert docker("logs", ending).stdout == "up\nlast words\n"
    assert docker("wait", hungry).stdout == "22\n" and state(docker, hungry)["OOMKilled"] is True
    wait_for(lambda: docker("inspect", passing, check=False).returncode == 1)
    assert volume not in docker("volume", "ls", "-q").stdout


def test_restart_policies_go_on(play, docker, killed):
    always = play.box("--restart", "always", command=("sh", "-c", "echo up; sleep 100000"))
    stopped = play.box("--restart", "unless-stopped")
    docker("stop", "-t", "0", stopped)
    given_up = play.box("--restart", "on-failure:2", command=("sh", "-c", "echo tried; exit 1"))
    wait_for(lambda: status(docker, given_up) == ("exited", 2))
    backing_off = play.box("--restart", "on-failure", command=("sh", "-c", "echo tried; exit 1"))
    wait_for(lambda: status(docker, backing_off)[1] >= 5)
    done = play.box("--restart", "on-failure", command=("true",))
    assert docker("wait", done).stdout == "0\n"
    count = status(docker, backing_off)[1]
    killed(f"kill -KILL {pid(docker, always)}")
    wait_for(lambda: status(docker, always) == ("running", 1))
    assert docker("logs", always).stdout == "up\nup\n"
    wait_for(lambda: status(docker, backing_off)[1] > count)
    assert status(docker, stopped)[0] == "exited"
    assert status(docker, given_up) == ("exited", 2) and docker("logs", given_up).stdout == "tried\n" * 3
    assert status(docker, done) == ("exited", 0)


def test_clients_are_told_and_can_go_on(play, docker, client, killed):
    box = play.box("-i", command=("sh", "-c", "echo up; while read line; do echo got $line; done; exit 6"))
    attached, waiting = client("attach", box), client("wait", box)
    running = client("exec", box, "sh", "-c", "echo begun; sleep 6; echo done > /tmp/done; sleep 100000")
    assert running.stdout.readline() == "begun\n"
    attached.stdin.write("one\n")
    attached.stdin.flush()
    assert attached.stdout.readline() == "got one\n"
    before = pid(docker, box)
    killed()
    # None of them hangs, and none says that all went well.
    for process in (attached, waiting, running):
        process.stdin.close()
        assert process.wait(60) != 0 or process is attached, process.args
    assert pid(docker, box) == before
    # What an exec started goes on; its streams are gone.
    wait_for(lambda: docker("exec", box, "cat", "/tmp/done", check=False).stdout == "done\n")
    again = client("attach", box)
    again.stdin.write("two\n")
    again.stdin.flush()
    assert again.stdout.readline() == "got two\n"
    assert docker("logs", box).stdout == "up\ngot one\ngot two\n"
    assert docker("top", box).stdout.count("sleep 100000") == 1


def test_a_terminal_is_there_again(docker, docker_tty, killed):
    box = name()
    docker("run", "-dit", "--name", box, "busybox", "sh")
    killed()
    with docker_tty("attach", box, rows=30, columns=90) as terminal:
        terminal.send("stty size; echo on $((40+2))\n")
        terminal.expect("30 90")
        terminal.expect("on 42")
        terminal.send("exit 8\n")
        assert terminal.wait() == 8
    docker("rm", box)


def test_pause_limits_and_figures_stay(play, docker, killed):
    paused, busy = play.box(), play.box("-m", "64m", "--pids-limit", "40", command=("sh", "-c", "while :; do sleep 0.01; done"))
    docker("pause", paused)
    docker("update", "-m", "80m", "--memory-swap", "80m", busy)
    killed()
    assert state(docker, paused)["Status"] == "paused"
    assert docker("exec", busy, "cat", "/sys/fs/cgroup/memory.max").stdout == f"{80 << 20}\n"
    assert "80MiB" in docker("stats", "--no-stream", "--format", "{{.MemUsage}}", busy).stdout
    docker("unpause", paused)
    assert docker("exec", paused, "echo", "on").stdout == "on\n"
    docker("restart", "-t", "0", busy)
    assert docker("exec", busy, "cat", "/sys/fs/cgroup/pids.max").stdout == "40\n"


def figures(client: Client, box: str) -> dict:
    status, text = client.call("GET", f"/containers/{box}/stats?stream=0")
    assert status == 200, text
    return json.loads(text)


def test_stats_count_on(machine, play, docker, killed):
    """Processor, memory, processes and traffic, of the same container, from where they were."""
    net = play.network()
    box = play.box("--network", net, "-m", "64m", command=("sh", "-c", "httpd -h /www; while :; do :; done"))
    client = Client(machine.api)
    peer = play.box("--network", net)
    assert play.reaches(peer, box)
    before = figures(client, box)
    assert before["cpu_stats"]["cpu_usage"]["total_usage"] > 0 and before["networks"]["eth0"]["rx_bytes"] > 0
    client.close()
    killed()
    after = figures(client, box)
    assert after["cpu_stats"]["cpu_usage"]["total_usage"] > before["cpu_stats"]["cpu_usage"]["total_usage"]
    assert after["networks"]["eth0"]["rx_bytes"] >= before["networks"]["eth0"]["rx_bytes"]
    assert after["memory_stats"]["limit"] == 64 << 20 and after["memory_stats"]["usage"] > 0
    assert after["pids_stats"]["current"] == 2
    assert play.reaches(peer, box)
    assert figures(client, box)["networks"]["eth0"]["rx_bytes"] > after["networks"]["eth0"]["rx_bytes"]
    client.close()
    row = json.loads(docker("stats", "--no-stream", "--format", "json", box).stdout)
    assert float(row["CPUPerc"].rstrip("%")) > 0 and row["PIDs"] == "2" and row["MemUsage"].endswith("/ 64MiB")
    assert not row["NetIO"].startswith("0B")


def test_no_line_is_lost_or_said_twice_while_it_floods(play, docker, killed):
    """As fast as the log takes it, both streams."""
    loop = f"i=0; while [ $i -lt {FLOOD} ]; do echo line $i; echo err $i >&2; i=$((i+1)); done; echo end; exit 12"
    box = play.box(command=("sh", "-c", loop))
    for _ in range(3):
        killed()
    assert docker("wait", box).stdout == "12\n"
    done = docker("logs", box)
    assert done.stdout.splitlines() == [f"line {i}" for i in range(FLOOD)] + ["end"]
    assert done.stderr.splitlines() == [f"err {i}" for i in range(FLOOD)]
