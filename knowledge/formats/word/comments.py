"""The comments of a Word file that are still open, by their id: who wrote each, and where its text is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.sections import clean_line
from knowledge.formats.word.numbering import W
from knowledge.formats.word.package import find_parts

if TYPE_CHECKING:
    from docx.document import Document

_W14: Final = "{http://schemas.microsoft.com/office/word/2010/wordml}"
_W15: Final = "{http://schemas.microsoft.com/office/word/2012/wordml}"
_LONGEST_NAME: Final = 100


def read_comments(document: Document) -> dict[str, tuple[str, Any]]:
    resolved = _find_resolved(document)
    return {
        comment.get(f"{W}id") or "": (
            clean_line(comment.get(f"{W}author") or "")[:_LONGEST_NAME],
            comment,
        )
        for part in find_parts(document, "comments")
        for comment in part.findall(f"{W}comment")
        if not any(each.get(f"{_W14}paraId") in resolved for each in comment.iter(f"{W}p"))
    }


def _find_resolved(document: Document) -> set[str | None]:
    """The paragraphs of comments that are marked as done, and of the replies to them."""
    done: set[str | None] = set()
    for part in find_parts(document, "commentsExtended"):
        for each in part:
            is_done = each.get(f"{_W15}done") in ("1", "true")
            if is_done or each.get(f"{_W15}paraIdParent") in done:
                done.add(each.get(f"{_W15}paraId"))
    return done - {None}
