"""Health checks and --init, by the real docker command line."""

from __future__ import annotations

import json
import time

import pytest

import oci
from test_docker import name, wait_for
from test_faults import kill_engine

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture
def box(docker):
    """A name for a container, which is removed afterwards."""
    given = name()
    yield given
    docker("rm", "-f", "-v", given, check=False)


def run(docker, *args: str) -> str:
    return docker("run", "--rm", *args).stdout


def health(docker, box: str) -> dict:
    return json.loads(docker("inspect", "-f", "{{json .State.Health}}", box).stdout)


# --- health checks


def test_health_follows_its_check(docker, box):
    docker(
        "run", "-d", "--name", box, "--health-cmd", "echo looked; test ! -e /tmp/broken", "--health-interval", "500ms",
        "--health-timeout", "20s", "--health-retries", "2", "busybox", "sleep", "1000",
    )  # fmt: skip
    wait_for(lambda: health(docker, box)["Status"] == "healthy")
    assert "(healthy)" in docker("ps", "--filter", f"name={box}", "--filter", "health=healthy").stdout
    docker("exec", box, "touch", "/tmp/broken")
    wait_for(lambda: health(docker, box)["Status"] == "unhealthy")
    state = health(docker, box)
    assert state["FailingStreak"] >= 2
    assert state["Log"][-1]["ExitCode"] == 1 and state["Log"][-1]["Output"] == "looked\n"
    assert "(unhealthy)" in docker("ps", "--filter", f"name={box}").stdout
    assert box not in docker("ps", "--filter", "health=healthy").stdout
    wait_for(lambda: len(health(docker, box)["Log"]) == 5)
    docker("exec", box, "rm", "/tmp/broken")
    wait_for(lambda: health(docker, box)["Status"] == "healthy")
    assert len(health(docker, box)["Log"]) == 5
    # An event comes when the status is on the disk, and the machine's clock may be a little ahead of this host's.
    options = ("--filter", f"container={box}", "--filter", "event=health_status", "--format", "{{.Action}}")
    wanted = ["health_status: healthy", "health_status: unhealthy", "health_status: healthy"]
    wait_for(lambda: docker("events", "--since", "24h", "--until", "0s", *options).stdout.splitlines() == wanted)


def test_health_kills_what_hangs_and_bounds_what_it_says(docker, box):
    docker(
        "run", "-d", "--name", box, "--health-cmd", "yes | head -c 10000; sleep 4000; true", "--health-interval", "1s",
        "--health-timeout", "3s", "--health-retries", "1", "busybox", "sleep", "1000",
    )  # fmt: skip
    wait_for(lambda: health(docker, box)["Status"] == "unhealthy")
    first = health(docker, box)["Log"][0]
    assert first["ExitCode"] == -1
    assert first["Output"].startswith("Health check exceeded timeout (3s): y\n")
    assert first["Output"].endswith("...") and len(first["Output"]) < 4200
    # At most the one that runs now, with its shell.
    assert docker("exec", box, "ps").stdout.count("sleep 4000") <= 2


def test_health_start_period_counts_no_failure(docker, box):
    docker(
        "run", "-d", "--name", box, "--health-cmd", "false", "--health-interval", "1s", "--health-retries", "1",
        "--health-start-period", "1h", "--health-start-interval", "500ms", "busybox", "sleep", "1000",
    )  # fmt: skip
    wait_for(lambda: len(health(docker, box)["Log"]) >= 3)
    assert (health(docker, box)["Status"], health(docker, box)["FailingStreak"]) == ("starting", 0)
    assert "(health: starting)" in docker("ps", "--filter", f"name={box}").stdout


def test_health_of_the_image(docker, box, layouts, tmp_path):
    check = {"Test": ["CMD-SHELL", "echo image"], "Interval": 500_000_000}
    layout = oci.write_layout(tmp_path / "layout", [oci.busybox_layer().bytes()], config={"Healthcheck": check, "Cmd": ["sleep", "1000"]})
    docker("load", "-i", str(oci.save_archive(layout, tmp_path / "checked.tar", "checked:latest")))
    docker("run", "-d", "--name", box, "checked")
    wait_for(lambda: health(docker, box)["Status"] == "healthy")
    assert health(docker, box)["Log"][0]["Output"] == "image\n"
    assert json.loads(docker("inspect", "-f", "{{json .Config.Healthcheck}}", box).stdout) == check
    other = name()
    docker("run", "-d", "--name", other, "--no-healthcheck", "checked")
    assert docker("inspect", "-f", "{{json .State.Health}}", other).stdout in ("null\n", "\n")
    assert other in docker("ps", "--filter", "health=none", "--format", "{{.Names}}").stdout
    docker("rm", "-f", other)


def test_health_outlives_the_engine(docker, box, machine):
    docker(
        "run", "-d", "--name", box, "--health-cmd", "echo seen", "--health-interval", "1s", "busybox", "sleep", "1000"
    )
    wait_for(lambda: health(docker, box)["Status"] == "healthy")
    kill_engine(machine, "user")
    machine.wait_until(machine.api.answers, 120, "the engine after its death")
    state = health(docker, box)
    assert state["Status"] == "healthy" and state["Log"]
    last = state["Log"][-1]["Start"]
    wait_for(lambda: health(docker, box)["Log"][-1]["Start"] > last)


# --- init


def test_init_reaps_forwards_and_keeps_the_exit_code(docker, box):
    assert run(docker, "--init", "busybox", "cat", "/proc/1/comm") == "docker-init\n"
    script = "(sleep 0.2 &); sleep 1; for s in /proc/[0-9]*/status; do grep Z.zombie $s; done; exit 7"
    done = docker("run", "--rm", "--init", "busybox", "sh", "-c", script, check=False)
    assert (done.returncode, done.stdout) == (7, "")
    trap = "trap 'echo told; exit 5' TERM; echo up; while :; do sleep 0.1; done"
    docker("run", "-d", "--init", "--name", box, "busybox", "sh", "-c", trap)
    wait_for(lambda: "up" in docker("logs", box).stdout)
    docker("stop", box)
    assert docker("logs", box).stdout == "up\ntold\n"
    assert docker("inspect", "-f", "{{.State.ExitCode}}", box).stdout == "5\n"


def test_init_with_a_terminal(docker_tty):
    with docker_tty("run", "--rm", "-it", "--init", "busybox", "sh") as terminal:
        terminal.expect("#")
        terminal.send("sleep 1000\n")
        time.sleep(1)
        terminal.send("\x03")
        terminal.send("echo still $((40+2))\n")
        terminal.expect("still 42")
        terminal.send("exit 6\n")
        assert terminal.wait() == 6
