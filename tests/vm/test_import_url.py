"""`docker import URL`, by the docker command line, from a web server on this host."""

from __future__ import annotations

import gzip
import http.server
import threading

import oci
import pytest
from registry import free_port

pytestmark = pytest.mark.usefixtures("loaded")


class Pages(http.server.BaseHTTPRequestHandler):
    files: dict[str, bytes] = {}

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/root.tar.gz")
            self.end_headers()
            return
        data = self.files.get(self.path)
        self.send_response(200 if data else 404)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        # What is cut off ends before its length.
        self.wfile.write((data or b"")[: 20000 if self.path == "/cut.tar" else None])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def pages():
    archive = oci.busybox_layer().bytes()
    Pages.files = {"/root.tar.gz": gzip.compress(archive), "/cut.tar": archive, "/text": b"no archive at all\n" * 50}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://10.0.2.2:{server.server_port}"
    server.shutdown()


def test_an_archive_of_a_web_server(docker, pages):
    said = docker("import", "-c", 'CMD ["cat", "/www/index.html"]', "-m", "why", f"{pages}/moved", "imported:url").stdout
    assert "sha256:" in said
    assert docker("run", "--rm", "imported:url").stdout == "hello from a container\n"
    assert docker("history", "--format", "{{.Comment}}", "imported:url").stdout == "why\n"
    docker("rmi", "imported:url")
    docker("import", f"{pages}/root.tar.gz", "imported:plain")
    assert f"Imported from {pages}/root.tar.gz" in docker("history", "--no-trunc", "--format", "{{.Comment}}", "imported:plain").stdout
    docker("rmi", "imported:plain")


def test_what_is_no_archive_leaves_nothing(docker, pages):
    for path, why in (("/nonesuch", "404"), ("/cut.tar", ""), ("/text", "")):
        done = docker("import", pages + path, "imported:bad", check=False)
        assert done.returncode == 1 and why in done.stderr, (path, done.stdout, done.stderr)
        assert docker("images", "-q", "imported:bad").stdout == ""
    nobody = docker("import", "http://10.0.2.2:1/x", check=False)
    assert nobody.returncode == 1 and "10.0.2.2:1" in nobody.stderr
