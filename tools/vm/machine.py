"""A machine in QEMU.

States: made -> start() -> running -> kill() | powerdown() | the guest powers off -> ended -> start() again.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .accel import accelerator
from .api import Api, free_port, port_is_free
from .certs import ensure_certificates
from .command import qemu_command
from .config import Forward, MachineConfig
from .door import Door
from .errors import MachineError
from .process import ProcessId
from .qmp import Qmp
from .serial import SerialLine

API_PORT = 2376  # of the guest
START_SECONDS = 15  # for QEMU to open its sockets

__all__ = ["Machine", "MachineError"]


class Machine:
    def __init__(self, config: MachineConfig) -> None:
        self.config = config
        self.api: Api | None = None
        self.process: ProcessId | None = None
        self.started_at = 0.0  # time.monotonic()
        self._popen: subprocess.Popen[bytes] | None = None
        self._serial: SerialLine | None = None
        self._qmp: Qmp | None = None

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    # Life

    def start(self, detached: bool = False) -> None:
        """Starts QEMU. Detached: it outlives this program, and nobody reads the serial line but its log."""
        if self.runs:
            raise MachineError("the machine runs already")
        folder = self.config.directory
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("serial.sock", "qmp.sock"):
            (folder / name).unlink(missing_ok=True)
        certificates = self._publish_api()
        self._check_ports()
        kind = self.config.accelerator or accelerator(self.config.kernel or self.config.image.kernel)
        argv = qemu_command(self.config, kind, certificates)
        with (folder / "qemu.log").open("wb") as log:
            self.started_at = time.monotonic()
            self._popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=detached
            )
        self.process = ProcessId.of(self._popen.pid)
        self._wait_for_sockets()
        if not detached:
            self._serial = SerialLine(folder / "serial.sock")

    @property
    def runs(self) -> bool:
        if self._popen is not None and self._popen.poll() is not None:
            return False
        return self.process is not None and self.process.runs

    def kill(self) -> None:
        """A power cut: nothing in the guest gets to run any more."""
        if self.process is not None:
            self.process.kill()
        self._reap()

    def powerdown(self, timeout: float = 60) -> None:
        """The power button; the guest shuts down in order."""
        self.qmp("system_powerdown")
        self.wait_end(timeout)

    def wait_end(self, timeout: float = 60) -> None:
        if self._popen is not None:
            try:
                self._popen.wait(timeout)
            except subprocess.TimeoutExpired:
                raise MachineError(f"the machine still runs after {timeout:g} seconds{self._last_lines()}") from None
        self._reap()

    # Talk

    @property
    def serial(self) -> SerialLine:
        if self._serial is None:
            raise MachineError("the machine is not running, or was started detached: its serial line is not held here")
        return self._serial

    @property
    def log(self) -> str:
        """All that the serial line carried since the machine's first start."""
        return (self.config.directory / "serial.log").read_text(errors="replace")

    def wait_for_line(self, pattern: str, timeout: float = 60) -> str:
        """Waits for a whole line that contains the pattern. For prompts, which end no line: expect()."""
        return self.serial.expect(rf"^[^\n]*?(?:{pattern})[^\n]*\n", timeout).group().rstrip("\r\n")

    def expect(self, pattern: str, timeout: float = 60) -> re.Match[str]:
        return self.serial.expect(pattern, timeout)

    def send(self, text: str) -> None:
        self.serial.send(text)

    def shell(self, command: str, timeout: float = 60) -> tuple[int, str]:
        """Runs a command in the shell on the console (diatom.autologin); its exit code and output."""
        return self.serial.shell(command, timeout)

    @contextmanager
    def console(self) -> Iterator[SerialLine]:
        """The serial line of a detached machine, for a moment."""
        line = SerialLine(self.config.directory / "serial.sock")
        try:
            yield line
        finally:
            line.close()

    def qmp(self, command: str, **arguments: Any) -> Any:
        if not self.runs:
            raise MachineError(f"cannot ask QEMU for {command}: the machine does not run{self._last_lines()}")
        if self._qmp is None:
            self._qmp = Qmp(self.config.directory / "qmp.sock")
        return self._qmp.command(command, **arguments)

    def wait_api(self, timeout: float = 120) -> Api:
        if self.api is None:
            raise MachineError("the machine has no port for its API: start it with api=True")
        api, door = self.api, Door(self.api.address, self.api.port)
        self.wait_until(door.opens, timeout, "the engine's port")
        self.wait_until(lambda: api.answers(timeout=10), timeout, "the engine's API")
        return api

    def wait_until(self, condition: Callable[[], bool], timeout: float, what: str, pause: float = 0.05) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if not self.runs:
                raise MachineError(f"the machine ended while waiting for {what}{self._last_lines()}")
            if time.monotonic() > deadline:
                raise MachineError(f"{what} did not answer within {timeout:g} seconds{self._last_lines()}")
            time.sleep(pause)

    # Insides

    def _publish_api(self) -> Path | None:
        if not self.config.api:
            return None
        certificates = ensure_certificates(self.config.certificates or self.config.directory / "certs")
        if self.api is None:
            known = [forward for forward in self.config.publish if forward.guest == API_PORT]
            if not known and self.config.network:
                known = [Forward(free_port(), API_PORT)]
                self.config.publish.extend(known)
            if known:
                self.api = Api(known[0].host, certificates)
        return certificates

    def _check_ports(self) -> None:
        for forward in self.config.publish:
            if forward.protocol == "tcp" and not port_is_free(forward.host, forward.address):
                raise MachineError(
                    f"port {forward.host} of {forward.address} is taken: end what listens there, or publish another port"
                )

    def _wait_for_sockets(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        sockets = [self.config.directory / name for name in ("serial.sock", "qmp.sock")]
        while not all(path.exists() for path in sockets):
            if not self.runs:
                message = (self.config.directory / "qemu.log").read_text(errors="replace").strip()
                self._reap()
                raise MachineError(f"QEMU did not start: {message or 'no message'}")
            if time.monotonic() > deadline:
                self.kill()
                raise MachineError(f"QEMU opened no sockets within {START_SECONDS} seconds")
            time.sleep(0.01)

    def _last_lines(self) -> str:
        try:
            lines = self.log.splitlines()[-25:]
        except OSError:
            return ""
        return "; its last lines:\n" + "\n".join(lines)

    def _reap(self) -> None:
        for part in (self._serial, self._qmp):
            if part is not None:
                part.close()
        self._serial = self._qmp = None
        if self._popen is not None:
            self._popen.wait()
            self._popen = None
        self.process = None


def host_path(path: Path) -> str:
    """A path of the build root as the machine around it knows it."""
    text = str(path)
    repository = os.environ.get("DIATOM_HOST_REPO")
    return repository + text.removeprefix("/src") if repository and text.startswith("/src/") else text
