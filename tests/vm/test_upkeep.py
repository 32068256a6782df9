"""Looking after containers by the docker command line: diff, top, stats, rename, update, pause, prunes, df, events."""

from __future__ import annotations

import json
import uuid

import pytest

from clients import SID
from test_docker import wait_for

pytestmark = pytest.mark.usefixtures("loaded")

LOOP = ("busybox", "sh", "-c", "while :; do :; done")


@pytest.fixture
def box(docker):
    """Makes containers that are gone afterwards."""
    made = []

    def run(*args: str, verb: str = "run") -> str:
        made.append(f"up-{uuid.uuid4().hex[:8]}")
        docker(verb, *(["-d"] if verb == "run" else []), "--name", made[-1], *args)
        return made[-1]

    yield run
    for name in made:
        docker("rm", "-f", "-v", name, check=False)


def inspect(docker, name: str) -> dict:
    return json.loads(docker("inspect", name).stdout)[0]


def test_diff(docker, box):
    idle = box("busybox", "sleep", "1000")
    assert docker("diff", idle).stdout == ""
    script = "echo new > /root/new; mkdir /root/dir; touch /root/dir/f; echo x >> /etc/passwd; rm /etc/notexec; rm -r /www; mkdir /www"
    name = box("-v", "/vol", "busybox", "sh", "-c", f"{script}; touch /vol/hidden")
    assert docker("wait", name).stdout == "0\n"
    expected = ["C /etc", "C /etc/passwd", "D /etc/notexec", "C /root", "A /root/dir", "A /root/dir/f", "A /root/new"]
    expected += ["A /vol", "C /www", "D /www/index.html"]
    assert sorted(docker("diff", name).stdout.splitlines()) == sorted(expected)
    assert "No such container: nonesuch" in docker("diff", "nonesuch", check=False).stderr


def test_top(docker, box):
    name = box("busybox", "sleep", "1234")
    title, row = docker("top", name).stdout.splitlines()
    assert title.split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert row.split()[0] == "root" and row.endswith("sleep 1234")
    docker("kill", name)
    assert "is not running" in docker("top", name, check=False).stderr


def test_stats(docker, box):
    busy = box("--memory", "64m", "--pids-limit", "50", *LOOP)
    idle = box("--network", "none", "busybox", "sleep", "1000")
    stopped = box("busybox", "true", verb="create")
    shape = "{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}} {{.NetIO}}"
    lines = docker("stats", "--no-stream", "--format", shape, busy, idle, stopped).stdout.splitlines()
    rows = {line.split()[0]: line.split() for line in lines}
    assert float(rows[busy][1].rstrip("%")) > float(rows[idle][1].rstrip("%"))
    assert rows[busy][4] == "64MiB" and rows[busy][5] == "1"
    assert rows[idle][6:] == ["0B", "/", "0B"]
    assert rows[stopped][1] == "0.00%" and rows[stopped][5] == "0"
    assert "No such container: nonesuch" in docker("stats", "--no-stream", "nonesuch", check=False).stderr


def test_rename(docker, box):
    name, other = box("busybox", "sleep", "1000"), box("busybox", "true", verb="create")
    docker("rename", name, f"{name}-new")
    assert inspect(docker, f"{name}-new")["State"]["Running"]
    assert f'The container name "/{other}" is already in use' in docker("rename", f"{name}-new", other, check=False).stderr
    docker("rename", f"{name}-new", name)


def test_update(docker, box):
    name = box("--memory", "64m", "busybox", "sleep", "1000")
    limits = ("--memory", "80m", "--memory-swap", "-1", "--cpus", "0.5", "--cpu-shares", "512", "--pids-limit", "20")
    assert docker("update", *limits, "--restart", "on-failure:3", name).stdout == f"{name}\n"
    host = inspect(docker, name)["HostConfig"]
    assert (host["Memory"], host["NanoCpus"], host["CpuShares"], host["PidsLimit"]) == (80 << 20, 500_000_000, 512, 20)
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    group = "/sys/fs/cgroup"
    read = docker("exec", name, "cat", *(f"{group}/{file}" for file in ("memory.max", "cpu.max", "pids.max"))).stdout
    assert read.splitlines() == [str(80 << 20), "50000 100000", "20"]
    docker("restart", "-t", "0", name)
    assert docker("exec", name, "cat", f"{group}/memory.max").stdout == f"{80 << 20}\n"
    assert "Minimum memory limit allowed is 6MB" in docker("update", "--memory", "1m", name, check=False).stderr
    stopped = box("busybox", "cat", f"{group}/pids.max", verb="create")
    docker("update", "--pids-limit", "7", stopped)
    assert docker("start", "-a", stopped).stdout == "7\n"


