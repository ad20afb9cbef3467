"""Which lines of the audit log are asked for, and all of them as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext
from pydantic_core import to_json

from minirag.lib.errors import BadInput
from minirag.lib.http_in.rest import naive_utc
from minirag.lib.spreadsheet import write_rows
from tenants.context import tenant_context
from tenants.log.words import Words, asked_as
from tenants.models import AuditEvent

_AT_ONCE: Final = 1_000
_COLUMNS: Final = (
    "created_at", "action", "outcome", "tenant", "actor", "thing_id", "thing", "address", "agent", "token",
    "request_id", "detail",
)  # fmt: skip
CSV, JSON_LINES = "csv", "jsonl"
CONTENT_TYPES: Final = {CSV: "text/csv; charset=utf-8", JSON_LINES: "application/x-ndjson"}


@dataclass(frozen=True)
class Wanted:
    """Filters of the log; an empty one lets all through.

    `action` that ends with `*` is a beginning (`source.*`); `thing` is the id or the whole name of what it was done to;
    of `q` each word, or one that begins so, is in the line.
    """

    action: str = ""
    actor: str = ""
    thing: str = ""
    outcome: str = ""
    request_id: str = ""
    q: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def narrow(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """Raises BadInput (`dates_reversed`)."""
        if self.since and self.until and self.since > self.until:
            raise BadInput(
                gettext("created_to must not be before created_from."), code="dates_reversed"
            )
        same = {"actor": self.actor, "outcome": self.outcome, "request_id": self.request_id}
        events = events.filter(**{name: value for name, value in same.items() if value})
        if self.action.endswith("*"):
            events = events.filter(action__startswith=self.action[:-1])
        elif self.action:
            events = events.filter(action=self.action)
        if self.thing:
            events = events.filter(about(self.thing))
        if self.q.strip():
            events = say(events, self.q)
        if self.since:
            events = events.filter(created_at__gte=self.since)
        return events.filter(created_at__lte=self.until) if self.until else events


def about(thing: str) -> Q:
    """Done to what has this id or this name."""
    return (
        Q(detail__contains={"id": thing})
        | Q(detail__contains={"user_id": thing})
        | Q(detail__contains={"name": thing})
    )


def say(events: QuerySet[AuditEvent], text: str) -> QuerySet[AuditEvent]:
    """Those whose line has all words of a text, or words that begin so, in whatever case."""
    words = Words("action", "actor", "request_id", "detail")
    return events.alias(words=words).filter(words=asked_as(text))


def write_file(events: QuerySet[AuditEvent], form: str) -> Iterator[bytes]:
    """The lines as CSV or JSON Lines, the newest first, a batch at a time: no query is open between them."""
    if form == CSV:
        yield write_rows([_COLUMNS])
    last: AuditEvent | None = None
    while True:
        with tenant_context(None):
            batch = list(_after(events, last).order_by("-created_at", "-id")[:_AT_ONCE])
        if not batch:
            return
        last = batch[-1]
        if form == CSV:
            yield write_rows(map(_cells, batch))
        else:
            yield b"".join(to_json(describe(each)) + b"\n" for each in batch)


def _after(events: QuerySet[AuditEvent], last: AuditEvent | None) -> QuerySet[AuditEvent]:
    if last is None:
        return events
    older = Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk)
    return events.filter(older)


def describe(event: AuditEvent) -> dict[str, Any]:
    """A line as the API tells it."""
    return {
        "id": event.pk, "action": event.action, "outcome": event.outcome, "tenant_slug": event.tenant_slug,
        "actor": event.actor, "detail": event.detail, "request_id": event.request_id,
        "created_at": naive_utc(event.created_at),
    }  # fmt: skip


def _cells(event: AuditEvent) -> tuple[Any, ...]:
    told = event.detail
    rest = {
        key: value
        for key, value in told.items()
        if key not in ("id", "name", "address", "agent", "token")
    }
    return (
        naive_utc(event.created_at), event.action, event.outcome, event.tenant_slug, event.actor,
        str(told.get("id") or told.get("user_id") or ""), str(told.get("name") or told.get("user") or ""),
        str(told.get("address", "")), str(told.get("agent", "")), str(told.get("token", "")), event.request_id,
        rest or None,
    )  # fmt: skip
