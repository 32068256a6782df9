"""Every option of `docker create` is kept, as `docker inspect` tells; and those of `docker run` that no other test asks for."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

import clients
from clients import SID
from conftest import shell
from playground import name
from test_docker import wait_for

pytestmark = pytest.mark.usefixtures("loaded")

DISK = "/dev/vda"
# Flags, where inspect has them, and what it then says. Sid's command line says more than Debian 13's of devices.
PROCESS = [
    (["--entrypoint", "sh"], "Config.Entrypoint", ["sh"]),
    (["--workdir", "/root"], "Config.WorkingDir", "/root"),
    (["--user", "guest"], "Config.User", "guest"),
    (["--group-add", "7"], "HostConfig.GroupAdd", ["7"]),
    (["--hostname", "front"], "Config.Hostname", "front"),
    (["--domainname", "example.org"], "Config.Domainname", "example.org"),
    (["--label", "one=1"], "Config.Labels.one", "1"),
    (["--annotation", "note=kept"], "HostConfig.Annotations", {"note": "kept"}),
    (["--interactive"], "Config.OpenStdin", True),
    (["--tty"], "Config.Tty", True),
    (["--attach", "stdout"], "Config.AttachStdout", True),
    (["--expose", "8080"], "Config.ExposedPorts", {"8080/tcp": {}}),
    (["--stop-signal", "SIGQUIT"], "Config.StopSignal", "SIGQUIT"),
    (["--stop-timeout", "7"], "Config.StopTimeout", 7),
    (["--init"], "HostConfig.Init", True),
    (["--health-cmd", "true"], "Config.Healthcheck.Test", ["CMD-SHELL", "true"]),
    (["--health-interval", "3s"], "Config.Healthcheck.Interval", 3_000_000_000),
    (["--health-timeout", "4s"], "Config.Healthcheck.Timeout", 4_000_000_000),
    (["--health-retries", "5"], "Config.Healthcheck.Retries", 5),
    (["--health-start-period", "6s"], "Config.Healthcheck.StartPeriod", 6_000_000_000),
    (["--health-start-interval", "1s"], "Config.Healthcheck.StartInterval", 1_000_000_000),
    (["--restart", "on-failure:2"], "HostConfig.RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 2}),
    (["--runtime", "diatom"], "HostConfig.Runtime", "diatom"),
    (["--log-driver", "json-file", "--log-opt", "max-size=1m"], "HostConfig.LogConfig.Type", "json-file"),
    (["--disable-content-trust", "--pull", "never", "--quiet", "--platform", "linux/amd64"], "Config.Image", "busybox"),
]
RESOURCES = [
    (["--memory", "64m"], "HostConfig.Memory", 64 << 20),
    (["--memory-swap", "96m"], "HostConfig.MemorySwap", 96 << 20),
    (["--memory-reservation", "32m"], "HostConfig.MemoryReservation", 32 << 20),
    (["--cpu-shares", "512"], "HostConfig.CpuShares", 512),
    (["--cpu-period", "50000"], "HostConfig.CpuPeriod", 50_000),
    (["--cpu-quota", "20000"], "HostConfig.CpuQuota", 20_000),
    (["--cpuset-cpus", "0"], "HostConfig.CpusetCpus", "0"),
    (["--cpuset-mems", "0"], "HostConfig.CpusetMems", "0"),
    (["--pids-limit", "44"], "HostConfig.PidsLimit", 44),
    (["--blkio-weight", "200"], "HostConfig.BlkioWeight", 200),
    (["--device-read-bps", f"{DISK}:1mb"], "HostConfig.BlkioDeviceReadBps", [{"Path": DISK, "Rate": 1 << 20}]),
    (["--device-write-bps", f"{DISK}:2mb"], "HostConfig.BlkioDeviceWriteBps", [{"Path": DISK, "Rate": 2 << 20}]),
    (["--device-read-iops", f"{DISK}:300"], "HostConfig.BlkioDeviceReadIOps", [{"Path": DISK, "Rate": 300}]),
    (["--device-write-iops", f"{DISK}:400"], "HostConfig.BlkioDeviceWriteIOps", [{"Path": DISK, "Rate": 400}]),
    (["--oom-score-adj", "100"], "HostConfig.OomScoreAdj", 100),
    (["--ulimit", "nofile=64:128"], "HostConfig.Ulimits", [{"Name": "nofile", "Hard": 128, "Soft": 64}]),
    (["--shm-size", "1m"], "HostConfig.ShmSize", 1 << 20),
    (["--storage-opt", "size=64m"], "HostConfig.StorageOpt", {"size": "64m"}),
    (["--cgroup-parent", "/cli"], "HostConfig.CgroupParent", "/cli"),
    (["--cgroupns", "private"], "HostConfig.CgroupnsMode", "private"),
    (["--ipc", "private"], "HostConfig.IpcMode", "private"),
    (["--pid", "host"], "HostConfig.PidMode", "host"),
    (["--uts", "host"], "HostConfig.UTSMode", "host"),
    (["--userns", "host"], "HostConfig.UsernsMode", "host"),
    (["--cap-add", "SYSLOG"], "HostConfig.CapAdd", ["CAP_SYSLOG"]),
    (["--cap-drop", "CHOWN"], "HostConfig.CapDrop", ["CAP_CHOWN"]),
    (["--security-opt", "no-new-privileges"], "HostConfig.SecurityOpt", ["no-new-privileges"]),
    (["--sysctl", "net.ipv4.ip_forward=1"], "HostConfig.Sysctls", {"net.ipv4.ip_forward": "1"}),
    (["--device-cgroup-rule", "c 1:11 r"], "HostConfig.DeviceCgroupRules", ["c 1:11 r"]),
    (["--device", "/dev/kmsg"], "HostConfig.Devices", [{"PathOnHost": "/dev/kmsg", "PathInContainer": "/dev/kmsg", "CgroupPermissions": "rwm"}]),
    (["--no-healthcheck"], "Config.Healthcheck.Test", ["NONE"]),
    (["--privileged"], "HostConfig.Privileged", True),
]


def at(document: dict, path: str):
    for word in path.split("."):
        document = document[word]
    return document


@pytest.fixture
def create(machine, play):
    """Makes a container of sid's command line, and tells what is kept of it."""

    def run(*args: str, command: tuple[str, ...] = ("true",)) -> tuple[str, dict]:
        box = name()
        play.boxes.append(box)
        machine.docker("create", "--name", box, *args, "busybox", *command, suite=SID)
        return box, json.loads(machine.docker("container", "inspect", box).stdout)[0]

    return run


