"""The disk of a RancherOS 1.5, as it leaves it: one file system with its root, its configuration and its user Docker."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

from vm.config import REPO, Disk

LABEL = "RANCHER_STATE"
CLOUD_CONFIG = """\
#cloud-config
hostname: edge-7
ssh_authorized_keys:
  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0dHBzOi8vZXhhbXBsZS5jb20vbm9uZTEyMzQ1Njc4 me@example
write_files:
  - path: /opt/app/greeting
    content: written by cloud-config
rancher:
  sysctl: {vm.swappiness: 7}
  modules: [btrfs]
"""
BOOT_CONFIG = """\
#cloud-config
hostname: from-boot
rancher: {docker: {insecure_registry: ["registry.example:5000"]}}
"""
SPARSE = 256 << 20


def write(file: Path, text: str | bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def volumes(docker: Path) -> None:
    """What bbolt wrote of the volumes db and share is a seed of a fuzzer, behind a letter that is its own."""
    seed = REPO / "tests/fuzz/corpus/docker_files_fuzz/metadata"
    write(docker / "volumes/metadata.db", seed.read_bytes()[1:])
    table = write(docker / "volumes/db/_data/base/table", os.urandom(3 << 20))
    os.chown(table, 999, 998)
    os.chmod(table, 0o640)
    os.setxattr(table, "user.origin", b"rancher")
    os.link(table, docker / "volumes/db/_data/base/linked")
    with (docker / "volumes/db/_data/sparse").open("wb") as file:
        file.truncate(SPARSE)
        file.seek(SPARSE // 2)
        file.write(b"middle")
    os.symlink("base/table", docker / "volumes/db/_data/link")
    os.chown(docker / "volumes/db/_data", 999, 998)
    options = {"MountType": "tmpfs", "MountOpts": "size=1m", "MountDevice": "tmpfs", "Quota": {"Size": 0}}
    write(docker / "volumes/share/opts.json", json.dumps(options))
    (docker / "volumes/share/_data").mkdir(parents=True)
    write(docker / "volumes/cache/_data/file", "plain")


def rancher_disk(folder: Path, size: int = 256 << 20) -> Disk:
    root = folder / "rancher"
    docker = root / "var/lib/user-docker"
    write(root / "var/lib/rancher/conf/cloud-config.d/boot.yml", BOOT_CONFIG)
    write(root / "var/lib/rancher/conf/cloud-config.yml", CLOUD_CONFIG)
    volumes(docker)
    write(docker / "containers/0123abcd/config.v2.json", json.dumps({"Name": "/web", "Config": {"Image": "nginx:1.19"}}))
    write(docker / "image/overlay2/repositories.json", json.dumps({"Repositories": {"nginx": {"nginx:1.19": "sha256:0123"}}}))
    (root / "var/lib/system-docker/volumes").mkdir(parents=True)
    profile = write(root / "home/rancher/.profile", "alias ll='ls -l'\n")
    for path in (profile, profile.parent):
        os.chown(path, 1100, 1100)
    write(root / "opt/app/data", "of the application")
    image = folder / "rancher.img"
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", LABEL, "-d", root, image], check=True)
    return Disk(image)


def not_unmounted(disk: Disk, folder: Path) -> Disk:
    """The same, as a power cut leaves it."""
    image = folder / "torn.img"
    image.write_bytes(disk.path.read_bytes())
    subprocess.run(["debugfs", "-w", "-R", "set_super_value state 0", image], check=True, stderr=subprocess.DEVNULL)
    return Disk(image)


def digest(disk: Disk) -> str:
    return hashlib.sha256(disk.path.read_bytes()).hexdigest()
