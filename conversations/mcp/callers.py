"""Who an agent acts for, and what of the tenant's that lets it see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from bots.models import BotProfile
from conversations.audiences import asker_of, audience_of
from conversations.turns.state import Asker
from knowledge.documents.changing import listed_documents
from knowledge.models import Audience, Document, Source
from knowledge.retrieval.scope import (
    answering_sources,
    documents_by_language,
    filters_of,
    wanted_languages,
)
from minirag.lib.errors import BadInput, Forbidden, NotFound
from tenants.authentication import Identity
from tenants.calls.permissions import require_right, require_role
from tenants.models import Right

MOST_NAMED = 20


@dataclass(frozen=True)
class Caller:
    """Who calls, with what request and in which languages."""

    identity: Identity
    request_id: str
    languages: tuple[str, ...] = ()

    @property
    def bound_bot(self) -> UUID | None:
        return self.identity.token.bot_profile_id if self.identity.token else None

    @property
    def token_id(self) -> UUID | None:
        return self.identity.token.family if self.identity.token else None

    def require(self, right: Right) -> None:
        """Raise Forbidden where neither role nor token has the right."""
        require_role(self.identity.user, right, "models" if right == Right.CHAT else "documents")
        require_right(self.identity.token, right)

    @property
    def may_read(self) -> bool:
        """Whether whole documents are for the caller, and not only what answers cite."""
        try:
            self.require(Right.READ)
        except Forbidden:
            return False
        return True

    def audience(self, groups: Sequence[str] | None = None) -> Audience:
        """For whom it asks; `groups` as the call names them. Raises Forbidden."""
        return audience_of(self.identity, groups)

    def asker(self, groups: Sequence[str] | None) -> Asker:
        return asker_of(self.identity, groups, request_id=self.request_id, languages=self.languages)


def list_bots(caller: Caller) -> QuerySet[BotProfile]:
    """Return the bots that the caller may ask, the oldest first."""
    bots = BotProfile.objects.active().order_by("created_at", "id")
    return bots.filter(pk=caller.bound_bot) if caller.bound_bot else bots


def find_bot(caller: Caller, named: str | None) -> BotProfile:
    """Return the bot of this id or name, or without one the only bot there is.

    Raises NotFound, and BadInput (`bot_ambiguous`) where several could be meant.
    """
    bots = list_bots(caller)
    if named is None:
        found = list(bots[: MOST_NAMED + 1])
    else:
        try:
            found = list(bots.filter(pk=UUID(named)))
        except ValueError:
            found = list(bots.filter(name=named)[:2])
    if not found:
        raise NotFound("There is no such bot.")
    if len(found) > 1:
        names = ", ".join(f"{bot.name} ({bot.pk})" for bot in found[:MOST_NAMED])
        raise BadInput(f"Say which bot by its id: {names}.", code="bot_ambiguous")
    return found[0]


def readable_sources(caller: Caller, bot: BotProfile | None = None) -> QuerySet[Source]:
    """Return the sources that the bot, or any that the caller may ask, answers the caller from."""
    audience = caller.audience()
    if bot is None and caller.bound_bot:
        bot = find_bot(caller, None)
    if bot is not None:
        return answering_sources(bot, filters_of(bot), audience)
    return Source.objects.answering_anywhere(audience)


def readable_documents(caller: Caller) -> QuerySet[Document]:
    """Return the documents of these sources that say themselves that the caller may read them.

    For a token of one bot, of those the bot answers from: in the languages that its filter wants.
    """
    readable = Document.objects.readable_by(caller.audience())
    if caller.bound_bot:
        wanted = wanted_languages(filters_of(find_bot(caller, None)))
        if wanted is not None:
            spoken = documents_by_language(caller.audience()).filter(spoken__in=wanted)
            readable = readable.filter(pk__in=spoken.values("pk"))
    return listed_documents().filter(
        pk__in=readable.values("pk"), source__in=readable_sources(caller).order_by().values("pk"), chunk_count__gt=0,
    )  # fmt: skip
