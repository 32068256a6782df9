"""System services: what the configuration defines runs as containers, in order, by timers, and from images that lie ready."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time

import pytest
from conftest import PROMPT, shell
from vm.config import Disk

MACHINE = """\
environment: {WHO: world}
services:
  define:
    first:
      image: busybox
      command: [sh, -c, "sleep 2; echo first >>/out/order"]
      volumes: ["/var/lib/diatom/out:/out"]
      labels: {io.rancher.os.detach: "false", io.rancher.os.after: "network"}
    second:
      image: busybox
      command: [sh, -c, "echo second $WHO >>/out/order; touch /tmp/ready; sleep 1000000"]
      volumes: ["/var/lib/diatom/out:/out"]
      labels: {io.rancher.os.after: first}
      healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 1s}
      restart: always
    third:
      image: busybox
      command: [sh, -c, "echo third >>/out/order; sleep 1000000"]
      volumes: ["/var/lib/diatom/out:/out"]
      depends_on: {second: {condition: service_healthy}}
    of-user:
      image: busybox
      command: [sleep, "1000000"]
      labels: [io.rancher.os.scope=user]
    broken: {image: busybox, command: [/nothing]}
    nowhere: {image: "127.0.0.1:9/none"}
    needs-broken: {image: busybox, command: ["true"], depends_on: [broken]}
    wrong: {image: busybox, restrat: always}
    ticks:
      image: busybox
      command: [sh, -c, "echo tick >>/out/ticks"]
      volumes: ["/var/lib/diatom/out:/out"]
      labels: {cron.schedule: "*/2 * * * * *"}
    own-ticks:
      image: diatom/host
      command: [/bin/sh, -c, "echo tick >>/var/lib/diatom/out/own-ticks"]
      labels: {cron.schedule: "@every 2s"}
"""
MORE = """\
services:
  more:
    image: busybox
    command: [sh, -c, "echo here; sleep 1000000"]
    stop_grace_period: 1s
