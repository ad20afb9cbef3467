"""A bound is said once, on the column: schemas and forms take what it takes, to the last character."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.validators import (
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
)
from django.db.models import EmailField
from django.db.models import Field as Column
from django.forms import ChoiceField, ModelForm
from django.urls import get_resolver
from pydantic import BaseModel
from pydantic import ValidationError as Invalid

from bots.models import BotProfile
from knowledge.models import Dataset, Source
from minirag.lib.bounds import JsonOfAtMost, ListOf
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.openapi import operations_of
from tenants.admin_site.sites import platform_site, tenant_site
from tests.test_docs import walk_routes

DOCUMENTED = {"Bots": BotProfile, "Datasets": Dataset, "Sources": Source}


def bodies() -> list[type[BaseModel]]:
    """Every body of every route of the API."""
    found = {
        operation.body
        for _, pattern in walk_routes(get_resolver("minirag.urls").url_patterns)
        for operation in operations_of(pattern.callback).values()
        if operation.body is not None
    }
    return sorted(found, key=lambda body: body.__name__)


def bounded_fields() -> Iterator[Any]:
    for body in bodies():
        model = getattr(body, "row", None)
        for name in body.model_fields if model else ():
            try:
                column = model._meta.get_field(name)
            except FieldDoesNotExist:
                continue
            if not isinstance(column, EmailField) and list(edges_of(column)):
                yield pytest.param(body, name, column, id=f"{body.__name__}.{name}")


def edges_of(column: Any) -> Iterator[tuple[Any, Any]]:
    """Each bound of a column, with a value at it or just beyond it."""
    if not isinstance(column, Column):
        return
    number = Decimal if column.get_internal_type() == "DecimalField" else int
    for rule in () if column.choices else column.validators:
        limit = getattr(rule, "limit_value", None)
        if type(rule) in (MaxLengthValidator, MinLengthValidator):
            values = ["x" * limit, "x" * (limit + 1)]
        elif type(rule) in (MaxValueValidator, MinValueValidator):
            values = [number(limit) - 1, number(limit), number(limit) + 1]
        elif isinstance(rule, ListOf):
            texts = ["https://a.example.com"]
            values = [texts * rule.items, texts * (rule.items + 1)]
            values += [["x" * rule.length], ["x" * (rule.length + 1)], [""]]
        elif isinstance(rule, JsonOfAtMost):
            values = [{"a": "x" * (rule.length - 9)}, {"a": "x" * (rule.length - 8)}]
        else:
            continue
        yield from ((rule, value) for value in values)


def rule_takes(rule: Any, value: Any) -> bool:
    try:
        rule(value)
    except ValidationError:
        return False
    return True


BOUNDS = ("too_", "greater_than", "less_than", "string_too", "decimal_")


def body_takes(body: type[BaseModel], name: str, value: Any) -> bool:
    """Whether the body finds no fault with this field's length, count or range."""
    try:
        body.model_validate({name: value})
    except Invalid as error:
        own = [each for each in error.errors() if each["loc"][0] == name]
        return not any(
            each["type"].startswith(BOUNDS) or "characters as JSON" in each["msg"] for each in own
        )
    return True


@pytest.mark.parametrize(("body", "name", "column"), list(bounded_fields()))
def test_a_body_takes_what_its_column_takes(body, name, column):
    for rule, value in edges_of(column):
        assert body_takes(body, name, value) == rule_takes(rule, value), (rule, repr(value)[:80])


def forms() -> Iterator[Any]:
    for site in (tenant_site, platform_site):
        for model, page in site._registry.items():
            declared = {page.form, *((getattr(page, "add_form", None) and [page.add_form]) or [])}
            for form in declared:
                for name, field in getattr(form, "declared_fields", {}).items():
                    try:
                        column = model._meta.get_field(name)
                    except FieldDoesNotExist:
                        continue
                    if isinstance(field, ChoiceField):  # bound by its choices
                        continue
                    if issubclass(form, ModelForm) and list(edges_of(column)):
                        yield pytest.param(field, column, id=f"{form.__name__}.{name}")


@pytest.mark.parametrize(("field", "column"), list(forms()))
def test_a_form_refuses_nothing_that_its_column_takes(field, column):
    """What it takes too much is refused by the column itself, whose validators every model form runs."""
    for rule, value in edges_of(column):
        if rule_takes(rule, value):
            field.clean("\n".join(value) if isinstance(value, list) else value)


def test_every_body_of_a_noun_is_bound_by_its_model():
    """A body that repeats a noun's fields in words of its own would drift from the column."""
    loose = [
        body.__name__
        for body in bodies()
        if issubclass(body, Noun) and getattr(body, "row", None) is None
    ]
    assert loose == []


def test_the_admin_keeps_as_many_origins_as_the_api(in_acme):
    column = BotProfile._meta.get_field("allowed_origins")
    with pytest.raises(ValidationError):
        column.run_validators(["https://a.example.com"] * 51)
    bot = BotProfile(name="x", allowed_origins=["https://a.example.com"] * 51)
    with pytest.raises(ValidationError, match="At most 50 of at most 300 characters"):
        bot.full_clean()


# --- told -----------------------------------------------------------------------------------------------------------
def documented_fields() -> Iterator[Any]:
    """The rows of api.md's tables of fields, by their section."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "api.md").read_text()
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.M | re.S))
    for heading, model in DOCUMENTED.items():
        for name, row in re.findall(r"^\| `(\w+)` (\|.*)$", sections[heading], re.M):
            try:
                column = model._meta.get_field(name)
            except FieldDoesNotExist:
                continue
            yield pytest.param(row, column, id=f"{heading}: {name}")


@pytest.mark.parametrize(("row", "column"), list(documented_fields()))
def test_a_bound_is_told_as_it_is(row, column):
    told = {int(number) for number in re.findall(r"\d+", row.replace(",", ""))}
    for rule in [] if column.choices else column.validators:
        if isinstance(rule, ListOf):
            assert {rule.items, rule.length} <= told
        elif isinstance(rule, JsonOfAtMost):
            assert rule.length in told
        elif type(rule) in (MaxLengthValidator, MaxValueValidator) and rule.limit_value < 2**31 - 1:
            assert int(rule.limit_value) in told
