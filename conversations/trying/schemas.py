"""What the socket says at the end of a question that was tried."""

from __future__ import annotations

from bots.models import Outcome
from conversations.turns.schemas import Cited, Cut, HelpSchema, Refused
from minirag.lib.http_in.nouns import Noun


class TriedSchema(Noun):
    """The answer with what it took; there is no chat and no message."""

    content: str
    citations: list[Cited]
    outcome: Outcome
    refusal: Refused
    cut_reason: Cut
    help: HelpSchema | None
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    duration_ms: int
    first_token_ms: int | None
