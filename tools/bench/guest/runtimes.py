"""OCI runtimes by their command line, and the kernel alone."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path

from common import Turns
from contenders import Contender

BUNDLE = Path("/run/bundle")
RUNTIMES = {
    "diatom": ["/bench/diatom", "runtime"],
    "crun": ["crun", "--cgroup-manager=cgroupfs"],
    "runc": ["runc"],
}


def _make_bundle() -> None:
    """runc's own default bundle, which runs `true` and has no terminal."""
    rootfs = BUNDLE / "rootfs"
    rootfs.mkdir(parents=True)
    with tarfile.open("/bench/layer.tar") as layer:
        layer.extractall(rootfs, filter="fully_trusted")
    subprocess.run(["runc", "spec"], cwd=BUNDLE, check=True)
    config = json.loads((BUNDLE / "config.json").read_text())
    config["process"] |= {"terminal": False, "args": ["/bin/true"]}
    (BUNDLE / "config.json").write_text(json.dumps(config))


def versions() -> dict[str, str]:
    """As the programs say them: "crun version 1.21"."""
    said = {}
    for name in ("crun", "runc"):
        done = subprocess.run([name, "--version"], stdout=subprocess.PIPE, text=True, check=False)
        said[name] = (done.stdout.split() or ["", "", "?"])[2]
    return said


def runtime_run(_: dict[str, Contender]) -> dict:
    _make_bundle()

    def act(name: str) -> None:
        # What `true` prints or the runtime logs is not wanted; a failure is.
        command = ["/bench/floor", str(BUNDLE / "rootfs")] if name == "kernel" else [*RUNTIMES[name], "run", "--bundle", str(BUNDLE), "bench"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stdout}")

    turns = Turns([*RUNTIMES, "kernel"])
    return turns.result(seconds=turns.seconds(act))
