"""Machines that are described by cloud-config: on a disk labelled CIDATA, and by a metadata server."""

from __future__ import annotations

import re
import subprocess

import pytest
from conftest import machine_status, shell
from seeds import MetadataServer, seed_disk
from vm.config import Disk

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0dHBzOi8vZXhhbXBsZS5jb20vbm9uZTEyMzQ1Njc4 me@example"
META_DATA = "instance-id: i-0123\nlocal-hostname: seeded\n"
USER_DATA = f"""\
#cloud-config
hostname: web-1
fqdn: web-1.example.com
manage_etc_hosts: true
timezone: Europe/Berlin
groups: [crew]
users:
  - default
  - name: core
    gecos: The Core
    groups: crew
    shell: /bin/ash
    lock_passwd: false
    plain_text_passwd: not a secret
    ssh_authorized_keys: ["{KEY}"]
  - {{name: gone, expiredate: "2020-01-01", ssh_authorized_keys: ["{KEY}"]}}
write_files:
  - {{path: /etc/app.conf, content: "aGVsbG8K", encoding: b64, owner: "core:crew", permissions: "0640"}}
  - {{path: /opt/bin/tool, content: "#!/bin/sh\\necho tool $1\\n", permissions: "0755"}}
  - {{path: /etc/late.conf, content: "late\\n", defer: true}}
bootcmd:
  - echo boot >>/var/lib/diatom/boots
runcmd:
  - [sh, -c, "/opt/bin/tool once >>/var/lib/diatom/once"]
disk_setup:
  /dev/vdb: {{table_type: gpt, layout: [50, [50, 82]], overwrite: false}}
fs_setup:
  - {{device: /dev/vdb, partition: 1, filesystem: ext4, label: data}}
  - {{device: /dev/vdb, partition: 2, filesystem: swap}}
mounts:
  - [LABEL=data, /mnt/data, ext4, "defaults,nofail,noatime"]
  - [/dev/vdb2, none, swap, sw]
swap: {{filename: /swap.img, size: 64M}}
ntp: {{servers: [192.0.2.123]}}
packages: [nginx]
hostnam: lost
final_message: "done by $datasource"
"""


def boot_with(make_box, folder, more_args=(), seed=None, **options):
    disks = [Disk(folder / "state.img", 1 << 30), Disk(folder / "data.img", 256 << 20)]
    if seed is not None:
        disks.append(seed)
    return make_box(disks=disks, kernel_args=["diatom.state.autoformat=/dev/vda", *more_args], **options)


def start(box) -> None:
    box.start()
    box.expect(r"root@[\w-]+:~# ", 300)


def restart(box) -> None:
    box.send("reboot\n")
    box.expect("Restarting system", 300)
    box.expect(r"root@[\w-]+:~# ", 300)


def await_file(box, path: str, text: str) -> None:
    """Commands of the first boot wait for the user engine."""
    shell(box, f"for i in $(seq 200); do grep -qs '{text}' {path} && break; sleep 0.5; done; grep -q '{text}' {path}")


@pytest.fixture(scope="module")
def seeded(make_box, tmp_path_factory):
    folder = tmp_path_factory.mktemp("seed")
    seed = seed_disk(folder, {"meta-data": META_DATA, "user-data": USER_DATA})
    box = boot_with(make_box, folder, seed=seed)
    start(box)
    yield box
    box.kill()


def test_names_users_and_files_are_there(seeded):
    assert shell(seeded, "hostname; grep web-1 /etc/hosts").split() == ["web-1", "127.0.1.1", "web-1.example.com", "web-1"]
    assert shell(seeded, "id core").strip() == "uid=1000(core) gid=1001(core) groups=1001(core),1000(crew)"
    assert shell(seeded, "grep -c '^core:[$]6[$]' /etc/shadow").strip() == "1"
    assert shell(seeded, "cat /home/core/.ssh/authorized_keys").strip() == KEY
    assert seeded.shell("test -e /home/gone/.ssh/authorized_keys", 60)[0] != 0
    assert shell(seeded, "grep ^gone: /etc/passwd").strip().endswith(":/bin/false")
    assert shell(seeded, "stat -c '%U %G %a' /etc/app.conf; cat /etc/app.conf").split() == ["core", "crew", "640", "hello"]
    assert shell(seeded, "/opt/bin/tool x").strip() == "tool x"
    assert shell(seeded, "date +%Z").strip() in ("CET", "CEST")


