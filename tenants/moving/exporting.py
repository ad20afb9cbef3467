"""Write a tenant into one file, as it is at one moment, while it goes on working."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext

from minirag import __version__
from minirag.lib.errors import BadInput
from minirag.lib.files.choosing import kept_files
from minirag.lib.security.crypto import encrypt, key_of_passphrase
from tenants import audit, schemas
from tenants.context import tenant_context
from tenants.models import Tenant
from tenants.moving.archive import FILES, PUBLIC, SCHEMA, ArchiveWriter, Manifest, is_plain_path
from tenants.moving.layout import ADMIN_LOG, PUBLIC_KINDS, PublicKind, Table, facts_of, tables_of
from tenants.moving.sealing import Resealing

CHECK: Final = "passphrase"
_KIND: Final = "(SELECT app_label || '.' || model FROM public.django_content_type k WHERE k.id = content_type_id)"
SHORTEST_PASSPHRASE: Final = 12
Tell = Callable[[int, int, str], None]


class PassphraseWeak(BadInput):
    """Too short for what it keeps."""

    code = "passphrase_weak"


def tell_nobody(done: int, total: int, what: str) -> None:
    """Of a caller who does not show how far it is."""


def check_passphrase(passphrase: str) -> None:
    """Raise PassphraseWeak."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise PassphraseWeak(
            gettext("A passphrase has at least %(shortest_passphrase)s characters.")
            % {"shortest_passphrase": SHORTEST_PASSPHRASE}
        )


def export_tenant(
    tenant: Tenant, target: BinaryIO, *, passphrase: str | None, tell: Tell = tell_nobody,
    actor: str = "", copied: bool = False,
) -> Manifest:  # fmt: skip
    """Write the tenant's file; its secrets are sealed with the passphrase, or left out where that is None.

    All of it is of one moment: one snapshot of the database, in which nobody waits for us. `copied`: on the way to a
    copy, which writes its own line into the log. Raises PassphraseWeak.
    """
    if passphrase is not None:
        check_passphrase(passphrase)
    if not copied:
        audit.record(
            "tenant.exported", tenant=tenant, actor=actor,
            detail={"with_secrets": passphrase is not None},
        )  # fmt: skip
    salt = secrets.token_bytes(16)
    key = None if passphrase is None else key_of_passphrase(passphrase, salt)
    sealing = Resealing(settings.ENCRYPTION_KEYS, None if key is None else [key])
    with ArchiveWriter(target) as writer:
        with _one_moment():
            tenant = Tenant.objects.get(pk=tenant.pk)
            tables = tables_of(tenant.schema_name)
            kinds = [kind for kind in PUBLIC_KINDS if kind.option != "secrets" or key is not None]
            total = len(tables) + len(kinds) + 1
            for number, kind in enumerate(kinds):
                tell(number, total, kind.name)
                writer.add(
                    PUBLIC + kind.name, _public_rows(kind, tenant, sealing), list(kind.columns)
                )
            for number, table in enumerate(tables.values(), start=len(kinds)):
                tell(number, total, table.name)
                rows = _schema_rows(table, tenant, sealing)
                writer.add(SCHEMA + table.name, rows, list(table.columns))
            migrations = schemas.recorded_migrations(tenant.schema_name)
        left_out = _add_files(writer, tenant)
        if key is None:
            left_out += ["secrets", "second factors"]
        manifest = writer.close({
            "product": __version__, "made_at": timezone.now().isoformat(), "slug": tenant.slug,
            "schema_name": tenant.schema_name, "tenant": facts_of(tenant), "migrations": migrations,
            "secrets": "left_out" if key is None else "sealed", "salt": "" if key is None else salt.hex(),
            "check": "" if key is None else encrypt(CHECK, context=CHECK, keys=[key]),
            "unreadable_secrets": sealing.missed,
            "left_out": left_out,
        })  # fmt: skip
    tell(total, total, "")
    return manifest


@contextmanager
def _one_moment() -> Iterator[None]:
    """A transaction that sees the database as it was when it began, and changes nothing."""
    is_first = not connection.in_atomic_block  # in another's transaction its moment has to do
    with tenant_context(None), transaction.atomic():
        if is_first:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _public_rows(kind: PublicKind, tenant: Tenant, sealing: Resealing) -> Iterator[bytes]:
    quote = connection.ops.quote_name
    columns = ", ".join(map(quote, kind.columns))
    values = {"id": tenant.pk, "slug": tenant.slug, "made": tenant.created_at}
    statement = f"COPY (SELECT {columns} FROM {quote(kind.name)} WHERE {kind.rows}) TO STDOUT"  # noqa: S608
    with tenant_context(None):
        yield from _copy_out(statement, values, sealing)


def _schema_rows(table: Table, tenant: Tenant, sealing: Resealing) -> Iterator[bytes]:
    quote = connection.ops.quote_name
    source = f"{quote(tenant.schema_name)}.{quote(table.name)}"
    columns = ", ".join(map(quote, table.columns))
    statement = f"COPY {source} ({columns}) TO STDOUT"
    if table.name == ADMIN_LOG:
        # Kinds of rows have other numbers elsewhere; and what operators of this installation did stays with them.
        shown = columns.replace(quote("content_type_id"), _KIND)
        theirs = "user_id IN (SELECT id FROM public.tenants_user WHERE tenant_id = %(id)s)"
        statement = f"COPY (SELECT {shown} FROM {source} WHERE {theirs}) TO STDOUT"  # noqa: S608
    with tenant_context(tenant):
        yield from _copy_out(statement, {"id": tenant.pk}, sealing)


def _copy_out(
    statement: str, values: dict[str, Any], sealing: Resealing
) -> Iterator[bytes]:  # each row is a block of its own
    with connection.cursor() as cursor, cursor.copy(statement, values) as copy:
        for block in copy:
            yield sealing.apply(bytes(block))


def _add_files(writer: ArchiveWriter, tenant: Tenant) -> list[str]:
    """The tenant's folder, if it has one; returns what is left out: names that no import takes."""
    files, left_out = kept_files(), []
    for name in files.names(tenant.schema_name):
        stream = FILES + name.removeprefix(f"{tenant.schema_name}/")
        if is_plain_path(stream):
            writer.add(stream, files.pieces(name))
        else:
            left_out = ["files of other names"]
    return left_out
