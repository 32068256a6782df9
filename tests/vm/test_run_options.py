"""What `docker run --help` offers, each by the real docker command line."""

from __future__ import annotations

import json

import pytest
from docker.errors import APIError

from test_docker import name, python_client, wait_for

pytestmark = pytest.mark.usefixtures("loaded")

DISK = "/dev/vda"


@pytest.fixture
def box(docker):
    """A name for a container, which is removed afterwards."""
    given = name()
    yield given
    docker("rm", "-f", "-v", given, check=False)


@pytest.fixture
def refused(docker):
    def run(*args: str) -> str:
        done = docker("run", "--rm", *args, "busybox", "true", check=False)
        assert done.returncode == 125, done.stdout + done.stderr
        return done.stderr

    return run


@pytest.fixture
def python(machine):
    client = python_client(machine)
    yield client
    client.close()


def run(docker, *args: str) -> str:
    return docker("run", "--rm", *args).stdout


# --- mounts


def test_volumes_from(docker, box):
    docker("run", "--name", box, "-v", f"{box}:/data", "-v", "/anonymous", "busybox", "sh", "-c", "echo kept > /data/f; echo a > /anonymous/g")
    assert run(docker, "--volumes-from", box, "busybox", "cat", "/data/f", "/anonymous/g") == "kept\na\n"
    done = docker("run", "--rm", "--volumes-from", f"{box}:ro", "busybox", "touch", "/data/x", check=False)
    assert "Read-only file system" in done.stderr
    missing = docker("run", "--rm", "--volumes-from", "nonesuch", "busybox", "true", check=False)
    assert missing.returncode == 125 and "No such container: nonesuch" in missing.stderr
    docker("rm", box)
    docker("volume", "rm", box)


def test_mount_volume_options(docker):
    volume = name()
    mount = f"type=volume,source={volume},target=/v,volume-label=a=b,volume-nocopy"
    run(docker, "--mount", mount, "busybox", "sh", "-c", "echo inner > /v/file; echo of > /v/other; ln -s / /v/out")
    assert json.loads(docker("volume", "inspect", volume).stdout)[0]["Labels"] == {"a": "b"}
    part = f"type=volume,source={volume},target=/part,volume-subpath="
    assert run(docker, "--mount", part + "file", "busybox", "cat", "/part") == "inner\n"
    assert run(docker, "--mount", part + "out", "busybox", "ls", "/part") == "file\nother\nout\n"
    lost = docker("run", "--rm", "--mount", part + "nonesuch", "busybox", "true", check=False)
    assert lost.returncode != 0 and "nonesuch" in lost.stderr
    docker("volume", "rm", volume)
    copied, bare = name(), name()
    assert run(docker, "--mount", f"type=volume,source={copied},target=/www", "busybox", "ls", "/www") == "index.html\n"
    assert run(docker, "--mount", f"type=volume,source={bare},target=/www,volume-nocopy", "busybox", "ls", "/www") == ""
    docker("volume", "rm", copied, bare)


def test_mount_image(docker, python):
    mount = "type=image,source=busybox,target=/image"
    assert run(docker, "--mount", mount, "busybox", "cat", "/image/www/index.html") == "hello from a container\n"
    # Debian's docker CLI does not know image-subpath yet.
    part = {"Type": "image", "Source": "busybox", "Target": "/image", "ImageOptions": {"Subpath": "www"}}
    assert python.containers.run("busybox", ["ls", "/image"], mounts=[part], remove=True) == b"index.html\n"
    missing = docker("run", "--rm", "--mount", "type=image,source=nonesuch,target=/i", "busybox", "true", check=False)
    assert missing.returncode == 125 and "No such image: nonesuch" in missing.stderr


