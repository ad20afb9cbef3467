"""How long, how many, from where to where: said once, on the column, and read off it by forms and schemas.

A model's validators are what Django's forms check, and `rules_of` gives the same to a pydantic field, so that what the
admin takes and what `/v1` takes cannot drift apart. `ListOf` and `JsonOfAtMost` say what Django has no validator for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args

import annotated_types
from django.core.exceptions import ValidationError
from django.core.validators import (
    DecimalValidator,
    EmailValidator,
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
    RegexValidator,
)
from django.db.models import Field as Column
from django.db.models import Model
from django.utils.deconstruct import deconstructible
from pydantic import AfterValidator, BaseModel
from pydantic import Field as about
from pydantic import ValidationError as Unfit

_annotated: Any = Annotated  # made of values that are only known here
# Their types say the same in pydantic, in words of its own.
_SAID_BY_THE_TYPE = (EmailValidator, RegexValidator)
_LIMITS: dict[type, Callable[[Any], Any]] = {
    MinLengthValidator: annotated_types.MinLen,
    MaxLengthValidator: annotated_types.MaxLen,
    MinValueValidator: annotated_types.Ge,
    MaxValueValidator: annotated_types.Le,
}


@deconstructible
class ListOf:
    """A column's JSON is a list of at most `items` texts of at most `length` characters."""

    def __init__(self, items: int, length: int) -> None:
        self.items = items
        self.length = length

    def __call__(self, value: Any) -> None:
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise ValidationError("Enter a list of texts.")
        if len(value) > self.items or any(len(each) > self.length for each in value):
            raise ValidationError(f"At most {self.items} of at most {self.length} characters.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ListOf) and (self.items, self.length) == (
            other.items,
            other.length,
        )

    __hash__ = None  # type: ignore[assignment]


def check_stored(kind: type[BaseModel], value: Any) -> None:
    """Raise Django's ValidationError with the first thing that is wrong with a column's JSON, and its place."""
    try:
        kind.model_validate_json(json.dumps(value))
    except Unfit as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValidationError(f"{place}: {first['msg']}" if place else first["msg"]) from None


@deconstructible
class JsonOfAtMost:
    """A column's JSON is written in at most `length` characters."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, value: Any) -> None:
        if len(json.dumps(value)) > self.length:
            raise ValidationError(f"More than {self.length} characters as JSON.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonOfAtMost) and self.length == other.length

    __hash__ = None  # type: ignore[assignment]


def longest(model: type[Model], name: str) -> int:
    """How many characters a column takes, for a form field that has another name or form than the column."""
    column: Any = model._meta.get_field(name)
    length: int = column.max_length
    return length


@dataclass(frozen=True)
class AsColumn(annotated_types.GroupedMetadata):
    """`Annotated[str, AsColumn(Tenant, "name")]` takes what that column takes, under whatever name it is sent."""

    model: type[Model]
    name: str

    def __iter__(self) -> Iterator[Any]:
        column: Any = self.model._meta.get_field(self.name)
        yield from rules_of(column)


def rules_of(column: Column[Any, Any]) -> list[Any]:
    """What pydantic has to be told so that it takes what the column's own validators take."""
    if column.choices:  # an enumeration says it all
        return []
    found: list[Any] = []
    checks: list[Any] = []
    for validator in column.validators:
        limit = next((make for kind, make in _LIMITS.items() if type(validator) is kind), None)
        if limit is not None:
            found.append(limit(validator.limit_value))  # type: ignore[attr-defined]
        elif isinstance(validator, DecimalValidator):
            digits, places = validator.max_digits, validator.decimal_places
            found += about(max_digits=digits, decimal_places=places).metadata
        elif isinstance(validator, ListOf):
            found.append(annotated_types.MaxLen(validator.items))
        elif not isinstance(validator, _SAID_BY_THE_TYPE):
            checks.append(AfterValidator(_as_pydantic(validator)))
    return found + checks


def bound_items(column: Column[Any, Any], annotation: Any) -> Any:
    """The annotation of a list, with what the column says of its items."""
    rule = next((each for each in column.validators if isinstance(each, ListOf)), None)
    if rule is None:
        return annotation
    if hasattr(annotation, "__metadata__"):  # bound already, in a class that this one derives from
        annotation = annotation.__origin__
    (item,) = get_args(annotation)
    kind, others = getattr(item, "__origin__", item), getattr(item, "__metadata__", ())
    limits = (annotated_types.MinLen(1), annotated_types.MaxLen(rule.length))
    return list[_annotated[(kind, *limits, *others)]]


def _as_pydantic(validator: Callable[[Any], None]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        try:
            validator(value)
        except ValidationError as error:
            raise ValueError(" ".join(error.messages)) from None
        return value

    return check