"""


def state_disk(tree, disk) -> Disk:
    """The state partition with files in it already."""
    with disk.open("wb") as file:
        file.truncate(1 << 30)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "DIATOM_STATE", "-d", tree, disk], check=True)
    return Disk(disk)


@pytest.fixture(scope="module")
def box(make_box, busybox_archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("services")
    tree = folder / "state"
    for engine in ("system", "user"):
        (tree / "preload" / engine).mkdir(parents=True)
        shutil.copy(busybox_archive, tree / f"preload/{engine}/busybox.tar")
    subprocess.run(["xz", "-0", tree / "preload/user/busybox.tar"], check=True)
    (tree / "preload/system/broken.tar").write_bytes(b"no archive")
    (tree / "config").mkdir()
    (tree / "config/machine.yml").write_text(MACHINE)
    (tree / "out").mkdir()
    (tree / "more.yml").write_text(MORE)
    box = make_box(disks=[state_disk(tree, folder / "state.img")], memory=768)
    yield box.start_console()
    box.kill()


def wait_for(box, command: str, seconds: int = 240) -> str:
    """Until a command on the machine succeeds."""
    end = time.monotonic() + seconds
    while True:
        code, output = box.shell(command, 120)
        if code == 0:
            return output
        assert time.monotonic() < end, f"{command}: {output}\n{shell(box, 'diatom logs -u services | tail -40')}"
        time.sleep(1)


def services(box) -> dict[str, dict]:
    return {one["name"]: one for one in json.loads(shell(box, "diatom service list --all --json 2>/dev/null"))}


def test_services_come_up_in_order_beside_those_that_cannot(box):
    wait_for(box, "grep third /var/lib/diatom/out/order")
    assert shell(box, "cat /var/lib/diatom/out/order").splitlines() == ["first", "second world", "third"]
    wait_for(box, "diatom service list | grep 'of-user.*user.*Up'")
    listed = services(box)
    assert listed["network"]["from"] == "image" and listed["network"]["state"].startswith("Up")
    assert listed["second"]["state"].startswith("Up") and listed["second"]["engine"] == "system"
    assert listed["first"]["state"].startswith("Exited (0)")
    assert re.search(r"^left out: .*services\.wrong.*restrat", listed["wrong"]["state"]), listed["wrong"]
    code, output = box.shell("diatom service up wrong", 120)
    assert code == 2 and "service wrong is left out" in output, output
    said = shell(box, "diatom logs -u services")
    assert re.search(r"wrong\.yml:\d+: services\.wrong.*restrat", said), said
    assert "busybox.tar.xz: Loaded image: busybox:latest" in said, said
    assert "busybox.tar: Loaded image: busybox:latest" in said and "broken.tar is not loaded" in said, said
    assert "nowhere: is tried again" in said, said
    # The machine is up all the same, and its invariants hold.
    wait_for(box, "diatom status | grep 'user engine *ready'")


def test_timers_start_their_services(box):
    # The one that has no image to be had keeps the services from having settled; timers run all the same.
    wait_for(box, "[ $(wc -l </var/lib/diatom/out/ticks) -ge 2 ]")
    wait_for(box, "[ $(wc -l </var/lib/diatom/out/own-ticks) -ge 2 ]")


def test_services_are_chosen_and_driven_by_commands(box):
    shell(box, "diatom config unset services.define.nowhere")
    shell(box, "diatom service enable /var/lib/diatom/more.yml && diatom service up more")
    assert services(box)["more"]["state"].startswith("Up")
    assert "here" in wait_for(box, "diatom service logs more | grep here")
    shell(box, "diatom service stop more")
    assert services(box)["more"]["state"].startswith("Exited")
    shell(box, "diatom service start more && diatom service restart -t 1 more")
    assert re.search(r"^more +more +system +busybox +Up", shell(box, "diatom service ps"), re.MULTILINE)
    shell(box, "diatom service delete /var/lib/diatom/more.yml")
    assert "more" not in services(box)
    assert box.shell("system-docker inspect more", 120)[0] != 0
    shell(box, "diatom service disable third ntp")
    assert services(box)["ntp"]["enabled"] is False
    assert "disable" in shell(box, "diatom config get services.disable; diatom config history | head -1")
    code, output = box.shell("diatom service enable secnd", 120)
    assert code == 3 and "did you mean second?" in output, output
    code, output = box.shell("diatom service up nobody", 120)
    assert code == 3 and "no service nobody is enabled" in output, output


def test_what_changed_is_made_anew_and_what_went_is_removed(box):
    before = shell(box, "system-docker inspect second | grep -m1 '\"Id\"'")
    shell(box, "diatom service up second")
    assert shell(box, "system-docker inspect second | grep -m1 '\"Id\"'") == before
    shell(box, "diatom config set services.define.second.environment.A 1 && diatom service up second")
    assert shell(box, "system-docker inspect second | grep -m1 '\"Id\"'") != before
    shell(box, "diatom config unset services.define.broken; diatom config unset services.define.needs-broken")
    box.send("reboot\n")
    box.expect("Restarting system", 300)
    box.expect(PROMPT, 300)
    wait_for(box, "diatom service ps | grep 'second.*Up'")
    wait_for(box, "! system-docker inspect broken")
    listed = services(box)
    assert "third" not in listed and listed["ntp"]["state"] == "", listed
    assert box.shell("system-docker inspect ntp", 120)[0] != 0
    # Loaded once.
    assert "Loaded image" not in shell(box, "diatom logs -u services -b 0 2>/dev/null || diatom logs -u services")


def test_rancheros_names(box):
    assert "busybox" in shell(box, "ros config images")
    shell(box, "ros config set rancher.docker.insecure_registry '[a.example:5000]' 2>/dev/null; ros config get rancher.docker.insecure_registry | grep a.example")
    assert "a.example:5000" in shell(box, "diatom config get engine.insecure")
    shell(box, "ros config set hostname by-ros && diatom config why hostname | grep cloud-config.yml")
    assert box.shell("echo 'rancher: {netwrk: {}}' | ros config validate 2>&1 | grep 'did you mean'", 120)[0] == 0
    assert "network" in shell(box, "ros service list")
    assert shell(box, "ros --version").startswith("version ")
    assert "user-engine" in shell(box, "system-docker ps")
    assert shell(box, "system-docker run --rm busybox echo hello").strip() == "hello"
    assert shell(box, "system-docker exec second echo inside").strip() == "inside"
    assert "busybox" in shell(box, "system-docker images")
    code, output = box.shell("system-docker build .", 120)
    assert code == 6 and "docker -H unix:///run/system-docker.sock build" in output, output


def test_cloud_init_names(box):
    assert shell(box, "cloud-init status --wait").splitlines()[-1] == "status: done"
    assert json.loads(shell(box, "cloud-init status --format json"))["status"] == "done"
    assert shell(box, "cloud-init query v1.variant").strip() == "diatom"
    assert shell(box, "cloud-init query -f '{{ v1.machine }}'").strip() == "x86_64"
    shell(box, "printf '#cloud-config\\nhostname: a\\n' >/tmp/good; printf '#cloud-config\\nhostnam: a\\n' >/tmp/bad")
    assert "Valid schema /tmp/good" in shell(box, "cloud-init schema -c /tmp/good")
    code, output = box.shell("cloud-init schema -c /tmp/bad", 120)
    assert code == 1 and "/tmp/bad:2: hostnam" in output, output


def test_certificates_of_the_api(box):
    shell(box, "ros tls generate -s -H machine.example && ros tls generate")
    found = [file.rpartition("/")[2] for file in shell(box, "echo /var/lib/diatom/tls/* /root/.docker/*").split()]
    assert {"ca.pem", "ca-key.pem", "server-cert.pem", "server-key.pem", "cert.pem", "key.pem"} <= set(found)
    assert shell(box, "stat -c %a /var/lib/diatom/tls/ca-key.pem /root/.docker/key.pem").split() == ["600", "600"]


def test_another_console_and_back(box):
    code, output = box.shell("diatom console switch --no-pull nothing:here", 120)
    assert code == 3 and "nothing:here is not here" in output, output
    box.send("diatom console switch busybox\n")
    box.expect(r"Diatom OS [^\n]* ttyS0[\s\S]*# ", 300)
    assert "image-console" in shell(box, "/usr/bin/diatom service ps")
    shell(box, "echo kept >/root/here 2>/dev/null || echo kept >/here")
    box.send("/usr/bin/diatom console switch default\n")
    box.expect(r"Diatom OS [^\n]* ttyS0[\s\S]*# ", 300)
    wait_for(box, "! diatom service ps | grep image-console")
    assert shell(box, "diatom console list | grep default").split()[1] == "yes"
