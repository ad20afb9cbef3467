"""Daphne's WebSocket, with bounds on what waits in memory.

A WebSocket has no pacing: what its application has not taken and what its client has not read both wait here. The
connection is dropped where that grows beyond what an honest client causes; of somebody to whom the application has said
nothing yet, who may be anybody, beyond what the frame that authenticates is long.
"""

from __future__ import annotations

from typing import Any

import structlog
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from minirag.serving.backpressure import sending_at_once

logger = structlog.get_logger(__name__)

_MESSAGE_BYTES = 256 * 1024
_WAITING_MESSAGES, _WAITING_BYTES = 64, 2**20  # until the application has taken them
_FIRST_MESSAGE_BYTES, _FIRST_MESSAGES = 16 * 1024, 8  # until it has answered one
_UNREAD_BYTES = 2**20  # written since the client stopped to keep up


class Socket(WebSocketProtocol):
    """Daphne's WebSocket, which drops a client that sends without end or does not read.

    It registers itself as Twisted's producer (see `backpressure`), in place of the HTTP connection it was.
    """

    _is_full = False
    _unread_bytes = 0
    _waiting_bytes = 0
    _is_answered = False

    def connectionMade(self) -> None:
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        super().connectionMade()

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        most = _MESSAGE_BYTES if self._is_answered else _FIRST_MESSAGE_BYTES
        if self.message_data_total_length > most:
            self._drop("message too large")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        super().onMessage(payload, isBinary)
        waiting = self.application_queue.qsize()
        self._waiting_bytes = len(payload) + (self._waiting_bytes if waiting > 1 else 0)
        most = _WAITING_MESSAGES if self._is_answered else _FIRST_MESSAGES
        if waiting > most or self._waiting_bytes > _WAITING_BYTES:
            self._drop("too many messages")

    def sendData(self, data: bytes, *args: Any, **kwargs: Any) -> None:
        """Everything that is written comes by here, answers to pings as well."""
        super().sendData(data, *args, **kwargs)
        self._unread_bytes += len(data) if self._is_full else 0
        if self._unread_bytes > _UNREAD_BYTES:
            self._drop("not read")

    def handle_reply(self, message: dict[str, Any]) -> None:
        self._is_answered = self._is_answered or message["type"] == "websocket.send"
        if self.state != self.STATE_CLOSED:  # dropped, and the application does not know yet
            with sending_at_once(self):
                super().handle_reply(message)

    def pauseProducing(self) -> None:
        """The buffer is full."""
        self._is_full = True

    def resumeProducing(self) -> None:
        """The buffer is empty."""
        self._is_full, self._unread_bytes = False, 0

    def stopProducing(self) -> None:
        """The connection is gone."""

    def _drop(self, reason: str) -> None:
        if self.state != self.STATE_CLOSED:
            logger.info("socket dropped", reason=reason)
            self.failedByMe, self.wasClean, self.wasNotCleanReason = True, False, reason
            self.dropConnection(abort=True)


class SocketFactory(WebSocketFactory):
    """Makes our WebSockets instead of Daphne's."""

    protocol = Socket
