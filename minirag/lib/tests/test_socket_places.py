"""Places of sockets, as two web processes take them: each has its own `Places`, and Redis between them."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from minirag.lib.http_in.reading import network_of
from minirag.lib.open_sockets import SocketConsumer, count_sockets
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


def test_what_a_killed_process_held_lapses(settings):
    network = secrets.token_hex(8)

    async def run():
        living, redis = Places(), connect_async(settings.REDIS_URL)
        assert await living.take(network)
        soon = (await redis.time())[0] + 1
        await redis.zadd(socket_places._key(network), {"of a killed one": soon, "another": soon})
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


def test_who_goes_while_it_is_given_a_place_has_none(monkeypatch):
    network = secrets.token_hex(8)
    key = socket_places._key(network)

    class SlowToSay:
        def __init__(self, redis):
            self.redis = redis

        async def eval(self, *arguments):
            await self.redis.eval(*arguments)
            await asyncio.Event().wait()

        def __getattr__(self, name):
            return getattr(self.redis, name)

    async def run():
        redis = socket_places._redis()
        monkeypatch.setattr(socket_places, "_redis", lambda: SlowToSay(redis))
        taking = asyncio.ensure_future(Places().take(network))
        while not await redis.exists(key):
            await asyncio.sleep(0.01)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        assert not await redis.exists(key)

    asyncio.run(asyncio.wait_for(run(), 60))


def test_without_redis_each_process_counts_its_own(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    async def run():
        one, other = Places(), Places()
        taken = [await one.take("here") for _ in range(4)]
        assert [place is not None for place in taken] == [True, True, True, False]
        assert await other.take("here") and await one.take("there")
        await one.give_back("here", taken[0])
        assert await one.take("here")

    asyncio.run(run())


class Failing(SocketConsumer):
    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        raise ZeroDivisionError


@pytest.mark.parametrize("ending", ["fails", "is cancelled"])
def test_a_socket_that_is_told_of_no_disconnection_gives_its_place_back(settings, ending):
    """Or its process would renew the place forever, and a network have fewer and fewer."""
    address = f"2001:db8:{secrets.randbelow(9999):x}:{secrets.randbelow(9999):x}::1"
    scope = {"type": "websocket", "path": "/ws/x/", "headers": [], "client": (address, 5)}
    messages = [{"type": "websocket.connect"}]
    if ending == "fails":
        messages.append({"type": "websocket.receive", "text": "{}"})

    async def run():
        accepted, before = asyncio.Event(), count_sockets()

        async def receive():
            return messages.pop(0) if messages else await asyncio.Event().wait()

        async def send(message):
            accepted.set()

        serving = asyncio.ensure_future(Failing.as_asgi()(scope, receive, send))
        await accepted.wait()
        redis, key = connect_async(settings.REDIS_URL), socket_places._key(network_of(address))
        if ending == "is cancelled":
            while not await redis.exists(key):
                await asyncio.sleep(0.01)
            serving.cancel()
        with pytest.raises((ZeroDivisionError, asyncio.CancelledError)):
            await serving
        assert (count_sockets(), await redis.exists(key)) == (before, 0)
        assert not socket_places.places()._held

    asyncio.run(asyncio.wait_for(run(), 60))
