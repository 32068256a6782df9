"""Bytes: an image from a local registry, and what containers send."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

from common import IMAGE, OURS, Turns, say, scaled, settings, timed
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
    _read_all(Path("/registry"))
    turns = Turns(engines)

    def act(name: str) -> list[float]:
        say(f"pull by {name}")
        spent = timed(lambda: engines[name].api.pull(f"{REGISTRY}/big", "latest"))
        engines[name].api.call("DELETE", f"/images/{REGISTRY}/big:latest?force=true")
        return [spent]

    seconds = turns.each(act)
    registry.terminate()
    registry.wait()
    return turns.result(bytes=scaled(1000) * 1_000_000, seconds=seconds)


def _read_all(folder: Path) -> None:
    """Into the page cache, so that the first engine to pull pays no more than the last."""
    for path in folder.rglob("data"):
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


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
    turns = Turns(name for name in COMPARED if name in engines)
    ports = {name: str(PORT + number) for number, name in enumerate(COMPARED)}

    def act(name: str) -> None:
        command = ["ip", "netns", "exec", "outside", "python3", "-c", RECEIVE, "10.9.0.1", ports[name], str(megabytes << 20)]
        subprocess.run(command, check=True)

    servers = turns.each(lambda name: _serve(engines[name], megabytes, ports={"80/tcp": ports[name]}))
    seconds = turns.seconds(act, 3)
    turns.each(lambda name: engines[name].api.remove(servers[name]))
    return turns.result(bytes=megabytes << 20, seconds=seconds)


def bridge_throughput(engines: Engines) -> dict:
    """From one container to another on the default bridge."""
    megabytes = scaled(512)
    turns = Turns(name for name in COMPARED if name in engines)
    commands = {}

    def begin(name: str) -> list[str]:
        api = engines[name].api
        server = _serve(engines[name], megabytes)
        address = api.call("GET", f"/containers/{server}/json")["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        client = api.create(IMAGE, ["sleep", "1000000"], "bridge")
        api.start(client)
        commands[name] = (client, ["wget", "-q", "-O", "/dev/null", f"http://{address}/big"])
        return [server, client]

    def act(name: str) -> None:
        if code := engines[name].api.execute(*commands[name]):
            raise RuntimeError(f"wget ended with {code}")

    made = turns.each(begin)
    seconds = turns.seconds(act, 3)
    turns.each(lambda name: [engines[name].api.remove(container) for container in made[name]])
    return turns.result(bytes=megabytes << 20, seconds=seconds)


def many_ports(engines: Engines) -> dict:
    """The start of a container with 32 published ports: on a host with none, and beside two thousand. Ours alone, for a peer's
    proxies of two thousand ports would fill the machine."""
    api, others = engines[OURS].api, scaled(2000)
    busy = api.create(IMAGE, ["sleep", "1000000"], "bridge", ports={f"{number}/tcp": str(number) for number in range(20000, 20000 + others)})
    few = api.create(IMAGE, ["sleep", "1000000"], "bridge", ports={f"{number}/tcp": str(number) for number in range(18000, 18032)})

    def start() -> float:
        spent = timed(lambda: api.start(few))
        api.call("POST", f"/containers/{few}/stop?t=0")
        return spent

    seconds: dict[str, list[float]] = {OURS: [], "on an empty host": []}
    start()
    for _ in range(settings["rounds"]):
        seconds["on an empty host"].append(start())
        api.start(busy)
        seconds[OURS].append(start())
        api.call("POST", f"/containers/{busy}/stop?t=0")
    for container in (busy, few):
        api.remove(container)
    return {"others": others, "seconds": seconds}
