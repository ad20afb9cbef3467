"""A slow reader is waited for: what Daphne does not do by itself."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.abstract import FileDescriptor
from twisted.internet.main import CONNECTION_LOST

from minirag.serving.backpressure import connection_of, pace_sending, send_piece, sending_at_once
from minirag.serving.sockets import Socket
from tests.fakes.long_answer import PIECE, PIECES
from tests.ports import find_port
from tests.product import CHECKOUT

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


def paced(send):
    return pace_sending(send, connection_of(send))


async def handle_reply(connection, message):
    await connection.write(message)


async def is_waiting(task) -> bool:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return not task.done()


def test_sending_waits_while_the_buffer_is_full():
    async def run():
        connection = Connection()
        send = paced(partial(handle_reply, connection))
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
        send = paced(partial(handle_reply, connection))
        await send(MORE)
        connection.producer.pauseProducing()
        sending = asyncio.ensure_future(send(MORE))
        assert await is_waiting(sending)
        connection.producer.stopProducing()
        connection.channel = None
        await sending
        await send(LAST)

    asyncio.run(run())


class Pieces:
    """A feed whose pieces a test puts in."""

    def __init__(self) -> None:
        self.pieces: list[bytes | Exception | None] = []
        self.waiting: list = []

    def put(self, *pieces: bytes | Exception | None) -> None:
        self.pieces += pieces
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            call()

    def take(self) -> bytes | None:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def when_more(self, call) -> None:
        self.waiting.append(call)


class Pushed(Connection):
    """What was written, in one step with whoever put it in."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes] = []

    def handle_reply(self, message):
        self.said.append(message["body"])


async def begin_to_push(feed):
    connection = Pushed()
    pushing = asyncio.ensure_future(paced(partial(handle_reply, connection)).push(feed))
    await asyncio.sleep(0)
    return connection, pushing


def test_what_is_pushed_is_sent_where_it_is_said():
    async def run():
        feed = Pieces()
        connection, pushing = await begin_to_push(feed)
        feed.put(b"a")
        feed.put(b"b", b"c")
        assert connection.said == [b"a", b"b", b"c"]  # nobody had to be woken
        feed.put(b"d", None)
        await pushing
        assert connection.said[-1] == b"d" and feed.waiting == []

    asyncio.run(run())


def test_what_is_pushed_waits_while_the_buffer_is_full():
    async def run():
        feed = Pieces()
        connection, pushing = await begin_to_push(feed)
        connection.producer.pauseProducing()
        feed.put(b"a", b"b", None)
        assert await is_waiting(pushing) and connection.said == []
        connection.producer.resumeProducing()
        await pushing
        assert connection.said == [b"a", b"b"]

    asyncio.run(run())


def test_what_pushing_fails_with_is_for_the_answer_and_not_for_who_has_news():
    async def run():
        feed = Pieces()
        connection, pushing = await begin_to_push(feed)
        feed.put(b"a", ValueError("broken"))
        with pytest.raises(ValueError, match="broken"):
            await pushing
        assert connection.said == [b"a"]

    asyncio.run(run())


def test_nothing_is_pushed_to_whom_an_answer_was_given_up():
    async def run():
        feed = Pieces()
        connection, pushing = await begin_to_push(feed)
        pushing.cancel()
        await asyncio.wait({pushing})
        feed.put(b"a")
        assert pushing.cancelled() and connection.said == []

    asyncio.run(run())


def test_a_short_answer_registers_nothing_and_other_servers_are_left_alone():
    connection = Connection()
    asyncio.run(paced(partial(handle_reply, connection))(LAST))
    assert connection.producer is None

    async def send(message):
        return None

    assert paced(send) is send


class Line(FileDescriptor):
    """A connection of Twisted's, of which the kernel takes so many bytes before it waits for the reader."""

    connected = 1

    def __init__(self, room: int = 1_000_000) -> None:
        super().__init__(reactor=self)  # type: ignore[arg-type]
        self.room, self.sent, self.waiting = room, b"", []

    def writeSomeData(self, data):
        taken = bytes(data[: self.room - len(self.sent)])
        self.sent += taken
        return len(taken)

    def addWriter(self, writer):
        self.waiting = [writer]

    def removeWriter(self, writer):
        self.waiting = []


def test_what_is_written_is_sent_at_once_and_what_has_no_room_later():
    line = Line(room=5)
    with sending_at_once(SimpleNamespace(transport=line)):
        line.write(b"one")
    assert (line.sent, line.waiting) == (b"one", [])
    with sending_at_once(SimpleNamespace(transport=line)):
        line.write(b"two")
    assert (line.sent, line.waiting) == (b"onetw", [line])
    line.room = 100
    line.doWrite()
    line.write(b"three")
    assert (line.sent, line.waiting) == (b"onetwo", [line])


