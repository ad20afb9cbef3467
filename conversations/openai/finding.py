"""What is found in OpenAI's words: a bot or an embedder by its `model`, a visitor by `user`, the question of a list."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from bots.models import BotProfile
from bots.scopes.models import LONGEST_QUESTION
from conversations.turns.state import History
from minirag.ai.builtin.local import unpin
from minirag.lib.errors import BadInput, NotFound


class NotAnswerable(BadInput):
    """A request that is OpenAI's and that no bot can answer; `param` names the field."""

    status = 400

    def __init__(self, detail: str, *, code: str, param: str) -> None:
        super().__init__(detail, code=code)
        self.param = param


class ModelNotFound(NotFound):
    code, param = "model_not_found", "model"


def choose_question(said: Sequence[tuple[str, str]], field: str) -> tuple[str, History]:
    """Of (role, text) pairs, the last is the question; what user and assistant said before comes with it.

    `field` is where they stand in the request. Raises NotAnswerable (400).
    """
    last = len(said) - 1
    role, question = said[last]
    if role != "user":
        raise NotAnswerable(
            "The last message must be the user's question.", code="last_message_not_user",
            param=f"{field}.{last}.role",
        )  # fmt: skip
    if not 1 <= len(question) <= LONGEST_QUESTION:
        raise NotAnswerable(
            f"The question must have 1 to {LONGEST_QUESTION} characters.", code="question_length",
            param=f"{field}.{last}.content",
        )  # fmt: skip
    return question, [pair for pair in said[:-1] if pair[0] in ("user", "assistant") and pair[1]]


def list_models(bot_profile_id: UUID | None) -> list[BotProfile]:
    """Return the bots that a caller may ask, or the one that its token is bound to; newest first."""
    bots = BotProfile.objects.active().order_by("-created_at", "-id")
    return list(bots.filter(pk=bot_profile_id) if bot_profile_id else bots)


@dataclass(frozen=True)
class EmbedderOfBot:
    """An embedding model that some bot's knowledge is searched by; the bot's keys pay for its calls."""

    name: str
    bot: BotProfile


def name_embedder(bot: BotProfile) -> str:
    """The id of a bot's embedding model, as a person names it."""
    return unpin(bot.embedding_model or settings.DEFAULT_EMBEDDING_MODEL)


def list_embedders(bots: Sequence[BotProfile]) -> list[EmbedderOfBot]:
    """Return the embedding models of some bots, each once and by the oldest bot that has it."""
    found = {
        name_embedder(bot): bot
        for bot in sorted(bots, key=lambda bot: bot.created_at, reverse=True)
    }
    return [EmbedderOfBot(name, bot) for name, bot in sorted(found.items())]


def find_embedder(name: str, bot_profile_id: UUID | None) -> EmbedderOfBot:
    """Return the embedding model of this id, or that of the bot of this id or name. Raises ModelNotFound."""
    for each in list_embedders(list_models(bot_profile_id)):
        if each.name == name:
            return each
    bot = find_model(name, bot_profile_id)
    return EmbedderOfBot(name_embedder(bot), bot)


def find_model(name: str, bot_profile_id: UUID | None) -> BotProfile:
    """Return the active bot of this id, or of this name if no other has it. Raises ModelNotFound."""
    bots = BotProfile.objects.active()
    if bot_profile_id:
        bots = bots.filter(pk=bot_profile_id)
    if "\0" in name:
        raise ModelNotFound("The model does not exist.")
    try:
        found = list(bots.filter(pk=UUID(name)))
    except ValueError:
        found = list(bots.filter(name=name)[:2])
    if len(found) != 1:
        reason = (
            "Several models have this name; use the id." if found else "The model does not exist."
        )
        raise ModelNotFound(reason)
    return found[0]


def name_visitor(user: str | None) -> str:
    """A visitor id for OpenAI's `user`, in a form that no visitor of a widget can have."""
    if not user:
        return ""
    named = f"api:{user}"
    return named if len(named) <= 64 else f"api:{hashlib.sha256(user.encode()).hexdigest()[:60]}"