@pytest.mark.parametrize("kept", [PROCESS, RESOURCES], ids=["process", "resources"])
def test_create_keeps(create, docker, kept):
    box, shown = create(*[word for flags, _, _ in kept for word in flags], command=("-c", "true") if kept is PROCESS else ("true",))
    assert {path: at(shown, path) for _, path, _ in kept} == {path: value for _, path, value in kept}
    docker("start", box)
    wait_for(lambda: docker("inspect", "-f", "{{.State.ExitCode}} {{.State.Status}}", box).stdout == "0 exited\n")


def test_create_keeps_files_of_the_client(create, docker, tmp_path):
    (tmp_path / "env").write_text("A=1\n")
    (tmp_path / "labels").write_text("x=y\n")
    cid = tmp_path / "cid"
    box, shown = create("--rm", "--cidfile", str(cid), "--env-file", str(tmp_path / "env"), "--env", "B=2", "--label-file", str(tmp_path / "labels"), command=("sh", "-c", "echo $A $B"))
    assert cid.read_text() == shown["Id"] and shown["Config"]["Labels"] == {"x": "y"}
    assert docker("start", "--attach", box).stdout == "1 2\n"
    wait_for(lambda: docker("inspect", box, check=False).returncode == 1)


def test_create_keeps_networks_and_names(create, docker, play):
    net = play.network("--subnet", "10.87.0.0/24", "--ipv6", "--subnet", "fd87::/64")
    web = play.web("--network", net)
    flags = ["--network", net, "--network-alias", "site", "--ip", "10.87.0.77", "--ip6", "fd87::77", "--mac-address", "02:00:00:00:00:77", "--link-local-ip", "169.254.9.9", "--link", f"{web}:db"]
    box, _ = create(*flags, "--publish", "8096:80", "--publish-all", "--expose", "81", command=("sleep", "1000"))
    docker("start", box)
    joined = json.loads(docker("inspect", box).stdout)[0]["NetworkSettings"]["Networks"][net]
    assert (joined["IPAddress"], joined["GlobalIPv6Address"], joined["MacAddress"]) == ("10.87.0.77", "fd87::77", "02:00:00:00:00:77")
    assert "site" in joined["Aliases"]
    assert play.lookup(box, "db") == [play.address(web, net)]
    ports = docker("port", box).stdout
    assert "80/tcp -> 0.0.0.0:8096" in ports and "81/tcp -> 0.0.0.0:" in ports
    resolver = ["--dns", "192.0.2.53", "--dns-option", "ndots:2", "--dns-search", "example.org", "--add-host", "other:192.0.2.7"]
    box, _ = create(*resolver, command=("cat", "/etc/resolv.conf", "/etc/hosts"))
    said = docker("start", "-a", box).stdout
    assert {"192.0.2.53", "search example.org", "ndots:2", "192.0.2.7\tother"} == {part for part in ("192.0.2.53", "search example.org", "ndots:2", "192.0.2.7\tother") if part in said}


