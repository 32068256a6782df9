"""Projects: docker compose of Debian 13 and of sid drives the engine from outside, `diatom compose` from the machine's
console, and each knows what the other has made."""

from __future__ import annotations

import json
import re
import time

import pytest

from clients import SUITES, TRIXIE
from conftest import COMMAND_SECONDS, shell
from project import TOKEN, Project, busybox
from test_docker import fetch, wait_for

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture(scope="module", params=SUITES, ids=lambda suite: suite.name)
def suite(request):
    return request.param


@pytest.fixture
def hashes_as_we_do(suite) -> None:
    """Sid's leaves depends_on out of a service's hash: it makes such services anew, those of Debian 13's too."""
    if suite is not TRIXIE:
        pytest.skip("what differs in its hash is made anew by docker compose 2.40")


def shop() -> dict:
    """A service that needs one that is healthy and one that has ended, or it ends itself."""
    data = ["data:/data"]
    needs = {"db": {"condition": "service_healthy"}, "seed": {"condition": "service_completed_successfully"}}
    check = {"test": ["CMD", "test", "-e", "/data/ready"], "interval": "500ms", "timeout": "60s", "retries": 100}
    serve = 'cat /data/ready /data/seed && echo "$$NAME serves" && exec httpd -f -h /www'
    return {
        "services": {
            "db": busybox("sh", "-c", "sleep 1; echo ready > /data/ready; exec sleep 1000", volumes=data, healthcheck=check),
            "seed": busybox("sh", "-c", "sleep 1; echo seeded > /data/seed", volumes=data),
            "web": busybox("sh", "-c", serve, volumes=data, depends_on=needs, environment={"NAME": "web"}),
        },
        "volumes": {"data": {}},
    }


def test_up_waits_for_dependencies_and_down_removes_all(project, docker):
    project.write(shop())
    project.run("up", "-d")
    wait_for(lambda: "web serves" in project.run("logs", "web").stdout)
    assert project.states() == {"db-1": "running", "seed-1": "exited", "web-1": "running"}
    listed = json.loads(project.run("ls", "--format", "json").stdout)
    assert [one["Status"] for one in listed if one["Name"] == project.name] == ["running(2)"]
    said = re.findall(r"^web-1 +\| (.*)$", project.run("logs", "--no-color").stdout, re.MULTILINE)
    assert said == ["ready", "seeded", "web serves"]
    assert "web serves\n" == project.run("logs", "--no-log-prefix", "--tail", "1", "web").stdout

    project.run("stop", "web")
    assert project.states()["web-1"] == "exited"
    project.run("start", "web")
    assert project.states()["web-1"] == "running"
    project.run("restart", "-t", "0", "web")
    wait_for(lambda: project.run("logs", "web").stdout.count("web serves") == 3)

    assert f"{project.name}_data" in docker("volume", "ls").stdout
    project.run("down")
    assert project.states() == {} and f"{project.name}_data" in docker("volume", "ls").stdout
    project.run("down", "-v")
    assert f"{project.name}_data" not in docker("volume", "ls").stdout


def test_exec_run_and_cp(project):
    project.write({"services": {"box": busybox("sleep", "1000", environment={"NAME": "box"}), "needed": busybox("sleep", "1000")}})
    project.run("up", "-d", "box")
    done = project.run("exec", "-T", "-e", "X=y", "box", "sh", "-c", "echo $NAME $X; echo err >&2; exit 7", check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "box y\n", "err\n")
    assert project.run("exec", "-T", "box", "cat", input="through\n").stdout == "through\n"

    (project.directory / "file").write_text("copied\n")
    project.run("cp", "file", "box:/tmp/there")
    assert project.run("exec", "-T", "box", "cat", "/tmp/there").stdout == "copied\n"
    project.run("cp", "box:/tmp/there", "back")
    assert (project.directory / "back").read_text() == "copied\n"

    done = project.run("run", "--rm", "-T", "-e", "X=z", "box", "sh", "-c", "cat; echo $NAME $X; exit 9", input="in\n", check=False)
    assert (done.returncode, done.stdout) == (9, "in\nbox z\n")
    assert project.states() == {"box-1": "running"}


def test_up_in_the_foreground_ends_with_a_container(project):
    project.write({"services": {"one": busybox("sh", "-c", "sleep 1; echo last words; exit 5"), "other": busybox("sleep", "1000")}})
    done = project.run("up", "--exit-code-from", "one", "-t", "0", check=False)
    assert done.returncode == 5 and re.search(r"^one-1 +\| last words$", done.stdout, re.MULTILINE)
    assert project.states() == {"one-1": "exited", "other-1": "exited"}


def test_profiles(project):
    project.write({"services": {"app": busybox("sleep", "1000"), "tool": busybox("sleep", "1000", profiles=["debug"])}})
    project.run("up", "-d")
    assert project.states() == {"app-1": "running"}
    project.run("--profile", "debug", "up", "-d")
    assert project.states() == {"app-1": "running", "tool-1": "running"}
    project.run("--profile", "debug", "down")
    assert project.states() == {}


