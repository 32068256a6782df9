"""`diatom compose up` against docker compose on an engine that only remembers: the same containers, networks and volumes
are asked for, and each leaves alone what the other has made."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from fake_engine import FakeEngine

DIATOM = [os.environ.get("DIATOM", str(Path(__file__).parents[2] / "build/asan/diatom")), "compose"]
ORACLE = ["docker-compose"]
PROJECT = Path(__file__).parent / "project"
DEPENDS_ON = "com.docker.compose.depends_on"
UNORDERED = {"Env", "Links", "Aliases", "Mounts", "Ulimits", "Binds"}
# The address stands in IPAMConfig too; the size of a console that nobody looks at says nothing.
REDUNDANT = {"IPAddress", "GlobalIPv6Address", "ConsoleSize"}


@pytest.fixture
def engines(tmp_path: Path):
    made = [FakeEngine(tmp_path / "ours.sock"), FakeEngine(tmp_path / "theirs.sock")]
    yield made
    for engine in made:
        engine.shutdown()
        engine.server_close()


def run(program: list[str], engine: FakeEngine, *arguments: str) -> subprocess.CompletedProcess:
    env = {"HOME": "/root", "PATH": os.environ["PATH"], "DOCKER_HOST": engine.host}
    command = [*program, "-p", "proj", *arguments]
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


def plain(value: object, key: str = "", names: dict[str, str] | None = None) -> object:
    """Without what is empty, which the API takes for what is not there; containers by name, not by id."""
    if isinstance(value, dict):
        made = {k: plain(v, k, names) for k, v in value.items() if k not in REDUNDANT}
        return {k: v for k, v in made.items() if v or k in ("ExposedPorts", "VolumeOptions")}
    if isinstance(value, list):
        items = [plain(item, key, names) for item in value]
        return sorted(items, key=in_order) if key in UNORDERED else items
    if isinstance(value, str):
        for id, name in (names or {}).items():
            value = value.replace(id, name)
        if key == DEPENDS_ON:  # docker compose walks a map, whose order differs each time
            return ",".join(sorted(value.split(",")))
    return value


def in_order(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def created(engine: FakeEngine) -> dict[str, object]:
    names = {id: container["Name"] for id, container in engine.containers.items()}
    return {name: plain(body, "", names) for name, body in engine.bodies("/containers/create").items()}


def posted(engine: FakeEngine, end: str) -> list[object]:
    names = {id: container["Name"] for id, container in engine.containers.items()}
    bodies = [plain(body, "", names) for method, path, _, body in engine.calls if method == "POST" and path.endswith(end)]
    return sorted(bodies, key=in_order)


def test_asks_for_the_same(engines) -> None:
    ours, theirs = engines
    run(DIATOM, ours, "up", "-d")
    run(ORACLE, theirs, "up", "-d")
    assert ours.names() == theirs.names()
    mine, other = created(ours), created(theirs)
    for name in other:
        assert mine[name] == other[name], name
    assert posted(ours, "/networks/create") == posted(theirs, "/networks/create")
    assert posted(ours, "/connect") == posted(theirs, "/connect")
    assert posted(ours, "/volumes/create") == posted(theirs, "/volumes/create")


@pytest.mark.parametrize(("first", "second"), [(DIATOM, ORACLE), (ORACLE, DIATOM)], ids=["ours_first", "theirs_first"])
def test_leaves_the_others_containers_alone(engines, first: list[str], second: list[str]) -> None:
    engine = engines[0]
    run(first, engine, "up", "-d")
    before = dict(engine.containers)
    run(second, engine, "up", "-d")
    assert set(engine.containers) == set(before)
    shown = set(run(second, engine, "ps", "-q").stdout.split())
    assert shown >= {id for id, container in engine.containers.items() if container["running"]}
    run(second, engine, "down", "-v")
    assert not engine.containers and not engine.networks and not engine.volumes


def test_lists_the_same_projects(engines) -> None:
    engine = engines[0]
    run(DIATOM, engine, "up", "-d")
    ours, theirs = (json.loads(run(program, engine, "ls", "-a", "--format", "json").stdout) for program in (DIATOM, ORACLE))
    assert [project["Name"] for project in ours] == ["proj"]
    assert ours == theirs


def test_wait_is_over_when_what_was_to_end_has_ended(engines) -> None:
    for program, engine in zip((DIATOM, ORACLE), engines):
        run(program, engine, "up", "--wait")
        assert {c["Name"] for c in engine.containers.values() if not c["running"]} == {"proj-job-1"}


def test_makes_anew_only_what_differs(engines, tmp_path: Path) -> None:
    engine = engines[0]
    file = tmp_path / "compose.yaml"
    file.write_text("services: {a: {image: a}, b: {image: b}}\n")
    run(DIATOM, engine, "-f", str(file), "up", "-d")
    before = {container["Name"]: id for id, container in engine.containers.items()}
    file.write_text("services: {a: {image: a, command: [x]}, b: {image: b}}\n")
    run(DIATOM, engine, "-f", str(file), "up", "-d")
    after = {container["Name"]: id for id, container in engine.containers.items()}
    assert after["proj-a-1"] != before["proj-a-1"]
    assert after["proj-b-1"] == before["proj-b-1"]


def test_scales_up_and_down_and_removes_orphans(engines, tmp_path: Path) -> None:
    engine = engines[0]
    file = tmp_path / "compose.yaml"
    file.write_text("services: {a: {image: a}, b: {image: b}}\n")
    run(DIATOM, engine, "-f", str(file), "up", "-d", "--scale", "a=3")
    assert engine.names() == ["proj-a-1", "proj-a-2", "proj-a-3", "proj-b-1"]
    file.write_text("services: {a: {image: a}}\n")
    told = run(DIATOM, engine, "-f", str(file), "up", "-d")
    assert "proj-b-1  belongs to no service" in told.stderr
    assert engine.names() == ["proj-a-1", "proj-b-1"]
    run(DIATOM, engine, "-f", str(file), "up", "-d", "--remove-orphans")
    assert engine.names() == ["proj-a-1"]


def test_stop_start_restart_rm(engines) -> None:
    engine = engines[0]
    run(DIATOM, engine, "up", "-d")
    run(DIATOM, engine, "stop", "web")
    running = {container["Name"]: container["running"] for container in engine.containers.values()}
    assert not running["proj-web-1"] and running["proj-db-1"]
    run(DIATOM, engine, "start", "web")
    assert next(c for c in engine.containers.values() if c["Name"] == "proj-web-1")["running"]
    run(DIATOM, engine, "restart", "web")
    run(DIATOM, engine, "rm", "-fs", "web")
    assert "proj-web-1" not in engine.names()


def test_contents_are_written_before_the_start(engines, tmp_path: Path) -> None:
    engine = engines[0]
    file = tmp_path / "compose.yaml"
    file.write_text(
        "services: {a: {image: a, configs: [c], secrets: [{source: s, target: /x/y, mode: 0400}]}}\n"
        "configs: {c: {content: hello}}\nsecrets: {s: {environment: HOME}}\n"
    )
    run(DIATOM, engine, "-f", str(file), "up", "-d")
    steps = [(method, path.rsplit("/", 1)[-1]) for method, path, _, _ in engine.calls if method in ("PUT", "POST")]
    assert steps.index(("PUT", "archive")) < steps.index(("POST", "start"))
    archives = [body for method, _, _, body in engine.calls if method == "PUT"]
    assert any(b"hello" in archive for archive in archives) and any(b"/root" in archive for archive in archives)
