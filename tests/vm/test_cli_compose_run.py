"""What `docker compose` starts beside a project, and what it does with images: run, pull, push, build."""

from __future__ import annotations

import json

import pytest

from clients import SID, TRIXIE, lines
from project import Project, busybox

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture(scope="module")
def suite():
    return SID


# --- run


def test_run_with_everything(project, tmp_path):
    service = busybox("sleep", "1000", ports=["8093:80"], depends_on=["needed"], networks={"default": {"aliases": ["site"]}})
    project.write({"services": {"box": service, "needed": busybox("sleep", "1000")}})
    (tmp_path / "vars").write_text("B=2\n")
    flags = ["--no-deps", "--rm", "--no-TTY", "--entrypoint", "sh", "--env", "A=1", "--env-from-file", str(tmp_path / "vars"), "--user", "guest", "--workdir", "/tmp"]
    flags += ["--cap-add", "NET_ADMIN", "--cap-drop", "CHOWN", "--label", "l=1", "--volume", "/var/lib/diatom/cli:/v", "--pull", "never", "--quiet-pull", "--quiet", "--interactive=false"]
    done = project.run("run", *flags, "box", "-c", "echo $A $B $(id -u) $(pwd); ls -d /v; grep CapBnd /proc/self/status")
    first, second, caps = lines(done)
    assert (first, second) == ("1 2 1000 /tmp", "/v")
    assert int(caps.split()[1], 16) == (0xA80425FB | 1 << 12) & ~1
    assert project.states() == {}, "nothing else was started, and it is gone"

    named = f"{project.name}-mine"
    project.run("run", "--detach", "--name", named, "--service-ports", "--use-aliases", "--remove-orphans", "box")
    shown = json.loads(project.machine.docker("inspect", named).stdout)[0]
    assert "site" in shown["NetworkSettings"]["Networks"][f"{project.name}_default"]["Aliases"]
    assert "80/tcp -> 0.0.0.0:8093" in project.machine.docker("port", named).stdout
    project.machine.docker("rm", "-f", named)
    project.run("run", "-d", "--name", named, "--publish", "8092:81", "box")
    assert "81/tcp -> 0.0.0.0:8092" in project.machine.docker("port", named).stdout
    project.machine.docker("rm", "-f", named)


# --- images


def test_pull_and_push(project, registry, layouts):
    image = registry.push(layouts["web"], "cli-compose/pulled") + ":latest"
    pushed = f"{registry.address}/cli-compose/pushed:v1"
    needs = {"image": image, "depends_on": ["base"]}
    project.write({"services": {"web": needs, "base": {"image": image}, "lost": {"image": f"{registry.address}/cli-compose/none:v1"}}})
    project.run("pull", "--quiet", "--include-deps", "--policy", "always", "--ignore-buildable", "web")
    assert project.machine.docker("image", "inspect", image).returncode == 0
    failed = project.run("pull", "lost", check=False)
    assert failed.returncode == 1 and "cli-compose/none" in failed.stderr
    project.run("pull", "--ignore-pull-failures", "lost")
    project.machine.docker("tag", image, pushed)
    project.write({"services": {"web": {"image": pushed, "build": {"context": "."}, "depends_on": ["base"]}, "base": {"image": pushed, "build": {"context": "."}}}})
    project.run("push", "--quiet", "--include-deps", "--ignore-push-failures", "web")
    project.machine.docker("rmi", pushed)
    project.machine.docker("pull", "-q", pushed)
    project.machine.docker("rmi", pushed, image)


@pytest.mark.parametrize("suite", [TRIXIE, SID], ids=lambda suite: suite.name, scope="module")
def test_building_is_refused(machine, tmp_path, suite, monkeypatch):
    """By the engine. With BuildKit this client does not ask it, but runs an image of Docker Hub that builds."""
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")
    project = Project(machine, tmp_path, suite)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    project.write({"services": {"made": {"build": {"context": "."}}}})
    quiet = [["run", "--quiet-build", "made"], ["up", "--quiet-build"]] if suite is SID else []
    for command in (["build"], ["up", "-d", "--build"], ["create", "--build"], ["run", "--build", "made"], *quiet):
        done = project.run(*command, check=False)
        assert done.returncode != 0 and "building images is not in this version" in done.stderr, f"{command}: {done.stderr}"
