"""The Docker API over a unix socket, as little of it as is measured."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=300)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Api:
    """One connection for all calls, as clients that do many keep one."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection = _UnixConnection(path)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body)
        text = self._exchange(method, path, data, "application/json")
        try:
            return json.loads(text) if text else None
        except ValueError:
            return text

    def _exchange(self, method: str, path: str, data: str | bytes | None, kind: str) -> bytes:
        try:
            self._connection.request(method, "/v1.41" + path, body=data, headers={"Content-Type": kind})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # so that the next call is not answered by what comes late
            raise
        if answer.will_close:
            self._connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return text

    def load(self, archive: bytes) -> None:
        self._exchange("POST", "/images/load", archive, "application/x-tar")

    def answers(self) -> bool:
        try:
            return self.call("GET", "/_ping") is not None
        except (OSError, http.client.HTTPException, RuntimeError):
            self._connection.close()
            return False

    def again(self) -> Api:
        """The same engine over a connection of its own, for another thread."""
        return Api(self._path)

    # What is measured

    def create(self, image: str, command: list[str], network: str, ports: dict[str, str] | None = None, auto_remove: bool = False) -> str:
        published = {inside: [{"HostPort": outside}] for inside, outside in (ports or {}).items()}
        body = {"Image": image, "Cmd": command, "ExposedPorts": {inside: {} for inside in published}}
        body["HostConfig"] = {"NetworkMode": network, "PortBindings": published, "AutoRemove": auto_remove}
        return self.call("POST", "/containers/create", body)["Id"]

    def list_all(self) -> bytes:
        """Not parsed: that would take this client longer than the engine took to answer."""
        return self._exchange("GET", "/containers/json?all=true", None, "application/json")

    def pull(self, name: str, tag: str) -> None:
        """The answer is a stream of JSON values, in which an error may stand."""
        text = self._exchange("POST", f"/images/create?fromImage={name}&tag={tag}", None, "application/json").decode(errors="replace")
        if '"error"' in text:
            raise RuntimeError(f"pull: {text[-500:]}")

    def start(self, container: str) -> None:
        self.call("POST", f"/containers/{container}/start")

    def wait(self, container: str) -> int:
        return self.call("POST", f"/containers/{container}/wait")["StatusCode"]

    def run_and_remove(self, image: str, command: list[str], network: str) -> None:
        """As `docker run --rm` does it: who waits for the removal asks before the start."""
        container = self.create(image, command, network, auto_remove=True)
        waiting = _UnixConnection(self._path)
        waiting.request("POST", f"/v1.41/containers/{container}/wait?condition=removed")
        self.start(container)
        answer = waiting.getresponse()
        text = answer.read()
        waiting.close()
        # It may have ended and gone before the engine came to the question.
        if answer.status != 404 and (answer.status != 200 or json.loads(text)["StatusCode"] != 0):
            raise RuntimeError(f"{' '.join(command)}: {answer.status} {text.decode(errors='replace')}")

    def remove(self, container: str) -> None:
        self.call("DELETE", f"/containers/{container}?force=true")

    def execute(self, container: str, command: list[str]) -> int:
        made = self.call("POST", f"/containers/{container}/exec", {"Cmd": command, "AttachStdout": True})["Id"]
        connection = _UnixConnection(self._path)  # the answer is a stream that ends with the connection
        connection.request("POST", f"/v1.41/exec/{made}/start", body=json.dumps({"Detach": False, "Tty": False}), headers={"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()
        return self.call("GET", f"/exec/{made}/json")["ExitCode"]
