"""Real files for the tests, written byte by byte or by python-docx: PDF, DOCX, and their broken relatives."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import docx


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def make_pdf(
    pages: Sequence[Sequence[str]],
    *,
    title: str = "",
    outline: Sequence[tuple[str, int]] = (),
    encrypted: bool = False,
) -> bytes:
    """A PDF of one line of text per string; `outline` holds (title, page index). No lines make a scanned page."""
    objects: dict[int, str] = {3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"}
    kids = []
    for number, lines in enumerate(pages):
        page, content = 10 + 2 * number, 11 + 2 * number
        kids.append(f"{page} 0 R")
        shown = " ".join(f"({_escape(line)}) Tj T*" for line in lines)
        stream = f"BT /F1 11 Tf 14 TL 50 780 Td {shown} ET" if lines else "0.5 g 50 50 300 300 re f"
        objects[page] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects[content] = f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream"
    objects[2] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    objects[4] = f"<< /Title ({_escape(title)}) >>"
    first = 5000
    for index, (name, page) in enumerate(outline):
        siblings = f"/Next {first + index + 1} 0 R" if index + 1 < len(outline) else ""
        siblings += f" /Prev {first + index - 1} 0 R" if index else ""
        objects[first + index] = (
            f"<< /Title ({_escape(name)}) /Parent 5 0 R /Dest [{10 + 2 * page} 0 R /Fit] {siblings} >>"
        )
    if outline:
        objects[5] = (
            f"<< /First {first} 0 R /Last {first + len(outline) - 1} 0 R /Count {len(outline)} >>"
        )
    objects[1] = f"<< /Type /Catalog /Pages 2 0 R {'/Outlines 5 0 R' if outline else ''} >>"
    if encrypted:
        # No password, and certainly not the empty one, fits these check values.
        garbage = "41" * 32
        objects[6] = f"<< /Filter /Standard /V 1 /R 2 /O <{garbage}> /U <{garbage}> /P -4 >>"
    return assemble_pdf(objects, encrypted)


def assemble_pdf(objects: dict[int, str], encrypted: bool) -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    offsets = {}
    for number in sorted(objects):
        offsets[number] = out.tell()
        out.write(f"{number} 0 obj\n{objects[number]}\nendobj\n".encode("latin-1"))
    start = out.tell()
    out.write(b"xref\n0 1\n0000000000 65535 f \n")
    for number, offset in offsets.items():
        out.write(f"{number} 1\n{offset:010d} 00000 n \n".encode())
    identity = f"/Encrypt 6 0 R /ID [<{'42' * 16}> <{'42' * 16}>]" if encrypted else ""
    trailer = f"trailer\n<< /Size {max(objects) + 1} /Root 1 0 R /Info 4 0 R {identity} >>\nstartxref\n{start}\n%%EOF\n"
    out.write(trailer.encode())
    return out.getvalue()


def save_docx(document: docx.document.Document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def make_docx(*paragraphs: str) -> bytes:
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    return save_docx(document)


def replace_part(package: bytes, name: str, content: bytes) -> bytes:
    """A copy of a zip package with one part replaced (or added)."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            if entry.filename != name:
                new.writestr(entry, old.read(entry.filename))
        new.writestr(name, content)
    return out.getvalue()


def mark_encrypted(package: bytes) -> bytes:
    """Sets the encryption bit of every entry, in the local headers and in the directory."""
    data = bytearray(package)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(magic)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(magic, at + 4)
    return bytes(data)
