"""The part of a widget's socket that an operator meets who tries a bot: nothing is stored or can be resumed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any
from uuid import UUID

import structlog
from django.utils.translation import gettext

from conversations.helping.offers import describe_help
from conversations.trying.schemas import TriedSchema
from conversations.trying.setups import find_setup
from conversations.trying.turns import Tried, try_turn
from conversations.turns.schemas import tell_event
from conversations.turns.taking import TurnEvent
from minirag.lib.errors import ProductError
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.nouns import Joined
from minirag.lib.open_sockets import SocketConsumer
from tenants.context import run_sync

_SPENT = ("prompt_tokens", "completion_tokens", "cost_usd")
_STOP_WITHIN_SECONDS = 5.0
TRIAL = "trial"  # the name of the task that reads one
TRIED_FRAMES = frozenset(("question", "stop", "reset"))  # there is no chat, and nobody to ask for
logger = structlog.get_logger(__name__)


class TryingSocket(SocketConsumer):
    """What was said in a trial is in the socket alone, and is gone with it."""

    language = ""
    reader: asyncio.Task[None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tried: list[tuple[str, str]] = []

    async def try_question(
        self, trial: str, bot_profile_id: UUID, request_id: str, question: str
    ) -> None:
        """Send the events of a question that is tried. Runs in the tenant of the session."""
        try:
            setup = await run_sync(find_setup, trial, bot_profile_id)
            told = try_turn(
                trial, setup, question, request_id=request_id, history=tuple(self.tried),
                languages=(self.language, *Arrival.of_scope(self.scope).languages), said=self.tried,
            )  # fmt: skip
            async with aclosing(told) as events:
                async for event in events:
                    name, data = _say(event, request_id)
                    await self.send_json({"type": name, "request_id": request_id, **data})
                    await asyncio.sleep(0)  # the server writes
        except ProductError as error:
            await self.send_error(error, request_id)
        except Exception:  # the edge of a task that nobody awaits
            logger.exception("trial failed")
            problem = ProductError(gettext("Something went wrong on our side."), retryable=True)
            await self.send_error(problem, request_id)

    async def forget_trial(self) -> bool:
        """End the question that is tried, which is charged for and forgotten; says whether there was one."""
        if self.reader is None or self.reader.done() or self.reader.get_name() != TRIAL:
            return False
        self.reader.cancel()
        await asyncio.wait({self.reader}, timeout=_STOP_WITHIN_SECONDS)
        return True

    async def send_error(self, error: ProductError, request_id: str) -> None:
        """As the socket says it."""


def _say(event: TurnEvent | Tried, request_id: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(event, Tried):
        return tell_event(event, request_id)
    spent = {name: getattr(event, name) for name in _SPENT}
    said = Joined(event.answer, help=describe_help(event.answer.help), **spent)
    return "tried", TriedSchema.model_validate(said).model_dump(mode="json")
