"""The power fails at random points while images are pulled and removed, containers run and are removed, and networks
change. `--long` makes it 50 cuts; DIATOM_CUTS says how many, DIATOM_SEED repeats a run."""

from __future__ import annotations

import os
import random
import time

import pytest
from churn import THERE, Worker, verify
from conftest import assert_invariants

WORKERS = 2


@pytest.mark.timeout(14400)
def test_power_cuts_leave_a_consistent_store(make_box, registry, layouts, busybox_archive, request):
    registry.push(layouts["web"], "web")
    # One processor: of many boots of two on a busy host, the emulator lost the second one's timer in one.
    box = make_box(kernel_args=["diatom.registry.insecure=10.0.2.0/24"], cpus=1).boot()
    box.docker("load", "-i", str(busybox_archive))
    box.docker("volume", "create", "kept")
    box.docker("run", "--rm", "-v", "kept:/d", "busybox", "sh", "-c", "echo acknowledged > /d/file; sync")
    cuts = int(os.environ.get("DIATOM_CUTS") or (50 if request.config.getoption("--long") else 16))
    seed = int(os.environ.get("DIATOM_SEED") or random.randrange(1 << 32))
    print(f"{cuts} cuts, seed {seed}")
    chance = random.Random(seed)
    # One of them pulls and removes an image all the time.
    workers = [Worker(f"w{number}", box.api, chance.randrange(1 << 32), f"{registry.address}/web" if number == 0 else "") for number in range(WORKERS)]
    keeper = Worker("keeper", box.api, 0)
    keeper.known = {"volume/kept": {THERE}}
    for cut in range(cuts):
        for worker in workers:
            worker.begin()
        time.sleep(chance.uniform(0.2, 4))
        box.kill()
        for worker in workers:
            worker.join()
        box.boot()
        box.wait_console()
        verify(box.api, [*workers, keeper], machine_ended=True)
        assert_invariants(box)
        assert box.docker("run", "--rm", "-v", "kept:/d", "busybox", "cat", "/d/file").stdout == "acknowledged\n", cut
    print(f"{sum(worker.cycles for worker in workers)} cycles between {cuts} cuts")
    box.docker("pull", f"{registry.address}/web")
    assert box.docker("run", "--rm", f"{registry.address}/web", "cat", "/second/file").stdout == "of the second layer\n"
    box.kill()
