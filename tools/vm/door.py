"""Whether a TLS server listens on a machine's port, asked without waiting for the last answer."""

from __future__ import annotations

import socket
import ssl
import threading
import time

PATIENCE = 1.0  # seconds, of a knock at first; later a quarter of what has been waited so far: the machine may be slow
KNOCKS = 10  # at most that wait at a time: those that hang arrive together, and each costs the machine a handshake


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
        self._begin = self._next = time.monotonic()

    def opens(self) -> bool:
        """Knocks once more if it is time to. True when a knock has been answered so far."""
        now = time.monotonic()
        if not self._answered.is_set() and now >= self._next:
            patience = max(PATIENCE, (now - self._begin) / 4)
            self._next = now + patience / KNOCKS
            threading.Thread(target=self._knock, args=[patience], daemon=True).start()
        return self._answered.is_set()

    def _knock(self, patience: float) -> None:
        try:
            with socket.create_connection(self._address, patience) as connection:
                connection.sendall(self._hello)
                if connection.recv(1):
                    self._answered.set()
        except OSError:
            pass  # the next one may be luckier
