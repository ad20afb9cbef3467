"""Words that come faster than people see are passed on together; first words and last ones never wait."""

from __future__ import annotations

import time

import pytest

from minirag.ai.chat import ChatDelta, stream_chat
from minirag.ai.tests.scripted_server import DONE, ScriptedServer, event
from minirag.ai.tests.test_direct import FINISH, ask, directly
from minirag.lib.errors import ProviderError
from minirag.lib.http_out import frames

__all__ = ["directly"]

LONG_SECONDS = 10.0
WORDS = [f"{number} " for number in range(20)]


def set_frame(monkeypatch, seconds: float) -> None:
    monkeypatch.setattr(frames, "FRAME_SECONDS", seconds)
    monkeypatch.setattr(frames, "LONGEST_SECONDS", seconds)


@pytest.fixture
def long_frames(monkeypatch):
    """Long enough to be told from a busy machine; an end is not waited with, so nobody waits so long."""
    set_frame(monkeypatch, LONG_SECONDS)


async def hear(*packets: bytes, pause: float) -> tuple[list[str], list[float], float]:
    """What was said, when it was heard, and when it was over, all since the first words."""
    said, times = [], []
    async with ScriptedServer(packets=packets, pause=pause) as server:
        async for each in stream_chat(ask(server)):
            times.append(time.monotonic())
            said += [each.content] if isinstance(each, ChatDelta) else []
    return said, [each - times[0] for each in times], times[-1] - times[0]


async def test_words_within_a_frame_are_one_event_and_the_first_is_not_held(long_frames):
    said, times, _ = await hear(*map(event, WORDS), FINISH, DONE, pause=0.01)
    assert said[0] == WORDS[0] and "".join(said) == "".join(WORDS) and len(said) <= 4
    assert times[1] >= 0.15


async def test_what_says_nothing_begins_no_frame(long_frames):
    """Providers send the role before the first word."""
    empty = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n'
    started = time.monotonic()
    said, _, _ = await hear(empty, event("Hello"), FINISH, DONE, pause=0.01)
    assert said == ["Hello"] and time.monotonic() - started < LONG_SECONDS / 2


async def test_an_end_is_not_waited_with(long_frames):
    said, _, seconds = await hear(event("Hello"), event(" there"), FINISH, DONE, pause=0.02)
    assert "".join(said) == "Hello there" and seconds < LONG_SECONDS / 2


async def test_nothing_is_lost_where_the_connection_breaks_within_a_frame(monkeypatch):
    set_frame(monkeypatch, 0.5)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n"
    said = []
    async with ScriptedServer(packets=list(map(event, WORDS)), head=head, pause=0.005) as server:
        with pytest.raises(ProviderError, match="cut the answer off"):
            async for each in stream_chat(ask(server)):
                said.append(each.content)
    assert "".join(said) == "".join(WORDS) and len(said) < len(WORDS)


def test_a_crowd_is_looked_at_less_often_but_often_enough():
    streams = [object() for _ in range(1000)]
    assert frames.frame_of(streams[0]) == 0.0
    try:
        seen = []
        for stream in streams:
            frames.note_speaking(stream)
            seen.append(frames.frame_of(streams[0]))
    finally:
        for stream in streams:
            frames.note_silence(stream)
    assert seen[0] == seen[49] == frames.FRAME_SECONDS and seen == sorted(seen)
    assert seen[-1] == frames.LONGEST_SECONDS and frames.frame_of(streams[0]) == 0.0
