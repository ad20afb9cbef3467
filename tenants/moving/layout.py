"""Which tables a tenant has, in its schema and among the public ones, and which columns of them travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.db import connection
from django.db.models import AutoField, BigAutoField, Model

from tenants.context import tenant_context
from tenants.models import (
    ApiToken,
    AuditEvent,
    BotAddress,
    Domain,
    SecondFactor,
    SsoIdentity,
    SsoProvider,
    Tenant,
    TenantLogo,
    User,
)

ADMIN_LOG: Final = "django_admin_log"
_LEDGER: Final = "django_migrations"
_COLUMNS = """
SELECT c.relname, a.attname, a.attgenerated <> '', a.attidentity <> ''
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY c.relname, a.attnum"""


@dataclass(frozen=True)
class Table:
    """A table of a tenant's schema; columns that PostgreSQL computes do not travel."""

    name: str
    columns: tuple[str, ...]
    counted: tuple[str, ...] = ()
    """Columns that count by themselves, whose counters have to go on behind what is there."""


def tables_of(schema_name: str) -> dict[str, Table]:
    """Read the tables of a schema from the catalogue, by name."""
    with tenant_context(None), connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [schema_name])
        found = cursor.fetchall()
    columns: dict[str, list[str]] = {}
    counted: dict[str, list[str]] = {}
    for table, column, is_computed, counts in found:
        if table != _LEDGER:
            columns.setdefault(table, []).extend([] if is_computed else [column])
            counted.setdefault(table, []).extend([column] if counts else [])
    return {name: Table(name, tuple(each), tuple(counted[name])) for name, each in columns.items()}


@dataclass(frozen=True)
class PublicKind:
    """Rows of the public schema that are a tenant's. `option` names what leaves them out."""

    model: type[Model]
    rows: str
    option: str = ""

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that travel: a number that only counts the rows is made anew."""
        return tuple(
            str(field.column)
            for field in self.model._meta.concrete_fields
            if not isinstance(field, AutoField | BigAutoField)
        )


_OWN, _THEIRS = "tenant_id = %(id)s", "user_id IN (SELECT id FROM tenants_user WHERE tenant_id = %(id)s)"  # fmt: skip
PUBLIC_KINDS: Final = (
    PublicKind(User, _OWN),
    PublicKind(SecondFactor, _THEIRS, "secrets"),
    PublicKind(SsoProvider, _OWN),
    PublicKind(SsoIdentity, _OWN),
    PublicKind(TenantLogo, _OWN),
    PublicKind(BotAddress, _OWN),
    PublicKind(Domain, _OWN, "hosts"),
    PublicKind(ApiToken, _OWN, "tokens"),
    PublicKind(AuditEvent, "tenant_slug = %(slug)s AND created_at >= %(made)s", "log"),
)
STAYS: Final[dict[str, str]] = {
    "BrowserSession": "a log-in counts where it was made",
    "EmailLink": "a mailed link leads to the installation that mailed it",
    "RecoveryCode": "its digest is made with the installation's own key",
    "SchemaMigration": "the installation's ledger",
    "OperatorToken": "the platform's",
    "OperatorEntry": "operators are this installation's",
    "TenantFigures": "measured anew",
    "TenantDay": "added up anew",
}
"""Public rows with a way to a tenant or a user that do not travel, and why."""


def is_of_tenants(table: str) -> bool:
    """Whether a model of ours, or a table between two of them, has this name: what a file may name at most."""
    return any(
        model._meta.db_table == table for model in apps.get_models(include_auto_created=True)
    )


def facts_of(tenant: Tenant) -> dict[str, Any]:
    """A tenant's own row, as JSON can hold it."""
    return {
        field.attname: field.value_to_string(tenant)
        if field.get_internal_type() != "JSONField"
        else getattr(tenant, field.attname)
        for field in Tenant._meta.concrete_fields
    }
