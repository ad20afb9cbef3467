"""A Word file as a package: refused before anything is unpacked where it may do harm, and opened by python-docx."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.sections import ParseError

if TYPE_CHECKING:
    from docx.document import Document

MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024
MAX_PACKED_FILES: Final = 5000
_OLE_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEAD: Final = 4096
_STRICT: Final = b"http://purl.oclc.org/ooxml/"
_OPEN: Final = b"http://schemas.openxmlformats.org/"
_STRICT_NAMES: Final = (
    (b"wordprocessingml/main", b"wordprocessingml/2006/main"),
    (b"officeDocument/", b"officeDocument/2006/"),
    (b"drawingml/", b"drawingml/2006/"),
    (b"schemaLibrary/main", b"schemaLibrary/2006/main"),
)


def check_package(data: bytes) -> None:
    """Refuses, before anything is unpacked, what is not a DOCX, is encrypted, or would unpack to absurd sizes."""
    if data.startswith(_OLE_MAGIC):
        raise ParseError(
            "This Word file is encrypted or in the old .doc format. Please save it as .docx without a password.",
            code="encrypted",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = package.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise ParseError("This Word file is broken: it is not a .docx package.") from None
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise ParseError(
            "This Word file is encrypted. Please save it without a password.", code="encrypted"
        )
    if (
        sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES
        or len(entries) > MAX_PACKED_FILES
    ):
        raise ParseError("This Word file unpacks to more data than is allowed.", code="too_large")
    if "word/document.xml" not in {
        entry.filename for entry in entries
    } and "[Content_Types].xml" not in {entry.filename for entry in entries}:
        raise ParseError("This Word file is broken: it is not a .docx package.")


def open_document(data: bytes) -> Document:
    """Raises ParseError for one that is broken."""
    import docx
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        return docx.Document(io.BytesIO(_unstrict(data)))
    except (
        OpcError,
        LxmlError,
        KeyError,
        ValueError,
        AttributeError,
        OSError,
        zipfile.BadZipFile,
        EOFError,
    ):
        raise ParseError("This Word file is broken and cannot be read.") from None
    except NotImplementedError:
        raise ParseError("This Word file is packed in a way that cannot be read.") from None


def find_parts(document: Document, kind: str) -> list[Any]:
    """The XML of what the document's body refers to as "footnotes", "header" and so on; broken parts are left out."""
    from docx.oxml import parse_xml
    from lxml.etree import LxmlError

    found = []
    for relation in document.part.rels.values():
        if relation.is_external or not relation.reltype.endswith(f"/{kind}"):
            continue
        part = relation.target_part
        try:
            found.append(part.element if hasattr(part, "element") else parse_xml(part.blob))
        except LxmlError:
            continue
    return found


def _unstrict(data: bytes) -> bytes:
    """The ISO's strict form has other names for the same things."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        heads = [
            name for name in package.namelist() if name in ("_rels/.rels", "word/document.xml")
        ]
        if not any(_STRICT in package.open(name).read(_HEAD) for name in heads):
            return data
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as new:
            for entry in package.infolist():
                content = package.read(entry)
                if entry.filename.endswith((".xml", ".rels")):
                    for strict, usual in _STRICT_NAMES:
                        content = content.replace(_STRICT + strict, _OPEN + usual)
                new.writestr(entry.filename, content)
    return out.getvalue()
