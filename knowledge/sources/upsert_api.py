"""`/v1/sources/by-external-id/{external_id}`: sources under the ids of the system they come from."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import StringConstraints
from rest_framework.request import Request

from knowledge.sources.api import note_idle, show_source
from knowledge.sources.finding import summarise_children
from knowledge.sources.schemas import ExternalIdQuery, PutSource, SourceSchema
from knowledge.sources.upserts import (
    Upserted,
    delete_by_external_id,
    find_by_external_id,
    upsert_source,
)
from minirag.lib.http_in.answering import Returned
from minirag.lib.http_in.doors import TEXT_DOOR
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.rest import ApiView, Body, check_form_text, validate_fields
from tenants.calls.permissions import HasTenant, permit

_AMBIGUOUS = "`external_id_ambiguous`: several bots have a source of this id, and none was named."
_WHERE = "Of the bot `bot_profile_id` or the dataset `dataset_id`, which need not be named where the id is unique."
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"\S")]
_PATH = {"external_id": ExternalId}


class _Path(Body):
    external_id: ExternalId


class SourceByExternalId(ApiView):
    door = TEXT_DOOR
    permission_classes = (HasTenant, permit("sources"))

    @describe(
        "Show a source by your own id", query=ExternalIdQuery, answers={200: SourceSchema}, path=_PATH,
        errors={409: _AMBIGUOUS}, description=_WHERE,
    )  # fmt: skip
    def get(self, request: Request, external_id: str, query: ExternalIdQuery) -> Any:
        source = find_by_external_id(_read_id(external_id), **query.model_dump())
        return show_source(source, summarise_children([source.pk]).get(source.pk))

    @describe(
        "Put a source under your own id", body=PutSource, answers={200: SourceSchema, 201: SourceSchema}, path=_PATH,
        description="Makes it (201) or makes it what the body says (200). Its ingestion is queued where name, content "
        "or config are new; where nothing is, nothing happens. Fields that are not sent are at their defaults.",
        errors={404: "No such parent source or dataset in this tenant.", 409: "`source_type_fixed`."},
        example={
            "bot_profile_id": EXAMPLE_IDS["bot_profile_id"], "name": "Hours", "source_type": "text",
            "content": "Open from 9 to 17.",
        },
    )  # fmt: skip
    def put(self, request: Request, external_id: str, body: PutSource) -> Returned:
        source, outcome = upsert_source(_read_id(external_id), body.fields())
        note_idle(request, body.source_type, body.config)
        shown = show_source(source, summarise_children([source.pk]).get(source.pk))
        return Returned(shown, status=201 if outcome is Upserted.CREATED else 200)

    @describe(
        "Delete a source by your own id", query=ExternalIdQuery, answers={204: None}, path=_PATH,
        errors={409: _AMBIGUOUS}, description=f"{_WHERE} Twice is as good as once.",
    )  # fmt: skip
    def delete(self, request: Request, external_id: str, query: ExternalIdQuery) -> None:
        delete_by_external_id(_read_id(external_id), **query.model_dump())


def _read_id(text: str) -> str:
    check_form_text({"external_id": text}, where="path")
    return validate_fields(_Path, {"external_id": text}, where="path").external_id
