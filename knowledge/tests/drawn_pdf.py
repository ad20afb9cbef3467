"""PDFs drawn by hand, for what `make_pdf` cannot draw: places, rules, forms, other letters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from knowledge.tests.files import assemble_pdf

HEBREW = "\u05d0"
_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def write_at(x: float, y: float, text: str, *, size: int = 12, turned: str = "1 0 0 1") -> str:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F1 {size} Tf {turned} {x} {y} Tm ({escaped}) Tj ET "


def draw_grid(columns: Sequence[float], rows: Sequence[float]) -> str:
    down = "".join(f"{x} {rows[0]} m {x} {rows[-1]} l S " for x in columns)
    return down + "".join(f"{columns[0]} {y} m {columns[-1]} {y} l S " for y in rows)


def draw_pdf(
    *streams: str, rotate: int = 0, letters_from: str = "", fields: Sequence[str] = (), password: str | None = None
) -> bytes:  # fmt: skip
    """A page for each stream. `letters_from`: "a" and what follows stand for this letter and what follows it.

    `fields` are dictionaries of form fields on the first page. `password`: encrypted with it, or with none ("").
    """
    objects: dict[int, str] = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        4: "<< >>",
    }
    if letters_from:
        objects[3] = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /ToUnicode 7 0 R >>"
        cmap = (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <FF> "
            f"endcodespacerange 1 beginbfrange <61> <7A> <{ord(letters_from):04X}> endbfrange endcmap end end"
        )
        objects[7] = f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream"
    names = [100 + index for index in range(len(fields))]
    if fields:
        listed = " ".join(f"{name} 0 R" for name in names)
        objects[1] = (
            f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{listed}] /DA (/F1 0 Tf) >> >>"
        )
        for name, field in zip(names, fields, strict=True):
            objects[name] = (
                f"<< /Type /Annot /Subtype /Widget /Rect [50 600 250 620] /P 10 0 R {field} >>"
            )
    kids = []
    for number, stream in enumerate(streams):
        page, content = 10 + 2 * number, 11 + 2 * number
        kids.append(f"{page} 0 R")
        notes = f"/Annots [{' '.join(f'{name} 0 R' for name in names)}]" if not number else ""
        objects[page] = (
            f"<< /Type /Page /Parent 2 0 R /Rotate {rotate} /MediaBox [0 0 595 842] /Contents {content} 0 R {notes} "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects[content] = f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream"
    objects[2] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    if password is not None:
        _encrypt(objects, password)
    return assemble_pdf(objects, password is not None)


def _encrypt(objects: dict[int, str], password: str) -> None:
    """The standard handler's first revision: RC4 with 40 bits."""
    user = (password.encode() + _PADDING)[:32]
    owner = _rc4(hashlib.md5((b"owner" + _PADDING)[:32]).digest()[:5], user)
    identity = bytes.fromhex("42" * 16)
    key = hashlib.md5(user + owner + b"\xfc\xff\xff\xff" + identity).digest()[:5]
    for number, text in objects.items():
        if "\nstream\n" in text:
            head, _, rest = text.partition("\nstream\n")
            body = rest.removesuffix("\nendstream").encode("latin-1")
            own = hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]
            objects[number] = f"{head}\nstream\n{_rc4(own, body).decode('latin-1')}\nendstream"
    objects[6] = (
        f"<< /Filter /Standard /V 1 /R 2 /O <{owner.hex()}> /U <{_rc4(key, _PADDING).hex()}> /P -4 >>"
    )


def _rc4(key: bytes, data: bytes) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def spell(word: str, letters_from: str) -> str:
    """The codes that stand for a word in `draw_pdf(letters_from=…)`."""
    codes: Mapping[str, str] = {chr(ord(letters_from) + i): chr(97 + i) for i in range(26)}
    return "".join(codes.get(letter, letter) for letter in word)
