"""Names, the root file system, mounts, devices, paths, sysctls, seccomp."""

from __future__ import annotations

import array
import errno
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

import pytest


def test_names(runtime, bundle):
    bundle.config["hostname"] = "carton"
    assert runtime.output(bundle, "hostname") == "carton\n"


@pytest.mark.ours  # Debian's runc 1.1 does not know it
def test_domain_name(runtime, bundle):
    bundle.config["domainname"] = "example.org"
    assert runtime.output(bundle, "cat /proc/sys/kernel/domainname") == "example.org\n"


def test_root_is_read_only(runtime, bundle):
    bundle.config["root"]["readonly"] = True
    assert runtime.output(bundle, "touch /x 2>&1; touch /dev/shm/y && echo shm").splitlines() == ["touch: /x: Read-only file system", "shm"]


def test_the_hosts_mounts_are_gone(runtime, bundle):
    mounted = {line.split()[4] for line in runtime.output(bundle, "cat /proc/self/mountinfo").splitlines()}
    assert mounted >= {"/", "/proc", "/dev", "/dev/pts", "/dev/shm"}
    assert all(path == "/" or path.startswith(("/proc", "/dev")) for path in mounted), mounted


def options_of(text: str, path: str) -> set[str]:
    line = [line for line in text.splitlines() if len(line.split()) > 5 and line.split()[4] == path][-1]
    return set(line.split()[5].split(","))


def test_mount_options(runtime, bundle, tmp_path):
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "file").write_text("from outside\n")
    bundle.mount("/data", "bind", str(source), "rbind", "ro", "nosuid", "nodev", "noexec")
    bundle.mount("/one/file", "bind", str(source / "file"), "bind", "ro")
    bundle.mount("/small", "tmpfs", "tmpfs", "size=64k", "mode=1770", "noatime")
    text = runtime.output(bundle, "cat /proc/self/mountinfo; cat /one/file; touch /data/x 2>&1; stat -c %a /small; dd if=/dev/zero of=/small/big bs=1k count=100 2>&1")
    assert options_of(text, "/data") >= {"ro", "nosuid", "nodev", "noexec"}
    assert options_of(text, "/small") >= {"noatime"}
    assert "from outside\n" in text
    assert "/data/x: Read-only file system" in text
    assert "\n1770\n" in text
    assert "No space left on device" in text


def test_recursive_options(runtime, bundle, tmp_path):
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    subprocess.run(["busybox", "mount", "-t", "tmpfs", "tmpfs", source / "below"], check=True)
    try:
        bundle.mount("/plain", "bind", str(source), "rbind", "ro")
        bundle.mount("/deep", "bind", str(source), "rbind", "rro", "rnosuid")
        text = runtime.output(bundle, "cat /proc/self/mountinfo")
    finally:
        subprocess.run(["busybox", "umount", source / "below"], check=True)
    assert "ro" in options_of(text, "/plain") and "rw" in options_of(text, "/plain/below")
    assert options_of(text, "/deep/below") >= {"ro", "nosuid"}


def test_bind_sources_are_relative_to_the_bundle(runtime, bundle):
    (bundle.path / "extra").write_text("of the bundle\n")
    bundle.mount("/extra", "bind", "extra", "bind")
    assert runtime.output(bundle, "cat /extra") == "of the bundle\n"


def test_tmpcopyup(runtime, bundle):
    (bundle.root / "seed").mkdir()
    (bundle.root / "seed/file").write_text("copied\n")
    (bundle.root / "seed/dir").mkdir(mode=0o750)
    (bundle.root / "seed/dir/link").symlink_to("../file")
    bundle.mount("/seed", "tmpfs", "tmpfs", "tmpcopyup")
    assert runtime.output(bundle, "cat /seed/dir/link; stat -c %a /seed/dir; touch /seed/new; echo $?").split() == ["copied", "750", "0"]
    assert not (bundle.root / "seed/new").exists()


