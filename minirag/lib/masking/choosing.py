"""What is kept from models, as a tenant or a bot chooses it: kinds, own patterns, and whether in passages as well."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

import re2
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from minirag.lib.bounds import check_stored
from minirag.lib.masking.kinds import Kind

MOST_PATTERNS: Final = 20
LONGEST_PATTERN: Final = 200
_MEMORY_BYTES: Final = 1 << 20  # of one pattern's automaton; what needs more is refused


def _check_pattern(pattern: str) -> str:
    try:
        found = compile_pattern(pattern)
    except re2.error as error:
        reason = str(error.args[0] if error.args else "")
        told = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise PydanticCustomError(
            "pattern_invalid", "{pattern} is no pattern of RE2's: {reason}",
            {"pattern": pattern[:60], "reason": told.removeprefix("b'").rstrip("'")[:100]},
        ) from None  # fmt: skip
    if found.search("") is not None:
        raise PydanticCustomError(
            "pattern_empty", "{pattern} fits where nothing stands", {"pattern": pattern[:60]}
        )
    return pattern


Pattern = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=LONGEST_PATTERN),
    AfterValidator(_check_pattern),
]


class Masking(BaseModel):
    """A choice; an empty one takes nothing out. `passages`: out of what was found as well."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kinds: Annotated[tuple[Kind, ...], Field(max_length=len(Kind))] = ()
    patterns: Annotated[tuple[Pattern, ...], Field(max_length=MOST_PATTERNS)] = ()
    passages: bool = False

    @property
    def takes_out(self) -> bool:
        return bool(self.kinds or self.patterns)


def read_masking(stored: Mapping[str, Any] | None) -> Masking:
    """A choice from its column. Raises ValidationError for one that is broken."""
    return Masking.model_validate(stored or {})


def check_masking(value: Any) -> None:
    """Validate the column; an empty one chooses nothing."""
    check_stored(Masking, value)


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Any:
    """RE2 reads a text once, whatever the pattern. Raises re2.error."""
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    return re2.compile(pattern, options)
