"""Starts Diatom OS in QEMU and talks to it: over the serial line, QMP and the Docker API. Used by ./dev run and pytest.

    with Machine(MachineConfig(directory=tmp_path)) as machine:
        machine.start()
        machine.wait_for_line("login:")
        machine.wait_api()
"""

from .api import Api
from .config import Boot, Disk, Forward, Image, MachineConfig
from .machine import Machine, MachineError

__all__ = ["Api", "Boot", "Disk", "Forward", "Image", "Machine", "MachineConfig", "MachineError"]
