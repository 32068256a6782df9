"""A real registry (Debian's docker-registry) on loopback, and one that misbehaves in a chosen way in front of it."""

from __future__ import annotations

import base64
import http.client
import http.server
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from vm.api import free_port

USER, PASSWORD = "alice", "wonderland"


class Registry:
    """docker-registry; the machine reaches it as 10.0.2.2:PORT (the emulator's name for this host)."""

    def __init__(self, folder: Path):
        self.port = free_port()
        config = folder / "config.yml"
        config.write_text(
            "version: 0.1\nlog: {level: error}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}\n"
            f"http: {{addr: '127.0.0.1:{self.port}'}}\n"
        )
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=self.log, stderr=subprocess.STDOUT)
        self._wait()

    @property
    def address(self) -> str:
        return f"10.0.2.2:{self.port}"

    def _wait(self) -> None:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        pytest.fail("docker-registry did not start")

    def push(self, layout: Path, name: str) -> str:
        subprocess.run(
            ["skopeo", "copy", "-q", "--dest-tls-verify=false", "--preserve-digests", f"oci:{layout}:latest", f"docker://127.0.0.1:{self.port}/{name}"],
            check=True,
        )
        return f"{self.address}/{name}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.log.close()


class FaultyRegistry:
    """Passes requests on to a real registry, but for what `fault` does to them.

    fault(handler, response body, headers) -> True when it has answered by itself.
    """

    def __init__(self, upstream: Registry, fault):
        self.requests: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.requests.append(self.path)
                connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=20)
                headers = {key: value for key, value in self.headers.items() if key in ("Accept", "Range")}
                connection.request("GET", self.path, headers=headers)
                response = connection.getresponse()
                body = response.read()
                if fault(self, response.status, body, dict(response.getheaders())):
                    return
                self.answer(response.status, body, dict(response.getheaders()))

            def answer(self, status: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None:
                self.send_response(status)
                for key in ("Content-Type", "Docker-Content-Digest", "Location", "WWW-Authenticate", "Content-Range"):
                    if key in headers:
                        self.send_header(key, headers[key])
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"10.0.2.2:{self.server.server_address[1]}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def needs_password(handler, status, body, headers) -> bool:
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if handler.headers.get("Authorization") == wanted:
        return False
    handler.answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}', {"WWW-Authenticate": 'Basic realm="test"'})
    return True


def is_blob(handler) -> bool:
    return "/blobs/" in handler.path


def truncates_once(state: dict):
    """The first answer for each blob ends in the middle; later ones are whole and honour ranges."""

    def fault(handler, status, body, headers) -> bool:
        if not is_blob(handler) or handler.path in state or len(body) < 1000:
            return False
        state[handler.path] = True
        handler.answer(status, body[: len(body) // 2], headers, length=len(body))
        handler.close_connection = True
        return True

    return fault


def truncates_always(handler, status, body, headers) -> bool:
    if not is_blob(handler) or len(body) < 1000:
        return False
    handler.answer(200, body[:100], headers, length=len(body))
    handler.close_connection = True
    return True


def wrong_bytes(handler, status, body, headers) -> bool:
    if not is_blob(handler) or len(body) < 1000:
        return False
    handler.answer(status, bytes([body[0] ^ 1]) + body[1:], headers)
    return True


def redirects_for_ever(handler, status, body, headers) -> bool:
    handler.answer(307, b"", {"Location": handler.path})
    return True


class HoldsBack:
    """Serves what every blob begins with, and keeps the rest back until it is released; counts what was asked for."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.held = 0
        self.asked: list[tuple[str, int, int]] = []  # digest, first byte, the byte behind the last

    def __call__(self, handler, status, body, headers) -> bool:
        if not is_blob(handler):
            return False
        wanted = handler.headers.get("Range", "bytes=0-")
        first = int(wanted.removeprefix("bytes=").split("-")[0])
        with self.lock:
            self.asked.append((handler.path.rsplit("/", 1)[1], first, first + len(body)))
            if first == 0 or self.released.is_set():
                return False
            self.held += 1
        self.released.wait()
        handler.close_connection = True  # who asked is gone
        return True

    def ranges(self, digest: str) -> list[tuple[int, int]]:
        with self.lock:
            return [(first, end) for name, first, end in self.asked if name == digest]
