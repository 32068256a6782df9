"""A RancherOS is taken over: its configuration, its volumes and directories, undone, taken again, and confirmed. Its own
disk is only read."""

from __future__ import annotations

import json
import time

import pytest
from conftest import assert_invariants, shell
from rancher_disk import SPARSE, digest, not_unmounted, rancher_disk

from vm.config import Disk

CONFIGURATION = "diatom config get hostname; diatom config get sysctl; diatom config get engine.insecure"


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old")
    disk = rancher_disk(folder)
    return disk, not_unmounted(disk, folder)


@pytest.fixture(scope="module")
def box(make_box, old, busybox_archive, tmp_path_factory):
    state = Disk(tmp_path_factory.mktemp("adopt") / "state.img", 1 << 30)
    box = make_box(disks=[state, *old], kernel_args=["diatom.state.autoformat=/dev/vda"], memory=768)
    box.boot()
    box.wait_console()
    box.docker("load", "-i", str(busybox_archive))
    yield box
    box.kill()


def await_prompt(box) -> None:
    box.expect(r"root@[\w-]+:~# ", 300)


def refused(box, arguments: str, *words: str) -> None:
    code, output = box.shell(f"diatom adopt rancheros {arguments}", 120)
    assert code != 0 and all(word in output for word in words), output


def assert_taken(box) -> None:
    assert shell(box, CONFIGURATION).split() == ["edge-7", "vm.swappiness:", '"7"', "-", "registry.example:5000"]
    assert box.docker("volume", "inspect", "-f", "{{json .Labels}}", "db").stdout.strip() == '{"com.example.tier":"data","owner":"alice"}'
    assert json.loads(box.docker("volume", "inspect", "-f", "{{json .Options}}", "share").stdout) == {
        "device": "tmpfs", "o": "size=1m", "type": "tmpfs"}
    look = "stat -c '%n %u %g %a %h %s' /d /d/base/table /d/sparse; readlink /d/link; du -k /d/sparse | cut -f1; cmp /d/base/table /d/base/linked && echo same"
    seen = box.docker("run", "--rm", "-v", "db:/d", "-v", "cache:/c", "-v", "share:/s", "busybox", "sh", "-c", look + "; cat /c/file; df /s | tail -1 | cut -d' ' -f1").stdout.split("\n")
    assert seen[0].startswith("/d 999 998 755") and seen[1] == f"/d/base/table 999 998 640 2 {3 << 20}", seen
    assert seen[2].endswith(f" {SPARSE}") and seen[3] == "base/table" and int(seen[4]) < 64, seen
    assert seen[5:8] == ["same", "plain" + "tmpfs", ""], seen
    assert shell(box, "stat -c '%u %g' /home/rancher/.profile; cat /opt/app/data").split("\n")[:2] == ["1100 1100", "of the application"]


def assert_as_before(box) -> None:
    assert box.docker("volume", "ls", "-q").stdout == ""
    assert "edge-7" not in shell(box, "diatom config export")
    left = shell(box, "ls -A /var/lib/diatom/adopt /home /opt /var/lib/diatom/user/volumes 2>/dev/null | grep -v '^/'; true")
    assert left.split() == []


def test_what_stands_in_the_way_is_said(box):
    refused(box, "--device /dev/vdc", "was not unmounted in order", "e2fsck -p /dev/vdc")
    refused(box, "--device /dev/vda", "nothing of RancherOS")
    refused(box, "--without nothing", "no such volume")
    shell(box, "mkdir -p /mnt/old && mount -o ro /dev/vdb /mnt/old")
    refused(box, "", "/dev/vdb is in use", "umount")
    shell(box, "umount /mnt/old && rmdir /mnt/old")
    box.docker("volume", "create", "db")
    refused(box, "", "here already: db", "--without")
    box.docker("volume", "rm", "db")
    shell(box, "fallocate -l $(($(df -k /var/lib/diatom | tail -1 | awk '{print $4}') - 30000))k /var/lib/diatom/full")
    refused(box, "", "are free", "--without")
    shell(box, "rm /var/lib/diatom/full")
    assert_as_before(box)


def test_a_dry_run_says_everything_and_does_nothing(box):
    said = shell(box, "diatom adopt rancheros --dry-run 2>&1")
    for words in ("RancherOS on /dev/vdb", "Docker in /var/lib/user-docker", "db", "cache", "mounted when it is used", "/home/rancher",
                  "container web of nginx:1.19", "images nginx:1.19", "volume elsewhere: it is of the driver rexray",
                  "/var/lib/rancher/conf/cloud-config.yml:10: rancher.modules"):
        assert words in said, said
    assert_as_before(box)


