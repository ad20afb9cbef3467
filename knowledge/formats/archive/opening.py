"""Zip archives of documents: what is refused as a whole, and which of its files are read, under which names."""

from __future__ import annotations

import contextlib
import io
import lzma
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from knowledge.formats.sections import ParseError, SectionWriter, clean_line

MOST_FILES: Final = 5000
MOST_UNPACKED: Final = 500 * 1024 * 1024
LONGEST_PATH: Final = 400
_LARGEST_DIRECTORY: Final = 3 * 1024 * 1024
_LONGEST_TAIL: Final = 2**16 + 200
_OF_SYSTEMS: Final = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
_UTF8_NAME: Final = 0x800
UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, EOFError, OSError, KeyError, RuntimeError,
    lzma.LZMAError,
)  # fmt: skip
"""What opening or unpacking a broken archive raises."""


@dataclass(frozen=True)
class PackedFile:
    """A file in an archive under a name that leads nowhere and turns no text around."""

    path: str
    info: zipfile.ZipInfo


def parse_zip(data: bytes, writer: SectionWriter) -> dict[str, object]:
    """An archive has no text of its own: only whether it can be opened. Its files are read one by one."""
    return {"files": len(open_archive(data)[1])}


def has_small_directory(data: bytes, most_files: int = MOST_FILES) -> bool:
    """Whether the list of a zip's files is of a size to be read here: each of its entries costs us much more memory.

    The form for more than 4 GB is refused, for it says the size elsewhere, and no file that is taken is so large.
    """
    tail = data[-_LONGEST_TAIL:]
    if b"PK\x06\x07" in tail:
        return False
    ends = [found.start() for found in re.finditer(b"PK\x05\x06", tail)]
    sizes = [int.from_bytes(tail[at + 12 : at + 16], "little") for at in ends]
    size = max(sizes, default=0)
    entries = data.count(b"PK\x01\x02", max(0, len(data) - len(tail) - size))
    return size <= _LARGEST_DIRECTORY and entries <= 2 * most_files


def open_archive(data: bytes) -> tuple[zipfile.ZipFile, list[PackedFile]]:
    """The archive and the files in it, in the order of their names. Raises ParseError."""
    archive, files = open_stream(io.BytesIO(data), most_files=MOST_FILES)
    if sum(file.info.file_size for file in files) > MOST_UNPACKED:
        raise ParseError("This archive unpacks to more data than is allowed.", code="too_large")
    return archive, files


def open_stream(stream: BinaryIO, *, most_files: int) -> tuple[zipfile.ZipFile, list[PackedFile]]:
    """As `open_archive`, for an archive that is read file by file: what it unpacks to in all is not looked at."""
    stream.seek(max(0, stream.seek(0, io.SEEK_END) - _LONGEST_TAIL - _LARGEST_DIRECTORY))
    if not has_small_directory(stream.read(), most_files):
        raise ParseError(f"This archive holds more than {most_files} files.", code="too_large")
    try:
        archive = zipfile.ZipFile(stream)
    except (*UNREADABLE, MemoryError):
        raise ParseError("This archive is broken: it is not a zip file.") from None
    entries = [info for info in archive.infolist() if not info.is_dir()]
    if len(entries) > most_files:
        raise ParseError(f"This archive holds more than {most_files} files.", code="too_large")
    files = list(_name_files(entries))
    if not files:
        raise ParseError("This archive holds no files.", code="no_content")
    return archive, sorted(files, key=lambda file: file.path)


def _name_files(entries: list[zipfile.ZipInfo]) -> Iterator[PackedFile]:
    taken: set[str] = set()
    for number, info in enumerate(entries, 1):
        parts = _clean_path(info)
        if any(part in _OF_SYSTEMS or part.startswith("._") for part in parts):
            continue
        unique = choose_name("/".join(parts) or f"file {number}", taken)
        taken.add(unique)
        yield PackedFile(unique, info)


def choose_name(path: str, taken: set[str]) -> str:
    """A path that is not taken yet: two files of one name are two documents, of the same format."""
    path = path[-LONGEST_PATH:]
    suffix = PurePosixPath(path).suffix
    stem, unique, number = path.removesuffix(suffix), path, len(taken)
    while unique in taken:
        number += 1
        unique = f"{stem} ({number}){suffix}"
    return unique


def _clean_path(info: zipfile.ZipInfo) -> list[str]:
    name = info.filename
    if not info.flag_bits & _UTF8_NAME:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")  # what most packers write and do not say
    shown = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    parts = [clean_line(part) for part in shown.replace("\\", "/").split("/")]
    return [part for part in parts if part not in ("", ".", "..") and not part.endswith(":")]


def read_file(archive: zipfile.ZipFile, file: PackedFile, *, limit: int) -> bytes:
    """Its bytes, however many it says that there are. Raises ParseError."""
    if file.info.flag_bits & 0x1:
        raise ParseError("It is encrypted.", code="encrypted")
    if stat.S_ISLNK(file.info.external_attr >> 16):
        raise ParseError("It only leads to another file.", code="unsupported")
    try:
        with archive.open(file.info) as stream:
            data = stream.read(limit + 1)
    except (*UNREADABLE, MemoryError):
        raise ParseError("It is packed in a way that cannot be read, or broken.") from None
    if len(data) > limit:
        raise ParseError(f"It is larger than {limit // 2**20} MB.", code="too_large")
    return data