def test_mount_binds_and_tmpfs(docker):
    done = docker("run", "--rm", "--mount", "type=bind,source=/run,target=/r,readonly", "busybox", "touch", "/r/x", check=False)
    assert "Read-only file system" in done.stderr
    missing = docker("run", "--rm", "--mount", "type=bind,source=/nonesuch,target=/x", "busybox", "true", check=False)
    assert "bind source path does not exist: /nonesuch" in missing.stderr
    table = run(docker, "--tmpfs", "/t:size=1m,mode=700,exec,uid=1000", "busybox", "grep", " /t ", "/proc/mounts")
    assert "size=1024k" in table and "mode=700" in table and "uid=1000" in table and "noexec" not in table
    table = run(docker, "--mount", "type=tmpfs,target=/t,tmpfs-size=2m,tmpfs-mode=0750", "busybox", "grep", " /t ", "/proc/mounts")
    assert "size=2048k" in table and "mode=750" in table
    bad = docker("run", "--rm", "--tmpfs", "/t:colour=red", "busybox", "true", check=False)
    assert bad.returncode == 125 and "invalid tmpfs option" in bad.stderr


def test_volume_driver_options(docker):
    volume = name()
    docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,uid=1000", volume)
    assert json.loads(docker("volume", "inspect", volume).stdout)[0]["Options"]["o"] == "size=1m,uid=1000"
    table = run(docker, "-v", f"{volume}:/v", "busybox", "grep", " /v ", "/proc/mounts")
    assert table.startswith("tmpfs /v tmpfs") and "size=1024k" in table
    docker("volume", "rm", volume)
    run(docker, "-v", f"/var/lib/diatom/{volume}:/x", "busybox", "sh", "-c", "echo there > /x/file")
    docker("volume", "create", "-o", "type=none", "-o", f"device=/var/lib/diatom/{volume}", "-o", "o=bind", volume)
    assert run(docker, "-v", f"{volume}:/v", "busybox", "cat", "/v/file") == "there\n"
    docker("volume", "rm", volume)
    assert run(docker, "-v", f"/var/lib/diatom/{volume}:/x", "busybox", "cat", "/x/file") == "there\n"
    for options, why in (
        (["colour=red"], 'invalid option: "colour"'),
        (["type=tmpfs"], 'missing required option: "device"'),
        (["type=nfs", "device=:/x", "o=addr=10.0.2.2"], "this kernel has no such file system"),
    ):
        done = docker("volume", "create", *[word for option in options for word in ("-o", option)], check=False)
        assert done.returncode == 1 and why in done.stderr
    mounted = f"type=volume,source={volume}m,target=/v,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs"
    assert run(docker, "--mount", mounted, "busybox", "grep", " /v ", "/proc/mounts").startswith("tmpfs")
    docker("volume", "rm", volume + "m")


# --- resources


def test_block_limits(docker, refused, python):
    # Debian's docker CLI (26.1) sends empty lists, whatever it was told.
    rates = {"device_read_bps": 1 << 20, "device_write_bps": 2 << 20, "device_read_iops": 300, "device_write_iops": 400}
    limits = {key: [{"Path": DISK, "Rate": rate}] for key, rate in rates.items()}
    lines = python.containers.run("busybox", ["cat", "/sys/fs/cgroup/io.max"], remove=True, **limits).decode().split()
    assert set(lines[1:]) == {"rbps=1048576", "wbps=2097152", "riops=300", "wiops=400"}
    assert run(docker, "--blkio-weight", "500", "busybox", "cat", "/sys/fs/cgroup/io.weight") == "default 4950\n"
    assert "Range of blkio weight is from 10 to 1000" in refused("--blkio-weight", "5")
    with pytest.raises(APIError, match="/dev/nonesuch"):
        python.containers.run("busybox", ["true"], remove=True, device_read_bps=[{"Path": "/dev/nonesuch", "Rate": 1}])


