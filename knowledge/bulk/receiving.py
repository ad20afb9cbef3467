"""Many files of one multipart request, kept on disk while they come in: a thousand cost the memory of the largest."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from pydantic import BaseModel

from knowledge.formats.uploads import largest_bytes, shorten_file_name
from minirag.lib.http_in.ignored import find_unknown, note_ignored
from minirag.lib.http_in.rest import InvalidFields, check_form_text, validate_fields
from minirag.lib.strict_json import InvalidJSON, UnstorableText, parse_json

FIELD: Final = "files"
_IN_MEMORY: Final = 1024 * 1024
F = TypeVar("F", bound=BaseModel)


@dataclass
class Received:
    """A file as it came in; `size` is None where it is larger than the limit of its kind."""

    name: str
    start: int
    size: int | None = 0


class SpoolingUploadHandler(FileUploadHandler):
    """Writes the parts `files` one behind the other into a temporary file, and drops what is beyond the limit."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.received: list[Received] = []
        self._spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - as long as the request
        self._at: Received | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        name = shorten_file_name(self.file_name or "")
        self._at = Received(name, self._spool.tell()) if self.field_name == FIELD else None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        at = self._at
        if at is None or at.size is None:
            return
        if at.size + len(raw_data) > largest_bytes(at.name):
            at.size = None
            self._spool.seek(at.start)
            self._spool.truncate()
            return
        self._spool.write(raw_data)
        at.size += len(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        if self._at is not None:
            self.received.append(self._at)
        self._at = None
        return None

    def read(self, file: Received) -> bytes | None:
        """Its bytes; None where there are too many."""
        if file.size is None:
            return None
        self._spool.seek(file.start)
        return self._spool.read(file.size)


@dataclass(frozen=True)
class Files:
    """What came in: `names` in their order, and one after the other what they hold."""

    handler: SpoolingUploadHandler

    @property
    def names(self) -> list[str]:
        return [file.name for file in self.handler.received]

    def __iter__(self) -> Iterator[tuple[str, bytes | None]]:
        for file in self.handler.received:
            yield file.name, self.handler.read(file)


def receive_files(request: HttpRequest, form_model: type[F]) -> tuple[F, Files]:
    """Read the parts `files` and those of `form_model`. Raises InvalidFields."""
    handler = SpoolingUploadHandler(request)
    request.upload_handlers = [handler]
    posted = request.POST.dict() if request.content_type == "multipart/form-data" else {}
    fields: dict[str, Any] = {name: value for name, value in posted.items() if value != ""}
    check_form_text(fields)
    if "external_ids" in fields:
        fields["external_ids"] = _read_list(fields["external_ids"])
    form = validate_fields(form_model, fields, where="body")
    if not handler.received:
        raise InvalidFields.of("missing", ("body", FIELD), "Field required")
    note_ignored(request, find_unknown(form, posted))
    return form, Files(handler)


def _read_list(text: str) -> Any:
    """A JSON list in a part, or what came, for the model to refuse."""
    try:
        return parse_json(text.encode())
    except InvalidJSON:
        return text
    except UnstorableText as error:
        raise InvalidFields.of(
            "string_unicode", ("body", "external_ids", *error.loc), error.reason
        ) from None
