"""Who asks, by what a call proves of it: for whom an answer may be made, and whose chats may be read."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils.translation import gettext

from conversations.models import Chat
from conversations.turns.state import Asker
from knowledge.models import INSIDER, Audience
from knowledge.models.audience import INSIDER_MARK
from minirag.lib.errors import Forbidden
from tenants.authentication import Identity
from tenants.calls.permissions import INCLUDED
from tenants.models import ApiToken, Right


def audience_of(identity: Identity, named: Sequence[str] | None) -> Audience:
    """For whom a question is answered. `named` are the groups that the call names; None where it names none.

    A person of the tenant who is logged in reads everything, or what a visitor in these groups would; a token has its
    own groups, or of these those that are named; one that `names_groups` is believed. Raises Forbidden
    (`groups_not_allowed`).
    """
    token = identity.token
    if token is None:
        return INSIDER if named is None else Audience.of(named)
    if named is None:
        return Audience.of(token.groups)
    asked = Audience.of(named)
    if not token.names_groups and not asked.groups <= Audience.of(token.groups).groups:
        raise Forbidden(
            gettext("This token may not ask for these groups."), code="groups_not_allowed"
        )
    return asked


def asker_of(
    identity: Identity, groups: Sequence[str] | None, *, request_id: str, languages: tuple[str, ...],
    visitor_id: str = "", asks_on: bool = False,
) -> Asker:  # fmt: skip
    """Who asks over the API; `groups` as `audience_of` has them, `visitor_id` as the caller names its own visitors."""
    token = identity.token
    return Asker(
        user_id=identity.user.pk,
        visitor_id=visitor_id,
        request_id=request_id,
        own_chats_only=token is not None and token.bot_profile_id is not None,
        token_id=token.family if token else None,
        languages=languages,
        audience=audience_of(identity, groups),
        asks_on=asks_on,
    )


def open_chats(chats: QuerySet[Chat], token: ApiToken | None) -> QuerySet[Chat]:
    """Of some chats those in which nothing was said that the caller may not read.

    Who may read the tenant's sources may read what was said from them; a token for one bot, or for asking alone, reads
    what is for its groups.
    """
    if token is None:
        return chats
    reads_sources = not token.rights or any(
        Right.READ in INCLUDED.get(held, ()) for held in token.rights
    )
    if reads_sources and token.bot_profile_id is None:
        return chats
    if token.names_groups:
        return chats.exclude(groups__contains=[INSIDER_MARK])
    return chats.filter(groups__contained_by=Audience.of(token.groups).marks)
