"""What stands before every command, contexts, events, and what is asked of the machine as a whole, by the docker command line."""

from __future__ import annotations

import json
import time

import pytest

from clients import SUITES, lines
from playground import name

pytestmark = pytest.mark.usefixtures("loaded")

NO_HOST = {"DOCKER_HOST": "", "DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": ""}


@pytest.fixture
def keys(machine) -> dict[str, str]:
    """What says who the machine and this client are."""
    return {name: f"{machine.cert_path}/{name}.pem" for name in ("ca", "cert", "key")}


# --- the client's own flags


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_the_machine_by_flags(machine, suite, keys, tmp_path):
    flags = ["--config", str(tmp_path), "--host", machine.docker_host, "--tlscacert", keys["ca"], "--tlscert", keys["cert"], "--tlskey", keys["key"]]
    asked = ["version", "--format", "{{.Server.Platform.Name}}"]
    done = machine.docker("--log-level", "debug", *flags, "--tlsverify", *asked, env=NO_HOST, suite=suite)
    assert done.stdout == "Diatom OS\n"
    assert machine.docker("--debug", *flags, "--tls", *asked, env=NO_HOST, suite=suite).stdout == "Diatom OS\n"
    stranger = machine.docker("--host", machine.docker_host, "--tls", "--tlscacert", keys["ca"], *asked, env=NO_HOST, suite=suite, check=False)
    assert stranger.returncode == 1 and "certificate" in stranger.stderr
    assert machine.docker("--version", suite=suite).stdout.startswith("Docker version")


def test_contexts(machine, docker, keys, tmp_path):
    env = NO_HOST | {"DOCKER_CONFIG": str(tmp_path / "config")}
    endpoint = f"host={machine.docker_host},ca={keys['ca']},cert={keys['cert']},key={keys['key']}"
    docker("context", "create", "--description", "a machine", "--docker", endpoint, "diatom", env=env)
    assert "busybox" in docker("--context", "diatom", "images", env=env).stdout
    docker("context", "create", "--from", "diatom", "copy", env=env)
    docker("context", "update", "--description", "another", "--docker", endpoint, "copy", env=env)
    shown = json.loads(docker("context", "inspect", "--format", "{{json .}}", "copy", env=env).stdout)
    assert (shown["Metadata"]["Description"], shown["Endpoints"]["docker"]["Host"]) == ("another", machine.docker_host)
    docker("context", "export", "copy", str(tmp_path / "copy.tar"), env=env)
    docker("context", "import", "again", str(tmp_path / "copy.tar"), env=env)
    assert set(lines(docker("context", "ls", "--quiet", env=env))) == {"default", "diatom", "copy", "again"}
    docker("context", "use", "again", env=env)
    assert docker("context", "show", env=env).stdout == "again\n"
    current = [row for row in map(json.loads, lines(docker("context", "ls", "--format", "json", env=env))) if row["Current"]]
    assert [row["Name"] for row in current] == ["again"]
    assert docker("version", "-f", "{{.Server.Platform.Name}}", env=env).stdout == "Diatom OS\n"
    docker("context", "rm", "--force", "again", env=env)
    assert "again" not in lines(docker("context", "ls", "-q", env=env))


# --- events


def test_events_of_a_time_and_of_a_kind(machine, docker, play):
    since = docker("info", "--format", "{{.SystemTime}}").stdout.strip()
    box = play.box("--label", "a=b")
    docker("kill", box)
    docker("wait", box)
    until = docker("info", "-f", "{{.SystemTime}}").stdout.strip()
    asked = ["events", "--since", since, "--until", until, "--filter", f"container={box}"]
    wanted = ["create", "start", "kill", "die"]
    deadline = time.monotonic() + 60
    while (seen := lines(docker(*asked, "--format", "{{.Action}}"))) != wanted and time.monotonic() < deadline:
        time.sleep(0.5)
    assert [action for action in seen if action in wanted] == wanted
    died = json.loads(docker(*asked, "-f", "event=die", "--format", "json").stdout)
    assert (died["Type"], died["Actor"]["Attributes"]["exitCode"], died["Actor"]["Attributes"]["a"]) == ("container", "137", "b")
    assert lines(docker("events", "--since", since, "--until", until, "-f", "label=a=b", "-f", "type=network")) == []


# --- the disk


def test_system_df(docker, play):
    box, volume = play.box("-v", f"{name()}:/v", command=("sh", "-c", "head -c 300000 /dev/zero > /v/file; sync; sleep 1000")), None
    rows = {row["Type"]: row for row in map(json.loads, lines(docker("system", "df", "--format", "json")))}
    assert int(rows["Containers"]["Active"]) >= 1 and rows["Build Cache"]["TotalCount"] == "0"
    whole = json.loads(docker("system", "df", "--verbose", "--format", "json").stdout)
    assert box in [row["Names"] for row in whole["Containers"]]
    mounted = docker("inspect", "-f", "{{(index .Mounts 0).Name}}", box).stdout.strip()
    (volume,) = [row for row in whole["Volumes"] if row["Name"] == mounted]
    assert volume["Links"] == "1" and volume["Size"].endswith("kB")
    play.close()
    docker("volume", "rm", mounted)


def test_system_prune(docker, play):
    box, volume, net = name(), name(), play.network("--label", "prune=me")
    docker("create", "--name", box, "--label", "prune=me", "busybox", "true")
    docker("volume", "create", "--label", "prune=me", volume)
    assert box in docker("ps", "-a", "--format", "{{.Names}}").stdout
    docker("commit", "-c", "LABEL prune=me", box, "cli/system-prune")
    docker("system", "prune", "--force", "--filter", "label=prune=me")
    assert docker("inspect", box, check=False).returncode == 1
    assert docker("network", "inspect", net, check=False).returncode == 1
    assert docker("image", "inspect", "cli/system-prune").returncode == 0
    anonymous = docker("volume", "create", "--label", "prune=me").stdout.strip()
    docker("system", "prune", "--all", "-f", "--volumes", "--filter", "label=prune=me")
    assert docker("image", "inspect", "cli/system-prune", check=False).returncode == 1
    assert docker("volume", "inspect", anonymous, check=False).returncode == 1
    assert docker("volume", "inspect", volume).returncode == 0, "volumes with a name stay"
    docker("volume", "rm", volume)


def test_builder_prune_finds_nothing(docker):
    done = docker("builder", "prune", "--all", "--force", "--filter", "until=1h", "--keep-storage", "1gb")
    assert done.stdout == "Total reclaimed space: 0B\n"


# --- inspect


def test_inspect_of_anything(docker, play):
    net, box = play.network(), play.box()
    assert docker("inspect", "--type", "network", "-f", "{{.Name}}", net).stdout == f"{net}\n"
    assert docker("inspect", "-f", "{{.Name}}", net, box).stdout == f"{net}\n/{box}\n"
    assert docker("inspect", "--type", "volume", box, check=False).returncode == 1


