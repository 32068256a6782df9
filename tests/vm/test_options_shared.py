"""What containers have of each other and of their logs, by the docker command line: IPC namespaces, log options."""

from __future__ import annotations

import json

import pytest
from test_docker import name, wait_for
from test_faults import kill_engine

from conftest import assert_invariants, shell

pytestmark = pytest.mark.usefixtures("loaded")


def start_error(docker, *args: str) -> str:
    done = docker("run", "--rm", *args, "busybox", "true", check=False)
    assert done.returncode == 125, done.stdout + done.stderr
    return done.stderr


# --- --ipc


def test_ipc_shares_memory(play, docker, loaded):
    owner = play.box("--ipc", "shareable", "--shm-size", "1m", command=("sh", "-c", "echo shared > /dev/shm/file; sleep 100000"))
    joins = ("--ipc", f"container:{owner}")
    client = play.box(*joins)
    assert play.sh(client, "cat /dev/shm/file") == "shared\n"
    assert "size=1024k" in play.sh(client, "grep ' /dev/shm ' /proc/mounts")
    assert play.sh(client, "busybox readlink /proc/self/ns/ipc") == play.sh(owner, "busybox readlink /proc/self/ns/ipc")
    play.sh(client, "echo back > /dev/shm/other")
    kill_engine(loaded, "user")
    loaded.wait_api()
    assert docker("run", "--rm", *joins, "busybox", "cat", "/dev/shm/other").stdout == "back\n"
    assert play.sh(owner, "cat /dev/shm/other") == "back\n"
    # Who has joined may be joined; the host's is shared as well.
    assert docker("run", "--rm", "--ipc", f"container:{client}", "busybox", "cat", "/dev/shm/file").stdout == "shared\n"
    assert_invariants(loaded)
    play.close()
    gone = docker("run", "--rm", *joins, "busybox", "true", check=False)
    assert gone.returncode == 125 and f"No such container: {owner}" in gone.stderr
    assert "/dev/shm" not in shell(loaded, "grep /staged/ /proc/mounts || true")
    assert_invariants(loaded)


def test_ipc_refuses_what_is_not_shareable(play, docker):
    for mode in ([], ["--ipc", "private"], ["--ipc", "none"], ["--ipc", "shareable", "--tmpfs", "/dev/shm"]):
        owner = play.box(*mode)
        assert "non-shareable IPC" in start_error(docker, "--ipc", f"container:{owner}"), mode
        play.close()
    assert "invalid IPC mode" in start_error(docker, "--ipc", "sideways")
    play.box(command=("true",))
    assert docker("inspect", "-f", "{{.HostConfig.IpcMode}}", play.boxes[-1]).stdout == "private\n"


# --- --log-driver, --log-opt


def test_log_entries_carry_labels_variables_and_tag(docker, play):
    options = ("labels=color", "labels-regex=^org[.]", "env=A", "env-regex=MODE$", "tag={{.Name}}/{{.ImageName}}", "mode=non-blocking", "max-buffer-size=2m")
    about = ("-l", "color=red", "-l", "org.one=1", "-l", "other=2", "-e", "A=b", "-e", "APP_MODE=x", "-e", "B=c")
    box = play.box(*[word for option in options for word in ("--log-opt", option)], *about, command=("echo", "said"))
    wait_for(lambda: docker("logs", box).stdout == "said\n")
    tag = f"{box}%2Fbusybox"
    assert docker("logs", "--details", box).stdout == f"A=b,APP_MODE=x,color=red,org.one=1,tag={tag} said\n"
    config = json.loads(docker("inspect", box).stdout)[0]["HostConfig"]["LogConfig"]
    assert config["Type"] == "json-file" and config["Config"]["tag"] == "{{.Name}}/{{.ImageName}}"
    for option, why in (
        ("labels-regex=(?s)x", "labels-regex"),
        ("tag={{.Colour}}", ".Colour"),
        ("mode=sideways", "sideways"),
        ("max-buffer-size=1m", "mode=non-blocking"),
        ("colour=red", "unknown log opt 'colour'"),
    ):
        assert why in start_error(docker, "--log-opt", option)


@pytest.mark.parametrize("driver", ["local", "json-file"])
def test_rotated_logs_are_compressed_and_read(docker, play, loaded, driver):
    options = ("--log-driver", driver, "--log-opt", "max-size=20k", "--log-opt", "max-file=3", "--log-opt", "compress=true")
    box = play.box(*options, command=("sh", "-c", "i=0; while [ $i -lt 1200 ]; do echo line $i; i=$((i+1)); [ $((i % 50)) -ne 0 ] || sleep 0.1; done; sleep 100000"))
    wait_for(lambda: docker("logs", "--tail", "1", box).stdout == "line 1199\n")
    data = json.loads(docker("inspect", box).stdout)[0]
    assert data["HostConfig"]["LogConfig"]["Type"] == driver and bool(data["LogPath"]) == (driver == "json-file")
    log = f"/var/lib/diatom/user/containers/{data['Id']}"
    wait_for(lambda: "-json.log.2.gz\n" in docker("run", "--rm", "-v", f"{log}:/log", "busybox", "ls", "/log").stdout)
    lines = docker("logs", box).stdout.splitlines()
    first = int(lines[0].split()[1])
    assert 300 < first < 1000 and lines == [f"line {i}" for i in range(first, 1200)]
    assert docker("logs", "--tail", "150", box).stdout.splitlines() == lines[-150:]
    kill_engine(loaded, "user")
    loaded.wait_api()
    assert docker("logs", box).stdout.splitlines() == lines
    docker("restart", "-t", "0", box)
    wait_for(lambda: docker("logs", "--tail", "1201", box).stdout.count("line 1199\n") == 1)


def test_log_drivers(docker, box_name):
    docker("run", "--name", box_name, "--log-driver", "local", "busybox", "echo", "kept")
    assert docker("logs", box_name).stdout == "kept\n"
    assert "unknown log opt 'tag' for local" in start_error(docker, "--log-driver", "local", "--log-opt", "tag=x")
    assert "syslog" in start_error(docker, "--log-driver", "syslog")
    assert "compress" in start_error(docker, "--log-opt", "compress=true", "--log-opt", "max-file=1")


@pytest.fixture
def box_name(docker):
    given = name()
    yield given
    docker("rm", "-f", "-v", given, check=False)
