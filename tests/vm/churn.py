"""Clients that make and remove things without end, and remember what they were told.

Each thing has a set of states in which it may be: one once a request was acknowledged, those before and after it while
nobody knows whether it was carried out. verify() compares that with what an engine says that came after a fault.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import threading
import time
from typing import Any
from urllib.parse import quote

from vm.api import Api

REQUEST_SECONDS = 300
THERE, GONE = "there", "gone"


class EngineGone(Exception):
    """The engine or its machine went away: nobody knows whether the request was carried out."""


class Client:
    """One connection to the API for all requests."""

    def __init__(self, api: Api) -> None:
        context = ssl.create_default_context(cafile=str(api.certificates / "ca.pem"))
        context.load_cert_chain(api.certificates / "cert.pem", api.certificates / "key.pem")
        self.connection = http.client.HTTPSConnection(api.address, api.port, timeout=REQUEST_SECONDS, context=context)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        data = None if body is None else json.dumps(body)
        try:
            self.connection.request(method, path, body=data, headers={"Content-Type": "application/json"})
            answer = self.connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise EngineGone(f"{method} {path}: {error!r}") from error
        if answer.will_close:
            self.connection.close()
        return answer.status, text

    def get(self, path: str) -> Any:
        status, text = self.call("GET", path)
        assert status == 200, f"GET {path}: {status} {text}"
        return json.loads(text)

    def close(self) -> None:
        self.connection.close()


class Worker:
    """One client's things. `registry`: the address of an image to pull and remove now and then."""

    def __init__(self, name: str, api: Api, seed: int, registry: str = "") -> None:
        self.name, self.api, self.registry = name, api, registry
        self.chance = random.Random(seed)
        self.known: dict[str, set[str]] = {}  # "container/NAME" -> states
        self.cycles = 0
        self.refused: str | None = None
        self._number = 0
        self._client: Client | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # Life

    def begin(self, cycles: int | None = None) -> None:
        """Goes on in a thread of its own until stopped, until the engine is gone, or for so many cycles."""
        self._stop.clear()
        self._client = Client(self.api)
        self._thread = threading.Thread(target=self._run, args=(cycles,))
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def join(self) -> None:
        assert self._thread is not None
        self._thread.join()
        assert self.refused is None, self.refused

    @property
    def runs(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self, cycles: int | None) -> None:
        done = 0
        try:
            self._clean()
            while not self._stop.is_set() and (cycles is None or done < cycles):
                self._cycle()
                done += 1
        except EngineGone:
            pass
        except AssertionError as error:
            self.refused = str(error)
        finally:
            self._client.close()

    # Work

    def _change(self, key: str, after: str, method: str, path: str, body: Any = None, maybe: tuple[str, ...] = ()) -> None:
        before = self.known.get(key, {GONE})
        self.known[key] = before | {after, *maybe}
        status, text = self._client.call(method, path, body)
        failed = status >= 400 or (path.startswith("/images/create") and '"error"' in text)
        if failed:
            self.known[key] = before
        assert not failed, f"{method} {path}: {status} {text[-1000:]}"
        self.known[key] = {after}

    def _cycle(self) -> None:
        name = f"{self.name}-{self._number}"
        self._number += 1
        if self.registry and self.chance.random() < 0.5:
            self._image()
        own = self.chance.random() < 0.5
        if own:
            self._change(f"network/{name}", THERE, "POST", "/networks/create", {"Name": name})
        self._change(f"volume/{name}", THERE, "POST", "/volumes/create", {"Name": name})
        self._container(name, name if own else "bridge")
        self._change(f"volume/{name}", GONE, "DELETE", f"/volumes/{name}")
        if own:
            self._change(f"network/{name}", GONE, "DELETE", f"/networks/{name}")
        self.cycles += 1

    def _container(self, name: str, network: str) -> None:
        key, path = f"container/{name}", f"/containers/{name}"
        ports = {"80/tcp": [{"HostPort": ""}]}
        host = {"NetworkMode": network, "Binds": [f"{name}:/data"], "PortBindings": ports}
        body = {"Image": "busybox", "Cmd": ["sleep", "100000"], "Volumes": {"/anonymous": {}}, "HostConfig": host}
        self._change(key, "created", "POST", f"/containers/create?name={name}", body)
        self._change(key, "running", "POST", f"{path}/start", maybe=("exited",))
        if network != "bridge" and self.chance.random() < 0.7:
            link = {"Container": name}
            self._change(f"link/{name}", THERE, "POST", "/networks/bridge/connect", link)
            if self.chance.random() < 0.5:
                self._change(f"link/{name}", GONE, "POST", "/networks/bridge/disconnect", link)
        if self.chance.random() < 0.3:
            self._change(key, "paused", "POST", f"{path}/pause")
            self._change(key, "running", "POST", f"{path}/unpause")
        self._change(key, "exited", "POST", f"{path}/stop?t=0")
        if self.chance.random() < 0.3:
            self._change(key, "running", "POST", f"{path}/start")
        self._change(key, GONE, "DELETE", f"{path}?v=1&force=1", maybe=("exited",))
        self.known.pop(f"link/{name}", None)

    def _image(self) -> None:
        key = f"image/{self.registry}:latest"
        if self.known.get(key) == {THERE}:
            self._change(key, GONE, "DELETE", f"/images/{self.registry}:latest")
        else:
            self._change(key, THERE, "POST", f"/images/create?fromImage={quote(self.registry, safe='')}&tag=latest")

    def _clean(self) -> None:
        """What a fault left of the last cycle. verify() has found out what that is."""
        order = {"container": "?v=1&force=1", "volume": "", "network": ""}
        for kind, query in order.items():
            for key in [key for key, states in self.known.items() if key.startswith(kind + "/") and states != {GONE}]:
                self._change(key, GONE, "DELETE", f"/{kind}s/{key.split('/', 1)[1]}{query}", maybe=("exited",))
        self.known = {key: states for key, states in self.known.items() if states != {GONE} and not key.startswith("link/")}


