"""One pydantic class per noun: it describes an answer, renders it from a row, and what is read derives from it.

    class BotProfileSchema(Noun, of=BotProfile):        # the component is named BotProfile
        id: Shown[UUID]
        name: str
        temperature: float
        created_at: Shown[Moment]

    class NewBot(BotProfileSchema, reads="new"): ...            # name and temperature, as the model bounds them
    class BotChanges(BotProfileSchema, reads="changes"):        # the same, and nothing has to be there
        is_active: StrictBool

- A noun's fields are in the order of the wire and are found as attributes of a row (or keys of a dict). Another
  attribute is named by `validation_alias`. A field that is not always there has `Sometimes[…]` and is left out while
  it is None.
- `of` is the model whose columns bound what is read, see `minirag.lib.bounds`, and whose defaults count for what is not
  sent.
- `reads="new"` leaves out what is only `Shown`; `reads="changes"` what is `Fixed` as well, and there nothing has to
  be there: only `model_fields_set` counts. Own fields come on top; one that the noun has too is as they say.

What is rendered is not bounded: a row that is older than a rule is shown as it is.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from inspect import get_annotations
from operator import is_
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field as Column
from django.db.models import Model
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.fields import FieldInfo

from minirag.lib.bounds import bound_items, rules_of
from minirag.lib.http_in.rest import naive_utc

T = TypeVar("T")
EXAMPLE_MOMENT = "2026-11-20T23:38:33.801678"


class _Shown:
    """Marks a field that nobody sends."""


class _Fixed:
    """Marks a field that is sent once and for all."""


def _be_left_out(schema: dict[str, Any]) -> None:
    """Say of a field that it is left out, not that it is null."""
    (kind, _), rest = (
        schema["anyOf"],
        {key: value for key, value in schema.items() if key not in ("anyOf", "default")},
    )
    schema.clear()
    schema.update(kind | rest)


Shown = Annotated[T, _Shown()]
Fixed = Annotated[T, _Fixed()]
Sometimes = Annotated[
    T | None,
    Field(default=None, exclude_if=partial(is_, None), json_schema_extra=_be_left_out),
    _Shown(),
]
EmptyIsNull = BeforeValidator(lambda text: text or None)
RelatedRows = BeforeValidator(lambda related: list(related.all()))
Moment = Annotated[
    datetime,
    PlainSerializer(naive_utc, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$",
            "description": "UTC without a zone; no fraction where it is 0.",
            "examples": [EXAMPLE_MOMENT],
        }
    ),
]


class Noun(BaseModel):
    """Base of what is answered: these keys and no others. The component's name is the class's without `Schema`."""

    model_config = ConfigDict(
        extra="forbid", from_attributes=True,
        hide_input_in_errors=True,  # an error is logged, and what people wrote is not
        defer_build=True,  # each when it is first read or answered: all are an eighth of every process's start
    )  # fmt: skip

    read_as: ClassVar[Literal["", "new", "changes"]] = ""
    row: ClassVar[type[Model] | None] = None
    unread: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(
        cls,
        *,
        reads: Literal["", "new", "changes"] = "",
        of: type[Model] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.read_as = reads or cls.read_as
        cls.row = of or cls.row

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if not cls.read_as:
            return
        cls.model_config["extra"] = "ignore"
        own = {name for base in cls.__mro__ if _is_own(base) for name in get_annotations(base)}
        cls.unread = frozenset(_unread_names(cls))
        for name in cls.unread:
            cls.__pydantic_fields__.pop(name, None)
        if cls.row is not None:
            bound_fields(cls, cls.row, keeping=own)
        if cls.read_as == "changes":
            for field in cls.__pydantic_fields__.values():
                if field.is_required():
                    field.default = None


class Joined:
    """A row with more to show than it has itself: `Joined(token, raw_token=secret)`."""

    def __init__(self, row: Any, **more: Any) -> None:
        self.__dict__.update(more)
        self.row = row

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)


def bound_fields(schema: type[BaseModel], model: type[Model], *, keeping: set[str]) -> None:
    """Give the fields of a class the bounds of the model's columns; and their defaults, but for those of `keeping`."""
    for name, field in schema.__pydantic_fields__.items():
        try:
            column = model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        if not isinstance(column, Column):  # what leads here from other models
            continue
        _bound_field(field, column)
        if field.is_required() and name not in keeping:
            _take_default(field, column)


def _unread_names(schema: type[Noun]) -> set[str]:
    """What the nouns that a class is derived from keep for themselves, unless it says more of it by another base."""
    marks = (_Shown, _Fixed) if schema.read_as == "changes" else (_Shown,)
    found: set[str] = set()
    for base in reversed(schema.__mro__):
        if _is_own(base):
            found -= set(get_annotations(base))
        elif issubclass(base, Noun):
            fields = base.__pydantic_fields__.items()
            found |= {name for name, field in fields if _is_marked(field, marks)}
    return found


def _is_own(base: type) -> bool:
    """Whether a base says what is read, rather than being the noun that it is read from."""
    if issubclass(base, Noun):
        return bool(base.read_as)
    return issubclass(base, BaseModel)


def _is_marked(field: FieldInfo, marks: tuple[type, ...]) -> bool:
    return any(isinstance(each, marks) for each in field.metadata)


def _bound_field(field: FieldInfo, column: Any) -> None:
    kinds = [each for each in get_args(field.annotation) if each is not NoneType]
    is_nullable = get_origin(field.annotation) in (Union, UnionType) and len(kinds) == 1
    kind = bound_items(column, kinds[0] if is_nullable else field.annotation)
    if rules := rules_of(column):
        kind = Annotated[(kind, *rules)]
    field.annotation = kind | None if is_nullable else kind


def _take_default(field: FieldInfo, column: Any) -> None:
    if callable(column.default) and column.has_default():
        field.default_factory = column.default
    elif column.has_default():
        field.default = column.default
    elif column.null:
        field.default = None
    elif column.blank and column.empty_strings_allowed:
        field.default = ""
