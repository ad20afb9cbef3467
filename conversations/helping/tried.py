"""Remembers what came of questions that were tried, so that what is offered again and again is not searched each time.

The visitors of a bot are offered the same few questions. What is remembered belongs to one tenant, one bot as it is set
at this moment, one audience and one filter. And it stands for no longer than what it was found in: that a question has
an answer, as long as this audience still finds each passage that was quoted, which is looked up each time, for all
questions at once; that it has none, as long as the same sources and curated answers do. So what is deleted, switched
off or meant for others by now is not offered from memory either. In the process's memory, and for minutes.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from bots.configurations import fingerprint, snapshot
from bots.models import Scope
from conversations.turns.state import OpenTurn
from knowledge.curated.matching import state_of_curated
from knowledge.models import Audience
from knowledge.retrieval.scope import filters_of, load_scope
from tenants.context import require_tenant

REMEMBERED_SECONDS: Final = 600.0
"""What else decides, such as a floor or how rare a word is, changes slowly."""
MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True)
class Tried:
    """What came of trying a question: what would be said, None where it would not be answered; quoted from which
    chunks, and in which state of the sources and curated answers.
    """

    said: str | None
    chunks: tuple[UUID, ...]
    state: int
    at: float = field(default_factory=time.monotonic)

    @property
    def is_lasting(self) -> bool:
        """Whether it can be told later if it still stands: a curated answer is quoted from no chunk."""
        return self.said is None or bool(self.chunks)


Place = tuple[str, UUID, str, Audience, str, tuple[str, ...]]
_tried: OrderedDict[tuple[Place, str], Tried] = OrderedDict()


def place_of(turn: OpenTurn) -> Place:
    """All that a try depends on beside its question and the sources: who was asked, as they are set, and by whom."""
    bot, asked = turn.bot, turn.source_filter
    settings = snapshot(bot) | {
        "embedding_model": bot.embedding_model,
        "scopes": [_describe(each) for each in turn.scopes],
    }
    return (
        require_tenant().schema_name, bot.pk, fingerprint(settings), turn.audience,
        asked.model_dump_json() if asked else "", (*turn.languages, *turn.source_languages),
    )  # fmt: skip


def _describe(scope: Scope) -> dict[str, Any]:
    return {each.attname: getattr(scope, each.attname) for each in scope._meta.concrete_fields}


def remember(place: Place, question: str, tried: Tried) -> None:
    _tried[place, question] = tried
    _tried.move_to_end((place, question))
    forgotten = time.monotonic() - REMEMBERED_SECONDS
    # The oldest come first. What is too old to be recalled is not kept either: it may be a tenant's who has gone.
    while len(_tried) > MOST_REMEMBERED or (_tried and next(iter(_tried.values())).at < forgotten):
        _tried.popitem(last=False)


def recall(place: Place, question: str, *, since: float) -> Tried | None:
    """What came of a question that was tried since then; whether it stands, if that was before, is to be looked up."""
    tried = _tried.get((place, question))
    return tried if tried is not None and tried.at >= since else None


def recall_standing(
    turn: OpenTurn, place: Place, questions: Iterable[str]
) -> tuple[dict[str, Tried], int]:
    """What came of questions that were tried not long ago, as far as that stands; and the state now of what they are
    answered from.
    """
    since = time.monotonic() - REMEMBERED_SECONDS
    known = {each: tried for each in questions if (tried := recall(place, each, since=since))}
    scope = load_scope(turn.bot, filters_of(turn.bot, turn.source_filter), turn.audience)
    curated = state_of_curated(turn.bot.pk, turn.audience) if turn.has_curated else None
    state = hash((scope.state, curated))
    held = scope.find_held({chunk for tried in known.values() for chunk in tried.chunks})
    standing = {
        question: tried
        for question, tried in known.items()
        if (tried.state == state if tried.said is None else held.issuperset(tried.chunks))
    }
    return standing, state