def with_contents() -> dict:
    """Secrets and configs; the file is the machine's."""
    used = {"secrets": ["token"], "configs": [{"source": "page", "target": "/www/page"}, {"source": "system", "target": "/system"}]}
    return {
        "services": {"web": busybox("sleep", "1000", **used)},
        "secrets": {"token": {"environment": "TOKEN"}},
        "configs": {"page": {"content": "a page\n"}, "system": {"file": "/etc/os-release"}},
    }


def test_secrets_and_configs(project):
    project.write(with_contents())
    project.run("up", "-d")
    assert project.run("exec", "-T", "web", "cat", "/run/secrets/token").stdout == TOKEN
    assert project.run("exec", "-T", "web", "cat", "/www/page").stdout == "a page\n"
    assert "Diatom OS" in project.run("exec", "-T", "web", "cat", "/system").stdout


def test_wait(project):
    check = {"test": "test -e /tmp/up", "interval": "500ms", "timeout": "60s", "retries": 100}
    slow = busybox("sh", "-c", "sleep 1; touch /tmp/up; exec sleep 1000", healthcheck=check)
    project.write({"services": {"slow": slow, "plain": busybox("sleep", "1000")}})
    project.run("up", "--wait")
    lines = project.run("ps", "--format", "json").stdout.splitlines()
    health = {container["Service"]: container["Health"] for container in map(json.loads, lines)}
    assert health == {"slow": "healthy", "plain": ""}

    never = busybox("sleep", "1000", healthcheck={"test": "false", "interval": "300ms", "retries": 2})
    project.write({"services": {"never": never, "after": busybox("true", depends_on={"never": {"condition": "service_healthy"}})}})
    done = project.run("up", "-d", "--remove-orphans", check=False)
    assert done.returncode == 1 and "is unhealthy" in done.stderr
    assert project.states() == {"never-1": "running", "after-1": "created"}


def test_a_start_interval_is_the_healthchecks_until_it_is_healthy(project, docker):
    """With `interval` alone the first check would come after an hour."""
    third = "echo >>/tmp/checks; test $$(wc -l </tmp/checks) -ge 3"
    check = {"test": third, "interval": "1h", "start_period": "1h", "start_interval": "400ms"}
    project.write({"services": {"slow": busybox("sleep", "1000", healthcheck=check)}})
    project.run("up", "--wait")
    state = json.loads(docker("inspect", f"{project.name}-slow-1").stdout)[0]
    assert state["Config"]["Healthcheck"]["StartInterval"] == 400_000_000
    health = state["State"]["Health"]
    assert health["Status"] == "healthy" and health["Log"][-1]["ExitCode"] == 0
    assert [one["ExitCode"] for one in health["Log"]] == [1, 1, 0] and health["FailingStreak"] == 0
    time.sleep(3)
    assert json.loads(docker("inspect", f"{project.name}-slow-1").stdout)[0]["State"]["Health"] == health


def test_only_what_differs_is_made_anew(project, published):
    port = f"{published.guest}:80"
    services = {"web": busybox("httpd", "-f", "-h", "/www", ports=[port]), "other": busybox("sleep", "1000")}
    project.write({"services": services})
    project.run("up", "-d")
    before = project.ids()
    wait_for(lambda: fetch(published.host) == b"hello from a container\n")
    services["web"]["environment"] = {"NEW": "1"}
    project.write({"services": services})
    project.run("up", "-d")
    after = project.ids()
    assert before["other"] == after["other"] and before["web"] != after["web"]
    wait_for(lambda: fetch(published.host) == b"hello from a container\n")
    project.run("up", "-d", "--scale", "other=3")
    assert sorted(project.states()) == ["other-1", "other-2", "other-3", "web-1"]


class Inside:
    """`diatom compose` on the machine's console, with the file of a project."""

    def __init__(self, project: Project, document: dict, suffix: str = "") -> None:
        text = json.dumps(document, separators=(",", ":"))
        file = f"/tmp/{project.name}{suffix}.yaml"
        self.machine, self.command = project.machine, f"TOKEN={TOKEN} diatom compose -p {project.name} -f {file}"
        assert "'" not in text
        for at in range(0, len(text), 500):  # the shell reads lines of 1023 characters
            shell(self.machine, f"printf %s '{text[at : at + 500]}' >> {file}")

    def run(self, args: str, code: int = 0) -> str:
        ended, output = self.machine.shell(f"{self.command} {args}", timeout=COMMAND_SECONDS)
        assert ended == code, output
        return output

    def states(self) -> dict[str, str]:
        lines = [json.loads(line) for line in self.run("ps -a --format json").splitlines() if line.startswith("{")]
        return {line["Service"]: line["State"] for line in lines}


def both() -> dict:
    contents = with_contents()
    return contents | {"services": shop()["services"] | {"files": contents["services"]["web"]}, "volumes": {"data": {}}}


STATES = {"db": "running", "seed": "exited", "web": "running", "files": "running"}


