"""Machines that are described by Ignition, as CoreOS's are in QEMU: by fw_cfg."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json

import pytest
from conftest import machine_status, shell
from seeds import MetadataServer
from vm.config import Disk

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0dHBzOi8vZXhhbXBsZS5jb20vbm9uZTEyMzQ1Njc4 core@example"


def data_url(text: str) -> str:
    return "data:;base64," + base64.b64encode(text.encode()).decode()


def document(url: str) -> dict:
    """A server's configuration in the shape of Fedora CoreOS's examples."""
    tool = "#!/bin/sh\necho fetched\n"
    merged = {
        "ignition": {"version": "3.3.0"},
        "storage": {"files": [{"path": "/etc/merged", "contents": {"source": "data:,merged"}}]},
    }
    return {
        "pages": {"/merged.ign": json.dumps(merged), "/tool": tool},
        "config": {
            "ignition": {"version": "3.4.0", "config": {"merge": [{"source": url + "merged.ign"}]}},
            "passwd": {
                "users": [{"name": "core", "groups": ["wheel"], "passwordHash": "$6$salt$hash", "sshAuthorizedKeys": [KEY]}],
                "groups": [{"name": "web", "gid": 2001}],
            },
            "storage": {
                "disks": [{
                    "device": "/dev/vdb", "wipeTable": True,
                    "partitions": [{"number": 1, "label": "data", "sizeMiB": 64, "startMiB": 1}, {"number": 2, "label": "firm"}],
                }],
                "filesystems": [{"device": "/dev/disk/by-partlabel/data", "format": "ext4", "label": "DATA", "path": "/mnt/data"}, {
                    "device": "/dev/disk/by-partlabel/firm", "format": "vfat", "label": "FIRM", "path": "/mnt/firm", "wipeFilesystem": True}],
                "directories": [{"path": "/srv/web", "mode": 0o750, "group": {"name": "web"}}],
                "files": [
                    {"path": "/etc/hostname", "mode": 0o644, "contents": {"source": "data:,lit"}},
                    {"path": "/etc/app.json", "mode": 0o600, "user": {"name": "core"}, "contents": {
                        "compression": "gzip",
                        "source": "data:;base64," + base64.b64encode(gzip.compress(b"{}\n")).decode()}},
                    {"path": "/usr/local/bin/tool", "mode": 0o755, "contents": {
                        "source": url + "tool",
                        "verification": {"hash": "sha256-" + hashlib.sha256(tool.encode()).hexdigest()}}},
                ],
                "links": [{"path": "/etc/app.link", "target": "app.json"}],
            },
            "systemd": {"units": [
                {"name": "hello.service", "enabled": True, "contents": "\n".join([
                    "[Unit]", "Description=Says so", "[Service]", "Type=oneshot", "RemainAfterExit=yes", "Environment=WORD=unit",
                    "ExecStart=/bin/sh -c 'echo $WORD >/run/hello'", "[Install]", "WantedBy=multi-user.target", ""])},
                {"name": "zincati.service", "mask": True},
            ]},
        },
    }  # fmt: skip


def box_with(make_box, folder, config: str):
    (folder / "config.ign").write_text(config)
    return make_box(
        disks=[Disk(folder / "state.img", 1 << 30), Disk(folder / "data.img", 128 << 20)],
        kernel_args=["diatom.state.autoformat=/dev/vda"],
        qemu_args=["-fw_cfg", f"name=opt/com.coreos/config,file={folder / 'config.ign'}"],
    )


@pytest.fixture(scope="module")
def server():
    server = MetadataServer({})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def lit(make_box, tmp_path_factory, server):
    described = document(server.url)
    server.pages |= described["pages"]
    box = box_with(make_box, tmp_path_factory.mktemp("ignition"), json.dumps(described["config"]))
    box.start()
    box.expect(r"root@[\w-]+:~# ", 300)
    yield box
    box.kill()


def test_accounts_and_names(lit):
    assert shell(lit, "hostname").strip() == "lit"
    assert shell(lit, "cat /home/core/.ssh/authorized_keys").strip() == KEY
    assert "wheel" in shell(lit, "id core")
    assert shell(lit, "grep -c '^core:[$]6[$]salt[$]hash:' /etc/shadow").strip() == "1"


def test_files_links_and_directories(lit):
    assert shell(lit, "stat -c '%U %a' /etc/app.json; cat /etc/app.link /etc/merged").split() == ["core", "600", "{}", "merged"]
    assert shell(lit, "stat -c '%G %a' /srv/web").split() == ["web", "750"]
    assert shell(lit, "/usr/local/bin/tool").strip() == "fetched"


def test_disks(lit):
    assert "/dev/vdb1 /mnt/data ext4" in shell(lit, "grep /mnt/data /proc/mounts")
    assert "/dev/vdb2 /mnt/firm vfat" in shell(lit, "grep /mnt/firm /proc/mounts")
    shell(lit, "echo kept >/mnt/firm/file && sync")


def test_units_are_services(lit):
    shell(lit, "for i in $(seq 120); do [ -e /run/hello ] && break; sleep 0.5; done")
    assert shell(lit, "cat /run/hello").strip() == "unit"


def test_why_names_ignition(lit):
    assert "fw_cfg opt/com.coreos/config:1" in shell(lit, "diatom config why users.core.password_hash")
    assert "$6$" not in shell(lit, "diatom config why users.core.password_hash")


def test_a_boot_later_needs_no_server(lit, server):
    asked = len(server.asked)
    lit.send("reboot\n")
    lit.expect("Restarting system", 300)
    lit.expect(r"root@[\w-]+:~# ", 300)
    assert shell(lit, "cat /etc/merged; echo; /usr/local/bin/tool").split() == ["merged", "fetched"]
    assert shell(lit, "cat /mnt/firm/file").strip() == "kept", "wiped once"
    assert len(server.asked) == asked
    assert machine_status(lit)["problems"] == []


def test_a_configuration_that_fails_stops_the_boot(make_box, tmp_path_factory):
    config = {
        "ignition": {"version": "3.4.0"},
        "storage": {"files": [{"path": "/etc/a", "contents": {"source": "data:,a", "verification": {"hash": "sha256-" + "0" * 64}}}]},
    }  # fmt: skip
    box = box_with(make_box, tmp_path_factory.mktemp("broken"), json.dumps(config))
    try:
        box.start()
        box.expect("THE CONFIGURATION FAILED, and the machine was not started", 300)
        box.expect(r"root@[\w-]+:~# ", 60)
        assert "storage.files[0].contents" in shell(box, "cat /run/diatom/recovery")
        assert box.shell("test -e /run/docker.sock || test -e /etc/a", 60)[0] != 0
        assert machine_status(box)["recovery"] is True
    finally:
        box.kill()
