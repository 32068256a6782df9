"""The power fails while the configuration is written: what is read afterwards is the old or the new, and no change that
was acknowledged is lost. `--long` makes it 30 cuts of each kind; DIATOM_SEED repeats a run."""

from __future__ import annotations

import os
import random
import re
import time

import pytest
from conftest import shell
from seeds import seed_disk
from vm.config import Disk

ANY_PROMPT = r"root@[\w-]+:~# "
# Three writers of two files, each change said to be kept only when its command has ended well.
CHANGES = """\
i=$(cat /var/lib/diatom/next)
while :; do
    diatom config set hostname box-$i && echo "own $i kept"
    ros config set hostname ros-$i && echo "ros $i kept"
    diatom service disable ntp && diatom service enable ntp
    i=$((i + 1)); echo $i >/var/lib/diatom/next; sync /var/lib/diatom/next
done
"""
# Written by the first boot of an instance, by which it knows the second.
USER_DATA = """\
#cloud-config
hostname: seeded
write_files:
  - {path: /var/lib/diatom/given, content: "given\\n"}
runcmd:
  - [sh, -c, "echo ran >>/var/lib/diatom/ran"]
"""


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("DIATOM_SEED") or random.randrange(1 << 32))
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.fixture
def cuts(request) -> int:
    return 30 if request.config.getoption("--long") else 5


def last_kept(log: str, what: str) -> int:
    return max((int(number) for number in re.findall(rf"^{what} (\d+) kept", log, re.MULTILINE)), default=0)


def number_of(box, command: str) -> int:
    return int(re.search(r"-(\d+)", shell(box, command)).group(1))


def test_a_change_is_there_or_not(make_box, tmp_path, chance, cuts):
    box = make_box(disks=[Disk(tmp_path / "state.img", 1 << 30)], kernel_args=["diatom.state.autoformat=/dev/vda"])
    box.start_console()
    for number, line in enumerate(CHANGES.splitlines()):
        quoted = line.replace("'", "'\\''")
        shell(box, f"printf '%s\\n' '{quoted}' {'>>' if number else '>'}/var/lib/diatom/changes")
    shell(box, "echo 1 >/var/lib/diatom/next; diatom config set hostname box-0; ros config set hostname ros-0; sync")
    for cut in range(cuts):
        begun = len(box.log)
        box.send("sh /var/lib/diatom/changes 2>/dev/null\n")
        box.expect(r"own \d+ kept", 300)
        time.sleep(chance.uniform(0, 3))
        box.kill()
        said = box.log[begun:].replace("\r", "")
        own, ros = last_kept(said, "own"), last_kept(said, "ros")
        box.start()
        box.expect(ANY_PROMPT, 300)
        assert number_of(box, "diatom config get hostname") in (own, own + 1), cut
        assert shell(box, "hostname").strip() == shell(box, "diatom config get hostname").strip()
        assert number_of(box, "ros config get hostname") in ((ros, ros + 1) if ros else (own - 1, own)), cut
        shell(box, "diatom config validate")
        assert "hostname" in shell(box, "diatom config history | grep hostname | head -1")
    box.kill()


def test_a_first_boot_is_done_again_or_was_done(make_box, tmp_path, chance, cuts):
    seed = seed_disk(tmp_path, {"meta-data": "instance-id: i-1\n", "user-data": USER_DATA})
    for cut in range(cuts):
        state = tmp_path / f"state-{cut}.img"
        box = make_box(disks=[Disk(state, 1 << 30), seed], kernel_args=["diatom.state.autoformat=/dev/vda"])
        box.start()
        box.expect("state partition", 300)
        time.sleep(chance.uniform(0, 5))
        box.kill()
        box.start()
        box.expect(ANY_PROMPT, 300)
        assert shell(box, "hostname").strip() == "seeded", cut
        assert shell(box, "cat /var/lib/diatom/given") == "given\n", cut
        # Once an instance; a cut while it ran has it run again.
        ran = shell(box, "cloud-init status --wait >/dev/null; cat /var/lib/diatom/ran").split()
        assert ran in (["ran"], ["ran", "ran"]), cut
        box.kill()
        state.unlink()
