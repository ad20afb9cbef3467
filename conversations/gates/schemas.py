"""A bot's gate and draft on the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictBool

from bots.models import QualityGate
from minirag.lib.http_in.nouns import Moment, Noun, Shown
from minirag.lib.http_in.rest import Body


class QualityGateSchema(Noun, of=QualityGate):
    bot_profile_id: Shown[UUID]
    least_right: Annotated[float | None, Field(examples=[0.9])]
    least_declined_right: float | None
    least_citation_valid: float | None
    least_support: float | None
    forbids_worse: StrictBool
    run_id: Annotated[
        Shown[UUID | None],
        Field(description="The last run of what is live; null: it was never measured."),
    ]
    changed: Annotated[
        Shown[list[str]],
        Field(
            description="What has changed since that run and counts at once, gate or not: as in a draft.",
            examples=[["index"]],
        ),
    ]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]


class NewQualityGate(QualityGateSchema, reads="new"):
    """Every threshold that is not sent is none."""


class GateFailureSchema(Noun):
    figure: Annotated[str, Field(examples=["right"], description="`worse`: questions that got worse.")]  # fmt: skip
    wanted: float
    got: float | None
    questions: list[str]


class MeasureSchema(Noun):
    """What the gate asks for, beside what the draft's run came to."""

    figure: Annotated[str, Field(examples=["right"])]
    wanted: float
    got: float | None
    is_reached: bool


class BotDraftSchema(Noun):
    bot_profile_id: UUID
    changes: Annotated[dict[str, Any], Field(examples=[{"passage_count": 8}])]
    run_id: Annotated[UUID | None, Field(description="The run that it is judged by.")]
    baseline_id: Annotated[UUID | None, Field(description="The run of what is published.")]
    is_passed: bool
    failures: list[GateFailureSchema]
    measures: list[MeasureSchema]
    changed: Annotated[
        list[str],
        Field(
            description="What has changed since the run, which has to be made again: `questions`, `index` (what is "
            "answered from), `curated`, `scopes`, `embedding_model`, `version`.",
            examples=[["questions"]],
        ),
    ]
    made_by: Annotated[str, Field(description="Who changed it last, by e-mail address.")]
    created_at: Moment
    updated_at: Moment


class DraftRun(Body):
    judge_model: Annotated[str, Field(max_length=100)] = ""


class DraftPublication(Body):
    reason: Annotated[
        str, Field(max_length=1000, description="Why it is published without passing. It is kept in the audit log.")
    ] = ""  # fmt: skip
