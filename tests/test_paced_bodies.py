"""What of a body is read before it is wanted, and how slowly one may come: our connections, with a clock by hand."""

from __future__ import annotations

import json
import socket
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from minirag.serving.daphne import Factory
from minirag.serving.pace import WINDOW_BYTES, WINDOW_SECONDS

KB = 1024


class Queue(deque):
    put_nowait = deque.append


class Line:
    """A client's connection to a Daphne whose application asks for nothing by itself."""

    def __init__(self) -> None:
        self.clock, self.transport, self.queue = Clock(), StringTransport(), Queue()
        self.transport.abortConnection = lambda: None
        self.transport.loseWriteConnection = lambda: None
        server = SimpleNamespace(
            protocol_connected=lambda it: None, protocol_disconnected=lambda it: None, log_action=lambda *it: None,
            create_application=self._start, proxy_forwarded_address_header=None, root_path="", server_name="",
            request_buffer_size=8192,
        )  # fmt: skip
        factory = Factory(server)
        factory.reactor = self.clock
        self.channel = factory.buildProtocol(None)
        self.request: Any = None
        self.channel.makeConnection(self.transport)

    def _start(self, request: Any, scope: dict[str, Any]) -> Queue:
        self.request = request
        return self.queue

    def send(self, data: bytes) -> None:
        self.channel.dataReceived(data)

    def send_head(self, length: int | None, *more: str) -> None:
        size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        self.send("\r\n".join(["POST /v1/x HTTP/1.1", "Host: x", size, *more, "", ""]).encode())

    def take(self) -> dict[str, Any]:
        """Receive one message, as `pace_receiving` does."""
        self.request.body_is_wanted()
        message = self.queue.popleft()
        self.request.piece_was_taken(len(message.get("body", b"")))
        return message

    def wait(self, seconds: float, data: bytes = b"", every: float = 1) -> None:
        """Let time pass, with `data` coming in every so many seconds."""
        for _ in range(int(seconds / every)):
            self.clock.advance(every)
            if data and not self.answer:
                self.send(data)

    @property
    def is_read(self) -> bool:
        return self.transport.producerState == "producing"

    @property
    def answer(self) -> bytes:
        return self.transport.value()

    @property
    def refusal(self) -> tuple[int, str]:
        head, _, body = self.answer.partition(b"\r\n\r\n")
        said = json.loads(body)
        assert {"detail", "code", "request_id", "retryable"} <= set(said)
        return int(head.split()[1]), said["code"]


@pytest.fixture
def line() -> Line:
    return Line()


# --- Before anybody wants it ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("length", [60 * KB * KB, None])
def test_nothing_of_a_long_body_is_read_before_the_application_asks_for_it(line, length):
    line.send_head(length)
    assert line.request is not None and not line.is_read
    line.request.body_is_wanted()
    assert line.is_read


def test_one_read_of_the_socket_waits_and_no_more(line):
    line.send_head(60 * KB * KB)
    line.request.body_is_wanted()
    line.send(b"x" * 64 * KB)
    assert not line.is_read
    assert len(line.take()["body"]) == 64 * KB and not line.is_read
    line.request.body_is_wanted()
    assert line.is_read


def test_who_hangs_up_is_noticed_once_the_body_is_there(line):
    """A reader of a stream leaves by closing, which only a connection that is read can tell."""
    line.send_head(70 * KB)
    for _ in range(2):
        line.request.body_is_wanted()
        line.send(b"x" * 35 * KB)
    assert line.is_read and not line.queue[-1]["more_body"]


def test_what_is_refused_is_read_on_so_that_its_sender_sees_why(line):
    line.send_head(60 * KB * KB)
    line.request.handle_reply({"type": "http.response.start", "status": 401, "headers": []})
    line.request.handle_reply({"type": "http.response.body", "body": b"no"})
    assert line.is_read and b" 401 " in line.answer


