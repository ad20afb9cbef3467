"""A turn of this process as a feed: its events reach the reader in the step of the turn that tells them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from conversations.following.running import TurnRun
from conversations.turns.events import SourcesFound, TurnEvent, require_no_end
from minirag.lib.errors import ProductError
from minirag.lib.sse import wait_for_more

Write = Callable[[int, TurnEvent], bytes]
"""How an event of this number goes over the wire; b"" where nothing of it does. It needs no tenant to be bound."""


class TurnFeed:
    """What `write` makes of the events behind number `after`; its reader comes with `begin`, or the first `take`."""

    def __init__(self, turn: TurnRun, write: Write, after: int = 0) -> None:
        self._turn, self._write, self._after = turn, write, after
        self._is_here = self._has_left = False

    async def begin(self) -> None:
        """Return once its first words are there to be taken, or its end. Raises what it fails with before."""
        with ExitStack() as leaving:
            leaving.callback(self.close)
            self._come()
            seen = self._after
            while True:
                for event in self._turn.events[seen:]:
                    require_no_end(event)
                    if not isinstance(event, SourcesFound):
                        leaving.pop_all()
                        return
                    seen += 1
                if self._turn.is_over:
                    raise ProductError("The turn ended without an answer.")
                await wait_for_more(self._turn)

    def take(self) -> bytes | None:
        self._come()
        news = self._turn.events[self._after :]
        first = self._after + 1
        self._after += len(news)
        block = b"".join([self._write(at, event) for at, event in enumerate(news, start=first)])
        return None if not block and self._turn.is_over else block

    def when_more(self, call: Callable[[], None]) -> None:
        self._turn.when_more(call)

    def close(self) -> None:
        if self._is_here and not self._has_left:
            self._has_left = True
            self._turn.leave()

    def _come(self) -> None:
        if not self._is_here:
            self._is_here = True
            self._turn.come()
