"""Evaluation runs on the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from conversations.models import EvaluationResult, EvaluationRun, RunStatus
from minirag.lib.http_in.nouns import Fixed, Moment, Noun, Shown
from minirag.lib.http_in.openapi import EXAMPLE_IDS
from minirag.lib.http_in.pagination import PagedSchema, PageQuery
from minirag.lib.http_in.rest import Body

_FIGURES = (
    "Shares from 0 to 1 (null: nothing to measure), sums and milliseconds: see docs/evaluation.md."
)


class EvaluationRunSchema(Noun, of=EvaluationRun):
    id: Shown[UUID]
    bot_profile_id: Shown[UUID]
    status: Shown[RunStatus]
    error_code: Shown[str]
    error_message: Shown[str]
    is_draft: Shown[bool]
    tag: Fixed[str]
    judge_model: Fixed[str]
    configuration: Shown[dict[str, Any]]
    configuration_hash: Shown[str]
    surroundings: Shown[dict[str, Any]]
    figures: Shown[Annotated[dict[str, Any], Field(description=_FIGURES)]]
    questions_total: Shown[int]
    questions_done: Shown[int]
    made_by: Shown[str]
    created_at: Shown[Moment]
    started_at: Shown[Moment | None]
    finished_at: Shown[Moment | None]


class EvaluationRunPageSchema(PagedSchema[EvaluationRunSchema]):
    """A bot's evaluation runs."""


class NewEvaluationRun(EvaluationRunSchema, reads="new"):
    pass


class EvaluationRunQuery(PageQuery):
    status: RunStatus | None = None


class EvaluationResultSchema(Noun, of=EvaluationResult):
    golden_question_id: UUID | None
    question: str
    answer: str
    outcome: str
    error_code: str
    refusal_reason: str
    is_right: bool
    measures: dict[str, Any]
    created_at: Moment


class EvaluationResultPageSchema(PagedSchema[EvaluationResultSchema]):
    """What each question of a run came to."""


class EvaluationResultQuery(PageQuery):
    is_right: bool | None = None


class ComparisonQuery(Body):
    before: Annotated[UUID, Field(examples=[EXAMPLE_IDS["evaluation_run_id"]])]


class ComparedFigureSchema(Noun):
    name: Annotated[str, Field(examples=["right"])]
    before: float | None
    after: float | None
    difference: float | None


class ChangedQuestionSchema(Noun):
    question: str
    before: EvaluationResultSchema
    after: EvaluationResultSchema


class ComparisonSchema(Noun):
    before: EvaluationRunSchema
    after: EvaluationRunSchema
    figures: list[ComparedFigureSchema]
    configuration: Annotated[
        dict[str, list[Any]], Field(description="What differs, as [before, after].")
    ]
    surroundings: dict[str, list[Any]]
    better: list[ChangedQuestionSchema]
    worse: list[ChangedQuestionSchema]
    asked_in_both: int
    asked_in_one: int
