"""`docker import URL`, by the docker command line, from a web server on this host."""

from __future__ import annotations

import gzip
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import oci
import pytest
from conftest import shell
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


@contextmanager
def served(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Where the machine reaches the pages."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Pages)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"{'https' if tls else 'http'}://10.0.2.2:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def pages():
    archive = oci.busybox_layer().bytes()
    Pages.files = {"/root.tar.gz": gzip.compress(archive), "/cut.tar": archive, "/text": b"no archive at all\n" * 50}
    with served() as address:
        yield address


def test_an_archive_of_a_web_server(docker, pages):
    said = docker("import", "-c", 'CMD ["cat", "/www/index.html"]', "-m", "why", f"{pages}/moved", "imported:url").stdout
    assert "sha256:" in said
    assert docker("run", "--rm", "imported:url").stdout == "hello from a container\n"
    assert docker("history", "--format", "{{.Comment}}", "imported:url").stdout == "why\n"
    docker("rmi", "imported:url")
    docker("import", f"{pages}/root.tar.gz", "imported:plain")
    assert f"Imported from {pages}/root.tar.gz" in docker("history", "--no-trunc", "--format", "{{.Comment}}", "imported:plain").stdout
    docker("rmi", "imported:plain")


@pytest.fixture(scope="module")
def own_pages(pages, tmp_path_factory):
    """The same over TLS, by a certificate that signs itself; and that certificate."""
    folder = tmp_path_factory.mktemp("tls")
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=pages", "-addext", "subjectAltName=IP:10.0.2.2"]
    subprocess.run(["openssl", "req", "-x509", *made, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with served(context) as address:
        yield address, (folder / "cert.pem").read_text()


def test_who_is_trusted_is_what_the_machines_certificates_say(make_box, own_pages):
    """On a machine of its own: the others take any certificate of the emulated network."""
    address, certificate = own_pages
    box = make_box().boot()
    box.wait_console()
    refused = box.docker("import", f"{address}/root.tar.gz", "imported:tls", check=False).stderr
    assert "certificate" in refused, refused
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    assert int(shell(box, f"cp {bundle} /tmp/before && grep -c BEGIN {bundle}")) > 100
    for line in certificate.splitlines():
        shell(box, f"echo '{line}' >>{bundle}")
    box.docker("import", f"{address}/root.tar.gz", "imported:tls")
    shell(box, f"cp /tmp/before {bundle}")
    assert "certificate" in box.docker("import", f"{address}/root.tar.gz", "imported:tls", check=False).stderr
    box.kill()


def test_what_is_no_archive_leaves_nothing(docker, pages):
    for path, why in (("/nonesuch", "404"), ("/cut.tar", ""), ("/text", "")):
        done = docker("import", pages + path, "imported:bad", check=False)
        assert done.returncode == 1 and why in done.stderr, (path, done.stdout, done.stderr)
        assert docker("images", "-q", "imported:bad").stdout == ""
    nobody = docker("import", "http://10.0.2.2:1/x", check=False)
    assert nobody.returncode == 1 and "10.0.2.2:1" in nobody.stderr