def test_overwrite_makes_a_file_system_anew_once(make_box, tmp_path):
    """A seed and a data disk that holds what fits, and somebody's file."""
    (tmp_path / "content").mkdir()
    (tmp_path / "content/old").write_text("old")
    size = 64 << 20
    with (tmp_path / "data.img").open("wb") as image:
        image.truncate(size)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "data", "-d", tmp_path / "content", tmp_path / "data.img"], check=True)
    described = """#cloud-config
fs_setup: [{device: /dev/vdb, partition: none, filesystem: ext4, label: data, overwrite: true}]
mounts: [[LABEL=data, /mnt/data, ext4]]
"""
    seed = seed_disk(tmp_path, {"meta-data": META_DATA, "user-data": described})
    disks = [Disk(tmp_path / "state.img", 1 << 30), Disk(tmp_path / "data.img", size), seed]
    box = make_box(disks=disks, kernel_args=["diatom.state.autoformat=/dev/vda"])
    start(box)
    assert shell(box, "grep -c ' /mnt/data ext4 ' /proc/mounts; ls -A /mnt/data | cat").split() == ["1", "lost+found"]
    shell(box, "echo new >/mnt/data/new")
    restart(box)
    assert shell(box, "cat /mnt/data/new").strip() == "new"
    box.kill()


def test_disks_are_made_and_mounted(seeded):
    assert re.search(r"/dev/vdb1 /mnt/data ext4 .*noatime", shell(seeded, "grep /mnt/data /proc/mounts"))
    swaps = shell(seeded, "cat /proc/swaps")
    assert "/dev/vdb2" in swaps and "/var/lib/diatom/swap.img" in swaps, swaps
    shell(seeded, "touch /mnt/data/kept")


def test_the_clock_is_kept_by_the_servers_that_are_named(seeded):
    shell(seeded, "grep -q '^server 192.0.2.123 iburst' /run/chrony/sources/configuration.sources")
    # Not the shell that becomes it.
    chronyd = "pgrep -f '^/usr/sbin/chronyd.*run/diatom/time'"
    shell(seeded, f"for i in $(seq 60); do {chronyd} && break; sleep 1; done; sleep 1; {chronyd}")


def test_what_is_not_done_is_said(seeded):
    said = shell(seeded, "diatom logs -u init | grep -E 'packages|hostnam'")
    assert re.search(r"user-data on CIDATA:\d+: packages: packages are not installed", said), said
    assert re.search(r"user-data on CIDATA:\d+: hostnam: unknown key: did you mean \\?\"hostname", said), said


def test_why_names_the_file_and_the_line(seeded):
    why = shell(seeded, "diatom config why hostname 2>/dev/null").splitlines()
    assert re.match(r"^  meta-data on CIDATA  \"seeded\"  \(nocloud metadata\)$", why[0]), why
    assert re.match(r"^\* user-data on CIDATA:2  \"web-1\"  \(nocloud user-data\)$", why[1]), why


def test_what_runs_once_runs_once(seeded):
    await_file(seeded, "/var/lib/diatom/once", "tool once")
    await_file(seeded, "/etc/late.conf", "late")
    restart(seeded)
    shell(seeded, "test -e /mnt/data/kept")
    await_file(seeded, "/etc/late.conf", "late")
    shell(seeded, "sleep 2")
    assert shell(seeded, "cat /var/lib/diatom/boots /var/lib/diatom/once").split("\n")[:3] == ["boot", "boot", "tool once"]


def test_a_metadata_server_is_asked_and_what_it_said_is_kept(make_box, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    server = MetadataServer({
        "/meta-data": "instance-id: i-net\nlocal-hostname: netted\n",
        "/user-data": "#cloud-config\nwrite_files: [{path: /etc/from, content: one}]\nruncmd: [echo ran >>/var/lib/diatom/ran]\n",
    })  # fmt: skip
    box = boot_with(make_box, folder, [f'"ds=nocloud;s={server.url}"'])
    try:
        start(box)
        assert shell(box, "hostname; cat /etc/from /run/diatom/instance-id").split("\n")[0] == "netted"
        await_file(box, "/var/lib/diatom/ran", "ran")
        assert machine_status(box)["problems"] == []
        # New user-data: at once what is kept, and when the network is up what is new.
        server.pages["/user-data"] = "#cloud-config\nwrite_files: [{path: /etc/from, content: two}]\nruncmd: [echo ran >>/var/lib/diatom/ran]\n"
        restart(box)
        await_file(box, "/etc/from", "two")
        server.stop()
        restart(box)
        assert shell(box, "cat /etc/from").strip() == "two"
        assert shell(box, "cat /var/lib/diatom/ran").split() == ["ran"]
    finally:
        box.kill()
