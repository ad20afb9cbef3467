"""Chats by the words in them, as fast for a word that is nearly everywhere as for a name.

An index finds the messages that have a word. Where these are hundreds of thousands, reading them takes seconds for
fifty rows on a page; so such a word is looked for in the newest chats that fit all the rest, and the list says so.
An export takes its time and looks everywhere (`choose_chats`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from conversations.listing.choosing import ChatFilter, choose_chats
from conversations.logs.finding import find_chats
from conversations.models import Chat, Message
from minirag.lib.text.word_search import ask_for, having_words, split_words, words_of

NEWEST: Final = 2_000
"""In how many chats a common word is looked for."""
COMMON: Final = 40_000
"""In so many messages a word is common."""
_SAMPLE: Final = 400
_SIZE = "SELECT reltuples FROM pg_class WHERE oid = 'conversations_message'::regclass"


class Found(NamedTuple):
    """Chats, and the words that were looked for in the newest ones alone."""

    chats: QuerySet[Chat]
    common: list[str]


def list_chats(chats: QuerySet[Chat], wanted: ChatFilter) -> Found:
    """`choose_chats` for a list that people look at. Raises BadInput as that does."""
    rest = choose_chats(chats, wanted.model_copy(update={"q": None}))
    return find_newest(rest, wanted.q) if wanted.q else Found(rest, [])


def find_newest(chats: QuerySet[Chat], text: str) -> Found:
    """`find_chats`, with common words in the newest of the chats that fit what else is wanted."""
    words = split_words(text)
    common = find_common(words)
    seldom = [word for word in words if word not in common]
    if not common:
        return Found(find_chats(chats, text), [])
    if seldom:
        chats = find_chats(chats, " ".join(seldom))
    newest = chats.order_by("-created_at", "-id").values("pk")[:NEWEST]
    found = Chat.objects.filter(pk__in=newest)
    for word in common:
        own = having_words(Chat.objects.order_by(), [word], "title", "visitor_id", "origin")
        said = having_words(
            Message.objects.filter(chat=OuterRef("pk")).order_by(), [word], "content"
        )
        found = found.filter(Exists(own.filter(pk=OuterRef("pk"))) | Exists(said))
    return Found(found, common)


def find_common(words: list[str]) -> list[str]:
    """Return the words that are in COMMON messages or more, by a sample: ids of messages are random."""
    with connection.cursor() as cursor:
        cursor.execute(_SIZE)
        size = float(cursor.fetchone()[0])
    if size < COMMON or not words:
        return []
    sample = Message.objects.order_by("id").values("pk")[:_SAMPLE]
    rows = Message.objects.filter(pk__in=sample).order_by().annotate(words=words_of("content"))
    counts = {
        f"word_{at}": Count("pk", filter=Q(words=ask_for(word))) for at, word in enumerate(words)
    }
    seen = rows.aggregate(**counts)
    return [word for at, word in enumerate(words) if seen[f"word_{at}"] / _SAMPLE * size >= COMMON]
