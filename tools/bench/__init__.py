"""Measures, on the machines of tools/vm and with the images and the registry of tests/vm."""

import sys

from vm.config import REPO

sys.path.insert(0, str(REPO / "tests/vm"))
