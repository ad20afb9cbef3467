"""Asks back where a question is vague: one sentence with its readings as choices, instead of a guess or a refusal.

Only what stands alone is asked back, never twice in a row, and each reading only if choosing it has an answer. All are
tried within HELP_TIMEOUT_SECONDS; with too few by then the turn goes on as though the question were clear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from django.conf import settings

from bots.models import Outcome
from conversations.helping.helping import try_each
from conversations.helping.offers import Help
from conversations.helping.readings import find_readings
from conversations.turns.state import Answer, OpenTurn, TurnKind, Understood
from conversations.understanding.choosing import find_asked_back, join_choice, write_choices
from knowledge.retrieval.retrieving import Retrieval

FEWEST: Final = 2


async def ask_back(
    turn: OpenTurn, answer: Answer, understood: Understood, retrieval: Retrieval
) -> str:
    """What to ask back, "" where there is nothing to ask; fills in `answer` where there is."""
    stands_alone = understood.kind is TurnKind.QUESTION and not understood.query.carried
    # Without a history the choice would not be understood.
    if not turn.bot.asks_back or not turn.bot.history_turns or not stands_alone:
        return ""
    question = understood.query.text
    readings = find_readings(question, retrieval)
    if not readings or find_asked_back(turn.history):
        return ""
    choices: list[str] = []
    try:
        async with asyncio.timeout(settings.HELP_TIMEOUT_SECONDS):
            await _try_each(turn, question, readings, choices)
    except TimeoutError:  # what is not known in time is not offered
        pass
    if len(choices) < FEWEST:
        return ""
    answer.help = Help(understood.language, choices=tuple(choices))
    answer.content, answer.outcome = write_choices(understood.language, choices), Outcome.ANSWERED
    answer.model = turn.bot.model
    return answer.content


async def _try_each(
    turn: OpenTurn, question: str, readings: Sequence[str], choices: list[str]
) -> None:
    """Fill `choices` with the readings that have an answer."""
    joined = {join_choice(question, each): each for each in readings}
    async with aclosing(try_each(turn, list(joined))) as tried:
        async for asked, _ in tried:
            choices.append(joined[asked])
