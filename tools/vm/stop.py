"""./dev stop: the power button, then, when that does not help, the plug."""

from __future__ import annotations

import sys

from . import record
from .errors import MachineError
from .qmp import Qmp

PATIENCE = 45  # seconds for an orderly shutdown


def main() -> int:
    with record.lock():
        present = record.running()
        if present is None:
            record.forget()
            print("stop: no machine is running")
            return 0
        try:
            button = Qmp(record.RUN / "vm/qmp.sock")
            button.command("system_powerdown")
            button.close()
        except (OSError, MachineError) as error:
            print(f"stop: the power button does not answer ({error})")
        else:
            if present.process.wait(PATIENCE):
                record.forget()
                print("stop: the machine has shut down")
                return 0
            print(f"stop: the machine did not shut down within {PATIENCE} seconds")
        present.process.kill()
        if not present.process.wait(10):
            raise MachineError(f"process {present.pid} does not end")
        record.forget()
        print("stop: the machine was killed")
        return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MachineError as problem:
        sys.exit(f"stop: {problem}")
