"""The machine's log: everybody's, found by filter, kept across boots and power cuts, read and received by others' programs."""

from __future__ import annotations

import json
import re
import subprocess
import time

import pytest
from conftest import assert_invariants, shell
from log_receiver import TRANSPORTS, LogReceiver
from vm.config import Disk

LOST_SECONDS = 1.0  # that a power cut may cost


@pytest.fixture(scope="module")
def box(make_box, tmp_path_factory):
    disk = Disk(tmp_path_factory.mktemp("logs") / "state.img", 1 << 30)
    box = make_box(disks=[disk], kernel_args=["diatom.state.autoformat=/dev/vda"])
    box.start_console()
    await_collector(box)
    yield box
    box.kill()


def await_collector(box) -> None:
    """Until what is said now is in the store."""
    shell(box, "for i in $(seq 240); do [ -S /dev/log ] && break; sleep 0.5; done; [ -S /dev/log ]")


def restart(box) -> None:
    box.send("reboot\n")
    box.expect("Restarting system", 300)
    box.wait_console()
    await_collector(box)


def say(box, text: str, priority: int = 6) -> None:
    shell(box, f"echo '<{priority}>{text}' >/dev/kmsg")


def kept(box, arguments: str) -> list[dict]:
    """`arguments`: of the command, and what chooses among its lines."""
    return [json.loads(line) for line in shell(box, f"diatom logs -o json {arguments}; true").splitlines()]


def await_kept(box, arguments: str, seconds: float = 60) -> list[dict]:
    end = time.monotonic() + seconds
    while True:
        found = kept(box, arguments)
        if found or time.monotonic() > end:
            return found
        time.sleep(0.5)


def test_everybody_is_found_by_filter(box):
    say(box, "kernel-marker", 3)
    shell(box, "busybox logger -t probe -p daemon.warning program-marker")
    [marker] = kept(box, "-u kernel -p error | grep kernel-marker")
    assert marker["level"] == "error" and marker["unit"] == "kernel" and re.fullmatch("[0-9a-f]{32}", marker["boot"])
    [program] = await_kept(box, "-u syslog -F identifier=probe")
    assert program["text"] == "program-marker" and program["level"] == "warning"
    assert {"pid", "uid"} <= program["fields"].keys()
    assert kept(box, "-u init -F service='system engine'")[0]["text"] == "started"
    assert kept(box, "-n 3 -u system-engine")
    assert kept(box, "-n 1 user-engine")
    # What a service says: by its container's name.
    [first] = kept(box, "-n 1 -u network")
    assert first["unit"] == "network" and first["fields"]["stream"] in ("stdout", "stderr")
    assert {one["unit"] for one in kept(box, "-n 5 -u network -u kernel")} <= {"network", "kernel"}
    assert not kept(box, "--until 1990-01-01T00:00:00Z")
    assert not kept(box, "--since 2100-01-01T00:00:00Z")
    assert kept(box, "--since 1h -n 1")
    code, output = box.shell("diatom logs -u netwrok", 120)
    assert code == 3 and "did you mean network?" in output, output
    # In the store, not only where it came from; and root's alone.
    numbers = [one["number"] for one in await_kept(box, "-u kernel -n 20") if "number" in one]
    assert numbers == sorted(set(numbers)) and numbers
    assert shell(box, "stat -c %a /var/lib/diatom/log").strip() == "700"


def test_a_follower_sees_each_line_once(box):
    shell(box, "diatom logs -f -n 0 -u kernel -u syslog >/tmp/followed 2>&1 & echo $! >/tmp/follower; sleep 2")
    for number in range(5):
        say(box, f"followed-{number}")
        shell(box, f"busybox logger heard-{number}")
    shell(box, "sleep 3; kill $(cat /tmp/follower)")
    lines = shell(box, "grep -oE '(followed|heard)-[0-9]' /tmp/followed").split()
    assert sorted(lines) == sorted(f"{word}-{number}" for word in ("followed", "heard") for number in range(5))


