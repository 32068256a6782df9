"""Many clients at once, each on a connection of its own: what was started runs, and goes on. `--long`: more of them."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

from churn import Client, EngineGone
from conftest import SANITIZED, assert_invariants

# An engine with sanitizers takes many times as long to accept: the emulated network refuses more.
AT_ONCE, COUNT, LONG_COUNT = (10, 50, 150) if SANITIZED else (50, 150, 500)
# A start has a copy of the engine for a moment, and with sanitizers each copy is some hundred MiB: the engine was killed
# for it in a machine of 3 GiB.
MEMORY = 8192 if SANITIZED else 2048  # MiB
ATTEMPTS = 5  # the emulated network refuses a connection now and then when that many come together


def started(machine, name: str) -> None:
    for attempt in range(ATTEMPTS):
        client = Client(machine.api)
        try:
            status, text = client.call("POST", f"/containers/{name}/start")
            assert status in (204, 304), text  # 304: an answer was lost
            return
        except EngineGone:
            if attempt + 1 == ATTEMPTS:
                raise
            time.sleep(0.5)
        finally:
            client.close()


def test_what_was_started_runs(make_box, busybox_archive, request):
    count = LONG_COUNT if request.config.getoption("--long") else COUNT
    box = make_box(memory=MEMORY).boot()
    box.wait_console()
    box.docker("load", "-i", str(busybox_archive))
    client = Client(box.api)
    body = {"Image": "busybox", "Cmd": ["sleep", "100000"], "HostConfig": {"NetworkMode": "none"}}
    for number in range(count):
        status, text = client.call("POST", f"/containers/create?name=c{number}", body)
        assert status == 201, text
    problems: list[str] = []

    def start(number: int) -> None:
        try:
            started(box, f"c{number}")
        except (AssertionError, EngineGone) as error:
            problems.append(f"c{number}: {error}")

    for begin in range(0, count, AT_ONCE):
        threads = [threading.Thread(target=start, args=(number,)) for number in range(begin, min(begin + AT_ONCE, count))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not problems, problems
    time.sleep(5)  # longer than an engine looks for the exit code of one that it believes to have ended
    rows = client.get("/containers/json?all=true")
    assert Counter(row["State"] for row in rows) == {"running": count}, [json.dumps(row) for row in rows if row["State"] != "running"]
    assert_invariants(box)
    client.close()
    box.kill()
