"""Points in time are read as Django reads them, and in a fraction of the time."""

from __future__ import annotations

import pytest
from django.db import DataError, connection
from django.db.backends.postgresql.base import TIMESTAMPTZ_OID
from django.db.backends.postgresql.psycopg_any import register_tzloader
from psycopg.pq import Format

from tenants.backend.moments import UtcLoader

MOMENTS = [
    "2026-11-30 17:54:50.123456+00", "2026-11-30 17:54:50+00", "2026-11-30 17:54:50.1+00",
    "2026-02-28 23:59:59.999999+05:30", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00",
    "1883-11-18 12:03:58-04:56:02",
]  # fmt: skip


def read(moment, *, by_django=False, zone="UTC"):
    with connection.cursor() as cursor:
        if by_django:
            register_tzloader(connection.timezone, cursor.cursor)
        cursor.execute(
            "SELECT %s::timestamptz AT TIME ZONE 'UTC', %s::timestamptz", [moment, moment]
        )
        return cursor.fetchone()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_moment_is_what_django_reads(db, moment):
    found, expected = read(moment), read(moment, by_django=True)
    assert found == expected
    assert found[1].tzinfo is expected[1].tzinfo is connection.timezone
    with connection.cursor() as cursor:
        assert cursor.cursor.adapters.get_loader(TIMESTAMPTZ_OID, Format.TEXT) is UtcLoader


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "0044-03-15 12:00:00+00 BC"])
def test_what_is_no_moment_of_pythons_is_refused_as_ever(db, moment):
    with pytest.raises(DataError):
        read(moment)
