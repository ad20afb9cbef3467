"""What is stored, for the tests of isolation: every row of a tenant as a fingerprint, every text with a marker."""

from __future__ import annotations

import base64
import json
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Q

from tenants.models import ApiToken, AuditEvent, BotAddress, Domain, Tenant, User


def tables_of(schema: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [schema]
        )
        return sorted(name for (name,) in cursor.fetchall())


def take_fingerprint(tenant: Tenant) -> dict[str, Any]:
    """Everything acme has, in its schema and in the public one, as one hash for each table."""
    schema, prints = tenant.schema_name, {}
    rows_as_one = "md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
    with connection.cursor() as cursor:
        # One statement for all tables: this is asked before and after each test.
        cursor.execute(
            " UNION ALL ".join(
                f'SELECT \'{table}\', count(*), {rows_as_one} FROM "{schema}"."{table}" t'
                for table in tables_of(schema)
            )
        )
        prints |= {table: (count, rows) for table, count, rows in cursor.fetchall()}
    ours = Q(tenant=tenant)
    tokens = ApiToken.objects.filter(ours | Q(user__tenant=tenant)).order_by("pk")
    prints["tokens"] = list(
        tokens.values_list("pk", "user_id", "tenant_id", "name", "is_active", "token_hash")
    )
    users = User.objects.filter(ours).order_by("pk")
    prints["users"] = list(
        users.values_list("pk", "email", "password", "role", "is_active", "display_name")
    )
    prints["domains"] = list(Domain.objects.filter(ours).order_by("pk").values_list("pk", "domain"))
    prints["addresses"] = list(BotAddress.objects.filter(ours).order_by("pk").values_list("pk"))
    prints["tenant"] = list(
        Tenant.objects.filter(pk=tenant.pk).values_list("name", "slug", "status", "status_reason")
    )
    # Of the one public log only what is acme's: what globex does is written there too, as globex's.
    events = AuditEvent.objects.filter(tenant_slug=tenant.slug).order_by("pk")
    prints["audit events"] = list(events.values())
    return prints


def find_marker(schema: str, marker: str, *, but_in_log_of: Tenant | None = None) -> list[str]:
    """Name the tables of a schema that hold a text in any column of any row, in bytes columns too.

    The audit log is one public table that is read through its tenant only; it tells the ids and the names of what
    was written. `but_in_log_of` leaves out the rows of the tenant whose they are, and no others.
    """
    patterns = [
        f"%{marker}%".lower(),
        f"%{marker.encode().hex()}%",
        f"%{base64.b64encode(marker.encode()).decode()[:-4]}%".lower(),
    ]
    looks: list[str] = []
    values: list[Any] = []
    for table in tables_of(schema):
        condition = "lower(t::text) LIKE ANY (%s)"
        values.append(patterns)
        if but_in_log_of is not None and table == AuditEvent._meta.db_table:
            condition += " AND tenant_slug <> %s"
            values.append(but_in_log_of.slug)
        looks.append(
            f'SELECT \'{table}\' WHERE EXISTS (SELECT FROM "{schema}"."{table}" t WHERE {condition})'
        )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(looks), values)
        found = [table for (table,) in cursor.fetchall()]
    if schema == "public" and any(
        marker in json.dumps(row.get_decoded()) for row in Session.objects.all()
    ):
        found.append("django_session (decoded)")
    return found