def test_default_devices(runtime, bundle):
    script = "for d in null zero full random urandom tty; do stat -c '%F %t:%T %a' /dev/$d; done; for l in ptmx fd stdin; do readlink /dev/$l; done"
    lines = runtime.output(bundle, script).splitlines()
    assert lines[:6] == [f"character special file {number} 666" for number in ("1:3", "1:5", "1:7", "1:8", "1:9", "5:0")]
    assert lines[6].endswith("pts/ptmx")
    assert lines[7:] == ["/proc/self/fd", "/proc/self/fd/0"]


def test_devices(runtime, bundle):
    bundle.linux["devices"] = [
        {"path": "/dev/mine", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 3, "gid": 4},
        {"path": "/dev/pipe", "type": "p", "fileMode": 0o600},
    ]
    lines = runtime.output(bundle, "stat -c '%F %t:%T %a %u:%g' /dev/mine; stat -c '%F %a' /dev/pipe").splitlines()
    assert lines == ["character special file a:e5 640 3:4", "fifo 600"]


def test_masked_and_readonly_paths(runtime, bundle):
    (bundle.root / "secret").mkdir()
    (bundle.root / "secret/file").write_text("secret\n")
    (bundle.root / "hidden").write_text("secret\n")
    (bundle.root / "fixed").mkdir()
    bundle.linux["maskedPaths"] = ["/secret", "/hidden", "/proc/kcore", "/absent"]
    bundle.linux["readonlyPaths"] = ["/fixed", "/proc/sys", "/absent2"]
    text = runtime.output(bundle, "ls /secret | wc -l; wc -c < /hidden; touch /fixed/x 2>&1; echo 1 2>&1 > /proc/sys/kernel/hostname")
    assert text.split()[:2] == ["0", "0"]
    assert "/fixed/x: Read-only file system" in text


def test_sysctls(runtime, bundle):
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9000"}
    assert runtime.output(bundle, "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax").split() == ["1", "9000"]
    bundle.linux["sysctl"] = {"kernel.panic": "1"}
    assert runtime.run(bundle, check=False).returncode != 0


@pytest.mark.differs("runc")  # it makes the bind mount of the root private whatever is asked for
@pytest.mark.parametrize("word, expected", [("private", ""), ("slave", ""), ("rshared", "shared:")])
def test_root_propagation(runtime, bundle, word, expected):
    bundle.linux["rootfsPropagation"] = word
    line = next(line for line in runtime.output(bundle, "cat /proc/self/mountinfo").splitlines() if line.split()[4] == "/")
    optional = " ".join(line.split(" - ")[0].split()[6:])
    assert ("shared:" in optional) == bool(expected), line


PROFILE = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]}


def test_seccomp(runtime, bundle):
    bundle.linux["seccomp"] = PROFILE | {"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122}]}
    assert "Disk quota exceeded" in runtime.output(bundle, "mkdir /tmp/x 2>&1; touch /tmp/y")
    bundle.linux["seccomp"] = PROFILE | {"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]}
    assert runtime.run(bundle.shell("mkdir /tmp/x; echo $?"), check=False).stdout.strip() == "159"
    bundle.linux["seccomp"] = PROFILE | {"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_SOUP"}]}
    assert runtime.run(bundle, check=False).returncode != 0


@pytest.mark.parametrize("field, value", [("selinuxLabel", "system_u:system_r:svirt_t:s0")])
def test_what_this_kernel_has_not_is_refused(runtime, bundle, field, value):
    bundle.process[field] = value
    done = runtime.run(bundle, check=False)
    if runtime.is_ours:
        assert done.returncode == 1
        assert f"process.{field} is not supported" in done.stderr


@pytest.mark.ours
@pytest.mark.parametrize("change, words", [
    ({"linux": {"intelRdt": {"closID": "x"}}}, "linux.intelRdt is not supported"),
    ({"linux": {"mountLabel": "x"}}, "linux.mountLabel is not supported"),
    ({"linux": {"resources": {"memory": {"swappiness": 3}}}}, "linux.resources.memory.swappiness is not supported"),
    ({"linux": {"resources": {"network": {"classID": 3}}}}, "linux.resources.network is not supported"),
    ({"linux": {"cgroupsPath": "system.slice:x:y"}}, "is for systemd"),
    ({"ociVersion": "2.0.0"}, 'ociVersion is "2.0.0"'),
    ({"process": {"cwd": "relative"}}, "must be absolute"),
])
def test_what_is_not_supported_is_refused_by_name(runtime, bundle, change, words):
    for key, value in change.items():
        if isinstance(value, dict):
            bundle.config[key].update(value)
        else:
            bundle.config[key] = value
    command = [*runtime.command[:2], "--root", str(runtime.root), "create", "--bundle", str(bundle.write().path), "x"]
    if "cgroupsPath" not in json.dumps(change):
        command = runtime.argv("create", "--bundle", bundle.path, "x")
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert words in done.stderr, done.stderr


