"""Daphne, as we need it: a long body goes to the application while it arrives, and every refusal says why.

Daphne starts an application when a request is complete, and Twisted has read forms into memory by then, on the event
loop: 60 MiB of multipart from anybody stopped everything for seconds. Here forms are never parsed by the server. A body
that is long, or of unknown length, starts the application at its head and follows piece by piece, each once the
application asks for it (see `IncomingBody` in `minirag.serving.bodies`): until it has looked at the head, nothing of a
stranger's body is read. A request has to keep a `Pace`. An answer that comes before the body's end closes
the connection once the client had time to read it. What Twisted and Daphne refuse themselves (broken or oversized
headers) has our body and a request id instead of none.

`install` is called where the application is imported, so it holds for every way in which Daphne is started.
"""

from __future__ import annotations

import json
import socket
from http import HTTPStatus
from io import BytesIO
from typing import Any

import daphne.server
from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.web.http import RESPONSES

from minirag.lib.errors import ProductError
from minirag.lib.http_in.error_bodies import error_body
from minirag.lib.http_in.request_ids import choose_request_id
from minirag.lib.starting.readiness import is_leaving
from minirag.serving.backpressure import sending_at_once
from minirag.serving.bodies import BodyTooSlow
from minirag.serving.pace import Pace
from minirag.serving.shared_port import KnownChannel, take_one_at_a_time
from minirag.serving.sockets import SocketFactory

AT_ONCE_BYTES = 64 * 1024  # a body of this size is kept in memory and comes in one piece
LINGER_SECONDS = 10.0
UNREAD_SECONDS = 120.0
_SERVERS_OWN = (b"daphne-root-path",)  # it would choose our path, and a proxy has no use for it


class HeadersTooLarge(ProductError):
    """More than Twisted reads before it knows what is asked."""

    status, code = 431, "headers_too_large"

    def __init__(self) -> None:
        super().__init__("The request's headers are too large.")


class Channel(KnownChannel):
    """A connection that explains its refusals and does not take them away again by closing too early."""

    _lingering: Any = None
    _incoming: StreamedRequest | None = None
    _pace: Pace | None = None
    _is_held = False

    def connectionMade(self) -> None:
        super().connectionMade()
        _drop_who_never_reads(self.transport)

    def expect_body(self, request: StreamedRequest | None) -> None:
        """Note whose body is coming now; None once it is complete."""
        self._incoming = request

    def hold(self) -> None:
        """Read nothing more from the client until `release`."""
        self._is_held = True
        self._networkProducer.pauseProducing()
        if self._pace is not None:
            self._pace.rest()

    def release(self) -> None:
        if self._is_held:
            self._is_held = False
            self.resetTimeout()
            self._networkProducer.resumeProducing()
            if self._pace is not None:
                self._pace.wait()

    def resumeProducing(self) -> None:
        """Twisted's, when what we wrote has gone."""
        super().resumeProducing()
        if self._is_held:
            self._networkProducer.pauseProducing()

    def _begin_pace(self) -> None:
        if self._pace is None:
            self._pace = Pace(self.factory.reactor, lambda: self._refuse(408))
            self._pace.wait()

    def _end_pace(self) -> None:
        if self._pace is not None:
            self._pace.rest()
            self._pace = None

    def allHeadersReceived(self) -> None:
        self._begin_pace()  # also of a request that was sent before the last one was answered
        self.requests[-1].read_line(self._command, self._path, self._version)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        self._end_pace()
        super().allContentReceived()

    def lineLengthExceeded(self, line: bytes) -> None:
        self._refuse(431)

    def _respondToBadRequestAndDisconnect(self) -> None:
        too_large = (
            self._receivedHeaderSize > self.totalHeadersSize
            or self._receivedHeaderCount > self.maxHeaders
        )
        self._refuse(431 if too_large else 400)

    def _refuse(self, status: int) -> None:
        if self._lingering is not None:
            return
        headers = self.requests[-1].requestHeaders if self.requests else None
        sent = (headers.getRawHeaders(b"x-request-id") or [b""])[0] if headers else b""
        request_id, body = write_refusal(status, sent)
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Type: application/json",
            f"Content-Length: {len(body)}", f"X-Request-ID: {request_id}", "Connection: close", "", "",
        ]  # fmt: skip
        if self._incoming is None or not self._incoming.startedWriting:
            self.transport.write("\r\n".join(lines).encode("ascii") + body)
        if self._incoming is not None:
            self._incoming.break_off()
        self.linger()

    def timeoutConnection(self) -> None:
        """Twisted's, when nothing came for a minute."""
        if self._is_held:
            self.setTimeout(self.timeOut)
        elif self._incoming is not None:
            self._refuse(408)
        else:
            super().timeoutConnection()

    def linger(self) -> None:
        """Say that nothing more comes from us, and drop what the client still sends, for some seconds.

        Closing at once would have the kernel reset the connection, and the client might never see the answer.
        """
        if self._lingering is not None:
            return
        self.persistent = self._is_held = False
        self._end_pace()
        self.setTimeout(None)
        self._networkProducer.unregisterProducer()
        self._networkProducer.resumeProducing()
        self.transport.loseWriteConnection()
        self._lingering = self.callLater(LINGER_SECONDS, self._cut_off)

    def _cut_off(self) -> None:
        self._lingering = None
        self.transport.abortConnection()

    def loseConnection(self) -> None:
        if self._incoming is not None:
            self.linger()
        elif self._lingering is None:
            super().loseConnection()

    def dataReceived(self, data: bytes) -> None:
        if self._lingering is None:
            if not self._handlingRequest:
                self._begin_pace()
            if self._pace is not None:
                self._pace.count(len(data))
            super().dataReceived(data)
            if self._incoming is not None and self._lingering is None:
                self._incoming.hand_on()

    def lineReceived(self, line: bytes) -> None:
        if self._lingering is None:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        if self._lingering is None:
            super().rawDataReceived(data)

    def connectionLost(self, reason: Any) -> None:
        self._end_pace()
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        super().connectionLost(reason)


