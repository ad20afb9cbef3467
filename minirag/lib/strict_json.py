"""JSON that PostgreSQL can keep: no NaN, no NUL, no half surrogates, no endless nesting."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 64
MAX_VALUES = 100_000  # parsing holds every other thread up, some 3 s for each million
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
# In valid UTF-8 JSON these characters have no other spelling: a cheap reason to look closer.
_SUSPECT = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


class InvalidJSON(ValueError):
    """Not JSON. `offset` is in characters, `reason` one sentence."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset, self.reason = offset, reason


class UnstorableText(ValueError):
    """A text with a character that cannot be stored; `loc` is its path, `reason` one sentence."""

    def __init__(self, loc: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.loc, self.reason = loc, reason


def parse_json(body: bytes) -> Any:
    """Parse a JSON document. Raises InvalidJSON, UnstorableText."""
    if _count_at_most(body) > MAX_VALUES and _count_separators(body) > MAX_VALUES:
        raise InvalidJSON(0, f"More than {MAX_VALUES} values")
    try:
        text = body.decode("utf-8-sig")  # json.loads would take UTF-16 and encoded surrogates too
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_parse_float)
    except json.JSONDecodeError as error:
        raise InvalidJSON(error.pos, error.msg) from None
    except UnicodeDecodeError as error:
        raise InvalidJSON(error.start, "The text is not UTF-8") from None
    except RecursionError:
        raise InvalidJSON(0, "Nested too deeply") from None
    except InvalidJSON:
        raise
    except ValueError:  # an integer of thousands of digits
        raise InvalidJSON(0, "A number is too long") from None
    if _SUSPECT.search(body) or body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check(value, ())
    return value


def _count_at_most(body: bytes) -> int:
    """How many values there can be: each but the first has a comma, a colon or a bracket before it."""
    return sum(body.count(mark) for mark in (b",", b":", b"[", b"{"))


def _count_separators(body: bytes) -> int:
    """`_count_at_most` outside of texts, which may have as many commas as they like."""
    seen, start = 0, 0
    for text in _TEXT.finditer(body):
        seen += _count_at_most(body[start : text.start()])
        start = text.end()
        if seen > MAX_VALUES:
            break
    return seen + _count_at_most(body[start:])


def _refuse_constant(name: str) -> Any:
    raise InvalidJSON(0, f"{name} is not JSON")


def _parse_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise InvalidJSON(0, "A number is too large")
    return value


def _check(value: Any, loc: tuple[str | int, ...]) -> None:
    if len(loc) > MAX_DEPTH:
        raise InvalidJSON(0, "Nested too deeply")
    if isinstance(value, str):
        check_text(value, loc)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check(item, (*loc, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key, loc)
            _check(item, (*loc, key))


def check_text(text: str, loc: tuple[str | int, ...]) -> None:
    """Raise UnstorableText when PostgreSQL could not keep `text`."""
    if "\0" in text:
        raise UnstorableText(loc, "A text cannot contain the NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnstorableText(loc, "A text cannot contain half of a surrogate pair") from None
