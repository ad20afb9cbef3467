"""A slow reader is waited for: what Daphne does not do by itself."""

from __future__ import annotations

import asyncio
from functools import partial

from minirag.backpressure import pace_sending

MORE = {"type": "http.response.body", "body": b"x", "more_body": True}
LAST = {"type": "http.response.body", "body": b"", "more_body": False}


class Connection:
    """A Twisted request as far as it matters here."""

    def __init__(self) -> None:
        self.channel, self.finished, self.producer, self.written = object(), False, None, 0

    def registerProducer(self, producer, streaming):
        assert streaming and self.producer is None
        self.producer = producer

    def unregisterProducer(self):
        self.producer = None

    async def write(self, message):
        self.written += 1


async def handle_reply(connection, message):
    await connection.write(message)


async def is_waiting(task) -> bool:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return not task.done()


def test_sending_waits_while_the_buffer_is_full():
    async def run():
        connection = Connection()
        send = pace_sending(partial(handle_reply, connection))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(MORE)
        connection.producer.pauseProducing()
        sending = asyncio.ensure_future(send(MORE))
        assert await is_waiting(sending)
        connection.producer.resumeProducing()
        await sending
        await send(LAST)
        assert (connection.producer, connection.written) == (None, 4)

    asyncio.run(run())


def test_nobody_waits_for_a_reader_who_has_gone():
    async def run():
        connection = Connection()
        send = pace_sending(partial(handle_reply, connection))
        await send(MORE)
        connection.producer.pauseProducing()
        sending = asyncio.ensure_future(send(MORE))
        assert await is_waiting(sending)
        connection.producer.stopProducing()
        connection.channel = None
        await sending
        await send(LAST)

    asyncio.run(run())


def test_a_short_answer_registers_nothing_and_other_servers_are_left_alone():
    connection = Connection()
    asyncio.run(pace_sending(partial(handle_reply, connection))(LAST))
    assert connection.producer is None

    async def send(message):
        return None

    assert pace_sending(send) is send
