"""What this version does not have: the docker command line is told so, by name and with the reason."""

from __future__ import annotations

import pytest

from clients import SUITES

pytestmark = pytest.mark.usefixtures("loaded")

MANAGER = "not a swarm manager"
SWARM = [
    "swarm ca", "swarm init", "swarm join 10.0.2.2:2377", "swarm join-token worker", "swarm leave", "swarm unlock-key", "swarm update --autolock=false",
    "node demote x", "node inspect x", "node ls", "node promote x", "node ps x", "node rm x", "node update x",
    "service create busybox", "service inspect x", "service logs x", "service ls", "service ps x", "service rm x",
    "service rollback x", "service scale x=1", "service update x",
    "stack deploy -c {file} x", "stack ls", "stack ps x", "stack rm x", "stack services x",
    "config create x {file}", "config inspect x", "config ls", "config rm x",
    "secret create x {file}", "secret inspect x", "secret ls", "secret rm x",
]  # fmt: skip
PLUGINS = [
    "plugin create x {folder}", "plugin disable x", "plugin enable x", "plugin inspect x", "plugin install x", "plugin ls",
    "plugin push x", "plugin rm x", "plugin set x a=b", "plugin upgrade x",
]  # fmt: skip


@pytest.fixture
def refused(machine, tmp_path):
    folder, file = tmp_path / "plugin", tmp_path / "file.yaml"
    (folder / "rootfs").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    file.write_text("services: {web: {image: busybox}}\n")

    def run(command: str, suite, **options) -> str:
        words = [word.format(folder=folder, file=file) for word in command.split()]
        done = machine.docker(*words, check=False, suite=suite, **options)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr

    return run


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
@pytest.mark.parametrize("command", SWARM)
def test_swarm(refused, suite, command):
    assert MANAGER in refused(command, suite)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_unlocking_a_swarm(refused, suite):
    assert "not part of a swarm" in refused("swarm unlock", suite, input="key")


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
@pytest.mark.parametrize("command", PLUGINS)
def test_plugins(refused, suite, command):
    assert "engine plugins are not in this version" in refused(command, suite)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_searching(refused, suite):
    for flags in ("", "--filter is-official=true ", "--format {{{{.Name}}}} ", "--limit 5 ", "--no-trunc "):
        assert "searching registries is not in this version" in refused(f"search {flags}busybox", suite)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_checkpoints(refused, suite):
    for command in ("checkpoint create x y", "checkpoint ls x", "checkpoint rm x y", "start --checkpoint y x", "start --checkpoint-dir /d x"):
        assert "experimental" in refused(command, suite)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_building(refused, suite, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\n")
    assert "building images is not in this version" in refused(f"build {tmp_path}", suite)


def test_what_nothing_is_called_is_no_such_object(docker):
    """inspect asks for a plugin last, and tells what that answer is."""
    assert "no such object: nothing-of-that-name" in docker("inspect", "nothing-of-that-name", check=False).stderr.lower()
