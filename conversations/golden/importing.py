"""Reads a file of golden questions: JSON lines, CSV or YAML. Pure. A line that cannot be read spoils no other.

Every format has the same fields. In CSV, and where a list is expected and a text stands, `;` or a line break separates
(or the text is a JSON list). What was said before may be texts, which are the visitor's then, or role and content.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

import yaml
from django.utils.translation import gettext

from conversations.models.golden import as_said
from minirag.lib.errors import BadInput

LARGEST_FILE: Final = 10_000_000
MOST_LINES: Final = 20_000
_LISTS = frozenset(("expected_sources", "expected_facts", "forbidden_facts", "tags", "groups"))
_FLAGS = frozenset(("must_decline", "is_active"))
# What an answer of `/v1` has beyond that: a list that was fetched can be sent back.
_IGNORED = frozenset(
    ("id", "bot_profile_id", "tenant_id", "made_by", "message_id", "created_at", "updated_at")
)
_TRUE, _FALSE = frozenset(("true", "yes", "1", "x")), frozenset(("false", "no", "0", ""))
_UNREADABLE = "It is not UTF-8."
_TOO_DEEP = "It is nested too deep."


@dataclass
class Lines:
    """What a file holds, each with its line's number: `read` as fields, `bad` with the reason."""

    read: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)


def read_golden_file(name: str, data: bytes) -> Lines:
    """Read a file by the ending of its name. Raises BadInput where nothing of it can be read."""
    reader = _READERS.get(PurePath(name).suffix.lower())
    if reader is None:
        raise BadInput(
            gettext("Golden questions come as %(what)s, not as %(what2)s.")
            % {"what": ", ".join(_READERS), "what2": f"{PurePath(name).suffix or name[:50]!r}"},
            code="golden_file_unsupported",
        )
    if len(data) > LARGEST_FILE:
        raise BadInput(
            gettext("The file is larger than %(what)s MB.") % {"what": LARGEST_FILE // 1000000},
            code="golden_file_too_large",
        )
    lines = Lines()
    for count, (number, row) in enumerate(reader(_decode(data)), start=1):
        if count > MOST_LINES:
            lines.bad.append((number, f"Only the first {MOST_LINES} lines are read."))
            break
        try:
            lines.read.append((number, _tidy(row)))
        except ValueError as error:
            lines.bad.append((number, str(error)))
        except RecursionError:
            lines.bad.append((number, _TOO_DEEP))
    return lines


def _decode(data: bytes) -> str:
    """As text; bytes that are none become lone surrogates, so that the lines that have them can be told."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # as spreadsheets save it
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="surrogateescape")


def _check_text(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(_UNREADABLE)
    if "\0" in text:
        raise ValueError("It holds a NUL character.")


def _read_json_lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _load_json(line)


def _load_json(line: str) -> Any:
    try:
        _check_text(line)
        return json.loads(line)
    except RecursionError:
        return ValueError(_TOO_DEEP)
    except ValueError as error:
        told = (
            str(error)
            if not isinstance(error, json.JSONDecodeError)
            else f"It is not JSON: {error.msg}."
        )
        return ValueError(told)


def _read_csv(text: str) -> Iterator[tuple[int, Any]]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield number, ValueError(f"It is not CSV: {error}.")
            continue
        if header is None:
            header = [cell.strip() for cell in cells]
            if "question" not in header:
                raise BadInput(
                    gettext("The first line names no column question."),
                    code="golden_file_unreadable",
                )
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header):
            yield (
                number,
                ValueError(f"It has {len(cells)} cells, and the first line {len(header)}."),
            )
            continue
        told = {name: cell for name, cell in zip(header, cells, strict=False) if cell.strip()}
        yield number, told
    if header is None:
        raise BadInput(gettext("The file is empty."), code="golden_file_unreadable")


class _Loader(yaml.SafeLoader):
    """Plain data without references, which could unfold to any size."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references are not read")
        return super().compose_node(parent, index)


def _read_yaml(text: str) -> Iterator[tuple[int, Any]]:
    """A list of questions. Each item is read by itself, so that a mistake in one spoils no other."""
    items: list[tuple[int, list[str]]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if len(items) > MOST_LINES:  # as many as anybody reads, and one that says so
            break
        if line.startswith(("- ", "-\t")) or line.rstrip() == "-":
            items.append((number, [line]))
        elif items:
            items[-1][1].append(line)
        elif line.strip() and not line.lstrip().startswith(("#", "---", "%")):
            break  # no list, or one in brackets
    if not items:
        raise BadInput(
            gettext("The file is no list of questions: each begins with “- ”."),
            code="golden_file_unreadable",
        )
    for number, lines in items:
        yield number, _load_yaml("\n".join(lines))


def _load_yaml(item: str) -> Any:
    try:
        _check_text(item)
        return yaml.load(item, Loader=_Loader)[0]  # noqa: S506 - it is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        told = str(error) if type(error) is ValueError else f"It is not YAML: {error}"
        return ValueError(" ".join(told.split())[:300])


_READERS: Final[dict[str, Callable[[str], Iterator[tuple[int, Any]]]]] = {
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".txt": _read_json_lines,
    ".csv": _read_csv,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
}


def _tidy(row: Any) -> dict[str, Any]:
    """The fields of one line, each of its kind. Raises ValueError with the reason."""
    if isinstance(row, ValueError):
        raise row
    if not isinstance(row, dict):
        raise ValueError("It is no question with its fields.")
    fields: dict[str, Any] = {}
    for name, value in row.items():
        if name in _IGNORED or value is None:
            continue
        if name in _LISTS:
            value = _split(name, value)
        elif name in _FLAGS:
            value = _read_flag(name, value)
        elif name == "before":
            value = [as_said(each) for each in _split(name, value)]
        elif not isinstance(value, str):
            raise ValueError(f"{name}: It is no text.")
        _check_texts(value)
        fields[str(name)] = value
    return fields


def _check_texts(value: Any) -> None:
    """Raise ValueError for what cannot be stored, as an escape in JSON may say it, wherever in a field it stands."""
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list | dict):
        for each in value.items() if isinstance(value, dict) else value:
            _check_texts(list(each) if isinstance(each, tuple) else each)


def _split(name: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            value = _load_json(value)
            if isinstance(value, ValueError):
                raise value
        else:
            value = value.splitlines() if "\n" in value else value.split(";")
            return [each.strip() for each in value if each.strip()]
    if not isinstance(value, list):
        raise ValueError(f"{name}: It is no list.")
    if name != "before":
        return [str(each) if isinstance(each, int | float) else each for each in value]
    return value


def _read_flag(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text not in _TRUE | _FALSE:
        raise ValueError(f"{name}: It is neither true nor false.")
    return text in _TRUE
