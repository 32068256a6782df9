"""A machine with a Debian userland on our kernel: for what compares us with others, and for tests that need their programs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from vm.config import Disk, MachineConfig, make_overlay
from vm.errors import MachineError

from .initramfs import pack_initramfs

HERE = Path(__file__).parent
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /dev /root
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t ext4 /dev/vda /root
{mounts}
/bin/busybox umount /proc
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /bench/init
"""
BLOCK_SIZE = 4096  # bytes


def debian_machine(folder: Path, memory: int, mounts: dict[str, Disk]) -> MachineConfig:
    """A machine with `memory` MiB that runs /bench/init; `mounts` names the read-only disks by the folder in the root that each
    is mounted at. It ends when its kernel panics, instead of starting over."""
    root = make_overlay(_debian_root(), folder / "root.qcow2")
    return MachineConfig(
        directory=folder, memory=memory, api=False, network=False, initramfs=_initramfs(folder, list(mounts)),
        disks=[root, *mounts.values()], qemu_args=["-no-reboot"],
    )  # fmt: skip


def tree_disk(tree: Path, disk: Path, spare: int = 64 << 20) -> Disk:
    """An ext4 file system with the tree in it, and `spare` bytes more."""
    used = sum(path.lstat().st_size + BLOCK_SIZE for path in tree.rglob("*"))
    with disk.open("wb") as file:
        file.truncate(used + spare)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, disk], check=True)
    return Disk(disk)


def _debian_root() -> Path:
    done = subprocess.run([HERE / "debian_root.sh"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise MachineError("the Debian userland could not be made (see above)")
    return Path(done.stdout.strip())


def _initramfs(folder: Path, mounts: list[str]) -> Path:
    """Busybox, which mounts the disks and goes over to them."""
    root = folder / "start"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    # Without a type: each is what its disk says.
    lines = [f"/bin/busybox mount -o ro /dev/vd{chr(ord('b') + number)} /root/{name}" for number, name in enumerate(mounts)]
    (root / "init").write_text(INIT.format(mounts="\n".join(lines)))
    (root / "init").chmod(0o755)
    return pack_initramfs(root)
