"""Canned answers: kept by whoever may answer chats, filled in for the chat in which one is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from bots.profiles import find_bot
from conversations.models import CannedAnswer, Handoff
from minirag.lib.errors import Conflict, NotFound
from minirag.lib.saving.tags import hold_row
from tenants.audit import compare, record
from tenants.models import User

MOST_CANNED: Final = 500
_PLACE = re.compile(r"\s*\{(visitor|bot|person)\}")


class Filled(NamedTuple):
    """A text as it would be sent in one chat."""

    name: str
    text: str


def create_canned(fields: Mapping[str, Any]) -> CannedAnswer:
    """Raises NotFound for a bot that is not there, Conflict (`too_many_canned_answers`)."""
    _require_bot(fields)
    with transaction.atomic():
        hold_row("canned answers")  # so that they are counted one by one
        if CannedAnswer.objects.count() >= MOST_CANNED:
            told = gettext("There are %(count)s canned answers already.") % {"count": MOST_CANNED}
            raise Conflict(told, code="too_many_canned_answers")
        canned = CannedAnswer.objects.create(**fields)
        record("canned_answer.created", of=canned)
    return canned


def update_canned(canned: CannedAnswer, fields: Mapping[str, Any]) -> CannedAnswer:
    """Raises NotFound for a bot that is not there."""
    _require_bot(fields)
    changes = compare(canned, fields)
    if changes:
        for name, value in fields.items():
            setattr(canned, name, value)
        with transaction.atomic():
            canned.save()
            record("canned_answer.changed", of=canned, changes=changes)
    return canned


def delete_canned(canned: CannedAnswer) -> None:
    with transaction.atomic():
        record("canned_answer.deleted", of=canned)
        canned.delete()


def find_canned(canned_answer_id: UUID) -> CannedAnswer:
    """Raises NotFound."""
    canned = CannedAnswer.objects.filter(pk=canned_answer_id).first()
    if canned is None:
        raise NotFound(gettext("Canned answer not found"))
    return canned


def list_canned(bot_profile_id: UUID | None = None, language: str = "") -> QuerySet[CannedAnswer]:
    """Those that fit a bot and a language: what names neither fits all."""
    rows = CannedAnswer.objects.all()
    if bot_profile_id is not None:
        rows = rows.filter(Q(bot_profile_id=bot_profile_id) | Q(bot_profile__isnull=True))
    return rows.filter(language__in=("", language)) if language else rows


def fill_canned(handoff: Handoff, person: User) -> list[Filled]:
    """The texts that fit a chat, by name, as this person would send them in it."""
    rows = list_canned(handoff.bot_profile_id, handoff.language).order_by("name", "id")
    known = {
        "visitor": handoff.contact_name, "bot": handoff.bot_profile.name,
        "person": person.display_name,
    }  # fmt: skip
    return [Filled(each.name, fill(each.text, known)) for each in rows[:MOST_CANNED]]


def fill(text: str, known: Mapping[str, str]) -> str:
    """The text with its places filled; one that is not known is left out, with the blank before it."""

    def put(match: re.Match[str]) -> str:
        value = known.get(match[1], "")
        before = match[0][: match[0].index("{")]
        return before + value if value else ""

    return _PLACE.sub(put, text)


def _require_bot(fields: Mapping[str, Any]) -> None:
    if fields.get("bot_profile_id"):
        find_bot(fields["bot_profile_id"])
