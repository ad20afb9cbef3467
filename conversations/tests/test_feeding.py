"""A turn as a feed: whoever waits for its first words is a reader, and hears what it fails with before them."""

from __future__ import annotations

import asyncio

import pytest

from conversations.following import running
from conversations.following.feeding import TurnFeed
from conversations.tests.test_running import ANSWER, begin, settle
from conversations.turns.events import Delta, SourcesFound
from conversations.turns.troubles import TurnStopped
from minirag.lib.sse import read_feed


def write(number, event) -> bytes:
    return event.content.encode() if isinstance(event, Delta) else b""


async def read(feed) -> bytes:
    return b"".join([block async for block in read_feed(feed)])


async def search(turn) -> None:
    """Return when the turn has searched, and asks its model."""
    while not turn.events:
        await asyncio.sleep(0.01)
    assert not turn.is_over


@pytest.fixture(autouse=True)
def no_patience(settings, monkeypatch):
    """A turn without a reader is stopped soon, and one that was left at once."""
    settings.DETACHED_TURN_SECONDS = 0.0
    monkeypatch.setattr(running, "FIRST_READER_SECONDS", 0.4)


def test_whoever_waits_for_the_first_words_is_a_reader(acme_bot, model, run_async):
    model.enqueue(0.6, "It is covered ", 0.1, "for 36 months [1].")

    async def run():
        turn = await begin(acme_bot)
        feed = TurnFeed(turn, write)
        await feed.begin()
        assert isinstance(turn.events[0], SourcesFound) and isinstance(turn.events[-1], Delta)
        return await read(feed)

    assert run_async(run) == ANSWER.encode()


def test_what_a_turn_ends_with_before_its_first_words_is_raised(acme_bot, model, run_async):
    model.enqueue(5.0, ANSWER)

    async def run():
        turn = await begin(acme_bot)
        waiting = asyncio.create_task(TurnFeed(turn, write).begin())
        await search(turn)
        await turn.stop()
        with pytest.raises(TurnStopped):
            await waiting

    run_async(run)


def test_whoever_goes_away_while_waiting_has_left(acme_bot, model, run_async):
    model.enqueue(5.0, ANSWER)

    async def run():
        turn = await begin(acme_bot)
        waiting = asyncio.create_task(TurnFeed(turn, write).begin())
        await search(turn)
        waiting.cancel()
        await settle()  # nobody reads it any more

    run_async(run)


def test_a_feed_ends_with_its_turn_also_where_nothing_is_written_of_the_end(
    acme_bot, model, run_async
):
    model.enqueue("It is covered ", 0.05, "for 36 months [1].")

    async def run():
        turn = await begin(acme_bot)
        silent = TurnFeed(turn, lambda *_: b"")
        return await asyncio.gather(read(silent), read(TurnFeed(turn, write, after=2)))

    heard, said = run_async(run)
    assert (heard, said.strip()) == (b"", b"for 36 months [1].")
