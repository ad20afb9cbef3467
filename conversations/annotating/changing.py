"""Writing notes and tags. What a note says is in no log: it may be of a visitor, who can be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext

from conversations.models import Chat, ChatNote, ChatTag
from conversations.models.annotations import LONGEST_NOTE, LONGEST_TAG
from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants.audit import record
from tenants.models import User

MOST_NOTES: Final = 200
MOST_TAGS: Final = 20


class TagUse(NamedTuple):
    """A tag, and on how many chats it is."""

    name: str
    chats: int


def add_note(chat: Chat, text: str, author: User) -> ChatNote:
    """Raises BadInput for an empty or endless one, Conflict (`too_many_notes`)."""
    text = text.strip()
    if not text or len(text) > LONGEST_NOTE or "\0" in text:
        raise BadInput(
            gettext("A note has 1 to %(longest_note)s characters.")
            % {"longest_note": f"{LONGEST_NOTE:,}"}
        )
    with transaction.atomic():
        chat.hold()  # so that they are counted one by one
        if chat.notes.count() >= MOST_NOTES:
            raise Conflict(
                gettext("This chat has %(most_notes)s notes already.") % {"most_notes": MOST_NOTES},
                code="too_many_notes",
            )
        note = ChatNote.objects.create(
            chat=chat, text=text, author_id=author.pk, author_email=author.email
        )
        chat.has_words_again()
        record("chat_note.created", of=note, detail={"chat_id": chat.pk})
    return note


def delete_note(chat: Chat, note_id: UUID) -> None:
    """Raises NotFound."""
    note = chat.notes.filter(pk=note_id).first()
    if note is None:
        raise NotFound(gettext("Note not found"))
    with transaction.atomic():
        record("chat_note.deleted", of=note, detail={"chat_id": chat.pk})
        note.delete()


def set_tags(chat: Chat, names: Sequence[str], by: User) -> list[ChatTag]:
    """Let the chat have these tags and no others; those that stay keep who added them. Raises BadInput."""
    wanted = clean_tags(names)
    with transaction.atomic():
        chat.hold()  # of two at once both are heard
        before = set(chat.tags.values_list("name", flat=True))
        added, removed = sorted(wanted - before), sorted(before - wanted)
        chat.tags.filter(name__in=removed).delete()
        ChatTag.objects.bulk_create(
            ChatTag(chat=chat, name=name, added_by=by.email) for name in added
        )
        record("chat.tagged", detail={"chat_id": chat.pk, "added": added, "removed": removed})
    return list(chat.tags.all())


def clean_tags(names: Sequence[str]) -> set[str]:
    """Tags as they are kept: in small letters, without commas and what stands around. Raises BadInput."""
    cleaned = {" ".join(name.lower().split()) for name in names}
    if len(cleaned) > MOST_TAGS:
        raise BadInput(gettext("A chat has at most %(most_tags)s tags.") % {"most_tags": MOST_TAGS})
    for name in cleaned:
        if not name or len(name) > LONGEST_TAG or "," in name or not name.isprintable():
            raise BadInput(
                gettext("A tag has 1 to %(longest_tag)s characters and no comma.")
                % {"longest_tag": LONGEST_TAG}
            )
    return cleaned


def list_tags(beginning: str = "", *, most: int = 50) -> list[TagUse]:
    """The tenant's tags that begin so, those of the most chats first."""
    rows = ChatTag.objects.order_by().values("name")
    if beginning:
        rows = rows.filter(name__startswith=beginning.lower().strip())
    counted = rows.annotate(count=Count("pk")).order_by("-count", "name")[:most]
    return [TagUse(row["name"], row["count"]) for row in counted]
