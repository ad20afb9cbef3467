"""What people do with a gap: answer it for good, put it away, open it again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from django.db import transaction

from conversations.gaps.reading import find_gap, list_wordings
from conversations.golden.changing import create_golden
from conversations.models.gaps import Gap, GapState
from knowledge.curated.changing import clean_questions, create_answer, find_taken
from knowledge.curated.same_question import asks_the_same, key_of
from knowledge.models import CuratedAnswer
from minirag.lib.errors import Conflict
from tenants.audit import record

MOST_SUGGESTED: Final = 50


def suggest_questions(gap: Gap) -> list[str]:
    """The gap's questions that one answer fits for sure, the most frequent first, and that have none yet.

    What is only like the first in meaning may want another answer: people add it where they see that it does not.
    """
    wordings = clean_questions(list_wordings(gap, MOST_SUGGESTED))
    if not wordings:
        return []
    main = wordings[0]
    alike = [text for text in wordings[1:] if asks_the_same(text, main, gap.language)]
    return [main, *(text for text in alike if not _is_taken(gap, text))]


def answer_gap(
    gap: Gap,
    fields: dict[str, Any],
    *,
    questions: Sequence[str] | None,
    by: str,
    is_golden: bool = True,
) -> CuratedAnswer:
    """Make a curated answer of the gap's bot to these questions, or those that `suggest_questions` names.

    With `is_golden` the first becomes a golden question, where it is none yet. Raises what `create_answer` does.
    """
    asked = suggest_questions(gap) if questions is None else list(questions)
    with transaction.atomic():
        _lock(gap)
        wanted = {"language": gap.language, **fields}
        curated = create_answer(wanted, questions=asked, bot_profile_ids=[gap.bot_profile_id])
        gap.decide(GapState.ANSWERED, by=by, curated_answer_id=curated.pk)
        record("gap.answered", detail={"gap_id": gap.pk, "curated_answer_id": curated.pk})
        if is_golden:
            _make_golden(gap, curated, by)
    return curated


def dismiss_gap(gap: Gap, *, by: str) -> None:
    """Put a gap away: it stays so, however often it is asked again."""
    _decide(gap, GapState.DISMISSED, by=by, action="gap.dismissed")


def reopen_gap(gap: Gap, *, by: str) -> None:
    """Open a gap again that was answered or put away."""
    _decide(gap, GapState.OPEN, by=by, action="gap.reopened")


def _decide(gap: Gap, state: GapState, *, by: str, action: str) -> None:
    with transaction.atomic():
        _lock(gap)
        gap.decide(state, by=by)
        record(action, detail={"gap_id": gap.pk})


def _lock(gap: Gap) -> None:
    """Raises NotFound where its questions were erased in between."""
    Gap.objects.select_for_update().filter(pk=gap.pk).first()
    find_gap(gap.pk)


def _is_taken(gap: Gap, text: str) -> bool:
    return find_taken([gap.bot_profile_id], [key_of(text)]) is not None


def _make_golden(gap: Gap, curated: CuratedAnswer, by: str) -> uuid.UUID | None:
    """A question that is golden already, or one too many, keeps nobody from answering."""
    with suppress(Conflict), transaction.atomic():
        wanted = {"question": curated.question, "language": curated.language}
        return create_golden(gap.bot_profile, wanted, made_by=by).pk
    return None