def test_pause(docker, box):
    name = box("busybox", "sleep", "1000")
    docker("pause", name)
    assert inspect(docker, name)["State"]["Status"] == "paused"
    assert "is paused" in docker("exec", name, "true", check=False).stderr
    assert "is already paused" in docker("pause", name, check=False).stderr
    docker("unpause", name)
    assert docker("exec", name, "echo", "on").stdout == "on\n"
    assert "is not paused" in docker("unpause", name, check=False).stderr


def test_prunes_take_what_nobody_uses(docker, box):
    kept = box("-v", "/vol", "busybox", "sleep", "1000")
    spared = box("--label", "keep=1", "busybox", "true", verb="create")
    gone = box("busybox", "sh", "-c", "head -c 3000000 /dev/zero > /root/large")
    docker("wait", gone)
    said = docker("container", "prune", "-f", "--filter", "label!=keep").stdout
    assert "Total reclaimed space: 3MB" in said and len(said.splitlines()) >= 2
    names = docker("ps", "-a", "--format", "{{.Names}}").stdout.split()
    assert kept in names and spared in names and gone not in names

    named, volume = f"named-{uuid.uuid4().hex[:8]}", docker("volume", "create").stdout.strip()
    docker("volume", "create", named)
    said = docker("volume", "prune", "-f").stdout
    assert volume in said and named not in said
    assert named in docker("volume", "prune", "-f", "-a").stdout
    assert len(inspect(docker, kept)["Mounts"]) == 1 and docker("exec", kept, "ls", "/vol").stdout == ""

    dangling = docker("commit", kept).stdout.strip()
    docker("commit", kept, "pruned:v1")
    assert f"deleted: {dangling}" in docker("image", "prune", "-f").stdout
    assert docker("image", "inspect", "--format", "ok", "pruned:v1").stdout == "ok\n"
    said = docker("image", "prune", "-f", "-a", "--filter", "label!=none").stdout
    assert "untagged: pruned:v1" in said and "busybox:latest" not in said
    assert "invalid filter" in docker("container", "prune", "-f", "--filter", "nonsense=1", check=False).stderr


def test_volumes_without_a_name_go_with_their_container_and_labels_choose(docker, box):
    def volumes(*filters: str) -> set[str]:
        chosen = [part for one in filters for part in ("--filter", one)]
        return set(docker("volume", "ls", "-q", *chosen).stdout.split())

    before = volumes()
    docker("run", "--rm", "-v", "/gone", "busybox", "touch", "/gone/file")
    assert volumes() == before, "with --rm"
    kept = box("-v", "/kept", "busybox", "true", verb="create")
    anonymous = volumes() - before
    assert len(anonymous) == 1 and volumes("dangling=true").isdisjoint(anonymous)
    docker("rm", kept)
    assert anonymous <= volumes("dangling=true"), "without -v"
    labelled = docker("volume", "create", "--label", "tier=a").stdout.strip()
    assert volumes("label=tier") == volumes("label=tier=a") == {labelled} and volumes("label=tier=b") == set()
    said = docker("volume", "prune", "-f", "--filter", "label!=tier").stdout
    assert anonymous < set(said.split()) and labelled not in said
    assert labelled in docker("volume", "prune", "-f", "--filter", "label=tier=a").stdout


def test_system_df_and_prune(docker, box):
    name = box("-v", "/vol", "busybox", "sh", "-c", "head -c 2000000 /dev/zero > /root/f; head -c 1000000 /dev/zero > /vol/f; sleep 1000")
    docker("exec", name, "sh", "-c", "until test $(stat -c %s /vol/f) = 1000000; do sleep 0.1; done")
    rows = [json.loads(line) for line in docker("system", "df", "--format", "{{json .}}").stdout.splitlines()]
    by_type = {row["Type"]: row for row in rows}
    assert set(by_type) == {"Images", "Containers", "Local Volumes", "Build Cache"}
    assert int(by_type["Containers"]["Active"]) >= 1 and int(by_type["Local Volumes"]["Active"]) >= 1
    verbose = docker("system", "df", "-v").stdout
    assert next(line for line in verbose.splitlines() if line.endswith(name)).split().count("2MB") == 1
    said = docker("system", "prune", "-f").stdout
    assert "Total reclaimed space" in said
    assert inspect(docker, name)["State"]["Running"]


