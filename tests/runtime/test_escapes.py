"""Published ways out of containers, tried on our runtime by its command line: each test is one class of them. docs/SECURITY.md
lists all, also those that are tried elsewhere. Only ours: a runtime that lets one through would harm the host of the tests."""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest
from harness import ConsoleSocket, read_terminal, wait_until
from test_process import status_field

pytestmark = pytest.mark.ours

ROUNDS = 25
AT_FDCWD = -100
RENAME_EXCHANGE = 2
SECRET = "the host's\n"


class Swapper:
    """Exchanges two names as fast as it can, as a process of another container does that shares a volume."""

    def __init__(self, one: Path, other: Path):
        self.names = (os.fsencode(one), os.fsencode(other))
        self.renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
        self.done = 0
        self.ending = False
        self.thread = threading.Thread(target=self.exchange)

    def exchange(self) -> None:
        while not self.ending:
            self.done += self.renameat2(AT_FDCWD, self.names[0], AT_FDCWD, self.names[1], RENAME_EXCHANGE) == 0

    def __enter__(self) -> "Swapper":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ending = True
        self.thread.join()
        assert self.done > 2 * ROUNDS, f"exchanged only {self.done} times"


class Outside:
    """A directory of the host that no container may reach."""

    def __init__(self, path: Path):
        self.path = path
        path.mkdir()
        self.file = path / "file"
        self.file.write_text(SECRET)
        self.file.chmod(0o600)

    def assert_untouched(self) -> None:
        assert sorted(entry.name for entry in self.path.iterdir()) == ["file"]
        assert self.file.read_text() == SECRET
        assert stat.S_IMODE(self.file.stat().st_mode) == 0o600
        assert str(self.path) not in Path("/proc/self/mountinfo").read_text()


@pytest.fixture
def outside(tmp_path):
    made = Outside(tmp_path / "outside")
    yield made
    made.assert_untouched()


def bind(bundle, source: Path, destination: str, *options: str) -> None:
    bundle.config["mounts"].append({"destination": destination, "type": "bind", "source": str(source), "options": ["rbind", *options]})


def drop_mount(bundle, *destinations: str) -> None:
    bundle.config["mounts"] = [entry for entry in bundle.config["mounts"] if entry["destination"] not in destinations]


def error(runtime, bundle) -> str:
    done = runtime.run(bundle, check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


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


def test_masked_paths_whatever_the_image_has_at_dev_null(runtime, bundle, outside):
    """CVE-2025-31133: masking takes the null device, and the image, or another container, has a link in its place."""
    drop_mount(bundle, "/dev", "/dev/pts", "/dev/shm")
    bundle.linux["maskedPaths"] = ["/masked", "/proc/sysrq-trigger"]
    (bundle.root / "masked").write_text("to be hidden\n")
    device, link = bundle.root / "dev/null", bundle.root / "dev/null-link"
    device.write_text("")
    link.symlink_to(outside.file)
    bundle.shell("cat /masked /proc/sysrq-trigger; test -c /masked && echo device")
    with Swapper(device, link):
        ran = [runtime.run(bundle, check=False) for _ in range(ROUNDS)]
    for done in ran:
        assert done.stdout in ("device\n", ""), done.stdout
        assert (done.returncode == 0) == (done.stdout != ""), done.stderr
    device.unlink()
    link.unlink()
    device.symlink_to(outside.file)
    assert runtime.run(bundle, check=False).stdout in ("device\n", "")


def test_the_console_is_not_where_a_link_leads(runtime, bundle, outside, console: ConsoleSocket):
    """CVE-2025-52565: the terminal is mounted on /dev/console, and the image, or another container, has a link in its place."""
    drop_mount(bundle, "/dev", "/dev/shm")
    bundle.process["terminal"] = True
    target, link = bundle.root / "dev/console", bundle.root / "dev/console-link"
    target.write_text("")
    link.symlink_to(outside.file)
    (bundle.root / "dev/pts").mkdir()
    (bundle.root / "dev/ptmx").symlink_to(outside.file)
    started = 0
    with Swapper(target, link):
        for _ in range(ROUNDS):
            identity = runtime.fresh_id()
            bundle.shell("echo in the terminal; grep -c file /proc/mounts").write()
            if runtime.call("create", "--bundle", bundle.path, "--console-socket", console.path, identity, check=False).returncode != 0:
                continue
            master = console.receive()
            runtime.call("start", identity)
            assert "in the terminal" in read_terminal(master)
            os.close(master)
            started += 1
    assert started > 0


@pytest.mark.parametrize("where", ["/proc", "/sys"])
def test_proc_and_sys_are_not_where_a_link_leads(runtime, bundle, outside, where):
    """CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc of the image is a link, also one that comes and goes."""
    if where == "/sys":
        bundle.config["mounts"].append({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]})
    directory, link = bundle.root / where[1:], bundle.root / "link"
    link.symlink_to(outside.path)
    bundle.linux["maskedPaths"] = ["/proc/sysrq-trigger"]
    bundle.shell(f"grep ' {where} ' /proc/mounts | cut -d' ' -f3; test -s /proc/sysrq-trigger && echo unmasked; test -e {where}/file && echo outside")
    kind = {"/proc": "proc", "/sys": "sysfs"}[where]
    with Swapper(directory, link):
        ran = [runtime.run(bundle, check=False) for _ in range(ROUNDS)]
    for done in ran:
        assert "unmasked" not in done.stdout and "outside" not in done.stdout, done.stdout
        assert done.stdout in ("", f"{kind}\n"), done.stdout
    if not directory.is_symlink():
        os.rename(directory, bundle.root / "kept")
        os.rename(link, directory)
    assert f"{where} of the image is a link or a file" in error(runtime, bundle)