def test_a_body_that_breaks_is_read_on_as_well(line):
    line.send_head(None)
    line.request.body_is_wanted()
    line.send(b"5\r\nhello\r\nthis is no length\r\n")
    assert line.refusal == (400, "bad_request") and line.is_read
    assert line.queue[-1] == {"type": "http.disconnect"}


# --- How slowly -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("length", [200, 60 * KB, 60 * KB * KB])
@pytest.mark.parametrize("data", [b"", b"x"])
def test_a_body_that_trickles_is_given_up(line, length, data):
    line.send_head(length)
    if line.request is not None:
        line.request.body_is_wanted()
    for _ in range(int(WINDOW_SECONDS) + 1):
        line.wait(1, data)
        if line.request is not None and line.queue and not line.answer:
            line.take()
            line.request.body_is_wanted()
    assert line.refusal == (408, "request_timeout")
    if line.request is not None:
        assert line.queue[-1] == {"type": "http.disconnect"}


def test_a_chunked_body_that_trickles_is_given_up(line):
    line.send_head(None)
    for _ in range(int(WINDOW_SECONDS) + 1):
        if not line.answer:
            line.request.body_is_wanted()
            line.wait(1, b"1\r\nx\r\n")
            line.queue and line.take()
    assert line.refusal == (408, "request_timeout")


def test_a_slow_body_that_keeps_the_pace_arrives(line):
    line.send_head(60 * KB)
    piece = b"x" * (WINDOW_BYTES // int(WINDOW_SECONDS - 1) + 1)
    line.wait(60 * KB // len(piece), piece)
    assert not line.answer and line.request is None
    line.send(b"x" * (60 * KB % len(piece)))
    assert line.request is not None and len(line.queue.popleft()["body"]) > 0


def test_a_body_that_comes_in_bursts_arrives(line):
    line.send_head(60 * KB)
    line.wait(3 * WINDOW_SECONDS, b"x" * 20 * KB, every=WINDOW_SECONDS - 1)
    assert line.request is not None and not line.answer


def test_the_time_in_which_we_do_not_read_is_not_the_senders(line):
    """A database that is away, or a full disk, is not a reason to call a sender slow."""
    line.send_head(60 * KB * KB)
    line.wait(10 * WINDOW_SECONDS)
    assert not line.answer
    line.request.body_is_wanted()
    line.send(b"x")
    line.wait(10 * WINDOW_SECONDS)
    assert not line.answer


def test_an_answer_that_takes_its_time_is_not_the_senders_either(line):
    line.send_head(3)
    line.send(b"abc")
    line.wait(10 * WINDOW_SECONDS)
    assert not line.answer


def test_a_head_that_trickles_is_given_up(line):
    line.send(b"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n")
    line.wait(WINDOW_SECONDS + 1, b"X-Y: z\r\n", every=5)
    assert line.refusal == (408, "request_timeout")


def test_a_first_line_that_trickles_is_given_up(line):
    line.wait(WINDOW_SECONDS + 2, b"G")
    assert line.refusal == (408, "request_timeout")


def test_a_connection_that_is_kept_waits_for_its_next_request_without_a_pace(line):
    line.send_head(3)
    line.send(b"abc")
    line.request.handle_reply(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    line.request.handle_reply({"type": "http.response.body", "body": b""})
    before = line.answer
    line.wait(WINDOW_SECONDS + 5)
    assert line.answer == before
    line.send_head(3)
    line.wait(WINDOW_SECONDS + 1)
    assert b" 408 " in line.answer


# --- Who does not read ----------------------------------------------------------------------------------------------
def test_the_kernel_is_told_to_drop_a_client_who_takes_nothing(line):
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        taken, _ = server.accept()
        with taken:
            transport = StringTransport()
            transport.getHandle = lambda: taken
            line.channel.factory.buildProtocol(None).makeConnection(transport)
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
        assert client.recv(1) == b""