@pytest.mark.ours
def test_unknown_properties_are_ignored(runtime, bundle):
    """runtime-spec, "Extensibility": a runtime must ignore what it does not know."""
    bundle.config["org.example"] = {"x": 1}
    bundle.process["novelty"] = True
    assert runtime.output(bundle, "echo ran") == "ran\n"


def test_features(runtime):
    features = json.loads(runtime.call("features").stdout)
    assert features["ociVersionMin"] == "1.0.0"
    assert set(features["hooks"]) >= {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}
    assert set(features["linux"]["namespaces"]) >= {"cgroup", "ipc", "mount", "network", "pid", "user", "uts"}
    assert set(features["mountOptions"]) >= {"ro", "rro", "rbind", "nosuid", "rslave"}
    assert "SCMP_ACT_ERRNO" in features["linux"]["seccomp"]["actions"]
    assert "CAP_SYS_ADMIN" in features["linux"]["capabilities"]


def test_the_template_runs(runtime, bundle):
    (bundle.path / "config.json").unlink(missing_ok=True)
    runtime.call("spec", "--bundle", bundle.path)
    assert runtime.call("spec", "--bundle", bundle.path, check=False).returncode != 0, "it overwrote a config.json"
    bundle.config = json.loads((bundle.path / "config.json").read_text())
    bundle.process["terminal"] = False
    if not os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        bundle.config["mounts"] = [entry for entry in bundle.config["mounts"] if entry["type"] != "cgroup"]
        bundle.drop_namespace("cgroup")
    assert runtime.output(bundle, "echo of the template") == "of the template\n"


SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND = 0xC0502100, 0xC0182101


def test_seccomp_notify(runtime, bundle):
    """The listener gets the descriptor with the state, and decides of mkdir."""
    folder = tempfile.mkdtemp()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(f"{folder}/socket")
    listener.listen(1)
    listener.settimeout(100)
    bundle.linux["seccomp"] = PROFILE | {
        "listenerPath": f"{folder}/socket",
        "listenerMetadata": "of the test",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}],
    }
    told: dict = {}

    def answer() -> None:
        connection, _ = listener.accept()
        data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4))
        told.update(json.loads(data.split(b"\0")[0]))
        fd = array.array("i", ancillary[0][2])[0]
        request = bytearray(80)
        fcntl.ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, request)
        identity = struct.unpack_from("Q", request)[0]
        fcntl.ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, struct.pack("QqiI", identity, 0, -errno.EDQUOT, 0))
        os.close(fd)
        connection.close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    output = runtime.output(bundle, "mkdir /tmp/x 2>&1")
    thread.join(100)
    listener.close()
    shutil.rmtree(folder)
    assert "Disk quota exceeded" in output
    assert told["fds"] == ["seccompFd"]
    assert told["metadata"] == "of the test"
    assert told["pid"] > 1
    assert told["state"]["bundle"] == str(bundle.path)


@pytest.mark.ours
def test_seccomp_notify_needs_a_listener(runtime, bundle):
    bundle.linux["seccomp"] = PROFILE | {"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
    assert "needs linux.seccomp.listenerPath" in runtime.run(bundle, check=False).stderr
    bundle.linux["seccomp"]["listenerPath"] = "/absent"
    assert "linux.seccomp.listenerPath" in runtime.run(bundle, check=False).stderr


@pytest.mark.ours
def test_an_apparmor_profile_that_is_not_there(runtime, bundle):
    bundle.process["apparmorProfile"] = "nobodys-profile"
    done = runtime.run(bundle, check=False)
    assert done.returncode == 1
    assert "nobodys-profile" in done.stderr and "AppArmor" in done.stderr
