"""The text of one paragraph of a Word file, with all changes accepted, and what hangs on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from knowledge.formats.sections import raise_digits
from knowledge.formats.word.equations import M, write_equation
from knowledge.formats.word.numbering import W
from knowledge.formats.word.symbols import read_symbol

_DRAWN: Final = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Tab stops are not text, nor is what a tracked change has taken out, nor the reading aid above a word.
_NOT_SHOWN: Final = frozenset(
    (f"{W}pPr", f"{W}rPr", f"{W}del", f"{W}moveFrom", f"{W}instrText", f"{W}rt", _FALLBACK)
)
_SIGNS: Final = {
    f"{W}tab": "\t",
    f"{W}ptab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
}
_NOTES: Final = {f"{W}footnoteReference": "footnote", f"{W}endnoteReference": "endnote"}
MARK: Final = "\ue000"
_UNREAD: Final = ("vanish", "strike", "dstrike")
_COMMENT: Final = f"{W}commentReference"


@dataclass(slots=True)
class Paragraph:
    """A paragraph: its text, which notes it refers to, and the text boxes, pictures and comments that hang on it.

    Where a note is referred to stands `MARK`.
    """

    text: str = ""
    pictures: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def read_paragraph(element: Any) -> Paragraph:
    found = Paragraph()
    parts: list[str] = []
    stack = [element]
    while stack:
        node = stack.pop()
        tag = node.tag
        if tag == f"{W}t":
            parts.append(node.text or "")
        elif tag in _SIGNS:
            parts.append(_SIGNS[tag])
        elif tag in _NOTES:
            found.notes.append((_NOTES[tag], node.get(f"{W}id") or ""))
            parts.append(MARK)
        elif tag == _COMMENT:
            found.comments.append(node.get(f"{W}id") or "")
        elif tag == f"{W}sym":
            parts.append(read_symbol(node.get(f"{W}font") or "", node.get(f"{W}char") or ""))
        elif tag == _DRAWN:
            found.pictures.append(node.get("descr") or "")
        elif tag in (f"{M}oMath", f"{M}oMathPara"):
            parts.append(write_equation(node))
        elif tag == f"{W}txbxContent":
            found.boxes.append(node)
        elif tag == f"{W}r" and any(is_on(node, "rPr", look) for look in _UNREAD):
            continue
        elif tag == f"{W}r" and (raised := _read_raised(node)):
            parts.append(raised)
        elif tag not in _NOT_SHOWN:
            stack.extend(reversed(node))
    found.text = "".join(parts)
    return found


def _read_raised(run: Any) -> str:
    """A run that is an exponent, as one: 10⁶ is not 106."""
    raised = run.find(f"{W}rPr/{W}vertAlign")
    if raised is None or raised.get(f"{W}val") != "superscript":
        return ""
    return raise_digits("".join(part.text or "" for part in run.findall(f"{W}t")))


def is_on(element: Any, *path: str) -> bool:
    found = element.find("/".join(f"{W}{name}" for name in path))
    return found is not None and found.get(f"{W}val") not in ("0", "false", "off")
