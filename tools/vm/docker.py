"""./dev docker: the real docker command line against the machine that ./dev run started."""

from __future__ import annotations

import os
import sys

from . import record


def main(argv: list[str]) -> None:
    present = record.running()
    if present is None:
        sys.exit("docker: no machine is running: start one with ./dev run --detach")
    os.environ.update(present.api.environment)
    os.execvp("docker", ["docker", *argv])


if __name__ == "__main__":
    main(sys.argv[1:])
