"""What a logo may be. Its kind is told by its bytes, and what is kept is written anew of what a picture needs.

A PNG keeps the chunks that draw it, a JPEG loses what cameras and programs note in it, and an SVG is read by a list of
what may stand in it: anything else, such as a script, a style or an address outside of it, refuses the file.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as Safe
from django.utils.translation import gettext
from lxml import etree

from minirag.lib.errors import BadInput

MOST_BYTES: Final = 256 * 1024
MOST_PIXELS: Final = 2_000
"""To each side."""
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_DRAWN: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"sRGB"})
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Behind the bytes that a JPEG's scan is packed into."""
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_SVG: Final = "http://www.w3.org/2000/svg"
_ELEMENTS: Final = frozenset(
    """svg g path rect circle ellipse line polyline polygon text tspan defs linearGradient radialGradient stop clipPath
    mask title desc""".split()  # noqa: SIM905
)
_ATTRIBUTES: Final = frozenset(
    """id viewBox width height x y x1 y1 x2 y2 cx cy r rx ry fx fy d points transform fill fill-opacity fill-rule stroke
    stroke-width stroke-linecap stroke-linejoin stroke-miterlimit stroke-dasharray stroke-dashoffset stroke-opacity
    opacity offset stop-color stop-opacity gradientUnits gradientTransform spreadMethod clip-path clip-rule
    clipPathUnits mask maskUnits maskContentUnits preserveAspectRatio version font-family font-size font-weight
    font-style text-anchor letter-spacing dx dy href color display visibility role aria-label""".split()  # noqa: SIM905
)
_ELSEWHERE = re.compile(
    r"url\s*\((?!\s*['\"]?#[\w.-]+['\"]?\s*\))|javascript:|data:|https?:|//|\\", re.I
)


class LogoRefused(BadInput):
    """No picture that is shown here. The sentence says what to do."""

    code = "logo_refused"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, code=self.code)


@dataclass(frozen=True)
class Logo:
    data: bytes
    content_type: str


def read_logo(data: bytes) -> Logo:
    """Return a picture as it is kept. Raises LogoRefused."""
    if not data:
        raise LogoRefused(gettext("The file is empty."))
    if len(data) > MOST_BYTES:
        raise LogoRefused(
            gettext("The file is larger than %(what)s KiB. Save it smaller.")
            % {"what": MOST_BYTES // 1024}
        )
    if data.startswith(_PNG):
        return Logo(_rewrite_png(data), "image/png")
    if data.startswith(_JPEG):
        return Logo(_rewrite_jpeg(data), "image/jpeg")
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return Logo(_rewrite_svg(data), "image/svg+xml")
    raise LogoRefused(gettext("This is no PNG, JPEG or SVG. Save the logo as one of these."))


def _check_size(width: int, height: int) -> None:
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise LogoRefused(
            gettext("The picture is larger than %(most_pixels)s pixels to a side.")
            % {"most_pixels": MOST_PIXELS}
        )


def _rewrite_png(data: bytes) -> bytes:
    kept, at, packed, last = [_PNG], len(_PNG), b"", b""
    width = height = bits = colours = 0
    while at + 12 <= len(data) and last != b"IEND":
        length, last = struct.unpack(">I4s", data[at : at + 8])
        body, check = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if len(check) != 4 or zlib.crc32(last + body) != int.from_bytes(check, "big"):
            raise LogoRefused(gettext("The PNG is damaged."))
        if (last == b"IHDR") != (at == len(_PNG)):
            raise LogoRefused(
                gettext("The PNG is damaged.")
            )  # its sizes are said once, and first of all
        if last == b"IHDR" and length == 13:
            width, height, bits, colours = struct.unpack(">IIBB", body[:10])
            _check_size(width, height)
        if last in _DRAWN:
            kept.append(data[at : at + 12 + length])
        packed += body if last == b"IDAT" else b""
        at += 12 + length
    if last != b"IEND" or not width or colours not in _CHANNELS:
        raise LogoRefused(gettext("The PNG is damaged."))
    most = (width * bits * _CHANNELS[colours] // 8 + 2) * height + 8 * height + 1024
    try:
        unpacked = zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        raise LogoRefused(gettext("The PNG is damaged.")) from None
    if not unpacked:
        raise LogoRefused(gettext("The PNG is damaged."))
    return b"".join(kept)


def _rewrite_jpeg(data: bytes) -> bytes:
    """Keep what draws it: no notes of cameras and programs, and nothing behind its end, such as a second picture."""
    kept, at, is_sized, is_drawn = [data[:2]], 2, False, False
    while at + 2 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == 0xD9 and is_drawn:
            return b"".join([*kept, data[at : at + 2]])
        segment = data[at : at + 2 + length]
        if length < 2 or len(segment) < 2 + length:
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and length >= 8:
            height, width = struct.unpack(">HH", segment[5:9])
            _check_size(width, height)
            is_sized = True
        if marker == 0xDA:
            end = _NEXT_MARKER.search(data, at + 2 + length)
            if not is_sized or end is None:
                break
            kept.append(data[at : end.start()])
            at, is_drawn = end.start(), True
            continue
        if not (0xE1 <= marker <= 0xEF and marker != 0xEE) and marker != 0xFE:
            kept.append(segment)  # 0xEE is Adobe's, which says how the colours are meant
        at += 2 + length
    raise LogoRefused(gettext("The JPEG is damaged."))


def _rewrite_svg(data: bytes) -> bytes:
    try:
        Safe.fromstring(data, forbid_dtd=True)
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except (DefusedXmlException, Safe.ParseError, etree.XMLSyntaxError, ValueError):
        raise LogoRefused(
            gettext("The SVG cannot be read, or names entities of its own.")
        ) from None
    if root.tag != f"{{{_SVG}}}svg":
        raise LogoRefused(gettext("This is no SVG."))
    return etree.tostring(_copy(root, {None: _SVG}))


def _copy(element: etree._Element, names: dict[str | None, str] | None = None) -> etree._Element:
    """The element as far as it is drawn. Notes of programs, which are of other namespaces, are left out."""
    tag = etree.QName(element)
    if tag.localname not in _ELEMENTS:
        raise LogoRefused(
            gettext("The SVG has a <%(localname)s> in it, which a logo here may not have.")
            % {"localname": tag.localname}
        )
    made = etree.Element(f"{{{_SVG}}}{tag.localname}", nsmap=names)
    for name, value in element.attrib.items():
        attribute = etree.QName(name)
        if attribute.namespace not in (None, "http://www.w3.org/1999/xlink"):
            continue
        if attribute.localname.startswith("data-") or attribute.localname == "class":
            continue
        is_outside = attribute.localname == "href" and not str(value).startswith("#")
        if attribute.localname not in _ATTRIBUTES or is_outside or _ELSEWHERE.search(str(value)):
            said = gettext("The SVG has %(name)s=… in it, which a logo here may not have.") % {
                "name": attribute.localname
            }
            raise LogoRefused(said)
        made.set(attribute.localname, value)
    made.text = element.text
    for child in element:
        if not isinstance(child.tag, str):
            continue  # a comment or an order to a program
        if etree.QName(child).namespace != _SVG or etree.QName(child).localname == "metadata":
            continue
        copied = _copy(child)
        copied.tail = child.tail
        made.append(copied)
    return made
