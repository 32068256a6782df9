"""Images are pulled, run, removed and pruned at once while the engine is killed: what is in use stays whole, and what is
left over goes. `--long`: 30 kills."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from urllib.parse import quote

import pytest
from churn import Client, EngineGone
from conftest import assert_invariants
from test_faults import kill_engine

CONTENT = b"of the second layer\n"
PRUNES = ('/images/prune?filters={"dangling":["false"]}', "/containers/prune", "/volumes/prune")


class Actor(threading.Thread):
    """Does one thing again and again, also while the engine is away, until told to stop."""

    def __init__(self, machine, action) -> None:
        super().__init__()
        self.machine, self.action, self.ended, self.done, self.problem = machine, action, threading.Event(), 0, ""

    def run(self) -> None:
        while not self.ended.is_set():
            client = Client(self.machine.api)
            try:
                while not self.ended.is_set():
                    self.action(client)
                    self.done += 1
            except EngineGone:
                time.sleep(0.5)
            except AssertionError as error:
                self.problem = str(error)
                return
            finally:
                client.close()

    def end(self) -> None:
        self.ended.set()
        self.join()
        assert not self.problem, self.problem


def ask(client: Client, method: str, path: str, body=None, allowed: tuple[int, ...] = ()) -> tuple[int, str]:
    status, text = client.call(method, path, body)
    assert status < 400 or status in allowed, f"{method} {path}: {status} {text[-500:]}"
    return status, text


def pulls_and_runs(image: str):
    def action(client: Client) -> None:
        _, told = ask(client, "POST", f"/images/create?fromImage={quote(image, safe='')}&tag=latest")
        assert '"error"' not in told, told[-500:]
        # Somebody may have pruned it meanwhile; what was made of it in time keeps it.
        body = {"Image": image, "Cmd": ["sh", "-c", "cat /second/file; sleep 1; cat /second/file; ls -l /bin/sh >/dev/null"]}
        status, made = ask(client, "POST", "/containers/create", body, allowed=(404,))
        if status == 404:
            return
        box = f"/containers/{json.loads(made)['Id']}"
        status, _ = ask(client, "POST", f"{box}/start", allowed=(404, 409))  # pruned as a container that never ran
        if status >= 400:
            return
        status, ended = ask(client, "POST", f"{box}/wait", allowed=(404,))
        if status == 404:
            return
        assert '"StatusCode":0' in ended, ended
        status, log = client.call("GET", f"{box}/logs?stdout=1")
        assert status in (404, 409) or log.count(CONTENT.decode()) == 2, f"{status} {log}"
        ask(client, "DELETE", f"{box}?force=1", allowed=(404, 409))

    return action


def prunes(client: Client) -> None:
    for path in PRUNES:
        ask(client, "POST", path)
        time.sleep(0.2)


@pytest.mark.timeout(14400)
def test_what_is_in_use_is_never_removed(make_box, registry, layouts, busybox_archive, request):
    kills = int(os.environ.get("DIATOM_KILLS") or (30 if request.config.getoption("--long") else 4))
    seed = int(os.environ.get("DIATOM_SEED") or random.randrange(1 << 32))
    print(f"{kills} kills, seed {seed}")
    chance = random.Random(seed)
    # The same layers, as gzip and as zstd: two images share them.
    images = [registry.push(layouts["web"], "collect-one"), registry.push(layouts["zstd"], "collect-two")]
    box = make_box(kernel_args=["diatom.registry.insecure=10.0.2.0/24"], memory=768).boot()
    box.wait_console()
    box.docker("load", "-i", str(busybox_archive))
    box.docker("run", "-d", "--name", "steady", "busybox", "sleep", "100000")
    actors = [Actor(box, pulls_and_runs(image)) for image in images] + [Actor(box, prunes)]
    for actor in actors:
        actor.start()
    try:
        for _ in range(kills):
            time.sleep(chance.uniform(2, 12))
            assert all(actor.is_alive() for actor in actors), [actor.problem for actor in actors]
            kill_engine(box, "user")
            box.wait_api()
    finally:
        for actor in actors:
            actor.ended.set()
    for actor in actors:
        actor.end()
    print(f"{[actor.done for actor in actors]} rounds")
    assert_invariants(box)
    assert box.docker("exec", "steady", "echo", "steady").stdout == "steady\n"
    box.docker("rm", "-f", *box.docker("ps", "-aq").stdout.split())
    for path in PRUNES:
        assert box.api.request("POST", path, timeout=300)[0] == 200
    assert box.docker("images", "-q").stdout == ""
    assert_invariants(box)
    box.kill()
