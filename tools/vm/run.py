"""./dev run: builds what changed, boots it, waits for the engine, says how to talk to it, and attaches the console."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from . import record
from .config import REPO, Boot, Disk, Image, MachineConfig, parse_disk, parse_forward
from .errors import MachineError
from .machine import Machine, host_path
from .terminal import attach

API_SECONDS = 180
SHELL_SECONDS = 20
DEFAULT_ARGS = ("diatom.autologin",)


def parse_args(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev run", allow_abbrev=False)
    parser.add_argument("--detach", action="store_true", help="leave the machine in the background")
    parser.add_argument("--memory", type=int, default=1024, metavar="MIB")
    parser.add_argument("--cpus", type=int, default=2, metavar="N")
    parser.add_argument("--disk", metavar="FILE|SIZE", help="the state disk (default: build/run/state.img, 4G)")
    parser.add_argument("--kernel-arg", action="append", default=[], metavar="ARG")
    parser.add_argument("--publish", action="append", default=[], metavar="HOST:GUEST")
    parser.add_argument("--boot", choices=[boot.value for boot in Boot], default=Boot.DIRECT.value)
    args = parser.parse_args(argv)
    if args.memory < 64:
        parser.error("--memory is in MiB: give at least 64")
    if args.cpus < 1:
        parser.error("--cpus needs at least 1")
    return args


class Phases:
    """What took how long."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float]] = []
        self._last = time.monotonic()

    def mark(self, name: str) -> None:
        now = time.monotonic()
        self.rows.append((name, now - self._last))
        self._last = now


def build(phases: Phases) -> None:
    for name, script in (("build", "tools/dev/build.sh"), ("kernel", "tools/dev/kernel.sh")):
        _step(name, [script])
        phases.mark(name)
    _step("image", ["image/build.py", "--program", "build/image/parts/diatom"])
    phases.mark("image")


def _step(name: str, argv: list[str]) -> None:
    if subprocess.run(argv, cwd=REPO, check=False).returncode != 0:
        raise MachineError(f"the step {name!r} failed (see above), nothing was started")


def make_config(args: argparse.Namespace) -> MachineConfig:
    boot = Boot(args.boot)
    disk = parse_disk(args.disk, record.RUN) if args.disk else Disk(record.RUN / "state.img")
    # With UEFI the first disk is the system's own, which carries an empty state partition.
    device = "/dev/vda" if boot is Boot.DIRECT else "/dev/vdb"
    disks = [disk] if boot is Boot.DIRECT or args.disk else []
    autoformat = [f"diatom.state.autoformat={device}"] if disks else []
    return MachineConfig(
        directory=record.RUN / "vm",
        image=Image(),
        boot=boot,
        memory=args.memory,
        cpus=args.cpus,
        disks=disks,
        kernel_args=[*DEFAULT_ARGS, *autoformat, *args.kernel_arg],
        publish=[parse_forward(text) for text in args.publish],
        certificates=record.RUN / "certs",
    )


def start(config: MachineConfig, phases: Phases) -> Machine:
    (config.directory / "serial.log").unlink(missing_ok=True)
    machine = Machine(config)
    machine.start(detached=True)
    phases.mark("start QEMU")
    assert machine.api is not None and machine.process is not None
    version = json.loads((config.image.directory / "manifest.json").read_text())["version"]
    record.Record(
        machine.process.pid, machine.process.start_time, machine.api.port, str(machine.api.certificates), version
    ).save()
    return machine


def boot_marks(machine: Machine) -> list[tuple[str, float, float]]:
    """The machine's own timeline, asked for in the shell on its console: name, begin and end in milliseconds since its
    kernel started. Empty where there is no such shell (--kernel-arg may have taken it away)."""
    try:
        with machine.console() as console:
            code, output = console.shell("diatom boot --json", SHELL_SECONDS)
        marks = json.loads(output[output.index("[") :]) if code == 0 else []
        return [(mark["name"], mark["begin_us"] / 1000, mark["at_us"] / 1000) for mark in marks]
    except (MachineError, OSError, ValueError, KeyError, TypeError):
        return []


def describe(machine: Machine, phases: Phases) -> None:
    config = machine.config
    print(f"\nDiatom OS {json.loads((config.image.directory / 'manifest.json').read_text())['version']} is up\n")
    for name, seconds in phases.rows:
        print(f"  {name:<22}{seconds:8.2f} s")
    marks = boot_marks(machine)
    if marks:
        print("\n  in the machine, milliseconds since its kernel started:")
    for name, begin, end in marks:
        print(f"    {name:<26}{begin:8.0f} .. {end:.0f}")
    sizes = [f"{path.name} {path.stat().st_size / (1 << 20):.2f} MiB" for path in (config.image.uki, config.image.kernel)]
    print(f"\n  {', '.join(sizes)}, root {(config.image.directory / 'root.erofs').stat().st_size / (1 << 20):.2f} MiB")
    print("\nTalk to it with  ./dev docker ARGS...  or any client of Docker:\n")
    assert machine.api is not None
    for key, value in machine.api.environment.items():
        print(f"  export {key}={host_path(Path(value)) if key == 'DOCKER_CERT_PATH' else value}")
    print(f"\nSerial log: {host_path(config.directory / 'serial.log')}    end it: ./dev stop", flush=True)


def main(argv: list[str]) -> int:
    args = parse_args(argv)
    phases = Phases()
    with record.lock():
        present = record.running()
        if present:
            raise MachineError(f"a machine is running already (process {present.pid}): ./dev stop ends it")
        config = make_config(args)
        build(phases)
        machine = start(config, phases)
        try:
            machine.wait_api(API_SECONDS)
        except MachineError as error:
            state = "It is still running: ./dev stop ends it." if machine.runs else "It has ended."
            raise MachineError(f"{error}\n{state} Whole log: {host_path(config.directory / 'serial.log')}") from None
        phases.mark("boot until API")
        describe(machine, phases)
    if args.detach:
        return 0
    if not os.isatty(sys.stdin.fileno()):
        print("no terminal here: the machine stays in the background")
        return 0
    print("The console follows; ^] leaves it, and the machine running.\n", flush=True)
    ended = attach(config.directory / "serial.sock") == "ended"
    print("\r\nThe machine ended." if ended else "\r\nThe machine is still running: ./dev stop ends it.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except MachineError as problem:
        sys.exit(f"run: {problem}")
    except KeyboardInterrupt:
        sys.exit("run: interrupted; ./dev stop ends the machine if it was started")
