"""What the dataset endpoints read and write."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from knowledge.datasets.figures import DatasetFigures
from knowledge.models import BotDataset, Dataset
from minirag.lib.http_in.pagination import PageQuery
from minirag.lib.http_in.rest import Body, naive_utc
from tenants.context import require_tenant

_LARGEST_METADATA = 16_384


def _check_size(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(metadata)) > _LARGEST_METADATA:
        raise ValueError(f"metadata may have {_LARGEST_METADATA} characters as JSON")
    return metadata


Metadata = Annotated[dict[str, Any], AfterValidator(_check_size)]
DatasetName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Tags = Annotated[
    list[Tag], Field(max_length=50), AfterValidator(lambda tags: list(dict.fromkeys(tags)))
]
ModelId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Priority = Annotated[int, Field(ge=1, le=100, strict=True)]


class NewDataset(Body):
    name: DatasetName
    description: Annotated[str, Field(max_length=1000)] = ""
    tags: Tags = []
    metadata: Metadata = {}
    is_active: StrictBool = True
    embedding_model: ModelId | None = None


class DatasetChanges(Body):
    """Only `model_fields_set` counts; the defaults are never used."""

    name: DatasetName = ""
    description: Annotated[str, Field(max_length=1000)] = ""
    tags: Tags = []
    metadata: Metadata = {}
    is_active: StrictBool = True
    embedding_model: ModelId = ""


class DatasetQuery(PageQuery):
    q: Annotated[str, Field(max_length=255)] = ""
    tag: Annotated[str, Field(max_length=50)] = ""
    is_active: bool | None = None
    include_private: bool = False


class DeletionQuery(Body):
    force: bool = False


class NewLink(Body):
    bot_profile_id: UUID
    priority: Priority = 1
    is_active: StrictBool = True


class LinkChanges(Body):
    """Only `model_fields_set` counts; the defaults are never used."""

    priority: Priority = 1
    is_active: StrictBool = True


class WantedLink(Body):
    dataset_id: UUID
    priority: Priority | None = None
    is_active: StrictBool = True


class WantedLinks(Body):
    datasets: Annotated[list[WantedLink], Field(max_length=100)]


def render_dataset(dataset: Any) -> dict[str, Any]:
    """Render a row of `knowledge.datasets.changing.listed_datasets`, which has the counts."""
    return {
        "id": str(dataset.pk),
        "tenant_id": str(require_tenant().pk),
        "name": dataset.name,
        "description": dataset.description,
        "tags": dataset.tags,
        "metadata": dataset.metadata,
        "is_active": dataset.is_active,
        "is_shared": dataset.is_shared,
        "bot_profile_id": str(dataset.bot_profile_id) if dataset.bot_profile_id else None,
        "embedding_model": dataset.embedding_model,
        "embedding_dimensions": dataset.embedding_dimensions,
        "source_count": dataset.source_count,
        "bot_count": dataset.bot_count if dataset.is_shared else 1,
        "created_at": naive_utc(dataset.created_at),
        "updated_at": naive_utc(dataset.updated_at),
    }


def render_link(link: BotDataset) -> dict[str, Any]:
    dataset: Dataset = link.dataset
    return {
        "bot_profile_id": str(link.bot_profile_id),
        "bot_name": link.bot_profile.name,
        "dataset_id": str(link.dataset_id),
        "dataset_name": dataset.name,
        "priority": link.priority,
        "is_active": link.is_active,
        "is_searched": link.is_active and dataset.is_active,
        "created_at": naive_utc(link.created_at),
    }


def render_figures(figures: DatasetFigures) -> dict[str, Any]:
    return {
        "sources": figures.sources,
        "sources_by_status": figures.by_status,
        "documents": figures.documents,
        "chunks": figures.chunks,
        "embedded_chunks": figures.embedded,
        "embedding_progress": figures.embedding_progress,
        "tokens": figures.tokens,
        "characters": figures.characters,
        "bytes": figures.octets,
        "bots": figures.bots,
        "active_bots": figures.active_bots,
        "last_activity_at": naive_utc(figures.last_activity_at),
    }
