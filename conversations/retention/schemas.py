"""Retention on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from conversations.models.retention import LONGEST_KEPT_DAYS, RetentionAct
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.rest import Body

_DAYS = Field(ge=1, le=LONGEST_KEPT_DAYS, description="`null`: chats are kept for good.")


class RetentionSchema(Noun):
    days: Annotated[int | None, _DAYS]
    act: Annotated[RetentionAct, Field(description="What is done with a chat then.")]
    takes_golden: Annotated[
        bool, Field(description="Golden questions that were made of them, and their results, go too.")
    ]  # fmt: skip


class NewRetention(Body):
    """In place of what there is."""

    days: Annotated[int, _DAYS] | None
    act: RetentionAct = RetentionAct.DELETE
    takes_golden: bool = False


class PreviewQuery(Body):
    days: Annotated[int, Field(ge=1, le=LONGEST_KEPT_DAYS, examples=[365])]
    act: RetentionAct = RetentionAct.DELETE


class RetentionPreviewSchema(Noun):
    days: int
    chats: Annotated[int, Field(description="How many would go at once.")]
