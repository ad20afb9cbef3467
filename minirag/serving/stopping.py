"""How a web process ends without cutting anybody off.

Told to leave (SIGHUP), it ends when whoever it serves has been served: see `shared_port`. What takes longer than any
turn is then stopped as below.

Asked to stop (SIGTERM, or Ctrl-C), it says at `/health` that it takes no more work, refuses new turns with 503, closes
idle sockets so that widgets connect elsewhere, and lets running turns and requests end. What still runs when
SHUTDOWN_GRACE_SECONDS are nearly over is stopped, and stored with what was said. Then the server ends. A second Ctrl-C
ends it at once; a second SIGTERM changes nothing, since supervisors may send several.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import structlog
from django.conf import settings

from conversations.following.lasting import longest_turn_seconds
from conversations.following.running import running_turns
from minirag.lib.open_sockets import count_sockets, send_sockets_away
from minirag.lib.starting.readiness import SERVING, announce, begin_to_leave, stop_taking_work
from minirag.serving.shared_port import (
    close_idle_connections,
    count_connections,
    stop_accepting,
)

logger = structlog.get_logger(__name__)

SETTLE_SECONDS = 5.0  # of the grace: to store what has to be stopped, and to say so
GOODBYE_SECONDS = 1.0  # to send the last words, and for sockets to close from both sides
_LOOK_SECONDS = 0.05


class OpenRequests:
    """The HTTP application, and how many requests it is answering, streams among them."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.count = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.count += 1
        try:
            await self._application(scope, receive, send)
        finally:
            self.count -= 1


async def serve_to_the_end(requests: OpenRequests) -> None:
    """Take no new connections; return when whoever has one was served, and every turn has ended."""
    turns = running_turns()
    begin_to_leave()
    stop_accepting()
    logger.info("leaving", turns=len(turns), requests=requests.count, sockets=count_sockets())
    close_idle_connections()
    send_sockets_away()
    await _wait_until(
        lambda: not (len(turns) or requests.count or count_sockets() or count_connections()),
        time.monotonic() + longest_turn_seconds(),
    )


async def end_work(requests: OpenRequests, grace_seconds: float) -> None:
    """Take no new work; return when what runs has ended, or was stopped and stored, within the grace."""
    turns, ends_at = running_turns(), time.monotonic() + grace_seconds
    stop_taking_work()
    logger.info("stopping", turns=len(turns), requests=requests.count, sockets=count_sockets())
    send_sockets_away()
    settle = min(SETTLE_SECONDS, grace_seconds / 2)
    await _wait_until(lambda: not len(turns) and not requests.count, ends_at - settle)
    stopped = len(turns)
    await asyncio.wait(
        {asyncio.ensure_future(turns.end_all())}, timeout=max(0.0, ends_at - time.monotonic())
    )
    goodbye = min(ends_at, time.monotonic() + GOODBYE_SECONDS)
    await _wait_until(lambda: not requests.count and not count_sockets(), goodbye)
    logger.info("stopped", turns_stopped=stopped, requests_cut_off=requests.count)


async def _wait_until(is_done: Callable[[], bool], latest: float) -> None:
    while not is_done() and time.monotonic() < latest:  # noqa: ASYNC110 - three things, none of which notifies
        await asyncio.sleep(_LOOK_SECONDS)


def stop_gracefully(requests: OpenRequests) -> None:
    """Under Daphne, which answers a signal by cutting everything off, have `end_work` come first.

    Under another server this does nothing.
    """
    if "daphne.server" not in sys.modules:
        return
    import twisted.internet.reactor

    reactor: Any = (
        twisted.internet.reactor
    )  # what its interface promises is typed, and what it is called is not
    ending: list[asyncio.Task[None]] = []
    leaving: list[asyncio.Task[None]] = []

    async def leave() -> None:
        await serve_to_the_end(requests)
        begin(signal.SIGTERM)

    async def end() -> None:
        try:
            await end_work(requests, settings.SHUTDOWN_GRACE_SECONDS)
        finally:
            stop_server()

    def stop_server() -> None:
        if reactor.running:
            reactor.stop()

    def begin(number: int) -> None:
        if number == signal.SIGHUP:
            if not leaving:
                leaving.append(asyncio.ensure_future(leave()))
        elif not ending:
            ending.append(asyncio.ensure_future(end()))
        elif number == signal.SIGINT:
            stop_server()

    def answer_signal(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(begin, number)

    def take_signals() -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, answer_signal)
        announce(SERVING)

    # Once the server runs, which then has taken them itself; before that a signal simply ends the process.
    reactor.callWhenRunning(take_signals)
