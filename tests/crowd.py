"""Many rows out of one: what a page costs may not depend on how many there are."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models

Field = models.Field


def multiply(row: models.Model, count: int) -> list[Any]:
    """Store `count` rows like this one, different only in what has to be unique."""
    model = type(row)
    made = []
    others = {field: _others_of(row, field, count) for field in _links_alone(model)}
    others |= {field: _twins_of(row, field, count) for field in _links_of_one(model)}
    for number in range(count):
        twin = copy.copy(row)
        twin._state = copy.copy(row._state)
        twin._state.adding = True
        for field in _telling_fields(model):
            setattr(twin, field.attname, _another(field, getattr(row, field.attname), number))
        for field, keys in others.items():
            setattr(twin, field.attname, keys[number])
        made.append(twin)
    return model._default_manager.bulk_create(made)


def _telling_fields(model: type[models.Model]) -> list[Field]:
    """What tells rows apart: the key, unique columns, and of each constraint all that is no choice and no relation."""
    names = {name for constraint in _unique_constraints(model) for name in constraint}
    return [
        field
        for field in model._meta.concrete_fields
        if field.unique or (field.name in names and not field.choices and not field.remote_field)
    ]


def _links_alone(model: type[models.Model]) -> Iterator[Field]:
    """Of each constraint that is about several relations alone, the first of them."""
    for names in _unique_constraints(model):
        fields = [model._meta.get_field(name) for name in names]
        if len(fields) > 1 and all(field.remote_field for field in fields):
            yield fields[0]  # type: ignore[misc]


def _links_of_one(model: type[models.Model]) -> Iterator[Field]:
    """The relations that each row has to itself, by the column or by a constraint of nothing else."""
    alone = [names[0] for names in _unique_constraints(model) if len(names) == 1]
    for field in model._meta.concrete_fields:
        if field.remote_field and not field.null and (field.unique or field.name in alone):
            yield field


def _unique_constraints(model: type[models.Model]) -> Iterator[list[str]]:
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            yield [*constraint.fields, *_names_in(constraint.expressions)]


def _names_in(expressions: Iterable[Any]) -> Iterator[str]:
    for each in expressions:
        if isinstance(each, models.F):
            yield each.name
        else:
            yield from _names_in(each.get_source_expressions())


def _others_of(row: models.Model, field: Field, count: int) -> list[Any]:
    rows: Any = field.related_model._default_manager  # type: ignore[union-attr]
    return list(rows.exclude(pk=getattr(row, field.attname)).values_list("pk", flat=True)[:count])


def _twins_of(row: models.Model, field: Field, count: int) -> list[Any]:
    return [twin.pk for twin in multiply(getattr(row, field.name), count)]


def _another(field: Field, value: Any, number: int) -> Any:
    if value is None or isinstance(field, models.AutoField) or field.remote_field is not None:
        return None
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.DateTimeField):
        return value.replace(year=1990 + number % 30, microsecond=number)
    if isinstance(field, models.BooleanField):
        return value
    if isinstance(field, models.IntegerField):
        return 1000 + number
    name, at, domain = str(value).partition("@")
    tail = f"-{uuid.uuid4().hex[:12]}"
    return f"{name[: (field.max_length or 100) - len(tail) - len(domain) - 1]}{tail}{at}{domain}"
