"""Finds what may be asked next below a good answer, while the answer is still being written.

What was found beside it is asked about first, then what the bot is for. As below a refusal a question is offered only
after it was tried, and never twice in a chat; here also none whose answer was just said. The reader has the answer by
then: what is not known soon after its last word is not offered.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing
from typing import Final
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings
from django.db import DatabaseError

from bots.models import Outcome
from conversations.helping.helping import choose_near, list_asked_before, try_each
from conversations.helping.nearby import MOST_SHOWN, leave_out_asked, list_asked, list_topics
from conversations.helping.offers import Help, shorten
from conversations.turns.events import Delta, SourcesFound, TurnEvent
from conversations.turns.state import Answer, OpenTurn
from minirag.ai.builtin.local import is_local
from minirag.lib.database import AT_LEISURE, waiting
from minirag.lib.errors import ProductError
from minirag.lib.text.analysis import analyse

logger = structlog.get_logger(__name__)

MOST_TRIED: Final = 4
PATIENCE: Final = 0.2
"""As a share of HELP_TIMEOUT_SECONDS: what an answer that is complete waits at the most."""
_SAID: Final = 0.6
_MARK: Final = re.compile(r"\[\d+\]")
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class AskingOn:
    """The search for what may be asked next, beside one turn; `leave` it in any case."""

    def __init__(self, turn: OpenTurn, answer: Answer, *, is_wanted: bool) -> None:
        self._turn, self._answer = turn, answer
        self._is_wanted = is_wanted and turn.bot.follow_up_questions and turn.tooling is None
        self._is_offline = is_local(turn.bot.model)
        self._found: list[tuple[str, str]] = []
        self._task: asyncio.Task[None] | None = None

    def see(self, event: TurnEvent) -> None:
        """Look for them from the answer's first word on, if it is made from anything: until then the model has all that
        there is of this machine. The offline answerer says everything at once, and then the reader waits for them.
        """
        if isinstance(event, SourcesFound):
            self._is_wanted = self._is_wanted and bool(event.passages)
        is_time = isinstance(event, Delta | SourcesFound if self._is_offline else Delta)
        if is_time and self._is_wanted and self._task is None:
            with waiting(AT_LEISURE):
                self._task = asyncio.create_task(self._look())

    async def find(self) -> Help | None:
        """What may be asked after the complete answer; None where there is nothing, or where it is none."""
        answer = self._answer
        is_good = answer.outcome == Outcome.ANSWERED and answer.citations and not answer.cut_reason
        if self._task is None or not is_good or answer.understood is None:
            return None
        await asyncio.wait({self._task}, timeout=PATIENCE * settings.HELP_TIMEOUT_SECONDS)
        language = answer.understood.language
        questions = leave_out_said(self._found, answer.content, language)[:MOST_SHOWN]
        return Help(language, next_questions=tuple(questions)) if questions else None

    def leave(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(settings.HELP_TIMEOUT_SECONDS):
                candidates = await self._list_candidates()
                async with aclosing(try_each(self._turn, candidates, _gate())) as tried:
                    async for question, said in tried:
                        self._found.append((question, said))
        except TimeoutError:
            pass
        except (ProductError, DatabaseError):  # the answer stands without them
            logger.exception("no further questions were found", bot=str(self._turn.bot.pk))

    async def _list_candidates(self) -> list[str]:
        near, understood = await choose_near(self._answer), self._answer.understood
        language = understood.language if understood else ""
        candidates = (
            *list_asked(near, language),
            *self._turn.bot.starter_questions,
            *list_topics(near),
        )
        pages = {shorten(each.title) for each in near}  # a page's name alone asks nothing
        new = leave_out_asked(candidates, await list_asked_before(self._turn))
        return [each for each in new if each not in pages][:MOST_TRIED]


def _gate() -> asyncio.Semaphore:
    """One is tried at a time: others wait for their first word meanwhile, and may be offered the same question."""
    return _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(1))


def leave_out_said(found: list[tuple[str, str]], answer: str, language: str) -> list[str]:
    """Of questions with their answers those that were not answered in `answer`, nor by another one before. Pure."""
    said = [set(analyse(_MARK.sub("", answer), language))]
    chosen = []
    for question, text in found:
        terms = set(analyse(_MARK.sub("", text), language))
        if all(len(terms & each) < _SAID * len(terms) for each in said):
            said.append(terms)
            chosen.append(question)
    return chosen
