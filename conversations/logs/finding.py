"""Finding chats and turns by what was said in them: by indexes of words, see `minirag.lib.text.word_search`."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from conversations.models import Chat, Message
from minirag.lib.text.word_search import having_words, split_words


def find_chats(chats: QuerySet[Chat], text: str) -> QuerySet[Chat]:
    """Keep the chats that have every word of `text`, each in their title, visitor, page or a message."""
    words = split_words(text)
    if not words:
        return chats.none()
    for word in words:
        own = having_words(Chat.objects.order_by(), [word], "title", "visitor_id", "origin")
        said = having_words(Message.objects.order_by(), [word], "content")
        chats = chats.filter(pk__in=own.values("pk").union(said.values("chat_id")))
    return chats


def find_turns(turns: QuerySet[Message], text: str) -> QuerySet[Message]:
    """Keep the turns that have every word of `text`, each in the question or in the answer."""
    words = split_words(text)
    if not words:
        return turns.none()
    for word in words:
        said = having_words(Message.objects.order_by(), [word], "content")
        turns = turns.filter(pk__in=said.values(turn_id=Coalesce("question_id", "pk")))
    return turns
