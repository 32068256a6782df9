"""The one exception of this package: its message is for people."""

from __future__ import annotations


class MachineError(Exception):
    pass
