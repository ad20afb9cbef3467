"""Asks back where a question is vague: one sentence with its readings as choices, instead of a guess or a refusal.

Only what stands alone is asked back, never twice in a row, and each reading only if choosing it has an answer.
"""

from __future__ import annotations

from typing import Final

from bots.models import Outcome
from conversations.helping.helping import has_answer
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
    choices = [each for each in readings if await has_answer(turn, join_choice(question, each))]
    if len(choices) < FEWEST:
        return ""
    answer.help = Help(understood.language, choices=tuple(choices))
    answer.content, answer.outcome = write_choices(understood.language, choices), Outcome.ANSWERED
    answer.model = turn.bot.model
    return answer.content
