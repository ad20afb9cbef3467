"""What an export job can write: for each type its rows in order of time, and its columns.

Rows are read by keyset on (created_at, id), oldest first, so that an export can stop and go on anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import NoneType
from typing import Any, Final, Literal
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet
from django.utils.translation import gettext
from pydantic import ConfigDict

from bots.models import BotProfile, Outcome, UsageEvent, UsageKind
from conversations.exports.models import ExportType
from conversations.listing.choosing import ChatFilter, choose_chats
from conversations.logs.rows import (
    LoggedTurn,
    TurnFilter,
    log_turn,
    select_turns,
    with_answers,
)
from conversations.models import Chat, ChatTag, Message, MessageRole
from minirag.lib.days import Day, bounds_of
from minirag.lib.errors import BadInput
from minirag.lib.http_in.rest import Body, naive_utc

Filters = dict[str, Any]


class ChosenChats(ChatFilter):
    """Of which chats, as the list of chats is filtered; words are looked for everywhere."""

    model_config = ConfigDict(extra="forbid")


class ExportFilters(Body):
    """Which rows an export has; a filter that its type does not know, or that nobody knows, is refused."""

    model_config = ConfigDict(extra="forbid")

    from_date: Day | None = None
    to_date: Day | None = None
    bot_profile_id: UUID | None = None
    chat_id: UUID | None = None
    request_id: str | None = None
    role: MessageRole | None = None
    outcome: Outcome | None = None
    feedback: Literal["positive", "negative"] | None = None
    refusal_only: bool = False
    citation_valid: bool | None = None
    kind: UsageKind | None = None
    chats: ChosenChats | None = None


@dataclass(frozen=True)
class ExportTable:
    """One type: which filters it knows beside the days, how its rows are chosen and what they contain.

    `select` gets the filters without the days; `describe` turns a row into the values of `columns`. `key` gives its
    (created_at, id).
    """

    columns: tuple[str, ...]
    filters: frozenset[str]
    select: Callable[[Filters], QuerySet[Any]]
    describe: Callable[[Any], Sequence[Any]]
    key: Callable[[Any], tuple[datetime, UUID]]


def _equal(**paths: str) -> Callable[[QuerySet[Any], Filters], QuerySet[Any]]:
    """Filter by equality: the names of filters and the columns that they mean."""

    def choose(rows: QuerySet[Any], filters: Filters) -> QuerySet[Any]:
        return rows.filter(
            **{path: filters[name] for name, path in paths.items() if name in filters}
        )

    return choose


_CHAT_FIELDS: Final = (
    "id", "bot_profile_id", "title", "user_id", "visitor_id", "origin", "message_count", "total_prompt_tokens",
    "total_completion_tokens", "created_at", "updated_at", "language", "cost_usd", "traits", "tag_names",
)  # fmt: skip
_TAGS = ArraySubquery(ChatTag.objects.filter(chat=OuterRef("pk")).order_by("name").values("name"))
_MESSAGE_FIELDS = (
    "id", "chat_id", "chat__title", "chat__bot_profile_id", "role", "content", "feedback", "outcome", "error_code",
    "refusal_reason", "confidence", "threshold", "prompt_tokens", "completion_tokens", "request_id", "created_at",
)  # fmt: skip
_MESSAGE_COLUMNS = ("message_id", "chat_id", "chat_title", "bot_profile_id", *_MESSAGE_FIELDS[4:])
_USAGE_FIELDS = (
    "id", "kind", "bot_profile_id", "chat_id", "message_id", "source_id", "model", "prompt_tokens",
    "completion_tokens", "total_tokens", "cost_usd", "is_stream", "time_to_first_token_ms", "duration_ms", "outcome",
    "created_at",
)  # fmt: skip
_choose_chats = _equal(bot_profile_id="bot_profile_id")
_choose_messages = _equal(
    bot_profile_id="chat__bot_profile_id", chat_id="chat_id", role="role", outcome="outcome", feedback="feedback",
    request_id="request_id",
)  # fmt: skip
_choose_usage = _equal(bot_profile_id="bot_profile_id", chat_id="chat_id", kind="kind")


def _select_chats(filters: Filters) -> QuerySet[Any]:
    rows = _find_chosen(filters) if "chats" in filters else Chat.objects.all()
    return _choose_chats(rows.annotate(tag_names=_TAGS).values_list(*_CHAT_FIELDS), filters)


def _find_chosen(filters: Filters) -> QuerySet[Chat]:
    return choose_chats(Chat.objects.order_by(), ChosenChats(**filters["chats"]))


def _select_messages(filters: Filters) -> QuerySet[Any]:
    rows = Message.objects.all()
    if "chats" in filters:
        rows = rows.filter(chat__in=_find_chosen(filters).values("pk"))
    return _choose_messages(rows.values_list(*_MESSAGE_FIELDS), filters)


def _select_usage(filters: Filters) -> QuerySet[Any]:
    return _choose_usage(UsageEvent.objects.values_list(*_USAGE_FIELDS), filters)


def _select_turns(filters: Filters) -> QuerySet[Any]:
    wanted = {name: value for name, value in filters.items() if name != "chats"}
    turns = select_turns(TurnFilter(**wanted))
    if "chats" in filters:
        turns = turns.filter(chat__in=_find_chosen(filters).values("pk"))
    return with_answers(turns)


def _describe_tuple(row: tuple[Any, ...]) -> list[Any]:
    return [value if type(value) in _WRITTEN else _plain(value) for value in row]


def _describe_turn(question: Message) -> list[Any]:
    return _describe_tuple(log_turn(question))


# By exact type: there are many values, and the writers know these by themselves.
_WRITTEN: Final = frozenset((str, int, float, bool, dict, UUID, NoneType))


def _plain(value: Any) -> Any:
    """As JSON and CSV write it; a row within a row is an object, whose values are written as they are."""
    if isinstance(value, datetime):
        return naive_utc(value)
    if isinstance(value, list):
        return [each if type(each) in _WRITTEN else _plain(each) for each in value]
    return value._asdict() if isinstance(value, tuple) else str(value)  # type: ignore[attr-defined]


def _key_of(fields: tuple[str, ...]) -> Callable[[Any], tuple[datetime, UUID]]:
    created_at, key = fields.index("created_at"), fields.index("id")
    return lambda row: (row[created_at], row[key])


TABLES: dict[str, ExportTable] = {
    ExportType.CHATS: ExportTable(
        ("chat_id", *_CHAT_FIELDS[1:-1], "tags"), frozenset({"bot_profile_id", "chats"}), _select_chats,
        _describe_tuple, _key_of(_CHAT_FIELDS),
    ),
    ExportType.MESSAGES: ExportTable(
        _MESSAGE_COLUMNS,
        frozenset({"bot_profile_id", "chat_id", "role", "outcome", "feedback", "request_id", "chats"}),
        _select_messages, _describe_tuple, _key_of(_MESSAGE_FIELDS),
    ),
    ExportType.CHAT_LOGS: ExportTable(
        LoggedTurn._fields,
        frozenset(
            {
                "bot_profile_id", "chat_id", "request_id", "outcome", "refusal_only", "citation_valid", "feedback",
                "chats",
            }
        ),
        _select_turns, _describe_turn, lambda question: (question.created_at, question.pk),
    ),
    ExportType.USAGE: ExportTable(
        ("usage_id", *_USAGE_FIELDS[1:]), frozenset({"bot_profile_id", "chat_id", "kind"}), _select_usage,
        _describe_tuple, _key_of(_USAGE_FIELDS),
    ),
}  # fmt: skip


def check_filters(export_type: str, filters: ExportFilters, time_zone: str) -> Filters:
    """Return the filters that were given, as JSON. Raises BadInput for one that the type does not know, or no bot."""
    given: Filters = filters.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    bounds_of(filters.from_date, filters.to_date, time_zone)
    if filters.chats is not None:
        bounds_of(filters.chats.from_date, filters.chats.to_date, time_zone)
    unknown = set(given) - TABLES[export_type].filters - {"from_date", "to_date"}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise BadInput(
            gettext("An export of %(export_type)s cannot be filtered by %(names)s.")
            % {"export_type": export_type, "names": names},
            code="filter_unknown",
        )
    if filters.bot_profile_id and not BotProfile.objects.filter(pk=filters.bot_profile_id).exists():
        raise BadInput(gettext("Bot profile not found"), code="bot_not_found")
    return given


def select_rows(
    export_type: str, filters: Filters, time_zone: str, *, until: datetime
) -> QuerySet[Any]:
    """Return the rows that fit, of those that were there at `until`, oldest first."""
    table = TABLES[export_type]
    first, last = (
        date.fromisoformat(filters[key]) if key in filters else None
        for key in ("from_date", "to_date")
    )
    start, end = bounds_of(first, last, time_zone)
    rows = table.select({name: value for name, value in filters.items() if name in table.filters})
    rows = rows.filter(created_at__lte=until).order_by("created_at", "id")
    if start:
        rows = rows.filter(created_at__gte=start)
    return rows.filter(created_at__lt=end) if end else rows


def rows_after(rows: QuerySet[Any], position: Iterable[str] | None) -> QuerySet[Any]:
    """Return the rows behind a position, which is a key as JSON."""
    if position is None:
        return rows
    created_at, key = position
    later = Q(created_at__gt=created_at) | Q(created_at=created_at, id__gt=key)
    return rows.filter(later, created_at__gte=created_at)
