"""Markdown, read line by line: headings, paragraphs and lists, fenced code, pipe tables, YAML front matter."""

from __future__ import annotations

import datetime
import re
from typing import Any

import yaml

from knowledge.formats.plain import decode_text
from knowledge.formats.sections import SectionWriter, clean_line, clean_text

_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n(.{0,16384}?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_CLOSING_MARKS = re.compile(r"[ \t]#+$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_RULE = re.compile(r"^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_TABLE_RULE = re.compile(r"^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_STARTS_NO_HEADING = re.compile(r"^\s*(?:[-*+>|]|\d{1,9}[.)])(?:\s|$)")

_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_LINK = re.compile(r"\[([^\[\]]+)\]\(<?([^()<>\s]*)>?(?:\s+\"[^\"]*\")?\)")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)([^\n]{1,500}?\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*\\])([*_])(?=[^\s*_])([^*_\n]{1,300})(?<=[^\s*_])\1(?![\w*])")
_CODE_SPAN = re.compile(r"(`+)([^`\n]+)\1")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
# Only real HTML: "<tenant>" in prose is a placeholder that the reader needs.
_TAG = re.compile(
    r"</?(?:a|b|br|center|code|details|div|em|hr|i|img|kbd|li|ol|p|pre|small|span|strong|sub|summary|sup|table|tbody"
    r"|td|th|thead|tr|u|ul)(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)


def strip_inline_marks(text: str) -> str:
    """Words without Markdown's marks. A link keeps its address, an image its description."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group(2).strip() or match.group())
        return f"\ue000{len(kept) - 1}\ue001"

    def link(match: re.Match[str]) -> str:
        label, address = match.groups()
        return f"{label} ({address})" if "://" in address and address != label else label

    text = _CODE_SPAN.sub(keep, text.replace("\ue000", " ").replace("\ue001", " "))
    text = _LINK.sub(link, _IMAGE.sub(r"\1", text))
    text = _TAG.sub(" ", text)
    text = _EMPHASIS.sub(r"\2", _STRONG.sub(r"\2", text))
    text = _ESCAPE.sub(r"\1", text)
    return re.sub("\ue000(\\d+)\ue001", lambda match: kept[int(match.group(1))], text)


def drop_comments(text: str) -> str:
    """Without <!-- comments -->; one that is never closed is no comment."""
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join([*kept, text[at:]])


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean_line(str(value))[:1000] if isinstance(value, str) else None


def read_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """(metadata, the rest). Only scalars and flat lists are kept; what is not YAML stays in the text."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        loaded = yaml.safe_load(match.group(1))
    except (yaml.YAMLError, RecursionError, ValueError):
        loaded = None
    if not isinstance(loaded, dict):
        # Without its fences, of which the second would make a heading of the line before it.
        return {}, f"{match.group(1)}\n\n{text[match.end() :]}"
    metadata: dict[str, Any] = {}
    for key, value in list(loaded.items())[:50]:
        if isinstance(value, list):
            metadata[str(key)] = [
                _plain_value(item) for item in value[:100] if _plain_value(item) is not None
            ]
        elif (plain := _plain_value(value)) is not None:
            metadata[str(key)] = plain
    return metadata, text[match.end() :]


def _split_cells(line: str) -> list[str]:
    line = line.strip().removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return [
        strip_inline_marks(cell.replace("\\|", "|")).strip() for cell in _CELL_BORDER.split(line)
    ]


class _Reader:
    """Reads the lines once, from top to bottom; each method takes the block it is named for."""

    def __init__(self, lines: list[str], writer: SectionWriter) -> None:
        self.lines, self.writer, self.at = lines, writer, 0
        self.paragraph: list[str] = []

    def read(self) -> None:
        takers = (self.take_code, self.take_heading, self.take_underlined_heading, self.take_table)
        while self.at < len(self.lines):
            if not any(take() for take in takers):
                self.take_line()
        self.flush()

    def flush(self) -> None:
        if self.paragraph:
            self.writer.add_paragraph(strip_inline_marks("\n".join(self.paragraph)))
            self.paragraph = []

    def take_code(self) -> bool:
        fence = _FENCE.match(self.lines[self.at])
        if fence is None:
            return False
        self.flush()
        closing = re.compile(
            rf"^ {{0,3}}{re.escape(fence.group(1)[0])}{{{len(fence.group(1))},}}[ \t]*$"
        )
        end = self.at + 1
        while end < len(self.lines) and not closing.match(self.lines[end]):
            end += 1
        self.writer.add_code("\n".join(self.lines[self.at + 1 : end]))
        self.at = end + 1
        return True

    def take_heading(self) -> bool:
        heading = _HEADING.match(self.lines[self.at])
        if heading is None:
            return False
        self.flush()
        text = _CLOSING_MARKS.sub("", " " + (heading.group(2) or "").rstrip())
        self.writer.open_heading(len(heading.group(1)), strip_inline_marks(text))
        self.at += 1
        return True

    def take_underlined_heading(self) -> bool:
        underline = _UNDERLINE.match(self.lines[self.at])
        if (
            underline is None
            or len(self.paragraph) != 1
            or _STARTS_NO_HEADING.match(self.paragraph[0])
        ):
            return False
        text, self.paragraph = self.paragraph[0], []
        self.writer.open_heading(1 if underline.group(1)[0] == "=" else 2, strip_inline_marks(text))
        self.at += 1
        return True

    def take_table(self) -> bool:
        following = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        if (
            "|" not in self.lines[self.at]
            or "|" not in following
            or not _TABLE_RULE.match(following)
        ):
            return False
        self.flush()
        rows = [_split_cells(self.lines[self.at])]
        self.at += 2
        while self.at < len(self.lines) and "|" in self.lines[self.at]:
            rows.append(_split_cells(self.lines[self.at]))
            self.at += 1
        self.writer.add_table(rows)
        return True

    def take_line(self) -> None:
        line = self.lines[self.at]
        self.at += 1
        if not line.strip():
            self.flush()
        elif not _RULE.match(line):
            self.paragraph.append(line)
        else:
            self.flush()


def parse_markdown(data: bytes, writer: SectionWriter) -> dict[str, object]:
    metadata, text = read_front_matter(clean_text(decode_text(data)))
    _Reader(drop_comments(text).split("\n"), writer).read()
    return metadata