def test_device_rules_and_devices(docker, refused):
    script = "mknod /tmp/kmsg c 1 11 && exec 3</tmp/kmsg && echo opened"
    assert run(docker, "--cap-add", "SYSLOG", "--device-cgroup-rule", "c 1:11 r", "busybox", "sh", "-c", script) == "opened\n"
    denied = docker("run", "--rm", "--cap-add", "SYSLOG", "busybox", "sh", "-c", script, check=False)
    assert denied.stdout == "" and "not permitted" in denied.stderr
    assert run(docker, "--device", "/dev/kmsg:/dev/log:r", "busybox", "ls", "/dev/log") == "/dev/log\n"
    assert "invalid" in refused("--device-cgroup-rule", "c 1:11 q")


def test_cgroup_parent(docker, box):
    docker("run", "-d", "--name", box, "--cgroup-parent", "/web/front", "--cgroupns", "host", "busybox", "sleep", "1000")
    assert "/web/front/" in docker("exec", box, "cat", "/proc/self/cgroup").stdout
    docker("stop", "-t", "0", box)
    assert docker("inspect", "-f", "{{.HostConfig.CgroupParent}}", box).stdout == "/web/front\n"


def test_processors_and_pids(docker, refused):
    files = "/sys/fs/cgroup/cpuset.cpus /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max"
    assert run(docker, "--cpuset-cpus", "0", "--cpuset-mems", "0", "--pids-limit", "33", "--cpu-period", "50000", "--cpu-quota", "20000", "busybox", "sh", "-c", f"cat {files}") == "0\n33\n20000 50000\n"
    assert "Requested CPUs are not available - requested 77" in refused("--cpuset-cpus", "77")
    assert "CPUs available" in refused("--cpus", "1000")
    assert run(docker, "--pids-limit", "-1", "busybox", "cat", "/sys/fs/cgroup/pids.max") == "max\n"
    assert "real-time" in refused("--cpu-rt-runtime", "1000")


def test_memory(docker, refused):
    files = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory.swap.max /sys/fs/cgroup/memory.low"
    out = run(docker, "-m", "64m", "--memory-reservation", "32m", "busybox", "sh", "-c", f"cat {files}")
    assert out.split() == [str(64 << 20), str(64 << 20), str(32 << 20)]
    assert "Minimum memory limit allowed is 6MB" in refused("-m", "1m")
    assert "memory reservation" in refused("-m", "16m", "--memory-reservation", "32m")
    done = docker("create", "--oom-kill-disable", "-m", "64m", "busybox", "true")
    assert "OomKillDisable discarded" in done.stderr
    docker("rm", done.stdout.strip())
    done = docker("create", "--memory-swappiness", "10", "busybox", "true")
    assert "Memory swappiness discarded" in done.stderr
    docker("rm", done.stdout.strip())


def test_ulimit_oom_score_shm_sysctl(docker):
    assert run(docker, "--ulimit", "nofile=64:128", "busybox", "sh", "-c", "ulimit -n; ulimit -Hn") == "64\n128\n"
    assert run(docker, "--oom-score-adj", "500", "busybox", "cat", "/proc/self/oom_score_adj") == "500\n"
    assert "size=1024k" in run(docker, "--shm-size", "1m", "busybox", "grep", "/dev/shm", "/proc/mounts")
    assert run(docker, "--sysctl", "net.ipv4.ip_forward=1", "busybox", "cat", "/proc/sys/net/ipv4/ip_forward") == "1\n"


# --- security


def test_seccomp(docker, tmp_path, refused):
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}))
    done = docker("run", "--rm", "--security-opt", f"seccomp={profile}", "busybox", "mkdir", "/tmp/x", check=False)
    assert "No space left on device" in done.stderr
    assert "Seccomp:\t0\n" in run(docker, "--security-opt", "seccomp=unconfined", "busybox", "cat", "/proc/self/status")
    profile.write_text('{"syscalls": []}')
    assert "Decoding seccomp profile failed" in refused("--security-opt", f"seccomp={profile}")


