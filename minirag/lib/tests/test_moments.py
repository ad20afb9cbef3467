"""A moment that a client writes is UTC afterwards, or 422."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

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
