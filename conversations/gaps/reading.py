"""What is told of gaps: how often and why they were asked, in which words, and what comes closest."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext

from conversations.models.gaps import Gap, GapQuestion
from knowledge.models import ANYONE, Chunk, Source
from minirag.lib.errors import NotFound

EXAMPLES: Final = 20
CLOSEST: Final = 5


@dataclass(frozen=True)
class Close:
    """A passage that searches for the gap's questions found, and how many of them did."""

    chunk_id: uuid.UUID
    source_id: uuid.UUID
    title: str
    heading: str
    url: str
    content: str
    found_by: int


def list_gaps(
    *, bot_profile_id: uuid.UUID | None = None, language: str = "", state: str | None = None, week: date | None = None,
) -> QuerySet[Gap]:  # fmt: skip
    """Return the gaps that still have questions, those of one week if it is named, each with a question as `lead`."""
    first = GapQuestion.objects.filter(gap=OuterRef("pk")).order_by("asked_at", "id")
    found = Gap.objects.standing().annotate(lead=Subquery(first.values("text")[:1]))
    if bot_profile_id is not None:
        found = found.filter(bot_profile_id=bot_profile_id)
    if language:
        found = found.filter(language=language)
    if state:
        found = found.filter(state=state)
    if week is not None:
        monday = week - timedelta(days=week.weekday())
        asked = GapQuestion.objects.filter(week=monday).values("gap")
        found = found.filter(pk__in=asked)
    return found


def find_gap(gap_id: uuid.UUID) -> Gap:
    """Return a gap that still has questions. Raises NotFound."""
    gap = list_gaps().filter(pk=gap_id).select_related("bot_profile").first()
    if gap is None:
        raise NotFound(gettext("Gap not found"))
    return gap


def count_questions(gaps: Sequence[Gap]) -> dict[uuid.UUID, dict[str, Any]]:
    """Return of each gap how many questions it has, by reason and by week, in one query."""
    rows = (
        GapQuestion.objects.filter(gap__in=[gap.pk for gap in gaps])
        .order_by()
        .values("gap_id", "reason", "week")
        .annotate(count=Count("pk"))
    )
    told: dict[uuid.UUID, dict[str, Any]] = {}
    for gap in gaps:
        mine = [row for row in rows if row["gap_id"] == gap.pk]
        reasons, weeks = Counter[str](), Counter[date]()
        for row in mine:
            reasons[row["reason"]] += row["count"]
            weeks[row["week"]] += row["count"]
        told[gap.pk] = {
            "question_count": sum(reasons.values()),
            "reasons": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
            "weeks": [{"week": week, "count": weeks[week]} for week in sorted(weeks, reverse=True)],
        }
    return told


def list_examples(gap: Gap) -> list[GapQuestion]:
    """Return the newest questions, in the visitors' words."""
    return list(gap.questions.select_related("message").order_by("-asked_at", "-id")[:EXAMPLES])


def list_wordings(gap: Gap, most: int) -> list[str]:
    """Return the gap's questions as they are understood alone, the most frequent first, then the oldest."""
    asked = gap.questions.order_by().values_list("text", "asked_at")
    counts = Counter(text for text, _ in asked)
    first: dict[str, Any] = {}
    for text, at in asked:
        first[text] = min(at, first.get(text, at))
    return sorted(counts, key=lambda text: (-counts[text], first[text], text))[:most]


def list_closest(gap: Gap, examples: Sequence[GapQuestion]) -> list[Close]:
    """Return what the searches for these questions found most often and the bot still answers from."""
    found: Counter[str] = Counter()
    for each in examples:
        retrieval = (each.message.trace or {}).get("retrieval") or {}
        found.update(passage["chunk_id"] for passage in retrieval.get("passages") or ())
    ordered = sorted(found, key=lambda chunk_id: (-found[chunk_id], chunk_id))[: 4 * CLOSEST]
    chunks = Chunk.objects.filter(
        pk__in=ordered,
        source__in=Source.objects.answering(gap.bot_profile_id, ANYONE).order_by().values("pk"),
        document__restricted_to__isnull=True,
    ).select_related("document", "source")
    by_id = {str(chunk.pk): chunk for chunk in chunks}
    return [
        Close(
            chunk.pk, chunk.source_id, chunk.document.title or chunk.source.name, chunk.heading,
            chunk.document.url, chunk.content, found[str(chunk.pk)],
        )
        for chunk in (by_id[chunk_id] for chunk_id in ordered if chunk_id in by_id)
    ][:CLOSEST]  # fmt: skip
