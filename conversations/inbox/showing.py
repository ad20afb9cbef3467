"""What the inbox shows: how many chats wait, and one chat with all that was said in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Max, Q
from django.utils.translation import gettext

from conversations.handoffs.changing import release
from conversations.handoffs.reading import find_handoff
from conversations.models import Handoff, HandoffState, Message
from conversations.models.handoffs import WATCHED
from tenants.models import User

MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class InboxCount:
    """How many wait and how many have a person; `newest` changes where one more waits."""

    waiting: int
    joined: int
    newest: str


@dataclass(frozen=True)
class ShownChat:
    """A chat as a person sees it who has it open."""

    handoff: Handoff
    is_mine: bool
    messages: Sequence[Message]


def count_inbox() -> InboxCount:
    found = Handoff.objects.open().aggregate(
        waiting=Count("pk", filter=Q(state=HandoffState.WAITING)),
        joined=Count("pk", filter=Q(state=HandoffState.JOINED)),
        newest=Max("waiting_since", filter=Q(state=HandoffState.WAITING)),
    )
    newest = found["newest"]
    return InboxCount(found["waiting"], found["joined"], newest.isoformat() if newest else "")


def show_chat(handoff_id: UUID, user: User, *, is_watched: bool = False) -> ShownChat:
    """Return it with its newest messages, oldest first; `is_watched`: the page says that who is in it is there.

    Raises NotFound.
    """
    handoff = find_handoff(handoff_id)
    is_mine = handoff.state == HandoffState.JOINED and handoff.person_id == user.pk
    if is_mine and is_watched:
        is_mine = handoff.hear_of(user.pk, WATCHED)
    rows = handoff.chat.messages.prefetch_related("citations")
    newest = rows.order_by("-created_at", "-id")[:MOST_SHOWN]
    return ShownChat(handoff, is_mine, list(reversed(newest)))


def leave(handoff_id: UUID, user: User) -> bool:
    """Who may not answer any more, or has logged out, leaves the chat to others."""
    return release(find_handoff(handoff_id), user, actor=user)


def describe_state(handoff: Handoff, user: User) -> dict[str, Any]:
    """How a handoff stands, in words, for its page."""
    is_mine = handoff.state == HandoffState.JOINED and handoff.person_id == user.pk
    who = handoff.person_name or handoff.person_email
    told = {
        HandoffState.WAITING: gettext("The visitor waits for a person."),
        HandoffState.JOINED: gettext("You answer in this chat.")
        if is_mine
        else gettext("%(who)s answers in this chat.") % {"who": who},
        HandoffState.CLOSED: gettext("It is over: %(what)s.")
        % {"what": handoff.get_ended_as_display().lower()},
    }
    return {"state": handoff.state, "told": told[HandoffState(handoff.state)], "is_mine": is_mine}
