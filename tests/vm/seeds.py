"""What clouds hand a machine: a NoCloud seed on a disk or by a web server, and an Ignition configuration."""

from __future__ import annotations

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from vm.config import Disk

GUEST_HOST = "10.0.2.2"  # how QEMU's user network calls this machine


def seed_disk(folder: Path, files: dict[str, str]) -> Disk:
    """A FAT file system labelled CIDATA, as cloud-localds makes it."""
    image = folder / "seed.img"
    image.write_bytes(bytes(2 << 20))
    subprocess.run(["mkfs.vfat", "-n", "CIDATA", image], check=True, stdout=subprocess.DEVNULL)
    for name, text in files.items():
        file = folder / name
        file.write_text(text)
        subprocess.run(["mcopy", "-i", image, file, f"::{name}"], check=True)
    return Disk(image)


class MetadataServer:
    """Answers by path, and notes what it was asked; what a test changes holds from the next request on."""

    def __init__(self, pages: dict[str, str]):
        self.pages = pages
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                page = server.pages.get(self.path)
                body = (page or "not here").encode()
                self.send_response(404 if page is None else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{GUEST_HOST}:{self._server.server_address[1]}/"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
