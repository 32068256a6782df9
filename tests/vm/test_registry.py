"""Pulling, from a real registry and from ones that misbehave."""

from __future__ import annotations

import hashlib
import random
import threading
import time
import urllib.request

import oci
import pytest
from registry import (
    PASSWORD,
    USER,
    FaultyRegistry,
    HoldsBack,
    needs_password,
    redirects_for_ever,
    truncates_always,
    truncates_once,
    wrong_bytes,
)
from test_faults import kill_engine


@pytest.fixture(scope="module")
def pushed(registry, layouts):
    return {name: registry.push(layout, name) for name, layout in layouts.items()}


@pytest.fixture
def faulty(registry):
    """Starts a faulty registry; the machine was told that all of the emulator's host may speak plain HTTP."""
    servers = []

    def start(fault) -> FaultyRegistry:
        servers.append(FaultyRegistry(registry, fault))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_pull_run_and_answer_from_outside(docker, pushed, published):
    """The issue's own sentence: docker run -p 8080:80 HOST:5000/web answers a request from outside the machine."""
    box = docker("run", "-d", "-p", f"{published.guest}:80", pushed["web"]).stdout.strip()
    body = None
    for _ in range(60):
        try:
            body = urllib.request.urlopen(f"http://127.0.0.1:{published.host}/", timeout=10).read()
            break
        except OSError:
            time.sleep(0.5)
    assert body == b"hello from a container\n"
    docker("rm", "-f", box)


def test_pull_twice_zstd_digest_and_platform(docker, pushed):
    first = docker("pull", pushed["zstd"]).stdout
    assert "Status: Downloaded newer image" in first
    assert "Status: Image is up to date" in docker("pull", pushed["zstd"]).stdout
    assert docker("run", "--rm", pushed["zstd"], "cat", "/second/file").stdout == "of the second layer\n"
    digest = next(line.split()[1] for line in first.splitlines() if line.startswith("Digest:"))
    docker("pull", f"{pushed['zstd']}@{digest}")
    refused = docker("pull", pushed["arm64"], check=False)
    assert refused.returncode == 1 and "no matching manifest for linux/amd64" in refused.stderr


def test_absent_things_are_named(docker, registry, pushed):
    missing = docker("pull", f"{registry.address}/web:nonesuch", check=False)
    assert missing.returncode == 1 and "nonesuch not found: manifest unknown" in missing.stderr
    nobody = docker("pull", "10.0.2.2:1/web", check=False)
    assert nobody.returncode == 1 and "10.0.2.2:1" in nobody.stderr


def test_unauthorised_then_logged_in(docker, faulty, pushed, tmp_path):
    server = faulty(needs_password)
    config = {"DOCKER_CONFIG": str(tmp_path)}
    refused = docker("pull", f"{server.address}/web", check=False, env=config)
    assert refused.returncode == 1 and "pull access denied" in refused.stderr
    assert docker("login", "-u", USER, "-p", "wrong", server.address, check=False, env=config).returncode == 1
    docker("login", "-u", USER, "-p", PASSWORD, server.address, env=config)
    docker("pull", f"{server.address}/web", env=config)


def test_truncated_downloads_resume(machine, docker, faulty, registry, tmp_path):
    layer = oci.Layer().add("big", bytes(range(256)) * 8000).bytes()
    registry.push(oci.write_layout(tmp_path / "big", [layer], compression="none"), "big")
    server = faulty(truncates_once({}))
    docker("pull", f"{server.address}/big")
    assert len([path for path in server.requests if "/blobs/" in path]) >= 3


@pytest.mark.parametrize(
    ("fault", "says"),
    [(truncates_always, "partial"), (wrong_bytes, "digest"), (redirects_for_ever, "redirects")],
    ids=["truncates", "wrong-bytes", "redirects"],
)
def test_a_misbehaving_registry_leaves_nothing_behind(docker, faulty, registry, tmp_path, fault, says):
    layer = oci.Layer().add(f"unique-{says}", says.encode() * 4000).bytes()
    registry.push(oci.write_layout(tmp_path / "layout", [layer], compression="none"), f"bad-{says}")
    server = faulty(fault)
    before = docker("images", "-q").stdout
    refused = docker("pull", f"{server.address}/bad-{says}", check=False)
    assert refused.returncode == 1 and says in refused.stderr, refused.stderr
    assert docker("images", "-q").stdout == before


def test_an_engine_killed_in_a_pull_leaves_what_it_had(machine, docker, faulty, registry, tmp_path):
    """The next pull fetches only what is missing: the registry counts the bytes."""
    noise = random.Random(5).randbytes(40 << 20)
    small = oci.busybox_layer().add("unique", b"to this image\n").bytes()
    big = oci.Layer().add("noise", noise).bytes()
    registry.push(oci.write_layout(tmp_path / "layout", [small, big], compression="none"), "interrupted")
    digest = {name: "sha256:" + hashlib.sha256(layer).hexdigest() for name, layer in (("small", small), ("big", big))}
    fault = HoldsBack()
    server = faulty(fault)
    name = f"{server.address}/interrupted"
    first = threading.Thread(target=docker, args=("pull", name), kwargs={"check": False})
    first.start()
    # Of four connections, three bring nothing, and the first asks for its second range when its first one is stored.
    machine.wait_until(lambda: fault.held == 4, 120, "four requests for the rest")
    stored = fault.ranges(digest["big"])
    kill_engine(machine, "user")
    fault.released.set()
    first.join(120)
    assert not first.is_alive()
    machine.wait_api()

    docker("pull", name)
    assert len(fault.ranges(digest["small"])) == 1
    begun = next(end for begin, end in stored if begin == 0)
    again = fault.ranges(digest["big"])[len(stored) :]
    assert again and min(begin for begin, _ in again) == begun
    assert sum(end - begin for begin, end in again) == len(big) - begun
    told = docker("run", "--rm", name, "busybox", "sha256sum", "/noise").stdout
    assert told.split()[0] == hashlib.sha256(noise).hexdigest()
    docker("rmi", name)
