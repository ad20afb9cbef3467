"""Office files that no library here writes, part by part."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Final


def make_package(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


_NAMES: Final = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def _row(*cells: str) -> str:
    told = "".join(
        f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in cells
    )
    return f"<table:table-row>{told}</table:table-row>"


ODT: Final = make_package({
    "mimetype": "application/vnd.oasis.opendocument.text",
    "content.xml": (
        f'<office:document-content {_NAMES}><office:automatic-styles><text:list-style style:name="L1">'
        '<text:list-level-style-number text:level="1"/></text:list-style></office:automatic-styles><office:body>'
        "<office:text><text:tracked-changes><text:changed-region><text:p>gone</text:p></text:changed-region>"
        '</text:tracked-changes><text:h text:outline-level="1">Pump</text:h><text:p>Open<text:s text:c="2"/>from '
        '<text:a xlink:href="https://acme.example/">here</text:a>.<text:note><text:note-citation>1</text:note-citation>'
        "<text:note-body><text:p>Not on Sunday</text:p></text:note-body></text:note></text:p>"
        '<text:list text:style-name="L1"><text:list-item><text:p>first</text:p><text:list><text:list-item>'
        "<text:p>inner</text:p></text:list-item></text:list></text:list-item><text:list-item><text:p>second</text:p>"
        f"</text:list-item></text:list><table:table>{_row('Item', 'Price')}{_row('Tea', '4')}</table:table>"
        "</office:text></office:body></office:document-content>"
    ),
    "meta.xml": (
        f"<office:document-meta {_NAMES}><office:meta><dc:title>Care</dc:title>"
        "<meta:initial-creator>Ann</meta:initial-creator><dc:date>2026-03-01T10:00:00</dc:date></office:meta>"
        "</office:document-meta>"
    ),
})  # fmt: skip

RTF: Final = (
    rb"{\rtf1\ansi\ansicpg1252{\info{\title Pr\'fcfung}{\author Ann}{\revtim\yr2026\mo3\dy1}}"
    rb"{\fonttbl{\f0 Arial;}}\f0 Hello \b w\'f6rld\b0 .\par Second \u8364? line\par"
    rb"\trowd\cellx1000\cellx2000 Item\cell Price\cell\row Tea\cell 4\cell\row\pard See "
    rb'{\field{\*\fldinst HYPERLINK "https://acme.example/m"}{\fldrslt the {\ul manual}}}\par}'
)

EPUB: Final = make_package({
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    ),
    "OEBPS/book.opf": (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>Book</dc:title><dc:creator>Ann</dc:creator><dc:date>2026-01-02</dc:date></metadata><manifest>"
        '<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="b" href="c2.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="a" href="c%201.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>'
    ),
    "OEBPS/c 1.xhtml": "<html><body><h1>One</h1><p>First words.</p></body></html>",
    "OEBPS/c2.xhtml": "<html><body><h2>Two</h2><p>Second words.</p></body></html>",
    "OEBPS/nav.xhtml": "<html><body><p>One</p><p>Two</p></body></html>",
})  # fmt: skip
