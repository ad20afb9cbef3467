"""Taking connections from a socket that several processes listen on.

Twisted takes up to a hundred at a wake-up, so of a burst one process got nearly all: of 80 connections to four
processes the fullest had 79, 76, 61, 44 and 33 in five tries, each costing its process 5 ms. With one at a wake-up it
had 20 to 28, as with a socket for each process (SO_REUSEPORT), and who is busy leaves the next one to the others.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import tcp


def take_one_at_a_time() -> None:
    """Have each listening socket of this process give up one connection at a wake-up."""
    # Twisted adapts the number by itself, so setting it would not last.
    port: Any = tcp.Port
    port.numberAccepts = property(lambda _: 1, lambda _, number: None)


def stop_accepting() -> None:
    """Take no more connections. A socket that others listen on as well stays open, with who waits there."""
    import twisted.internet.reactor

    reactor: Any = twisted.internet.reactor
    for reader in list(reactor.getReaders()):
        if isinstance(reader, tcp.Port):
            reader.stopListening()
