"""The QEMU command line of a machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from .config import Boot, Disk, MachineConfig, make_overlay

FIRMWARE = Path("/usr/share/OVMF")
CONSOLE = "console=ttyS0"


def qemu_command(config: MachineConfig, accelerator: str, certificates: Path | None) -> list[str]:
    folder = config.directory
    argv = ["qemu-system-x86_64", "-name", f"diatom,process=diatom-{folder.name}"[:80]]
    argv += ["-nodefaults", "-no-user-config"]
    argv += ["-machine", "q35,sata=off,vmport=off", *accelerator_args(accelerator)]
    argv += ["-smp", str(config.cpus), "-m", str(config.memory)]
    argv += ["-display", "none", "-monitor", "none"]
    argv += ["-chardev", f"socket,id=serial,path={folder}/serial.sock,server=on,wait=off,logfile={folder}/serial.log,logappend=on"]
    argv += ["-serial", "chardev:serial"]
    argv += ["-qmp", f"unix:{folder}/qmp.sock,server=on,wait=off"]
    argv += ["-device", "virtio-rng-pci"]
    disks = list(config.disks)
    if config.boot is Boot.UEFI:
        disks.insert(0, make_overlay(config.image.disk, folder / "system.qcow2"))
        argv += firmware_args(config)
    else:
        argv += direct_args(config)
    for number, disk in enumerate(disks):
        argv += disk_args(number, disk)
    argv += network_args(config)
    if certificates is not None:
        for name in ("ca.pem", "server-cert.pem", "server-key.pem"):
            argv += ["-fw_cfg", f"name=opt/diatom/tls/{name},file={certificates}/{name}"]
    return argv + config.qemu_args


def accelerator_args(accelerator: str) -> list[str]:
    if accelerator == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def direct_args(config: MachineConfig) -> list[str]:
    words = [config.image.command_line, CONSOLE, *config.kernel_args]
    kernel = config.kernel or config.image.kernel
    initramfs = config.initramfs or config.image.initramfs
    return ["-kernel", str(kernel), "-initrd", str(initramfs), "-append", " ".join(words)]


def firmware_args(config: MachineConfig) -> list[str]:
    variables = config.directory / "uefi-variables.fd"
    if not variables.exists():
        shutil.copyfile(FIRMWARE / "OVMF_VARS_4M.fd", variables)
    # systemd-stub appends what it finds in this SMBIOS string to the command line inside the UKI.
    extra = " ".join([CONSOLE, *config.kernel_args]).replace(",", ",,")
    return [
        "-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.fd",
        "-drive", f"if=pflash,format=raw,file={variables}",
        "-smbios", f"type=11,value=io.systemd.stub.kernel-cmdline-extra={extra}",
    ]  # fmt: skip


def disk_args(number: int, disk: Disk) -> list[str]:
    disk.ensure()
    drive = f"if=none,id=disk{number},file={disk.path},format={disk.format},discard=unmap,detect-zeroes=unmap"
    return ["-drive", drive, "-device", f"virtio-blk-pci,drive=disk{number},serial=diatom-disk{number}"]


def network_args(config: MachineConfig) -> list[str]:
    if not config.network:
        return ["-nic", "none"]
    # The guest finds this machine's loopback at 10.0.2.2. Either protocol named alone would turn the other off.
    forwards = "".join(f",hostfwd={forward}" for forward in config.publish)
    return ["-netdev", f"user,id=net0,ipv4=on,ipv6=on{forwards}", "-device", "virtio-net-pci,netdev=net0"]
