"""What counts as an outage of PostgreSQL, and what callers are told during one."""

from __future__ import annotations

import pytest
from django.db import InternalError, OperationalError, connection, transaction
from django.test import RequestFactory
from psycopg.errors import CannotConnectNow, ReadOnlySqlTransaction

from minirag import api
from minirag.lib.database import find_outage, run_sync
from minirag.lib.errors import DatabaseUnavailable
from minirag.lib.http_in.rest import answer_outage


def test_a_server_that_takes_no_writes_is_one_that_is_not_available(acme):
    """As a standby does that has not been promoted yet."""
    with (
        pytest.raises(InternalError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute("UPDATE tenants_tenant SET name = name")
    assert isinstance(caught.value.__cause__, ReadOnlySqlTransaction)
    assert isinstance(find_outage(caught.value), DatabaseUnavailable)


def test_a_fault_of_ours_is_no_outage():
    assert find_outage(InternalError("a cursor was closed")) is None
    assert find_outage(ValueError("x")) is None and find_outage(None) is None


async def test_whoever_asks_from_async_code_gets_the_error_that_every_edge_tells():
    def ask() -> None:
        raise OperationalError("the database system is starting up") from CannotConnectNow()

    with pytest.raises(DatabaseUnavailable) as caught:
        await run_sync(ask)
    assert (caught.value.status, caught.value.retryable) == (503, True)


@pytest.mark.parametrize(
    ("path", "accept", "content_type"),
    [
        ("/v1/bot-profiles", "text/html", "application/json"),
        ("/admin/", "text/html,*/*", "text/html; charset=utf-8"),
        ("/admin/", "*/*", "application/json"),
    ],
)
def test_people_are_told_in_words_and_programs_in_json(path, accept, content_type):
    request = RequestFactory().get(path, headers={"Accept": accept})
    for answer in (answer_outage(request), fail_with(OperationalError("gone"), request)):
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")
        assert answer["Content-Type"] == content_type
    assert fail_with(ValueError("x"), request).status_code == 500


def fail_with(error: Exception, request):
    """Django calls `handler500` while it handles the exception."""
    try:
        raise error
    except type(error):
        return api.handler500(request)