def events(docker, since: str, *filters: str) -> list[str]:
    chosen = [part for one in filters for part in ("--filter", one)]
    until = docker("info", "--format", "{{.SystemTime}}").stdout.strip()
    return docker("events", "--since", since, "--until", until, *chosen, "--format", "{{.Type}} {{.Action}}").stdout.splitlines()


def test_events_are_filtered(docker, box):
    since = docker("info", "--format", "{{.SystemTime}}").stdout.strip()
    name = box("--label", "color=green", "busybox", "true")
    docker("wait", name)
    other = box("busybox", "true", verb="create")
    docker("tag", "busybox", f"{name}:v1")
    docker("rmi", f"{name}:v1")
    life = ["container create", "container start", "container die"]
    assert [line for line in events(docker, since, f"container={name}") if line in life] == life
    assert events(docker, since, f"container={other}") == ["container create"]
    assert events(docker, since, "event=die", "label=color=green") == ["container die"]
    assert "image tag" in events(docker, since, "type=image")
    assert all(line.startswith("image ") for line in events(docker, since, "type=image"))
    assert events(docker, since, "image=busybox", "event=die") == ["container die"]
    assert events(docker, since, f"image={name}") == ["image tag", "image untag"]
    assert events(docker, since, "label=color=red") == []
    assert events(docker, since, "event=start", "event=die", f"container={name}") == ["container start", "container die"]


def test_what_runs_out_of_memory_is_told(docker, box):
    """Its main process, or another one; not what is killed by anybody else."""
    since = docker("info", "--format", "{{.SystemTime}}").stdout.strip()
    hungry = box("-m", "32m", "busybox", "tail", "/dev/zero")
    survivor = box("-m", "32m", "busybox", "sh", "-c", "tail /dev/zero; echo $?; exec sleep 1000")
    killed = box("-m", "32m", "busybox", "sleep", "1000")
    docker("kill", killed)
    assert docker("wait", hungry, killed).stdout == "137\n137\n"
    wait_for(lambda: docker("logs", survivor).stdout == "137\n")
    assert [inspect(docker, one)["State"]["OOMKilled"] for one in (hungry, killed)] == [True, False]
    assert events(docker, since, f"container={hungry}", "event=oom", "event=die") == ["container oom", "container die"]
    wait_for(lambda: events(docker, since, f"container={survivor}", "event=oom", "event=die") == ["container oom"])
    assert events(docker, since, f"container={killed}", "event=oom") == []
    until = docker("info", "--format", "{{.SystemTime}}").stdout.strip()
    chosen = ("--filter", f"container={hungry}", "--filter", "event=die", "--format", "{{.Actor.Attributes.exitCode}}")
    assert docker("events", "--since", since, "--until", until, *chosen).stdout == "137\n"
    docker("kill", survivor)
    docker("wait", survivor)
    assert inspect(docker, survivor)["State"]["OOMKilled"] is True
    docker("start", killed)
    assert inspect(docker, killed)["State"]["OOMKilled"] is False


def test_events_of_volumes_and_prunes(docker, box):
    since = docker("info", "--format", "{{.SystemTime}}").stdout.strip()
    name = box("-v", "/data", "busybox", "true")
    docker("wait", name)
    docker("top", name, check=False)
    volume = inspect(docker, name)["Mounts"][0]["Name"]
    assert events(docker, since, f"volume={volume}") == ["volume create", "volume mount", "volume unmount"]
    docker("network", "prune", "-f")
    docker("volume", "prune", "-f")
    assert events(docker, since, "event=prune") == ["network prune", "volume prune"]


def test_info_is_whole_and_warns_of_nothing_wrong(machine, docker):
    info = json.loads(machine.docker("info", "--format", "json", suite=SID).stdout)
    assert info["FirewallBackend"]["Driver"] == "nftables" and info["InitBinary"] == "docker-init"
    assert set(info["Plugins"]["Network"]) >= {"bridge", "host", "ipvlan", "macvlan", "null"}
    assert info["Plugins"]["Log"] == ["json-file", "local", "none"] and info["NFd"] > 0
    listening = info["NEventsListener"]
    assert listening == json.loads(docker("info", "--format", "json").stdout)["NEventsListener"]
    assert "WARNING" not in docker("info").stderr
