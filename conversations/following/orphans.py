"""Turns whose process was killed: they end with what they had told, and are given back to the quotas that counted them.

A living turn renews its lease in the journal twice a second. Each turn is looked after within a minute of its start
(`tenants.due`); an open question without a lease, at two looks, is nobody's. Its end is stored by the one
function that stores ends (`close_turn`), and told to readers who are there or come back. While Redis does not answer
nothing can be said about leases, and only what is older than any turn is given up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from bots.models import Outcome
from bots.quotas.counting import Reservation
from conversations.citing.marks import MarkerFilter, numbered
from conversations.following.journal import (
    LAST_EVENTS,
    EventsUnavailable,
    Interrupted,
    Told,
    add_end,
    find_living,
    read_kept,
)
from conversations.following.lasting import longest_turn_seconds
from conversations.models import Message
from conversations.turns.recording import LOOK_SECONDS, close_turn
from conversations.turns.state import Answer, OpenTurn
from knowledge.models import Chunk
from knowledge.retrieval.external import identify
from knowledge.retrieval.passages import Passage
from minirag.ai.pricing import cost_of
from minirag.ai.tokens import count_tokens
from minirag.lib.errors import ProductError
from minirag.lib.jobs.clock import is_recent
from minirag.lib.starting.readiness import ServerStopping
from tenants.context import require_tenant

SURE_SECONDS = 3.0
"""Between two looks: where Redis has lost the leases, living turns have written them again by then."""
AT_ONCE = 200
TellError = Callable[[ProductError, str], dict[str, Any]]
"""How an error goes over the wire, given the id of the request that asked."""


def next_look() -> datetime | None:
    """When to look again; None if no turn is open."""
    return timezone.now() + timedelta(seconds=LOOK_SECONDS) if _open().exists() else None


def end_orphans(tell: TellError) -> int:
    """End the current tenant's open turns whose process died; returns how many there were."""
    now, young = timezone.now(), timedelta(seconds=LOOK_SECONDS / 2)
    old = _open().exclude(is_recent("created_at", now, young))
    questions = list(old.select_related("chat__bot_profile").order_by("created_at")[:AT_ONCE])
    suspects = _without_life(questions)
    if suspects:
        time.sleep(SURE_SECONDS)
        suspects = _without_life(suspects)
    return sum(end_orphan(question, tell) for question in suspects)


def _open() -> QuerySet[Message]:
    return Message.objects.filter(outcome=Outcome.PENDING)


def _without_life(questions: Sequence[Message]) -> list[Message]:
    limit = timezone.now() - timedelta(seconds=longest_turn_seconds())
    try:
        living = find_living(require_tenant().schema_name, [each.pk for each in questions])
    except EventsUnavailable:
        living = {each.pk for each in questions if each.created_at >= limit}
    return [each for each in questions if each.pk not in living]


def end_orphan(question: Message, tell: TellError) -> bool:
    """Store the end of a turn whose process died, and tell it; False where somebody else was first."""
    schema_name, bot = require_tenant().schema_name, question.chat.bot_profile
    try:
        told = read_kept(schema_name, question.pk)
    except EventsUnavailable:
        told = []
    reservation = Reservation(bot.pk, counted=tuple(question.reserved_in or ()))
    answer = gather_answer(told, bot.model)
    close_turn(OpenTurn(bot, question.chat, question, (), reservation, is_orphan=True), answer)
    if answer.is_stored and told and told[-1][1] not in LAST_EVENTS:
        end = tell(Interrupted(), question.request_id)
        with suppress(EventsUnavailable):  # readers are told the same, since there is no lease
            add_end(schema_name, question.pk, told, ("error", end))
    return answer.is_stored


def gather_answer(told: Sequence[Told], model: str) -> Answer:
    """Return what became of a turn, from its events: usually that it was interrupted in the middle of its words."""
    answer = Answer(outcome=Outcome.FAILED, error_code=Interrupted.code, is_stream=True)
    passages: list[Passage] = []
    for _, name, data in told:
        if name == "sources":
            passages = [_read_passage(each) for each in data["sources"]]
        elif name == "delta":
            answer.content += data["content"]
        elif name == "error":  # it was told, and then could not be stored
            answer.error_code = data["code"]
        elif name == "done":
            answer.outcome, answer.error_code = Outcome.STOPPED, ""
    if answer.error_code == ServerStopping.code:
        answer.outcome = Outcome.STOPPED
    if answer.content:
        marks = MarkerFilter(len(passages))
        marks.feed(answer.content)
        answer.citations = numbered(_with_texts(passages), list(marks.cited))
        answer.model, answer.completion_tokens = model, count_tokens(answer.content)
        answer.cost_usd = cost_of(model, 0, answer.completion_tokens)
    return answer


def _read_passage(shown: dict[str, Any]) -> Passage:
    """Read one of the `sources` that readers were shown."""
    source_id = UUID(shown["source_id"])
    try:
        chunk_id, external_id = UUID(shown["chunk_id"]), ""
    except ValueError:
        external_id = shown["chunk_id"]
        chunk_id = identify(source_id, external_id)
    facts = {name: shown[name] for name in ("title", "url", "page", "heading", "content", "score")}
    facts["place"] = shown.get("place", "")  # turns that began before there were places
    nowhere: Any = {"document_id": UUID(int=0), "cosine": 0.0, "bm25": 0.0}
    return Passage(chunk_id, source_id, external_id=external_id, **nowhere, **facts)


def _with_texts(passages: Sequence[Passage]) -> list[Passage]:
    """Readers were shown the beginnings: put the whole texts in, where they are still there."""
    chunks = Chunk.objects.filter(pk__in=[each.chunk_id for each in passages])
    texts = dict(chunks.values_list("pk", "content"))
    return [replace(each, content=texts.get(each.chunk_id, each.content)) for each in passages]