def test_other_security_options(docker, refused, box):
    assert "NoNewPrivs:\t1\n" in run(docker, "--security-opt", "no-new-privileges", "busybox", "cat", "/proc/self/status")
    docker("run", "-d", "--name", box, "--security-opt", "no-new-privileges:true", "busybox", "sleep", "1000")
    assert "NoNewPrivs:\t1\n" in docker("exec", box, "cat", "/proc/self/status").stdout
    assert run(docker, "--security-opt", "systempaths=unconfined", "busybox", "sh", "-c", "grep -c ' /proc/' /proc/self/mounts; true") == "0\n"
    assert int(run(docker, "busybox", "sh", "-c", "grep -c ' /proc/' /proc/self/mounts; true")) > 5
    assert run(docker, "--security-opt", "label=disable", "--security-opt", "apparmor=unconfined", "busybox", "echo", "ok") == "ok\n"
    assert "/sys/fs/cgroup cgroup2 rw" in run(docker, "--security-opt", "writable-cgroups=true", "busybox", "grep", "cgroup2", "/proc/mounts")
    assert "nonesuch" in docker("run", "--rm", "--security-opt", "apparmor=nonesuch", "busybox", "true", check=False).stderr
    assert "invalid --security-opt" in refused("--security-opt", "nonsense=1")


