"""What of docker compose goes on beside a project: events and watch; and pull, scale, names on networks."""

from __future__ import annotations

import json
import subprocess

import pytest

from clients import SUITES
from project import busybox
from test_docker import wait_for

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture(scope="module", params=SUITES, ids=lambda suite: suite.name)
def suite(request):
    return request.param


def ended(process: subprocess.Popen) -> str:
    process.terminate()
    return process.communicate(timeout=60)[0]


def test_events(project):
    project.write({"services": {"box": busybox("sleep", "1000")}})
    following = project.start("events", "--json", stdout=subprocess.PIPE)
    try:
        for _ in range(2):  # it does not say when it listens
            project.run("up", "-d", "--force-recreate")
            project.run("kill")
    finally:
        said = [json.loads(line) for line in ended(following).splitlines() if line.startswith("{")]
    assert {one["service"] for one in said} == {"box"}
    assert {"create", "start", "kill", "die"} <= {one["action"] for one in said}


def test_pull_and_scale(project, registry, layouts):
    project.write({"services": {"box": busybox("sleep", "1000") | {"image": registry.push(layouts["busybox"], "composed")}}})
    project.run("pull")
    project.run("up", "-d", "--pull", "never")
    project.run("scale", "box=3")
    assert project.states() == {f"box-{number}": "running" for number in (1, 2, 3)}
    project.run("scale", "box=1")
    assert project.states() == {"box-1": "running"}


def test_names_on_networks(project):
    web = busybox("httpd", "-f", "-h", "/www", networks={"front": {"aliases": ["site"]}, "back": {"aliases": ["store"]}})
    services = {"web": web, "near": busybox("sleep", "1000", networks=["front"]), "far": busybox("sleep", "1000", networks=["back"])}
    project.write({"services": services, "networks": {"front": {}, "back": {"internal": True}}})
    project.run("up", "-d")

    def reaches(box: str, host: str) -> bool:
        return "hello" in project.run("exec", "-T", box, "wget", "-q", "-T", "3", "-O", "-", f"http://{host}/", check=False).stdout

    wait_for(lambda: reaches("near", "site"))
    assert reaches("near", "web") and reaches("far", "store")
    assert not reaches("near", "store") and not reaches("far", "site")


def watched(action: str, **more: str) -> dict:
    """Compose watches only what it could build."""
    rule = {"action": action, "path": "./source", "target": "/tmp/source"} | more
    command = ("sh", "-c", "busybox date +%s%N > /tmp/started; exec sleep 1000")
    return {"services": {"box": busybox(*command, build={"context": "."}, develop={"watch": [rule]})}}


@pytest.mark.parametrize("action", ["sync", "sync+restart"])
def test_watch(project, action):
    source = project.directory / "source"
    source.mkdir()
    (project.directory / "Dockerfile").write_text("FROM busybox\n")
    project.write(watched(action))
    project.run("up", "-d", "--no-build")
    before = project.run("exec", "-T", "box", "cat", "/tmp/started").stdout
    watching = project.start("watch", "--no-up", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    count = 0

    def arrives() -> bool:
        nonlocal count
        count += 1  # what is written before it watches is not seen
        (source / "file").write_text(f"{count}\n")
        seen = project.run("exec", "-T", "box", "cat", "/tmp/source/file", check=False).stdout
        return seen != "" and watching.poll() is None

    try:
        wait_for(arrives)
        if action == "sync+restart":
            wait_for(lambda: project.run("exec", "-T", "box", "cat", "/tmp/started", check=False).stdout not in ("", before))
        else:
            assert project.run("exec", "-T", "box", "cat", "/tmp/started").stdout == before
    finally:
        ended(watching)


def test_a_build_is_refused(project):
    (project.directory / "Dockerfile").write_text("FROM busybox\n")
    project.write({"services": {"box": {"build": {"context": "."}, "command": ["true"]}}})
    done = project.run("up", "-d", "--build", check=False)
    assert done.returncode != 0 and "build" in (done.stdout + done.stderr).lower()
    assert project.states() == {}
