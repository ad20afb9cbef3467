"""Ports for the servers that tests start."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from minirag.local.embedded.processes import find_free_port

# From here up to those that the system deals out to outgoing connections; a browser refuses none of these.
LOWEST = 20_000


def find_port() -> int:
    """A free port that no outgoing connection takes until it is listened on, which may be seconds later."""
    dealt_out = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if dealt_out < LOWEST + 1000:
        return find_free_port()
    while True:
        port = random.SystemRandom().randrange(LOWEST, dealt_out)  # the tests' own dice are seeded
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
