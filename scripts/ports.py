"""Ports for the servers of demos and tests."""

import secrets
import socket

# Below those that the kernel gives to clients, from 32768 on: one of them it might give to somebody
# between our question and the server's start, or while the server is away.
_FIRST = 20_000
_COUNT = 12_000


def free_port() -> int:
    """Return a port of this machine on which nobody listens."""
    while True:
        port = _FIRST + secrets.randbelow(_COUNT)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
