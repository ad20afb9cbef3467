"""What the source endpoints read and write."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictBool, field_validator, model_validator
from pydantic_core import PydanticKnownError

from knowledge.models import RefreshSchedule, Source, SourceType
from knowledge.sources.changing import ChildrenSummary
from knowledge.sources.configs import show_config
from minirag.lib.http_in.pagination import PlainPageQuery
from minirag.lib.http_in.rest import Body, naive_utc
from tenants.context import require_tenant

Name = Annotated[str, Field(max_length=255)]
Description = Annotated[str, Field(max_length=1000)]


class _Absent:
    """What stands for a bot that a dataset makes unnecessary."""


class HomeFields(Body):
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


class NewSource(HomeFields):
    name: Name
    description: Description = ""
    source_type: SourceType
    config: dict[str, Any] = {}
    content: str | None = None
    parent_id: UUID | None = None
    refresh_schedule: RefreshSchedule | None = None


class PutSource(NewSource):
    """A source as it is in the integrator's system; without `is_active` that stays as it is."""

    is_active: StrictBool = True

    def fields(self) -> dict[str, Any]:
        """Return the fields for `upsert_source`."""
        return self.model_dump() | (
            {} if "is_active" in self.model_fields_set else {"is_active": None}
        )


class ExternalIdQuery(Body):
    bot_profile_id: UUID | None = None
    dataset_id: UUID | None = None


class SourceChanges(Body):
    """Only `model_fields_set` counts; the defaults are never used."""

    name: Name = ""
    description: Description = ""
    config: dict[str, Any] = {}
    content: str | None = None
    is_active: bool = True
    refresh_schedule: RefreshSchedule | None = None


class NewChild(Body):
    name: Name
    description: Description = ""
    source_type: SourceType
    config: dict[str, Any] = {}
    content: str | None = None


class NewBatch(HomeFields):
    name: Name
    description: Description = ""
    source_type: SourceType = SourceType.URL
    children: list[NewChild]


class SourceQuery(PlainPageQuery):
    bot_profile_id: UUID | None = None
    dataset_id: UUID | None = None
    parent_id: UUID | None = None
    include_children: bool = False


class UploadForm(HomeFields):
    """The text parts of an upload."""

    name: Name = ""
    description: Description = ""
    parent_id: UUID | None = None


def render_source(source: Source, children: ChildrenSummary | None = None) -> dict[str, Any]:
    """Render a source; with a summary, its status and chunks are those of its children.

    `external_id` and, in a shared dataset, `dataset_id` are added to the contract's keys where there is one.
    """
    added = {"dataset_id": str(source.dataset_id)} if source.dataset.is_shared else {}
    if source.external_id:
        added["external_id"] = source.external_id
    return {
        "id": str(source.pk),
        "tenant_id": str(require_tenant().pk),
        "bot_profile_id": str(source.bot_profile_id) if source.bot_profile_id else None,
        "parent_id": str(source.parent_id) if source.parent_id else None,
        "name": source.name,
        "description": source.description,
        "source_type": source.source_type,
        "status": children.status if children else source.status,
        "config": show_config(source.source_type, source.config),
        "document_count": source.document_count,
        "chunk_count": children.chunk_count if children else source.chunk_count,
        "error_message": source.error_message,
        "is_active": source.is_active,
        "refresh_schedule": source.refresh_schedule,
        "last_refreshed_at": naive_utc(source.last_refreshed_at),
        "children_count": children.count if children else 0,
        "created_at": naive_utc(source.created_at),
        "updated_at": naive_utc(source.updated_at),
        **added,
    }
