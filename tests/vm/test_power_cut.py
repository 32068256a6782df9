"""The power fails at random points while images are pulled and containers run."""

from __future__ import annotations

import random
import threading
import time

import pytest

CUTS = 20


def churn(box, registry, stop: threading.Event) -> None:
    """Pulls, runs and removes until the machine is gone."""
    while not stop.is_set():
        try:
            box.docker("pull", f"{registry.address}/web", check=False)
            box.docker("run", "--rm", "busybox", "true", check=False)
            box.docker("run", "-d", "busybox", "sleep", "1000", check=False)
            box.docker("rmi", f"{registry.address}/web", check=False)
        except Exception:
            return


@pytest.mark.timeout(3000)
def test_power_cuts_leave_a_consistent_store(make_box, registry, layouts, busybox_archive):
    registry.push(layouts["web"], "web")
    # One processor: of many boots of two on a busy host, the emulator lost the second one's timer in one.
    box = make_box(kernel_args=["diatom.registry.insecure=10.0.2.0/24"], cpus=1).boot()
    box.docker("load", "-i", str(busybox_archive))
    box.docker("volume", "create", "kept")
    box.docker("run", "--rm", "-v", "kept:/d", "busybox", "sh", "-c", "echo acknowledged > /d/file; sync")
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for cut in range(CUTS):
        stop = threading.Event()
        worker = threading.Thread(target=churn, args=(box, registry, stop))
        worker.start()
        time.sleep(chance.uniform(0.2, 4))
        box.kill()
        stop.set()
        worker.join()
        box.boot()
        # What was acknowledged is there; what runs, runs; what is half done is gone.
        assert box.docker("run", "--rm", "-v", "kept:/d", "busybox", "cat", "/d/file").stdout == "acknowledged\n", cut
        assert box.docker("run", "--rm", "busybox", "echo", "ok").stdout == "ok\n", cut
        leftovers = box.docker("ps", "-aq").stdout.split()
        if leftovers:
            box.docker("rm", "-f", *leftovers)
    box.docker("pull", f"{registry.address}/web")
    assert box.docker("run", "--rm", f"{registry.address}/web", "cat", "/second/file").stdout == "of the second layer\n"
    box.kill()
