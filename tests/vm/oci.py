"""Images made from Debian packages: OCI layouts and docker-save archives, also broken ones on purpose."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
BUSYBOX = Path("/bin/busybox")  # busybox-static of the build root
APPLETS = "sh cat echo env false httpd id kill ls mkdir printf ps pwd rm seq sleep sync test touch true tty uname wc stty nc nslookup wget dd head tail yes hostname mount cut tr ln stat grep mknod"


@dataclass
class Layer:
    """A tar under construction; every entry is dated zero, so that the same contents give the same digest."""

    buffer: io.BytesIO = field(default_factory=io.BytesIO)

    def __post_init__(self) -> None:
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name: str, data: bytes = b"", mode: int = 0o644, **attributes) -> "Layer":
        entry = tarfile.TarInfo(name)
        entry.mode, entry.size = mode, len(data)
        for key, value in attributes.items():
            setattr(entry, key, value)
        self.tar.addfile(entry, io.BytesIO(data) if entry.isreg() else None)
        return self

    def directory(self, name: str, mode: int = 0o755) -> "Layer":
        return self.add(name, mode=mode, type=tarfile.DIRTYPE)

    def link(self, name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> "Layer":
        return self.add(name, type=kind, linkname=target)

    def bytes(self) -> bytes:
        self.tar.close()
        return self.buffer.getvalue()


def every_applet() -> list[str]:
    said = subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [name for name in said.split() if name != "busybox"]


def busybox_layer(applets: Iterable[str] = APPLETS.split()) -> Layer:
    layer = Layer()
    for name in ("bin", "etc", "tmp", "root", "www"):
        layer.directory(name, 0o1777 if name == "tmp" else 0o755)
    layer.add("bin/busybox", BUSYBOX.read_bytes(), 0o755)
    for applet in applets:
        layer.link(f"bin/{applet}", "busybox")
    layer.add("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000::/tmp:/bin/sh\n")
    layer.add("etc/group", b"root:x:0:\nguest:x:1000:\n")
    layer.add("etc/notexec", b"not a program\n")
    layer.add("www/index.html", b"hello from a container\n")
    return layer


def compress(data: bytes, how: str) -> tuple[bytes, str]:
    if how == "gzip":
        return gzip.compress(data, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip"
    if how == "zstd":
        packed = subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
        return packed, "application/vnd.oci.image.layer.v1.tar+zstd"
    return data, "application/vnd.oci.image.layer.v1.tar"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def write_layout(folder: Path, layers: list[bytes], *, compression: str = "gzip", architecture: str = "amd64", config: dict | None = None) -> Path:
    """An OCI image layout with one image, tagged `latest`."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> str:
        name = digest(data)
        (blobs / name.removeprefix("sha256:")).write_bytes(data)
        return name

    descriptors = []
    for layer in layers:
        packed, media_type = compress(layer, compression)
        descriptors.append({"mediaType": media_type, "digest": put(packed), "size": len(packed)})
    image = {
        "architecture": architecture,
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]} | (config or {}),
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "tests"} for _ in layers],
    }
    encoded = json.dumps(image).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": put(encoded), "size": len(encoded)},
        "layers": descriptors,
    }
    encoded = json.dumps(manifest).encode()
    entry = {
        "mediaType": manifest["mediaType"],
        "digest": put(encoded),
        "size": len(encoded),
        "annotations": {"org.opencontainers.image.ref.name": "latest"},
        "platform": {"os": "linux", "architecture": architecture},
    }
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return folder


def save_archive(layout: Path, archive: Path, name: str) -> Path:
    """What `docker save` would write, by skopeo."""
    subprocess.run(["skopeo", "copy", "-q", f"oci:{layout}:latest", f"docker-archive:{archive}:{name}"], check=True)
    return archive


def program(folder: Path, name: str, **files: Path) -> Path:
    """An image archive with one of the programs of this folder as its entry, and files beside it."""
    binary = folder / name
    source = PROGRAMS / f"{name}.cpp"
    subprocess.run(["g++-14", "-std=c++23", "-Os", "-static", "-Wall", "-Wextra", "-Werror", "-s", "-o", str(binary), str(source)], check=True)
    layer = Layer().add(name, binary.read_bytes(), 0o755)
    for path, file in files.items():
        layer.add(path, file.read_bytes())
    layout = write_layout(folder / "layout", [layer.bytes()], config={"Entrypoint": [f"/{name}"], "Cmd": []})
    return save_archive(layout, folder / f"{name}.tar", f"{name}:latest")