def test_a_dead_collector_loses_nothing(box):
    shell(box, "kill -9 $(ps | grep '[d]iatom log serve' | awk '{print $1}')")
    for number in range(20):
        say(box, f"unattended-{number}")
    shell(box, "sleep 8")
    await_collector(box)
    found = kept(box, "-u kernel -b 0 | grep unattended-")
    assert [one["text"] for one in found] == [f"unattended-{number}" for number in range(20)]
    assert_invariants(box)


def test_it_is_kept_across_a_reboot(box):
    say(box, "before-the-reboot")
    restart(box)
    [marker] = kept(box, "-b -1 -u kernel | grep before-the-reboot")
    assert not kept(box, "-b 0 | grep before-the-reboot")
    # Up to the end: what PID 1 said when everybody else was gone.
    assert kept(box, "-b -1 -u init | grep 'shutting down'")
    boots = shell(box, "diatom logs --list-boots").splitlines()
    assert len(boots) == 2 and boots[0].split()[:2] == ["-1", marker["boot"]] and boots[1].split()[0] == "0"
    # Once each.
    texts = shell(box, "diatom logs -b -1 -u init -o json").splitlines()
    assert len(texts) == len(set(texts))


def test_a_power_cut_costs_no_more_than_a_second(box):
    box.send("while :; do read up rest </proc/uptime; echo \"<6>tick $up\" >/dev/kmsg; echo \"[ $up ]\"; sleep 0.1; done\n")
    time.sleep(8)
    box.kill()
    shown = [float(number) for number in re.findall(r"\[ (\d+\.\d+) \]", box.log)]
    box.start_console()
    await_collector(box)
    # Few bytes over the serial line.
    found = [float(tick) for tick in shell(box, "diatom logs -b -1 -u kernel | grep -oE 'tick [0-9.]+' | tail -n 200").split() if tick != "tick"]
    lost = shown[-1] - found[-1]
    print(f"the power cut cost {lost:.2f} s of {shown[-1] - shown[0]:.2f} s")
    assert lost <= LOST_SECONDS, (shown[-1], found[-1])
    # Nothing in between is missing.
    ours = [tick for tick in shown if found[0] <= tick <= found[-1]]
    assert ours == [tick for tick in found if tick >= ours[0]]
    say(box, "after the power cut")
    assert kept(box, "-b 0 -u kernel | grep 'after the power cut'")


def test_systemd_journal_remote_reads_the_export(box, tmp_path, busybox_archive):
    box.wait_api(300)
    box.docker("load", "-i", str(busybox_archive))
    shell(box, "busybox logger -t multi \"$(printf 'one\\ntwo')\"")
    assert await_kept(box, "-F identifier=multi")
    shell(box, "mkdir -p /var/lib/diatom/out; diatom logs -o export >/var/lib/diatom/out/export; diatom logs -o json >/var/lib/diatom/out/json")
    take = ["run", "--rm", "-v", "/var/lib/diatom/out:/out", "busybox", "cat"]
    export, records = box.docker(*take, "/out/export", binary=True).stdout, box.docker(*take, "/out/json").stdout
    journal = tmp_path / "box.journal"
    (tmp_path / "export").write_bytes(export)
    made = subprocess.run(
        ["/usr/lib/systemd/systemd-journal-remote", f"--output={journal}", str(tmp_path / "export")], capture_output=True, text=True, timeout=300
    )
    assert made.returncode == 0, made.stderr
    read = subprocess.run(["journalctl", f"--file={journal}", "-o", "json", "--all"], capture_output=True, text=True, timeout=300, check=True).stdout
    entries = [json.loads(line) for line in read.splitlines()]
    ours = [json.loads(line) for line in records.splitlines()]
    count = export.count(b"\n__MONOTONIC_TIMESTAMP=")
    assert len(entries) == count and count <= len(ours)
    by_text = {(entry["SYSLOG_IDENTIFIER"], entry["MESSAGE"] if isinstance(entry["MESSAGE"], str) else bytes(entry["MESSAGE"]).decode()): entry for entry in entries}
    for one in ours[:count]:
        entry = by_text[one["fields"].get("identifier", one["unit"]), one["text"]]
        assert entry["PRIORITY"] and entry["_BOOT_ID"]
    [marker] = [entry for entry in entries if entry["MESSAGE"] == "kernel-marker"]
    assert marker["PRIORITY"] == "3" and marker["_TRANSPORT"] == "kernel" and marker["_HOSTNAME"] == "diatom"
    boots = subprocess.run(["journalctl", f"--file={journal}", "--list-boots", "-q"], capture_output=True, text=True, timeout=300, check=True).stdout
    assert len(boots.splitlines()) == len(shell(box, "diatom logs --list-boots").splitlines())


