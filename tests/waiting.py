"""Work on connections of its own, that waits for rows which the test holds: in which order they are locked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

from tenants.context import tenant_context
from tenants.models import Tenant

_WAITING = """
SELECT count(*), count(backend_xid) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"""


def beside(tenant: Tenant, work: Callable[[], Any]) -> Any:
    """Do it in another thread than the test's, as another process would."""
    try:
        with tenant_context(tenant):
            return work()
    finally:
        connections.close_all()


def wait_until_somebody_waits(how_many: int = 1) -> int:
    """Returns how many of those who wait have changed or locked a row already."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_stat_clear_snapshot()"
            )  # the first look would last for the transaction
            cursor.execute(_WAITING)
            waiting, with_rows = cursor.fetchone()
        if waiting >= how_many:
            return int(with_rows)
        time.sleep(0.02)
    raise AssertionError("nobody waits")