@pytest.mark.usefixtures("hashes_as_we_do")
def test_the_machines_own_compose_goes_on_with_a_project(project):
    project.write(both())
    project.run("up", "-d")
    before = project.ids()
    inside = Inside(project, both())
    listed = json.loads(inside.run("ls --format json").splitlines()[-1])
    assert [one["Status"] for one in listed if one["Name"] == project.name] == ["running(3)"]
    assert inside.states() == STATES
    inside.run("up -d")
    assert project.ids() == before, "nothing is made anew"
    assert "seeded" in inside.run("logs web")
    assert "of-the-environment" in inside.run("exec files cat /run/secrets/token")
    inside.run("exec web sh -c 'exit 7'", code=7)
    inside.run("down -v")
    assert project.states() == {}


@pytest.mark.usefixtures("hashes_as_we_do")
def test_docker_compose_goes_on_with_the_machines_project(project, docker):
    project.write(both())
    inside = Inside(project, both())
    inside.run("up -d --wait")
    assert inside.states() == STATES
    assert project.run("exec", "-T", "files", "cat", "/run/secrets/token", "/www/page").stdout == TOKEN + "a page\n"
    before = project.ids()
    project.run("up", "-d")
    assert project.ids() == before, "nothing is made anew"
    inside.run("stop web")
    assert project.states()["web-1"] == "exited"
    inside.run("start web")
    inside.run("restart -t 0 web")
    assert project.states()["web-1"] == "running"
    assert "9\n" in inside.run("run --rm web sh -c 'cat /data/seed; echo $((4+5)); exit 4'", code=4)
    inside.run("rm -fs seed")
    assert set(project.states()) == {"db-1", "web-1", "files-1"}
    project.run("down", "-v")
    assert inside.states() == {} and f"{project.name}_data" not in docker("volume", "ls").stdout


@pytest.mark.usefixtures("hashes_as_we_do")
def test_options_of_the_machines_own_compose(project, docker):
    check = {"test": "false", "interval": "300ms", "retries": 1000}
    services = {
        "box": busybox("sh", "-c", "echo said; exec sleep 1000", ports=["8085:80"], environment={"A": "1"}, volumes=["/anonymous"]),
        "other": busybox("sleep", "1000"),
    }
    project.write({"services": services})
    inside = Inside(project, {"services": services | {"never": busybox("sleep", "1000", healthcheck=check, profiles=["never"])}})
    assert "images are not built" in inside.run("up -d --build", code=6)
    inside.run("up -d --no-build --pull never --scale other=2")
    assert sorted(project.states()) == ["box-1", "other-1", "other-2"]
    before = project.ids()
    inside.run("up -d --no-recreate --scale other=2")
    assert project.ids() == before
    first = docker("inspect", "-f", "{{(index .Mounts 0).Name}}", f"{project.name}-box-1").stdout
    inside.run("up -d --force-recreate --scale other=2")
    assert project.ids() != before and docker("inspect", "-f", "{{(index .Mounts 0).Name}}", f"{project.name}-box-1").stdout == first
    inside.run("up -d --force-recreate -V box")
    assert docker("inspect", "-f", "{{(index .Mounts 0).Name}}", f"{project.name}-box-1").stdout != first
    assert inside.run("logs --no-log-prefix --no-color --tail 1 box").splitlines()[-1] == "said"
    assert "is not ready within" in inside.run("--profile never up -d --wait --wait-timeout 2 never", code=5)

    said = inside.run("run --rm --no-deps -e A=2 -l x=y -v /etc/os-release:/there:ro box sh -c 'echo $A; cat /there'")
    assert "2\n" in said and "Diatom OS" in said
    inside.run("stop -t 0 box")
    for options, ports in (("", {}), ("--service-ports", {"80/tcp": "8085"}), ("-p 8086:81", {"81/tcp": "8086"})):
        inside.run(f"run -d {options} --name {project.name}run box sleep 1000")
        data = json.loads(docker("inspect", f"{project.name}run").stdout)[0]["NetworkSettings"]["Ports"]
        assert {port: sides[0]["HostPort"] for port, sides in data.items() if sides} == ports
        docker("rm", "-f", f"{project.name}run")

    inside.run("down never other")
    assert set(project.states()) == {"box-1"}
    docker("tag", "busybox", "composed-alone")
    services["box"]["image"] = "composed-alone"
    alone = Inside(project, {"services": {"box": services["box"]}}, "-alone")
    alone.run("up -d --force-recreate --remove-orphans")
    alone.run("down -v --rmi all")
    assert project.states() == {} and docker("images", "-q", "composed-alone").stdout == ""


@pytest.mark.usefixtures("hashes_as_we_do")
def test_the_machines_own_compose_ends_with_a_container(project):
    services = {"one": busybox("sh", "-c", "sleep 1; echo last words; exit 5"), "other": busybox("sleep", "1000")}
    project.write({"services": services})
    inside = Inside(project, {"services": services})
    assert "last words" in inside.run("up --abort-on-container-exit -t 0", code=5)
    assert inside.states() == {"one": "exited", "other": "exited"}
    said = inside.run("up --exit-code-from other --no-log-prefix -t 0", code=137)
    assert "last words" in said.splitlines()
