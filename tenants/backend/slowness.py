"""Statements that took long: counted for a week, by their text without any value, for an operator to look at.

In Redis, since every process has its own; where that is away they are not counted. Only what is slow costs anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import structlog
from django.conf import settings
from redis import RedisError

from minirag.lib.redis_client import OPTIONS, connect

logger = structlog.get_logger(__name__)

DAYS: Final = 7
_MOST: Final = 200
"""So many different ones a day; the rest are counted together."""
_LONGEST: Final = 2000
# What was cut off in the middle ends where the text does. A backslash hides a quote in E'…' only.
_TOKEN: Final = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<name>\"[^\"]*(?:\"|\Z))"
    r"|\bE'(?:[^'\\]|''|\\.?)*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z)"
    r"|\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)"
    r"|\b\d+(?:\.\d+)?\b",
    re.DOTALL | re.IGNORECASE,
)
_LIST: Final = re.compile(r"\((?:\s*(?:%s|\?)\s*,)+\s*(?:%s|\?)\s*\)")
_SCHEMA: Final = re.compile(r'"?\bt_[a-z0-9_]{1,60}"?(?=\.)')
_COUNT: Final = """
local field = ARGV[1]
local found = redis.call('HGET', KEYS[1], field)
if not found and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then
  field = 'others'
  found = redis.call('HGET', KEYS[1], field)
end
local text = field == 'others' and field or ARGV[2]
local row = found and cjson.decode(found) or {text = text, calls = 0, total = 0, most = 0}
local took = tonumber(ARGV[3])
row.calls, row.total, row.most = row.calls + 1, row.total + took, math.max(row.most, took)
redis.call('HSET', KEYS[1], field, cjson.encode(row))
redis.call('EXPIRE', KEYS[1], ARGV[5])
"""


@dataclass(frozen=True)
class SlowStatement:
    """Times in milliseconds; `calls` are those that were slow, or all of them where PostgreSQL itself has counted."""

    text: str
    calls: int
    total: float
    most: float

    @property
    def mean(self) -> float:
        return self.total / max(1, self.calls)


def normalise(statement: str) -> str:
    """A statement without the values in it, without a tenant's schema, on one line and not without end."""
    bare = _SCHEMA.sub("tenant", _TOKEN.sub(_bare, statement[: _LONGEST * 4]))
    return " ".join(_LIST.sub("(…)", bare).split())[:_LONGEST]


def _bare(token: re.Match[str]) -> str:
    return " " if token["comment"] else token["name"] or "?"


def note_slow(statement: str, seconds: float) -> None:
    """Count a statement that took longer than SLOW_STATEMENT_MS."""
    text = normalise(statement)
    written = text.encode("utf-8", "replace")
    digest = hashlib.sha256(written).hexdigest()[:16]
    try:
        _client(settings.REDIS_URL).eval(
            _COUNT, 1, _key(datetime.now(UTC)), digest, written, round(seconds * 1000, 1), _MOST,
            (DAYS + 1) * 24 * 3600,
        )  # fmt: skip
    except RedisError as error:
        logger.warning("a slow statement was not counted", error=type(error).__name__)


def list_slow() -> list[SlowStatement]:
    """Those of the week, the one that took most in all first. Raises RedisError."""
    together: dict[str, SlowStatement] = {}
    for text, calls, total, most in _rows():
        before = together.get(text, SlowStatement(text, 0, 0.0, 0.0))
        together[text] = SlowStatement(
            text, before.calls + calls, before.total + total, max(before.most, most)
        )
    return sorted(together.values(), key=lambda each: -each.total)


def _rows() -> Iterator[tuple[str, int, float, float]]:
    now = datetime.now(UTC)
    for back in range(DAYS):
        found: Any = _client(settings.REDIS_URL).hvals(_key(now - timedelta(days=back)))
        for each in found:
            row = json.loads(each)
            yield row["text"], row["calls"], row["total"], row["most"]


def _key(moment: datetime) -> str:
    return f"minirag:slow:{moment:%Y-%m-%d}"


@lru_cache(maxsize=8)
def _client(redis_url: str) -> Any:
    return connect(redis_url, **OPTIONS)