def test_others_are_told(box, tmp_path):
    receiver = LogReceiver(tmp_path)
    urls = json.dumps([receiver.url(transport) for transport in TRANSPORTS])
    shell(box, f"diatom config set logs.forward '{urls}'")
    shell(box, "mkdir -p /var/lib/diatom/config/machine.d; printf 'certificates:\\n  trusted:\\n  - |\\n' >/var/lib/diatom/config/machine.d/receiver.yml")
    for line in receiver.authority.splitlines():
        shell(box, f"echo '    {line}' >>/var/lib/diatom/config/machine.d/receiver.yml")
    # Nobody listens yet: the log waits.
    shell(box, "diatom config apply")
    say(box, "said-early")
    try:
        time.sleep(3)
        receiver.start()
        # The emulator's network says of no datagram that nobody took it.
        time.sleep(2)
        say(box, "said-over-udp")
        for transport in TRANSPORTS:
            line = receiver.wait_for(transport, "said-over-udp" if transport == "udp" else "said-early")
            _, host, app, _, priority, version, data, _ = line.split("|", 7)
            assert (host, app, priority, version) == ("diatom", "kernel", "user.info", "1"), line  # user: said through kmsg
            assert data.startswith('[timeQuality tzKnown="1"][meta sequenceId="'), line
        # It goes away, and comes back.
        receiver.stop()
        say(box, "said-meanwhile")
        shell(box, "sleep 2")
        receiver.start()
        for transport in TRANSPORTS:
            if transport == "udp":
                continue
            receiver.wait_for(transport, "said-meanwhile")
            lines = [line.rpartition("|")[2] for line in receiver.lines(transport)]
            assert lines.index(next(one for one in lines if "said-early" in one)) < lines.index(next(one for one in lines if "said-meanwhile" in one))
        assert "is not forwarded" in shell(box, "diatom logs -u log-forward")
    finally:
        receiver.stop()
    # Whom nobody vouches for is told nothing.
    shell(box, "rm /var/lib/diatom/config/machine.d/receiver.yml; diatom config unset logs.forward && diatom config apply")


def test_settings_hold_at_once(box):
    shell(box, "diatom config set logs '{level: warning, max_size: 2m, max_age: 24h}' && diatom config apply; sleep 1")
    say(box, "not-kept", 6)
    say(box, "is-kept", 4)
    assert await_kept(box, "-u kernel -b 0 | grep is-kept")
    assert not kept(box, "-u kernel -b 0 | grep not-kept")
    assert "is not applied" not in shell(box, "diatom config apply 2>&1")
    shell(box, "diatom config unset logs && diatom config apply")


def test_idle_memory_of_the_collector(box):
    pid = shell(box, "for p in /proc/[0-9]*; do tr '\\0' ' ' 2>/dev/null <$p/cmdline | grep -q 'diatom log serve' && echo ${p#/proc/}; done | head -1").strip()
    rollup = dict(re.findall(r"^(\w+): +(\d+) kB", shell(box, f"cat /proc/{pid}/smaps_rollup"), re.M))
    private = int(rollup["Private_Dirty"])
    print(f"the collector: {private} KiB private and dirty, {rollup['Pss']} KiB proportional, {rollup['Rss']} KiB resident")
    assert private <= 2048
