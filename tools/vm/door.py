"""Whether a TLS server listens on a machine's port, asked without waiting for the last answer."""

from __future__ import annotations

import socket
import ssl
import threading

KNOCK_SECONDS = 1.0  # a knock that is not answered by then is given up


def client_hello() -> bytes:
    """The first message of a TLS handshake."""
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="diatom").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Door:
    """A connection that was made before the machine has its address hangs until QEMU repeats it, seconds later: so each
    knock is a connection of its own. It hangs up at the first byte: a whole handshake would cost a machine that is
    still starting more than its answer is worth."""

    def __init__(self, address: str, port: int) -> None:
        self._address = (address, port)
        self._hello = client_hello()
        self._answered = threading.Event()

    def opens(self) -> bool:
        """Knocks once more. True when a knock has been answered so far."""
        if not self._answered.is_set():
            threading.Thread(target=self._knock, daemon=True).start()
        return self._answered.is_set()

    def _knock(self) -> None:
        try:
            with socket.create_connection(self._address, KNOCK_SECONDS) as connection:
                connection.sendall(self._hello)
                if connection.recv(1):
                    self._answered.set()
        except OSError:
            pass  # the next one may be luckier
