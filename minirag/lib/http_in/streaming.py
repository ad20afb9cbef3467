"""Files that are sent while they are written: each step of a plain generator on a database thread.

A reader who is slow is waited for (minirag.serving.backpressure).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

from minirag.lib.database import run_sync

PIECE_BYTES: Final = 64 * 1024


async def stream_pieces(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Take pieces on a database thread, some of them at a step, in the tenant that is bound around it."""
    joined = join_pieces(pieces)
    while (piece := await run_sync(next, joined, None)) is not None:
        yield piece


def join_pieces(pieces: Iterator[bytes], size: int = PIECE_BYTES) -> Iterator[bytes]:
    """Join small pieces to such of at least `size` bytes: a hop to a thread costs more than a small piece."""
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= size:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
