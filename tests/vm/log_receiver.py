"""Debian's rsyslog on this host, as one who is told of a machine's log: over UDP, TCP and TLS."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from registry import free_port
from seeds import GUEST_HOST

TRANSPORTS = ("udp", "tcp", "tls")


class LogReceiver:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {transport: free_port() for transport in TRANSPORTS}
        self.process: subprocess.Popen | None = None
        self._make_certificates()
        (folder / "rsyslog.conf").write_text(self._configuration())

    def url(self, transport: str) -> str:
        return f"{transport}://{GUEST_HOST}:{self.ports[transport]}"

    @property
    def authority(self) -> str:
        return (self.folder / "ca.crt").read_text()

    def _openssl(self, *args: str) -> None:
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    def _make_certificates(self) -> None:
        new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        self._openssl(*new, "-x509", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
        self._openssl(*new, "-subj", "/CN=receiver", "-addext", f"subjectAltName=IP:{GUEST_HOST}", "-keyout", "receiver.key", "-out", "receiver.csr")
        self._openssl("x509", "-req", "-in", "receiver.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "2", "-copy_extensions", "copy", "-out", "receiver.crt")

    def _configuration(self) -> str:
        folder, ports = self.folder, self.ports
        files = "\n".join(
            f"""ruleset(name="{transport}") {{ action(type="omfile" file="{folder}/{transport}.log" template="line" sync="on") }}"""
            for transport in TRANSPORTS
        )
        return f"""\
global(workDirectory="{folder}" defaultNetstreamDriverCAFile="{folder}/ca.crt"
       defaultNetstreamDriverCertFile="{folder}/receiver.crt" defaultNetstreamDriverKeyFile="{folder}/receiver.key")
template(name="line" type="string" string="%timestamp:::date-rfc3339%|%hostname%|%app-name%|%procid%|%syslogfacility-text%.%syslogseverity-text%|%protocol-version%|%structured-data%|%msg%\\n")
{files}
module(load="imudp")
module(load="imtcp")
input(type="imudp" address="127.0.0.1" port="{ports["udp"]}" ruleset="udp")
input(type="imtcp" address="127.0.0.1" port="{ports["tcp"]}" ruleset="tcp")
input(type="imtcp" address="127.0.0.1" port="{ports["tls"]}" ruleset="tls" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
"""

    def start(self) -> None:
        command = ["rsyslogd", "-n", "-f", str(self.folder / "rsyslog.conf"), "-i", str(self.folder / "pid")]
        with (self.folder / "rsyslogd.out").open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def lines(self, transport: str) -> list[str]:
        file = self.folder / f"{transport}.log"
        return file.read_text(errors="replace").splitlines() if file.exists() else []

    def wait_for(self, transport: str, text: str, seconds: float = 120) -> str:
        """The first line with this text."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.lines(transport):
                if text in line:
                    return line
            time.sleep(0.2)
        said = (self.folder / "rsyslogd.out").read_text(errors="replace") if (self.folder / "rsyslogd.out").exists() else ""
        raise AssertionError(f"no {text!r} over {transport} in {seconds:g} s; the last lines: {self.lines(transport)[-3:]}\n{said}")