def _drop_who_never_reads(transport: Any) -> None:
    """Have the kernel drop a client who takes nothing of what waits for him, sockets' clients too.

    No timeout of Twisted's does while an answer is on its way, and each such answer is kept in memory.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux has it
    handle = transport.getHandle() if hasattr(transport, "getHandle") else None
    if option is not None and getattr(handle, "family", None) in (socket.AF_INET, socket.AF_INET6):
        handle.setsockopt(socket.IPPROTO_TCP, option, int(UNREAD_SECONDS * 1000))


class _TakenElsewhere(BytesIO):
    """The content of a request whose body goes to the application by itself: Daphne sends none of a closed one."""

    closed = True


class StreamedRequest(WebRequest):
    """Daphne's request, which starts its application at the head of a long body."""

    _is_streamed = False
    _is_complete = False
    _wants_continue = False
    _waiting_bytes = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)
        self._arrived: list[bytes] = []

    def read_line(self, method: bytes, uri: bytes, version: bytes) -> None:
        """Know the request's first line before its body has come."""
        self.method, self.uri, self.clientproto = method, uri, version
        self.path = uri.partition(b"?")[0]
        self.args: dict[bytes, list[bytes]] = {}

    def gotLength(self, length: int | None) -> None:
        for name in _SERVERS_OWN:
            self.requestHeaders.removeHeader(name)
        if length is not None and length <= AT_ONCE_BYTES:
            super().gotLength(length)
            return
        self.content = _TakenElsewhere()
        self._is_streamed = True
        self.requestHeaders.removeHeader(b"upgrade")  # a handshake has no body
        expect = self.requestHeaders.getRawHeaders(b"expect") or [b""]
        self._wants_continue = expect[0].lower() == b"100-continue"
        self.requestHeaders.removeHeader(b"expect")  # Twisted would say "continue" at once
        self.channel.expect_body(self)
        self.channel.hold()
        self.process()

    def process(self) -> Any:
        processed = super().process()
        if self.transport is None and self.channel is not None:  # Daphne gave it to a WebSocket
            self.channel.become_socket()
        return processed

    def body_is_wanted(self) -> None:
        """The application is about to wait for a piece."""
        if self.channel is None:
            return
        if self._wants_continue and not self.startedWriting:
            self._wants_continue = False
            self.channel._send100Continue()
        if not self._waiting_bytes:
            self.channel.release()

    def piece_was_taken(self, size: int) -> None:
        """The application has got a piece. More is read when it asks for more."""
        self._waiting_bytes -= size

    def handleContentChunk(self, data: bytes) -> None:
        take = self._arrived.append if self._is_streamed else super().handleContentChunk
        take(data)

    def hand_on(self) -> None:
        """Give the application what one read of the socket brought, however many pieces it was in."""
        if not self._arrived:
            return
        data = b"".join(self._arrived)
        self._arrived.clear()
        if self.application_queue is None or self.finished or self.channel is None:
            return
        self.application_queue.put_nowait({"type": "http.request", "body": data, "more_body": True})
        self._waiting_bytes += len(data)
        if not self._is_complete:
            self.channel.hold()

    def break_off(self) -> None:
        """The rest of the body will never come."""
        if self.application_queue is not None:
            self.send_disconnect()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self._is_streamed:
            super().requestReceived(command, path, version)
            return
        self._is_complete = True
        self.channel.release()  # who goes away while we answer is seen by reading only
        self.hand_on()
        self.channel.expect_body(None)
        if self.application_queue is not None:
            self.application_queue.put_nowait(
                {"type": "http.request", "body": b"", "more_body": False}
            )

    def handle_reply(self, message: dict[str, Any]) -> None:
        is_last = is_leaving() or (self._is_streamed and not self._is_complete)
        if is_last and message["type"] == "http.response.start":
            self.responseHeaders.setRawHeaders(b"connection", [b"close"])
            if self.channel is not None:
                self.channel.persistent = False
        with sending_at_once(self.channel):
            super().handle_reply(message)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Daphne's own refusals, in our words."""
        sent = (self.requestHeaders.getRawHeaders(b"x-request-id") or [b""])[0]
        request_id, payload = write_refusal(status, sent)
        headers = [
            (b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode()),
            (b"x-request-id", request_id.encode()),
        ]  # fmt: skip
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": payload})


class Factory(HTTPFactory):
    """Makes our connections and requests instead of Daphne's."""

    protocol = Channel

    def buildProtocol(self, addr: Any) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = StreamedRequest
        return protocol


_REFUSALS = {408: BodyTooSlow, 431: HeadersTooLarge}


def write_refusal(status: int, sent_id: bytes) -> tuple[str, bytes]:
    """Return the request id and the body of a refusal that no application had a say in."""
    error = _REFUSALS[status]() if status in _REFUSALS else ProductError(HTTPStatus(status).phrase)
    if status == 400:
        error.code = "bad_request"
    request_id = choose_request_id(sent_id.decode("latin-1"))
    return request_id, json.dumps(error_body(error, request_id)).encode()


def install() -> None:
    """Have Daphne, which has no setting for it, make our connections."""
    take_one_at_a_time()
    daphne.server.HTTPFactory = Factory
    daphne.server.WebSocketFactory = SocketFactory
    # Of 422, 429 and some others Twisted says "Unknown Status".
    RESPONSES.update({each.value: each.phrase.encode("ascii") for each in HTTPStatus})
