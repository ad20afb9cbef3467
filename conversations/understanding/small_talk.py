"""Answers what asks nothing of the sources: a greeting, thanks, "who are you?", a wish for a person, an emoji, noise.

Nothing is searched and nothing cited. What is said are our own phrases in the visitor's language, with what the bot can
be asked: its starter questions, or what its sources are called.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from bots.models import BotProfile, Outcome
from conversations.turns.state import Answer, OpenTurn, Understood
from knowledge.retrieval.tongues import list_titles
from minirag.lib.text.language_table import comma_in
from minirag.lib.text.phrases import phrases_in
from minirag.lib.text.small_talk import Kind
from tenants.context import run_sync

OFFERS: Final = 3
_WITH_OFFERS: Final = (Kind.GREETING, Kind.IDENTITY, Kind.ABILITY, Kind.PERSON, Kind.EMOJI, Kind.NOISE)  # fmt: skip


async def talk(turn: OpenTurn, answer: Answer, understood: Understood) -> AsyncGenerator[str, None]:
    """Say what there is to say; fills in `answer` on the way."""
    assert understood.small_talk is not None  # noqa: S101 - for the type checker
    kind, language = understood.small_talk, understood.language
    titles: list[str] = []
    if kind in _WITH_OFFERS and not turn.bot.starter_questions:
        titles = await run_sync(list_titles, turn.bot.pk, language, OFFERS)
    answer.content = write_small_talk(kind, language, turn.bot, titles)
    answer.model, answer.outcome = turn.bot.model, Outcome.ANSWERED
    yield answer.content


def write_small_talk(kind: Kind, language: str, bot: BotProfile, titles: Sequence[str]) -> str:
    """What a bot says to small talk of this kind; `titles` are what its sources are called."""
    phrases = phrases_in(language)
    said = {
        Kind.GREETING: phrases.greeting,
        Kind.THANKS: phrases.thanks,
        Kind.GOODBYE: phrases.goodbye,
        Kind.IDENTITY: f"{phrases.my_name.format(bot.name)} {phrases.who_i_am}",
        Kind.ABILITY: phrases.what_i_do,
        Kind.PERSON: phrases.no_person,
        Kind.INSULT: phrases.insult,
        Kind.EMOJI: phrases.emoji,
        Kind.NOISE: phrases.noise,
    }[kind]
    parts = [said, write_offers(language, bot.starter_questions, titles)]
    return "\n\n".join(part for part in parts if part) if kind in _WITH_OFFERS else said


def write_offers(language: str, questions: Sequence[str], titles: Sequence[str]) -> str:
    """What a bot can be asked: questions that its owner has chosen, or else topics; "" where there are neither."""
    phrases = phrases_in(language)
    if questions:
        return "\n".join([phrases.try_asking, *(f"- {each}" for each in questions[:OFFERS])])
    return phrases.topics.format(comma_in(language).join(titles[:OFFERS])) if titles else ""
