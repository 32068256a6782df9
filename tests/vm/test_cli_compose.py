"""The commands of `docker compose` and their flags, beyond what test_compose.py asks. Where the suites have the same flags,
sid's asks; Debian 13's is asked for what only it spells so."""

from __future__ import annotations

import json
import re
import subprocess
import time

import pytest

from clients import SID, TRIXIE, lines
from project import Project, busybox
from test_docker import wait_for

pytestmark = pytest.mark.usefixtures("loaded")

TICKS = busybox("sh", "-c", "echo up $$(hostname); trap 'echo hup' HUP; trap 'exit 0' TERM; while :; do sleep 0.2; done", stop_grace_period="20s")


@pytest.fixture(scope="module")
def suite():
    return SID


def inspected(project, service: str) -> dict:
    return json.loads(project.machine.docker("inspect", f"{project.name}-{service}-1").stdout)[0]


# --- what stands before the command


def test_flags_before_the_command(project, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text(json.dumps({"services": {"late": busybox("sleep", "1000", profiles=["debug"])}}))
    (tmp_path / "vars").write_text("WHO=of-the-file\n")
    project.write({"services": {"web": busybox("sh", "-c", "echo $WHO; sleep 1000")}, "volumes": {"unused": {}}})
    before = ["--ansi", "never", "--progress", "plain", "--parallel", "2", "--compatibility"]
    files = ["--env-file", str(tmp_path / "vars"), "--project-directory", str(tmp_path), "--file", str(other), "--profile", "debug"]
    dry = project.run(*before, *files, "--dry-run", "up", "-d")
    assert "DRY-RUN" in dry.stderr and project.states() == {}
    project.run(*before, *files, "--all-resources", "up", "-d")
    names = project.machine.docker("ps", "--filter", f"label=com.docker.compose.project={project.name}", "--format", "{{.Names}}")
    assert set(lines(names)) == {f"{project.name}_web_1", f"{project.name}_late_1"}, "the names of Compose 1"
    assert "of-the-file" in project.run("--compatibility", *files, "logs", "web").stdout
    assert f"{project.name}_unused" in project.machine.docker("volume", "ls", "-q").stdout
    project.run("--compatibility", *files, "--all-resources", "down", "-v", "-t", "0")


# --- up, create, scale, down


def test_up_makes_anew_or_not(project):
    anonymous = busybox("sh", "-c", "test -e /data/f && echo old; touch /data/f; sleep 1000", volumes=["/data"])
    needs = busybox("sleep", "1000", depends_on=["data"])
    project.write({"services": {"data": anonymous, "needs": needs}})
    project.run("up", "--detach", "--no-build", "--pull", "never", "--quiet-pull", "--yes")
    first = project.ids()
    project.run("up", "-d", "--no-recreate")
    assert project.ids() == first
    project.run("up", "-d", "--force-recreate", "--timeout", "0", "--no-deps", "needs")
    second = project.ids()
    assert second["data"] == first["data"] and second["needs"] != first["needs"]
    project.run("up", "-d", "--always-recreate-deps", "-t", "0", "needs")
    third = project.ids()
    assert third["data"] != second["data"]
    wait_for(lambda: "old" in project.run("logs", "data").stdout)
    project.run("up", "-d", "--force-recreate", "--renew-anon-volumes", "-t", "0", "data")
    time.sleep(1)
    assert "old" not in project.run("logs", "data").stdout


def test_up_attached_to_some(project):
    def says(what: str, code: int = 0, **more) -> dict:
        return busybox("sh", "-c", f"sleep 1; echo {what}; sleep 1; exit {code}", **more)

    project.write({"services": {"one": says("first", depends_on=["two"]), "two": says("second")}})
    some = project.run("up", "--no-color", "--attach", "one", "--abort-on-container-exit", "-t", "0")
    assert re.search(r"^one-1 +\| first$", some.stdout, re.MULTILINE) and "second" not in some.stdout
    others = project.run("up", "--no-color", "--no-attach", "one", "--no-log-prefix", "--menu=false", "-t", "0")
    assert "second\n" in others.stdout and "first" not in others.stdout
    wait_for(lambda: set(project.states().values()) == {"exited"})  # what it is not attached to goes on
    stamped = project.run("up", "--no-color", "--attach-dependencies", "--timestamps", "-t", "0", "one").stdout
    assert re.search(r"^one-1 +\| \d{4}-\d\d-\d\dT[0-9:.]+Z first$", stamped, re.MULTILINE) and "second" in stamped
    project.write({"services": {"bad": says("bad", 3), "long": busybox("sleep", "1000")}})
    failed = project.run("up", "--abort-on-container-failure", "--remove-orphans", "-t", "0", check=False)
    assert failed.returncode == 3 and project.states() == {"bad-1": "exited", "long-1": "exited"}
    ended = project.run("up", "--exit-code-from", "bad", check=False)
    assert ended.returncode == 3
    project.write({"services": {"good": says("good"), "also": says("also")}})
    project.run("up", "--abort-on-container-failure", "--remove-orphans")
    project.write({"services": {"good": says("good"), "long": busybox("sleep", "1000")}})
    project.run("up", "--exit-code-from", "good", "--remove-orphans", "-t", "0")
    quick = {"test": "true", "interval": "300ms"}
    project.write({"services": {"web": busybox("sleep", "1000", healthcheck=quick)}})
    project.run("up", "--wait", "--wait-timeout", "100", "--remove-orphans")
    assert [row["Health"] for row in project.rows()] == ["healthy"]


def test_create_scale_and_down(project, registry, layouts):
    image = registry.push(layouts["web"], "cli-compose/web")
    project.write({"services": {"web": TICKS, "old": busybox("sleep", "1000")}})
    project.run("create", "--no-build", "--pull", "missing", "--quiet-pull", "--yes", "--scale", "web=2")
    assert project.states() == {"web-1": "created", "web-2": "created", "old-1": "created"}
    before = sorted(row["ID"] for row in project.rows("-a"))
    project.run("create", "--no-recreate", "--scale", "web=2")
    assert sorted(row["ID"] for row in project.rows("-a")) == before
    project.write({"services": {"web": TICKS | {"depends_on": ["db"]}, "db": busybox("sleep", "1000"), "pulled": busybox("sleep", "1000") | {"image": f"{image}:latest"}}})
    project.run("create", "--force-recreate", "--remove-orphans", "web")
    assert sorted(row["Service"] for row in project.rows("-a")) == ["db", "web"]
    project.run("scale", "--no-deps", "web=3")
    assert sorted((row["Service"], row["State"]) for row in project.rows("-a")) == [("db", "created"), *[("web", "running")] * 3]
    project.run("up", "--no-start", "--scale", "web=1")
    assert sorted(row["Service"] for row in project.rows("-a")) == ["db", "pulled", "web"]
    # All images of the project: that of the other tests comes back by another name.
    project.machine.docker("tag", "busybox", "cli/kept")
    project.run("down", "--remove-orphans", "--timeout", "0", "--volumes", "--rmi", "all")
    project.machine.docker("tag", "cli/kept", "busybox")
    project.machine.docker("rmi", "cli/kept")
    assert project.states() == {}
    assert project.machine.docker("image", "inspect", f"{image}:latest", check=False).returncode == 1


# --- what runs


@pytest.fixture
def ticking(project):
    project.write({"services": {"web": TICKS | {"ports": ["8095:80", "8094:53/udp"], "volumes": ["data:/data"]}, "db": TICKS}, "volumes": {"data": {}}})
    project.run("up", "-d", "--scale", "db=2")
    wait_for(lambda: len(lines(project.run("logs", "--no-log-prefix"))) == 3)
    return project


def test_ps_ls_images_port_top_stats_volumes(ticking):
    project = ticking
    assert sorted(lines(project.run("ps", "--services"))) == ["db", "web"]
    assert len(lines(project.run("ps", "--quiet", "--no-trunc", "db"))) == 2
    project.run("stop", "--timeout", "0", "web")
    assert {row["Service"] for row in project.rows("--status", "running")} == {"db"}
    assert {row["Service"] for row in project.rows("--all", "--filter", "status=exited")} == {"web"}
    project.run("start", "web")
    assert project.rows("--orphans=false") and project.run("ps", "--format", "{{.Service}}").stdout.count("db") == 2

    assert project.name in lines(project.run("ls", "--quiet", "--filter", f"name={project.name}"))
    (row,) = json.loads(project.run("ls", "--all", "--format", "json", "--filter", f"name={project.name}").stdout)
    assert row["Status"] == "running(3)"

    images = json.loads(project.run("images", "--format", "json").stdout)
    assert {image["Repository"] for image in images} == {"busybox"}
    whole = project.machine.docker("image", "inspect", "-f", "{{.Id}}", "busybox").stdout.strip()
    assert lines(project.run("images", "--quiet"))[0] == whole.removeprefix("sha256:")

    assert project.run("port", "web", "80").stdout == "0.0.0.0:8095\n"
    assert project.run("port", "--protocol", "udp", "--index", "1", "web", "53").stdout == "0.0.0.0:8094\n"
    assert project.run("top", "web").stdout.count("sleep") >= 1
    rows = [json.loads(line) for line in lines(project.run("stats", "--no-stream", "--no-trunc", "--all", "--format", "json"))]
    assert {row["Name"] for row in rows} >= {f"{project.name}-web-1", f"{project.name}-db-2"}
    assert lines(project.run("volumes", "--quiet")) == [f"{project.name}_data"]
    assert json.loads(project.run("volumes", "--format", "json", "web").stdout)["Name"] == f"{project.name}_data"


def test_logs(ticking):
    project = ticking
    one = project.run("logs", "--no-color", "--index", "2", "db").stdout
    assert re.fullmatch(r"db-2 +\| up [0-9a-f]{12}\n", one)
    stamped = project.run("logs", "--timestamps", "--tail", "1", "--no-log-prefix", "web").stdout
    time_of = stamped.split()[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", time_of)
    assert project.run("logs", "--until", "2000-01-01T00:00:00Z", "web").stdout == ""
    assert "up" in project.run("logs", "--since", time_of, "web").stdout
    project.write({"services": {"brief": busybox("sh", "-c", "echo first; sleep 4; echo last")}})
    project.run("up", "-d", "--remove-orphans")
    assert lines(project.run("logs", "--follow", "--no-log-prefix", "brief"))[:2] == ["first", "last"], "until it ends"


def test_kill_pause_restart_rm_wait(ticking):
    project = ticking
    project.run("kill", "--signal", "HUP", "--remove-orphans", "web")
    wait_for(lambda: "hup" in project.run("logs", "web").stdout)
    project.run("pause", "web")
    assert project.states()["web-1"] == "paused"
    project.run("unpause", "web")
    assert project.states()["web-1"] == "running"
    started = inspected(project, "web")["State"]["StartedAt"]
    project.run("restart", "--no-deps", "--timeout", "0", "web")
    assert inspected(project, "web")["State"]["StartedAt"] > started
    project.run("rm", "--force", "--stop", "--volumes", "db")
    assert project.states() == {"web-1": "running"}
    project.write({"services": {"brief": busybox("sh", "-c", "sleep 3; exit 4"), "web": TICKS}})
    project.run("up", "-d")
    done = project.run("wait", "--down-project", "brief", check=False)
    assert done.returncode == 4 and project.states() == {}
    project.write({"services": {"good": busybox("sleep", "3"), "web": TICKS}})
    project.run("up", "-d")
    project.run("wait", "--down-project", "good")
    assert project.states() == {}


def test_exec_and_attach(ticking, tmp_path):
    project = ticking
    done = project.run("exec", "--no-tty", "--index", "2", "--user", "guest", "--workdir", "/tmp", "--env", "A=b", "db", "sh", "-c", "echo $(id -u) $(pwd) $A $(hostname)")
    assert done.stdout.split()[:3] == ["1000", "/tmp", "b"]
    second = project.machine.docker("inspect", "-f", "{{.Config.Hostname}}", f"{project.name}-db-2").stdout.strip()
    assert done.stdout.split()[3] == second
    assert project.run("exec", "-T", "--privileged", "db", "grep", "CapEff", "/proc/self/status").stdout.split()[1] == "000001ffffffffff"
    project.run("exec", "--detach", "web", "touch", "/tmp/made")
    wait_for(lambda: project.run("exec", "-T", "web", "ls", "/tmp/made", check=False).returncode == 0)
    project.write({"services": {"last": busybox("sh", "-c", "sleep 3; echo words")}})
    project.run("up", "-d", "--remove-orphans")
    heard = project.run("attach", "--no-stdin", "--index", "1", "--sig-proxy=false", "--detach-keys", "ctrl-x,d", "last")
    assert heard.stdout == "words\n"


def test_exec_as_debian_13_spells_it(machine, tmp_path):
    project = Project(machine, tmp_path, TRIXIE)
    try:
        project.write({"services": {"box": busybox("sleep", "1000")}})
        project.run("up", "-d")
        assert project.run("exec", "--no-TTY", "box", "echo", "through").stdout == "through\n"
    finally:
        project.close()


def test_cp_commit_export(ticking, tmp_path):
    project = ticking
    (tmp_path / "file").write_text("copied\n")
    project.run("cp", "--index", "2", "file", "db:/tmp/two")
    assert project.run("exec", "-T", "--index", "1", "db", "ls", "/tmp/two", check=False).returncode == 1
    project.run("cp", "--all", "--archive", "file", "db:/tmp/both")
    for index in ("1", "2"):
        assert project.run("exec", "-T", "--index", index, "db", "cat", "/tmp/both").stdout == "copied\n"
    project.run("exec", "-T", "web", "ln", "-s", "passwd", "/etc/link")
    project.run("cp", "--follow-link", "web:/etc/link", "followed")
    assert "guest" in (tmp_path / "followed").read_text()
    project.run("export", "--index", "2", "--output", "root.tar", "db")
    assert (tmp_path / "root.tar").stat().st_size > 1_000_000
    flags = ["--author", "me", "--change", "LABEL made=here", "--message", "why", "--pause=false", "--index", "1"]
    project.run("commit", *flags, "web", "cli/compose-commit")
    shown = json.loads(project.machine.docker("image", "inspect", "cli/compose-commit").stdout)[0]
    assert (shown["Author"], shown["Comment"], shown["Config"]["Labels"]["made"]) == ("me", "why", "here")
    project.machine.docker("rmi", "cli/compose-commit")


# --- what follows


def test_events_of_a_time(project):
    project.write({"services": {"web": busybox("true"), "other": busybox("true")}})
    since = project.machine.docker("info", "-f", "{{.SystemTime}}").stdout.strip()
    project.run("up", "--no-color")
    until = project.machine.docker("info", "-f", "{{.SystemTime}}").stdout.strip()
    told = project.run("events", "--json", "--since", since, "--until", until, "web", check=False)
    # To this client the end of the stream is a mistake, Docker's end, too.
    assert (told.returncode, told.stderr.strip()) in ((0, ""), (1, "EOF"))
    seen = [json.loads(line) for line in lines(told)]
    assert {one["service"] for one in seen} == {"web"} and {"create", "start", "die"} <= {one["action"] for one in seen}
    following = project.start("events", "--since", since, "other", stdout=subprocess.PIPE)
    try:
        first = following.stdout.readline()
        assert "container create" in first and f"name={project.name}-other-1" in first
    finally:
        following.terminate()
        following.wait(60)


@pytest.mark.parametrize("command", [["watch", "--no-up", "--quiet", "--prune"], ["up", "--watch"]], ids=" ".join)
def test_watching(project, command, tmp_path):
    source = project.directory / "source"
    source.mkdir()
    (project.directory / "Dockerfile").write_text("FROM busybox\n")
    rule = {"action": "sync", "path": "./source", "target": "/tmp/source"}
    project.write({"services": {"web": busybox("sleep", "1000", build={"context": "."}, develop={"watch": [rule]})}})
    project.run("up", "-d", "--no-build")
    watching, count = project.start(*command, stdout=subprocess.DEVNULL, stderr=(tmp_path / "said").open("w")), 0

    def arrives() -> bool:
        nonlocal count
        count += 1  # what is written before it watches is not seen
        (source / "file").write_text(f"{count}\n")
        assert watching.poll() is None, (tmp_path / "said").read_text()
        return project.run("exec", "-T", "web", "cat", "/tmp/source/file", check=False).stdout != ""

    try:
        wait_for(arrives)
    finally:
        watching.terminate()
        watching.wait(60)
