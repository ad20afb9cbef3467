"""Makes the source that the admin's form describes."""

from __future__ import annotations

from typing import Any

from knowledge.bulk.scanning import Found
from knowledge.models import Source, SourceType
from knowledge.models.standing import STANDING
from knowledge.models.states import SYNCED
from knowledge.sources.changing import create_source, upload_source
from knowledge.sources.forms.files import ReadFile
from knowledge.sources.forms.preview import choose_home
from knowledge.sources.putting_files import NewFile, put_file
from knowledge.sources.upserts import Upserted
from knowledge.tasks import queue_ingestion


def make_source(data: dict[str, Any]) -> Source:
    """Make the source of a checked form and queue it; of several files one each, and the first is returned.

    Raises QuotaExceeded.
    """
    standing = {name: data[name] for name in STANDING}
    if data["source_type"] == SourceType.UPLOAD:
        first, *_others = [_upload(data, file, standing) for file in data["files"]]
        return first
    home = choose_home(data)
    fields = {
        "bot_profile_id": home.bot.pk if home.bot else None, "dataset_id": home.dataset.pk,
        "source_type": data["source_type"], "name": data["name"], "description": data["description"],
        "config": data["config"], **standing,
    }  # fmt: skip
    if data["source_type"] == SourceType.URL:
        fields["config"] = {**data["config"], "url": data["url"]}
        fields["refresh_schedule"] = data["refresh_schedule"]
    elif data["source_type"] in (SourceType.NYXCORE, *SYNCED):
        fields["refresh_schedule"] = data["refresh_schedule"]
    else:
        fields["content"] = data["content"]
    source = create_source(fields)
    queue_ingestion(source)
    return source


def put_in_folder(data: dict[str, Any], place: str) -> tuple[Source, Upserted]:
    """Put the one file of a checked form where it lies in a folder: the folder, dropped again, brings no second one.

    Raises QuotaExceeded, Conflict (`source_type_fixed`).
    """
    [file] = data["files"]
    said = {name: data[name] for name in STANDING} | {"description": data["description"]}
    found = Found(place)
    return put_file(
        choose_home(data),
        None,
        found.external_id,
        NewFile(file.name, file.data, said, data["config"]),
    )


def _upload(data: dict[str, Any], file: ReadFile, standing: dict[str, Any]) -> Source:
    is_alone = len(data["files"]) == 1
    return upload_source(
        choose_home(data), None, name=data["name"] if is_alone else file.name, description=data["description"],
        file_name=file.name, kind=file.kind, data=file.data, standing=standing, config=data["config"],
    )  # fmt: skip
