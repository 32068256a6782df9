"""PID 1: every way in which a machine ends, the watchdog, nonsense on its sockets, a state partition that needs repair."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from conftest import BOOT_SECONDS, machine_status, shell
from oci import program
from vm.config import Disk

END_SECONDS = 300
# Says goodbye on a volume when it is asked to stop, and would go on for ever else.
POLITE = "trap 'echo stopped in order > /d/file; exit 0' TERM; echo ready; while :; do sleep 0.1; done"


def send(machine, command: str) -> None:
    """For commands that end the machine: nothing comes back."""
    machine.send(command + "\n")


def wait_for_reboot(machine, why: str) -> None:
    machine.wait_for_line(rf"shutting down why=\"?{why}", END_SECONDS)
    machine.wait_for_line("reboot: Restarting system", END_SECONDS)
    machine.wait_api(BOOT_SECONDS)
    machine.wait_console()


def run_politely(box, archive: Path) -> None:
    box.docker("load", "-i", str(archive))
    box.docker("run", "-d", "--name", "polite", "-v", "kept:/d", "busybox", "sh", "-c", POLITE)
    box.wait_until(lambda: "ready" in box.docker("logs", "polite").stdout, 60, "the container")


def assert_ended_in_order(box) -> None:
    """The container was asked to stop and its words are there; the file system needed no check."""
    assert box.docker("run", "--rm", "-v", "kept:/d", "busybox", "cat", "/d/file").stdout == "stopped in order\n"
    assert box.docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "polite").stdout == "exited 0\n"
    state = machine_status(box)["state"]
    assert state["persistent"] and not state["checked"] and not state["problem"], state


def test_nonsense_on_the_sockets_of_pid1(loaded, tmp_path):
    loaded.docker("load", "-i", str(program(tmp_path, "garbage")))
    wanted = "ls /proc/1/fd | wc -l; diatom status --json | grep -E '\"(parked|restarts)\"'"
    before = shell(loaded, wanted)
    uptime = machine_status(loaded)["uptime_us"]
    done = loaded.docker("run", "--rm", "-v", "/run:/run", "garbage", "/run/diatom/init.sock", "/run/diatom/notify.sock")
    assert done.stdout == "answers\n"
    assert shell(loaded, wanted) == before
    after = machine_status(loaded)
    assert after["uptime_us"] > uptime and after["problems"] == []
    assert loaded.docker("run", "--rm", "busybox", "echo", "as before").stdout == "as before\n"


def test_ctrl_alt_delete_restarts_in_order(make_box, busybox_archive):
    box = make_box().boot()
    run_politely(box, busybox_archive)
    box.qmp("send-key", keys=[{"type": "qcode", "data": key} for key in ("ctrl", "alt", "delete")])
    wait_for_reboot(box, "SIGINT or Ctrl-Alt-Del")
    assert_ended_in_order(box)
    box.kill()


def test_power_button_ends_in_order(make_box, busybox_archive):
    box = make_box().boot()
    run_politely(box, busybox_archive)
    box.powerdown(END_SECONDS)
    assert re.search(r"shutting down why=\"the power button\"", box.log)
    assert "reboot: Power down" in box.log
    box.boot()
    assert_ended_in_order(box)
    box.kill()


def test_reboot_and_halt(make_box, busybox_archive):
    box = make_box().boot()
    run_politely(box, busybox_archive)
    send(box, "reboot")
    wait_for_reboot(box, "asked to by a program")
    assert_ended_in_order(box)
    send(box, "diatom halt")
    box.wait_for_line("reboot: System halted", END_SECONDS)
    assert box.qmp("query-status")["running"]  # halted, not powered off
    box.kill()


def test_kexec_and_poweroff(make_box, tmp_path):
    box = make_box().boot()
    image = box.config.image
    box.docker("load", "-i", str(program(tmp_path, "kexec_load", vmlinuz=image.kernel, initramfs=image.initramfs)))
    assert box.docker("run", "--rm", "--privileged", "kexec_load", "kexeced=yes").stdout == "loaded\n"
    send(box, "reboot --kexec")
    box.wait_for_line('shutting down why="asked to by a program"', END_SECONDS)
    box.wait_for_line("Diatom OS", BOOT_SECONDS)
    box.wait_console()
    assert "kexeced=yes" in shell(box, "cat /proc/cmdline")
    state = machine_status(box)["state"]
    assert state["persistent"] and not state["checked"], state
    send(box, "poweroff")
    box.wait_end(END_SECONDS)
    assert "reboot: Power down" in box.log


def test_the_kernel_asks_for_the_end(make_box):
    """STATIC_USERMODEHELPER: what the kernel starts is /init, told by argv[0] what was wanted. The pipe of a core dump
    takes the same way as the shutdown that a hypervisor asks for."""
    box = make_box(api=False).start_console()
    pattern = "echo '{}' >/proc/sys/kernel/core_pattern; sh -c 'kill -SEGV $$'; true"
    # Neither another program nor a command of ours as its argument: a container that can write core_pattern gains nothing.
    for other in ("|/usr/bin/touch /run/touched", "|/usr/bin/diatom reboot", "|/x/poweroff", "|/sbin/halt"):
        shell(box, pattern.format(other))
    assert shell(box, "sleep 3; ls /run/touched 2>/dev/null | wc -l").strip() == "0"
    assert machine_status(box)["shutting_down"] is False
    send(box, pattern.format("|/sbin/poweroff"))
    box.wait_for_line('shutting down why="asked to by a program"', END_SECONDS)
    box.wait_end(END_SECONDS)
    assert "reboot: Power down" in box.log


def test_hardware_watchdog_is_fed_and_ends_a_machine_that_hangs(make_box):
    box = make_box(
        api=False, kernel_args=["diatom.watchdog=20"], qemu_args=["-device", "i6300esb", "-action", "watchdog=reset"]
    ).start_console()
    assert machine_status(box)["watchdog"] is True
    assert shell(box, "cd /sys/class/watchdog/watchdog0; cat identity state timeout").splitlines() == ["i6300ESB timer", "active", "20"]
    # Twice its time-out by the machine's own clock, which is the watchdog's: it is fed.
    shell(box, "until [ $(cut -d. -f1 /proc/uptime) -gt 60 ]; do sleep 1; done")
    # PID 1 stands still: frozen, in a control group of its own.
    shell(box, "mkdir /sys/fs/cgroup/still && echo 1 >/sys/fs/cgroup/still/cgroup.procs && touch /var/lib/diatom/before")
    send(box, "sync; echo 1 >/sys/fs/cgroup/still/cgroup.freeze")
    box.wait_for_line("Diatom OS", BOOT_SECONDS)
    box.wait_console()
    assert "shutting down" not in box.log
    after = machine_status(box)
    assert after["state"]["checked"] and after["state"]["persistent"], after["state"]
    shell(box, "ls /var/lib/diatom/before")
    box.kill()


def test_state_is_checked_after_a_power_cut(make_box):
    box = make_box(api=False).start_console()
    assert machine_status(box)["state"]["formatted"] is True
    shell(box, "echo kept >/var/lib/diatom/file; sync")
    box.kill()
    box.start_console()
    state = machine_status(box)["state"]
    assert state["persistent"] and state["checked"] and not state["formatted"], state
    assert shell(box, "cat /var/lib/diatom/file") == "kept\n"
    box.kill()


def test_state_that_needs_a_decision_is_repaired(make_box, tmp_path):
    """Damage that `e2fsck -p` leaves to a person: nobody is there, so all is repaired, and said."""
    disk = tmp_path / "state.img"
    with disk.open("wb") as file:
        file.truncate(256 << 20)
    (tmp_path / "kept").write_text("kept\n")
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-L", "DIATOM_STATE", str(disk)], check=True)
    orders = f"mkdir /precious\nwrite {tmp_path}/kept /precious/kept\nset_inode_field <11> mode 0100644\nset_super_value state 2\n"
    (tmp_path / "orders").write_text(orders)
    subprocess.run(["debugfs", "-w", "-f", str(tmp_path / "orders"), str(disk)], check=True, capture_output=True)
    assert subprocess.run(["e2fsck", "-fn", str(disk)], capture_output=True).returncode == 4
    box = make_box(disks=[Disk(disk)], api=False).start_console()
    assert "the state file system needs repair" in box.log
    state = machine_status(box)["state"]
    assert state["persistent"] and state["checked"] and not state["problem"], state
    assert shell(box, "cat /var/lib/diatom/precious/kept") == "kept\n"
    box.powerdown(END_SECONDS)
    assert subprocess.run(["e2fsck", "-fn", str(disk)], capture_output=True).returncode == 0
