"""As much of Docker's API as docker compose needs, without containers: remembers what it was asked for."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import socketserver
import threading
import urllib.parse
from pathlib import Path

IMAGE_ID = "sha256:" + "1" * 64


def make_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class FakeEngine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), Handler)
        self.host = f"unix://{path}"
        self.calls: list[tuple[str, str, dict, object]] = []
        self.containers: dict[str, dict] = {}
        self.networks: dict[str, dict] = {}
        self.volumes: dict[str, dict] = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("client", 0)

    def bodies(self, path: str) -> dict[str, dict]:
        """What was posted there, by the name of the thing."""
        found = [(query, body) for method, target, query, body in self.calls if (method, target) == ("POST", path)]
        return {query.get("name") or body["Name"]: body for query, body in found}

    def names(self) -> list[str]:
        return sorted(container["Name"] for container in self.containers.values())

    def find(self, table: dict, key: str) -> str | None:
        return next((id for id, thing in table.items() if key in (id, thing["Name"])), None)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeEngine

    def log_message(self, *_) -> None:
        pass

    def answer(self, code: int, body: object = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Api-Version", "1.43")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_request(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_json = self.headers.get("Content-Type", "").startswith("application/json")
        body = json.loads(data) if data and is_json else data
        url = urllib.parse.urlparse(self.path)
        path = re.sub(r"^/v[\d.]+", "", urllib.parse.unquote(url.path))
        query = {key: values[0] for key, values in urllib.parse.parse_qs(url.query).items()}
        with self.server.lock:
            self.server.calls.append((self.command, path, query, body))
            self.answer(*self.route(path, query, body))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_request

    def route(self, path: str, query: dict, body: object) -> tuple:
        parts = path.strip("/").split("/")
        if parts[0] == "_ping":
            return (200, {})
        if parts[0] == "version":
            return (200, {"Version": "24.0.0", "ApiVersion": "1.43", "MinAPIVersion": "1.24"})
        if parts[0] == "info":
            return (200, {"ID": "fake", "OSType": "linux"})
        if parts[0] == "images":
            return (200, {"Id": IMAGE_ID, "Os": "linux", "Architecture": "amd64", "Config": {}})
        if parts[0] == "networks":
            return self.things(self.server.networks, parts, query, body, 201)
        if parts[0] == "volumes":
            return self.things(self.server.volumes, parts, query, body, 201)
        if parts[0] == "containers":
            return self.container(parts, query, body)
        return (404, {"message": "page not found"})

    def things(self, table: dict, parts: list[str], query: dict, body: object, created: int) -> tuple:
        if parts[1:] == ["create"]:
            table[make_id(body["Name"])] = {"Driver": "bridge", **body, "Id": make_id(body["Name"]), "Containers": {}}
            return (created, {"Id": make_id(body["Name"]), "Name": body["Name"]})
        if len(parts) == 1:
            listed = [thing for thing in table.values() if wanted(thing.get("Labels"), thing["Name"], query)]
            return (200, listed if parts[0] == "networks" else {"Volumes": listed, "Warnings": None})
        id = self.server.find(table, parts[1])
        if id is None:
            return (404, {"message": f"no such thing: {parts[1]}"})
        if self.command == "DELETE":
            del table[id]
            return (204,)
        return (200, None if self.command == "POST" else table[id])

    def container(self, parts: list[str], query: dict, body: object) -> tuple:
        table = self.server.containers
        if parts[1:] == ["create"]:
            # Another id each time, and the same one for the same history: hashes contain ids.
            made = sum(call[2].get("name") == query["name"] for call in self.server.calls)
            id = make_id(query["name"] + str(made))
            table[id] = {"Name": query["name"], "Id": id, "body": body, "running": False}
            return (201, {"Id": id, "Warnings": []})
        if parts[1:] == ["json"]:
            return (200, [summary(c) for c in table.values() if wanted(c["body"]["Labels"], c["Name"], query)])
        id = self.server.find(table, parts[1])
        if id is None:
            return (404, {"message": f"No such container: {parts[1]}"})
        return self.operate(table, id, parts[2] if len(parts) > 2 else "", query)

    def operate(self, table: dict, id: str, operation: str, query: dict) -> tuple:
        container = table[id]
        if self.command == "DELETE":
            del table[id]
        elif operation in ("start", "restart"):
            container["running"] = container["body"]["Labels"].get("end") is None
        elif operation in ("stop", "kill"):
            container["running"] = False
        elif operation == "rename":
            container["Name"] = query["name"]
        elif operation == "wait":
            return (200, {"StatusCode": 0})
        elif operation == "json":
            return (200, inspected(container))
        return (200 if operation == "archive" else 204,)


def wanted(labels: dict | None, name: str, query: dict) -> bool:
    filters = json.loads(query.get("filters", "{}"))
    for text in filters.get("label", []):
        key, _, value = text.partition("=")
        if key not in (labels or {}) or ("=" in text and labels[key] != value):
            return False
    return not filters.get("name") or any(part in name for part in filters["name"])


def state(container: dict) -> str:
    return "running" if container["running"] else "exited"


def summary(container: dict) -> dict:
    body = container["body"]
    return {
        "Id": container["Id"], "Names": ["/" + container["Name"]], "Image": body["Image"], "ImageID": IMAGE_ID,
        "Labels": body["Labels"], "State": state(container), "Status": "Up 1 second", "Command": "x", "Created": 1,
        "Ports": [], "Mounts": [], "NetworkSettings": {"Networks": {}}, "HostConfig": {},
    }  # fmt: skip


def inspected(container: dict) -> dict:
    body = container["body"]
    status = {"Status": state(container), "Running": container["running"], "ExitCode": 0}
    if body.get("Healthcheck"):
        status["Health"] = {"Status": "healthy"}
    return {
        "Id": container["Id"], "Name": "/" + container["Name"], "Image": IMAGE_ID, "State": status, "Config": body,
        "HostConfig": body["HostConfig"], "Mounts": [], "NetworkSettings": {"Networks": {}},
    }  # fmt: skip
