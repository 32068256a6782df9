"""The pieces of ./dev run that need no machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from diatom_image.version import Version
from vm import Disk, Forward, Image, MachineConfig, MachineError
from vm.certs import ensure_certificates
from vm.command import qemu_command
from vm.config import parse_disk, parse_forward, parse_size
from vm.process import ProcessId
from vm.run import parse_args


@pytest.mark.parametrize(
    ("text", "size"), [("4G", 4 << 30), ("512m", 512 << 20), ("1GiB", 1 << 30), ("4096", 4096), ("disk.img", None), ("-1G", None)]
)
def test_sizes(text, size):
    assert parse_size(text) == size


def test_publish():
    assert parse_forward("8080:80") == Forward(8080, 80)
    assert parse_forward("0.0.0.0:53:5353/udp") == Forward(53, 5353, "0.0.0.0", "udp")
    for wrong in ("8080", "a:b", "70000:80", "0:80", "1:2:3"):
        with pytest.raises(MachineError, match="HOST:GUEST"):
            parse_forward(wrong)


def test_disk_argument(tmp_path):
    assert parse_disk("2G", tmp_path) == Disk(tmp_path / "state-2G.img", 2 << 30)
    with pytest.raises(MachineError, match="does not exist"):
        parse_disk(str(tmp_path / "missing.img"), tmp_path)
    qcow = tmp_path / "disk"
    qcow.write_bytes(b"QFI\xfb" + bytes(100))
    assert parse_disk(str(qcow), tmp_path).format == "qcow2"


def test_new_disks_are_sparse(tmp_path):
    disk = Disk(tmp_path / "disk.img", 1 << 30)
    disk.ensure()
    assert disk.path.stat().st_size == 1 << 30 and disk.path.stat().st_blocks == 0


@pytest.mark.parametrize("wrong", [["--memory", "8"], ["--cpus", "0"], ["--boot", "bios"], ["--nonsense"]])
def test_arguments_that_make_no_sense_are_refused(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_args(wrong)
    assert ended.value.code == 2
    assert "--" in capsys.readouterr().err


def test_certificates_are_made_once_and_verify(tmp_path):
    folder = ensure_certificates(tmp_path / "certs")
    before = (folder / "cert.pem").read_bytes()
    assert (ensure_certificates(folder) / "cert.pem").read_bytes() == before
    for name, purpose in (("cert.pem", "sslclient"), ("server-cert.pem", "sslserver")):
        command = ["openssl", "verify", "-purpose", purpose, "-CAfile", str(folder / "ca.pem"), str(folder / name)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert folder.stat().st_mode & 0o077 == 0


def test_certificates_reach_the_machine(tmp_path, release):
    argv = " ".join(qemu_command(MachineConfig(directory=tmp_path, image=Image(release)), "tcg", Path("/certs")))
    for name in ("ca.pem", "server-cert.pem", "server-key.pem"):
        assert f"name=opt/diatom/tls/{name},file=/certs/{name}" in argv
    assert "/certs/key.pem" not in argv


def test_a_process_number_used_again_is_not_ours():
    ours = ProcessId.of(1)
    assert ours is not None and ours.runs
    assert not ProcessId(1, ours.start_time + 1).runs


def test_guids_depend_on_version_and_name():
    version = Version("0.1.0", "", "")
    assert version.guid("esp") == Version("0.1.0", "", "").guid("esp")
    assert version.guid("esp") != version.guid("state") != Version("0.1.1", "", "").guid("state")
