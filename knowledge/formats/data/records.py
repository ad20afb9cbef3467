"""Nested data as text: what JSON, YAML and XML have in common once they are read.

Lists of things become records, each with its field names, so that one found alone still explains itself; what holds
other things is a heading, and the rest are lines of "name: value".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from knowledge.formats.sections import ParseError, SectionWriter, clean_line

Value: TypeAlias = "str | list[Value] | Fields | None"

DEEPEST: Final = 60
MOST_VALUES: Final = 1_000_000
_SHORT_LIST: Final = 300
_MARKUP: Final = re.compile(
    r"</?(?:a|b|br|div|em|h[1-6]|i|img|li|ol|p|span|strong|table|td|tr|u|ul)\b[^<>]{0,2000}>"
)


class Fields(list[tuple[str, Value]]):
    """Named values in their order; a name may come twice."""

    def value_of(self, *names: str) -> str:
        """The first text under one of `names`."""
        told = {name.lower(): value for name, value in reversed(self) if isinstance(value, str)}
        return next((told[name] for name in names if told.get(name, "").strip()), "")


class RecordWriter:
    """Writes one nested value; raises ParseError for what is nested absurdly or refers to itself."""

    def __init__(self, writer: SectionWriter, unit: str = "record") -> None:
        self.writer, self.unit = writer, unit
        self.values = 0

    def write(self, value: Value, depth: int = 1) -> None:
        """What stands under the present heading."""
        self.count(depth)
        if isinstance(value, str):
            self.writer.add_paragraph(read_markup(value))
        elif isinstance(value, Fields):
            self.write_fields(value, depth)
        elif value is not None:
            self.write_list(value, depth)

    def write_fields(self, fields: Fields, depth: int) -> None:
        plain = [(name, text) for name, value in fields if (text := self.read_plain(value))]
        self.writer.add_record(plain, "")
        for name, value in fields:
            if isinstance(value, list) and not self.read_plain(value):
                self.writer.open_heading(depth, name)
                self.write(value, depth + 1)

    def write_list(self, values: Sequence[Value], depth: int) -> None:
        for number, value in enumerate(values, 1):
            place = f"{self.unit} {number}"
            if isinstance(value, list):
                self.writer.add_record(self.flatten(value, "", depth + 1), place)
            elif value is not None and value.strip():
                self.count(depth)
                self.writer.move_to(place)
                self.writer.add_paragraph(read_markup(value))
        self.writer.move_to("")

    def flatten(self, value: Value, name: str, depth: int) -> Iterator[tuple[str, str]]:
        """A record's fields on one level: ("address.city", "Bern")."""
        self.count(depth)
        if (plain := self.read_plain(value)) or not isinstance(value, list):
            yield name or "value", plain
        elif isinstance(value, Fields):
            for inner, each in value:
                yield from self.flatten(each, f"{name}.{inner}" if name else inner, depth + 1)
        else:
            for number, each in enumerate(value, 1):
                yield from self.flatten(each, f"{name} {number}".strip(), depth + 1)

    def read_plain(self, value: Value) -> str:
        """A text, or a short list of texts on one line; "" for what holds more than that."""
        if isinstance(value, str):
            return read_markup(value)
        if isinstance(value, list) and not isinstance(value, Fields):
            texts = [each for each in value[: _SHORT_LIST + 1] if isinstance(each, str)]
            if len(texts) == len(value) and sum(map(len, texts)) <= _SHORT_LIST:
                return ", ".join(filter(None, map(clean_line, texts)))
        return ""

    def count(self, depth: int) -> None:
        self.values += 1
        if depth > DEEPEST:
            raise ParseError(f"This file nests its data more than {DEEPEST} levels deep.")
        if self.values > MOST_VALUES:
            raise ParseError(
                "This file holds more values than one document may have.", code="too_large"
            )


def describe(value: Value) -> dict[str, object]:
    """What the outermost fields say of the whole."""
    if isinstance(value, Fields):
        found = {
            "title": clean_line(value.value_of("title", "name"))[:500],
            "author": clean_line(value.value_of("author", "creator"))[:500],
            "date": clean_line(value.value_of("date", "updated", "modified", "published"))[:40],
        }
        return {name: text for name, text in found.items() if text}
    return {"records": len(value)} if isinstance(value, list) else {}


def read_markup(text: str) -> str:
    """The words of a value that holds a piece of a web page, as exports of websites do."""
    if "<" not in text or not _MARKUP.search(text):
        return text
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(
        re.sub(r"(?i)<(?:br|/p|/li|/h[1-6]|/tr|/div)\b[^<>]*>", r"\g<0>\n", text)
    ).body
    words = body.text() if body is not None else text
    return "\n".join(line for line in map(clean_line, words.split("\n")) if line)
