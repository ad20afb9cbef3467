"""A moment that a client writes is UTC afterwards, or 422."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any, get_args, get_origin

import pytest
from django.urls import get_resolver
from pydantic import BaseModel, TypeAdapter, ValidationError

from minirag.lib import days, moments
from minirag.lib.http_in.reading import Body
from minirag.lib.moments import Moment

READ = TypeAdapter(Moment)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T23:38:33", datetime(2026, 11, 20, 23, 38, 33, tzinfo=UTC)),
        ("2026-11-20T23:38:33Z", datetime(2026, 11, 20, 23, 38, 33, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        # PostgreSQL knows no zone that far away.
        ("0317-06-14T23:17:46+20:22", datetime(317, 6, 14, 2, 55, 46, tzinfo=UTC)),
    ],
)
def test_it_is_read_as_utc(text, expected):
    moment = READ.validate_python(text)
    assert (moment, moment.utcoffset()) == (expected, expected.utcoffset())


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+20:22",
        "9999-12-31T23:59:59-20:00",
        "1763682000",
        1763682000,
        "tomorrow",
        "",
        True,
    ],
)
def test_what_is_none_is_refused(text):
    with pytest.raises(ValidationError):
        READ.validate_python(text)


@pytest.mark.parametrize(
    "moment", ["0317-06-14T05:17:46%2B20:22", "0001-01-01", "9999-12-31T23:59:59Z"]
)
def test_the_oldest_and_the_last_moments_may_be_asked_for(as_acme, moment):
    assert as_acme.get(f"/v1/audit-events?created_from={moment}").status_code == 200
    assert as_acme.get(f"/v1/audit-events?created_to={moment}").status_code == 200


def models_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for known in model.__subclasses__():
        yield known
        yield from models_of(known)


def has_a_private_reader(annotation: Any, metadata: Iterable[Any] = ()) -> bool:
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return has_a_private_reader(inner, metadata)
    if annotation in (date, datetime):
        modules = {getattr(getattr(item, "func", None), "__module__", "") for item in metadata}
        return not modules & {moments.__name__, days.__name__}
    return any(has_a_private_reader(part) for part in get_args(annotation))


def test_no_body_or_query_reads_moments_and_days_in_a_way_of_its_own():
    """Left alone, pydantic takes numbers, and zones that PostgreSQL refuses: a 500."""
    assert get_resolver("minirag.urls").url_patterns, (
        "every view is imported, and with it its bodies"
    )
    models = [model for model in models_of(Body) if ".tests." not in model.__module__]
    assert len(models) > 50
    assert not [
        f"{model.__module__}.{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if has_a_private_reader(field.annotation, field.metadata)
    ]