def containers_of(client: Client) -> dict[str, dict]:
    """By name, once what was being removed is gone."""
    for _ in range(600):
        listed = {row["Names"][0].lstrip("/"): row for row in client.get("/containers/json?all=1")}
        if all(row["State"] != "removing" for row in listed.values()):
            return listed
        time.sleep(0.2)
    raise AssertionError(f"a container stays in its removal: {listed}")


def verify(api: Api, workers: list[Worker], *, machine_ended: bool) -> None:
    """Nothing acknowledged is lost, nothing half-done is visible. Afterwards each worker knows how its things are."""
    client = Client(api)
    containers = containers_of(client)
    found = {f"container/{name}": row["State"] for name, row in containers.items()}
    found |= {f"network/{row['Name']}": THERE for row in client.get("/networks")}
    found |= {f"volume/{row['Name']}": THERE for row in client.get("/volumes")["Volumes"] or []}
    found |= {f"image/{tag}": THERE for row in client.get("/images/json") for tag in row["RepoTags"] or []}
    links = {name for name, row in containers.items() if row["State"] == "running" and len(row["NetworkSettings"]["Networks"]) > 1}
    dangling = {row["Name"] for row in client.get('/volumes?filters={"dangling":["true"]}')["Volumes"] or []}
    known: dict[str, Worker] = {key: worker for worker in workers for key in worker.known}
    for key, worker in known.items():
        allowed = set(worker.known[key])
        kind, name = key.split("/", 1)
        if kind == "link":
            if found.get(f"container/{name}") != "running":
                continue
            actual = THERE if name in links else GONE
        else:
            actual = found.get(key, GONE)
        if machine_ended and allowed & {"running", "paused"}:
            allowed.add("exited")
        assert actual in allowed, f"{key} is {actual}; what was acknowledged allows {sorted(allowed)}"
        worker.known[key] = {actual}
    for name in containers:
        assert f"container/{name}" in known, f"container {name} is there, and nobody was told so"
    unknown = {name for name in dangling if f"volume/{name}" not in known}
    assert not unknown, f"volumes that no container uses and nobody asked for: {unknown}"
    client.close()
