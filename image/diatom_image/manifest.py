"""manifest.json and SHA256SUMS: what a release consists of, by digest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .version import Version


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def describe(path: Path) -> dict[str, object]:
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def write_manifest(
    out: Path, version: Version, artefacts: list[str], parts: dict[str, Path], packages: dict[str, str], kernel: dict
) -> None:
    manifest = {
        "name": "diatom",
        "version": version.text,
        "commit": version.commit,
        "kernel": kernel["version"],
        "artefacts": {name: describe(out / name) for name in artefacts},
        "parts": {name: describe(path) for name, path in sorted(parts.items())},
        "packages": packages,
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    sums = {name: manifest["artefacts"][name]["sha256"] for name in artefacts}
    sums["manifest.json"] = sha256(out / "manifest.json")
    (out / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())))
