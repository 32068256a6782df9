"""Thousands of containers come and go while their engine is killed again and again: nothing acknowledged is lost,
nothing half-done is visible, nothing leaks. `--long` makes it 2,000 cycles; DIATOM_CYCLES says how many, DIATOM_SEED
repeats a run."""

from __future__ import annotations

import os
import random
import time

import pytest
from churn import Worker, verify
from conftest import assert_invariants, shell
from test_faults import kill_engine

WORKERS = 2
STEADY_SHARE = 4  # a quarter of the cycles runs without a kill, to see what grows
RESIDENT_KIB = 2048  # that an engine may grow by while its caches fill


def engine_numbers(machine) -> dict[str, int]:
    """Descriptors and memory of the user engine, descriptors of PID 1."""
    status, body = machine.api.request("GET", "/diatom/check", timeout=300)
    assert status == 200, body
    lines = shell(machine, "p=$(pgrep -o -f 'engine --scope user'); ls /proc/$p/fd | wc -l; grep VmRSS /proc/$p/status; ls /proc/1/fd | wc -l").splitlines()
    return {"descriptors": int(lines[0]), "resident": int(lines[1].split()[1]), "pid1": int(lines[2])}


def run_cycles(workers: list[Worker], cycles: int) -> None:
    for worker in workers:
        worker.begin(cycles=-(-cycles // len(workers)))
    for worker in workers:
        worker.join()


def until_killed(machine, workers: list[Worker], cycles: int, chance: random.Random) -> None:
    """About so many cycles, then the end of the engine at any moment."""
    begun = sum(worker.cycles for worker in workers)
    for worker in workers:
        worker.begin()
    machine.wait_until(
        lambda: sum(worker.cycles for worker in workers) - begun >= cycles or not all(worker.runs for worker in workers),
        600, "the cycles",
    )  # fmt: skip
    time.sleep(chance.uniform(0, 1))
    kill_engine(machine, "user")
    for worker in workers:
        worker.join()
    machine.wait_api()


@pytest.mark.timeout(14400)
def test_cycles_with_a_killed_engine(make_box, busybox_archive, request):
    total = int(os.environ.get("DIATOM_CYCLES") or (2000 if request.config.getoption("--long") else 40))
    seed = int(os.environ.get("DIATOM_SEED") or random.randrange(1 << 32))
    print(f"{total} cycles, seed {seed}")
    chance = random.Random(seed)
    box = make_box(memory=768).boot()
    box.wait_console()
    box.docker("load", "-i", str(busybox_archive))
    workers = [Worker(f"w{number}", box.api, chance.randrange(1 << 32)) for number in range(WORKERS)]
    assert_invariants(box)
    steady = total // STEADY_SHARE
    kills = 0
    while sum(worker.cycles for worker in workers) < total - steady:
        until_killed(box, workers, chance.randint(2, 20 if total > 100 else 8), chance)
        kills += 1
        verify(box.api, workers, machine_ended=False)
        assert_invariants(box)
    run_cycles(workers, steady // 2)  # what an engine needs it has by now
    before = engine_numbers(box)
    run_cycles(workers, steady - steady // 2)
    after = engine_numbers(box)
    verify(box.api, workers, machine_ended=False)
    assert_invariants(box)
    print(f"{sum(worker.cycles for worker in workers)} cycles, {kills} kills; before {before}, after {after}")
    assert after["descriptors"] <= before["descriptors"] + WORKERS, (before, after)  # connections that close late
    assert after["pid1"] == before["pid1"], (before, after)
    assert after["resident"] <= before["resident"] + RESIDENT_KIB, (before, after)
    box.kill()
