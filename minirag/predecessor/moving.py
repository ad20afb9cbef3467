"""Take the tenants of a MiniRAG 1.0 in, each in one transaction: all of it, or nothing of it.

Ids stay as they are, so that links, widgets and programs go on working, and so that a second run knows what is here.
What cannot be kept is named with its reason and does not stop the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Q

from minirag.lib.errors import ProductError
from minirag.predecessor.converting import OldKey, at
from minirag.predecessor.filling import Filling
from minirag.predecessor.reading import OldDatabase, OldDatabaseRefused, Row
from minirag.predecessor.report import Moved
from tenants import audit, schemas
from tenants.context import tenant_context
from tenants.due import make_all_due
from tenants.models import Role, Tenant, TenantStatus, make_schema_name
from tenants.provisioning import check_slug


@dataclass(frozen=True)
class Wishes:
    """What the operator asks for."""

    key: OldKey
    only: frozenset[str] = frozenset()
    slugs: Mapping[str, str] = field(default_factory=dict)
    member_role: str = Role.MEMBER
    is_dry: bool = False


def move_tenants(old: OldDatabase, wishes: Wishes) -> Iterator[Moved]:
    """Move tenant after tenant and tell of each. Raises OldDatabaseRefused before the first, where nothing can be."""
    rows = old.tenants()
    strangers = (wishes.only | set(wishes.slugs)) - {row["slug"] for row in rows}
    if strangers:
        raise OldDatabaseRefused(f"The old database has no tenant {', '.join(sorted(strangers))}.")
    for row in rows:
        if not wishes.only or row["slug"] in wishes.only:
            yield _move(old, row, wishes)


def check_key(old: OldDatabase, key: OldKey) -> None:
    """Refuse a key that opens nothing of what is there, before anything is written. Raises OldDatabaseRefused."""
    sealed = old.sealed()
    if sealed and not key.is_given:
        raise OldDatabaseRefused(
            "There are provider keys in the old database: give the ENCRYPTION_KEY of that installation, or say "
            "--without-keys."
        )
    if sealed and not any(key.opens(each) for each in sealed):
        raise OldDatabaseRefused(
            "Of the provider keys in the old database none opens with this key: it is not the ENCRYPTION_KEY of that "
            "installation. To leave them out, say --without-keys."
        )


def _move(old: OldDatabase, row: Row, wishes: Wishes) -> Moved:
    slug = wishes.slugs.get(row["slug"], row["slug"])
    moved = Moved(slug, row["name"] or slug)
    here = Tenant.objects.filter(pk=row["id"]).first()
    if here is not None:
        moved.slug, moved.state = here.slug, "here"
        return moved
    try:
        check_slug(slug)
        with tenant_context(None), transaction.atomic():
            _take_in(old, row, slug, wishes, moved)
            if wishes.is_dry:
                transaction.set_rollback(True)
    except schemas.SchemaExists:
        moved.state, moved.detail = "refused", _name_taken(slug)
    except ProductError as error:
        moved.state, moved.detail = "refused", error.detail
    except (
        DataError,
        IntegrityError,
    ) as error:  # the first line names table and rule, and nothing of a row
        moved.state, moved.detail = "refused", str(error).splitlines()[0]
    return moved


def _take_in(old: OldDatabase, row: Row, slug: str, wishes: Wishes, moved: Moved) -> None:
    schema_name = make_schema_name(slug)
    if Tenant.objects.filter(Q(slug=slug) | Q(schema_name__iexact=schema_name)).exists():
        raise OldDatabaseRefused(_name_taken(slug))
    tenant = Tenant(
        id=row["id"],
        name=row["name"] or "",
        slug=slug,
        schema_name=schema_name,
        plan=row["plan"] or "free",
    )
    if not row["is_active"]:
        tenant.status, tenant.status_reason = TenantStatus.SUSPENDED, "It was off in MiniRAG 1.0."
    tenant.save(force_insert=True)
    Tenant.objects.filter(pk=tenant.pk).update(created_at=at(row["created_at"]))
    tenant.schema_version = schemas.create_schema(tenant)
    with tenant_context(tenant):
        Filling(old, tenant, wishes.key, wishes.member_role, moved).fill()
    connection.check_constraints()  # now, so that a dry run says what a real one would
    schemas.settle_schema(tenant)
    came: dict[str, Any] = dict(sorted(moved.came.items()))
    audit.record(
        "tenant.imported", tenant=tenant,
        detail={"from": "MiniRAG 1.0", "rows": came, "left_out": len(moved.faults)},
    )  # fmt: skip
    make_all_due(tenant.pk)


def _name_taken(slug: str) -> str:
    return f"the slug '{slug}' is another tenant's here; give it another one with --slug {slug}=NEW"