@pytest.mark.parametrize("destination", ["/proc/self/attr", "/proc/sys", "/innocent", "/innocent/exec", "/proc/self"])
def test_nothing_is_mounted_inside_proc(runtime, bundle, outside, destination):
    """CVE-2019-16884, CVE-2015-3631: a volume on a directory of /proc, by its name or through a link of the image, takes what the
    runtime writes there for confinement."""
    (bundle.root / "innocent").symlink_to("proc/self/attr")
    (bundle.path / "volume").mkdir()
    (bundle.path / "volume/exec").write_text("")
    bind(bundle, bundle.path / ("volume/exec" if destination.endswith("exec") else "volume"), destination)
    assert "nothing may be mounted inside /proc" in error(runtime, bundle)


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
        error(runtime, bundle)
    bundle.linux["sysctl"] = {"kernel.shm_rmid_forced": "1+kernel.core_pattern=|/bin/evil\nkernel.core_pattern=x"}
    error(runtime, bundle)
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before


def test_mounts_are_not_where_a_link_leads(runtime, bundle, outside):
    """CVE-2021-30465, CVE-2024-45310: the place of a mount lies in a volume of another container, which exchanges it for a link;
    neither the mount nor the directories that are made for it may be the host's."""
    shared, mounted = bundle.path / "shared", bundle.path / "mounted"
    for path in (shared / "place", mounted):
        path.mkdir(parents=True)
    (mounted / "mark").write_text("mounted\n")
    up = "/.." * 20
    (shared / "link").symlink_to(f"{up}{outside.path}")
    bind(bundle, shared, "/volume")
    bind(bundle, mounted, "/volume/place/deep/target")
    (bundle.path / "a-file").write_text("")
    bind(bundle, bundle.path / "a-file", "/volume/place/deep/one")
    bundle.shell(f"cat {outside.path}/file /volume/place/file /volume/link/file 2>/dev/null; grep -c deep /proc/mounts")
    with Swapper(shared / "place", shared / "link"):
        ran = [runtime.run(bundle, check=False) for _ in range(ROUNDS)]
    assert any(done.returncode == 0 for done in ran), ran[0].stderr
    for done in ran:
        assert SECRET not in done.stdout
        assert done.stdout in ("", "2\n"), done.stdout


def test_the_working_directory_is_made_in_the_root(runtime, bundle, outside):
    """CVE-2026-55686: a working directory that is missing, below a link of the image that comes and goes."""
    directory, link = bundle.root / "work", bundle.root / "work-link"
    directory.mkdir()
    (bundle.root / str(outside.path)[1:]).mkdir(parents=True)  # where the link leads inside
    link.symlink_to("/.." * 20 + str(outside.path))
    bundle.process["cwd"] = "/work/made/here"
    bundle.shell("cat ../../file 2>/dev/null; echo ran")
    with Swapper(directory, link):
        ran = [runtime.run(bundle, check=False) for _ in range(ROUNDS)]
    assert {done.stdout for done in ran} <= {"ran\n", ""}
    assert any(done.returncode == 0 for done in ran), ran[0].stderr


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
    """Device nodes in a layer: the node of a disk, and of the machine's memory, which the image brought."""
    for name, kind, number in (("disk", stat.S_IFBLK, os.makedev(254, 0)), ("memory", stat.S_IFCHR, os.makedev(1, 1)), ("null", stat.S_IFCHR, os.makedev(1, 3))):
        os.mknod(bundle.root / name, kind | 0o666, number)
    bundle.linux["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}
    script = "for d in /disk /memory; do (: < $d) 2>&1; done; mknod /made b 254 0 2>&1; : < /null && echo null"
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
