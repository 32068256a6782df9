"""Certificates for the Docker API: a CA of this machine's own, one server and one client, kept and reused."""

from __future__ import annotations

import subprocess
from pathlib import Path

DAYS = 3650
RENEW_BEFORE = 30 * 86400  # seconds
NAMES = "DNS:localhost,DNS:diatom,IP:127.0.0.1,IP:::1,IP:10.0.2.15"


def ensure_certificates(folder: Path) -> Path:
    """ca.pem, server-cert.pem, server-key.pem for the machine; ca.pem, cert.pem, key.pem for clients."""
    if _usable(folder):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    _openssl(
        "req", "-x509", *_new_key(folder / "ca-key.pem"), "-out", folder / "ca.pem", "-days", DAYS,
        "-subj", "/CN=Diatom OS development CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
    )  # fmt: skip
    _sign(folder, "server-key.pem", "server-cert.pem", "/CN=diatom", f"extendedKeyUsage=serverAuth\nsubjectAltName={NAMES}\n")
    _sign(folder, "key.pem", "cert.pem", "/CN=diatom client", "extendedKeyUsage=clientAuth\n")
    return folder


def _usable(folder: Path) -> bool:
    names = ("ca.pem", "server-cert.pem", "server-key.pem", "cert.pem", "key.pem")
    if not all((folder / name).exists() for name in names):
        return False
    check = ["openssl", "x509", "-checkend", str(RENEW_BEFORE), "-noout", "-in", str(folder / "cert.pem")]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


def _new_key(path: Path) -> list[object]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", path]


def _sign(folder: Path, key: str, certificate: str, subject: str, extensions: str) -> None:
    request = folder / "request.pem"
    extension_file = folder / "extensions"
    extension_file.write_text(f"keyUsage=critical,digitalSignature\n{extensions}")
    _openssl("req", *_new_key(folder / key), "-out", request, "-subj", subject)
    _openssl(
        "x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca-key.pem", "-CAcreateserial",
        "-days", DAYS, "-extfile", extension_file, "-out", folder / certificate,
    )  # fmt: skip
    request.unlink()
    extension_file.unlink()


def _openssl(*args: object) -> None:
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)
