"""The Docker API of a machine: over TLS on a forwarded port."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Api:
    port: int
    certificates: Path
    address: str = "127.0.0.1"

    @property
    def environment(self) -> dict[str, str]:
        """What the docker command line and every other client of Docker read."""
        return {
            "DOCKER_HOST": f"tcp://{self.address}:{self.port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(self.certificates),
        }

    def request(self, method: str, path: str, body: Any = None, timeout: float = 30) -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=str(self.certificates / "ca.pem"))
        context.load_cert_chain(self.certificates / "cert.pem", self.certificates / "key.pem")
        connection = http.client.HTTPSConnection(self.address, self.port, timeout=timeout, context=context)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, body=data, headers={"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def answers(self, timeout: float = 1) -> bool:
        try:
            status, body = self.request("GET", "/_ping", timeout=timeout)
        except (OSError, http.client.HTTPException):
            return False
        return status == 200 and body.strip() == b"OK"

    def docker(self, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs the docker command line; output is captured as text unless the options say otherwise."""
        defaults: dict[str, Any] = {"capture_output": True, "text": True, "check": False, "timeout": 300}
        environment = os.environ | self.environment
        return subprocess.run(["docker", *args], env=environment, **(defaults | options))


def free_port() -> int:
    """A TCP port of loopback that nobody has now: at random, for the kernel gives two programs that ask at once the same
    one, and below those that outgoing connections take."""
    while True:
        port = random.randrange(20000, 32000)
        if port_is_free(port):
            return port


def port_is_free(port: int, address: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
