"""The first program of the machine, on the real kernel: what it says when it cannot go on, and its way round a tmpfs."""

from __future__ import annotations

import subprocess

import pytest
from diatom_image import cpio
from vm import Image, Machine, MachineConfig

SECONDS = 120

PROGRAM = r"""
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>
int main(int argc, char** argv) {
    printf("root reached as %s, pid %d, %d arguments\n", argv[0], getpid(), argc);
    fflush(stdout);
    reboot(RB_POWER_OFF);
    pause();
}
"""


@pytest.fixture(scope="module")
def small_root(tmp_path_factory):
    """An EROFS image whose /sbin/init only prints."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "root/sbin").mkdir(parents=True)
    (folder / "root/usr/bin").mkdir(parents=True)
    source = folder / "init.c"
    source.write_text(PROGRAM)
    subprocess.run(["gcc-14", "-Os", "-static", "-s", "-o", folder / "root/sbin/init", source], check=True)
    subprocess.run(["mkfs.erofs", "--quiet", "-zzstd", folder / "root.erofs", folder / "root"], check=True)
    return folder / "root.erofs"


def boot(folder, release, root, *kernel_args):
    initramfs = folder / "initramfs"
    cpio.write_initramfs(initramfs, release / "parts/init", root)
    return Machine(
        MachineConfig(
            directory=folder, image=Image(release), initramfs=initramfs, api=False, memory=256, kernel_args=list(kernel_args)
        )
    )


def test_mounts_the_image_in_place(tmp_path, release, small_root):
    with boot(tmp_path, release, small_root) as machine:
        machine.start()
        line = machine.wait_for_line("root reached", SECONDS)
        assert "as /sbin/init, pid 1" in line
        machine.wait_end(SECONDS)


def test_copies_the_image_out_of_a_tmpfs(tmp_path, release, small_root):
    with boot(tmp_path, release, small_root, "rootfstype=tmpfs") as machine:
        machine.start()
        machine.wait_for_line("root reached", SECONDS)
        machine.wait_end(SECONDS)


def test_says_what_failed_and_reboots(tmp_path, release):
    broken = tmp_path / "broken.erofs"
    broken.write_bytes(b"not a file system" * 1000)
    with boot(tmp_path, release, broken) as machine:
        machine.config.qemu_args = ["-no-reboot"]
        machine.start()
        line = machine.wait_for_line("diatom: .*failed", SECONDS)
        assert "mount /root.erofs" in line and "error 22" in line and "rebooting in 10 seconds" in line
        machine.wait_end(SECONDS)
