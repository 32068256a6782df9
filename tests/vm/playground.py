"""Networks and containers that go with their test, and what is asked of them."""

from __future__ import annotations

import ipaddress
import re
import uuid


def name() -> str:
    return "n" + uuid.uuid4().hex[:10]


class Playground:
    """Networks and containers that go with the test."""

    def __init__(self, docker):
        self.docker, self.networks, self.boxes = docker, [], []

    def network(self, *args: str) -> str:
        net = name()
        self.docker("network", "create", *args, net)
        self.networks.append(net)
        return net

    def box(self, *args: str, image: str = "busybox", command: tuple[str, ...] = ("sleep", "100000")) -> str:
        box = name()
        self.boxes.append(box)
        self.docker("run", "-d", "--name", box, *args, image, *command)
        return box

    def web(self, *args: str) -> str:
        return self.box(*args, command=("httpd", "-f", "-h", "/www"))

    def sh(self, box: str, script: str, check: bool = True) -> str:
        return self.docker("exec", box, "sh", "-c", script, check=check).stdout

    def address(self, box: str, net: str, key: str = "IPAddress") -> str:
        return self.docker("inspect", "-f", f'{{{{(index .NetworkSettings.Networks "{net}").{key}}}}}', box).stdout.strip()

    def reaches(self, box: str, host: str, port: int = 80) -> bool:
        return "hello" in self.sh(box, f"wget -q -T 3 -O - http://{host}:{port}/ 2>&1", check=False)

    def lookup(self, box: str, asked: str, kind: str = "a") -> list[str]:
        """Addresses, or names of an address."""
        if kind == "ptr":
            asked = ipaddress.ip_address(asked).reverse_pointer
        output = self.sh(box, f"busybox nslookup -type={kind} {asked} 2>&1", check=False)
        after = output.split("\n\n", 1)[-1]
        return [address or named for address, named in re.findall(r"^Address: (\S+)$|name = (\S+)$", after, re.M)]

    def close(self) -> None:
        if self.boxes:
            self.docker("rm", "-f", *self.boxes, check=False)
        for net in self.networks:
            self.docker("network", "rm", net, check=False)
