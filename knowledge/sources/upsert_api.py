"""`/v1/sources/by-external-id/{external_id}`: sources under the ids of the system they come from."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.utils.translation import gettext
from pydantic import StringConstraints
from rest_framework.request import Request

from knowledge.formats.uploads import Upload, check_file, largest_bytes, shorten_file_name
from knowledge.models import Source, SourceType
from knowledge.models.standing import STANDING
from knowledge.sources.api import note_idle, show_source
from knowledge.sources.changing import find_parent
from knowledge.sources.finding import summarise_children
from knowledge.sources.homes import find_home
from knowledge.sources.putting_files import NewFile, put_file
from knowledge.sources.schemas import ExternalIdQuery, PutSource, SourceSchema
from knowledge.sources.upserts import (
    Upserted,
    delete_by_external_id,
    find_by_external_id,
    upsert_source,
)
from minirag.lib.errors import BadInput
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

    def find_held(
        self, external_id: str, query: ExternalIdQuery | None = None, body: PutSource | None = None
    ) -> tuple[UUID, ExternalIdQuery]:
        """The source that is meant, which a PUT says in its body, held as it is by its own id."""
        if body is not None:
            query = ExternalIdQuery(bot_profile_id=body.bot_profile_id, dataset_id=body.dataset_id)
        query = query or ExternalIdQuery()
        return find_by_external_id(_read_id(external_id), **query.model_dump()).pk, query

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
        "or config are new; where nothing is, nothing happens. Fields that are not sent are at their defaults. A file "
        "is an `upload` with its bytes in `file_base64`.",
        errors={404: "No such parent source or dataset in this tenant.", 409: "`source_type_fixed`."},
        example={
            "bot_profile_id": EXAMPLE_IDS["bot_profile_id"], "name": "Hours", "source_type": "text",
            "content": "Open from 9 to 17.",
        },
    )  # fmt: skip
    def put(self, request: Request, external_id: str, body: PutSource) -> Returned:
        source, outcome = _put(_read_id(external_id), body)
        note_idle(request, body.source_type, body.config)
        shown = show_source(source, summarise_children([source.pk]).get(source.pk))
        return Returned(shown, status=201 if outcome is Upserted.CREATED else 200)

    @describe(
        "Delete a source by your own id", query=ExternalIdQuery, answers={204: None}, path=_PATH,
        errors={409: _AMBIGUOUS}, description=f"{_WHERE} Twice is as good as once.",
    )  # fmt: skip
    def delete(self, request: Request, external_id: str, query: ExternalIdQuery) -> None:
        delete_by_external_id(_read_id(external_id), **query.model_dump())


def _put(external_id: str, body: PutSource) -> tuple[Source, Upserted]:
    fields = body.fields()
    data, file_name = fields.pop("file_base64"), fields.pop("file_name")
    if data is None:
        return upsert_source(external_id, fields)
    if body.source_type != SourceType.UPLOAD:
        raise BadInput(gettext("Only an upload has a file"), code="file_not_of_upload")
    name = shorten_file_name(file_name or body.name)
    fits = len(data) <= largest_bytes(name)
    data = check_file(Upload(body, name, data if fits else None))
    home = find_home(body.bot_profile_id, body.dataset_id)
    parent = find_parent(home, body.parent_id)
    columns = ("name", "description", "refresh_schedule", "is_active", *STANDING)
    said = {column: fields[column] for column in columns if column in fields}
    if said["is_active"] is None:
        del said["is_active"]
    return put_file(home, parent, external_id, NewFile(name, data, said))


def _read_id(text: str) -> str:
    check_form_text({"external_id": text}, where="path")
    return validate_fields(_Path, {"external_id": text}, where="path").external_id