def test_create_keeps_mounts(create, docker, play):
    volume = name()
    other, _ = create("-v", "/from", command=("sh", "-c", "echo theirs > /from/file"))
    docker("start", "-a", other)
    flags = ["--read-only", "--tmpfs", "/t:size=1m", "--volumes-from", other, "--volume", f"{volume}:/v", "--volume-driver", "local"]
    box, _ = create(*flags, "--mount", "type=volume,target=/m", command=("sh", "-c", "cat /from/file; echo a > /t/f && echo b > /v/f && echo c > /m/f && echo ok; touch /x"))
    done = docker("start", "-a", box, check=False)
    assert done.stdout == "theirs\nok\n" and "Read-only file system" in done.stderr
    docker("rm", "-v", box)
    docker("volume", "rm", volume)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--gpus", "all"], "no device driver"),
        (["--cpu-rt-period", "1000"], "no real-time scheduling"),
        (["--cpu-rt-runtime", "1000"], "no real-time scheduling"),
        (["--isolation", "hyperv"], "invalid isolation"),
        (["--mount", "type=npipe,source=a,target=/b"], "npipe"),
        (["--mount", "type=cluster,source=a,target=/b"], "cluster"),
        (["--volume-driver", "nonesuch"], 'the driver "local" only'),
        (["--log-driver", "syslog"], "syslog"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_create_and_run_refuse(machine, flags, why):
    for verb in ("create", "run"):
        done = machine.docker(verb, *flags, "busybox", "true", check=False, suite=SID)
        assert done.returncode != 0 and why in done.stderr, done.stderr


@pytest.mark.parametrize("verb", ["create", "run"])
def test_what_linux_or_cgroup_v2_has_not(docker, play, verb):
    for flags in (["--cpu-count", "1"], ["--cpu-percent", "50"], ["--io-maxbandwidth", "1m"], ["--io-maxiops", "100"]):
        done = docker(verb, *flags, "busybox", "true", check=False)
        assert done.returncode != 0 and "only supported on a Docker daemon running on windows" in done.stderr
    box = name()
    play.boxes.append(box)
    done = docker(verb, "--isolation", "default", "--kernel-memory", "8m", "--memory-swappiness", "10", "--oom-kill-disable", "--cpus", "0.5", "--name", box, "busybox", "true")
    assert "Memory swappiness discarded" in done.stderr and "OomKillDisable discarded" in done.stderr
    assert docker("inspect", "-f", "{{.HostConfig.NanoCpus}}", box).stdout == "500000000\n"


# --- docker run


def test_run_limits_devices(machine):
    limits = ["--device-read-bps", f"{DISK}:1mb", "--device-write-bps", f"{DISK}:2mb", "--device-read-iops", f"{DISK}:300", "--device-write-iops", f"{DISK}:400"]
    done = machine.docker("run", "--rm", *limits, "busybox", "cat", "/sys/fs/cgroup/io.max", suite=SID)
    assert set(done.stdout.split()[1:]) == {"rbps=1048576", "wbps=2097152", "riops=300", "wiops=400"}


def test_run_weighs_a_disk_that_the_kernel_weighs(machine, create, docker):
    weight = ["--blkio-weight-device", f"{DISK}:200"]
    refused = machine.docker("run", "--rm", *weight, "busybox", "true", check=False, suite=SID)
    assert refused.returncode != 0 and "io.weight" in refused.stderr
    device = shell(machine, f"cat /sys/class/block/{DISK.removeprefix('/dev/')}/dev").strip()
    shell(machine, f"echo {device} enable=1 > /sys/fs/cgroup/io.cost.qos")
    try:
        assert f"{device} 1920" in machine.docker("run", "--rm", *weight, "busybox", "cat", "/sys/fs/cgroup/io.weight", suite=SID).stdout
        box, shown = create(*weight, command=("cat", "/sys/fs/cgroup/io.weight"))
        assert shown["HostConfig"]["BlkioWeightDevice"] == [{"Path": DISK, "Weight": 200}]
        assert f"{device} 1920" in docker("start", "-a", box).stdout
    finally:
        shell(machine, f"echo {device} enable=0 > /sys/fs/cgroup/io.cost.qos")


@pytest.mark.parametrize("verb", ["create", "run"])
def test_the_engines_socket_inside(machine, docker, play, tmp_path, verb):
    box = name()
    play.boxes.append(box)
    machine.docker(verb, "--use-api-socket", "--name", box, "busybox", "sh", "-c", "test -S /var/run/docker.sock && echo there", suite=SID, env={"DOCKER_CONFIG": str(tmp_path)})
    if verb == "create":
        docker("start", "-a", box)
    assert docker("logs", box).stdout == "there\n"


def test_run_attaches_what_is_asked_for(docker):
    both = ("busybox", "sh", "-c", "echo out; echo err >&2; sleep 1")
    done = docker("run", "--rm", "--attach", "stderr", "--disable-content-trust", *both)
    assert (done.stdout, done.stderr) == ("", "err\n")
    assert docker("run", "--rm", "-a", "stdout", *both).stdout == "out\n"


def test_run_with_detach_keys_of_ones_own(docker, docker_tty, play):
    box = name()
    play.boxes.append(box)
    with docker_tty("run", "-it", "--name", box, "--detach-keys", "ctrl-x,d", "busybox", "sh") as terminal:
        terminal.leave_shell()
    assert docker("inspect", "-f", "{{.State.Running}}", box).stdout == "true\n"


@pytest.mark.parametrize("proxied", [True, False])
def test_run_passes_signals_on_or_not(machine, docker, play, proxied):
    box = name()
    play.boxes.append(box)
    script = "trap 'echo told; exit 0' HUP; echo up; while :; do sleep 0.1; done"
    arguments = ["run", "--name", box, f"--sig-proxy={str(proxied).lower()}", "busybox", "sh", "-c", script]
    client = subprocess.Popen([clients.TRIXIE.docker, *arguments], env=os.environ | machine.api.environment, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "up\n"
    client.send_signal(signal.SIGHUP)
    clients.record(clients.TRIXIE, arguments, client.wait(60), "")
    if proxied:
        assert client.returncode == 0 and client.stdout.read() == "told\n"
    else:
        assert docker("logs", box).stdout == "up\n" and docker("inspect", "-f", "{{.State.Running}}", box).stdout == "true\n"


def test_run_without_check_and_with_random_ports(docker, play):
    box = play.box("--publish-all", "--expose", "80", "--health-cmd", "true", "--no-healthcheck=false")
    assert "80/tcp -> 0.0.0.0:" in docker("port", box).stdout
    quiet = docker("run", "--rm", "--no-healthcheck", "--user", "guest", "--tty=false", "busybox", "id", "-u").stdout
    assert quiet == "1000\n"


def test_run_with_drivers_and_the_ipc_namespace_of_another(docker, play):
    volume = name()
    flags = ["--log-driver", "local", "--log-opt", "max-size=1m", "--volume-driver", "local", "-v", f"{volume}:/v"]
    owner = play.box(*flags, "--ipc", "shareable", command=("sh", "-c", "echo kept > /v/file; cat /v/file; exec sleep 1000"))
    wait_for(lambda: docker("logs", owner).stdout == "kept\n")
    assert docker("volume", "inspect", "-f", "{{.Driver}}", volume).stdout == "local\n"
    theirs = play.sh(owner, "busybox readlink /proc/self/ns/ipc")
    assert docker("run", "--rm", "--ipc", f"container:{owner}", "busybox", "busybox", "readlink", "/proc/self/ns/ipc").stdout == theirs
    play.close()
    docker("volume", "rm", volume)


def test_run_keeps_to_its_gateway_priority(machine, play):
    first, second = sorted([play.network("--subnet", "10.85.0.0/24"), play.network("--subnet", "10.86.0.0/24")])
    networks = ["--network", f"name={first},gw-priority=1", "--network", f"name={second},gw-priority=2"]
    routes = machine.docker("run", "--rm", *networks, "busybox", "busybox", "ip", "route", suite=SID).stdout
    gateway = machine.docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", second).stdout.strip()
    assert f"default via {gateway}" in routes
