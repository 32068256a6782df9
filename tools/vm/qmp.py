"""The QEMU Machine Protocol: one JSON object a line, over a unix socket.

Source: docs/interop/qmp-spec.rst of QEMU.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from .errors import MachineError


class Qmp:
    def __init__(self, path: Path, timeout: float = 10) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("r", encoding="utf-8")
        self._read()  # the greeting
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments: Any) -> Any:
        request: dict[str, Any] = {"execute": name}
        if arguments:
            request["arguments"] = arguments
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            reply = self._read()
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                raise MachineError(f"QEMU refused {name}: {reply['error']['desc']}")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _read(self) -> dict[str, Any]:
        line = self._file.readline()
        if not line:
            raise MachineError("QEMU closed its control socket")
        return json.loads(line)
