"""What the artefacts hold."""

from __future__ import annotations

import json
import subprocess

import pytest
from diatom_image import cpio, disk


def output(*argv) -> str:
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=True).stdout


def test_initramfs_is_the_stub_and_the_root(release):
    listed = subprocess.run(
        ["cpio", "--quiet", "-it"], stdin=(release / "initramfs").open("rb"), capture_output=True, text=True, check=True
    ).stdout.split()
    assert listed == ["dev", "dev/console", "dev/kmsg", "sysroot", "init", "root.erofs"]


def test_cpio_fields_are_those_of_newc():
    archive = cpio.Archive()
    archive.file("name", b"12345", 0o600)
    data = archive.finish()
    assert data.startswith(b"070701" + b"00000001" + b"00008180")
    assert len(data) % 4 == 0
    assert b"TRAILER!!!\0" in data


def test_root_file_system_is_whole(release):
    output("fsck.erofs", release / "root.erofs")


@pytest.mark.parametrize(
    "path",
    ["init", "usr/bin/diatom", "usr/bin/init", "usr/bin/sh", "usr/bin/e2fsck", "usr/bin/mke2fs", "usr/bin/resize2fs",
     "usr/bin/dhcpcd", "usr/bin/chronyd", "usr/bin/udevadm", "usr/lib/systemd/systemd-udevd", "usr/lib/os-release",
     "usr/lib/diatom/docker-init",
     "usr/share/diatom/version", "usr/share/diatom/sysctl.conf", "usr/share/diatom/etc/passwd",
     "usr/share/diatom/etc/ssl/certs/ca-certificates.crt", "usr/share/diatom/services/20-network.yml"],
)  # fmt: skip
def test_root_has(release, path):
    file = release / "parts/root" / path
    assert file.is_symlink() or file.is_file()


def test_no_link_of_the_root_leads_nowhere(release):
    root = release / "parts/root"
    made_at_run_time = ("run/", "proc/", "usr/share/diatom/etc/")
    for link in root.rglob("*"):
        relative = link.relative_to(root)
        if link.is_symlink() and not str(relative).startswith(made_at_run_time):
            target = str(link.readlink())
            filled = root / target.replace("../../etc/", "usr/share/diatom/etc/")  # /etc is filled from there
            assert (filled if target.startswith("../../etc/") else link).exists(), f"{relative} -> {target}"


def test_openssl_finds_whom_the_machine_trusts(release):
    assert "/usr/lib/ssl/cert.pem" in output("strings", "-a", release / "parts/diatom").splitlines()
    root = release / "parts/root"
    assert str((root / "usr/lib/ssl").readlink()) == "../../etc/ssl"
    assert (root / "usr/share/diatom/etc/ssl/cert.pem").exists()


def test_programs_are_static(release):
    for program in sorted((release / "parts/root/usr/bin").iterdir()):
        if program.is_symlink():
            continue
        headers = output("readelf", "--program-headers", "--wide", program)
        assert "INTERP" not in headers, program.name


def test_disk_layout(release):
    table = json.loads(output("sfdisk", "--json", release / "diatom.raw"))["partitiontable"]
    esp, state = table["partitions"]
    assert (esp["name"], state["name"]) == ("DIATOM_ESP", "DIATOM_STATE")
    with (release / "diatom.raw").open("rb") as raw:
        raw.seek(state["start"] * 512)
        assert raw.read(disk.MARKER_SIZE).rstrip(b"\0") == disk.EMPTY_MARKER
    image = f"{release / 'diatom.raw'}@@{esp['start'] * 512}"
    version = json.loads((release / "manifest.json").read_text())["version"]
    listing = output("mdir", "-/", "-b", "-i", image, "::")
    for name in ("EFI/BOOT/BOOTX64.EFI", f"EFI/Linux/diatom_{version}+3.efi", "loader/loader.conf"):
        assert f"::/{name}".lower() in listing.lower()


def test_disk_is_sparse(release):
    assert (release / "diatom.raw").stat().st_blocks * 512 < 64 << 20


def test_uki_has_its_sections(release):
    headers = output("objdump", "-h", release / "diatom.efi")
    for section in (".osrel", ".cmdline", ".uname", ".linux", ".initrd"):
        assert section in headers


def test_manifest_names_every_part(release):
    manifest = json.loads((release / "manifest.json").read_text())
    assert set(manifest["artefacts"]) == {"diatom.efi", "vmlinuz", "initramfs", "root.erofs", "diatom.raw"}
    assert {"busybox", "e2fsprogs", "dhcpcd", "chrony", "udev"} <= set(manifest["packages"])
    assert manifest["parts"]["usr/bin/diatom"]["bytes"] > 0