def test_users_groups_and_capabilities(docker, refused):
    assert set(run(docker, "--group-add", "2000", "--group-add", "guest", "busybox", "id", "-G").split()) == {"0", "1000", "2000"}
    assert run(docker, "--userns", "host", "busybox", "echo", "ok") == "ok\n"
    assert "invalid" in refused("--userns", "private").lower()
    caps = run(docker, "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "busybox", "grep", "CapEff", "/proc/self/status")
    assert caps.split()[1] == "0000000000001000"
    assert "invalid capability" in docker("run", "--rm", "--cap-add", "NONSENSE", "busybox", "true", check=False).stderr


# --- networks, names


def test_port_ranges(docker):
    first, second = name(), name()
    for box in (first, second):
        docker("run", "-d", "--name", box, "-p", "18000-18001:80", "busybox", "sleep", "1000")
    taken = [docker("port", box, "80/tcp").stdout.split("\n")[0].rsplit(":", 1)[1] for box in (first, second)]
    assert taken == ["18000", "18001"]
    full = docker("run", "--rm", "-p", "18000-18001:80", "busybox", "true", check=False)
    assert full.returncode == 125 and "port is already allocated" in full.stderr
    docker("rm", "-f", first, second)
    docker("rm", "-f", *docker("ps", "-aq", "--filter", "status=created").stdout.split(), check=False)
    docker("run", "-d", "--name", first, "-p", "18000-18002:8000-8002", "busybox", "sleep", "1000")
    ports = docker("port", first).stdout
    for offset in range(3):
        assert f"{8000 + offset}/tcp -> 0.0.0.0:{18000 + offset}" in ports
    docker("rm", "-f", first)


def test_names_and_resolver(docker):
    assert run(docker, "--hostname", "host", "--domainname", "example.org", "busybox", "hostname") == "host\n"
    assert run(docker, "--hostname", "host", "--domainname", "example.org", "busybox", "cat", "/proc/sys/kernel/domainname") == "example.org\n"
    resolv = run(docker, "--dns", "192.0.2.53", "--dns-search", "example.org", "--dns-option", "ndots:2", "busybox", "cat", "/etc/resolv.conf")
    assert "192.0.2.53" in resolv and "search example.org" in resolv and "ndots:2" in resolv
    gateway = docker("network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "bridge").stdout.strip()
    hosts = run(docker, "--add-host", "machine:host-gateway", "--add-host", "other:192.0.2.7", "busybox", "cat", "/etc/hosts")
    assert f"{gateway}\tmachine" in hosts and "192.0.2.7\tother" in hosts


def test_namespaces(docker, box, refused):
    docker("run", "-d", "--name", box, "--hostname", "owner", "busybox", "sleep", "1000")
    assert "sleep 1000" in run(docker, "--pid", f"container:{box}", "busybox", "ps")
    assert run(docker, "--network", f"container:{box}", "busybox", "cat", "/etc/hosts") == docker("exec", box, "cat", "/etc/hosts").stdout
    assert run(docker, "--uts", "host", "busybox", "hostname") == "diatom\n"
    assert "hostname and the UTS mode" in refused("--uts", "host", "--hostname", "x")
    assert "/dev/shm" not in run(docker, "--ipc", "none", "busybox", "cat", "/proc/mounts")
    assert "conflicting options: port publishing and the container type network mode" in refused("--network", f"container:{box}", "-p", "80:80")


# --- the rest


def test_stop_signal_and_timeout(docker, box):
    docker("run", "-d", "--name", box, "--stop-timeout", "1", "--stop-signal", "USR1", "busybox", "sh", "-c", "trap 'echo told' USR1; echo up; while :; do sleep 0.1; done")
    wait_for(lambda: docker("logs", box).stdout == "up\n")
    docker("stop", box)
    assert docker("logs", box).stdout == "up\ntold\n"
    assert docker("inspect", "-f", "{{.State.ExitCode}} {{.Config.StopTimeout}}", box).stdout == "137 1\n"


def test_client_side_options(docker, tmp_path, box):
    cid, env = tmp_path / "cid", tmp_path / "env"
    env.write_text("A=1\nB=two words\n")
    labels = tmp_path / "labels"
    labels.write_text("x=y\n")
    docker("run", "-d", "--name", box, "--cidfile", str(cid), "--env-file", str(env), "--label-file", str(labels), "--pull", "never", "--quiet", "--runtime", "runc", "--annotation", "a=b", "--expose", "3000-3002", "busybox", "sleep", "1000")
    data = json.loads(docker("inspect", cid.read_text()).stdout)[0]
    assert {"A=1", "B=two words"} <= set(data["Config"]["Env"])
    assert data["Config"]["Labels"]["x"] == "y" and data["HostConfig"]["Annotations"] == {"a": "b"}
    assert {"3000/tcp", "3001/tcp", "3002/tcp"} <= set(data["Config"]["ExposedPorts"])
    missing = docker("run", "--rm", "--pull", "never", "nonesuch", "true", check=False)
    assert missing.returncode == 125 and "No such image: nonesuch" in missing.stderr


def test_platform(docker):
    assert run(docker, "--platform", "linux/amd64", "busybox", "echo", "ok") == "ok\n"
    other = docker("run", "--rm", "--pull", "never", "--platform", "linux/arm64", "busybox", "true", check=False)
    assert other.returncode == 125 and "does not match the specified platform" in other.stderr


@pytest.mark.parametrize("policy", ["no", "always", "unless-stopped", "on-failure", "on-failure:3"])
def test_restart_policies_are_kept(docker, box, policy):
    docker("create", "--name", box, "--restart", policy, "busybox", "true")
    kept = docker("inspect", "-f", "{{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}", box).stdout.strip()
    assert kept == (policy if ":" in policy else policy + ":0")


@pytest.mark.parametrize(
    "args, why",
    [
        (["--link", "nonesuch:b"], "could not get container for nonesuch"),
        (["--gpus", "all"], "--gpus"),
        (["--volume-driver", "nonesuch"], "--volume-driver"),
        (["--isolation", "hyperv"], "isolation"),
        (["--runtime", "nonesuch"], "unknown or invalid runtime name: nonesuch"),
        (["--log-driver", "syslog"], "syslog"),
        (["--restart", "always", "--stop-signal", "NONSENSE"], "NONSENSE"),
        (["--mount", "type=npipe,source=a,target=/b"], "npipe"),
    ],
)
def test_what_is_refused_says_why(docker, args, why):
    flags = [] if "--restart" in args else ["--rm"]
    done = docker("run", *flags, *args, "busybox", "true", check=False)
    assert done.returncode == 125 and why in done.stderr, done.stderr
