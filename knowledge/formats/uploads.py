"""Read an uploaded file from a multipart request, and refuse in the contract's order what cannot be ingested.

The file is counted while it streams in, into a file of ours where it is not small, and what exceeds the limit is
dropped at once: an upload is in memory once, and a huge one never.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from pydantic import BaseModel

from knowledge.formats.isolated.measuring import check_isolated
from knowledge.formats.registry import (
    BY_SUFFIX,
    advise,
    format_of_upload,
    list_uploadable,
    suffix_of,
)
from minirag.lib.errors import BadInput
from minirag.lib.http_in.ignored import find_unknown, note_ignored
from minirag.lib.http_in.rest import InvalidFields, check_form_text, validate_fields

_NAME_LENGTH = 255
_IN_MEMORY = 1024 * 1024


F = TypeVar("F", bound=BaseModel)


@dataclass(frozen=True)
class Upload(Generic[F]):
    """What came in. `data` is None when the file is larger than the limit."""

    form: F
    file_name: str
    data: bytes | None

    @property
    def kind(self) -> str:
        return BY_SUFFIX[suffix_of(self.file_name)].kind


def read_upload(request: HttpRequest, form_model: type[F]) -> Upload[F]:
    """Read the part `file` and those of `form_model`. Raises InvalidFields."""
    handler = BoundedUploadHandler(request)
    request.upload_handlers = [handler]
    is_form = request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded")
    posted, files = (request.POST.dict(), request.FILES) if is_form else ({}, {})
    # As in the contract, an empty part is one that was not sent.
    fields = {name: value for name, value in posted.items() if value != ""}
    problems: list[dict[str, Any]] = []
    if "file" not in files:
        problems.append(_describe_missing_file(fields))
    check_form_text(fields)
    try:
        form = validate_fields(form_model, fields, where="body")
    except InvalidFields as error:
        raise InvalidFields([*problems, *error.errors]) from None
    if problems:
        raise InvalidFields(problems)
    note_ignored(request, find_unknown(form, posted))
    with files["file"] as file:  # and away with it
        data = None if handler.is_too_large else file.read()
    return Upload(form, shorten_file_name(file.name or ""), data)


def check_file(upload: Upload[Any]) -> bytes:
    """Check extension, then size, and return the bytes. Raises BadInput."""
    if format_of_upload(upload.file_name) is None:
        raise BadInput(
            f"Unsupported file type: {suffix_of(upload.file_name)}. Allowed: {list_uploadable()}"
            f"{'.' if (advice := advise(upload.file_name)) else ''}{advice}",
            code="file_type_unsupported",
        )
    if upload.data is None:
        shown = largest_bytes(upload.file_name) // 2**20
        raise BadInput(f"File too large. Maximum size is {shown} MB.", code="file_too_large")
    return upload.data


def check_readable(upload: Upload[Any], data: bytes) -> None:
    """Read the file once, in a child process, so that a broken or encrypted one is refused now.

    An empty file is let through: the contract has its ingestion fail. Raises ParseError, which is a BadInput.
    """
    if data:
        check_isolated(data, kind=upload.kind, name=upload.file_name)


def largest_bytes(file_name: str) -> int:
    """How large a file of this name may be; an archive may be five times as large as what it holds."""
    row = format_of_upload(file_name)
    return int(settings.MAX_UPLOAD_BYTES) * (5 if row is not None and row.is_archive else 1)


def shorten_file_name(name: str) -> str:
    """Cut a long name before its extension."""
    if len(name) <= _NAME_LENGTH:
        return name
    extension = PurePath(name).suffix[:20]
    return name[: _NAME_LENGTH - len(extension)] + extension


def _describe_missing_file(fields: dict[str, str]) -> dict[str, Any]:
    if "file" in fields:
        message = "Value error, Expected UploadFile, received: <class 'str'>"
        return {
            "type": "value_error",
            "loc": ("body", "file"),
            "msg": message,
            "input": fields["file"],
            "ctx": {},
        }
    return {"type": "missing", "loc": ("body", "file"), "msg": "Field required", "input": None}


class BoundedUploadHandler(FileUploadHandler):
    """Keeps the first `file` part up to the limit of its kind; drops what is beyond it, and every other file part."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.limit = 0
        self.is_too_large = False
        self._spool: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._finished = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.limit = largest_bytes(self.file_name or "")
        self._spool = None
        if self.field_name == "file" and not self._finished:
            self._spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - its reader closes it

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self._spool is None:
            return
        if start + len(raw_data) > self.limit:
            self.is_too_large = True
            self._spool.seek(0)
            self._spool.truncate()
        if not self.is_too_large:
            self._spool.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        if self._spool is None:
            return None
        self._finished = True
        self._spool.seek(0)
        return UploadedFile(self._spool, self.file_name or "", self.content_type or "", file_size)
