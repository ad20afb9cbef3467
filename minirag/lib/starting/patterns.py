"""Patterns that are compiled when they are first used: it takes long, and many processes use none of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, cast


def compile_later(source: str | Callable[[], str], flags: int = 0) -> re.Pattern[str]:
    """Return what is used as a compiled pattern. `source` may be a function, where writing it takes long as well."""
    _made.append(pattern := _Later(source, flags))
    return cast("re.Pattern[str]", pattern)


def compile_now() -> None:
    """Compile all that were put off, before somebody waits for one or the process is forked."""
    for pattern in _made:
        pattern.compile()


class _Later:
    def __init__(self, source: str | Callable[[], str], flags: int) -> None:
        self._source, self._flags = source, flags
        self._compiled: re.Pattern[str] | None = None

    def compile(self) -> re.Pattern[str]:
        if self._compiled is None:
            source = self._source if isinstance(self._source, str) else self._source()
            self._compiled = re.compile(source, self._flags)
        return self._compiled

    def __getattr__(self, name: str) -> Any:
        """What is first asked for is kept here, and costs from then on what it costs of a pattern."""
        found = getattr(self.compile(), name)
        setattr(self, name, found)
        return found


_made: Final[list[_Later]] = []
