"""What hangs or fails with one container holds up no other: lists, inspections and new containers go on, names are free."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager

import pytest

from playground import name
from test_docker import wait_for

pytestmark = pytest.mark.usefixtures("loaded")

STUBBORN = ("sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done")
SOON = 60  # seconds: far from what the hung operations are given, on any machine


@pytest.fixture
def hanging(machine, docker):
    """A docker command that has no end before the test has."""

    @contextmanager
    def run(*args: str):
        process = subprocess.Popen(["docker", *args], env=os.environ | machine.api.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    return run


def assert_others_go_on(docker, hung: str, other: str) -> None:
    """While an operation on `hung` has no end."""
    begun = time.monotonic()
    assert {hung, other} <= set(docker("ps", "-a", "--format", "{{.Names}}").stdout.split())
    assert docker("inspect", "-f", "{{.State.Status}}", other).stdout == "running\n"
    assert docker("inspect", "-f", "{{.Name}}", hung).stdout == f"/{hung}\n"
    assert hung in docker("ps", "-s", "--format", "{{.Names}}").stdout.split()
    assert docker("exec", other, "echo", "on").stdout == "on\n"
    assert docker("run", "--rm", "busybox", "echo", "new").stdout == "new\n"
    docker("restart", "-t", "0", other)
    assert time.monotonic() - begun < SOON


def test_a_stop_that_waits(play, docker, hanging):
    hung, other = play.box(command=STUBBORN), play.box()
    wait_for(lambda: "up" in docker("logs", hung).stdout)
    with hanging("stop", "-t", "3600", hung) as stopping, hanging("wait", hung) as waiting:
        assert_others_go_on(docker, hung, other)
        assert (stopping.poll(), waiting.poll()) == (None, None)
    docker("rm", "-f", hung)


def test_a_paused_one(play, docker, hanging):
    hung, other = play.box(command=STUBBORN), play.box()
    docker("pause", hung)
    with hanging("exec", hung, "true"), hanging("wait", hung) as waiting, hanging("stats", hung):
        assert_others_go_on(docker, hung, other)
        assert docker("ps", "--filter", "status=paused", "--format", "{{.Names}}").stdout.split() == [hung]
        assert waiting.poll() is None
    docker("kill", hung)


def test_a_name_is_free_after_a_create_that_failed(play, docker):
    taken = name()
    play.boxes.append(taken)
    failing = (
        ("-v", "vol:/a", "--mount", "type=image,source=nonesuch,target=/b", "busybox"),
        ("--link", "nonesuch", "busybox"),
        ("--volumes-from", "nonesuch", "busybox"),
        ("--user", "0", "nonesuch"),
    )
    for args in failing:
        refused = docker("create", "--pull", "never", "--name", taken, *args, "true", check=False)
        assert refused.returncode != 0 and "already in use" not in refused.stderr, (args, refused.stderr)
        assert taken not in docker("ps", "-a", "--format", "{{.Names}}").stdout.split()
    # A start that failed leaves its container, and the name goes with that.
    assert docker("run", "--name", taken, "busybox", "nonesuch", check=False).returncode == 127
    assert "already in use" in docker("create", "--name", taken, "busybox", check=False).stderr
    docker("rm", taken)
    assert docker("run", "--name", taken, "busybox", "echo", "free").stdout == "free\n"
    docker("volume", "rm", "vol", check=False)