def test_a_connection_that_is_closed_or_lost_within_is_left_to_twisted():
    line = Line()
    with sending_at_once(SimpleNamespace(transport=line)):
        line.write(b"one")
        line.stopReading = lambda: None
        line.loseConnection()
    assert (line.sent, line.waiting) == (b"one", [line])
    assert line.doWrite() is not None  # which has the reactor close it
    lost = Line()
    lost.writeSomeData = lambda data: CONNECTION_LOST
    with sending_at_once(SimpleNamespace(transport=lost)):
        lost.write(b"one")
    assert lost.waiting == [lost]


def test_an_answer_may_be_refused_within_the_one_before_it():
    """As when a client sends its requests without waiting, and an end has Twisted read the next."""
    line = Line()
    with sending_at_once(SimpleNamespace(transport=line)):
        line.write(b"one")
        with sending_at_once(SimpleNamespace(transport=line)):
            line.write(b"two")
        line.write(b"three")
    assert line.sent == b"onetwothree"
    line.write(b"four")
    assert line.waiting == [line]


def test_a_frame_of_a_socket_is_sent_at_once(monkeypatch):
    line, socket = Line(), Socket.__new__(Socket)
    socket.transport, socket.state = line, Socket.STATE_OPEN
    monkeypatch.setattr(
        WebSocketProtocol, "handle_reply", lambda self, message: self.transport.write(b"frame")
    )
    socket.handle_reply({"type": "websocket.send", "text": "word"})
    assert (line.sent, line.waiting) == (b"frame", [])


class Talking:
    """A request whose answer has begun."""

    def __init__(self, line: Line, *, chunked: bool = True) -> None:
        self.channel, self.chunked = SimpleNamespace(transport=line), chunked
        self.finished, self.sentLength = 0, 0
        self.by_daphne: list[bytes] = []

    def handle_reply(self, message):
        assert message["more_body"]
        self.by_daphne.append(message["body"])


def test_a_piece_is_sent_by_the_shortest_way_and_what_has_no_room_waits():
    line = Line(room=8)
    line.connected = 1
    request = Talking(line)
    send_piece(request, b"one")
    assert (line.sent, line.waiting) == (b"3\r\none\r\n", [])
    send_piece(request, b"0123456789abcdef")
    assert line.waiting == [line]
    send_piece(request, b"after")  # behind what waits
    assert request.by_daphne == [b"after"]
    line.room = 100
    line.doWrite()
    assert line.sent == b"3\r\none\r\n10\r\n0123456789abcdef\r\n"
    assert request.sentLength == 19


def test_a_piece_goes_by_daphne_where_the_shortest_way_is_none():
    gone, closing = Line(), Line()
    gone.connected, closing.connected, closing.disconnecting = 0, 1, True
    unframed = Line()
    unframed.connected = 1
    for request in (Talking(gone), Talking(closing), Talking(unframed, chunked=False)):
        send_piece(request, b"one")
        assert request.by_daphne == [b"one"]
        assert request.channel.transport.sent == b""


def test_a_connection_that_is_lost_at_a_piece_is_left_to_twisted():
    line = Line()
    line.connected = 1
    line.writeSomeData = lambda data: CONNECTION_LOST
    send_piece(Talking(line), b"one")
    assert line.waiting == [line]
    assert line.doWrite() is CONNECTION_LOST


@pytest.fixture
def daphne(tmp_path: Path):
    """Daphne with an application that has 128 MiB to say; yields its port and where it notes how far it is."""
    port, progress = find_port(), tmp_path / "progress"
    application = "tests.fakes.long_answer:application"
    command = [sys.executable, "-m", "daphne", "-p", str(port), "--verbosity", "0", application]
    server = subprocess.Popen(
        command, cwd=CHECKOUT, env={**os.environ, "PROGRESS_FILE": str(progress)}
    )
    yield port, progress
    server.terminate()
    server.wait(60)


def connect(port: int) -> socket.socket:
    deadline = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def wait_until_still(progress: Path) -> int:
    """Return how many pieces were sent once no more are."""
    sent, before = 0, -1
    while sent == 0 or sent != before:
        before = sent
        time.sleep(0.5)
        sent = int(progress.read_text() or 0) if progress.exists() else 0
    return sent


def test_under_daphne_a_reader_who_stops_stops_the_writer_and_gets_it_all_in_the_end(daphne):
    port, progress = daphne
    with connect(port) as reader:
        reader.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert wait_until_still(progress) < PIECES / 4  # what the sockets' own buffers hold
        received = 0
        while data := reader.recv(2**20):
            received += len(data)
    assert received >= PIECE * PIECES
    assert int(progress.read_text()) == PIECES
