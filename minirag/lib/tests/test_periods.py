from __future__ import annotations

from datetime import UTC, datetime

import pytest

from minirag.lib.periods import end_of, is_time_zone, start_of


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(("period", "moment", "zone", "start", "end"), [
    ("day", utc(2026, 11, 21, 12), "UTC", utc(2026, 11, 21), utc(2026, 11, 22)),
    ("month", utc(2026, 11, 21, 12), "UTC", utc(2026, 11, 1), utc(2026, 12, 1)),
    # It is the next day, and the next month, in the east before it is at Greenwich; in the west after.
    ("month", utc(2026, 11, 30, 23, 30), "Europe/Berlin", utc(2026, 11, 30, 23), utc(2026, 12, 31, 23)),
    ("month", utc(2026, 12, 1, 3), "America/New_York", utc(2026, 11, 1, 4), utc(2026, 12, 1, 5)),
    ("month", utc(2026, 12, 31, 23, 30), "UTC", utc(2026, 12, 1), utc(2027, 1, 1)),
    ("month", utc(2028, 2, 29, 12), "UTC", utc(2028, 2, 1), utc(2028, 3, 1)),
    # Days on which the clocks change have 23 and 25 hours.
    ("day", utc(2026, 3, 29, 12), "Europe/Berlin", utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),
    ("day", utc(2026, 10, 25, 12), "Europe/Berlin", utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)),
])  # fmt: skip
def test_days_and_months_begin_at_midnight_of_the_time_zone(period, moment, zone, start, end):
    assert start_of(period, moment, zone) == start
    assert end_of(period, moment, zone) == end


def test_a_total_never_ends():
    assert start_of("total", utc(2026, 11, 21), "UTC").year == 1970
    assert end_of("total", utc(2026, 11, 21), "UTC") is None


@pytest.mark.parametrize(("name", "known"), [
    ("UTC", True), ("Europe/Berlin", True), ("Europe/Nowhere", False), ("../etc/passwd", False), ("", False),
    ("localtime", False), ("europe/berlin", False),
])  # fmt: skip
def test_a_time_zone_is_one_of_the_iana_list(name, known):
    assert is_time_zone(name) is known
