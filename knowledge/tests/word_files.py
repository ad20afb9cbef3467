"""Word files out of XML, for what python-docx cannot write."""

from __future__ import annotations

import io
import zipfile

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_SPACES = (
    f'xmlns:w="{_W}" xmlns:m="{_M}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)


def paragraph(*runs: str, properties: str = "") -> str:
    """`runs` are texts, or XML where they begin with "<"."""
    shown = "".join(
        run if run.startswith("<") else f'<w:r><w:t xml:space="preserve">{run}</w:t></w:r>'
        for run in runs
    )
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{shown}</w:p>"


def numbered(text: str, level: int = 0, number: int = 1) -> str:
    return paragraph(
        text, properties=f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    )


def write_word(body: str, *, strict: bool = False, **parts: str) -> bytes:
    """`parts`: what is in `numbering`, `styles`, `footnotes`, `endnotes`, `header`, `footer` and so on."""
    files = {"word/document.xml": f"<w:document {_SPACES}><w:body>{body}</w:body></w:document>"}
    roots = {"header": "hdr", "footer": "ftr"}
    for name, inner in parts.items():
        root = roots.get(name.rstrip("0123456789"), name)
        files[f"word/{name}.xml"] = f"<w:{root} {_SPACES}>{inner}</w:{root}>"
    kinds = [(name, name.rstrip("0123456789")) for name in parts]
    files["word/_rels/document.xml.rels"] = _relate(
        [(f"{_R}/{kind}", f"{name}.xml") for name, kind in kinds]
    )
    files["_rels/.rels"] = _relate([(f"{_R}/officeDocument", "word/document.xml")])
    types = [("document", "document.main"), *kinds]
    files["[Content_Types].xml"] = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + "".join(
            f'<Override PartName="/word/{name}.xml" ContentType="{_TYPE}.{kind}+xml"/>'
            for name, kind in types
        )
        + "</Types>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, _make_strict(content) if strict else content)
    return buffer.getvalue()


def _relate(targets: list[tuple[str, str]]) -> str:
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def _make_strict(content: str) -> str:
    strict = "http://purl.oclc.org/ooxml"
    for usual, name in (
        (_W, "wordprocessingml/main"),
        (_M, "officeDocument/math"),
        (_R, "officeDocument/relationships"),
    ):
        content = content.replace(usual, f"{strict}/{name}")
    return content
