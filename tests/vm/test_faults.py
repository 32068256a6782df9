"""Hostile images, full disks, killed engines."""

from __future__ import annotations

import json
import random
import re
import tarfile
import time
from pathlib import Path

import oci
import pytest
from vm.config import Disk


def hostile(kind: str) -> bytes:
    layer = oci.busybox_layer()
    if kind == "dotdot":
        layer.add("../../../../var/lib/diatom/escaped", b"x")
    elif kind == "through-symlink":
        layer.link("way", "/var/lib/diatom").add("way/escaped", b"x")
    elif kind == "hard-link":
        layer.link("escaped", "../../../../etc/os-release", kind=tarfile.LNKTYPE)
    return layer.bytes()


@pytest.mark.parametrize("kind", ["dotdot", "through-symlink", "hard-link"])
def test_archives_cannot_leave_their_layer(loaded, docker, tmp_path, kind):
    layout = oci.write_layout(tmp_path / "layout", [hostile(kind)])
    archive = oci.save_archive(layout, tmp_path / "hostile.tar", f"hostile-{kind}:latest")
    docker("load", "-i", str(archive), check=False)
    code, output = loaded.shell("ls /var/lib/diatom/escaped /var/lib/diatom/*/escaped 2>/dev/null | wc -l", 120)
    assert output.strip() == "0"


def test_a_layer_of_a_hundred_thousand_entries(loaded, docker, tmp_path):
    layer = oci.busybox_layer()
    for i in range(1000):
        layer.directory(f"many/{i}") if i % 100 == 0 else None
    for i in range(100_000):
        layer.add(f"many/{i % 10 * 100}/{i}")
    archive = oci.save_archive(oci.write_layout(tmp_path / "layout", [layer.bytes()]), tmp_path / "many.tar", "many:latest")
    docker("load", "-i", str(archive))
    assert docker("run", "--rm", "many", "sh", "-c", "ls /many/900 | wc -l").stdout.strip() == "10000"
    docker("rmi", "many")


def engine_pid(machine, scope: str) -> int | None:
    """In a line of its own: PID 1 says on the same console what it does."""
    found = re.search(r"^(\d+)$", machine.shell(f"pgrep -o -f 'engine --scope {scope}'", 120)[1], re.MULTILINE)
    return int(found[1]) if found else None


def kill_engine(machine, scope: str) -> None:
    """Kills an engine and waits for the next one."""
    killed = engine_pid(machine, scope)
    assert killed is not None and machine.shell(f"kill -KILL {killed}", 120)[0] == 0
    machine.wait_until(lambda: engine_pid(machine, scope) not in (None, killed), 120, f"a new {scope} engine")


def test_engine_killed_while_containers_run(loaded, docker):
    """They keep running; logs and exit codes are complete when it is back."""
    docker("run", "-d", "--name", "survivor", "busybox", "sh", "-c", "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.25; done; exit 21")
    docker("run", "-d", "--name", "steady", "busybox", "sleep", "100000")
    time.sleep(2)
    kill_engine(loaded, "user")
    loaded.wait_api()
    assert docker("wait", "survivor").stdout == "21\n"
    assert docker("logs", "survivor").stdout == "".join(f"line {i}\n" for i in range(40))
    assert docker("inspect", "-f", "{{.State.Running}}", "steady").stdout == "true\n"
    assert docker("exec", "steady", "echo", "reachable").stdout == "reachable\n"
    docker("rm", "-f", "survivor", "steady")


def random_layout(folder: Path, size: int) -> Path:
    layer = oci.Layer().add("big", random.Random(1).randbytes(size)).bytes()
    return oci.write_layout(folder, [layer], compression="none")


def test_disk_full_during_a_load_and_a_pull(make_box, busybox_archive, registry, tmp_path):
    kernel_args = ["diatom.state.autoformat=/dev/vda", "diatom.registry.insecure=10.0.2.0/24"]
    box = make_box(disks=[Disk(tmp_path / "small.img", 96 << 20)], kernel_args=kernel_args).boot()
    box.docker("load", "-i", str(busybox_archive))
    layout = random_layout(tmp_path / "big", 90 << 20)
    archive = oci.save_archive(layout, tmp_path / "big.tar", "big:latest")
    for arguments in (["load", "-i", str(archive)], ["pull", registry.push(layout, "big")]):
        refused = box.docker(*arguments, check=False)
        assert refused.returncode != 0 and "space" in refused.stderr + refused.stdout
        assert box.docker("run", "--rm", "busybox", "echo", "alive").stdout == "alive\n"
        assert "big" not in box.docker("images").stdout
    # Nothing of them is left behind: what fits, fits.
    box.docker("pull", registry.push(random_layout(tmp_path / "fitting", 24 << 20), "fitting"))
    box.kill()


def test_corrupt_state_file_system_boots_from_memory(make_box, tmp_path):
    box = make_box(disks=[Disk(tmp_path / "state.img", 256 << 20)], kernel_args=["diatom.state.autoformat=/dev/vda"]).boot()
    box.powerdown(180)
    with (tmp_path / "state.img").open("r+b") as disk:
        disk.seek(1024 + 0x70)
        disk.write(b"\xff" * 200)  # past the superblock's label, into its feature flags and on
        disk.seek(4096)
        disk.write(b"\xff" * (1 << 20))
    box.boot()
    code, output = box.shell("diatom status --json", 120)
    assert json.loads(output)["state"]["persistent"] is False
    box.kill()


def test_system_engine_killed_comes_back_with_its_containers(loaded, docker):
    """PID 1 starts it again; the user engine and its containers do not notice."""
    docker("run", "-d", "--name", "untouched", "busybox", "sleep", "100000")
    before = docker("inspect", "-f", "{{.State.Pid}}", "untouched").stdout
    kill_engine(loaded, "system")
    loaded.wait_until(lambda: loaded.shell("diatom status", 120)[1].count("running") >= 5, 120, "the system engine after its death")
    assert docker("inspect", "-f", "{{.State.Pid}}", "untouched").stdout == before
    docker("rm", "-f", "untouched")
