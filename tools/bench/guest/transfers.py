"""Bytes: an image from a local registry, and what containers send."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

from common import IMAGE, rounds, say, scaled, timed
from contenders import Contender

Engines = dict[str, Contender]
REGISTRY = "127.0.0.1:5000"
PORT = 5001
COMPARED = ("diatom", "docker")  # on the network's speed


def pull(engines: Engines) -> dict:
    """Into an empty store each time. The registry reads its blobs from a disk that fits the page cache."""
    config = Path("/run/registry.yml")
    config.write_text(
        "version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: /registry}, maintenance: {readonly: {enabled: true}}}\n"
        f"http: {{addr: '{REGISTRY}'}}\n"
    )
    registry = subprocess.Popen(["docker-registry", "serve", str(config)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _wait_for_port(5000)

    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(2):
        for name, engine in engines.items():
            say(f"pull by {name}")
            seconds[name].append(timed(lambda: engine.api.pull(f"{REGISTRY}/big", "latest")))
            engine.api.call("DELETE", f"/images/{REGISTRY}/big:latest?force=true")
    registry.terminate()
    registry.wait()
    return {"seconds": seconds}


def _wait_for_port(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nothing listens on port {port}")


def _outside() -> None:
    """A second host: a network namespace with a wire to this one."""
    for command in (
        "ip netns add outside",
        "ip link add wire type veth peer name wire1 netns outside",
        "ip addr add 10.9.0.1/24 dev wire",
        "ip link set wire up",
        "ip -n outside addr add 10.9.0.2/24 dev wire1",
        "ip -n outside link set wire1 up",
    ):
        subprocess.run(command.split(), check=True)


RECEIVE = """
import socket, sys
want, piece = int(sys.argv[3]), bytearray(1 << 20)
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 60) as wire:
    wire.sendall(b"GET /big HTTP/1.0\\r\\n\\r\\n")
    while got := wire.recv_into(piece):
        want -= got
sys.exit("the answer is too short" if want > 0 else 0)
"""


def _serve(engine: Contender, megabytes: int, **options) -> str:
    """A web server with one file of zeros in its page cache."""
    server = engine.api.create(IMAGE, ["httpd", "-f", "-p", "80", "-h", "/www"], "bridge", **options)
    engine.api.start(server)
    if code := engine.api.execute(server, ["dd", "if=/dev/zero", "of=/www/big", "bs=1M", f"count={megabytes}"]):
        raise RuntimeError(f"dd ended with {code}")
    return server


def port_throughput(engines: Engines) -> dict:
    """A published port, read by another host."""
    _outside()
    megabytes = scaled(512)
    ports = {name: str(PORT + number) for number, name in enumerate(COMPARED)}
    for name in COMPARED:
        _serve(engines[name], megabytes, ports={"80/tcp": ports[name]})

    def act(name: str) -> None:
        command = ["ip", "netns", "exec", "outside", "python3", "-c", RECEIVE, "10.9.0.1", ports[name], str(megabytes << 20)]
        subprocess.run(command, check=True)

    return {"bytes": megabytes << 20, "seconds": rounds(COMPARED, act, 3)}


def bridge_throughput(engines: Engines) -> dict:
    """From one container to another on the default bridge."""
    megabytes = scaled(512)
    commands = {}
    for name in COMPARED:
        server = _serve(engines[name], megabytes)
        address = engines[name].api.call("GET", f"/containers/{server}/json")["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        client = engines[name].api.create(IMAGE, ["sleep", "1000000"], "bridge")
        engines[name].api.start(client)
        commands[name] = (client, ["wget", "-q", "-O", "/dev/null", f"http://{address}/big"])

    def act(name: str) -> None:
        if code := engines[name].api.execute(*commands[name]):
            raise RuntimeError(f"{name}: wget ended with {code}")

    return {"bytes": megabytes << 20, "seconds": rounds(COMPARED, act, 3)}
