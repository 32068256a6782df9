"""Published ways out of containers, tried on our runtime by its command line: each test is one class of them. docs/SECURITY.md
lists all, also those that are tried elsewhere. Only ours: a runtime that lets one through would harm the host of the tests."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from harness import ConsoleSocket, wait_until
from hostile import ROUNDS, SECRET, bind, drop_mount, error_of
from test_process import status_field

pytestmark = [pytest.mark.ours, pytest.mark.both_starts]


def test_the_program_of_the_runtime_cannot_be_overwritten(runtime, bundle):
    """CVE-2019-5736: a container runs the runtime's own program again, by a link to /proc/self/exe, keeps it open, and writes
    to it when it has ended."""
    program = Path(runtime.command[0])
    before = hashlib.sha256(program.read_bytes()).digest()
    (bundle.root / "bin/self").symlink_to("/proc/self/exe")
    os.mkfifo(bundle.root / "tmp/pipe")
    bundle.process["noNewPrivileges"] = False
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    # It waits for somebody to read its log.
    runtime.call("exec", "--detach", identity, "/bin/self", "runtime", "--log", "/tmp/pipe", "state", "x")
    script = """
    for process in /proc/[0-9]*; do
        exe=$(readlink $process/exe) || continue
        case $exe in */busybox) continue ;; esac
        echo "found $exe"
        exec 9<$process/exe || continue
        kill -9 ${process#/proc/}
        while grep -q '^State:.*[RSDT] ' $process/status; do :; done
        sh -c 'echo overwritten > /proc/self/fd/9' && echo OPENED
        sh -c 'echo overwritten >> /proc/self/fd/9' && echo WROTE
        head -c 4 <&9 | tail -c 3
    done
    """
    attack = wait_until(lambda: said if "found" in (said := runtime.call("exec", identity, "sh", "-c", script, check=False).stdout) else "", "the program")
    assert "OPENED" not in attack and "WROTE" not in attack, attack
    assert "ELF" in attack, f"it did not have the program open: {attack}"
    assert hashlib.sha256(program.read_bytes()).digest() == before


@pytest.mark.parametrize("how", ["run", "exec"])
def test_no_working_directory_of_the_host(runtime, bundle, outside, how):
    """CVE-2024-21626: a working directory through a descriptor of the host, also one that whoever calls the runtime left open."""
    left_open = os.open(outside.path, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(left_open, True)
    (bundle.root / "link").symlink_to(f"/proc/self/fd/{left_open}")
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    for cwd in [f"/proc/self/fd/{number}" for number in (*range(3, 16), left_open)] + ["/link", "/link/..", f"/proc/self/fd/{left_open}/../.."]:
        if how == "run":
            bundle.process["cwd"] = cwd
            done = runtime.run(bundle.shell("ls -a; cat file"), check=False, pass_fds=(left_open,))
        else:
            done = runtime.call("exec", "--cwd", cwd, identity, "sh", "-c", "ls -a; cat file", check=False, pass_fds=(left_open,))
        assert done.returncode != 0, f"{cwd}: {done.stdout}"
        assert SECRET not in done.stdout
    os.close(left_open)


def test_no_descriptor_of_the_host(runtime, bundle, outside):
    """CVE-2024-21626, CVE-2015-3627: descriptors that whoever calls the runtime left open, or the runtime opened itself."""
    left_open = [os.open(path, os.O_RDONLY) for path in (outside.path, outside.file, "/")]
    for number in left_open:
        os.set_inheritable(number, True)
    seen = "ls /proc/self/fd; cat /proc/self/fd/*/file 2>/dev/null"
    assert runtime.run(bundle.shell(seen + "; :"), pass_fds=left_open).stdout.split() == ["0", "1", "2", "3"], "3 is ls's own"
    identity = runtime.start(bundle.shell("exec sleep 1000"), pass_fds=left_open)
    done = runtime.call("exec", identity, "sh", "-c", f"{seen}; ls /proc/1/fd", check=False, pass_fds=left_open)
    assert done.stdout.split() == ["0", "1", "2", "3", "0", "1", "2"]
    for number in left_open:
        os.close(number)


def test_who_comes_by_exec_is_hidden_until_it_is_confined(runtime, bundle):
    """CVE-2016-9962: the container looks at the processes that join it, while they still hold descriptors of the host."""
    bundle.process["capabilities"] = {name: ["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"] for name in ("bounding", "effective", "permitted")}
    watch = "while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || { echo $p; ls -l $p/fd $p/cwd $p/root; }; done; done >> /tmp/seen 2>/dev/null"
    identity = runtime.start(bundle.shell(watch))
    for _ in range(ROUNDS):
        runtime.call("exec", identity, "true")
    runtime.call("kill", identity, "KILL")
    runtime.wait_status(identity, "stopped")
    seen = (bundle.root / "tmp/seen").read_text()
    assert seen.count("/proc/") > ROUNDS
    for told in ("socket:", "anon_inode:", "memfd:"):
        assert told not in seen, [line for line in seen.splitlines() if told in line][:5]


@pytest.mark.parametrize("destination", ["/proc/self/attr", "/proc/sys", "/innocent", "/innocent/exec", "/proc/self"])
def test_nothing_is_mounted_inside_proc(runtime, bundle, outside, destination):
    """CVE-2019-16884, CVE-2015-3631: a volume on a directory of /proc, by its name or through a link of the image, takes what the
    runtime writes there for confinement."""
    (bundle.root / "innocent").symlink_to("proc/self/attr")
    (bundle.path / "volume").mkdir()
    (bundle.path / "volume/exec").write_text("")
    bind(bundle, bundle.path / ("volume/exec" if destination.endswith("exec") else "volume"), destination)
    assert "nothing may be mounted inside /proc" in error_of(runtime, bundle)


def test_sysctls_are_written_to_the_kernel_alone(runtime, bundle, outside):
    """CVE-2025-52881: what stands at /proc when sysctls are set is a volume, whose files lead elsewhere."""
    fake = bundle.path / "fake/sys/net/ipv4"
    fake.mkdir(parents=True)
    (fake / "ip_forward").symlink_to(outside.file)
    (bundle.path / "fake/self/attr").mkdir(parents=True)
    drop_mount(bundle, "/proc")
    bind(bundle, bundle.path / "fake", "/proc")
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    bundle.shell("mount -t proc proc /tmp 2>/dev/null; cat /proc/sys/net/ipv4/ip_forward 2>/dev/null; echo ran")
    done = runtime.run(bundle, check=False)
    assert done.stdout in ("", "ran\n"), done.stdout


def test_sysctls_of_the_host_are_refused(runtime, bundle):
    """CVE-2022-0811: a sysctl that is not the container's own, also written as if it were."""
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    for name in ("kernel.core_pattern", "kernel/core_pattern", "net/../kernel/core_pattern", "net.ipv4/../../kernel/core_pattern",
                 "/kernel/core_pattern", "kernel.shm_rmid_forced/../core_pattern", "net/./../kernel/core_pattern", "net//../kernel/core_pattern"):  # fmt: skip
        bundle.linux["sysctl"] = {name: "|/bin/evil"}
        error_of(runtime, bundle)
    bundle.linux["sysctl"] = {"kernel.shm_rmid_forced": "1+kernel.core_pattern=|/bin/evil\nkernel.core_pattern=x"}
    error_of(runtime, bundle)
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before


def test_devices_are_made_in_the_root(runtime, bundle, outside):
    """CVE-2014-9356 and its like: a device or a link of /dev, and the image has a link to the host in its place."""
    drop_mount(bundle, "/dev", "/dev/pts", "/dev/shm")
    for name in ("zero", "stdin", "fd", "fuse"):
        (bundle.root / "dev" / name).symlink_to(outside.file)
    (bundle.root / "dev/deep").symlink_to(outside.path)
    bundle.linux["devices"] = [{"path": path, "type": "c", "major": 1, "minor": 3, "fileMode": 0o666, "uid": 0, "gid": 0} for path in ("/dev/fuse", "/dev/deep/made")]
    runtime.run(bundle.shell("cat /dev/deep/file"), check=False)


def test_no_group_of_the_caller(runtime, bundle):
    """CVE-2022-2989, CVE-2022-2990, CVE-2023-25173: the supplementary groups of a process are those that it was given."""
    given = {"extra_groups": [7, 8]} if os.geteuid() == 0 else {}
    assert runtime.run(bundle.shell("grep Groups /proc/self/status"), **given).stdout.split() == ["Groups:"]
    bundle.process["user"]["additionalGids"] = [5]
    identity = runtime.start(bundle.shell("exec sleep 1000"), **given)
    for done in (runtime.call("exec", identity, "cat", "/proc/1/status"), runtime.call("exec", "--user", "9:9", identity, "cat", "/proc/self/status", **given)):
        assert status_field(done.stdout, "Groups") in ("5", ""), done.stdout


def test_no_capability_is_inheritable(runtime, bundle):
    """CVE-2022-29162, CVE-2022-24769: capabilities that are added to exec, or given at all, are not inheritable unless asked for."""
    identity = runtime.start(bundle.shell("exec sleep 1000"))
    for arguments in ([], ["--cap", "CAP_NET_BIND_SERVICE"], ["--cap", "CAP_KILL", "--user", "9:9"]):
        text = runtime.call("exec", *arguments, identity, "cat", "/proc/self/status").stdout
        assert int(status_field(text, "CapInh"), 16) == 0, arguments
    assert int(status_field(runtime.call("exec", identity, "cat", "/proc/1/status").stdout, "CapInh"), 16) == 0


def test_no_abstract_socket(runtime, bundle, console: ConsoleSocket):
    """CVE-2020-15257: a socket without a file is open to every container that has the host's network."""
    def abstract() -> set[str]:
        return {line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if line.split()[-1].startswith("@")}

    before = abstract()
    bundle.linux["namespaces"] = [entry for entry in bundle.linux["namespaces"] if entry["type"] != "network"]
    bundle.process["terminal"] = True
    identity = runtime.create(bundle.shell("grep -o '@.*' /proc/net/unix; exec sleep 1000"), "--console-socket", console.path)
    assert abstract() <= before, "while it waits to be started"
    master = console.receive()
    runtime.call("start", identity)
    runtime.call("exec", "--detach", identity, "sleep", "1000")
    assert abstract() <= before
    os.close(master)


def test_the_environment_is_the_configurations_alone(runtime, bundle, monkeypatch):
    """CVE-2026-57231: a variable without a value is not taken from the runtime's own environment."""
    monkeypatch.setenv("HOST_SECRET", "of the host")
    bundle.process["env"] = ["PATH=/bin", "HOST_SECRET", "HOST_*", "*"]
    done = runtime.run(bundle.shell("env; cat /proc/1/environ"), check=False)
    assert "of the host" not in done.stdout + done.stderr


def test_records_are_for_root_alone(runtime, bundle):
    """CVE-2021-41103: who may look into the records of a container, or reach its sockets."""
    identity = runtime.create(bundle.shell("true"))
    modes = {path.relative_to(runtime.root): stat.S_IMODE(path.stat().st_mode) for path in runtime.root.rglob("*")}
    assert any(str(path).startswith(identity) for path in modes)
    open_to_others = {str(path): oct(mode) for path, mode in modes.items() if len(path.parts) == 1 and mode & 0o077}
    assert not open_to_others


@pytest.mark.cgroups
def test_devices_of_the_image_do_not_open(runtime, bundle):
    """Device nodes in a layer: the node of a disk, and of the machine's memory, which the image brought, or root made."""
    for name, kind, number in (("disk", stat.S_IFBLK, os.makedev(254, 0)), ("memory", stat.S_IFCHR, os.makedev(1, 1)), ("null", stat.S_IFCHR, os.makedev(1, 3))):
        os.mknod(bundle.root / name, kind | 0o666, number)
    bundle.linux["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    script = "mknod /made b 254 0; for d in /disk /memory /made; do (: < $d) 2>&1; done; : < /null && echo null"
    bundle.process["capabilities"] = {name: ["CAP_MKNOD", "CAP_DAC_OVERRIDE"] for name in ("bounding", "effective", "permitted")}
    lines = runtime.output(bundle, script).splitlines()
    assert len(lines) == 4 and all("Operation not permitted" in line for line in lines[:3]), lines
    assert lines[3] == "null"


@pytest.mark.cgroups
def test_cgroups_cannot_be_changed_from_inside(runtime, bundle):
    """CVE-2022-0492: release_agent, which cgroups of version 2 have not, and a control file of the container's own group."""
    bundle.linux["namespaces"].append({"type": "cgroup"})
    bundle.config["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "ro"]})
    bundle.linux["cgroupsPath"] = f"/escapes-{os.getpid()}"
    bundle.linux["resources"] = {"pids": {"limit": 50}}
    script = """
    cd /sys/fs/cgroup; echo limit $(cat pids.max)
    echo max > pids.max && echo CHANGED; mkdir made && echo CHANGED; find / -xdev -name release_agent
    mount -t cgroup -o rdma x /tmp && echo MOUNTED; mount -t cgroup2 x /tmp && echo MOUNTED; mount -o remount,rw /sys/fs/cgroup && echo REMOUNTED
    unshare -UrmC true && unshare -UrmC sh -c 'mount -t cgroup -o rdma x /tmp; ls /tmp | grep release_agent && echo AGENT'
    """
    assert runtime.output(bundle, script).splitlines() == ["limit 50"]
