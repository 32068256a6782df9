"""The machine itself: start, roots, state, the commands, the end."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime

import pytest
from conftest import machine_status, shell
from vm.config import Boot, Disk


def test_root_is_read_only_and_etc_is_rebuilt(machine):
    assert machine.shell("touch /usr/x", 120)[0] != 0
    assert machine.shell("touch /x", 120)[0] != 0
    shell(machine, "test -s /etc/os-release && grep -q Diatom /etc/os-release")


def test_both_engines_are_up_with_their_system_containers(machine):
    status = machine_status(machine)
    assert status["state"]["persistent"] is True, status
    assert shell(machine, "ls /run/diatom/system.sock /var/run/docker.sock").split()


def test_status_shows_true_memory(machine):
    total = int(shell(machine, "awk '$1 == \"MemTotal:\" { print $2 }' /proc/meminfo")) * 1024
    status = machine_status(machine)
    assert status["memory"]["total"] == total
    assert 0 < status["memory"]["used"] < total
    containers = {box["name"]: box for box in status["engines"]["system"]["containers"]}
    for name in ("udev", "network", "console", "user-engine"):
        assert 0 < containers[name]["memory"] < total, containers[name]
    text = shell(machine, "diatom status")
    assert re.search(r"^memory +\d+\.\d MiB used of \d+\.\d MiB", text, re.MULTILINE), text
    assert re.search(r"^  network +running +\d+\.\d [KM]iB +Up ", text, re.MULTILINE), text


def test_boot_timeline_is_ordered(machine):
    marks = json.loads(shell(machine, "diatom boot --json"))
    names = [mark["name"] for mark in marks]
    times = [mark["at_us"] for mark in marks]
    assert times == sorted(times)
    for wanted in ("system engine ready", "user engine ready"):
        assert wanted in names, names
    assert "user engine ready" in shell(machine, "diatom boot")


def test_logs_show_kernel_pid1_and_engines_in_one_stream(machine):
    # Counted in the machine: a serial line is no place for a thousand lines of JSON.
    for unit in ("kernel", "system-engine", "user-engine", "network"):
        assert int(shell(machine, f"diatom logs -o json | grep -c '\"unit\":\"{unit}\"'")) > 0, unit


def test_logs_of_some_units(machine):
    units = shell(machine, "diatom logs -u init --unit=network -o json | grep -o '\"unit\":\"[^\"]*\"' | sort -u").split()
    assert units == ['"unit":"init"', '"unit":"network"']
    code, output = machine.shell("diatom logs -u netwrk", 120)
    assert code == 3
    assert re.search(r"netwrk; did you mean network\? units: .*init, kernel, log, network, ntp, syslog, system-engine, udev, user-engine", output), output


def records_of_boot(machine) -> list[dict]:
    """What was logged until the machine had settled, without what the kernel says of its hardware."""
    machine.wait_until(lambda: "container udev ready" in shell(machine, "diatom boot --json"), 300, "the last system container")
    status = machine_status(machine)
    lines = shell(machine, "diatom logs -o json | grep -v '\"unit\":\"kernel\"' | head -n 100").splitlines()
    begin = datetime.fromisoformat(status["boot"]["at"][:19] + "+00:00").timestamp()
    settled = max(mark["at_us"] for mark in json.loads(shell(machine, "diatom boot --json"))) / 1e6
    records = [json.loads(line) for line in lines]
    return [r for r in records if datetime.fromisoformat(r["time"][:19] + "+00:00").timestamp() <= begin + settled + 1]


def test_a_boot_warns_of_nothing_but_the_formatted_disk(make_box):
    box = make_box().start_console()  # what other tests asked of a machine is in its log, too
    records = records_of_boot(box)
    box.kill()
    assert {"init", "system-engine", "network", "udev"} <= {record["unit"] for record in records}
    warnings = [r["text"] for r in records if r["level"] in ("warning", "error")]
    assert len(warnings) == 1 and warnings[0].startswith("formatting the state partition"), warnings
    # Containers' lines have no level.
    suspicious = re.compile(r"error|fail|warn|wrong|cannot|could not|denied", re.IGNORECASE)
    assert [r for r in records if r["level"] == "info" and suspicious.search(r["text"])] == []


@pytest.mark.parametrize("program", ["chronyd", "dhcpcd", "systemd-udevd"])
def test_system_services_come_back_when_killed(machine, program):
    shell(machine, f"for i in $(seq 240); do pidof {program} && break; sleep 0.5; done")
    before = set(shell(machine, f"pidof {program}").split())
    shell(machine, f"kill -9 {' '.join(before)}")
    shell(machine, f"for i in $(seq 240); do pidof {program} && break; sleep 0.5; done; sleep 3")
    after = set(shell(machine, f"pidof {program}").split())
    assert after and not after & before
    assert "running" in shell(machine, "diatom status | grep -E '^  (ntp|network|udev) '")


def test_time_servers_of_dhcp_reach_the_clock(machine):
    shell(machine, "for i in $(seq 240); do [ -S /run/chrony/chronyd.sock ] && break; sleep 0.5; done")
    assert shell(machine, "stat -c %a /run/chrony").strip() == "750"
    hook = "interface=eth9 protocol=dhcp if_up=true /usr/lib/dhcpcd/dhcpcd-run-hooks"
    sources = "chronyc -h /run/chrony/chronyd.sock -n sources"
    shell(machine, f"reason=BOUND new_ntp_servers='192.0.2.7 192.0.2.8' {hook}")
    known = shell(machine, sources)
    assert "192.0.2.7" in known and "192.0.2.8" in known
    shell(machine, f"reason=EXPIRE {hook}")
    assert "192.0.2" not in shell(machine, sources)


def test_cgroups_sysctls_and_identity(machine):
    controllers = set(shell(machine, "cat /sys/fs/cgroup/cgroup.subtree_control").split())
    assert {"cpu", "memory", "pids", "io", "cpuset"} <= controllers
    assert shell(machine, "cat /proc/sys/kernel/kptr_restrict").strip() != "0"
    assert len(shell(machine, "cat /etc/machine-id").strip()) == 32


def test_ipv6_comes_by_router_advertisement_without_the_kernel_accepting_any(machine):
    """QEMU's network advertises fec0::/64. The kernel ignores it on every link; dhcpcd hears it."""
    shell(machine, "for i in $(seq 100); do ip -6 route | grep -q ^default && break; sleep 0.5; done")
    assert re.search(r"^default via fe80::2 dev eth0", shell(machine, "ip -6 route"), re.MULTILINE)
    assert re.search(r"inet6 fec0::\S+/64 scope site dynamic", shell(machine, "ip -6 addr show dev eth0"))
    for link in ("all", "default", "eth0", "docker0"):
        assert shell(machine, f"cat /proc/sys/net/ipv6/conf/{link}/accept_ra").strip() == "0", link
    assert shell(machine, "cat /proc/sys/net/ipv6/conf/eth0/forwarding").strip() == "1"


