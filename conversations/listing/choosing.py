"""Which chats a list, or an export, has: every condition that is given must hold.

What is asked for stands on the chat itself (`Chat.traits` and its neighbours), so that no condition reads messages but
the one by words, which has an index of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from django.db.models import QuerySet
from pydantic import Field, StringConstraints

from conversations.logs.finding import find_chats
from conversations.models import Chat, ChatTag, Trait
from conversations.models.annotations import LONGEST_TAG
from minirag.lib.days import Day, bounds_of
from minirag.lib.http_in.reading import Body
from tenants.context import require_tenant

_COST = Field(ge=0, le=Decimal(100_000), max_digits=14, decimal_places=8)


class ChatFilter(Body):
    """What may be asked of chats; what is not given does not count."""

    bot_profile_id: UUID | None = None
    from_date: Annotated[Day | None, Field(description="Begun on this day or later.")] = None
    to_date: Annotated[Day | None, Field(description="Begun on this day or before.")] = None
    feedback: Literal["positive", "negative"] | None = None
    outcome: Annotated[
        Literal["refused", "failed", "stopped"] | None, Field(description="Of one of its turns at least.")
    ] = None  # fmt: skip
    refusal_reason: Annotated[
        str | None, StringConstraints(pattern="^[a-z_]{1,64}$"), Field(description="Why a question was declined.")
    ] = None  # fmt: skip
    uncited: Annotated[
        bool | None, Field(description="Whether an answer cites nothing, or cited what was not there.")
    ] = None  # fmt: skip
    language: Annotated[
        str | None, StringConstraints(pattern="^[a-z]{2,3}$"), Field(description="Of the latest question.")
    ] = None  # fmt: skip
    min_cost: Annotated[Decimal | None, _COST] = None
    max_cost: Annotated[Decimal | None, _COST] = None
    answered_by: Annotated[
        Literal["bot", "person"] | None, Field(description="`bot`: no person answered.")
    ] = None  # fmt: skip
    tag: Annotated[
        str | None,
        StringConstraints(
            min_length=1, max_length=LONGEST_TAG, to_lower=True, pattern=r"^[^\x00]*$"
        ),
        Field(description="That it has."),
    ] = None
    q: Annotated[
        str | None, Field(min_length=2, max_length=200, description="Beginnings of words that were said in it.")
    ] = None  # fmt: skip


def choose_chats(chats: QuerySet[Chat], wanted: ChatFilter) -> QuerySet[Chat]:
    """Keep the chats that fit, unordered as they were. Raises BadInput for days in the wrong order."""
    start, end = bounds_of(wanted.from_date, wanted.to_date, require_tenant().time_zone)
    plain = {
        "bot_profile_id": wanted.bot_profile_id, "created_at__gte": start, "created_at__lt": end,
        "language": wanted.language, "cost_usd__gte": wanted.min_cost, "cost_usd__lte": wanted.max_cost,
    }  # fmt: skip
    chats = chats.filter(**{name: value for name, value in plain.items() if value is not None})
    if traits := list_traits(wanted):
        chats = chats.filter(traits__contains=traits)
    if wanted.uncited is False:
        chats = chats.exclude(traits__contains=[Trait.UNCITED])
    if wanted.answered_by == "bot":
        chats = chats.exclude(traits__contains=[Trait.PERSON])
    if wanted.tag:
        chats = chats.filter(pk__in=ChatTag.objects.filter(name=wanted.tag).values("chat_id"))
    return find_chats(chats, wanted.q) if wanted.q else chats


def list_traits(wanted: ChatFilter) -> list[str]:
    """What a chat has to have been like."""
    found: list[str] = []
    if wanted.feedback:
        found.append(Trait.LIKED if wanted.feedback == "positive" else Trait.DISLIKED)
    if wanted.outcome:
        found.append(wanted.outcome)
    if wanted.refusal_reason:
        found += Trait.of_refusal(wanted.refusal_reason)
    if wanted.uncited:
        found.append(Trait.UNCITED)
    if wanted.answered_by == "person":
        found.append(Trait.PERSON)
    return found
