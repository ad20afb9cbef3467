"""Which sources a question may be answered from, of those that its bot has: a filter only ever takes away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Self
from uuid import UUID

from django.utils.translation import gettext
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from minirag.lib.bounds import check_stored
from minirag.lib.text.language_table import LANGUAGES

MOST_TAGS: Final = 50
LONGEST_TAG: Final = 50
MOST_FILTERED: Final = 200  # sources or datasets that a filter names

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TAG)]
Ids = Annotated[list[UUID], Field(min_length=1, max_length=MOST_FILTERED)]


class SourceFilter(BaseModel):
    """What is asked of a source: everything that is named here, and of a list one of it.

    A source has a tag where it, its parent or its dataset has it. Its date is `dated_on`, or else the day it was added;
    both ends belong to the range. What says nothing of what is asked, such as an external base of its language, is out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tags: Annotated[list[Tag], Field(min_length=1, max_length=MOST_TAGS)] | None = None
    dataset_ids: Ids | None = None
    source_ids: Ids | None = None
    languages: Annotated[list[str], Field(min_length=1, max_length=50)] | None = None
    dated_from: date | None = None
    dated_until: date | None = None

    @property
    def says_anything(self) -> bool:
        return any(getattr(self, name) is not None for name in type(self).model_fields)

    @model_validator(mode="after")
    def _make_sense(self) -> Self:
        if unknown := [each for each in self.languages or () if each not in LANGUAGES]:
            raise PydanticCustomError(
                "language_unknown", "No language has the code {code}", {"code": unknown[0][:20]}
            )
        if self.dated_from and self.dated_until and self.dated_from > self.dated_until:
            raise PydanticCustomError("dates_reversed", "dated_from is after dated_until")
        return self


def read_source_filter(stored: dict[str, Any]) -> SourceFilter | None:
    """Return a bot's filter from its column, None where it has none. Raises ValidationError for one that is broken."""
    return SourceFilter.model_validate(stored) if stored else None


def check_source_filter(value: Any) -> None:
    """Validate the column."""
    if value != {}:
        check_stored(SourceFilter, value)


def tell_filter(stored: Mapping[str, Any]) -> str:
    """A filter in one line."""
    told = (
        f"{key.replace('_', ' ')}: {', '.join(value) if isinstance(value, list) else value}"
        for key, value in stored.items()
    )
    return "; ".join(told) or gettext("all that it has")
