"""Columns that hold one JSON object, checked by the pydantic model that says what may stand in it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from pydantic import BaseModel, ValidationError


def check_stored(kind: type[BaseModel], value: Any) -> None:
    """Raise Django's ValidationError with the first thing that is wrong and its place."""
    try:
        kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"{place}: {first['msg']}" if place else first["msg"]) from None
