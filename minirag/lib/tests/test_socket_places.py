"""Places of sockets, as two web processes take them: each has its own `Places`, and Redis between them."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from minirag.lib.redis_client import connect_async
from minirag.lib.security import socket_places
from minirag.lib.security.socket_places import Places


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(socket_places, "MOST_OF_ONE_NETWORK", 3)


def test_the_bound_is_over_all_processes_and_exact_when_they_come_at_once():
    network = secrets.token_hex(8)

    async def run():
        one, other = Places(), Places()
        taken = await asyncio.gather(*((one, other)[n % 2].take(network) for n in range(8)))
        assert sum(place is not None for place in taken) == 3
        assert await one.take(secrets.token_hex(8)), "another network's are its own"
        number = next(n for n, place in enumerate(taken) if place)
        await (one, other)[number % 2].give_back(network, taken[number])
        assert [await one.take(network) is not None, await other.take(network)] == [True, None]

    asyncio.run(run())


def test_what_a_killed_process_held_lapses(monkeypatch):
    network = secrets.token_hex(8)

    async def run():
        killed, living = Places(), Places()
        assert await living.take(network)
        monkeypatch.setattr(socket_places, "LAPSE_SECONDS", 1)
        assert await killed.take(network) and await killed.take(network)
        monkeypatch.setattr(socket_places, "LAPSE_SECONDS", 90)
        taken = 0
        while taken < 2:
            taken += await living.take(network) is not None
            await asyncio.sleep(0.05)
        assert await living.take(network) is None, "what the living one has is kept"

    asyncio.run(asyncio.wait_for(run(), 60))


def test_the_places_of_a_living_process_are_renewed(monkeypatch, settings):
    monkeypatch.setattr(socket_places, "KEEP_SECONDS", 0.05)
    monkeypatch.setattr(socket_places, "LAPSE_SECONDS", 30)
    network = secrets.token_hex(8)

    async def run():
        places = Places()
        place = await places.take(network)
        monkeypatch.setattr(socket_places, "LAPSE_SECONDS", 3000)
        redis, key = connect_async(settings.REDIS_URL), socket_places._key(network)
        while await redis.zscore(key, place) < (await redis.time())[0] + 300:
            await asyncio.sleep(0.05)
        await places.give_back(network, place)
        assert not await redis.exists(key)

    asyncio.run(asyncio.wait_for(run(), 60))


def test_without_redis_nobody_is_refused(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    async def run():
        places = Places()
        taken = [await places.take("here") for _ in range(5)]
        for place in taken:
            await places.give_back("here", place)
        return taken

    assert all(asyncio.run(run()))
