"""Limits on the disk space of containers and volumes: project quotas of the state partition."""

from __future__ import annotations

import json

import pytest

from playground import name

pytestmark = pytest.mark.usefixtures("loaded")

FILL = "dd if=/dev/zero of={} bs=1M count=64 2>&1; echo; ls -l {}"


def written(output: str) -> int:
    """Bytes of the file at the end of a listing."""
    return int(output.splitlines()[-1].split()[4])


def test_a_containers_own_files(docker, play):
    small = play.box("--storage-opt", "size=16m")
    other = play.box()
    output = play.sh(small, FILL.format("/f", "/f"))
    assert "quota exceeded" in output.lower() or "No space left" in output, output
    assert 0 < written(output) <= 16 << 20
    assert written(play.sh(other, FILL.format("/f", "/f"))) == 64 << 20
    assert play.sh(small, "df -P -k / | tail -n 1").split()[1] == str(16 << 10)
    assert json.loads(docker("inspect", small).stdout)[0]["HostConfig"]["StorageOpt"] == {"size": "16m"}
    # It counts again what was given back, and holds after another start.
    docker("restart", "-t", "0", small)
    assert 0 < written(play.sh(small, "rm /f; " + FILL.format("/g", "/g"))) <= 16 << 20
    play.boxes.append(docker("create", "--storage-opt", "size=16m", "busybox").stdout.strip())
    bad = docker("create", "--storage-opt", "size=much", "busybox", check=False)
    assert bad.returncode == 1 and "invalid size: 'much'" in bad.stderr
    unknown = docker("create", "--storage-opt", "colour=red", "busybox", check=False)
    assert unknown.returncode == 1 and "Unknown option colour" in unknown.stderr


def test_a_volume(docker, play):
    volume = name()
    docker("volume", "create", "-o", "size=8m", volume)
    box = play.box("-v", f"{volume}:/v")
    output = play.sh(box, FILL.format("/v/f", "/v/f"))
    assert 0 < written(output) <= 8 << 20, output
    assert written(play.sh(box, FILL.format("/f", "/f"))) == 64 << 20, "the container's own files have no limit"
    docker("rm", "-f", box)
    assert json.loads(docker("volume", "inspect", volume).stdout)[0]["Options"] == {"size": "8m"}
    docker("volume", "rm", volume)
    mixed = docker("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "size=8m", check=False)
    assert mixed.returncode == 1 and "o=size=8m" in mixed.stderr
