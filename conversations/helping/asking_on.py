"""Finds what may be asked next below a good answer, while the answer is still being written.

What was found beside it is asked about first, then what the bot is for. As below a refusal a question is offered only
after it was tried, and never twice in a chat; here also none whose answer was just said. The reader has the answer by
then: what is not known soon after its last word is not offered.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError

from bots.models import Outcome
from conversations.helping.helping import choose_near, find_answer, list_asked_before
from conversations.helping.nearby import MOST_SHOWN, leave_out_asked, list_asked, list_topics
from conversations.helping.offers import Help, shorten
from conversations.turns.state import Answer, OpenTurn
from minirag.lib.errors import ProductError
from minirag.lib.text.analysis import analyse

logger = structlog.get_logger(__name__)

MOST_TRIED: Final = 4
PATIENCE: Final = 0.2
"""As a share of HELP_TIMEOUT_SECONDS: what an answer that is complete waits at the most."""
_SAID: Final = 0.6
_MARK: Final = re.compile(r"\[\d+\]")


class AskingOn:
    """The search for what may be asked next, beside one turn; `leave` it in any case."""

    def __init__(self, turn: OpenTurn, answer: Answer, *, is_wanted: bool) -> None:
        self._turn, self._answer = turn, answer
        self._is_wanted = is_wanted and turn.bot.follow_up_questions and turn.tooling is None
        self._found: list[tuple[str, str]] = []
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look for them from now on, since it is known what the answer is made from."""
        if self._is_wanted and self._task is None:
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
                for question in await self._list_candidates():
                    if (said := await find_answer(self._turn, question)) is not None:
                        self._found.append((question, said))
        except TimeoutError:
            pass
        except (ProductError, DatabaseError):  # the answer stands without them
            logger.exception("no further questions were found", bot=str(self._turn.bot.pk))

    async def _list_candidates(self) -> list[str]:
        near, understood = choose_near(self._answer), self._answer.understood
        language = understood.language if understood else ""
        candidates = (
            *list_asked(near, language),
            *self._turn.bot.starter_questions,
            *list_topics(near),
        )
        pages = {shorten(each.title) for each in near}  # a page's name alone asks nothing
        new = leave_out_asked(candidates, await list_asked_before(self._turn))
        return [each for each in new if each not in pages][:MOST_TRIED]


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
