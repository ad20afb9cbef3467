"""The file that a tenant travels in: a zip of streams with a manifest that says what each holds.

It is read as coming from anybody. Names are compared with those that we know and never become a path or SQL, nothing
is larger than its manifest says, and no line is read whole that is longer than a row can be.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, BinaryIO, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from minirag.lib.errors import BadInput

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SCHEMA, PUBLIC, FILES = "schema/", "public/", "files/"
_TABLE: Final = re.compile(r"(schema|public)/[a-z_][a-z0-9_]{0,62}")
_PIECE: Final = 1024 * 1024
_LONGEST_MANIFEST: Final = 32 * 1024 * 1024
_LONGEST_LINE: Final = 512 * 1024 * 1024
_HIGHEST_RATIO, _SMALL = 300, 64 * 1024 * 1024
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Others unpack a piece without a bound."""


class FileRefused(BadInput):
    """What cannot be taken in; nothing of it was written."""

    code = "tenant_file_invalid"


class StreamInfo(BaseModel):
    """One table's rows in the text format of PostgreSQL's COPY, or one file."""

    model_config = ConfigDict(extra="forbid")

    name: str
    columns: list[str] = []
    rows: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What the file holds, and what the tenant is like that it came from."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    product: str
    made_at: str
    slug: str
    schema_name: Annotated[str, Field(pattern=r"^t_[a-z0-9_]{1,61}$")]
    tenant: dict[str, Any]
    migrations: list[tuple[str, str]]
    secrets: Literal["sealed", "left_out"]
    salt: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""
    check: str = ""
    unreadable_secrets: int = 0
    left_out: list[str] = []
    streams: list[StreamInfo]

    @property
    def tenant_id(self) -> UUID:
        return UUID(str(self.tenant["id"]))

    def stream(self, name: str) -> StreamInfo | None:
        return next((each for each in self.streams if each.name == name), None)


class ArchiveWriter:
    """Writes streams one after another; nothing is held in memory but a row. A file without its manifest is none."""

    def __init__(self, target: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        self.streams: list[StreamInfo] = []

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(
            OSError
        ):  # what was written is thrown away, and why it ends is said by who broke off
            self._zip.close()

    def add(self, name: str, blocks: Iterable[bytes], columns: list[str] | None = None) -> None:
        digest, size, rows = hashlib.sha256(), 0, 0
        with self._zip.open(name, "w", force_zip64=True) as entry:
            for block in blocks:
                entry.write(block)
                digest.update(block)
                size, rows = size + len(block), rows + block.count(b"\n")
        self.streams.append(
            StreamInfo(
                name=name, columns=columns or [], rows=rows if columns else 0, size=size,
                sha256=digest.hexdigest(),
            )
        )  # fmt: skip

    def close(self, facts: dict[str, Any]) -> Manifest:
        """Write the manifest, which ends the file."""
        manifest = Manifest(format=FORMAT, streams=self.streams, **facts)
        self._zip.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        self._zip.close()
        return manifest


class ArchiveReader:
    """Reads such a file. Raises FileRefused for what is none, or is damaged, or holds what does not belong there."""

    def __init__(self, source: Path | BinaryIO) -> None:
        with _damage_told():
            self._zip = zipfile.ZipFile(source)
        if any(info.compress_type not in _PACKED for info in self._zip.infolist()):
            raise FileRefused("The file is packed in a way that exports are not.")
        self.manifest = self._read_manifest()
        self._check_names()

    def __enter__(self) -> ArchiveReader:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()

    def verify(self) -> None:
        """Read every stream to its end and compare it with the manifest."""
        for stream in self.manifest.streams:
            digest, rows = hashlib.sha256(), 0
            for piece in self._pieces(stream):
                digest.update(piece)
                rows += piece.count(b"\n")
            if digest.hexdigest() != stream.sha256 or (stream.columns and rows != stream.rows):
                raise FileRefused(f"{stream.name} is not what the file's manifest says it is.")

    def lines(self, stream: StreamInfo) -> Iterator[bytes]:
        """Yield a table's rows, each with its end of line."""
        with _damage_told(), self._zip.open(stream.name) as entry:
            while line := entry.readline(_LONGEST_LINE):
                if not line.endswith(b"\n"):
                    raise FileRefused(f"A row of {stream.name} is cut short or too long.")
                yield line

    def pieces(self, stream: StreamInfo) -> Iterator[bytes]:
        yield from self._pieces(stream)

    def _pieces(self, stream: StreamInfo) -> Iterator[bytes]:
        seen = 0
        with _damage_told(), self._zip.open(stream.name) as entry:
            while piece := entry.read(_PIECE):
                seen += len(piece)
                if seen > stream.size:
                    break
                yield piece
        if seen != stream.size:
            raise FileRefused(f"{stream.name} is longer or shorter than the file's manifest says.")

    def _read_manifest(self) -> Manifest:
        with _damage_told():
            try:
                info = self._zip.getinfo(MANIFEST)
            except KeyError:
                raise FileRefused("This is no file of a tenant: it has no manifest.") from None
            with self._zip.open(info) as entry:
                text = entry.read(_LONGEST_MANIFEST + 1)
        if len(text) > _LONGEST_MANIFEST:
            raise FileRefused("The file's manifest is too long.")
        try:
            manifest = Manifest.model_validate_json(text)
            manifest.tenant_id  # noqa: B018 - it has to be one
        except (ValidationError, ValueError, KeyError, TypeError):
            raise FileRefused(
                "The file's manifest cannot be understood: it was made by another product or version."
            ) from None
        return manifest

    def _check_names(self) -> None:
        told = [stream.name for stream in self.manifest.streams]
        held = [info.filename for info in self._zip.infolist() if info.filename != MANIFEST]
        if sorted(told) != sorted(held) or len(set(told)) != len(told):
            raise FileRefused("The file does not hold what its manifest says.")
        if self._zip.namelist().count(MANIFEST) != 1:
            raise FileRefused("The file has two manifests.")
        for stream in self.manifest.streams:
            if not (_TABLE.fullmatch(stream.name) or is_plain_path(stream.name)):
                raise FileRefused("The file names what no tenant has.", code="tenant_file_foreign")
            info = self._zip.getinfo(stream.name)
            if info.file_size != stream.size:
                raise FileRefused(f"{stream.name} is not as long as the file's manifest says.")
            if stream.size > _SMALL and stream.size > _HIGHEST_RATIO * max(info.compress_size, 1):
                raise FileRefused(f"{stream.name} unpacks to more than it can have held.")


def is_plain_path(name: str) -> bool:
    """Whether it is a stream of a file below the tenant's own folder, and nothing that a path could be bent to."""
    below = name.removeprefix(FILES)
    path = PurePosixPath(below)
    return (
        name.startswith(FILES)
        and bool(below)
        and str(path) == below
        and not path.is_absolute()
        and not {"..", "."} & set(path.parts)
        and not any(ord(sign) < 32 or sign == "\\" for sign in below)
    )


@contextmanager
def _damage_told() -> Iterator[None]:
    """Say plainly what zip says in many ways."""
    try:
        yield
    except _DAMAGE as error:
        raise FileRefused("The file is damaged or cut short, or no zip file.") from error
