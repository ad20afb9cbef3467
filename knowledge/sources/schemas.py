"""Sources on the wire."""

from __future__ import annotations

import base64
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from bots.models import Tag
from knowledge.models import (
    RefreshSchedule,
    Source,
    SourceFile,
    SourceStatus,
    SourceType,
    Visibility,
)
from knowledge.sources.schedule import LONGEST_SCHEDULE, find_fault, looks_like_times
from minirag.lib.bounds import AsColumn
from minirag.lib.http_in.nouns import EmptyIsNull, Fixed, Moment, Noun, Shown, Sometimes
from minirag.lib.http_in.openapi import EXAMPLE_IDS
from minirag.lib.http_in.pagination import PlainPageQuery
from minirag.lib.http_in.rest import Body
from minirag.lib.security.groups import Groups


def divide(text: Any) -> Any:
    """A part of a form is a text, and a list in it is divided by commas."""
    return (
        [each for part in text.split(",") if (each := part.strip())]
        if isinstance(text, str)
        else text
    )


def _decode(text: Any) -> bytes | None:
    """The bytes of a file in JSON."""
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise PydanticCustomError("base64", "Input should be a file's bytes as base64") from None


def _once(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


def _check_schedule(schedule: str) -> str:
    """One of the names, or times with one space between their parts."""
    if not looks_like_times(schedule):
        if schedule in RefreshSchedule.values:
            return schedule
        names = ", ".join(f"'{name}'" for name in RefreshSchedule.values)
        raise PydanticKnownError("enum", {"expected": f"{names} or times as '15 6 * * 1-5'"})
    if fault := find_fault(schedule):
        raise PydanticCustomError("schedule", "{fault}", {"fault": fault})
    return " ".join(schedule.split())


Schedule = Annotated[
    str,
    Field(max_length=LONGEST_SCHEDULE),
    AfterValidator(_check_schedule),
    Field(
        description="`none`, `hourly`, `daily`, `weekly`, or times as in cron (`15 6 * * 1-5`) in the tenant's zone.",
        examples=["daily"],
    ),
]
_EXAMPLE_DATASET = EXAMPLE_IDS["dataset_id"]


class SourceSchema(Noun, of=Source):
    """The contract's keys, and `dataset_id` in a shared dataset and `external_id` where the integrator gave one."""

    id: Shown[UUID]
    tenant_id: Shown[UUID]
    bot_profile_id: Fixed[
        Annotated[UUID | None, Field(description="Null for some sources of a shared dataset.")]
    ]
    parent_id: Fixed[UUID | None]
    name: Annotated[str, Field(examples=["Hours"])]
    description: str
    source_type: Fixed[SourceType]
    status: Shown[SourceStatus]
    config: Annotated[dict[str, Any], Field(validation_alias="shown_config")]
    document_count: Shown[int]
    chunk_count: Shown[int]
    error_message: Shown[str | None]
    is_active: Shown[bool]
    refresh_schedule: Schedule | None
    last_refreshed_at: Shown[Moment | None]
    children_count: Shown[int]
    created_at: Shown[Moment]
    updated_at: Shown[Moment]
    dataset_id: Annotated[
        Sometimes[UUID],
        Field(
            validation_alias="shared_dataset_id",
            description="Only there for a source of a shared dataset.",
            examples=[_EXAMPLE_DATASET],
        ),
    ]
    external_id: Annotated[
        Sometimes[str],
        EmptyIsNull,
        Field(description="Only there where the integrator gave one.", examples=["hours-42"]),
    ]
    tags: Annotated[Sometimes[list[str]], EmptyIsNull, Field(description="Only there with a tag.")]
    weight: Annotated[
        Sometimes[float],
        BeforeValidator(lambda weight: None if weight == 1 else weight),
        Field(description="What its scores are multiplied by; only there where that is not 1."),
    ]
    is_pinned: Annotated[Sometimes[bool], EmptyIsNull, Field(description="Only there where it is.")]
    dated_on: Annotated[
        Sometimes[date],
        Field(
            description="The day that what it says is of; only there where one was given.",
            examples=["2026-03-01"],
        ),
    ]
    visibility: Annotated[
        Sometimes[Visibility],
        BeforeValidator(lambda said: None if said == Visibility.PUBLIC else said),
        Field(description="`private`: no visitor is answered from it; only there where it is."),
    ]
    groups: Annotated[
        Sometimes[list[str]],
        EmptyIsNull,
        Field(
            description="Whoever is in one of them is answered from it, and nobody else; only there with one.",
            examples=[["staff"]],
        ),
    ]


class WrittenAccess(BaseModel):
    """Whom a source is for."""

    visibility: Visibility = Visibility.PUBLIC
    groups: Groups = []


class WrittenStanding(WrittenAccess):
    """What people say of a source."""

    tags: Annotated[list[Tag], AfterValidator(_once)] = []
    weight: float = 1.0
    is_pinned: StrictBool = False
    dated_on: date | None = None


class _Absent:
    """What stands for a bot that a dataset makes unnecessary."""


class Home(BaseModel):
    """`bot_profile_id` is required and no null, as in the contract, unless `dataset_id` says where the source goes."""

    bot_profile_id: UUID | None
    dataset_id: UUID | None = None

    @model_validator(mode="before")
    @classmethod
    def _let_the_dataset_do(cls, fields: Any) -> Any:
        if (
            isinstance(fields, dict)
            and fields.get("dataset_id") is not None
            and fields.get("bot_profile_id") is None
        ):
            return {**fields, "bot_profile_id": _Absent}
        return fields

    @field_validator("bot_profile_id", mode="before")
    @classmethod
    def _require_a_bot(cls, value: Any) -> Any:
        if value is None:
            raise PydanticKnownError("uuid_type")
        return None if value is _Absent else value


class NewSource(Home, WrittenStanding, SourceSchema, reads="new"):  # type: ignore[misc]
    config: dict[str, Any] = {}
    content: str | None = None


class PutSource(NewSource):
    """A source as it is in the integrator's system; what is not of that system stays as it is unless it
    is sent: `is_active`, `tags`, `weight`, `is_pinned`, `dated_on`, `visibility`, `groups`.
    """

    is_active: StrictBool = True
    file_base64: Annotated[
        bytes | None,
        BeforeValidator(_decode),
        Field(
            description="Of an `upload`: the file's bytes, of a format that its `file_name` or `name` tells."
        ),
    ] = None
    file_name: Annotated[str, AsColumn(SourceFile, "name")] = ""

    def fields(self) -> dict[str, Any]:
        """Return the fields for `upsert_source`."""
        said = self.model_dump()
        kept = WrittenStanding.model_fields.keys() - self.model_fields_set
        return {name: value for name, value in said.items() if name not in kept} | (
            {} if "is_active" in self.model_fields_set else {"is_active": None}
        )


class SourceChanges(WrittenStanding, SourceSchema, reads="changes"):  # type: ignore[misc]
    """Only what is sent changes."""

    config: dict[str, Any]
    content: str | None
    is_active: bool


class NewChild(WrittenAccess, Noun, of=Source, reads="new"):
    name: str
    description: str = ""
    source_type: SourceType
    config: dict[str, Any] = {}
    content: str | None = None
    refresh_schedule: Schedule | None = None


class NewBatch(Home, WrittenAccess, Noun, of=Source, reads="new"):
    """`refresh_schedule` is that of every child without one of its own. Whom it is for narrows its children too."""

    name: str
    description: str = ""
    source_type: SourceType = SourceType.URL
    refresh_schedule: Schedule | None = None
    children: list[NewChild]


class UploadForm(Home, WrittenAccess, Noun, of=Source, reads="new"):
    """The text parts of an upload; `groups` divided by commas."""

    name: str = ""
    description: str = ""
    parent_id: UUID | None = None
    groups: Annotated[Groups, BeforeValidator(divide)] = []


class SourceQuery(PlainPageQuery):
    bot_profile_id: UUID | None = None
    dataset_id: UUID | None = None
    parent_id: UUID | None = None
    include_children: bool = False


class ExternalIdQuery(Body):
    bot_profile_id: UUID | None = None
    dataset_id: UUID | None = None


class SourceBatchSchema(Noun):
    parent: SourceSchema
    children: list[SourceSchema]


class IngestionSchema(Noun):
    status: Literal["accepted"]
    message: Annotated[
        str, Field(examples=["Ingestion queued for source 50c00000-0000-4000-8000-000000000001"])
    ]


class ChildrenIngestionSchema(IngestionSchema):
    enqueued: int