def test_it_is_taken_and_undone(box, old):
    before = digest(old[0])
    shell(box, "diatom config set hostname here-1 && diatom config apply 2>/dev/null")
    print(shell(box, "diatom adopt rancheros 2>&1"))
    assert_taken(box)
    assert "adopt RancherOS of /dev/vdb" in shell(box, "diatom config history | head -1")
    shell(box, "diatom config apply 2>/dev/null")
    assert shell(box, "hostname; cat /proc/sys/vm/swappiness; cat /opt/app/greeting").split("\n")[:3] == ["edge-7", "7", "written by cloud-config"]
    refused(box, "", "not confirmed", "undo")
    box.docker("run", "-d", "--name", "user", "-v", "db:/d", "busybox", "sleep", "1000")
    code, output = box.shell("diatom adopt undo", 120)
    assert code != 0 and "user has db" in output, output
    box.docker("rm", "-f", "user")
    print(shell(box, "diatom adopt status; diatom adopt undo"))
    assert_as_before(box)
    shell(box, "diatom config apply 2>/dev/null")
    assert shell(box, "hostname").strip() == "here-1"
    assert_invariants(box)
    assert digest(old[0]) == before


def test_a_power_cut_in_it_leaves_one_of_the_two(box, old):
    before = digest(old[0])
    box.send("diatom adopt rancheros >/dev/null 2>&1 &\n")
    box.shell("until [ -e /var/lib/diatom/adopt/staged ]; do :; done", 60)
    box.kill()
    box.boot()
    await_prompt(box)
    settled = "diatom adopt status | grep -qE 'not confirmed|nothing is adopted'"
    shell(box, f"for i in $(seq 120); do {settled} && break; sleep 1; done")
    if "not confirmed" in shell(box, "diatom adopt status"):
        assert_taken(box)
        shell(box, "diatom adopt undo")
    assert_as_before(box)
    assert_invariants(box)
    assert digest(old[0]) == before


def test_it_is_taken_again_holds_over_a_boot_and_is_confirmed(box, old):
    before = digest(old[0])
    shell(box, "diatom adopt rancheros >/dev/null 2>&1")
    box.send("reboot\n")
    box.expect("Restarting system", 300)
    await_prompt(box)
    box.wait_api(300)
    assert "not confirmed" in shell(box, "diatom adopt status")
    assert shell(box, "cat /proc/sys/vm/swappiness").strip() == "7"
    assert_taken(box)
    print(shell(box, "diatom adopt confirm"))
    assert "nothing is adopted" in shell(box, "diatom adopt status")
    assert box.shell("diatom adopt undo", 120)[0] != 0
    assert_taken(box)
    assert_invariants(box)
    assert digest(old[0]) == before, "nothing was written to it"


def test_another_engine_has_an_address_of_its_own(box):
    box.docker("network", "create", "--subnet", "10.77.0.0/24", "dind")
    shell(box, "ros engine create second -v busybox --network dind --fixed-ip 10.77.0.9 && diatom service up second")
    for _ in range(60):
        seen = box.docker("ps", "-aq", "--filter", "label=com.docker.compose.service=second").stdout.split()
        if seen:
            break
        time.sleep(1)
    networks = json.loads(box.docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", seen[0]).stdout)
    assert networks["dind"]["IPAMConfig"]["IPv4Address"] == "10.77.0.9", networks
    code, output = box.shell("ros engine create third -v busybox --fixed-ip 10.77.0.8", 120)
    assert code != 0 and "--network" in output, output
    shell(box, "ros engine rm second")


def test_the_one_disk_of_a_machine_is_its_state_too(make_box, tmp_path_factory, busybox_archive):
    disk = rancher_disk(tmp_path_factory.mktemp("one"), 1 << 30)
    box = make_box(disks=[disk], kernel_args=["diatom.state=RANCHER_STATE"], memory=768)
    box.boot()
    box.wait_console()
    box.docker("load", "-i", str(busybox_archive))
    assert "/var/lib/user-docker" in shell(box, "diatom adopt rancheros 2>&1")
    assert_taken(box)
    kept = "cd /var/lib/diatom/var/lib && md5sum user-docker/volumes/db/_data/base/table user-docker/volumes/cache/_data/file rancher/conf/cloud-config.yml | md5sum"
    before = shell(box, kept)
    box.docker("run", "--rm", "-v", "db:/d", "busybox", "sh", "-c", "echo other >/d/base/table")
    assert shell(box, kept) == before
    shell(box, "diatom adopt undo")
    assert box.docker("volume", "ls", "-q").stdout == ""
    assert shell(box, "cat /home/rancher/.profile /opt/app/data").endswith("of the application")
    assert shell(box, kept) == before
    shell(box, "diatom adopt rancheros >/dev/null 2>&1 && diatom adopt confirm")
    assert_taken(box)
    assert_invariants(box)
    box.kill()
