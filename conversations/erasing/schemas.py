"""Deletions on the wire."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from conversations.models import Chat
from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.rest import Body


class VisitorToForget(Body):
    """Whose chats: the id that their browser keeps, or the site's own word for them, or both."""

    visitor_id: Annotated[str, AsColumn(Chat, "visitor_id")] = ""
    subject: Annotated[str, AsColumn(Chat, "subject")] = ""
    golden_questions: Annotated[
        bool, Field(description="Delete those that were made of these chats, and their results.")
    ] = False  # fmt: skip
    curated_answers: Annotated[
        bool, Field(description="Delete those with a question that was asked so, word for word.")
    ] = False  # fmt: skip

    @model_validator(mode="after")
    def _name_somebody(self) -> Self:
        if not self.visitor_id and not self.subject:
            raise ValueError("visitor_id or subject is needed")
        return self


class KeptWordsSchema(Noun):
    """What people made of chats, and what holds words of them."""

    golden_questions: int
    evaluation_results: int
    curated_answers: int


class DeletedChatsSchema(Noun):
    deleted: Annotated[int, Field(description="How many chats.")]
    deleted_with: Annotated[KeptWordsSchema, Field(description="What went with them.")]
    left: Annotated[KeptWordsSchema, Field(description="What holds words of theirs still.")]
