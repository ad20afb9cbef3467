"""Source code, kept in its form: cut between definitions, under their names, with the line where each begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from knowledge.formats.plain import decode_text, read_unread_head
from knowledge.formats.sections import SectionWriter

_LONGEST_BLOCK: Final = 40  # lines; what is longer is cut at blank lines within
_WIDEST: Final = 2000  # what is wider was made by a machine
_DEFINITION: Final = re.compile(
    r"^\s*(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\([^)]*\))?|open|override"
    r"|virtual|inline|const|unsafe|extern|sealed|partial|data)\s+)*"
    r"(?:def|class|function\*?|func|fn|struct|enum|interface|trait|impl|module|namespace|record|object|type|union|protocol"
    r"|extension|sub|(?:CREATE|create)\s+(?:OR\s+REPLACE\s+|or\s+replace\s+)?(?:TABLE|VIEW|FUNCTION|PROCEDURE|INDEX|table|view"
    r"|function|procedure|index)(?:\s+(?:IF\s+NOT\s+EXISTS|if\s+not\s+exists))?)\s+"
    r"(?:\([^()]{0,100}\)\s*)?([^\W\d][\w.$]{0,80})"
    r"|^\s*(?:export\s+)?(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*(?:async\s*)?(?:function\b|\([^()]{0,200}\)\s*=>|\w+\s*=>)"
    r"|^([A-Za-z_][\w-]*)\s*\(\)\s*\{"
    r"|^[A-Za-z_][\w\s*&<>:,\[\]]{0,100}?[\s*&]([A-Za-z_~][\w:~]*)\([^;{}]{0,400}\)\s*(?:const\s*)?\{?\s*$"
)
_CLOSING: Final = re.compile(r"^[)\]}>]|^(?:end|else|elif|except|finally|catch|fi|done|esac)\b")


def parse_code(data: bytes, writer: SectionWriter) -> dict[str, object]:
    text = decode_text(data)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, block in _cut(lines):
        name = next((found for line in block if (found := _name_of(line))), "")
        writer.end_headings()
        writer.move_to(f"line {number}")
        writer.open_heading(1, name)
        writer.add_code("\n".join(block))
    return {"lines": len(lines) - (not lines[-1]), **read_unread_head(text)}


def _name_of(line: str) -> str:
    found = _DEFINITION.match(line[:_WIDEST]) if len(line) < _WIDEST else None
    return next(filter(None, found.groups()), "") if found else ""


def _cut(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line, lines) of what stands together: cut before what begins at the margin after a gap."""
    start = 0
    for at in range(1, len(lines) + 1):
        is_end = at == len(lines)
        after_gap = not is_end and lines[at].strip() and not lines[at - 1].strip()
        at_margin = after_gap and not lines[at][0].isspace() and not _CLOSING.match(lines[at])
        if is_end or at_margin or (after_gap and at - start >= _LONGEST_BLOCK):
            block = lines[start:at]
            while block and not block[-1].strip():
                block.pop()
            skipped = next((i for i, line in enumerate(block) if line.strip()), 0)
            if block:
                yield start + skipped + 1, block[skipped:]
            start = at
