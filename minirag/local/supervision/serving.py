"""The web processes alone, where PostgreSQL, Redis, worker and beat are run by others: in an image, or by systemd."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator

from django.conf import settings

from conversations.following.lasting import longest_turn_seconds
from minirag.local.embedded import StartError
from minirag.local.supervision.console import Console
from minirag.local.supervision.listening import open_listener
from minirag.local.supervision.orders import Orders, Stopping
from minirag.local.supervision.programs import Program
from minirag.local.supervision.web import (
    WEB_ENVIRONMENT,
    WEB_MARGIN_SECONDS,
    WebProcesses,
    count_web_processes,
    daphne_command,
)


class Server:
    """One run of them; `run()` returns the exit code. Their output goes where ours goes, as it is."""

    def __init__(self, host: str, port: int, wanted: str, console: Console | None = None) -> None:
        self._host, self._port, self._wanted = host, port, wanted
        self._console = console or Console(sys.stderr)
        self._webs: WebProcesses | None = None
        self._is_ready = False

    def run(self) -> int:
        """Serves until told to stop. 1: a sentence on the console says why it ended."""
        orders = Orders(Stopping(), self._hurry)
        try:
            count = count_web_processes(self._wanted)
            with open_listener(self._host, self._port) as listener:
                self._webs = WebProcesses(
                    lambda name: _make_web(name, listener.fileno(), self._console), count, self._console,
                    longest_turn_seconds(),
                )  # fmt: skip
                started = time.monotonic()
                self._webs.start()
                orders.watch(lambda: self._look_after(started), self._roll)
        except StartError as error:
            self._console.say(str(error))
            return 1
        finally:
            self._stop()
        return 0

    def _look_after(self, started: float) -> None:
        assert self._webs is not None  # noqa: S101 - for the type checker
        if not self._is_ready:
            self._webs.require_alive()
        self._webs.look_after()
        if not self._is_ready and self._webs.are_serving():
            self._is_ready = True
            seconds = time.monotonic() - started
            count = len(self._webs.programs)
            self._console.say(
                f"{count} of {count} web processes serve on port {self._port} after {seconds:.1f} s"
            )

    def _roll(self) -> Generator[None, None, None]:
        assert self._webs is not None  # noqa: S101 - for the type checker
        yield from self._webs.roll()

    def _hurry(self) -> None:
        for program in self._webs.programs if self._webs else []:
            program.hurry()

    def _stop(self) -> None:
        programs = self._webs.programs if self._webs else []
        for program in programs:
            program.begin_to_stop()
        for program in programs:
            program.stop()


def _make_web(name: str, descriptor: int, console: Console) -> Program:
    return Program(
        name=name,
        command=[sys.executable, *daphne_command(descriptor)],
        environment=WEB_ENVIRONMENT | os.environ,
        console=console,
        log_path=None,
        grace_seconds=settings.SHUTDOWN_GRACE_SECONDS + WEB_MARGIN_SECONDS,
        inherited_files=(descriptor,),
    )
