"""diatom.efi: kernel, command line, initramfs and os-release in one PE file (a unified kernel image).

Source: https://uapi-group.org/specifications/specs/unified_kernel_image/
"""

from __future__ import annotations

from pathlib import Path

from .run import REPO, run

STUB = Path("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")

# The root image is mounted from the initramfs in place only where that is a ramfs (see src/boot/init_stub.cpp).
BOOT_ARGUMENTS = "rootfstype=ramfs"


def command_line() -> str:
    words = (REPO / "image/kernel/cmdline").read_text().split()
    return " ".join(words + [word for word in BOOT_ARGUMENTS.split() if word not in words])


def write_uki(output: Path, kernel: Path, initramfs: Path, os_release: Path, uname: str) -> None:
    run(
        "ukify", "build", "--stub", STUB, "--linux", kernel, "--initrd", initramfs, "--cmdline", command_line(),
        "--os-release", f"@{os_release}", "--uname", uname, "--output", output,
    )  # fmt: skip
