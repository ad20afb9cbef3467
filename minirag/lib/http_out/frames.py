"""How long the words of a stream may wait for the words that follow, to be passed on together.

What is done for a word costs the same for two. A person sees no more than 25 pictures in a second, and a crowd is
served in time by fewer: all streams of a process together are looked at MOST_FRAMES times in a second, as long as
nobody waits for longer than LONGEST_SECONDS. First words and last ones do not wait.
"""

from __future__ import annotations

from collections.abc import Hashable

FRAME_SECONDS, LONGEST_SECONDS = 0.04, 0.1
MOST_FRAMES = 2000
_speaking: set[Hashable] = set()


def note_speaking(stream: Hashable) -> None:
    """Count a stream whose first words are out, until `note_silence`."""
    _speaking.add(stream)


def note_silence(stream: Hashable) -> None:
    _speaking.discard(stream)


def frame_of(stream: Hashable) -> float:
    """Return the frame of a stream, in seconds; 0 until it speaks."""
    if stream not in _speaking:
        return 0.0
    return min(max(FRAME_SECONDS, len(_speaking) / MOST_FRAMES), LONGEST_SECONDS)
