"""Files that are zip packages: what is refused before anything is unpacked, and parts that are read within bounds."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from knowledge.formats.archive.opening import UNREADABLE
from knowledge.formats.sections import ParseError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MOST_UNPACKED: Final = 256 * 1024 * 1024
MOST_PARTS: Final = 5000
LARGEST_PART: Final = 64 * 1024 * 1024
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True)
class Package:
    """An opened package; `name` is what people call such a file."""

    archive: zipfile.ZipFile
    name: str

    def has(self, part: str) -> bool:
        return part in self.archive.NameToInfo

    def read(self, part: str) -> bytes:
        """The bytes of a part, however much it says that it holds. Raises ParseError."""
        try:
            with self.archive.open(part) as stream:
                data = stream.read(LARGEST_PART + 1)
        except UNREADABLE:
            raise ParseError(f"This {self.name} is broken: {part[:100]} cannot be read.") from None
        if len(data) > LARGEST_PART:
            raise ParseError(
                f"This {self.name} unpacks to more data than is allowed.", code="too_large"
            )
        return data

    def read_xml(self, part: str) -> Element:
        return read_safely(self.read(part), self.name)


def open_package(data: bytes, name: str, needed: str) -> Package:
    """Raises ParseError for what is no such package, is encrypted, or would unpack to absurd sizes."""
    if data.startswith(_OLE):
        raise ParseError(
            f"This {name} is encrypted or in an old format. Please save it in today's, without a password.",
            code="encrypted",
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except UNREADABLE:
        raise ParseError(f"This {name} is broken: it is no package of such a kind.") from None
    parts = archive.infolist()
    if any(part.flag_bits & 0x1 for part in parts):
        raise ParseError(
            f"This {name} is encrypted. Please save it without a password.", code="encrypted"
        )
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise ParseError(f"This {name} unpacks to more data than is allowed.", code="too_large")
    if needed not in archive.NameToInfo:
        raise ParseError(f"This {name} is broken: it is no package of such a kind.")
    return Package(archive, name)


def read_safely(data: bytes, name: str) -> Element:
    """XML without entities of its own, which could grow without bound. Raises ParseError."""
    from xml.etree.ElementTree import ParseError as BrokenXml

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(data)
    except (BrokenXml, DefusedXmlException, ValueError, LookupError):
        raise ParseError(f"This {name} is broken and cannot be read.") from None