def test_unknown_kernel_arguments_are_named(make_box):
    box = make_box(kernel_args=["diatom.autologn", "something.else=1"], disks=[], api=False, memory=256)
    box.start()
    box.wait_for_line(r"diatom\.autologn.*diatom\.autologin", 300)
    box.kill()


def test_boots_without_disk_and_without_network(make_box, tmp_path):
    box = make_box(disks=[], network=False, api=False, memory=256)
    box.start_console()
    status = machine_status(box)
    assert status["state"]["persistent"] is False
    box.kill()


def test_state_survives_an_orderly_restart(make_box, busybox_archive):
    box = make_box().boot()
    box.docker("load", "-i", str(busybox_archive))
    box.docker("run", "-d", "--name", "kept", "--restart", "always", "busybox", "sh", "-c", "echo started; sleep 100000")
    identity = shell(box, "cat /etc/machine-id")
    box.powerdown(180)
    box.boot()
    assert shell(box, "cat /etc/machine-id") == identity
    assert box.docker("inspect", "-f", "{{.State.Running}}", "kept").stdout == "true\n"
    box.wait_until(lambda: box.docker("inspect", "-f", "{{.State.Status}}", "kept").stdout == "running\n", 120, "the container")
    box.wait_until(lambda: box.docker("logs", "kept").stdout == "started\nstarted\n", 120, "what it says after its start")
    box.kill()


def test_a_foreign_disk_is_not_formatted(make_box, tmp_path):
    disk = tmp_path / "foreign.img"
    with disk.open("wb") as file:
        file.truncate(256 << 20)
    subprocess.run(["mkfs.vfat", "-n", "PRECIOUS", str(disk)], check=True, stdout=subprocess.DEVNULL)
    before = disk.read_bytes()[: 1 << 20]
    box = make_box(disks=[Disk(disk)], kernel_args=["diatom.state.autoformat=/dev/vda"], memory=256, api=False)
    box.start_console()
    assert machine_status(box)["state"]["persistent"] is False
    box.kill()
    assert disk.read_bytes()[: 1 << 20] == before


def test_raw_disk_boots_through_systemd_boot(make_box):
    box = make_box(boot=Boot.UEFI, disks=[])
    box.boot()
    status = json.loads(box.docker("info", "--format", "json").stdout)
    assert status["OperatingSystem"].startswith("Diatom OS")
    box.kill()


def test_runs_a_container_in_128_megabytes(make_box, busybox_archive):
    box = make_box(memory=128).boot()
    box.docker("load", "-i", str(busybox_archive))
    assert box.docker("run", "--rm", "busybox", "echo", "small").stdout == "small\n"
    box.kill()


def test_state_grows_with_its_disk(make_box, tmp_path):
    disk = tmp_path / "state.img"
    box = make_box(disks=[Disk(disk, 256 << 20)], kernel_args=["diatom.state.autoformat=/dev/vda"], memory=256).boot()
    shell(box, "echo kept > /var/lib/diatom/mark; sync")
    before = machine_status(box)["state"]
    box.powerdown(180)
    with disk.open("r+b") as file:
        file.truncate(1 << 30)
    box.boot()
    after = machine_status(box)["state"]
    assert after["persistent"] is True
    assert before["bytes"] < 256 << 20 and after["bytes"] > 3 * before["bytes"]
    assert shell(box, "cat /var/lib/diatom/mark").strip() == "kept"
    box.kill()
