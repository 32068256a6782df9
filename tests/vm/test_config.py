"""The machine's configuration: described once, applied at each boot, changed and explained by `diatom config`."""

from __future__ import annotations

import re

import pytest
from conftest import shell
from vm.config import Disk

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0dHBzOi8vZXhhbXBsZS5jb20vbm9uZTEyMzQ1Njc4 me@example"


@pytest.fixture(scope="module")
def box(make_box, tmp_path_factory):
    disk = Disk(tmp_path_factory.mktemp("config") / "state.img", 1 << 30)
    box = make_box(disks=[disk], kernel_args=["diatom.state.autoformat=/dev/vda", 'diatom.set.sysctl="{vm.swappiness: 7}"'])
    yield box.start_console()
    box.kill()


def write(box, path: str, text: str) -> None:
    shell(box, f"mkdir -p {path.rpartition('/')[0]}")
    for number, line in enumerate(text.splitlines()):
        quoted = line.replace("'", "'\\''")
        shell(box, f"printf '%s\\n' '{quoted}' {'>>' if number else '>'}{path}")


def restart(box) -> None:
    """Up to the prompt, which has the name of the machine."""
    box.send("reboot\n")
    box.expect("Restarting system", 300)
    box.expect(r"root@[\w-]+:~# ", 300)


def test_settings_are_set_explained_and_taken_back(box):
    shell(box, "diatom config set hostname web-1")
    assert shell(box, "diatom config get hostname").strip() == "web-1"
    shell(box, "diatom config set sysctl.vm.swappiness 9 2>&1 | grep 'kernel command line says something else'")
    why = shell(box, "diatom config why 'sysctl.\"vm.swappiness\"'").splitlines()
    assert re.match(r"^  /var/lib/diatom/config/machine.yml:\d+  9$", why[0]), why
    assert re.match(r"^\* kernel command line:\d+  7", why[1]), why
    assert [line.split("  ")[-1] for line in shell(box, "diatom config history").splitlines()] == ["set sysctl.\"vm.swappiness\"", "set hostname"]
    assert shell(box, "diatom config diff 1").splitlines()[0] == '+ hostname: "web-1"'
    shell(box, "diatom config rollback")
    assert "swappiness" not in shell(box, "diatom config export")
    code, output = box.shell("diatom config set hostnam x", 120)
    assert code != 0 and 'did you mean "hostname"?' in output, output
    # Counted in the machine: a serial line is no place for all of it.
    assert int(shell(box, "diatom config schema | grep -c '\"description\"'")) > 100


def test_a_boot_makes_the_machine_what_it_says(box):
    write(box, "/var/lib/diatom/config/machine.yml", f"""\
hostname: web-2
sysctl: {{kernel.panic_on_oops: 1}}
ssh_authorized_keys: ["{KEY}"]
groups: {{crew: {{gid: 2000}}}}
users:
  core: {{groups: [crew], shell: /bin/ash, ssh_authorized_keys: ["{KEY}"]}}
files:
  /etc/motd: {{content: "hello\\n", mode: "0640", owner: core, group: crew}}
  /etc/late: {{content: late, when: late}}
commands:
  boot: ["echo boot >>/var/lib/diatom/boots"]
  run: ["docker-or-none || true", [sh, -c, "test -S /run/docker.sock && echo first >>/var/lib/diatom/firsts"]]
engine: {{insecure: ["registry.example:5000"]}}
""")
    write(box, "/var/lib/diatom/config/machine.d/10-broken.yml", "hostnam: lost")
    restart(box)
    assert shell(box, "hostname").strip() == "web-2"
    assert shell(box, "cat /proc/sys/kernel/panic_on_oops /proc/sys/vm/swappiness").split() == ["1", "7"]
    assert shell(box, "id core").strip() == "uid=1000(core) gid=1000(core) groups=1000(core),2000(crew)"
    assert shell(box, "cat /root/.ssh/authorized_keys /home/core/.ssh/authorized_keys").splitlines() == [KEY, KEY]
    assert shell(box, "stat -c '%U %G %a' /etc/motd /home/core /home/core/.ssh/authorized_keys").splitlines() == [
        "core crew 640", "core core 750", "core core 600"]
    shell(box, "for i in $(seq 240); do [ -e /var/lib/diatom/firsts ] && [ -e /etc/late ] && break; sleep 0.5; done; cat /etc/late")
    assert "registry.example:5000" in shell(box, "cat /run/diatom/config/engine.json")
    assert r'did you mean \"hostname\"?' in shell(box, "diatom logs -u init")
    restart(box)
    assert shell(box, "cat /var/lib/diatom/boots").split() == ["boot", "boot"]
    shell(box, "sleep 3")
    assert shell(box, "cat /var/lib/diatom/firsts").split() == ["first"]
    # On the state partition, and the user's own.
    shell(box, "touch /home/core/kept")
    restart(box)
    shell(box, "test -e /home/core/kept")


def test_what_can_be_is_applied_to_a_running_machine(box):
    shell(box, "diatom config set users.late '{uid: 1777}' && diatom config set hostname web-3")
    assert "name the machine web-3" in shell(box, "diatom config apply --dry-run")
    assert shell(box, "hostname").strip() == "web-2"
    shell(box, "diatom config apply")
    assert shell(box, "hostname").strip() == "web-3"
    assert shell(box, "id -u late").strip() == "1777"
    shell(box, "diatom config unset users.late && diatom config apply")
    assert box.shell("id late", 120)[0] != 0
